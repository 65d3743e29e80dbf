import CAllocationCounter
import Consensus
import Kernel
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Statistics
import Testing

@Suite("Algorand without faults")
struct AlgorandNormalCaseTests {
  @Test("rounds end a filter timeout and two delays after they begin", arguments: [4, 10, 40])
  func latency(n: Int) {
    var run = AlgorandRun(n: n)
    run.delay = .constant(70e6)
    run.arrivals = .poisson(rate: 20)
    let simulation = run.start()
    simulation.run(until: SimTime(nanoseconds: 100_000_000_000))
    let times = simulation.world.decisionLogs[1].entries.map(\.time.nanoseconds)
    #expect(times == (1...31).map { Int64($0) * 3_140_000_000 })
    #expect(simulation.world.violations == [])
    #expect(simulation.group(Algorand.self).equivocators == [])
    #expect(simulation.group(Algorand.self).replicas.allSatisfy { $0.viewChanges == 0 })
  }

  @Test("committees have as many senders as the binomial says", arguments: [0.0, 0.8])
  func messages(exponent: Double) {
    var run = AlgorandRun(n: 60, seed: 7)
    run.settings.stakeExponent = exponent
    // Small committees, in which many accounts have no vote; low thresholds, as they vary.
    run.settings.committees = .init(
      proposers: 20, soft: (60, 20), cert: (40, 10), next: (5000, 3838), late: (500, 320),
      redo: (2400, 1768), down: (6000, 4560))
    run.delay = .constant(10e6)
    run.arrivals = .poisson(rate: 1)
    let simulation = run.start()
    let rounds = 300
    // The last decision, before the next filter timeout.
    let end = Int64(rounds) * 3_020_000_000 + 1_000_000_000
    simulation.run(until: SimTime(nanoseconds: end))
    #expect(simulation.group(Algorand.self).replicas.allSatisfy { $0.decided.number == 300 })
    for (kind, size, times) in [
      ("propose", 20, rounds + 1), ("payload", 20, rounds + 1), ("soft-vote", 60, rounds),
      ("cert-vote", 40, rounds),
    ] {
      var mean = 0.0
      var variance = 0.0
      for stake in run.settings.stakes(n: 60) {
        let p = Tail.binomial(
          atLeast: 1, of: stake, Double(size) / Double(run.settings.totalStake))
        mean += p * Double(times)
        variance += p * (1 - p) * Double(times)
      }
      let senders = Double(simulation.sent([kind], of: Algorand.self)) / 59
      #expect(abs(senders - mean) <= 4 * variance.squareRoot(), "\(kind): \(senders) of \(mean)")
    }
  }

  @Test("the adaptive filter timeout goes down to its bound after 40 rounds")
  func adaptive() {
    var run = AlgorandRun(n: 10)
    run.settings.adaptsFilter = true
    run.delay = .constant(50e6)
    let simulation = run.start()
    simulation.run(until: SimTime(nanoseconds: 150_000_000_000))
    let times = simulation.world.decisionLogs[1].entries.map(\.time.nanoseconds)
    #expect(times[39] - times[38] == 3_100_000_000)
    #expect(times[40] - times[39] == 2_600_000_000)
  }

  @Test("in steady state it allocates nothing")
  func allocations() {
    var run = AlgorandRun(n: 16)
    run.settings = AlgorandRun.quickSettings
    run.settings.costs.message = .microseconds(2)
    run.settings.costs.verify = .microseconds(5)
    run.machine = MachineSpec(processor: .init(cores: 4), uplink: 1e10, downlink: 1e10)
    run.delay = .exponential(mean: 1e6)
    run.clientHosts = 2
    run.arrivals = .poisson(rate: 1000)
    run.bundle = 10
    run.reserving = 100_000
    // What the runtime makes once, at a type's first use, is made by a run before.
    run.start().run(until: SimTime(nanoseconds: 30_000_000_000))
    let simulation = run.start()
    simulation.run(until: SimTime(nanoseconds: 20_000_000_000))
    let decided = simulation.world.decisions[1]
    let periods = simulation.group(Algorand.self).replicas.map(\.viewChanges)
    let before = allocationsOfThisThread()
    simulation.run(until: SimTime(nanoseconds: 30_000_000_000))
    let after = allocationsOfThisThread()
    #expect(simulation.world.decisions[1] > decided + 200)
    #expect(simulation.group(Algorand.self).replicas.map(\.viewChanges) == periods)
    #expect(after == before)
  }
}
