import Kernel

/// A resource that serves one job after the other, first come, first served.
public struct Server: Sendable, BitwiseCopyable {
  /// When all reserved work is done.
  public private(set) var free = SimTime.zero
  /// Work reserved so far.
  public private(set) var busy = SimDuration.zero
  /// When the latest stretch of work without a break begins.
  private var started = SimTime.zero

  public init() {}

  /// Serves `work` from `ready` at the earliest; returns when it is done.
  @inline(__always)
  mutating func serve(_ work: SimDuration, ready: SimTime) -> SimTime {
    if ready > free { wait(until: ready) }
    free += work
    busy += work
    return free
  }

  /// Serves nothing before `time`.
  @inline(__always)
  mutating func wait(until time: SimTime) {
    free = time
    started = time
  }

  /// How long it worked until `time`, which is after all but the latest stretch of work.
  func busy(until time: SimTime) -> SimDuration {
    time < free ? busy - (free - max(time, started)) : busy
  }

  /// Takes back what is reserved beyond `time`.
  mutating func cut(at time: SimTime) {
    busy = busy(until: time)
    wait(until: time)
  }
}

/// The nodes of a run and their queues: cores, uplink, downlink and disk, each first come, first
/// served.
///
/// A FIFO server needs no queue of its own: the time at which it falls idle is its whole state, so
/// that a reservation is one comparison and one addition.
public struct Machines: Sendable {
  /// A serial event loop: the lane of the roles that run on it.
  public struct Lane: Sendable, BitwiseCopyable {
    var server = Server()
    /// When the last message was handed over by its verifier; hand-over is in arrival order.
    public var handedOver = SimTime.zero
    /// When all reserved work is done.
    public var free: SimTime { server.free }

    /// How long it worked until `time`.
    public func busy(until time: SimTime) -> SimDuration { server.busy(until: time) }
  }

  /// The resources of a node that serve for themselves, and where the others are.
  struct Node: Sendable, BitwiseCopyable {
    var uplink = Server()
    var downlink = Server()
    var disk = Server()
    /// Nanoseconds a byte takes; 0 is ideal.
    var uplinkByte: Double
    var downlinkByte: Double
    var diskByte: Double
    var diskFlush: SimDuration
    /// Multiplies CPU costs; 0 is ideal.
    var slowdown: Double
    var clock: Clock
    var firstLane: UInt32
    var lanes: UInt16
    var verifiers: UInt16
    var firstVerifier: UInt32
    var isUp = true
    /// Number of crashes so far: what was under way before a crash is void.
    var epoch: UInt32 = 0
    /// As it was built; a fault changes what is in force.
    var built: Built
  }

  /// A clock showed `shown` at `since`, and runs at `rate` from there.
  struct Clock: Sendable, BitwiseCopyable {
    var since = SimTime.zero
    var shown: Int64
    var rate: Double

    func time(at time: SimTime) -> Int64 {
      let elapsed = (time - since).nanoseconds
      return shown + (rate == 1 ? elapsed : Int64((Double(elapsed) * rate).rounded()))
    }
  }

  /// What faults change and leave again.
  struct Built: Sendable, BitwiseCopyable {
    var slowdown: Double
    var diskByte: Double
    var diskFlush: SimDuration
    var clock: Clock
  }

  var nodes: [Node] = []
  public internal(set) var lanes: [Lane] = []
  var verifiers: [Server] = []

  public init(_ specs: [MachineSpec]) {
    nodes.reserveCapacity(specs.count)
    for spec in specs { append(spec) }
  }

  private mutating func append(_ spec: MachineSpec) {
    let laneCount = spec.processor?.lanes ?? 1
    let verifierCount = (spec.processor?.cores ?? 1) - laneCount
    let built = Built(
      slowdown: spec.processor?.slowdown ?? 0,
      diskByte: spec.disk.map { 1e9 / $0.bytesPerSecond } ?? 0,
      diskFlush: spec.disk?.flush ?? .zero,
      clock: Clock(shown: spec.clockOffset.nanoseconds, rate: 1 + spec.clockDrift * 1e-6))
    nodes.append(
      Node(
        uplinkByte: spec.uplink.map { 8e9 / $0 } ?? 0,
        downlinkByte: spec.downlink.map { 8e9 / $0 } ?? 0,
        diskByte: built.diskByte, diskFlush: built.diskFlush, slowdown: built.slowdown,
        clock: built.clock, firstLane: UInt32(lanes.count), lanes: UInt16(laneCount),
        verifiers: UInt16(verifierCount), firstVerifier: UInt32(verifiers.count), built: built))
    lanes.append(contentsOf: repeatElement(Lane(), count: laneCount))
    verifiers.append(contentsOf: repeatElement(Server(), count: verifierCount))
  }

  public var count: Int { nodes.count }

  /// Index into `lanes` of role number `role` of `node`.
  public func lane(of node: NodeID, role: Int) -> Int {
    let machine = nodes[Int(node.index)]
    return Int(machine.firstLane) + role % Int(machine.lanes)
  }

  /// Indices into `lanes` of all lanes of `node`.
  public func lanes(of node: NodeID) -> Range<Int> {
    let first = Int(nodes[Int(node.index)].firstLane)
    return first..<first + Int(nodes[Int(node.index)].lanes)
  }

  /// Indices into `verifiers` of all verifying cores of `node`.
  private func verifiers(of node: NodeID) -> Range<Int> {
    let first = Int(nodes[Int(node.index)].firstVerifier)
    return first..<first + Int(nodes[Int(node.index)].verifiers)
  }

  public func isUp(_ node: NodeID) -> Bool { nodes[Int(node.index)].isUp }

  /// Whether processing takes no time at `node`.
  public func hasIdealProcessor(_ node: NodeID) -> Bool { nodes[Int(node.index)].slowdown == 0 }

  /// How often `node` has crashed.
  public func epoch(of node: NodeID) -> UInt32 { nodes[Int(node.index)].epoch }
}

// MARK: - Reservations

extension Machines {
  /// Sends `bytes` out of `node` from `ready` at the earliest; returns when the last bit has left.
  public mutating func send(_ bytes: Int, from node: NodeID, ready: SimTime) -> SimTime {
    let i = Int(node.index)
    let perByte = nodes[i].uplinkByte
    guard perByte > 0 else { return ready }
    let work = nearest(Double(bytes) * perByte)
    return nodes[i].uplink.serve(work, ready: ready)
  }

  /// Takes `bytes`, whose first bit arrives at `arrival`, into `node`; returns when all are there.
  public mutating func receive(_ bytes: Int, at node: NodeID, arrival: SimTime) -> SimTime {
    let i = Int(node.index)
    let perByte = nodes[i].downlinkByte
    guard perByte > 0 else { return arrival }
    let work = nearest(Double(bytes) * perByte)
    return nodes[i].downlink.serve(work, ready: arrival)
  }

  /// How long `bytes` take between two nodes at the slower of the sender's uplink and the
  /// receiver's downlink, were both idle. Reserves nothing.
  public func transfer(_ bytes: Int, from a: NodeID, to b: NodeID) -> SimDuration {
    let perByte = max(nodes[Int(a.index)].uplinkByte, nodes[Int(b.index)].downlinkByte)
    return nearest(Double(bytes) * perByte)
  }

  /// Writes and flushes `bytes` to the disk of `node`; returns when they are stable.
  public mutating func write(_ bytes: Int, to node: NodeID, ready: SimTime) -> SimTime {
    let i = Int(node.index)
    let work =
      nearest(Double(bytes) * nodes[i].diskByte)
      + nodes[i].diskFlush
    guard work > .zero else { return ready }
    return nodes[i].disk.serve(work, ready: ready)
  }

  /// What `cost`, measured on the reference machine, takes on `node`.
  public func scaled(_ cost: SimDuration, on node: NodeID) -> SimDuration {
    let slowdown = nodes[Int(node.index)].slowdown
    if slowdown == 1 { return cost }
    return nearest(Double(cost.nanoseconds) * slowdown)
  }

  /// Verifies a message that is complete at `ready` ahead of `lane` (an index into `lanes`).
  ///
  /// Returns when it is handed over to the lane, in arrival order, and the work that is left for
  /// the lane: the handling, and the verification too if the node has no core to spare for it.
  /// The costs are already scaled to the node.
  public mutating func handOver(
    to lane: Int, of node: NodeID, ready: SimTime, verification: SimDuration,
    handling: SimDuration
  ) -> (at: SimTime, work: SimDuration) {
    var verified = ready
    var work = handling
    if verification > .zero {
      let i = Int(node.index)
      if nodes[i].verifiers > 0 {
        let core = earliestVerifier(
          first: Int(nodes[i].firstVerifier), count: Int(nodes[i].verifiers))
        verified = verifiers[core].serve(verification, ready: ready)
      } else {
        work += verification
      }
    }
    let handedOver = max(verified, lanes[lane].handedOver)
    lanes[lane].handedOver = handedOver
    return (handedOver, work)
  }

  private func earliestVerifier(first: Int, count: Int) -> Int {
    var best = first
    var earliest = verifiers[first].free
    for core in first + 1..<first + count where verifiers[core].free < earliest {
      best = core
      earliest = verifiers[core].free
    }
    return best
  }

  /// Serves `work` on `lane` from `ready` at the earliest; returns when it is done.
  public mutating func serve(_ lane: Int, ready: SimTime, work: SimDuration) -> SimTime {
    lanes[lane].server.serve(work, ready: ready)
  }
}

extension Machines {
  /// Keeps `lane` from serving before `time`, without working: it waits for a disk.
  public mutating func occupy(_ lane: Int, until time: SimTime) {
    if time > lanes[lane].free { lanes[lane].server.wait(until: time) }
  }
}

// MARK: - Clocks and failures

extension Machines {
  /// What the clock of `node` shows at `time`.
  public func localTime(of node: NodeID, at time: SimTime) -> LocalTime {
    LocalTime(nanoseconds: nodes[Int(node.index)].clock.time(at: time))
  }

  /// How long simulated time takes for `duration` to pass on the clock of `node`.
  public func simulated(_ duration: SimDuration, on node: NodeID) -> SimDuration {
    let rate = nodes[Int(node.index)].clock.rate
    if rate == 1 { return duration }
    return SimDuration(nanoseconds: Int64((Double(duration.nanoseconds) / rate).rounded()))
  }

  /// Stops `node` at `time`: work that would have completed later is cut off.
  public mutating func crash(_ node: NodeID, at time: SimTime) {
    nodes[Int(node.index)].isUp = false
    nodes[Int(node.index)].epoch += 1
    reset(node, at: time)
  }

  /// Starts `node` again at `time`, all its queues empty.
  public mutating func restart(_ node: NodeID, at time: SimTime) {
    nodes[Int(node.index)].isUp = true
    reset(node, at: time)
  }

  /// Takes back work reserved beyond `time`, also from the busy times.
  private mutating func reset(_ node: NodeID, at time: SimTime) {
    let i = Int(node.index)
    nodes[i].uplink.cut(at: time)
    nodes[i].downlink.cut(at: time)
    nodes[i].disk.cut(at: time)
    for lane in lanes(of: node) {
      lanes[lane].server.cut(at: time)
      lanes[lane].handedOver = time
    }
    for core in verifiers(of: node) { verifiers[core].cut(at: time) }
  }
}

// MARK: - Use

extension Machines {
  /// Shares of `elapsed` for which the resources of a node worked, each in 0...1.
  public struct Use: Sendable, Equatable {
    public var processor: Double
    public var uplink: Double
    public var downlink: Double
    public var disk: Double
  }

  /// How busy `node` was until `end`; work reserved beyond `end` is not counted.
  public func use(of node: NodeID, until end: SimTime) -> Use {
    let machine = nodes[Int(node.index)]
    let elapsed = max(Double(end.nanoseconds), 1)
    func share(_ server: Server) -> Double {
      min(max(Double(server.busy(until: end).nanoseconds), 0) / elapsed, 1)
    }
    var cpu = 0.0
    for lane in lanes(of: node) { cpu += share(lanes[lane].server) }
    for core in verifiers(of: node) { cpu += share(verifiers[core]) }
    let cores = Double(machine.lanes) + Double(machine.verifiers)
    return Use(
      processor: min(cpu / cores, 1), uplink: share(machine.uplink),
      downlink: share(machine.downlink), disk: share(machine.disk))
  }

  /// Seconds of processor time that `node` spent until `end`, over all cores.
  public func processorSeconds(of node: NodeID, until end: SimTime) -> Double {
    let machine = nodes[Int(node.index)]
    let cores = Double(machine.lanes) + Double(machine.verifiers)
    return use(of: node, until: end).processor * cores * end.seconds
  }
}
