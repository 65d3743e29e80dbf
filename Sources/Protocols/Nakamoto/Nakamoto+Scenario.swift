import Consensus
import Kernel
import Ledger
import Machines

/// Nakamoto as a scenario names it: its settings with defaults, ranges and sources.
extension Nakamoto: ScenarioChainProtocol {
  public static var mines: Bool { true }

  public static var parameters: [Parameter] {
    [
      Parameter(
        "interval", .duration(.seconds(600), in: .milliseconds(1) ... .seconds(31_536_000)),
        "Mean time between blocks that is aimed at.",
        source: "Bitcoin Core chainparams: nPowTargetSpacing"),
      Parameter(
        "confirmations", .count(6, in: 1...100_000),
        "A transaction counts as decided so many blocks deep; its own is the first.",
        source: "Nakamoto 2008, §11: q = 0.1 and P < 0.1 % need 5 by his formula, 6 exactly"),
      Parameter(
        "retarget", .count(0, in: 0...1_000_000),
        "Blocks between changes of difficulty; 0: it stays. Bitcoin has 2016.",
        source: "off: the hash rate of a scenario does not change"),
      Parameter(
        "tie-breaking", .fraction(0, in: 0...1),
        "Probability that a miner leaves its chain for one of equal work that comes later.",
        source: "Nakamoto 2008, §5: the first seen; 0.5 is Eyal and Sirer's remedy, FC 2014, §6"),
    ] + attacker + [ChoiceWeakness.parameter]
  }

  private static var attacker: [Parameter] {
    [
      Parameter(
        "attacker-share", .fraction(0, in: 0...0.49),
        "Share of the hash rate of node 0, which plays the attacker's strategy; 0: none.",
        source: "Nakamoto 2008, §11"),
      Parameter(
        "attacker-strategy",
        .choice(Strategy.doubleSpend.rawValue, of: Strategy.allCases.map(\.rawValue)),
        "To spend twice, again and again; or to mine selfishly, by SM1 or by the best policy.",
        source: "Nakamoto 2008, §11; Eyal and Sirer, FC 2014; Sapirshtein et al., FC 2016"),
      Parameter(
        "attacker-confirmations", .count(6, in: 1...100_000),
        "double-spend: the merchant delivers so many blocks after the payment (z).",
        source: "Nakamoto 2008, §11"),
      Parameter(
        "attacker-deficit", .count(100, in: 1...100_000),
        "double-spend: the attacker gives up when its chain is so many blocks behind.",
        source: "what is lost by giving up is about (q / p)^deficit"),
      Parameter(
        "attacker-gamma", .fraction(0, in: 0...1),
        "optimal: share of the others that the attacker expects on its chain after a tie.",
        source: "Sapirshtein et al., FC 2016; equal to tie-breaking if that alone divides them"),
      Parameter(
        "attacker-longest", .count(60, in: 2...200),
        "optimal: races are cut when either side has so many blocks.",
        source: "enough for five digits up to a share of 0.4; 95 beyond"),
    ]
  }

  /// What the attacker of a scenario does.
  private enum Strategy: String, CaseIterable {
    case doubleSpend = "double-spend"
    case sm1
    case optimal
  }

  public static func problem(with values: ParameterValues, nodes: Int) -> String? {
    if values.count("retarget") == 1 { return "a retarget needs at least 2 blocks between changes" }
    let share = values.fraction("attacker-share")
    if share > 0, nodes < 2 { return "an attacker needs a victim" }
    let strategy = values.choice("attacker-strategy")
    if strategy != Strategy.doubleSpend.rawValue {
      if share == 0 { return "attacker-strategy \(strategy) without an attacker-share" }
      if values.count("retarget") > 0 {
        return "a selfish miner counts blocks: it needs a difficulty that stays (retarget: 0)"
      }
    }
    if strategy != Strategy.optimal.rawValue, values.fraction("attacker-gamma") > 0 {
      return "attacker-gamma is for the optimal strategy only"
    }
    return nil
  }

  public static func make(
    _ values: ParameterValues, _ context: ChainContext
  ) -> (nodes: [Nakamoto], genesis: BlockArena) {
    let retarget = values.count("retarget")
    var settings = Settings(
      interval: values.duration("interval"), confirmations: values.count("confirmations"),
      retarget: retarget > 0 ? retarget : nil, tieBreaking: values.fraction("tie-breaking"))
    settings.weakness = ChoiceWeakness(values)
    let q = values.fraction("attacker-share")
    let nodes = context.shares.enumerated().map { i, share in
      guard q > 0 else { return Nakamoto(settings: settings, hashRate: share) }
      if i == 0 { return makeAttacker(values, settings, share: q) }
      // The honest shares keep their proportions.
      let honest = 1 - context.shares[0]
      return Nakamoto(settings: settings, hashRate: honest > 0 ? share / honest * (1 - q) : 0)
    }
    return (nodes, genesis())
  }

  private static func makeAttacker(
    _ values: ParameterValues, _ settings: Settings, share: Double
  ) -> Nakamoto {
    switch Strategy(rawValue: values.choice("attacker-strategy")) {
    case .sm1:
      return Nakamoto(
        settings: settings, hashRate: share, selfish: SelfishMiner(policy: .eyalSirer))
    case .optimal:
      let process = SelfishDecisionProcess(
        alpha: share, gamma: values.fraction("attacker-gamma"),
        longest: values.count("attacker-longest"))
      let (policy, revenue) = process.solve()
      return Nakamoto(
        settings: settings, hashRate: share,
        selfish: SelfishMiner(policy: policy, expectedRevenue: revenue))
    case .doubleSpend, nil:
      let attack = DoubleSpender(
        confirmations: values.count("attacker-confirmations"),
        deficit: values.count("attacker-deficit"))
      return Nakamoto(settings: settings, hashRate: share, attack: attack)
    }
  }

  public static func figures(of nodes: [Nakamoto]) -> [ChainFigure] {
    if let miner = nodes.lazy.compactMap(\.selfish).first { return figures(of: miner) }
    guard let attack = nodes.lazy.compactMap(\.attack).first else { return [] }
    let share = Double(attack.successes) / Double(max(attack.attempts, 1))
    return [
      ChainFigure("double_spend_attempts", "1", Double(attack.attempts)),
      ChainFigure("double_spend_success", "1", attack.attempts > 0 ? share : nil),
    ]
  }

  /// What the selfish miner has of the blocks that stay, beside what its policy promises.
  private static func figures(of miner: SelfishMiner) -> [ChainFigure] {
    var figures = [
      ChainFigure("selfish_revenue", "1", miner.revenue),
      ChainFigure("selfish_blocks", "1", Double(miner.ownBlocks)),
      ChainFigure("selfish_overrides", "1", Double(miner.overrides)),
      ChainFigure("selfish_matches", "1", Double(miner.matches)),
      ChainFigure("selfish_adoptions", "1", Double(miner.adoptions)),
    ]
    if let expected = miner.expectedRevenue {
      figures.append(ChainFigure("selfish_revenue_expected", "1", expected))
    }
    return figures
  }
}
