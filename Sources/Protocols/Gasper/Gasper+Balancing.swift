import Consensus
import Kernel
import Ledger
import Machines

/// An adversary that keeps two branches in balance, so that honest validators split their votes
/// between them for ever: Neu, Tas and Tse, "Ebb-and-flow protocols" (IEEE S&P '21) and "Two
/// attacks on proof-of-stake GHOST/Ethereum" (2022).
///
/// It proposes two blocks in one slot and shows each to one half of the nodes. From then on it
/// withholds its votes. Before each slot it sends the half that should vote for the branch that is
/// behind as many of them as put that branch in front; the others hear of them only after they have
/// voted. It needs about the difference between two halves of a committee, of the order of the
/// square root of its size. Proposer boost gives the branch that is in front, and is extended, 40 %
/// of a committee more.
struct BalancingAttack: Sendable {
  var isActive = false
  /// Blocks that are still to be made, and whether the one just made is to be sent to a half.
  var toMake = 0
  var isReleasing = false
  var left = BlockID.none
  var right = BlockID.none
  /// First slot whose votes were withheld.
  var since: UInt32 = 0
  /// Last epoch in which each of the adversary's validators has voted, plus 1.
  var used: [UInt32] = []
}

extension Gasper {
  var isAttacking: Bool { attack.isActive }

  private var leftHalf: Audience { Audience(1..<firstValidator.count / 2) }
  private var rightHalf: Audience { Audience(firstValidator.count / 2..<firstValidator.count) }

  mutating func planSway(for slot: UInt32) {
    guard !tasks.contains(where: { $0.kind == .sway && $0.slot == slot }) else { return }
    plan(.sway, at: start(of: slot) - settings.adversaryLead.nanoseconds, in: slot)
  }

  /// The adversary's move for `slot`: its clock is ahead, so that votes of the slot before count.
  mutating func sway(
    in slot: UInt32, _ now: LocalTime, _ effects: inout ChainEffectsOf<GasperContent>
  ) -> BlockDraft? {
    tick(to: slot, &effects)
    if attack.toMake > 0 { return makeBranch(in: slot, now, &effects) }
    if attack.isActive {
      balance(in: slot, now, &effects)
    } else if effects.content.epoch(of: slot) >= settings.adversaryFrom,
      let proposer = proposer(of: slot, on: head, &effects), isMine(proposer)
    {
      attack.isActive = true
      attack.toMake = 2
      attack.since = slot
      attack.left = .none
      attack.right = .none
      if attack.used.isEmpty {
        let own = Int(firstValidator[me + 1] - firstValidator[me])
        attack.used = Array(repeating: 0, count: own)
      }
      plan(.sway, at: start(of: slot), in: slot)
    }
    return nil
  }

  private mutating func makeBranch(
    in slot: UInt32, _ now: LocalTime, _ effects: inout ChainEffectsOf<GasperContent>
  ) -> BlockDraft? {
    attack.toMake -= 1
    let parent =
      attack.left == .none ? head : effects.blocks[attack.left].parent
    guard let proposer = proposer(of: slot, on: parent, &effects), isMine(proposer) else {
      attack.isActive = false
      attack.toMake = 0
      return nil
    }
    if attack.toMake > 0 { plan(.sway, at: start(of: slot), in: slot) }
    attack.isReleasing = true
    return draft(
      in: slot, on: parent, by: proposer, twin: UInt64(2 + attack.toMake), now, &effects)
  }

  /// The block just made is one of the two: each half is shown one.
  mutating func release(_ block: BlockID, _ effects: inout ChainEffectsOf<GasperContent>) {
    attack.isReleasing = false
    if attack.left == .none {
      attack.left = block
      effects.publish(block, to: leftHalf)
    } else {
      attack.right = block
      effects.publish(block, to: rightHalf)
    }
  }

  private mutating func balance(
    in slot: UInt32, _ now: LocalTime, _ effects: inout ChainEffectsOf<GasperContent>
  ) {
    guard effects.blocks.contains(attack.left), effects.blocks.contains(attack.right),
      let tips = branchTips(effects)
    else { return giveUp() }
    store.weigh(&effects.content, effects.blocks, withBoost: false)
    let root = max(Int(store.justified.root.index), effects.blocks.startIndex)
    let left = effects.content.branchWeight[Int(attack.left.index) - root]
    let right = effects.content.branchWeight[Int(attack.right.index) - root]
    let isLeftAhead =
      left == right
      ? effects.blocks[attack.left].digest.value > effects.blocks[attack.right].digest.value
      : left > right
    let ahead = isLeftAhead ? tips.left : tips.right
    // Without an honest proposal all vote at the deadline: the votes must come just before it.
    let late =
      due(settings.attestationDue, in: slot) - settings.adversaryLead.nanoseconds
      - settings.adversaryDelay.nanoseconds
    let isOwn = proposer(of: slot, on: ahead, &effects).map { isMine($0) } ?? true
    if isOwn, now.nanoseconds < late {
      plan(.sway, at: late, in: slot)
      return
    }
    let w = effects.content.weights(at: store.justified)
    let perSlot = effects.content.weights[w].perSlot
    let boost = isOwn ? 0 : perSlot * UInt64(settings.boost) / 100
    let deficit = max(left, right) - min(left, right) + boost + settings.rewards.increment
    attackedSlots += 1
    send(
      deficit, for: isLeftAhead ? tips.right : tips.left,
      branches: isLeftAhead ? (attack.right, attack.left) : (attack.left, attack.right),
      to: isLeftAhead ? rightHalf : leftHalf, before: slot, &effects)
  }

  /// The ends of both branches that the adversary sees; nil if one of them can be no head any more.
  private func branchTips(
    _ effects: borrowing ChainEffectsOf<GasperContent>
  ) -> (left: BlockID, right: BlockID)? {
    var left = BlockID.none
    var right = BlockID.none
    for tip in store.tips where store.isViable(tip, effects.content, effects.blocks) {
      if effects.blocks.isAncestor(attack.left, of: tip) { left = tip }
      if effects.blocks.isAncestor(attack.right, of: tip) { right = tip }
    }
    return left == .none || right == .none ? nil : (left, right)
  }

  private mutating func giveUp() {
    attack.isActive = false
    attack.toMake = 0
  }

  /// Sends `audience` so many withheld votes for the branch that ends in `tip` that it is ahead; if
  /// they do not suffice, none, and if never could, the attack is over.
  private mutating func send(
    _ deficit: UInt64, for tip: BlockID, branches: (own: BlockID, other: BlockID),
    to audience: Audience, before slot: UInt32, _ effects: inout ChainEffectsOf<GasperContent>
  ) {
    let perEpoch = UInt32(settings.slotsPerEpoch)
    let oldest = max(attack.since, slot - min(slot, perEpoch))
    var gains: UInt64 = 0
    for isSending in [false, true] {
      var missing = deficit
      for old in (oldest..<slot).reversed() where missing > 0 {
        let epoch = effects.content.epoch(of: old)
        guard epoch + 1 >= effects.content.epoch(of: slot) else { break }
        let head = effects.content.ancestor(of: tip, at: old, effects.blocks)
        guard effects.blocks.isAncestor(branches.own, of: head),
          let vote = vote(in: old, for: head, &effects)
        else { continue }
        var chosen: [(validator: Int, gain: UInt64)] = []
        for validator in attesters(of: vote, effects) where missing > 0 {
          guard attack.used[validator - Int(firstValidator[me])] <= epoch else { continue }
          let gain = gain(of: validator, branches, effects)
          guard gain > 0 else { continue }
          chosen.append((validator, gain))
          gains += isSending ? 0 : gain
          missing -= min(missing, gain)
        }
        guard isSending else { continue }
        for entry in chosen {
          attack.used[entry.validator - Int(firstValidator[me])] = epoch + 1
        }
        cast(vote, to: audience, &effects) { validator in
          chosen.contains { $0.validator == validator }
        }
      }
      if missing > 0 { return abandonIfHopeless(deficit, effects) }
    }
  }

  private mutating func abandonIfHopeless(
    _ deficit: UInt64, _ effects: borrowing ChainEffectsOf<GasperContent>
  ) {
    let own = UInt64(firstValidator[me + 1] - firstValidator[me]) * settings.rewards.initial
    if deficit > own / 2 { giveUp() }
  }

  /// The adversary's validators that may cast `vote`.
  private func attesters(
    of vote: UInt32, _ effects: borrowing ChainEffectsOf<GasperContent>
  ) -> [Int] {
    let data = effects.content.votes[Int(vote)].data
    guard let shuffling = effects.content.shufflings[Int(data.shuffling)] else { return [] }
    return shuffling.duties(of: me, at: Int(data.slot) % settings.slotsPerEpoch).map {
      Int(shuffling.order[Int(shuffling.duties[$0])])
    }
  }

  /// How much a new vote of `validator` moves the difference between the branches.
  private func gain(
    of validator: Int, _ branches: (own: BlockID, other: BlockID),
    _ effects: borrowing ChainEffectsOf<GasperContent>
  ) -> UInt64 {
    let w = effects.content.weights(at: store.justified)
    let weight = effects.content.weights[w].weights[validator]
    guard let latest = store.counted.latest(of: validator, effects.content.words) else {
      return weight
    }
    let head = effects.content.votes[Int(latest)].data.head
    guard effects.blocks.contains(head) else { return weight }
    if effects.blocks.isAncestor(branches.own, of: head) { return 0 }
    return effects.blocks.isAncestor(branches.other, of: head) ? 2 * weight : weight
  }
}
