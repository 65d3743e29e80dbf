import CAllocationCounter
import Consensus
import Kernel
import Machines
import Metrics
import Simulation
import Testing

/// A committee of one protocol with its clients: a `CommitteeSetup`, whose members can be named
/// directly, and the protocol's settings.
@dynamicMemberLookup
protocol CommitteeRun {
  var setup: CommitteeSetup { get set }
  func start() -> Simulation
}

extension CommitteeRun {
  subscript<T>(dynamicMember path: WritableKeyPath<CommitteeSetup, T>) -> T {
    get { setup[keyPath: path] }
    set { setup[keyPath: path] = newValue }
  }

  /// Queues, random delays, loss, and two proposers that crash, the second for good.
  ///
  /// - Parameters:
  ///   - disk: whether the first comes up with its disk.
  ///   - end: of the run. Nothing is done ahead of it: the clients' last host stops there.
  mutating func disturb(disk: Bool, until end: SimTime) {
    let seed = setup.seed
    setup.machine = MachineSpec(
      processor: .init(cores: 1 + Int(seed % 3)), uplink: 1e8, downlink: 1e8,
      disk: .init(bytesPerSecond: 1e9, flush: .microseconds(50)))
    setup.delay = .exponential(mean: 2e6)
    setup.loss = seed % 4 == 0 ? 0.01 : 0
    setup.clientHosts = 2
    setup.arrivals = .poisson(rate: 800)
    setup.clientTimeout = .milliseconds(150)
    setup.until = ms(900)
    setup.faults = [
      Fault(
        at: ms(300),
        .crash(.proposer(subsystem: 1), downTime: .milliseconds(150), keepsDisk: disk)),
      Fault(at: ms(700), .crash(.proposer(subsystem: 1), downTime: nil, keepsDisk: true)),
      Fault(at: end, .crash(.node(NodeID(setup.n + 1)), downTime: nil, keepsDisk: true)),
    ]
  }
}

extension CostSheet {
  /// Everything takes time.
  static let busy = CostSheet(
    message: .microseconds(3), byte: 0.5, request: .microseconds(2), execution: .microseconds(10),
    sign: .microseconds(33), verify: .microseconds(47), mac: .microseconds(1),
    hash: .microseconds(1), hashByte: 1)
}

// MARK: - A run is a value

extension CommitteeRun {
  /// Of a run to `end`, in which no monitor fires.
  func digests(
    until end: SimTime, _ place: SourceLocation = #_sourceLocation
  ) -> [Outcome.SubsystemDigest] {
    let simulation = start()
    simulation.run(until: end)
    #expect(simulation.world.violations == [], sourceLocation: place)
    return simulation.digests
  }

  /// One-event lanes are reference lanes.
  func expectEqualLanes(
    until end: SimTime, steps: Int, _ place: SourceLocation = #_sourceLocation
  ) {
    var slow = self
    slow.usesReferenceLanes = true
    let quick = digests(until: end, place)
    #expect(slow.digests(until: end, place) == quick, sourceLocation: place)
    #expect(quick[0].steps > steps, sourceLocation: place)
  }

  /// A copy taken between any two events goes on to the same digest.
  func expectEqualCopies(
    _ count: Int, until end: SimTime, _ place: SourceLocation = #_sourceLocation
  ) {
    let expected = digests(until: end, place)
    var pick = RandomStream(seed: 3, purpose: "copies", entity: 0)
    for _ in 0..<count {
      let simulation = start()
      for _ in 0..<Int(pick.unit() * Double(expected[0].steps)) { simulation.step() }
      let copy = simulation.copy()
      simulation.run(until: end)
      copy.run(until: end)
      #expect(simulation.digests == expected, sourceLocation: place)
      #expect(copy.digests == expected, sourceLocation: place)
    }
  }

  /// Allocations between two times of a run, in which more than so many slots are decided.
  func allocations(
    from start: SimTime, until end: SimTime, deciding count: Int,
    _ place: SourceLocation = #_sourceLocation
  ) -> UInt64 {
    let simulation = self.start()
    simulation.run(until: start)
    let decided = simulation.world.decisions[1]
    let before = allocationsOfThisThread()
    simulation.run(until: end)
    let after = allocationsOfThisThread()
    #expect(simulation.world.decisions[1] > decided + count, sourceLocation: place)
    return after - before
  }
}
