import Consensus
import Kernel
import Ledger
import Machines

/// What a node knows of leaders who signed two microblocks on one.
struct FraudBook: Sendable {
  /// Microblocks with a sibling of the same leader, both of each pair, oldest first.
  var evidence: [BlockID] = []
  /// Accusations that valid microblocks carried: the microblock, and whom it accuses.
  var accusations: [(in: BlockID, of: BlockID)] = []
}

// MARK: - The leader

extension BitcoinNG {
  /// Whether the node's own key block is the newest on its chain (§4.2).
  func isLeader(_ blocks: BlockArena) -> Bool {
    leadership != .none && keyBlock(of: head, blocks) == leadership
  }

  /// The leader's next microblock, if it is due.
  mutating func makeMicroblock(
    at now: LocalTime, _ effects: inout ChainEffects
  ) -> BlockDraft? {
    guard isLeader(effects.blocks), now.nanoseconds >= nextMicroblock else { return nil }
    nextMicroblock = now.nanoseconds + settings.microInterval.nanoseconds
    let last = effects.blocks[head]
    // The adversary's second microblock of an epoch stands beside its first.
    let isSecond = last.work == 0 && effects.blocks[last.parent].work > 0
    let parent =
      equivocates && isSecond && !hasSibling(head, effects.blocks) ? last.parent : head
    return BlockDraft(
      parent: parent, work: 0, stamp: now.nanoseconds,
      slot: UInt64(accusable(effects.blocks).map { $0.index + 1 } ?? 0),
      // No draw: how many microblocks there are does not move the race for key blocks.
      salt: UInt64(bitPattern: now.nanoseconds), nonce: last.nonce, fold: UInt64(leadership.index))
  }

  /// Another microblock on the parent of `block` that the node has.
  private func hasSibling(_ block: BlockID, _ blocks: BlockArena) -> Bool {
    sibling(of: block, blocks) != nil
  }

  private func sibling(of block: BlockID, _ blocks: BlockArena) -> BlockID? {
    let parent = blocks[block].parent
    guard blocks.contains(parent) else { return nil }
    var child = blocks.newestChild(of: parent)
    while child != .none {
      if child != block, blocks[child].work == 0, arrivals.has(child) { return child }
      child = blocks.olderSibling(of: child)
    }
    return nil
  }
}

// MARK: - What others may send

extension BitcoinNG {
  /// §4.2: a microblock is signed by the leader of its epoch, not too soon after the block before,
  /// and not from the future. An accusation must be a proof.
  func isValid(_ block: BlockID, at now: LocalTime, _ blocks: BlockArena) -> Bool {
    let content = blocks[block]
    // What was built on what is kept no more is not checked: no node will follow it.
    guard blocks.contains(content.parent) else { return true }
    guard arrivals.has(content.parent) else { return false }
    guard content.work == 0 else { return true }
    let parent = blocks[content.parent]
    let leader = parent.miner
    return content.miner == leader
      && content.fold == UInt64(keyBlock(of: content.parent, blocks).index)
      && content.stamp - parent.stamp >= settings.leastInterval.nanoseconds
      && content.stamp <= now.nanoseconds + settings.clockSkew.nanoseconds
      && (content.slot == 0 || isProof(accused(by: content), on: block, blocks))
  }

  func accused(by content: Block) -> BlockID {
    BlockID(index: UInt32(truncatingIfNeeded: content.slot &- 1))
  }

  /// Whether `pruned` is a microblock off the chain that ends in `head`, where its leader has
  /// another on the same block (§4.5): the proof that the microblock which accuses it carries.
  func isProof(_ pruned: BlockID, on head: BlockID, _ blocks: BlockArena) -> Bool {
    guard blocks.contains(pruned), blocks[pruned].work == 0, pruned < head else { return false }
    let parent = blocks[pruned].parent
    guard blocks.contains(parent), parent != head, blocks.isAncestor(parent, of: head) else {
      return false
    }
    let other = blocks.ancestor(of: head, at: blocks[parent].height + 1)
    return other != pruned && blocks[other].work == 0
      && blocks[head].nonce - blocks[pruned].nonce < UInt64(settings.maturity)
  }
}

// MARK: - Fraud

extension BitcoinNG {
  /// Notes whom a microblock accuses, its own or another's.
  mutating func noteAccusation(in block: BlockID, _ blocks: BlockArena) {
    let content = blocks[block]
    guard content.work == 0, content.slot > 0 else { return }
    fraud.accusations.append((in: block, of: accused(by: content)))
  }

  /// Notes two microblocks of one leader on one block.
  mutating func lookForFraud(in block: BlockID, _ blocks: BlockArena) {
    let content = blocks[block]
    guard content.work == 0, blocks.contains(content.parent) else { return }
    guard let other = sibling(of: block, blocks) else { return }
    fraud.evidence.append(other)
    fraud.evidence.append(block)
  }

  /// What this node, as a leader, can accuse an earlier one of, if nobody on its chain has.
  private mutating func accusable(_ blocks: BlockArena) -> BlockID? {
    guard !fraud.evidence.isEmpty else { return nil }
    fraud.evidence.removeAll { !blocks.contains($0) }
    fraud.accusations.removeAll { !blocks.contains($0.in) || !blocks.contains($0.of) }
    return fraud.evidence.first { candidate in
      isProof(candidate, on: head, blocks)
        && keyBlock(of: candidate, blocks) != leadership
        && accuser(of: keyBlock(of: candidate, blocks), blocks) == nil
    }
  }

  /// The microblock on the node's chain that shows the fraud of the leader by `key`.
  func accuser(of key: BlockID, _ blocks: BlockArena) -> BlockID? {
    fraud.accusations.first {
      blocks.contains($0.of) && blocks.contains($0.in) && keyBlock(of: $0.of, blocks) == key
        && blocks.isAncestor($0.in, of: head)
    }?.in
  }
}
