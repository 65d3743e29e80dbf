import CAllocationCounter
import Consensus
import Kernel
import Machines
import Metrics
import Protocols
import Simulation
import Testing

@Suite("A run of QBFT or IBFT 2.0 is a value")
struct QBFTDeterminismTests {
  /// Costs, queues, random delays, loss and crashes, one with and one without memory.
  static func run<R: IstanbulRules>(_ rules: R.Type, seed: UInt64, n: Int = 4) -> IstanbulRun<R> {
    var run = IstanbulRun<R>()
    run.n = n
    run.seed = seed
    run.settings = IstanbulRun<R>.faultySettings
    run.settings.verifiesRequests = true
    run.settings.isDurable = seed % 5 == 0
    run.settings.pushesBlocks = seed % 3 == 0
    run.settings.costs.message = .microseconds(3)
    run.settings.costs.byte = 0.5
    run.settings.costs.request = .microseconds(2)
    run.settings.costs.execution = .microseconds(10)
    run.settings.costs.sign = .microseconds(33)
    run.settings.costs.verify = .microseconds(47)
    run.settings.costs.hash = .microseconds(1)
    run.settings.costs.hashByte = 1
    run.machine = MachineSpec(
      processor: .init(cores: 1 + Int(seed % 3)), uplink: 1e8, downlink: 1e8,
      disk: .init(bytesPerSecond: 1e9, flush: .microseconds(50)))
    run.delay = .exponential(mean: 2e6)
    run.loss = seed % 4 == 0 ? 0.01 : 0
    run.clientHosts = 2
    run.arrivals = .poisson(rate: 800)
    run.clientTimeout = .milliseconds(150)
    run.until = SimTime(nanoseconds: 900_000_000)
    run.faults = [
      Fault(
        at: SimTime(nanoseconds: 300_000_000),
        .crash(.proposer(subsystem: 1), downTime: .milliseconds(150), keepsDisk: seed % 2 == 0)),
      Fault(
        at: SimTime(nanoseconds: 700_000_000),
        .crash(.proposer(subsystem: 1), downTime: nil, keepsDisk: true)),
      // Nothing is done ahead of the end: the clients' last host stops there.
      Fault(at: end, .crash(.node(NodeID(n + 1)), downTime: nil, keepsDisk: true)),
    ]
    return run
  }

  static let end = SimTime(nanoseconds: 3_000_000_000)

  static func digests<R: IstanbulRules>(_ run: IstanbulRun<R>) -> [Outcome.SubsystemDigest] {
    let simulation = run.start()
    simulation.run(until: end)
    #expect(simulation.world.violations == [])
    return simulation.digests
  }

  @Test(
    "one-event lanes are reference lanes, crashes included",
    arguments: 1...30 as ClosedRange<UInt64>)
  func lanes(seed: UInt64) {
    var run = Self.run(QBFTRules.self, seed: seed)
    let quick = Self.digests(run)
    run.usesReferenceLanes = true
    #expect(Self.digests(run) == quick)
    #expect(quick[0].steps > 2000)
    var other = Self.run(IBFT2Rules.self, seed: seed)
    let quickOther = Self.digests(other)
    other.usesReferenceLanes = true
    #expect(Self.digests(other) == quickOther)
  }

  @Test("a second run has the same digest, another seed another", arguments: [4, 7])
  func again(n: Int) {
    let first = Self.digests(Self.run(QBFTRules.self, seed: 5, n: n))
    #expect(Self.digests(Self.run(QBFTRules.self, seed: 5, n: n)) == first)
    #expect(Self.digests(Self.run(QBFTRules.self, seed: 6, n: n)) != first)
    #expect(Self.digests(Self.run(IBFT2Rules.self, seed: 5, n: n)) != first)
  }

  @Test("a copy taken between any two events goes on to the same digest")
  func copies() {
    let expected = Self.digests(Self.run(QBFTRules.self, seed: 10))
    var pick = RandomStream(seed: 3, purpose: "copies", entity: 0)
    for _ in 0..<8 {
      let simulation = Self.run(QBFTRules.self, seed: 10).start()
      for _ in 0..<Int(pick.unit() * Double(expected[0].steps)) { simulation.step() }
      let copy = simulation.copy()
      simulation.run(until: Self.end)
      copy.run(until: Self.end)
      #expect(simulation.digests == expected)
      #expect(copy.digests == expected)
    }
  }

  @Test("in steady state it allocates nothing")
  func allocations() {
    #expect(Self.allocations(QBFTRules.self) == 0)
    #expect(Self.allocations(IBFT2Rules.self) == 0)
  }

  /// Allocations in the second half of a run of 16 replicas with processors and links.
  static func allocations<R: IstanbulRules>(_ rules: R.Type) -> UInt64 {
    var run = IstanbulRun<R>()
    run.n = 16
    run.settings.blockPeriod = .milliseconds(20)
    run.settings.requestTimeout = .milliseconds(500)
    run.settings.costs.message = .microseconds(2)
    run.settings.costs.verify = .microseconds(5)
    run.settings.costs.sign = .microseconds(5)
    run.settings.window = 16
    run.machine = MachineSpec(processor: .init(cores: 4), uplink: 1e10, downlink: 1e10)
    run.delay = .exponential(mean: 1e6)
    run.clientHosts = 2
    run.target = .gateway
    run.arrivals = .poisson(rate: 2000)
    run.bundle = 10
    run.reserving = 100_000
    let simulation = run.start()
    simulation.run(until: SimTime(nanoseconds: 30_000_000_000))
    let decided = simulation.world.decisions[1]
    let before = allocationsOfThisThread()
    simulation.run(until: SimTime(nanoseconds: 40_000_000_000))
    let after = allocationsOfThisThread()
    #expect(simulation.world.decisions[1] > decided + 400)
    return after - before
  }
}
