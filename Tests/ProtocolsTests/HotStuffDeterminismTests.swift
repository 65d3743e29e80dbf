import Consensus
import Kernel
import Machines
import Metrics
import Protocols
import Simulation
import Testing

@Suite("A run of HotStuff or Jolteon is a value")
struct HotStuffDeterminismTests {
  /// Costs, queues, random delays, loss and crashes, one with and one without memory.
  static func run<Rule: ChainRule>(_ rule: Rule.Type, seed: UInt64, n: Int = 4) -> HotStuffRun<Rule>
  {
    let dissemination = HotStuffSettings.Dissemination.allCases[Int(seed % 3)]
    let views = seed % 2 == 0 ? HotStuffSettings.stableViews : Rule.chains + 1
    var run = HotStuffRun<Rule>(.faulty(views: views, dissemination))
    run.n = n
    run.seed = seed
    run.settings.certificates = seed % 2 == 0 ? .aggregate : .list
    run.settings.verifiesRequests = true
    run.settings.skipsLateVotes = seed % 3 == 0
    run.settings.isDurable = seed % 5 == 0
    run.settings.batchTimeout = .milliseconds(5)
    run.settings.costs.message = .microseconds(3)
    run.settings.costs.byte = 0.5
    run.settings.costs.request = .microseconds(2)
    run.settings.costs.execution = .microseconds(10)
    run.settings.costs.sign = .microseconds(33)
    run.settings.costs.verify = .microseconds(47)
    run.settings.costs.mac = .microseconds(1)
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

  static func digests<Rule: ChainRule>(_ run: HotStuffRun<Rule>) -> [Outcome.SubsystemDigest] {
    let simulation = run.start()
    simulation.run(until: end)
    #expect(simulation.world.violations == [])
    return simulation.digests
  }

  @Test(
    "one-event lanes are reference lanes, crashes included",
    arguments: 1...30 as ClosedRange<UInt64>)
  func lanes(seed: UInt64) {
    Self.compareLanes(ThreeChain.self, seed)
    Self.compareLanes(TwoChain.self, seed)
  }

  static func compareLanes<Rule: ChainRule>(_ rule: Rule.Type, _ seed: UInt64) {
    var run = Self.run(rule, seed: seed)
    let quick = digests(run)
    run.usesReferenceLanes = true
    #expect(digests(run) == quick)
    #expect(quick[0].steps > 2000)
  }

  @Test("a second run has the same digest, another seed another", arguments: [4, 7])
  func again(n: Int) {
    let first = Self.digests(Self.run(TwoChain.self, seed: 5, n: n))
    #expect(Self.digests(Self.run(TwoChain.self, seed: 5, n: n)) == first)
    #expect(Self.digests(Self.run(TwoChain.self, seed: 6, n: n)) != first)
  }

  @Test("a copy taken between any two events goes on to the same digest")
  func copies() {
    Self.copy(ThreeChain.self)
    Self.copy(TwoChain.self)
  }

  static func copy<Rule: ChainRule>(_ rule: Rule.Type) {
    let expected = digests(run(rule, seed: 10))
    var pick = RandomStream(seed: 3, purpose: "copies", entity: 0)
    for _ in 0..<4 {
      let simulation = run(rule, seed: 10).start()
      for _ in 0..<Int(pick.unit() * Double(expected[0].steps)) { simulation.step() }
      let copy = simulation.copy()
      simulation.run(until: end)
      copy.run(until: end)
      #expect(simulation.digests == expected)
      #expect(copy.digests == expected)
    }
  }
}
