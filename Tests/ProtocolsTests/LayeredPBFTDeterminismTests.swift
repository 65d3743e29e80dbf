import CAllocationCounter
import Consensus
import Kernel
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

@Suite("A run of layered PBFT is a value")
struct LayeredPBFTDeterminismTests {
  /// Costs, queues, random delays, loss and crashes, one with and one without memory.
  static func run(seed: UInt64, _ layers: Layers = Layers(nodes: 16, groups: 4)) -> LayeredPBFTRun {
    var run = LayeredPBFTRun.faulty(layers, seed: seed)
    run.settings.ordering.verifiesRequests = true
    run.settings.ordering.isDurable = seed % 5 == 0
    run.settings.ordering.batchTimeout = .milliseconds(5)
    run.settings.ordering.costs.message = .microseconds(3)
    run.settings.ordering.costs.byte = 0.5
    run.settings.ordering.costs.sign = .microseconds(33)
    run.settings.ordering.costs.verify = .microseconds(47)
    run.settings.ordering.costs.hashByte = 1
    run.machine = MachineSpec(
      processor: .init(cores: 1 + Int(seed % 3)), uplink: 1e8, downlink: 1e8,
      disk: .init(bytesPerSecond: 1e9, flush: .microseconds(50)))
    run.loss = seed % 4 == 0 ? 0.01 : 0
    run.clientHosts = 2
    run.until = SimTime(nanoseconds: 900_000_000)
    run.faults = [
      Fault(
        at: SimTime(nanoseconds: 300_000_000),
        .crash(.proposer(subsystem: 1), downTime: .milliseconds(150), keepsDisk: seed % 2 == 0)),
      Fault(
        at: SimTime(nanoseconds: 700_000_000),
        .crash(.proposer(subsystem: 1), downTime: nil, keepsDisk: true)),
      // Nothing is done ahead of the end: the clients' last host stops there.
      Fault(
        at: end, .crash(.node(NodeID(layers.nodes + 1)), downTime: nil, keepsDisk: true)),
    ]
    return run
  }

  static let end = SimTime(nanoseconds: 2_000_000_000)

  static func digests(_ run: LayeredPBFTRun) -> [Outcome.SubsystemDigest] {
    let simulation = run.start()
    simulation.run(until: end)
    #expect(simulation.world.violations == [])
    return simulation.digests
  }

  @Test(
    "one-event lanes are reference lanes, crashes included",
    arguments: 1...12 as ClosedRange<UInt64>)
  func lanes(seed: UInt64) {
    var run = Self.run(seed: seed)
    let quick = Self.digests(run)
    run.usesReferenceLanes = true
    #expect(Self.digests(run) == quick)
    #expect(quick[0].steps > 5000)
  }

  @Test("a copy taken between any two events goes on to the same digest")
  func copies() {
    let expected = Self.digests(Self.run(seed: 10))
    #expect(Self.digests(Self.run(seed: 11)) != expected)
    var pick = RandomStream(seed: 3, purpose: "copies", entity: 0)
    for _ in 0..<4 {
      let simulation = Self.run(seed: 10).start()
      for _ in 0..<Int(pick.unit() * Double(expected[0].steps)) { simulation.step() }
      let copy = simulation.copy()
      simulation.run(until: Self.end)
      copy.run(until: Self.end)
      #expect(simulation.digests == expected)
      #expect(copy.digests == expected)
    }
  }

  @Test("allocates nothing in steady state")
  func allocations() {
    var run = LayeredPBFTRun(Layers(nodes: 20, groups: 5))
    run.settings.ordering.pipeline = 8
    run.settings.ordering.checkpointInterval = 16
    run.settings.ordering.window = 32
    run.delay = .normal(mean: 1e6, deviation: 1e5, min: 0)
    run.clientHosts = 2
    run.arrivals = .poisson(rate: 5000)
    run.bundle = 10
    run.reserving = 200_000
    let simulation = run.start()
    simulation.run(until: SimTime(nanoseconds: 10_000_000_000))
    let decided = simulation.world.decisions[1]
    let before = allocationsOfThisThread()
    simulation.run(until: SimTime(nanoseconds: 15_000_000_000))
    let after = allocationsOfThisThread()
    #expect(simulation.world.decisions[1] > decided + 100)
    // An array may still grow to its last size; no event allocates.
    #expect(after - before <= 2)
  }
}

@Suite("Without one of its rules, layered PBFT breaks, and a monitor says so")
struct LayeredPBFTWeaknessTests {
  static func violations(of weakness: LayeredPBFT.Weakness, seed: UInt64) -> [String] {
    var run = LayeredPBFTRun.faulty(Layers(nodes: 16, groups: 4), seed: seed)
    run.settings.weakness = weakness
    run.delay = .exponential(mean: 2e6)
    run.clientHosts = 2
    // With quorums of 2f the halves go on alone; else group 1 is cut off, the primary's is down.
    let isSplit = weakness == .quorumOfTwoF || seed % 2 == 0
    run.partitions = [
      Partition(
        from: SimTime(nanoseconds: 400_000_000), until: SimTime(nanoseconds: 4_000_000_000),
        side: (0..<18).map { isSplit ? ($0 < 8 || $0 == 16 ? 0 : 1) : (4..<8).contains($0) ? 1 : 0 }
      )
    ]
    run.until = SimTime(nanoseconds: 3_000_000_000)
    run.faults =
      isSplit
      ? []
      : (0..<4).map {
        Fault(
          at: SimTime(nanoseconds: 400_000_000),
          .crash(.node(NodeID($0)), downTime: .milliseconds(1400), keepsDisk: true))
      }
    let simulation = run.start()
    simulation.run(until: SimTime(nanoseconds: 8_000_000_000))
    return simulation.world.violations.map(\.monitor)
  }

  static let seeds = 1...20 as ClosedRange<UInt64>

  @Test("whole, it holds under the same faults")
  func whole() {
    for seed in Self.seeds { #expect(Self.violations(of: [], seed: seed) == []) }
  }

  @Test("a new view that proposes nothing again breaks agreement")
  func forgetsPrepared() {
    let seen = Self.seeds.count {
      Self.violations(of: .forgetsPrepared, seed: $0).contains("agreement")
    }
    #expect(seen >= 1, "\(seen) of 20 seeds")
  }

  @Test("quorums of 2f break agreement")
  func quorumOfTwoF() {
    let seen = Self.seeds.count {
      Self.violations(of: .quorumOfTwoF, seed: $0).contains("agreement")
    }
    #expect(seen >= 3, "\(seen) of 20 seeds")
  }

  @Test("two lying leaders split nobody while certificates are checked")
  func certificatesAreChecked() {
    #expect(
      LayeredPBFTAttackTests.disagreements(
        faulty: [0, 4], sides: LayeredPBFTAttackTests.sides, upward: .certificate, lies: true) == 0)
  }
}
