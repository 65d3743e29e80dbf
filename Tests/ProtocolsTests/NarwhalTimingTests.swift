import Consensus
import Kernel
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

@Suite("Narwhal, how many rounds and how long it takes")
struct NarwhalTimingTests {
  /// Rounds of 10 ms, links of 1 ms: all certificates of a round are there before the next begins.
  private func synchronous<Rule: OrderingRule>(_ rule: Rule.Type, n: Int, seed: UInt64 = 1)
    -> NarwhalRun<Rule>
  {
    var run = NarwhalRun<Rule>()
    run.validators = n
    run.seed = seed
    run.arrivals = .closed(clients: 1, think: .constant(0))
    return run
  }

  @Test(
    "under synchrony every leader is committed, vertices after 4.5 - 1/n rounds on average (Tusk)",
    arguments: [4, 7, 10, 16])
  func tuskRounds(n: Int) {
    rounds(TuskRule.self, n, ofLeader: 3)
  }

  @Test(
    "and after 3.5 - 1/n rounds, leaders after 2 (Bullshark)", arguments: [4, 7, 10, 16])
  func bullsharkRounds(n: Int) {
    rounds(BullsharkRule.self, n, ofLeader: 2)
  }

  /// A leader takes `depth` rounds, its own and the last counted. The others of its round are
  /// ordered by the next leader, two rounds later; so are those of the next round, one round after
  /// it.
  private func rounds<Rule: OrderingRule>(_ rule: Rule.Type, _ n: Int, ofLeader depth: Int) {
    let simulation = synchronous(rule, n: n).start()
    simulation.run(until: ms(2000))
    for replica in simulation.narwhal(rule).replicas {
      let seen = replica.statistics
      let m = seen.leaders
      #expect(m >= 97)
      #expect(seen.direct == m)
      #expect(seen.skipped == 0)
      #expect(seen.vertices == m + (m - 1) * (n - 1) + (m - 1) * n)
      let expected = depth * m + (depth + 2) * (m - 1) * (n - 1) + (depth + 1) * (m - 1) * n
      #expect(seen.rounds == expected)
    }
    #expect(simulation.world.violations == [])
  }

  @Test(
    "the first batch is decided three delays into the round that commits it",
    arguments: 1...12 as ClosedRange<UInt64>)
  func firstBatch(seed: UInt64) {
    first(TuskRule.self, seed, depth: 3)
    first(BullsharkRule.self, seed, depth: 2)
  }

  /// Submitted at 0 ms, received at 1 ms, sealed at 6 ms, stored by a quorum at 8 ms, listed in the
  /// header of round 1 at 10 ms, whose certificate is everywhere at 13 ms.
  private func first<Rule: OrderingRule>(_ rule: Rule.Type, _ seed: UInt64, depth: Int) {
    let simulation = synchronous(rule, n: 4, seed: seed).start()
    simulation.run(until: ms(500))
    let isLeader = Rule.leader(of: DagRound(1), n: 4, seed: seed) == 0
    let rounds = Int64(isLeader ? depth : depth + 2)
    let entries = simulation.world.decisionLogs[1].entries
    #expect(entries[0].time == ms(10 + (rounds - 1) * 10 + 3))
    #expect(entries[0].age == .milliseconds(10 + (rounds - 1) * 10 + 3 - 6))
    #expect(simulation.world.logs[0].time(.final, of: 0) == entries[0].time + .milliseconds(1))
  }

  @Test("a round takes three delays where headers do not wait", arguments: [4, 10])
  func roundTime(n: Int) {
    var run = synchronous(TuskRule.self, n: n)
    run.settings.headerDelay = .milliseconds(1)
    let simulation = run.start()
    simulation.run(until: ms(3001))
    #expect(simulation.narwhal(TuskRule.self).replicas[0].proposed.number == 1001)
  }

  @Test("throughput grows linearly with workers on machines of their own", arguments: [2, 4])
  func scaleOut(workers: Int) {
    let one = throughput(workers: 1)
    let more = throughput(workers: workers)
    #expect(abs(more / one - Double(workers)) < 0.05 * Double(workers), "\(one), \(more) tx/s")
  }

  /// Distinct transactions decided a second when clients offer more than workers can take.
  private func throughput(workers: Int) -> Double {
    var run = NarwhalRun<TuskRule>()
    run.settings.workers = workers
    run.settings.placement = .ownMachines
    run.settings.batchDelay = .milliseconds(50)
    run.settings.batchBytes = 50_000
    run.settings.costs.request = .microseconds(200)
    run.settings.headerDelay = .milliseconds(20)
    run.settings.mempool = 2000
    run.machine = MachineSpec(processor: .init(cores: 2), uplink: 1e9, downlink: 1e9)
    run.clientHosts = 4 * workers
    run.arrivals = .poisson(rate: 8000)
    run.bundle = 20
    run.transactionBytes = 512
    run.clientTimeout = .seconds(100)
    let simulation = run.start()
    simulation.run(until: ms(3000))
    #expect(simulation.world.violations == [])
    return simulation.world.decisionLogs[1].entries.filter { $0.time > ms(1500) }
      .reduce(0) { $0 + Double($1.transactions) } / 1.5
  }
}
