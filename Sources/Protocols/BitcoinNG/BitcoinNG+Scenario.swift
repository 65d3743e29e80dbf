import Consensus
import Kernel
import Ledger
import Machines

/// Bitcoin-NG as a scenario names it: its settings with defaults, ranges and sources.
extension BitcoinNG: ScenarioChainProtocol {
  public static var mines: Bool { true }

  /// Microblocks carry transactions and no work.
  public static func finality(_ values: ParameterValues) -> FinalityRule { .keyBlocks }

  private enum Rule: String, CaseIterable {
    case keyBlocks = "key-blocks"
    case wait
  }

  public static var parameters: [Parameter] { rules + money + [ChoiceWeakness.parameter] }

  private static var rules: [Parameter] {
    let year = SimDuration.seconds(31_536_000)
    return [
      Parameter(
        "interval", .duration(.seconds(100), in: .milliseconds(1)...year),
        "Mean time between key blocks.", source: "Eyal et al., NSDI 2016, §8: one in 100 s"),
      Parameter(
        "microblock-interval", .duration(.seconds(10), in: .microseconds(1)...year),
        "Time from one microblock of a leader to its next.",
        source: "Eyal et al., NSDI 2016, §8: a microblock each 10 s"),
      Parameter(
        "microblock-least", .duration(.milliseconds(10), in: .zero...year),
        "Microblocks that follow each other faster are invalid.",
        source: "assumption: the paper has a maximal rate and no number"),
      Parameter(
        "confirm-by", .choice(Rule.keyBlocks.rawValue, of: Rule.allCases.map(\.rawValue)),
        "A transaction is decided under so many key blocks, or after a wait on the chain.",
        source: "Eyal et al., NSDI 2016, §4.3"),
      Parameter(
        "confirmations", .count(6, in: 1...100_000),
        "key-blocks: how many must follow the transaction's microblock.",
        source: "as for Nakamoto"),
      Parameter(
        "confirmation-wait", .duration(.seconds(15), in: .zero...year),
        "wait: time since the microblock came, in which a key block that prunes it would come.",
        source: "assumption: Bitcoin's propagation of 2013, Decker and Wattenhofer: mean 12.6 s"),
      Parameter(
        "tie-breaking", .fraction(0.5, in: 0...1),
        "Probability that a node leaves its chain for one of as many key blocks that comes later.",
        source: "Eyal and Sirer, FC 2014: a uniform choice"),
      Parameter(
        "clock-skew", .duration(.seconds(7200), in: .zero...year),
        "How far ahead of a node's clock a microblock may be.", source: "Bitcoin: two hours"),
    ]
  }

  private static var money: [Parameter] {
    [
      Parameter(
        "leader-share", .fraction(0.4, in: 0...1),
        "Share of an epoch's fees that its leader gets, in whole hundredths; the next has the"
          + " rest.",
        source:
          "Eyal et al., NSDI 2016, §4.4: 40 %, between 37 % and 43 % at a quarter of the power"),
      Parameter(
        "maturity", .count(100, in: 1...10_000),
        "Key blocks after which a leader is paid; until then its fraud can be shown.",
        source: "Bitcoin: COINBASE_MATURITY"),
      Parameter(
        "poison-share", .fraction(0.05, in: 0...1),
        "Share of a cheater's income that whoever shows the fraud gets, in whole hundredths.",
        source: "Eyal et al., NSDI 2016, §4.5: for example 5 %"),
      Parameter(
        "equivocators", .count(0, in: 0...100_000),
        "So many of the first nodes sign, as leaders, two microblocks on one, once an epoch.",
        source: "Eyal et al., NSDI 2016, §4.5"),
    ]
  }

  public static func problem(with values: ParameterValues, nodes: Int) -> String? {
    if values.duration("microblock-least") > values.duration("microblock-interval") {
      return "microblock-least is more than microblock-interval: every microblock would be invalid"
    }
    if values.count("equivocators") > nodes { return "more equivocators than nodes" }
    return nil
  }

  public static func make(
    _ values: ParameterValues, _ context: ChainContext
  ) -> (nodes: [BitcoinNG], genesis: BlockArena) {
    let rule: Confirmation =
      values.choice("confirm-by") == Rule.wait.rawValue
      ? .wait(values.duration("confirmation-wait")) : .keyBlocks(values.count("confirmations"))
    var settings = Settings(
      keyInterval: values.duration("interval"),
      microInterval: values.duration("microblock-interval"),
      leastInterval: values.duration("microblock-least"), confirmation: rule,
      maturity: values.count("maturity"),
      leaderShare: Int((values.fraction("leader-share") * 100).rounded()),
      poisonShare: Int((values.fraction("poison-share") * 100).rounded()),
      tieBreaking: values.fraction("tie-breaking"), clockSkew: values.duration("clock-skew"))
    settings.weakness = ChoiceWeakness(values)
    let equivocators = values.count("equivocators")
    let nodes = context.shares.enumerated().map {
      BitcoinNG(settings: settings, hashRate: $1, equivocates: $0 < equivocators)
    }
    return (nodes, genesis())
  }

  public static func figures(of nodes: [BitcoinNG]) -> [ChainFigure] {
    let keys = nodes.reduce(0) { $0 + $1.keyBlocksMade }
    let micros = nodes.reduce(0) { $0 + $1.microblocksMade }
    // Of the node with the most key blocks on its chain.
    let best = nodes.max { $0.keyHeight < $1.keyHeight }
    let keyHeight = Int(best?.keyHeight ?? 0)
    let microHeight = Int(best?.height ?? 0) - keyHeight
    func share(_ part: Int, of whole: Int) -> Double? {
      whole > 0 ? Double(part) / Double(whole) : nil
    }
    let income = nodes.reduce(into: (leader: 0, next: 0, poison: 0, lost: 0)) {
      $0.leader += $1.income.asLeader
      $0.next += $1.income.asNext
      $0.poison += $1.income.forPoison
      $0.lost += $1.income.forfeited
    }
    return [
      ChainFigure("key_blocks", "1", Double(keys)),
      ChainFigure("key_stale_rate", "1", share(keys - keyHeight, of: keys)),
      ChainFigure("microblocks", "1", Double(micros)),
      ChainFigure("microblocks_pruned", "1", share(micros - microHeight, of: micros)),
      ChainFigure("fees_to_leaders", "1", share(income.leader, of: income.leader + income.next)),
      ChainFigure("fees_forfeited", "tx", Double(income.lost) / 100),
      ChainFigure("fees_for_poison", "tx", Double(income.poison) / 100),
      ChainFigure(
        "epochs_poisoned", "1", Double(nodes.map(\.income.poisonedKeyBlocks).max() ?? 0)),
    ]
  }

  // MARK: - Costs

  public func workOfMaking(_ costs: CostSheet) -> SimDuration { costs.hash }
  public func workOfHeader(_ costs: CostSheet) -> SimDuration { costs.hash }

  /// A key block is hashed once when it is found, a microblock is signed.
  public func workOfMaking(_ block: Block, _ costs: CostSheet) -> SimDuration {
    block.work > 0 ? costs.hash : costs.sign + costs.hashing(block.bytes)
  }

  public func workOfHeader(of block: Block, _ costs: CostSheet) -> SimDuration {
    block.work > 0 ? costs.hash : costs.verify
  }

  /// A signature and an execution for each transaction, and the Merkle tree over the body.
  public func workOfBody(of block: Block, _ costs: CostSheet) -> SimDuration {
    (costs.verify + costs.execution) * Int64(block.transactions) + costs.hashing(block.bytes)
  }
}
