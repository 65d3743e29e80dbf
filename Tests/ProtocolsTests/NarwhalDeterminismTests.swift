import CAllocationCounter
import Consensus
import Kernel
import Machines
import Metrics
import Protocols
import Simulation
import Testing

@Suite("A run of Narwhal is a value")
struct NarwhalDeterminismTests {
  /// Costs, queues, random delays, loss and crashes, one with and one without memory.
  static func run<Rule: OrderingRule>(_ rule: Rule.Type, seed: UInt64) -> NarwhalRun<Rule> {
    var run = faultyNarwhal(rule, n: 4, seed: seed)
    run.settings.isDurable = seed % 5 == 0
    run.settings.gcDepth = seed % 2 == 0 ? 8 : 20
    run.settings.workers = 1 + Int(seed % 2)
    run.settings.placement = seed % 3 == 0 ? .ownMachines : .collocated
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
    run.loss = seed % 4 == 0 ? 0.01 : 0
    run.until = ms(900)
    let nodes = run.settings.placement == .collocated ? 4 : 4 * (1 + run.settings.workers)
    run.faults = [
      Fault(
        at: ms(300),
        .crash(.node(NodeID(1)), downTime: .milliseconds(150), keepsDisk: seed % 2 == 0)),
      Fault(
        at: ms(700),
        .crash(.proposer(subsystem: 1), downTime: .milliseconds(300), keepsDisk: true)),
      // Nothing is done ahead of the end: the clients' last host stops there.
      Fault(at: end, .crash(.node(NodeID(nodes + 3)), downTime: nil, keepsDisk: true)),
    ]
    return run
  }

  static let end = ms(2000)

  static func digests<Rule: OrderingRule>(_ run: NarwhalRun<Rule>) -> [Outcome.SubsystemDigest] {
    let simulation = run.start()
    simulation.run(until: end)
    #expect(simulation.world.violations == [])
    return simulation.digests
  }

  @Test(
    "one-event lanes are reference lanes, crashes included",
    arguments: 1...30 as ClosedRange<UInt64>)
  func lanes(seed: UInt64) {
    lanes(TuskRule.self, seed)
    lanes(BullsharkRule.self, seed)
  }

  private func lanes<Rule: OrderingRule>(_ rule: Rule.Type, _ seed: UInt64) {
    var run = Self.run(rule, seed: seed)
    let quick = Self.digests(run)
    run.usesReferenceLanes = true
    #expect(Self.digests(run) == quick)
    #expect(quick[0].steps > 4000)
  }

  @Test("a second run has the same digest, another seed another")
  func again() {
    let first = Self.digests(Self.run(TuskRule.self, seed: 5))
    #expect(Self.digests(Self.run(TuskRule.self, seed: 5)) == first)
    #expect(Self.digests(Self.run(TuskRule.self, seed: 6)) != first)
  }

  @Test("a copy taken between any two events goes on to the same digest")
  func copies() {
    let expected = Self.digests(Self.run(TuskRule.self, seed: 10))
    var pick = RandomStream(seed: 3, purpose: "copies", entity: 0)
    for _ in 0..<6 {
      let simulation = Self.run(TuskRule.self, seed: 10).start()
      for _ in 0..<Int(pick.unit() * Double(expected[0].steps)) { simulation.step() }
      let copy = simulation.copy()
      simulation.run(until: Self.end)
      copy.run(until: Self.end)
      #expect(simulation.digests == expected)
      #expect(copy.digests == expected)
    }
  }
}
