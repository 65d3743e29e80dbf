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
        "attacker-share", .fraction(0, in: 0...0.49),
        "Share of the hash rate of node 0, which tries to spend twice, again and again; 0: none.",
        source: "Nakamoto 2008, §11"),
      Parameter(
        "attacker-confirmations", .count(6, in: 1...100_000),
        "The merchant delivers so many blocks after the payment (z).",
        source: "Nakamoto 2008, §11"),
      Parameter(
        "attacker-deficit", .count(100, in: 1...100_000),
        "The attacker gives up when its chain is so many blocks behind.",
        source: "what is lost by giving up is about (q / p)^deficit"),
    ]
  }

  public static func problem(with values: ParameterValues, nodes: Int) -> String? {
    if values.count("retarget") == 1 { return "a retarget needs at least 2 blocks between changes" }
    if values.fraction("attacker-share") > 0, nodes < 2 { return "an attacker needs a victim" }
    return nil
  }

  public static func make(
    _ values: ParameterValues, _ context: ChainContext
  ) -> (nodes: [Nakamoto], genesis: BlockArena) {
    let retarget = values.count("retarget")
    let settings = Settings(
      interval: values.duration("interval"), confirmations: values.count("confirmations"),
      retarget: retarget > 0 ? retarget : nil)
    let q = values.fraction("attacker-share")
    let nodes = context.shares.enumerated().map { i, share in
      guard q > 0 else { return Nakamoto(settings: settings, hashRate: share) }
      if i == 0 {
        let attack = DoubleSpender(
          confirmations: values.count("attacker-confirmations"),
          deficit: values.count("attacker-deficit"))
        return Nakamoto(settings: settings, hashRate: q, attack: attack)
      }
      // The honest shares keep their proportions.
      let honest = 1 - context.shares[0]
      return Nakamoto(settings: settings, hashRate: honest > 0 ? share / honest * (1 - q) : 0)
    }
    return (nodes, genesis())
  }

  public static func figures(of nodes: [Nakamoto]) -> [ChainFigure] {
    guard let attack = nodes.lazy.compactMap(\.attack).first else { return [] }
    let share = Double(attack.successes) / Double(max(attack.attempts, 1))
    return [
      ChainFigure("double_spend_attempts", "1", Double(attack.attempts)),
      ChainFigure("double_spend_success", "1", attack.attempts > 0 ? share : nil),
    ]
  }
}
