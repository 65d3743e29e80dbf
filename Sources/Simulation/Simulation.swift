import Kernel
import Machines
import Metrics

/// One run: the world, its subsystems, and the loop that lets them meet.
///
/// Nothing of a run is kept elsewhere, so `copy()` between two steps gives a run that goes on to
/// the same digest.
public final class Simulation {
  public var world: World
  public internal(set) var subsystems: [Subsystem] = []
  var faults: FaultBook

  /// - Parameter faults: what happens to nodes and links, in any order.
  public init(world: consuming World, faults: [Fault] = []) {
    self.world = world
    self.faults = FaultBook(faults)
    subsystems = [Subsystem(index: 0, name: "world")]
    self.world.decisions = [0]
    self.world.decisionLogs = [DecisionLog()]
    self.world.executions = [ExecutionLog()]
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
    world.executions.append(ExecutionLog())
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
    scheduleFaults()
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
    if world.awaitsFaults { strikeAwaited() }
    if world.movesRoles { moveRoles() }
    return true
  }

  /// Lets roles go to other nodes, as the last event asked for.
  private func moveRoles() {
    while !world.rehostings.isEmpty {
      let all = world.rehostings
      world.rehostings.removeAll(keepingCapacity: true)
      for one in all { subsystems[Int(one.subsystem)].rehost(one.role, on: one.place, &world) }
    }
  }

  /// An independent run in the same state.
  public func copy() -> Simulation {
    Simulation(copying: self)
  }

  /// Lets a copy part from the run that it was made of, and from its other copies: all that is
  /// drawn from now on comes from streams named by `branch`. What has been drawn, such as waiting
  /// times that have not run out, stays, but for those of memoryless lotteries if they are renewed:
  /// what is left of an exponential time has the law of the whole.
  ///
  /// Draws that are functions of the seed alone stay as well: lotteries whose outcome is fixed by a
  /// public seed (Algorand's sortition, Gasper's shuffles, Praos's schedule, Tusk's coin).
  /// - Parameter renewed: index of a subsystem that spreads blocks by a memoryless lottery, whose
  ///   pending waiting times are drawn anew; nil: none.
  public func branch(_ branch: UInt64, renewingLotteriesOf renewed: Int? = nil) {
    world.branch(branch)
    for subsystem in subsystems.dropFirst() { subsystem.branch(branch) }
    if let renewed { subsystems[renewed].renewLotteries(&world) }
  }

  private init(copying other: Simulation) {
    world = other.world.copy()
    faults = other.faults
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
  /// A node that crashed comes up again.
  case restart
  /// A fault that changed how a node works is over.
  case faultEnd
  /// A crash strikes that a subsystem asked for.
  case requested
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
      strike(Int(event.target))
      faults.next = Int(event.target) + 1
      updateHorizon()
    case .restart: strike(Int(event.target))
    case .requested:
      strike(Int(event.target))
      world.pendingCrashes -= 1
      updateHorizon()
    case .faultEnd:
      end(Int(event.target))
      updateHorizon()
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
}
