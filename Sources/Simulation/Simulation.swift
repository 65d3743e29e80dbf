import Kernel
import Machines
import Metrics

/// One run: the world, its subsystems, and the loop that lets them meet.
///
/// Nothing of a run is kept elsewhere, so `copy()` between two steps gives a run that goes on to
/// the same digest.
public final class Simulation {
  public var world: World
  public private(set) var subsystems: [Subsystem] = []
  /// Those of the scenario, in order of time, then those that followed from them.
  private var faults: [Fault]
  private let scheduledFaults: Int

  /// - Parameter faults: what happens to nodes, in any order.
  public init(world: consuming World, faults: [Fault] = []) {
    self.world = world
    self.faults = faults.enumerated()
      .sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
    scheduledFaults = faults.count
    subsystems = [Subsystem(index: 0, name: "world")]
    self.world.decisions = [0]
    self.world.decisionLogs = [DecisionLog()]
    self.world.connections = [[]]
    self.world.streams = [[]]
  }

  /// Index that the next subsystem must be made with.
  public var nextIndex: UInt16 { UInt16(subsystems.count) }

  /// - Parameters:
  ///   - subsystem: made with `nextIndex`.
  ///   - connections: directed connections over which it sends.
  ///   - senders: roles of it that send.
  public func add(_ subsystem: Subsystem, connections: Int, senders: Int) {
    precondition(subsystem.index == nextIndex, "subsystem \(subsystem.name) out of order")
    subsystems.append(subsystem)
    world.decisions.append(0)
    world.decisionLogs.append(DecisionLog())
    world.addChannel(connections: connections, senders: senders, name: subsystem.name)
  }

  /// Adds a population: who numbers its transactions, and where its replies go. Returns its number.
  ///
  /// - Parameter transactions: makes room for so many, so that a run does not allocate.
  @discardableResult
  public func addPopulation(_ address: PopulationAddress, reserving transactions: Int = 0)
    -> UInt32
  {
    world.addPopulation(address, reserving: transactions)
  }

  /// Starts all subsystems. Call once, before the first step.
  public func start() {
    for (i, fault) in faults.enumerated() {
      world.schedule(
        Event(
          at: fault.time, subsystem: 0, kind: WorldEvent.fault.rawValue, target: UInt32(i)))
    }
    world.faultHorizon = faults.first?.time ?? .never
    world.network.seal()
    for subsystem in subsystems.dropFirst() { subsystem.start(&world) }
  }

  /// Runs until `end`, or until a subsystem says that all is done. Returns the number of events.
  @discardableResult
  public func run(until end: SimTime = .never) -> Int {
    var events = 0
    while !world.isComplete, world.queue.nextTime <= end, step() { events += 1 }
    return events
  }

  /// Lets the next event happen; false if there is none.
  @discardableResult
  public func step() -> Bool {
    guard let event = world.queue.pop() else { return false }
    if event.subsystem == 0 {
      handleWorldEvent(event)
    } else {
      // The run owns its subsystems: no step need retain the one that takes it.
      Unmanaged.passUnretained(subsystems[Int(event.subsystem)])._withUnsafeGuaranteedRef {
        $0.handle(event, &world)
      }
    }
    return true
  }

  /// An independent run in the same state.
  public func copy() -> Simulation {
    Simulation(copying: self)
  }

  private init(copying other: Simulation) {
    world = other.world.copy()
    faults = other.faults
    scheduledFaults = other.scheduledFaults
    subsystems = [other.subsystems[0]] + other.subsystems.dropFirst().map { $0.copy() }
  }

  /// Digests of all subsystems, in order of index.
  public var digests: [Outcome.SubsystemDigest] { subsystems.dropFirst().map(\.digest) }
}

/// Events of the world itself.
enum WorldEvent: UInt16 {
  /// A lane has finished the step at the head of its inbox.
  case service
  /// A message, or a chunk of it, has left its node.
  case sent
  /// A fault of the scenario strikes.
  case fault
  /// A fault's end comes up.
  case restart
}

extension Simulation {
  private func handleWorldEvent(_ event: Event) {
    guard let kind = WorldEvent(rawValue: event.kind) else {
      preconditionFailure("world event \(event.kind)")
    }
    switch kind {
    case .service: serve(lane: Int(event.target), epoch: event.payload.a)
    case .sent: world.upon(sent: event.target, epoch: event.payload.a)
    case .fault:
      strike(faults[Int(event.target)])
      let next = Int(event.target) + 1
      world.faultHorizon = next < scheduledFaults ? faults[next].time : .never
    case .restart: strike(faults[Int(event.target)])
    }
  }

  private func serve(lane: Int, epoch: UInt64) {
    guard world.inboxes[lane].epoch == epoch,
      let entry = world.inboxes[lane].waiting.popFirst()
    else { return }
    _ = world.machines.serve(lane, ready: entry.handedOver, work: entry.work)
    subsystems[Int(entry.event.subsystem)].serve(entry.event, &world)
    world.scheduleService(of: lane)
  }

  private func strike(_ fault: Fault) {
    switch fault.kind {
    case .crash(let target, let downTime, let keepsDisk):
      guard let node = resolve(target), world.machines.isUp(node) else { return }
      crash(node)
      if let downTime {
        insert(Fault(at: world.now + downTime, .restart(node, keepsDisk: keepsDisk)))
      }
    case .restart(let node, let keepsDisk):
      guard !world.machines.isUp(node) else { return }
      world.machines.restart(node, at: world.now)
      mark(.restart, "restarts", at: node)
      for subsystem in subsystems.dropFirst() {
        subsystem.nodeRestarted(node, keepsDisk: keepsDisk, &world)
      }
    }
  }

  private func mark(_ kind: Trace.Mark.Kind, _ text: String, at node: NodeID) {
    let now = world.now
    world.trace?.mark(kind, text, at: node, now)
  }

  private func resolve(_ target: Fault.Target) -> NodeID? {
    switch target {
    case .node(let node): node
    case .proposer(let subsystem): subsystems[Int(subsystem)].proposerNode(world)
    }
  }

  private func crash(_ node: NodeID) {
    world.machines.crash(node, at: world.now)
    mark(.crash, "crashes", at: node)
    world.uplinks.crash(node)
    for lane in world.machines.lanes(of: node) {
      world.inboxes[lane].waiting.removeAll()
      world.inboxes[lane].epoch += 1
    }
    for subsystem in subsystems.dropFirst() { subsystem.nodeCrashed(node, &world) }
  }

  /// Adds a fault that follows from another. A restart cuts nothing off, so that nothing done
  /// ahead of it is wrong and the horizon need not have known of it.
  private func insert(_ fault: Fault) {
    faults.append(fault)
    world.schedule(
      Event(
        at: fault.time, subsystem: 0, kind: WorldEvent.restart.rawValue,
        target: UInt32(faults.count - 1)))
  }
}

/// Something that happens to a node at a set time.
public struct Fault: Sendable, Equatable {
  public enum Target: Sendable, Equatable {
    case node(NodeID)
    /// Whoever a chain takes for its proposer at that moment.
    case proposer(subsystem: UInt16)
  }

  public enum Kind: Sendable, Equatable {
    /// The node stops; after `downTime` it comes up again, with or without what its disk held.
    case crash(Target, downTime: SimDuration?, keepsDisk: Bool)
    case restart(NodeID, keepsDisk: Bool)
  }

  public var time: SimTime
  public var kind: Kind

  public init(at time: SimTime, _ kind: Kind) {
    self.time = time
    self.kind = kind
  }
}
