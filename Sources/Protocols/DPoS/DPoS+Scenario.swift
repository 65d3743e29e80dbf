import Consensus
import Kernel
import Ledger
import Machines

/// Delegated proof of stake as a scenario names it: its settings with defaults, ranges and sources.
extension DPoS: ScenarioChainProtocol {
  public static var mines: Bool { false }

  /// What it decides is irreversible.
  public static func finality(_ values: ParameterValues) -> FinalityRule { .deterministic }

  /// More than two thirds of the producers must go on, and any node may be elected.
  public static func tolerated(_ values: ParameterValues, nodes: Int) -> Int {
    (min(values.count("producers"), nodes) - 1) / 3
  }

  public static var parameters: [Parameter] { rules + voting + [ChoiceWeakness.parameter] }

  private static var rules: [Parameter] {
    [
      Parameter(
        "producers", .count(21, in: 1...125), "Producers on a schedule.",
        source: "EOS main network: 21; EOSIO config.hpp: at most 125"),
      Parameter(
        "repetitions", .count(12, in: 1...1000), "Blocks in a row in a producer's turn.",
        source: "EOSIO config.hpp: producer_repetitions"),
      Parameter(
        "slot", .duration(.milliseconds(500), in: .milliseconds(1) ... .seconds(86_400)),
        "Length of a time slot, which is for one block.",
        source: "EOSIO config.hpp: block_interval_ms"),
      Parameter(
        "election-interval", .count(120, in: 1...1_000_000_000),
        "Slots from one count of votes to the next.",
        source: "EOSIO system contract, onblock: once a minute"),
      Parameter(
        "absence", .duration(.seconds(86_400), in: .milliseconds(1) ... .seconds(31_536_000)),
        "A producer that made no block for so long is not elected.",
        source: "EOS.IO technical white paper v2: 24 hours"),
      Parameter(
        "ban", .duration(.seconds(86_400), in: .zero ... .seconds(31_536_000)),
        "How long it then takes until a producer is a candidate again.",
        source: "assumption: the white paper waits for the producer to say so"),
      Parameter(
        "clock-skew", .duration(.seconds(7), in: .zero ... .seconds(86_400)),
        "How far ahead of a node's clock a block's slot may begin.",
        source: "nodeos, producer_plugin: 7 s"),
    ]
  }

  private static var voting: [Parameter] {
    [
      Parameter(
        "approvals", .count(30, in: 1...30), "Candidates on a ballot, at most.",
        source: "EOSIO system contract: 30"),
      Parameter(
        "revote-at", .duration(.zero, in: .zero ... .seconds(31_536_000)),
        "When voters change their minds; 0: never.", source: "off: standing votes"),
      Parameter(
        "revote", .fraction(0.5, in: 0...1),
        "Probability that a voter then casts another ballot.", source: "assumption"),
    ]
  }

  public static func problem(with values: ParameterValues, nodes: Int) -> String? {
    if values.count("producers") > nodes {
      return "\(values.count("producers")) producers cannot be elected from \(nodes) nodes"
    }
    if nodes > Int(UInt16.max) { return "at most \(UInt16.max) nodes are candidates" }
    return nil
  }

  public static func make(
    _ values: ParameterValues, _ context: ChainContext
  ) -> (nodes: [DPoS], genesis: BlockArena) {
    let slot = values.duration("slot")
    func slots(_ name: String) -> UInt64 {
      UInt64(values.duration(name).nanoseconds / slot.nanoseconds)
    }
    var settings = Settings(
      producers: values.count("producers"), repetitions: values.count("repetitions"),
      slot: slot, electionInterval: UInt64(values.count("election-interval")),
      absence: slots("absence"), ban: slots("ban"), clockSkew: values.duration("clock-skew"))
    settings.weakness = ChoiceWeakness(values)
    let revote = slots("revote-at")
    let votes = Votes.drawn(
      shares: context.shares, approvals: values.count("approvals"),
      revote: revote > 0 ? revote : nil, fraction: values.fraction("revote"),
      seed: context.seed)
    let nodes = context.shares.indices.map {
      DPoS(settings: settings, votes: votes, candidate: $0)
    }
    return (nodes, genesis())
  }

  /// Of the node whose chain is longest.
  public static func figures(of nodes: [DPoS]) -> [ChainFigure] {
    guard let best = nodes.max(by: { $0.tip.height < $1.tip.height })?.tip else { return [] }
    let slots = UInt64(best.height) + best.missed
    return [
      ChainFigure("schedule_changes", "1", Double(best.version)),
      ChainFigure(
        "missed_slots", "1", slots > 0 ? Double(best.missed) / Double(slots) : nil),
      ChainFigure("reversible_blocks", "1", Double(best.height - best.irreversible)),
    ]
  }
}
