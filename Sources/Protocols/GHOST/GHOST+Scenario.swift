import Consensus
import Kernel
import Ledger

/// GHOST as a scenario names it: its settings with defaults, ranges and sources.
extension GHOST: ScenarioChainProtocol {
  public static var mines: Bool { true }

  public static var parameters: [Parameter] {
    [
      Parameter(
        "interval", .duration(.seconds(12), in: .milliseconds(1) ... .seconds(31_536_000)),
        "Mean time between blocks, those off the chain counted.",
        source: "Ethereum's first years, whose uncles are GHOST's idea: 12 to 15 s"),
      Parameter(
        "confirmations", .count(12, in: 1...100_000),
        "A transaction counts as decided so many blocks deep; its own is the first.",
        source: "Ethereum under proof of work: 12, by custom"),
      Parameter(
        "attacker-share", .fraction(0, in: 0...0.49),
        "Share of the hash rate of node 0, which mines private chains again and again; 0: none.",
        source: "Sompolinsky and Zohar, FC 2015, §5.2"),
      Parameter(
        "attacker-confirmations", .count(12, in: 1...100_000),
        "The attacker publishes no earlier than so many blocks after its fork (z).",
        source: "as confirmations"),
      Parameter(
        "attacker-deficit", .count(100, in: 1...100_000),
        "The attacker gives up when its chain is so many blocks lighter than the public subtree.",
        source: "what is lost by giving up is about (q / p)^deficit"),
      .weakness(Weakness.allCases.map(\.rawValue)),
    ]
  }

  public static func problem(with values: ParameterValues, nodes: Int) -> String? {
    values.fraction("attacker-share") > 0 && nodes < 2 ? "an attacker needs a victim" : nil
  }

  public static func make(
    _ values: ParameterValues, _ context: ChainContext
  ) -> (nodes: [GHOST], genesis: BlockArena) {
    let settings = Settings(
      interval: values.duration("interval"), confirmations: values.count("confirmations"),
      weakness: Weakness(rawValue: values.choice("weakness")))
    let q = values.fraction("attacker-share")
    let nodes = context.shares.enumerated().map { i, share in
      guard q > 0 else { return GHOST(settings: settings, hashRate: share) }
      if i == 0 {
        // Of equally heavy subtrees nodes keep theirs: the attacker must be one block ahead.
        let attack = DoubleSpender(
          confirmations: values.count("attacker-confirmations"), lead: 1,
          deficit: values.count("attacker-deficit"))
        return GHOST(settings: settings, hashRate: q, attack: attack)
      }
      // The honest shares keep their proportions.
      let honest = 1 - context.shares[0]
      return GHOST(settings: settings, hashRate: honest > 0 ? share / honest * (1 - q) : 0)
    }
    return (nodes, genesis())
  }

  public static func figures(of nodes: [GHOST]) -> [ChainFigure] {
    guard let attack = nodes.lazy.compactMap(\.attack).first else { return [] }
    let share = Double(attack.successes) / Double(max(attack.attempts, 1))
    return [
      ChainFigure("double_spend_attempts", "1", Double(attack.attempts)),
      ChainFigure("double_spend_success", "1", attack.attempts > 0 ? share : nil),
    ]
  }
}
