import Consensus
import Kernel
import Ledger
import Machines
import Protocols
import Simulation
import Testing

@Suite("HotStuff and Jolteon, the normal case")
struct HotStuffNormalCaseTests {
  static let rest = [
    "new-view", "timeout", "timeout-certificate", "certificate", "fetch-proposal", "fetch-blocks",
    "block", "fetch-batch", "fetched", "fetch-checkpoints", "checkpoint", "fetch-state", "state",
    "inquire", "standing", "forward",
  ]

  /// Blocks proposed and messages sent in a run whose clients stop before it ends in silence.
  static func count<Rule: ChainRule>(_ rule: Rule.Type, n: Int, views: Int) {
    var run = HotStuffRun<Rule>()
    run.n = n
    run.settings.leaderViews = views
    if views == 1 { run.settings.idleInterval = .zero }
    run.arrivals = .closed(clients: 1, think: .constant(0))
    run.until = SimTime(nanoseconds: 100_000_000)
    let simulation = run.start()
    // Between the votes for a block and the next proposal.
    simulation.run(until: SimTime(nanoseconds: 999_500_000))
    let replicas = simulation.group(ChainedHotStuff<Rule>.self).replicas
    // No view failed: the number of the last is the number of blocks.
    let blocks = replicas.map { Int($0.lastVoted.number) }.max() ?? 0
    #expect(blocks >= 8 && replicas.allSatisfy { $0.viewChanges == 0 })
    #expect(simulation.sent(["proposal"], of: ChainedHotStuff<Rule>.self) == blocks * (n - 1))
    #expect(
      simulation.sent(["proposal", "vote"], of: ChainedHotStuff<Rule>.self)
        == blocks * 2 * (n - 1))
    #expect(simulation.sent(rest, of: ChainedHotStuff<Rule>.self) == 0)
    #expect(simulation.final == simulation.submitted)
    #expect(simulation.world.violations.isEmpty)
  }

  @Test(
    "send 2(n-1) messages a block, replies apart",
    arguments: [4, 5, 6, 7, 8, 10, 16, 31, 64, 128])
  func messageCount(n: Int) {
    Self.count(ThreeChain.self, n: n, views: HotStuffSettings.stableViews)
    Self.count(TwoChain.self, n: n, views: HotStuffSettings.stableViews)
    Self.count(ThreeChain.self, n: n, views: 1)
    Self.count(TwoChain.self, n: n, views: 1)
  }

  /// 1,600 closed-loop requests beside their replicas, batches of 400, 10 ms links.
  static func paced<Rule: ChainRule>(_ rule: Rule.Type, n: Int) -> (latency: Double, rate: Double) {
    var run = HotStuffRun<Rule>()
    run.n = n
    run.arrivals = .closed(clients: 1600, think: .constant(0))
    run.bundle = 400
    run.regionOf = Array(repeating: 0, count: n) + [1]
    run.delays = [.constant(10e6), .constant(0), .constant(0), .constant(0)]
    run.transactionBytes = 0
    let simulation = run.start()
    simulation.run(until: .zero + .seconds(4))
    let log = simulation.world.logs[0]
    var sum = 0.0
    var count = 0
    for number in 0..<log.count where log.submitted[number] >= ms(1000) {
      let final = log.time(.final, of: number)
      guard final < ms(3000) else { continue }
      sum += (final - log.submitted[number]).seconds
      count += 1
    }
    let steady = simulation.world.decisionLogs[1].entries.filter {
      $0.time >= ms(1000) && $0.time < ms(3000)
    }
    let decided = steady.reduce(0) { $0 + Int($1.transactions) }
    #expect(simulation.world.violations.isEmpty)
    return (sum / Double(max(count, 1)) * 1000, Double(decided) / 2)
  }

  @Test("HotStuff answers after eight delays, 400 requests every two", arguments: [4, 7, 16, 64])
  func threeChains(n: Int) {
    let (latency, rate) = Self.paced(ThreeChain.self, n: n)
    #expect(abs(latency - 80) <= 0.02 * 80, "\(latency) ms")
    #expect(abs(rate - 20_000) <= 0.02 * 20_000, "\(rate) tx/s")
  }
}
