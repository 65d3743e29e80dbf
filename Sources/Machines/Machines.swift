import Kernel

/// The nodes of a run and their queues: cores, uplink, downlink and disk, each first come, first
/// served.
///
/// A FIFO server needs no queue of its own: the time at which it falls idle is its whole state, so
/// that a reservation is one comparison and one addition.
public struct Machines: Sendable {
  /// A serial event loop: the lane of the roles that run on it.
  public struct Lane: Sendable, BitwiseCopyable {
    /// When all reserved work is done.
    public var free = SimTime.zero
    /// When the last message was handed over by its verifier; hand-over is in arrival order.
    public var handedOver = SimTime.zero
    public var busy = SimDuration.zero
  }

  /// Times at which the single-server resources of a node fall idle, and how long they worked.
  struct Node: Sendable, BitwiseCopyable {
    var uplinkFree = SimTime.zero
    var downlinkFree = SimTime.zero
    var diskFree = SimTime.zero
    var uplinkBusy = SimDuration.zero
    var downlinkBusy = SimDuration.zero
    var diskBusy = SimDuration.zero
    var verifierBusy = SimDuration.zero
    /// Nanoseconds a byte takes; 0 is ideal.
    var uplinkByte: Double
    var downlinkByte: Double
    var diskByte: Double
    var diskFlush: SimDuration
    /// Multiplies CPU costs; 0 is ideal.
    var slowdown: Double
    var clockOffset: SimDuration
    var clockRate: Double
    var firstLane: UInt32
    var lanes: UInt16
    var verifiers: UInt16
    var firstVerifier: UInt32
    var isUp = true
    /// Number of crashes so far: what was under way before a crash is void.
    var epoch: UInt32 = 0
  }

  var nodes: [Node] = []
  public internal(set) var lanes: [Lane] = []
  var verifiers: [SimTime] = []

  public init(_ specs: [MachineSpec]) {
    nodes.reserveCapacity(specs.count)
    for spec in specs { append(spec) }
  }

  private mutating func append(_ spec: MachineSpec) {
    let laneCount = spec.processor?.lanes ?? 1
    let verifierCount = (spec.processor?.cores ?? 1) - laneCount
    nodes.append(
      Node(
        uplinkByte: spec.uplink.map { 8e9 / $0 } ?? 0,
        downlinkByte: spec.downlink.map { 8e9 / $0 } ?? 0,
        diskByte: spec.disk.map { 1e9 / $0.bytesPerSecond } ?? 0,
        diskFlush: spec.disk?.flush ?? .zero,
        slowdown: spec.processor?.slowdown ?? 0,
        clockOffset: spec.clockOffset, clockRate: 1 + spec.clockDrift * 1e-6,
        firstLane: UInt32(lanes.count), lanes: UInt16(laneCount),
        verifiers: UInt16(verifierCount), firstVerifier: UInt32(verifiers.count)))
    lanes.append(contentsOf: repeatElement(Lane(), count: laneCount))
    verifiers.append(contentsOf: repeatElement(.zero, count: verifierCount))
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

  public func isUp(_ node: NodeID) -> Bool { nodes[Int(node.index)].isUp }

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
    let start = max(ready, nodes[i].uplinkFree)
    let work = nearest(Double(bytes) * perByte)
    nodes[i].uplinkFree = start + work
    nodes[i].uplinkBusy += work
    return start + work
  }

  /// Takes `bytes`, whose first bit arrives at `arrival`, into `node`; returns when all are there.
  public mutating func receive(_ bytes: Int, at node: NodeID, arrival: SimTime) -> SimTime {
    let i = Int(node.index)
    let perByte = nodes[i].downlinkByte
    guard perByte > 0 else { return arrival }
    let start = max(arrival, nodes[i].downlinkFree)
    let work = nearest(Double(bytes) * perByte)
    nodes[i].downlinkFree = start + work
    nodes[i].downlinkBusy += work
    return start + work
  }

  /// Writes and flushes `bytes` to the disk of `node`; returns when they are stable.
  public mutating func write(_ bytes: Int, to node: NodeID, ready: SimTime) -> SimTime {
    let i = Int(node.index)
    let work =
      nearest(Double(bytes) * nodes[i].diskByte)
      + nodes[i].diskFlush
    guard work > .zero else { return ready }
    let start = max(ready, nodes[i].diskFree)
    nodes[i].diskFree = start + work
    nodes[i].diskBusy += work
    return start + work
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
        verified = max(ready, verifiers[core]) + verification
        verifiers[core] = verified
        nodes[i].verifierBusy += verification
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
    var earliest = verifiers[first]
    for core in first + 1..<first + count where verifiers[core] < earliest {
      best = core
      earliest = verifiers[core]
    }
    return best
  }

  /// Serves `work` on `lane` from `ready` at the earliest; returns when it is done.
  public mutating func serve(_ lane: Int, ready: SimTime, work: SimDuration) -> SimTime {
    let done = max(ready, lanes[lane].free) + work
    lanes[lane].free = done
    lanes[lane].busy += work
    return done
  }
}

extension Machines {
  /// Keeps `lane` from serving before `time`, without working: it waits for a disk.
  public mutating func occupy(_ lane: Int, until time: SimTime) {
    lanes[lane].free = max(lanes[lane].free, time)
  }
}

// MARK: - Clocks and failures

extension Machines {
  /// What the clock of `node` shows at `time`.
  public func localTime(of node: NodeID, at time: SimTime) -> LocalTime {
    let machine = nodes[Int(node.index)]
    let elapsed =
      machine.clockRate == 1
      ? time.nanoseconds
      : Int64((Double(time.nanoseconds) * machine.clockRate).rounded())
    return LocalTime(nanoseconds: elapsed + machine.clockOffset.nanoseconds)
  }

  /// How long simulated time takes for `duration` to pass on the clock of `node`.
  public func simulated(_ duration: SimDuration, on node: NodeID) -> SimDuration {
    let rate = nodes[Int(node.index)].clockRate
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
    func cut(_ free: inout SimTime, _ busy: inout SimDuration) {
      if free > time { busy = busy - (free - time) }
      free = time
    }
    var machine = nodes[i]
    cut(&machine.uplinkFree, &machine.uplinkBusy)
    cut(&machine.downlinkFree, &machine.downlinkBusy)
    cut(&machine.diskFree, &machine.diskBusy)
    for index in lanes(of: node) {
      var lane = lanes[index]
      cut(&lane.free, &lane.busy)
      lane.handedOver = time
      lanes[index] = lane
    }
    let first = Int(machine.firstVerifier)
    for core in first..<first + Int(machine.verifiers) {
      cut(&verifiers[core], &machine.verifierBusy)
    }
    nodes[i] = machine
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
    func share(_ busy: SimDuration, _ free: SimTime) -> Double {
      let beyond = max(free.nanoseconds - end.nanoseconds, 0)
      return min(max(Double(busy.nanoseconds - beyond), 0) / elapsed, 1)
    }
    var cpu = 0.0
    for lane in lanes(of: node) { cpu += share(lanes[lane].busy, lanes[lane].free) }
    cpu += Double(machine.verifierBusy.nanoseconds) / elapsed
    let cores = Double(machine.lanes) + Double(machine.verifiers)
    return Use(
      processor: min(cpu / cores, 1), uplink: share(machine.uplinkBusy, machine.uplinkFree),
      downlink: share(machine.downlinkBusy, machine.downlinkFree),
      disk: share(machine.diskBusy, machine.diskFree))
  }

  /// Seconds of processor time that `node` spent until `end`, over all cores.
  public func processorSeconds(of node: NodeID, until end: SimTime) -> Double {
    let machine = nodes[Int(node.index)]
    let cores = Double(machine.lanes) + Double(machine.verifiers)
    return use(of: node, until: end).processor * cores * end.seconds
  }
}
