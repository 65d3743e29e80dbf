import Kernel
import Statistics
import Testing

/// Waiting times of successive customers of an M/M/1 queue that starts empty (Lindley, 1952), in
/// units of the mean service time.
private func waits(_ customers: Int, load: Double, experiment: Int, replication: Int) -> [Double] {
  let entity = UInt64(replication)
  var gaps = RandomStream(seed: UInt64(experiment), purpose: "arrivals", entity: entity)
  var services = RandomStream(seed: UInt64(experiment), purpose: "services", entity: entity)
  var wait = 0.0
  return (0..<customers).map { _ in
    defer { wait = max(0, wait + services.exponential() - gaps.exponential() / load) }
    return wait
  }
}

@Suite("steady state")
struct SteadyStateTests {
  /// How many of 1000 experiments of ten replications have the true mean in their 95 % interval.
  private func covered(
    customers: Int, load: Double, cuts: ([[Double]]) -> [WarmUp]
  ) -> (experiments: Int, suspicious: Int) {
    let truth = MeanWait.mm1(load: load)
    var suspicious = 0
    let hits = (0..<1_000).filter { experiment in
      let runs = (0..<10).map {
        waits(customers, load: load, experiment: experiment, replication: $0)
      }
      let warmUps = cuts(runs)
      suspicious += warmUps.filter(\.isSuspicious).count
      let means = zip(runs, warmUps).map { run, warmUp in
        run[warmUp.deleted...].reduce(0, +) / Double(run.count - warmUp.deleted)
      }
      let estimate = MeanEstimate(means)
      return estimate.low <= truth && truth <= estimate.high
    }
    return (hits.count, suspicious)
  }

  private func common(_ runs: [[Double]]) -> [WarmUp] {
    let warmUp = WarmUp(mser5Across: runs)
    return runs.map { _ in warmUp }
  }

  @Test("intervals over replications with a common warm-up cover 93 to 97 % of 1000 experiments")
  func coverage() {
    let half = covered(customers: 5_000, load: 0.5, cuts: common)
    #expect((930...970).contains(half.experiments), "\(half.experiments)")
    #expect(half.suspicious == 0)
    let higher = covered(customers: 20_000, load: 0.7, cuts: common)
    #expect((930...970).contains(higher.experiments), "\(higher.experiments)")
    #expect(higher.suspicious == 0)
  }

  @Test("intervals from batch means of one long run cover 93 to 97 % of 1000 experiments")
  func batchMeansCoverage() {
    let truth = MeanWait.mm1(load: 0.5)
    let hits = (0..<1_000).filter { experiment in
      let run = waits(100_000, load: 0.5, experiment: experiment, replication: 0)
      let warmUp = WarmUp(mser5: run)
      let estimate = BatchMeans(run[warmUp.deleted...]).estimate
      return estimate.low <= truth && truth <= estimate.high
    }
    #expect((930...970).contains(hits.count), "\(hits.count)")
  }

  @Test("cutting each short replication at its own point undercovers, as documented")
  func ownPointsUndercover() {
    let own = covered(customers: 2_000, load: 0.5) { runs in runs.map { WarmUp(mser5: $0) } }
    #expect(own.experiments < 850)
    #expect(own.suspicious > 0)
  }

  @Test("a warm-up of known length is found")
  func knownWarmUp() {
    var stream = RandomStream(seed: 1, purpose: "warm-up")
    let shift = (0..<2_000).map { ($0 < 300 ? 5 : 0) + stream.normal() }
    let warmUp = WarmUp(mser5: shift)
    #expect((295...330).contains(warmUp.deleted), "\(warmUp.deleted)")
    #expect(!warmUp.isSuspicious)
    let flat = WarmUp(mser5: [Double](repeating: 3, count: 1_000))
    #expect(flat.deleted == 0 && !flat.isSuspicious)
  }

  @Test("the truncation point is that of the definition, by brute force")
  func bruteForce() {
    for entity in 0..<50 {
      let run = waits(503, load: 0.8, experiment: 1, replication: entity)
      let batches = (0..<100).map { run[($0 * 5)..<($0 * 5 + 5)].reduce(0, +) / 5 }
      let statistics = (0...95).map { start in
        let rest = batches[start...]
        let mean = rest.reduce(0, +) / Double(rest.count)
        let squares = rest.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return squares / Double(rest.count * rest.count)
      }
      let expected = statistics.indices.min { statistics[$0] < statistics[$1] }! * 5
      #expect(WarmUp(mser5: run).deleted == expected)
      #expect(WarmUp(mser5: run).isSuspicious == (expected > 250))
      #expect(WarmUp(mser5Across: [run]) == WarmUp(mser5: run))
    }
  }

  @Test("growth without end and runs that are too short are suspicious")
  func noSteadyState() {
    #expect(WarmUp(mser5: (0..<1_000).map { Double($0 * $0) }).isSuspicious)
    #expect(WarmUp(mser5: waits(20_000, load: 1.2, experiment: 1, replication: 0)).isSuspicious)
    #expect(WarmUp(mser5: [1, 2, 3]).isSuspicious)
    #expect(WarmUp(mser5: [Double]()).deleted == 0)
  }
}
