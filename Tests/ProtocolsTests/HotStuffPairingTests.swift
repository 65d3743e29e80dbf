import Kernel
import Machines
import Metrics
import Protocols
import Simulation
import Statistics
import Testing

/// What common random numbers are worth: PBFT and HotStuff on the same arrivals, over links that
/// blocks have to share.
@Suite("HotStuff against PBFT on equal seeds")
struct HotStuffPairingTests {
  private static let machine = MachineSpec(
    processor: nil, uplink: 20e6, downlink: 20e6, disk: nil)

  private func prepare(_ setup: inout CommitteeSetup, seed: UInt64) {
    setup.seed = seed
    setup.machine = Self.machine
    setup.transactionBytes = 1_000
    setup.arrivals = .poisson(rate: 400)
  }

  private func latency(_ simulation: Simulation) -> Double {
    let end = SimTime.zero + .seconds(4)
    simulation.run(until: end)
    let outcome = simulation.outcome(until: end, measuring: Measuring(mode: .transient))
    guard let value = outcome["main.decision_latency_mean"] else { return .nan }
    return value
  }

  private func pbft(seed: UInt64) -> Double {
    var run = PBFTRun()
    prepare(&run.setup, seed: seed)
    run.settings.batchTimeout = .milliseconds(10)
    return latency(run.start())
  }

  private func hotStuff(seed: UInt64) -> Double {
    var run = HotStuffRun<ThreeChain>()
    prepare(&run.setup, seed: seed)
    run.settings.batchTimeout = .milliseconds(10)
    return latency(run.start())
  }

  @Test("common random numbers never widen the interval of the difference")
  func pairing() {
    var seeds: UInt64 = 0
    var wins: [Double] = []
    for _ in 0..<40 {
      let range = seeds..<seeds + 10
      seeds += 10
      let a = range.map(pbft)
      let b = range.map(hotStuff)
      let paired = MeanDifference.paired(a, b)
      let apart = MeanDifference.independent(a, b)
      #expect(paired.mean.isFinite && (paired.mean - apart.mean).magnitude < 1e-12)
      wins.append((apart.high - apart.low) / (paired.high - paired.low))
    }
    #expect(wins.allSatisfy { $0 >= 1 }, "\(wins)")
    let mean = wins.reduce(0, +) / Double(wins.count)
    let factor = (mean * 100).rounded() / 100
    print("HotStuff less PBFT, mean decision latency: paired, \(factor) times as narrow")
    // Seeds that do not belong together have no such gain: what narrows is the pairing.
    let a = (0..<100).map { pbft(seed: $0) }
    let b = (100..<200).map { hotStuff(seed: $0) }
    let wrong = MeanDifference.paired(a, b)
    let apart = MeanDifference.independent(a, b)
    #expect((apart.high - apart.low) / (wrong.high - wrong.low) < 1.3)
  }
}
