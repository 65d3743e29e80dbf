import Consensus
import Kernel
import Ledger
import Machines

/// Clique as a scenario names it: its settings with defaults, ranges and sources.
extension Clique: ScenarioChainProtocol {
  public static var mines: Bool { false }

  /// `confirmations` is a depth: signers' forks are not bounded by a race of theirs.
  public static func finality(_ values: ParameterValues) -> FinalityRule { .unknown }

  public static var parameters: [Parameter] { rules + voting + [ChoiceWeakness.parameter] }

  private static var rules: [Parameter] {
    [
      Parameter(
        "period", .duration(.seconds(15), in: .milliseconds(1) ... .seconds(86_400)),
        "Least difference of the times of a block and its parent.",
        source: "EIP-225: BLOCK_PERIOD"),
      Parameter(
        "wiggle", .duration(.milliseconds(500), in: .zero ... .seconds(3600)),
        "Out of turn, a signer waits up to so long for each of floor(S / 2) + 1 signers.",
        source: "go-ethereum, clique.go: wiggleTime"),
      Parameter(
        "epoch", .count(30_000, in: 1...1_000_000_000),
        "Blocks from one reset of votes to the next.",
        source: "EIP-225: EPOCH_LENGTH"),
      Parameter(
        "confirmations", .count(12, in: 1...64),
        "A transaction counts as decided so many blocks deep; its own is the first.",
        source: "assumption: what Ethereum's users waited for"),
      Parameter(
        "ties", .choice(TieRule.coin.rawValue, of: TieRule.allCases.map(\.rawValue)),
        "Which of two equally heavy chains a node takes.",
        source: "go-ethereum, forkchoice.go: the shorter, else a coin"),
      Parameter(
        "clock-skew", .duration(.seconds(15), in: .zero ... .seconds(86_400)),
        "How far ahead of a node's clock a block's time may be.",
        source: "go-ethereum: allowedFutureBlockTimeSeconds"),
    ]
  }

  private static var voting: [Parameter] {
    [
      Parameter(
        "signers", .count(0, in: 0...128), "The first so many nodes sign at genesis; 0: all.",
        source: "all: a consortium's nodes"),
      Parameter(
        "add-at", .duration(.zero, in: .zero ... .seconds(31_536_000)),
        "When all signers are told to vote the next node in; 0: never.", source: "off"),
      Parameter(
        "drop-at", .duration(.zero, in: .zero ... .seconds(31_536_000)),
        "When all signers are told to vote the last signer of genesis out; 0: never.",
        source: "off"),
    ]
  }

  public static func problem(with values: ParameterValues, nodes: Int) -> String? {
    let signers = values.count("signers")
    if signers > nodes { return "\(signers) signers are more than \(nodes) nodes" }
    if nodes > Int(UInt16.max) { return "at most \(UInt16.max) nodes have addresses" }
    let all = signers == 0 ? nodes : signers
    if all > 2 * Int(depth) { return "at most \(2 * depth) nodes sign, not \(all)" }
    if values.duration("add-at") > .zero, all == nodes { return "no node is left to be added" }
    return nil
  }

  public static func make(
    _ values: ParameterValues, _ context: ChainContext
  ) -> (nodes: [Clique], genesis: BlockArena) {
    var settings = Settings(
      period: values.duration("period"), wiggle: values.duration("wiggle"),
      epoch: UInt32(values.count("epoch")), confirmations: values.count("confirmations"),
      ties: TieRule(rawValue: values.choice("ties")) ?? .coin,
      clockSkew: values.duration("clock-skew"))
    settings.weakness = ChoiceWeakness(values)
    let count = values.count("signers") == 0 ? context.shares.count : values.count("signers")
    let signers = (0..<count).map { UInt16($0) }
    var proposals: [Proposal] = []
    func propose(_ name: String, _ target: Int, _ authorizes: Bool) {
      let from = values.duration(name)
      guard from > .zero else { return }
      proposals.append(
        Proposal(
          from: LocalTime(nanoseconds: from.nanoseconds),
          vote: Vote(target: UInt16(target), authorizes: authorizes)))
    }
    propose("add-at", count, true)
    propose("drop-at", count - 1, false)
    let nodes = context.shares.indices.map {
      Clique(settings: settings, signers: signers, address: $0, proposals: proposals)
    }
    return (nodes, genesis())
  }

  /// Of the node whose chain is longest.
  public static func figures(of nodes: [Clique]) -> [ChainFigure] {
    let best = nodes.max { $0.tip.height < $1.tip.height }
    return [ChainFigure("signers", "1", best.map { Double($0.tip.signers.count) })]
  }
}
