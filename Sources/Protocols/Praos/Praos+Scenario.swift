import Consensus
import Kernel
import Ledger
import Machines

/// Praos as a scenario names it: its settings with defaults, ranges and sources.
extension Praos: ScenarioChainProtocol {
  public static var mines: Bool { false }

  public static func finality(_ values: ParameterValues) -> FinalityRule {
    .slots(active: values.fraction("active-slots"))
  }

  public static var parameters: [Parameter] {
    rules + costs + attacks + [ChoiceWeakness.parameter]
  }

  private static var rules: [Parameter] {
    let mainnet = "Cardano mainnet, Shelley genesis"
    return [
      Parameter(
        "active-slots", .fraction(0.05, in: 1e-6...0.999),
        "Probability that a time slot has a leader (f).", source: mainnet),
      Parameter(
        "slot", .duration(.seconds(1), in: .milliseconds(1) ... .seconds(86_400)),
        "Length of a time slot.", source: mainnet),
      Parameter(
        "epoch", .count(432_000, in: 1...1_000_000_000), "Time slots in an epoch.",
        source: mainnet),
      Parameter(
        "nonce-slots", .count(172_800, in: 0...1_000_000_000),
        "Time slots at the beginning of an epoch whose blocks make the next epoch's nonce.",
        source: "Cardano: epoch less the stability window of 6k/f slots"),
      Parameter(
        "security", .count(2160, in: 1...10_000_000), "Blocks that a node gives up at most (k).",
        source: mainnet),
      Parameter(
        "confirmations", .count(15, in: 1...10_000_000),
        "A transaction counts as decided so many blocks deep; its own is the first.",
        source: "assumption: the depth at which exchanges credit a payment"),
      Parameter(
        "ties", .choice(TieRule.lowestOutput.rawValue, of: TieRule.allCases.map(\.rawValue)),
        "Which of two longest chains a node takes.", source: "cardano-node: lowest output"),
      Parameter(
        "clock-skew", .duration(.zero, in: .zero ... .seconds(86_400)),
        "How far ahead of a node's clock a block's slot may be.", source: "the paper has none"),
    ]
  }

  private static var costs: [Parameter] {
    let range = SimDuration.zero ... .seconds(10)
    return [
      Parameter(
        "prove", .duration(.nanoseconds(83_124), in: range),
        "Evaluating the lottery in a slot that is won, with its proof.",
        source: "assumption: 3 times an Ed25519 signature; no measurement"),
      Parameter(
        "check-proof", .duration(.nanoseconds(132_076), in: range), "Checking a lottery proof.",
        source: "assumption: twice an Ed25519 verification; no measurement"),
      Parameter(
        "sign", .duration(.nanoseconds(27_708), in: range), "A key-evolving signature.",
        source: "assumption: an Ed25519 signature; no measurement"),
      Parameter(
        "check-signature", .duration(.nanoseconds(66_038), in: range),
        "Checking a key-evolving signature.",
        source: "assumption: an Ed25519 verification; no measurement"),
    ]
  }

  private static var attacks: [Parameter] {
    let range = SimDuration.zero ... .seconds(1_000_000_000)
    return [
      Parameter(
        "checkpoints", .flag(false),
        "A node that lost its disk takes only chains with the block that was k deep when it fell.",
        source: "the paper has none: it assumes a node that stays"),
      Parameter(
        "attacker-share", .fraction(0, in: 0...1),
        "Old stake whose keys node 0 has bought; it then forks far back and does nothing else.",
        source: "the long range (posterior corruption) attack; 0: none"),
      Parameter(
        "attacker-fork", .duration(.zero, in: range), "Time of the slot from which it forks.",
        source: "none: the beginning"),
      Parameter(
        "attacker-start", .duration(.seconds(86_400), in: range),
        "When it has made its chain and shows it.", source: "assumption: a day"),
    ]
  }

  public static func problem(with values: ParameterValues, nodes: Int) -> String? {
    if values.count("nonce-slots") > values.count("epoch") {
      return "nonce-slots are more than the slots of an epoch"
    }
    let isAttacked = values.fraction("attacker-share") > 0
    if isAttacked, values.duration("attacker-fork") >= values.duration("attacker-start") {
      return "attacker-fork is not before attacker-start"
    }
    return isAttacked && nodes < 2 ? "an attacker needs a victim" : nil
  }

  public static func make(
    _ values: ParameterValues, _ context: ChainContext
  ) -> (nodes: [Praos], genesis: BlockArena) {
    var settings = Settings(
      f: values.fraction("active-slots"), slot: values.duration("slot"),
      epoch: UInt64(values.count("epoch")), nonceSlots: UInt64(values.count("nonce-slots")),
      k: values.count("security"), confirmations: values.count("confirmations"),
      ties: TieRule(rawValue: values.choice("ties")) ?? .lowestOutput,
      clockSkew: values.duration("clock-skew"), prove: values.duration("prove"),
      checkProof: values.duration("check-proof"), sign: values.duration("sign"),
      checkSignature: values.duration("check-signature"),
      checkpoints: values.flag("checkpoints"))
    settings.weakness = ChoiceWeakness(values)
    let old = values.fraction("attacker-share")
    let attack = LongRange(
      fork: UInt64(values.duration("attacker-fork").nanoseconds / settings.slot.nanoseconds),
      start: UInt64(values.duration("attacker-start").nanoseconds / settings.slot.nanoseconds))
    let nodes = context.shares.enumerated().map { i, share in
      i == 0 && old > 0
        ? Praos(
          settings: settings, stake: Stake(old), stakeholder: i, seed: context.seed, attack: attack)
        : Praos(
          settings: settings, stake: Stake(min(share, 1)), stakeholder: i, seed: context.seed)
    }
    return (nodes, genesis(seed: context.seed))
  }

  public static func figures(of nodes: [Praos]) -> [ChainFigure] {
    guard let attack = nodes.lazy.compactMap(\.attack).first else { return [] }
    return [ChainFigure("long_range_blocks", "1", Double(attack.blocks.count))]
  }
}
