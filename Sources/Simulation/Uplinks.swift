import Kernel
import Machines

/// How messages share a node's uplink.
public struct UplinkDiscipline: Sendable, Equatable {
  /// Bytes that a connection sends before the next has its turn; `nil`: messages go whole, first
  /// come, first served.
  public var chunk: Int?
  /// Urgent messages (votes) go before others (blocks); one under way is not interrupted.
  public var urgentFirst: Bool

  public init(chunk: Int? = nil, urgentFirst: Bool = false) {
    precondition(chunk.map { $0 > 0 } ?? true, "chunks of \(chunk ?? 0) bytes")
    self.chunk = chunk
    self.urgentFirst = urgentFirst
  }

  /// First come, first served: the time at which a message has left is known when it is sent.
  var isPlain: Bool { chunk == nil && !urgentFirst }
}

/// Messages that wait for their node's uplink.
public struct Uplinks: Sendable {
  public let discipline: UplinkDiscipline

  struct Pending: Sendable, BitwiseCopyable {
    var event: Event
    var route: Route
    var bytes: Int
    /// Bytes still to be sent.
    var left: Int
    /// The next message of its flow, or of the free list.
    var next: UInt32
  }

  /// Messages of one connection, or of one class without turns.
  struct Flow: Sendable, BitwiseCopyable {
    var channel: UInt16
    var connection: UInt32
    var isUrgent: Bool
    var head: UInt32
    var tail: UInt32
  }

  static var none: UInt32 { .max }

  private(set) var pending: [Pending] = []
  private var free = Uplinks.none
  /// Flows with something to send, by node, the next to be served first.
  var flows: [[Flow]]
  var isSending: [Bool]
  /// What each node is sending, if it is.
  var sendingHandle: [UInt32]
  /// Messages whose passage is held back until they have left, by node.
  private var heldBack: [Int32]

  init(discipline: UplinkDiscipline, nodes: Int) {
    self.discipline = discipline
    let active = discipline.isPlain ? 0 : nodes
    flows = Array(repeating: [], count: active)
    isSending = Array(repeating: false, count: active)
    sendingHandle = Array(repeating: Self.none, count: active)
    heldBack = Array(repeating: 0, count: nodes)
  }

  func hasDeferred(_ node: NodeID) -> Bool { heldBack[Int(node.index)] > 0 }

  subscript(handle: UInt32) -> Pending {
    get { pending[Int(handle)] }
    set { pending[Int(handle)] = newValue }
  }

  mutating func add(_ event: Event, bytes: Int, _ route: Route) -> UInt32 {
    let entry = Pending(event: event, route: route, bytes: bytes, left: bytes, next: Self.none)
    guard free != Self.none else {
      pending.append(entry)
      return UInt32(pending.count - 1)
    }
    let handle = free
    free = pending[Int(handle)].next
    pending[Int(handle)] = entry
    return handle
  }

  mutating func release(_ handle: UInt32) {
    pending[Int(handle)].next = free
    free = handle
  }

  mutating func holdBack(_ node: NodeID, by n: Int32) { heldBack[Int(node.index)] += n }

  /// Appends a message to its flow.
  mutating func enqueue(_ event: Event, bytes: Int, _ route: Route) {
    let handle = add(event, bytes: bytes, route)
    let node = Int(route.from.index)
    let isUrgent = discipline.urgentFirst && route.isUrgent
    let takesTurns = discipline.chunk != nil
    let found = flows[node].firstIndex {
      $0.isUrgent == isUrgent
        && (!takesTurns || ($0.channel == route.channel && $0.connection == route.connection))
    }
    if let found {
      pending[Int(flows[node][found].tail)].next = handle
      flows[node][found].tail = handle
    } else {
      flows[node].append(
        Flow(
          channel: route.channel, connection: route.connection, isUrgent: isUrgent, head: handle,
          tail: handle))
    }
  }

  /// Position of the flow whose turn it is.
  func turn(of node: Int) -> Int? {
    flows[node].firstIndex { $0.isUrgent } ?? (flows[node].isEmpty ? nil : 0)
  }

  /// Forgets what waits at `node`, except what is under way: its event will find it void.
  mutating func crash(_ node: NodeID) {
    guard !discipline.isPlain else { return }
    let i = Int(node.index)
    for flow in flows[i] {
      var handle = flow.head
      while handle != Self.none {
        let next = pending[Int(handle)].next
        if !(isSending[i] && handle == sendingHandle[i]) { release(handle) }
        handle = next
      }
    }
    flows[i].removeAll(keepingCapacity: true)
    isSending[i] = false
  }
}

extension World {
  /// Lets the passage of a message begin only when its last bit has left, at `sent`: its sender may
  /// crash before.
  mutating func holdBack(_ event: Event, bytes: Int, _ route: Route, until sent: SimTime) {
    uplinks.holdBack(route.from, by: 1)
    scheduleSent(uplinks.add(event, bytes: bytes, route), from: route.from, at: sent)
  }

  private mutating func scheduleSent(_ handle: UInt32, from node: NodeID, at time: SimTime) {
    queue.push(
      Event(
        at: time, subsystem: 0, kind: WorldEvent.sent.rawValue, target: handle,
        payload: .init(UInt64(machines.epoch(of: node)))))
  }

  /// Sends the next chunk of `node`, unless it is sending or has nothing to send.
  mutating func startUplink(of node: NodeID) {
    let i = Int(node.index)
    guard !uplinks.isSending[i], let turn = uplinks.turn(of: i) else { return }
    let handle = uplinks.flows[i][turn].head
    let chunk = min(uplinks.discipline.chunk ?? .max, uplinks[handle].left)
    let done = machines.send(chunk, from: node, ready: now)
    uplinks.isSending[i] = true
    uplinks.sendingHandle[i] = handle
    scheduleSent(handle, from: node, at: done)
  }

  /// A message, or a chunk of it, has left its node.
  mutating func upon(sent handle: UInt32, epoch: UInt64) {
    let message = uplinks[handle]
    let node = message.route.from
    let isVoid = epoch != UInt64(machines.epoch(of: node))
    if uplinks.discipline.isPlain {
      uplinks.holdBack(node, by: -1)
      uplinks.release(handle)
      if !isVoid {
        propagate(message.event, bytes: message.bytes, over: message.route, sent: now)
      }
      return
    }
    guard !isVoid else { return uplinks.release(handle) }
    let i = Int(node.index)
    uplinks.isSending[i] = false
    let turn = uplinks.flows[i].firstIndex { $0.head == handle }
    guard let turn else { preconditionFailure("message \(handle) left without a flow") }
    let left = message.left - min(uplinks.discipline.chunk ?? .max, message.left)
    uplinks[handle].left = left
    var flow = uplinks.flows[i].remove(at: turn)
    if left == 0 {
      flow.head = message.next
      uplinks.release(handle)
      propagate(message.event, bytes: message.bytes, over: message.route, sent: now)
    }
    // The connection's turn is over: it goes behind the others. Without turns, order stays.
    if flow.head != Uplinks.none {
      if uplinks.discipline.chunk == nil {
        uplinks.flows[i].insert(flow, at: turn)
      } else {
        uplinks.flows[i].append(flow)
      }
    }
    startUplink(of: node)
  }
}
