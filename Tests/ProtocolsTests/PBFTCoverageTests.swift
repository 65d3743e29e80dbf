import Dispatch
import Glibc
import Kernel
import Machines
import Metrics
import Protocols
import Simulation
import Statistics
import Synchronization
import Testing

/// What a run of PBFT reports, over replications, against a latency that is known exactly.
///
/// Batches of three close when the third transaction is there, machines cost nothing and every
/// delay is d: a transaction takes 5 d (to the primary, three phases, back) and waits for the
/// batch's rest, 0, 1 or 2 gaps of a Poisson process, each with probability 1/3.
@Suite("PBFT, whether its intervals cover")
struct PBFTCoverageTests {
  private static let rate = 100.0
  private static let fixed = 5e-3

  private func outcome(seed: UInt64) -> Outcome {
    var run = PBFTRun()
    run.seed = seed
    run.arrivals = .poisson(rate: Self.rate)
    run.settings.batchRequests = 3
    run.settings.batchTimeout = .seconds(3600)
    run.settings.pipeline = 100
    run.settings.statusInterval = .seconds(3600)
    run.settings.viewTimeout = .seconds(3600)
    run.clientTimeout = .seconds(3600)
    let simulation = run.start()
    let end = SimTime.zero + .seconds(5)
    simulation.run(until: end)
    return simulation.outcome(until: end, measuring: Measuring(mode: .transient))
  }

  /// The x with P[W <= x / rate] = p: 1 - exp(-x) (2 + x) / 3 = p.
  private func waits(_ p: Double) -> Double {
    var (low, high) = (0.0, 50.0)
    while high - low > 1e-12 {
      let middle = (low + high) / 2
      if 1 - exp(-middle) * (2 + middle) / 3 < p { low = middle } else { high = middle }
    }
    return low
  }

  @Test("95 % intervals of mean, median and p99 cover in 93 to 97 % of 1000 experiments")
  func coverage() throws {
    let names = ["main.latency_mean", "main.latency_p50", "main.latency_p99"]
    let truth = [1, waits(0.5), waits(0.99)].map { Self.fixed + $0 / Self.rate }
    let hits = Mutex([0, 0, 0])
    DispatchQueue.concurrentPerform(iterations: 1_000) { experiment in
      let outcomes = (0..<10).map { outcome(seed: UInt64(experiment * 10 + $0)) }
      for (k, name) in names.enumerated() {
        let estimate = MeanEstimate(outcomes.compactMap { $0[name] })
        if estimate.count == 10, estimate.low <= truth[k], truth[k] <= estimate.high {
          hits.withLock { $0[k] += 1 }
        }
      }
    }
    let counts = hits.withLock(\.self)
    print("PBFT, 95 % intervals of mean, median, p99 cover \(counts) of 1000")
    for count in counts { #expect((930...970).contains(count), "\(counts)") }
  }
}
