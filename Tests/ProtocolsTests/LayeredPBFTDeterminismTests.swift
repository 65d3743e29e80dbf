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
    run.settings.ordering.costs = .busy
    run.disturb(disk: seed % 2 == 0, until: end)
    run.delay = .exponential(mean: 1e6)
    run.arrivals = .poisson(rate: 300)
    return run
  }

  static let end = ms(2000)

  @Test(
    "one-event lanes are reference lanes, crashes included",
    arguments: 1...12 as ClosedRange<UInt64>)
  func lanes(seed: UInt64) {
    Self.run(seed: seed).expectEqualLanes(until: Self.end, steps: 5000)
  }

  @Test("a copy taken between any two events goes on to the same digest")
  func copies() {
    let other = Self.run(seed: 11).digests(until: Self.end)
    #expect(Self.run(seed: 10).digests(until: Self.end) != other)
    Self.run(seed: 10).expectEqualCopies(4, until: Self.end)
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
    // An array may still grow to its last size; no event allocates.
    #expect(run.allocations(from: ms(10_000), until: ms(15_000), deciding: 100) <= 2)
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

  /// Two leaders speak for their groups without asking them.
  private static func splits(_ weakness: LayeredPBFT.Weakness) -> Int {
    LayeredPBFTAttackTests.disagreements(
      faulty: [0, 4], sides: LayeredPBFTAttackTests.sides, upward: .certificate, lies: true,
      forges: true, weakness: weakness)
  }

  @Test("two lying leaders split those who believe what comes without a certificate, no others")
  func believesAnyone() {
    #expect(Self.splits([]) == 0)
    #expect(Self.splits(.believesAnyone) > 0)
  }
}
