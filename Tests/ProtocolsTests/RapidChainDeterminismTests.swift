import CAllocationCounter
import Consensus
import Kernel
import Machines
import Metrics
import Protocols
import Simulation
import Testing

@Suite("A run of RapidChain's committee is a value")
struct RapidChainDeterminismTests {
  /// Costs, queues, random delays, loss and crashes, one with and one without memory.
  static func run(seed: UInt64) -> RapidChainRun {
    var run = RapidChainRun(n: 5, seed: seed)
    run.settings.overlaps = seed % 2 == 0
    run.settings.verifiesRequests = true
    run.settings.encoding = .milliseconds(3)
    run.settings.decoding = .milliseconds(3)
    run.settings.costs.message = .microseconds(3)
    run.settings.costs.byte = 0.5
    run.settings.costs.request = .microseconds(2)
    run.settings.costs.execution = .microseconds(10)
    run.settings.costs.sign = .microseconds(33)
    run.settings.costs.verify = .microseconds(47)
    run.settings.costs.hash = .microseconds(1)
    run.settings.costs.hashByte = 1
    run.machine = MachineSpec(
      processor: .init(cores: 1 + Int(seed % 3)), uplink: 1e8, downlink: 1e8)
    run.delay = .exponential(mean: 1e6)
    run.loss = seed % 4 == 0 ? 0.01 : 0
    run.clientHosts = 2
    run.arrivals = .poisson(rate: 400)
    run.clientTimeout = .milliseconds(250)
    run.until = ms(900)
    run.faults = [
      Fault(
        at: ms(300),
        .crash(
          .proposer(subsystem: 1), downTime: .milliseconds(150), keepsDisk: seed % 2 == 0)),
      Fault(at: ms(700), .crash(.proposer(subsystem: 1), downTime: nil, keepsDisk: true)),
      // Nothing is done ahead of the end: the clients' last host stops there.
      Fault(at: end, .crash(.node(NodeID(6)), downTime: nil, keepsDisk: true)),
    ]
    return run
  }

  static let end = ms(2000)

  static func digests(_ run: RapidChainRun) -> [Outcome.SubsystemDigest] {
    let simulation = run.start()
    simulation.run(until: end)
    #expect(simulation.world.violations == [])
    return simulation.digests
  }

  @Test("one-event lanes are reference lanes", arguments: 1...24 as ClosedRange<UInt64>)
  func lanes(seed: UInt64) {
    var run = Self.run(seed: seed)
    let quick = Self.digests(run)
    run.usesReferenceLanes = true
    #expect(Self.digests(run) == quick)
    #expect(quick[0].steps > 1000)
  }

  @Test("a second run has the same digest, another seed another")
  func again() {
    let first = Self.digests(Self.run(seed: 5))
    #expect(Self.digests(Self.run(seed: 5)) == first)
    #expect(Self.digests(Self.run(seed: 6)) != first)
  }

  @Test("a copy taken between any two events goes on to the same digest")
  func copies() {
    let expected = Self.digests(Self.run(seed: 10))
    var pick = RandomStream(seed: 3, purpose: "copies", entity: 0)
    for _ in 0..<8 {
      let simulation = Self.run(seed: 10).start()
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
    var run = RapidChainRun(n: 16, seed: 1)
    run.settings.gossip = .init(chunks: 32, parity: 8, degree: 6)
    run.settings.costs.message = .microseconds(2)
    run.settings.costs.verify = .microseconds(5)
    run.settings.costs.sign = .microseconds(5)
    run.machine = MachineSpec(processor: .init(cores: 4), uplink: 1e10, downlink: 1e10)
    run.delay = .uniform(low: 0.5e6, high: 2e6)
    run.clientHosts = 2
    // Two hosts: some 60 of the 100 transactions that a block holds.
    run.arrivals = .poisson(rate: 50)
    run.bundle = 10
    run.reserving = 200_000
    let simulation = run.start()
    // Leaders take turns by chance: each needs time to have met its fullest iterations.
    simulation.run(until: ms(48_000))
    let decided = simulation.world.decisions[1]
    let before = allocationsOfThisThread()
    simulation.run(until: ms(72_000))
    let after = allocationsOfThisThread()
    #expect(simulation.world.decisions[1] > decided + 100)
    #expect(after - before == 0)
  }
}
