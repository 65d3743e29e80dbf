import Consensus
import Kernel
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

/// How long a committee takes after a partition or GST: times in milliseconds, names as on the
/// pages. Each run goes on until all is executed, once and in one order.
@Suite("After a partition or GST committees decide again within the bounds of their pages")
struct OutageTests {
  static let seeds = 1...3 as ClosedRange<UInt64>

  /// Everything was executed once, in one order, at every node that is up, and clients know.
  private func expectAllExecuted(
    _ simulation: Simulation, _ executed: [Int], until end: SimTime, _ what: String
  ) {
    #expect(simulation.world.violations == [], "\(what)")
    #expect(simulation.submitted > 300, "\(what)")
    #expect(simulation.final == simulation.submitted, "\(what)")
    for (node, count) in executed.enumerated()
    where simulation.world.machines.isUp(NodeID(node)) {
      #expect(count == simulation.submitted, "\(what), node \(node)")
    }
  }

  // MARK: HotStuff and Jolteon

  /// With `k` leaders in a row down: in HotStuff from the one that follows the outage on; in
  /// Jolteon, where nobody leaves a view without a quorum, from the one of the outage's view on.
  private func chained<Rule: ChainRule>(
    _ rule: Rule.Type, _ outage: Outage, k: Int, seed: UInt64
  ) {
    let (t, d, w) = (100, 2, 5)
    var run = HotStuffRun<Rule>(.faulty)
    run.n = 10
    run.seed = seed
    run.settings.batchRequests = 10_000
    run.settings.viewTimeout = .milliseconds(Int64(t))
    run.settings.doublings = Rule.chains == 3 ? 16 : 0
    run.clientTimeout = .milliseconds(50)
    run.arrivals = .poisson(rate: 500)
    run.until = ms(1500)
    let first = Rule.chains == 3 ? 1 : 0
    outage.impose(on: &run.setup, delay: Int64(d), down: first..<first + k)
    let simulation = run.start()
    let group = { (simulation: Simulation) in simulation.group(ChainedHotStuff<Rule>.self) }
    simulation.run(until: ms(outage.until))
    let failures = group(simulation).replicas.map(\.viewChanges).max() ?? 0
    let wait = Int(outage.wait(simulation))
    let what = "\(Rule.name), \(outage.testDescription), k \(k), seed \(seed): \(wait) ms"
    if Rule.chains == 3 {
      #expect(failures > 0, "it was to be felt: \(what)")
      let p = t << min(failures, 16)
      let bound = p + 2 * d + p * (1 << k - 1) + w + (k + 12) * d
      #expect(wait <= bound, "\(what) of \(bound), \(failures) failures")
    } else {
      let bound = t + 2 * d + k * t + w + (2 * k + 10) * d
      #expect(wait <= bound, "\(what) of \(bound)")
      // Each leader that is down after the first costs a timeout.
      if case .partition = outage.kind {
        #expect(wait >= (k - 1) * t, "it was to be felt: \(what)")
      }
    }
    simulation.run(until: ms(20_000))
    expectAllExecuted(
      simulation, group(simulation).replicas.map(\.state.transactions), until: ms(20_000), what)
  }

  @Test("HotStuff", arguments: Outage.all, [0, 1, 2])
  func hotStuff(outage: Outage, k: Int) {
    for seed in Self.seeds { chained(ThreeChain.self, outage, k: k, seed: seed) }
  }

  @Test("Jolteon", arguments: Outage.all, [0, 1, 2])
  func jolteon(outage: Outage, k: Int) {
    for seed in Self.seeds { chained(TwoChain.self, outage, k: k, seed: seed) }
  }

  // MARK: Narwhal

  private static let (retry, header, leader, delay) = (50, 10, 40, 2)
  /// r, a round: three delays, and two more for a missing parent.
  private static let round = max(header, 5 * delay)

  /// Milliseconds until a leader is committed, with the last `k` validators down.
  private func narwhal<Rule: OrderingRule>(
    _ rule: Rule.Type, _ outage: Outage, k: Int, seed: UInt64
  ) -> Int {
    var run = NarwhalRun<Rule>()
    run.validators = 7
    run.setup.n = 7
    run.seed = seed
    run.settings.headerDelay = .milliseconds(Int64(Self.header))
    run.settings.retryDelay = .milliseconds(Int64(Self.retry))
    run.settings.leaderTimeout = .milliseconds(Int64(Self.leader))
    run.clientHosts = 4
    run.arrivals = .poisson(rate: 200)
    run.clientTimeout = .milliseconds(400)
    run.until = ms(1500)
    outage.impose(on: &run.setup, delay: Int64(Self.delay), down: 7 - k..<7)
    let simulation = run.start()
    let wait = outage.wait(simulation) { simulation in
      simulation.narwhal(rule).replicas.map(\.statistics.leaders).max() ?? 0
    }
    let what = "\(Rule.name), \(outage.testDescription), k \(k), seed \(seed): \(wait) ms"
    simulation.run(until: ms(20_000))
    expectAllExecuted(
      simulation, simulation.narwhal(rule).replicas.prefix(7).map(\.state.transactions),
      until: ms(20_000), what)
    return Int(wait)
  }

  @Test("Bullshark", arguments: Outage.all, [0, 1, 2])
  func bullshark(outage: Outage, k: Int) {
    let bound =
      2 * Self.retry + 5 * Self.delay + (k + 2) * (Self.leader + 2 * Self.round)
    for seed in Self.seeds {
      let wait = narwhal(BullsharkRule.self, outage, k: k, seed: seed)
      #expect(wait <= bound, "\(wait) of \(bound) ms, seed \(seed)")
    }
  }

  /// p is at least (f + 2) / n: so many vertices of a round have the votes that commit them.
  @Test("Tusk, on average", arguments: Outage.all, [0, 2])
  func tusk(outage: Outage, k: Int) {
    let seeds = 1...16 as ClosedRange<UInt64>
    let waits = seeds.map { narwhal(TuskRule.self, outage, k: k, seed: $0) }
    let mean = Double(waits.reduce(0, +)) / Double(waits.count)
    let p = 4.0 / 7
    let bound =
      Double(2 * Self.retry + 5 * Self.delay) + 2 * Double(Self.round) * (1 / p + 1)
    #expect(mean <= bound, "\(mean) of \(bound) ms: \(waits)")
  }

  // MARK: PBFT and group PBFT

  /// After `k` primaries, from the one of the first view on, are down.
  private static func pbftBound(k: Int) -> Int {
    let (t, s, d) = (200, 100, 2)
    return s + t * ((1 << max(k - 1, 0)) - 1) + (k + 9) * d
  }

  @Test("PBFT", arguments: Outage.all, [0, 1, 2])
  func pbft(outage: Outage, k: Int) {
    for seed in Self.seeds {
      var run = PBFTRun()
      run.n = 7
      run.seed = seed
      run.settings = PBFTRun.faultySettings
      run.arrivals = .poisson(rate: 500)
      run.clientTimeout = .milliseconds(50)
      run.until = ms(1500)
      outage.impose(on: &run.setup, delay: 2, down: 0..<k)
      let simulation = run.start()
      let wait = Int(outage.wait(simulation))
      let what = "\(outage.testDescription), k \(k), seed \(seed): \(wait) ms"
      #expect(wait <= Self.pbftBound(k: k), "\(what) of \(Self.pbftBound(k: k))")
      simulation.run(until: ms(20_000))
      expectAllExecuted(
        simulation, simulation.pbft.replicas.map(\.state.transactions), until: ms(20_000), what)
    }
  }

  @Test("Group PBFT", arguments: Outage.all, [0, 1, 2])
  func groupPBFT(outage: Outage, k: Int) {
    for learning in [LeaderSubset.Learning.one, .weakQuorum] {
      for seed in Self.seeds {
        var run = GroupPBFTRun.faulty(12, 7, learning: learning, seed: seed)
        run.settings.era = 1 << 20
        run.arrivals = .poisson(rate: 500)
        run.clientTimeout = .milliseconds(50)
        run.until = ms(1500)
        outage.impose(on: &run.setup, delay: 2, down: 0..<k)
        let simulation = run.start()
        let wait = Int(outage.wait(simulation))
        let what = "\(learning), \(outage.testDescription), k \(k), seed \(seed): \(wait) ms"
        #expect(wait <= Self.pbftBound(k: k), "\(what) of \(Self.pbftBound(k: k))")
        simulation.run(until: ms(20_000))
        expectAllExecuted(
          simulation, simulation.groupPBFT.replicas.map(\.state.transactions),
          until: ms(20_000), what)
      }
    }
  }
}
