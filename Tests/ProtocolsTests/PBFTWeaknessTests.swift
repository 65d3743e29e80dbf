import Consensus
import Kernel
import Machines
import Networking
import Protocols
import Simulation
import Testing

@Suite("Without one of its rules, PBFT breaks, and a monitor says so")
struct PBFTWeaknessTests {
  /// Primaries crash one after the other and come back, on links with heavy tails; for a second,
  /// two and two replicas do not reach each other.
  static func violations(of weakness: PBFT.Weakness, seed: UInt64) -> [String] {
    var run = PBFTRun()
    run.n = 4
    run.seed = seed
    run.settings = PBFTRun.faultySettings
    run.settings.weakness = weakness
    run.delay = .pareto(scale: 1e6, shape: 1.1)
    run.clientHosts = 2
    run.arrivals = .poisson(rate: 500)
    run.clientTimeout = .milliseconds(100)
    run.until = SimTime(nanoseconds: 2_000_000_000)
    run.partitions = [
      Partition(
        from: SimTime(nanoseconds: 700_000_000), until: SimTime(nanoseconds: 1_700_000_000),
        side: [0, 0, 1, 1, 0, 1])
    ]
    run.faults = [300, 600, 1000].map {
      Fault(
        at: SimTime(nanoseconds: $0 * 1_000_000),
        .crash(.proposer(subsystem: 1), downTime: .milliseconds(100), keepsDisk: true))
    }
    let simulation = run.start()
    simulation.run(until: SimTime(nanoseconds: 4_000_000_000))
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
    #expect(seen >= 10, "\(seen) of 20 seeds")
  }

  @Test("quorums of 2f break agreement")
  func quorumOfTwoF() {
    let seen = Self.seeds.count {
      Self.violations(of: .quorumOfTwoF, seed: $0).contains("agreement")
    }
    #expect(seen >= 10, "\(seen) of 20 seeds")
  }
}
