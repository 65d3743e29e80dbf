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
    run.settings.costs = .busy
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

  @Test(
    "one-event lanes are reference lanes, crashes included",
    arguments: 1...30 as ClosedRange<UInt64>)
  func lanes(seed: UInt64) {
    Self.run(TuskRule.self, seed: seed).expectEqualLanes(until: Self.end, steps: 4000)
    Self.run(BullsharkRule.self, seed: seed).expectEqualLanes(until: Self.end, steps: 4000)
  }

  @Test("a second run has the same digest, another seed another")
  func again() {
    let first = Self.run(TuskRule.self, seed: 5).digests(until: Self.end)
    #expect(Self.run(TuskRule.self, seed: 5).digests(until: Self.end) == first)
    #expect(Self.run(TuskRule.self, seed: 6).digests(until: Self.end) != first)
  }

  @Test("a copy taken between any two events goes on to the same digest")
  func copies() {
    Self.run(TuskRule.self, seed: 10).expectEqualCopies(6, until: Self.end)
  }
}
