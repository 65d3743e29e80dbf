import Consensus
import Kernel
import Ledger

// What the observer says of a run: Casper FFG's accountability, and figures.

extension GasperContent {
  /// Notes that `validator` has cast a vote.
  mutating func observe(_ number: UInt32, by validator: Int) {
    let data = votes[Int(number)].data
    let first = validator * Self.castKept
    for k in first..<first + Self.castKept where cast[k] != Self.none && cast[k] != number {
      if votes[Int(cast[k])].data.contradicts(data), slashableSince[validator] == 0 {
        slashableSince[validator] = data.slot + 1
      }
    }
    for k in (first + 1..<first + Self.castKept).reversed() { cast[k] = cast[k - 1] }
    cast[first] = number
  }
}

extension Gasper {
  /// - Accountability (Buterin and Griffith, "Casper the Friendly Finality Gadget", 2017,
  ///   theorem 1): two conflicting checkpoints are final only if a third of the stake can be
  ///   slashed.
  /// - Punishment: who contradicted itself two epochs ago is slashed by now.
  /// - Honesty: nobody contradicts itself who does not mean to.
  public static func findings(
    in nodes: [Gasper], _ content: GasperContent, _ blocks: BlockArena
  ) -> [(monitor: String, detail: String)] {
    guard let first = nodes.first else { return [] }
    var findings: [(monitor: String, detail: String)] = []
    let settings = first.settings
    let slashable = content.slashableSince.reduce(0) { $0 + ($1 > 0 ? 1 : 0) }
    if let (a, b) = conflict(in: nodes, content, blocks), 3 * slashable < settings.validators {
      findings.append(
        (
          "accountability",
          "checkpoints of epochs \(a.epoch) and \(b.epoch) are final and conflict, but only "
            + "\(slashable) of \(settings.validators) validators contradicted themselves"
        ))
    }
    let wrong = wrongHeads(of: nodes, content, blocks)
    if wrong > 0 {
      findings.append(("fork-choice", "\(wrong) nodes have another head than the rule gives"))
    }
    if settings.doubleVoters.share == 0, slashable > 0 {
      findings.append(("honesty", "\(slashable) validators contradicted themselves unasked"))
    }
    let newest = nodes.max { blocks[$0.head].slot < blocks[$1.head].slot } ?? first
    if let state = content.state(of: newest.head) {
      let due =
        UInt32(blocks[newest.head].slot)
        - min(
          UInt32(blocks[newest.head].slot), UInt32(2 * settings.slotsPerEpoch))
      let unpunished = content.slashableSince.indices.reduce(0) {
        let since = content.slashableSince[$1]
        return $0 + (since > 0 && since < due && !state.slashed[$1] ? 1 : 0)
      }
      if unpunished > 0 {
        findings.append(
          ("punishment", "\(unpunished) validators contradicted themselves and are not slashed"))
      }
    }
    return findings
  }

  /// How many of some nodes choose another head than `get_head` as the specification writes it:
  /// each child's score summed anew over all validators.
  private static func wrongHeads(
    of nodes: [Gasper], _ content: GasperContent, _ blocks: BlockArena
  ) -> Int {
    guard let first = nodes.first, first.settings.validators <= 4096 else { return 0 }
    var content = content
    var wrong = 0
    for node in nodes.prefix(32) where blocks.contains(node.store.justified.root) {
      let store = node.store
      if store.head(&content, blocks) != store.plainHead(content, blocks) { wrong += 1 }
    }
    return wrong
  }

  private static func conflict(
    in nodes: [Gasper], _ content: GasperContent, _ blocks: BlockArena
  ) -> (Checkpoint, Checkpoint)? {
    guard var highest = nodes.first?.finalized else { return nil }
    for node in nodes {
      let other = node.finalized
      let (low, high) = other.epoch < highest.epoch ? (other, highest) : (highest, other)
      if blocks.contains(low.root), blocks.contains(high.root),
        !blocks.isAncestor(low.root, of: high.root)
      {
        return (low, high)
      }
      highest = high
    }
    return nil
  }

  public static func figures(of nodes: [Gasper]) -> [ChainFigure] {
    let finalized = nodes.map { Double($0.finalized.epoch) }
    let epoch = nodes.map { Double($0.store.slot) / Double($0.settings.slotsPerEpoch) }.max() ?? 0
    return [
      ChainFigure("finalized_epoch", "1", finalized.min()),
      ChainFigure("finality_lag", "epochs", finalized.min().map { epoch.rounded(.down) - $0 }),
      ChainFigure("attestations", "1", Double(nodes.reduce(0) { $0 + $1.attestations })),
      ChainFigure("aggregates", "1", Double(nodes.reduce(0) { $0 + $1.aggregatesMade })),
      ChainFigure("late_heads_reorged", "1", Double(nodes.reduce(0) { $0 + $1.reorgsOfLateHeads })),
      ChainFigure(
        "active_validators", "1", nodes.map(\.activeValidators).max().map { Double($0) }),
      ChainFigure("attacked_slots", "1", Double(nodes.reduce(0) { $0 + $1.attackedSlots })),
    ]
  }
}

extension Store {
  fileprivate func plainHead(_ content: GasperContent, _ blocks: BlockArena) -> BlockID {
    let viable = tips.filter { isViable($0, content, blocks) }
    let weights = content.weights[content.weights(at: justified)]
    let voters = weights.weights.indices.compactMap { validator in
      counted.latest(of: validator, content.words).map {
        (validator: validator, head: content.votes[Int($0)].data.head)
      }
    }
    var head = justified.root
    while true {
      var best: (weight: UInt64, digest: UInt64, block: BlockID)?
      var child = blocks.newestChild(of: head)
      while child != .none {
        let this = child
        child = blocks.olderSibling(of: child)
        guard viable.contains(where: { blocks.isAncestor(this, of: $0) }) else { continue }
        var weight: UInt64 = 0
        for voter in voters
        where blocks.contains(voter.head) && !isEquivocating(voter.validator)
          && blocks.isAncestor(this, of: voter.head)
        {
          weight += weights.weights[voter.validator]
        }
        if boosted != .none, blocks.isAncestor(this, of: boosted) {
          weight += weights.perSlot * UInt64(content.settings.boost) / 100
        }
        let digest = blocks[this].digest.value
        if best.map({ (weight, digest) > ($0.weight, $0.digest) }) ?? true {
          best = (weight, digest, this)
        }
      }
      guard let best else { return head }
      head = best.block
    }
  }
}
