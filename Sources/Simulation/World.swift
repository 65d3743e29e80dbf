import Kernel
import Ledger
import Machines
import Metrics
import Networking

/// What all subsystems share: time, machines, links, and the observer's books.
///
/// It is one value; nothing outlives it elsewhere, so that a run can be copied.
public struct World: ~Copyable {
  public let seed: UInt64
  public var queue = EventQueue()
  public var machines: Machines
  public var network: Network
  public var uplinks: Uplinks
  /// Connections of each subsystem's roles, by subsystem index.
  var connections: [[Connection]] = []
  /// Latency streams of each subsystem's senders, by subsystem index.
  var streams: [[RandomStream]] = []
  /// Steps that wait for their lane, by lane.
  var inboxes: [Inbox]
  /// Every step takes the two-event way: the reference that the one-event way is tested against.
  public var usesReferenceLanes = false
  /// Nothing may be done ahead that completes after this: the next fault may cut it off.
  var faultHorizon = SimTime.never
  /// It is not known when a fault will strike: what every event brings is looked at.
  var awaitsFaults = false
  /// Crashes that subsystems will ask for when their moment has come, and those asked for.
  var pendingCrashes = 0
  var crashRequests: [CrashRequest] = []
  /// Who numbers the transactions of population p, and where its replies go.
  public internal(set) var populations: [PopulationAddress] = []
  public var logs: [TransactionLog] = []
  /// Decided batches or blocks, by subsystem index.
  public var decisions: [Int] = []
  /// When decisions were made: what series and gaps are computed from, by subsystem index.
  public var decisionLogs: [DecisionLog] = []
  /// What the observer wants to know of the run, and when it ended; no subsystem acts on it.
  public var measuring = Measuring()
  var measuredEnd = SimTime.never
  /// Where each node is, for `sentBytes`: its region, and whether it is outside the cloud.
  var places: [UInt16]
  /// Bytes that left their node, `[(channel * regions + region of the sender) * reaches + reach]`.
  var sentBytes: [Int]
  /// Roles that are to go to other nodes right after the event that asked for it; such runs do
  /// nothing ahead of time.
  var rehostings: [Rehosting] = []
  public var movesRoles = false
  /// What chains with executors have executed, by subsystem index.
  var executions: [ExecutionLog] = []
  public var violations: [Outcome.Violation] = []
  public var warnings: [String] = []
  /// The messages of the beginning of the run, if they are asked for.
  public var trace: Trace?
  /// Set by whoever reached the end of what was to be simulated.
  public var isComplete = false

  public init(seed: UInt64, machines: Machines, network: Network, uplink: UplinkDiscipline) {
    self.seed = seed
    self.machines = machines
    self.network = network
    uplinks = Uplinks(discipline: uplink, nodes: machines.count)
    inboxes = Array(repeating: Inbox(), count: machines.lanes.count)
    places = network.regionOf
    sentBytes = Array(repeating: 0, count: network.regions * Reach.allCases.count)
  }

  public var now: SimTime { queue.now }

  /// An independent world in the same state.
  public func copy() -> World {
    var other = World(
      seed: seed, machines: machines, network: network, uplink: uplinks.discipline)
    other.queue = queue.copy()
    other.uplinks = uplinks
    other.connections = connections
    other.streams = streams
    other.inboxes = inboxes
    other.usesReferenceLanes = usesReferenceLanes
    other.faultHorizon = faultHorizon
    other.awaitsFaults = awaitsFaults
    other.pendingCrashes = pendingCrashes
    other.crashRequests = crashRequests
    other.populations = populations
    other.logs = logs
    other.decisions = decisions
    other.decisionLogs = decisionLogs
    other.executions = executions
    other.rehostings = rehostings
    other.movesRoles = movesRoles
    other.measuring = measuring
    other.measuredEnd = measuredEnd
    other.places = places
    other.sentBytes = sentBytes
    other.violations = violations
    other.warnings = warnings
    other.isComplete = isComplete
    other.trace = trace
    return other
  }
}

/// Where the clients of a population are.
public struct PopulationAddress: Sendable, BitwiseCopyable {
  public var subsystem: UInt16
  /// The role within the subsystem.
  public var role: UInt32
  public var node: NodeID
  /// Subsystem to which its transactions are submitted: their chain. 0: none.
  public var chain: UInt16

  public init(subsystem: UInt16, role: UInt32, node: NodeID, chain: UInt16 = 0) {
    self.subsystem = subsystem
    self.role = role
    self.node = node
    self.chain = chain
  }
}

/// Over which connection a message goes.
public struct Route: Sendable, BitwiseCopyable {
  public var from: NodeID
  public var to: NodeID
  /// Subsystem whose channel it is, sender's role in it, and index of the connection.
  public var channel: UInt16
  public var sender: UInt32
  public var connection: UInt32
  /// Goes before others under an uplink discipline with priorities.
  public var isUrgent: Bool

  /// No connection of its own: a message shorter than a packet, whose order nobody keeps.
  public static var unordered: Int { Int(UInt32.max) }

  public init(
    from: NodeID, to: NodeID, channel: UInt16, sender: Int, connection: Int,
    isUrgent: Bool = false
  ) {
    self.from = from
    self.to = to
    self.channel = channel
    self.sender = UInt32(sender)
    self.connection = UInt32(connection)
    self.isUrgent = isUrgent
  }
}

extension World {
  /// Makes the connections and latency streams of the next subsystem.
  mutating func addChannel(connections count: Int, senders: Int, name: String) {
    connections.append(Array(repeating: Connection(), count: count))
    sentBytes.append(
      contentsOf: repeatElement(0, count: network.regions * Reach.allCases.count))
    streams.append(
      (0..<senders).map {
        RandomStream(seed: seed, purpose: "latency of \(name)", entity: UInt64($0))
      })
  }
}

// MARK: - Sending

extension World {
  /// Hands `event` of `bytes` bytes to the network now; it comes up when its first bit arrives.
  public mutating func transmit(_ event: Event, bytes: Int, over route: Route) {
    guard route.from != route.to else {
      var local = event
      local.time = now
      queue.push(local)
      return
    }
    guard uplinks.discipline.isPlain else {
      uplinks.enqueue(event, bytes: bytes, route)
      startUplink(of: route.from)
      return
    }
    let sent = machines.send(bytes, from: route.from, ready: now)
    let mayForesee = sent == now || (sent < faultHorizon && !usesReferenceLanes)
    if mayForesee, !uplinks.hasDeferred(route.from) {
      propagate(event, bytes: bytes, over: route, sent: sent)
    } else {
      holdBack(event, bytes: bytes, route, until: sent)
    }
  }

  /// Sends `event` on its way: its last bit left the sender at `sent`. Returns what becomes of it.
  @discardableResult
  mutating func propagate(
    _ event: Event, bytes: Int, over route: Route, sent: SimTime
  ) -> Passage {
    countSent(bytes, route)
    let channel = Int(route.channel)
    let passage: Passage
    if route.connection == UInt32.max {
      var fresh = Connection()
      passage = network.passage(
        of: bytes, from: route.from, to: route.to, sent: sent, over: &fresh,
        using: &streams[channel][Int(route.sender)])
    } else {
      passage = network.passage(
        of: bytes, from: route.from, to: route.to, sent: sent,
        over: &connections[channel][Int(route.connection)],
        using: &streams[channel][Int(route.sender)])
    }
    var copy = event
    switch passage {
    case .arrives(let time):
      trace?.note(event, over: route, sent: sent, arrives: time)
      copy.time = time
      queue.push(copy)
    case .lost: break
    case .duplicated(let first, let second):
      copy.time = first
      queue.push(copy)
      copy.time = second
      queue.push(copy)
    }
    return passage
  }

  /// Schedules `event` for this very moment or later, without a network in between.
  public mutating func schedule(_ event: Event) { queue.push(event) }
}

// MARK: - Lanes

/// Steps that wait for a lane, in order of arrival.
struct Inbox: Sendable {
  struct Entry: Sendable, BitwiseCopyable {
    var event: Event
    var handedOver: SimTime
    var work: SimDuration
  }

  var waiting = SlidingArray<Entry>()
  /// Raised by a crash: a service scheduled before it is void.
  var epoch: UInt64 = 0
}

extension World {
  /// Admits a step whose message is complete at `ready` to `lane`. Returns when the lane has
  /// handled it, if it may be handled at once; otherwise it will be served at its completion.
  ///
  /// Handling at once, ahead of time, is the same as at completion as long as nothing can come in
  /// between: the lane is serial and in order of arrival, and only a fault could cut it off.
  public mutating func admit(
    _ event: Event, to lane: Int, of node: NodeID, ready: SimTime, _ verification: SimDuration,
    _ handling: SimDuration
  ) -> SimTime? {
    let (handedOver, work) = machines.handOver(
      to: lane, of: node, ready: ready,
      verification: machines.scaled(verification, on: node),
      handling: machines.scaled(handling, on: node))
    if !usesReferenceLanes, inboxes[lane].waiting.isEmpty {
      let done = max(handedOver, machines.lanes[lane].free) + work
      if done < faultHorizon {
        return machines.serve(lane, ready: handedOver, work: work)
      }
    }
    inboxes[lane].waiting.append(
      Inbox.Entry(event: event, handedOver: handedOver, work: work))
    if inboxes[lane].waiting.count == 1 { scheduleService(of: lane) }
    return nil
  }

  /// Takes back the steps of a role that wait for `lane`: it has gone elsewhere.
  mutating func withdraw(_ subsystem: UInt16, role: Int, from lane: Int) {
    var kept = SlidingArray<Inbox.Entry>()
    while let entry = inboxes[lane].waiting.popFirst() {
      if entry.event.subsystem != subsystem || Int(entry.event.target) != role {
        kept.append(entry)
      }
    }
    inboxes[lane].waiting = kept
    inboxes[lane].epoch += 1
    scheduleService(of: lane)
  }

  mutating func scheduleService(of lane: Int) {
    guard !inboxes[lane].waiting.isEmpty else { return }
    let entry = inboxes[lane].waiting[inboxes[lane].waiting.startIndex]
    let done = max(entry.handedOver, machines.lanes[lane].free) + entry.work
    queue.push(
      Event(
        at: max(done, now), subsystem: 0, kind: WorldEvent.service.rawValue,
        target: UInt32(lane), payload: .init(inboxes[lane].epoch)))
  }
}
