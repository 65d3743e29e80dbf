import Kernel
import Networking
import Protocols
import Simulation
import Statistics
import Testing

/// Races between a selfish miner and the others, who are one node unless a test says otherwise:
/// with
/// no delay it does not matter how many they are.
enum SelfishRace {
  struct Result {
    var revenue: Double
    var error: Double
    var stale: Double
  }

  /// Eyal & Sirer, FC 2014, eq. (8): the share of SM1 in the blocks that stay.
  static func sm1(_ a: Double, _ g: Double) -> Double {
    (a * (1 - a) * (1 - a) * (4 * a + g * (1 - 2 * a)) - a * a * a) / (1 - a * (1 + (2 - a) * a))
  }

  /// Share of the selfish miner in the blocks that stay, with its standard error by 20 batches.
  static func run(
    _ policy: SelfishPolicy, alpha: Double, gamma: Double, blocks: Int, seed: UInt64 = 1
  ) -> Result {
    let settings = Nakamoto.Settings(
      interval: .seconds(1), confirmations: 1, tieBreaking: gamma)
    var setup = ChainSetup(topology: mesh(2), blocks: .direct)
    setup.settings.retained = 2_000
    let run = setup.makeRun(
      seed: seed, genesis: Nakamoto.genesis(),
      protocols: [
        Nakamoto(settings: settings, hashRate: 1 - alpha),
        Nakamoto(settings: settings, hashRate: alpha, selfish: SelfishMiner(policy: policy)),
      ])
    return measure(run, attacker: 1, blocks: blocks)
  }

  static func measure(_ run: ChainRun<Nakamoto>, attacker: Int, blocks: Int) -> Result {
    let batches = 20
    var own: [Double] = []
    var all: [Double] = []
    var before = (own: 0, others: 0)
    for batch in 1...batches {
      run.simulation.run(
        until: SimTime(nanoseconds: Int64(blocks / batches * batch) * 1_000_000_000))
      guard let miner = run.chain.protocols[attacker].selfish else { continue }
      own.append(Double(miner.ownBlocks - before.own))
      all.append(Double(miner.ownBlocks + miner.othersBlocks - before.own - before.others))
      before = (miner.ownBlocks, miner.othersBlocks)
    }
    // The ratio of two sums, with its error by linearisation.
    let revenue = own.reduce(0, +) / all.reduce(0, +)
    let mean = all.reduce(0, +) / Double(batches)
    let squares = zip(own, all).reduce(0) {
      $0 + ($1.0 - revenue * $1.1) * ($1.0 - revenue * $1.1)
    }
    let error = (squares / Double(batches - 1) / Double(batches)).squareRoot() / mean
    let totals = run.chain.summary().totals
    #expect(run.simulation.world.violations.isEmpty)
    return Result(
      revenue: revenue, error: error,
      stale: 1 - Double(totals.blocks) / Double(run.chain.books.made))
  }
}

@Suite("Nakamoto: the selfish miner")
struct NakamotoSelfishTests {
  struct Case: CustomTestStringConvertible {
    var alpha: Double
    var gamma: Double
    var testDescription: String { "alpha = \(alpha), gamma = \(gamma)" }
  }

  /// The points of Eyal & Sirer's Figure 2 but for alpha = 0 and alpha = 1/2, where there is
  /// nothing to win and no limit.
  static let figure2 = [0, 0.5, 1].flatMap { gamma in
    (1...19).map { Case(alpha: 0.025 * Double($0), gamma: gamma) }
      + [Case(alpha: 1.0 / 3, gamma: gamma)]
  }

  @Test("SM1 earns what Eyal & Sirer's eq. (8) says, at every point of their Figure 2")
  func revenue() {
    // Three points as they stand in the published table.
    #expect(abs(SelfishRace.sm1(0.35, 0) - 0.36650851) < 1e-8)
    #expect(abs(SelfishRace.sm1(0.4, 0.5) - 0.52558140) < 1e-8)
    #expect(abs(SelfishRace.sm1(0.3, 1) - 0.38062157) < 1e-8)
    var squares = 0.0
    for (k, point) in Self.figure2.enumerated() {
      let result = SelfishRace.run(
        .eyalSirer, alpha: point.alpha, gamma: point.gamma, blocks: 60_000, seed: UInt64(k))
      let exact = SelfishRace.sm1(point.alpha, point.gamma)
      let z = (result.revenue - exact) / result.error
      squares += z * z
      #expect(abs(z) < 4, "\(point): \(result.revenue) +- \(result.error), not \(exact)")
    }
    print("SM1, \(Self.figure2.count) points: mean square deviation \(squares / 60) errors")
    // Student-t deviations of 19 degrees of freedom have a mean square of 19 / 17.
    #expect(squares / Double(Self.figure2.count) < 2)
  }

  @Test(
    "SM1 with 400,000 blocks: 0.36651 at alpha 0.35, gamma 0; 0.52558 at alpha 0.4, gamma 1/2",
    arguments: [Case(alpha: 0.35, gamma: 0), Case(alpha: 0.4, gamma: 0.5)])
  func precision(point: Case) {
    let result = SelfishRace.run(
      .eyalSirer, alpha: point.alpha, gamma: point.gamma, blocks: 400_000)
    let exact = SelfishRace.sm1(point.alpha, point.gamma)
    print("SM1, \(point): \(result.revenue) +- \(result.error), exact \(exact)")
    #expect(abs(result.revenue - exact) < 4 * result.error)
    #expect(result.error < 0.003)
  }

  /// Eyal & Sirer, eq. (9): alpha* = (1 - gamma) / (3 - 2 gamma).
  @Test("at the threshold (1 - gamma) / (3 - 2 gamma) SM1 earns its share, beyond it more")
  func threshold() {
    for step in 0...19 {
      let gamma = 0.05 * Double(step)
      let threshold = (1 - gamma) / (3 - 2 * gamma)
      let at = SelfishRace.run(.eyalSirer, alpha: threshold, gamma: gamma, blocks: 100_000)
      #expect(abs(at.revenue - threshold) < 4 * at.error, "gamma = \(gamma)")
      let beyond = SelfishRace.run(
        .eyalSirer, alpha: threshold + 0.06, gamma: gamma, blocks: 100_000)
      #expect(beyond.revenue > threshold + 0.06, "gamma = \(gamma)")
      let below = SelfishRace.run(
        .eyalSirer, alpha: threshold * 0.8, gamma: gamma, blocks: 100_000)
      #expect(below.revenue < threshold * 0.8, "gamma = \(gamma)")
    }
  }

  /// An attacker that hears of a block and is heard by all before its maker is wins every tie but
  /// with the maker: of ten equal miners nine mine on its chain. One that is slower wins none.
  @Test(
    "gamma comes out of the attacker's place in the network, without any coin",
    arguments: [(1.0, 0.9), (100.0, 0.0)])
  func placement(microseconds: Double, gamma: Double) {
    let alpha = 0.35
    let settings = Nakamoto.Settings(interval: .seconds(1), confirmations: 1)
    var setup = ChainSetup(topology: mesh(11), blocks: .direct)
    // Ten microseconds between honest miners; one to or from the attacker, or a hundred.
    setup.regions = .init(
      of: Array(repeating: 0, count: 10) + [1],
      delays: [
        .constant(1e4), .constant(microseconds * 1e3), .constant(microseconds * 1e3), .constant(0),
      ])
    setup.settings.retained = 1_000
    let run = setup.makeRun(
      seed: 4, genesis: Nakamoto.genesis(),
      protocols: (0..<11).map { i in
        i == 10
          ? Nakamoto(
            settings: settings, hashRate: alpha, selfish: SelfishMiner(policy: .eyalSirer))
          : Nakamoto(settings: settings, hashRate: (1 - alpha) / 10)
      })
    let result = SelfishRace.measure(run, attacker: 10, blocks: 100_000)
    let exact = SelfishRace.sm1(alpha, gamma)
    print("SM1 by place, gamma = \(gamma): \(result.revenue) +- \(result.error), exact \(exact)")
    #expect(abs(result.revenue - exact) < 4 * result.error)
  }

  @Test("runs repeat, copies go on alike, and both ways of handling agree, crashes included")
  func determinism() {
    func make(reference: Bool = false) -> ChainRun<Nakamoto> {
      let settings = Nakamoto.Settings(
        interval: .seconds(20), confirmations: 3, tieBreaking: 0.5)
      let setup = NakamotoNetworkTests.busy {
        $0.faults = NakamotoNetworkTests.crashes
        $0.usesReferenceLanes = reference
        $0.settings.retained = 200
      }
      return setup.makeRun(
        seed: 12, genesis: Nakamoto.genesis(),
        protocols: (0..<16).map {
          $0 == 7
            ? Nakamoto(
              settings: settings, hashRate: 0.4, selfish: SelfishMiner(policy: .eyalSirer))
            : Nakamoto(settings: settings, hashRate: 0.04)
        })
    }
    let end = SimTime(nanoseconds: 4_000_000_000_000)
    let (a, b, slow) = (make(), make(), make(reference: true))
    a.simulation.run(until: SimTime(nanoseconds: 1_500_123_456_789))
    let copy = a.copy()
    for run in [a, b, slow, copy] { run.simulation.run(until: end) }
    #expect(a.simulation.digests == b.simulation.digests)
    #expect(a.simulation.digests == copy.simulation.digests)
    #expect(a.simulation.digests == slow.simulation.digests)
    #expect(a.simulation.world.violations.isEmpty)
    #expect((a.chain.protocols[7].selfish?.overrides ?? 0) > 10)
  }
}

@Suite("Nakamoto: the best selfish miner")
struct NakamotoOptimalPolicyTests {
  struct Case: CustomTestStringConvertible {
    var gamma: Double
    var alpha: Double
    var revenue: Double
    var testDescription: String { "alpha = \(alpha), gamma = \(gamma)" }
  }

  /// Sapirshtein, Sompolinsky & Zohar, FC 2016: their decision process solved anew by relative
  /// value iteration, races cut at 60 blocks, 95 beyond alpha = 0.4.
  static let published = [
    Case(gamma: 0, alpha: 0.3, revenue: 0.30000),
    Case(gamma: 0, alpha: 1.0 / 3, revenue: 0.33705),
    Case(gamma: 0, alpha: 0.35, revenue: 0.37077),
    Case(gamma: 0, alpha: 0.375, revenue: 0.42599),
    Case(gamma: 0, alpha: 0.4, revenue: 0.48857),
    Case(gamma: 0, alpha: 0.425, revenue: 0.56809),
    Case(gamma: 0, alpha: 0.45, revenue: 0.66894),
    Case(gamma: 0.5, alpha: 0.25, revenue: 0.25000),
    Case(gamma: 0.5, alpha: 0.275, revenue: 0.28716),
    Case(gamma: 0.5, alpha: 0.3, revenue: 0.32687),
    Case(gamma: 0.5, alpha: 1.0 / 3, revenue: 0.39183),
    Case(gamma: 0.5, alpha: 0.35, revenue: 0.43018),
    Case(gamma: 0.5, alpha: 0.4, revenue: 0.57251),
    Case(gamma: 0.5, alpha: 0.45, revenue: 0.75964),
    Case(gamma: 1, alpha: 0.1, revenue: 0.11111),
    Case(gamma: 1, alpha: 0.2, revenue: 0.25000),
    Case(gamma: 1, alpha: 0.25, revenue: 0.33333),
    Case(gamma: 1, alpha: 0.3, revenue: 0.42857),
    Case(gamma: 1, alpha: 1.0 / 3, revenue: 0.50000),
    Case(gamma: 1, alpha: 0.4, revenue: 0.66667),
    Case(gamma: 1, alpha: 0.45, revenue: 0.81818),
  ]

  @Test(
    "the decision process has the published revenue, and the race earns it", arguments: published)
  func revenue(point: Case) {
    let process = SelfishDecisionProcess(
      alpha: point.alpha, gamma: point.gamma, longest: point.alpha > 0.4 ? 95 : 60)
    let (policy, revenue) = process.solve()
    #expect(abs(revenue - point.revenue) < 1e-5, "\(point): \(revenue)")
    let result = SelfishRace.run(
      policy, alpha: point.alpha, gamma: point.gamma, blocks: 100_000,
      seed: UInt64(point.alpha * 1000 + point.gamma * 10))
    print("optimal, \(point): \(result.revenue) +- \(result.error), exact \(revenue)")
    #expect(abs(result.revenue - revenue) < 4 * result.error)
  }

  @Test("at alpha 0.45, gamma 1/2 it earns more than SM1 in the same race")
  func better() {
    let (policy, revenue) = SelfishDecisionProcess(alpha: 0.45, gamma: 0.5, longest: 60).solve()
    let best = SelfishRace.run(policy, alpha: 0.45, gamma: 0.5, blocks: 400_000)
    let sm1 = SelfishRace.run(.eyalSirer, alpha: 0.45, gamma: 0.5, blocks: 400_000)
    #expect(best.revenue > sm1.revenue + 4 * (best.error + sm1.error))
    #expect(abs(best.revenue - revenue) < 4 * best.error)
    #expect(best.stale > 0.3, "it lives from others' stale blocks")
  }

  /// Figure 3 of the paper: near the threshold the best policy is honest mining.
  @Test("below a quarter of the hash rate and without luck in ties, it is honest mining")
  func honest() {
    let (policy, revenue) = SelfishDecisionProcess(alpha: 0.2, gamma: 0, longest: 30).solve()
    #expect(abs(revenue - 0.2) < 1e-6)
    #expect(policy.action(1, 0, .irrelevant) == .override)
    #expect(policy.action(0, 1, .relevant) == .adopt)
  }
}
