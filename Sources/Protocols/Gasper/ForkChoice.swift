import Consensus
import Kernel
import Ledger

// The store of the specification's fork choice (phase0/fork-choice), as one node has it: the blocks
// that came to it, the latest vote of each validator that came to it, and its checkpoints.

/// What one node knows of blocks and votes.
struct Store: Sendable {
  var slot: UInt32 = 0
  var justified = Checkpoint.genesis
  var finalized = Checkpoint.genesis
  var unrealizedJustified = Checkpoint.genesis
  var unrealizedFinalized = Checkpoint.genesis
  /// `proposer_boost_root`; `.none` if it is not set.
  var boosted = BlockID.none
  /// Blocks that have come, of which none on them has.
  var tips: [BlockID] = [.genesis]
  /// Bits by block, from `firstBlock` on: has come; was in time.
  var received: [UInt64] = [1]
  var timely: [UInt64] = [1]
  var firstBlock = 0
  /// The latest vote of each validator.
  var counted = CountedVotes()
  /// Validators against whom there is evidence, a bit each; empty as long as there are none.
  var equivocating: [UInt64] = []

  func has(_ block: BlockID) -> Bool { bit(block, in: received) }
  func isTimely(_ block: BlockID) -> Bool { bit(block, in: timely) }

  @inline(__always)
  private func bit(_ block: BlockID, in set: [UInt64]) -> Bool {
    let k = Int(block.index) - firstBlock
    guard k >= 0, k >> 6 < set.count else { return false }
    return set[k >> 6] >> UInt64(k & 63) & 1 == 1
  }

  mutating func receive(_ block: BlockID, isTimely: Bool) {
    let k = Int(block.index) - firstBlock
    guard k >= 0 else { return }
    while received.count <= k >> 6 {
      received.append(0)
      timely.append(0)
    }
    received[k >> 6] |= 1 << UInt64(k & 63)
    if isTimely { timely[k >> 6] |= 1 << UInt64(k & 63) }
  }

  /// Forgets the blocks before `block`.
  mutating func drop(before block: Int) {
    let gone = (block - firstBlock) / 64
    guard gone >= 64 else { return }
    received.removeFirst(gone)
    timely.removeFirst(gone)
    firstBlock += gone * 64
  }

  func isEquivocating(_ validator: Int) -> Bool {
    !equivocating.isEmpty && equivocating[validator >> 6] >> UInt64(validator & 63) & 1 == 1
  }

  /// - Parameter validators: how many there ever may be.
  mutating func markEquivocating(_ validator: Int, of validators: Int) {
    if equivocating.isEmpty { equivocating = Array(repeating: 0, count: validators / 64 + 1) }
    equivocating[validator >> 6] |= 1 << UInt64(validator & 63)
  }

  /// `update_checkpoints`; true if the finalised one moved.
  mutating func update(justified: Checkpoint, finalized: Checkpoint) -> Bool {
    if justified.epoch > self.justified.epoch { self.justified = justified }
    guard finalized.epoch > self.finalized.epoch else { return false }
    self.finalized = finalized
    return true
  }

  mutating func update(unrealized: Finality) {
    if unrealized.currentJustified.epoch > unrealizedJustified.epoch {
      unrealizedJustified = unrealized.currentJustified
    }
    if unrealized.finalized.epoch > unrealizedFinalized.epoch {
      unrealizedFinalized = unrealized.finalized
    }
  }
}

extension Store {
  /// Whether `checkpoint` stands on the chain that ends in `block`: `get_checkpoint_block`.
  func holds(
    _ checkpoint: Checkpoint, on block: BlockID, _ content: GasperContent, _ blocks: BlockArena
  ) -> Bool {
    guard blocks.contains(checkpoint.root) else { return true }
    guard blocks.isAncestor(checkpoint.root, of: block) else { return false }
    if checkpoint.root == block { return true }
    let next = blocks.ancestor(of: block, at: blocks[checkpoint.root].height + 1)
    return blocks[next].slot > UInt64(content.start(of: checkpoint.epoch))
  }

  /// The condition of `filter_block_tree` on a leaf.
  func isViable(_ tip: BlockID, _ content: GasperContent, _ blocks: BlockArena) -> Bool {
    guard blocks.contains(tip) else { return false }
    if blocks.contains(justified.root), !blocks.isAncestor(justified.root, of: tip) { return false }
    let epoch = content.epoch(of: slot)
    let body = content.body(of: tip)
    let isOld = epoch > content.epoch(of: UInt32(blocks[tip].slot))
    let source = (isOld ? body.unrealized : body.realized).currentJustified
    guard
      justified.epoch == 0 || source.epoch == justified.epoch || source.epoch + 2 >= epoch
    else { return false }
    return finalized.epoch == 0 || holds(finalized, on: tip, content, blocks)
  }

  /// `get_head`. Votes are weighed only where the tree forks: along one chain there is nothing to
  /// choose.
  func head(_ content: inout GasperContent, _ blocks: BlockArena) -> BlockID {
    var only = BlockID.none
    var count = 0
    for tip in tips where isViable(tip, content, blocks) {
      only = tip
      count += 1
    }
    if count == 0 { return blocks.contains(justified.root) ? justified.root : only }
    return count == 1 ? only : heaviest(&content, blocks)
  }

  /// LMD-GHOST from the justified checkpoint down the viable branches.
  private func heaviest(_ content: inout GasperContent, _ blocks: BlockArena) -> BlockID {
    weigh(&content, blocks)
    let root = max(Int(justified.root.index), blocks.startIndex)
    for k in content.isViable.indices { content.isViable[k] = false }
    for tip in tips where isViable(tip, content, blocks) {
      content.isViable[Int(tip.index) - root] = true
    }
    for index in stride(from: blocks.endIndex - 1, to: root, by: -1)
    where content.isViable[index - root] {
      let parent = Int(blocks[BlockID(index: UInt32(index))].parent.index)
      if parent >= root { content.isViable[parent - root] = true }
    }
    var head = BlockID(index: UInt32(root))
    while true {
      var best = BlockID.none
      var child = blocks.newestChild(of: head)
      while child != .none {
        if has(child), content.isViable[Int(child.index) - root],
          best == .none || isBetter(child, than: best, root, content, blocks)
        {
          best = child
        }
        child = blocks.olderSibling(of: child)
      }
      if best == .none { return head }
      head = best
    }
  }

  /// Ties go to the higher root.
  private func isBetter(
    _ a: BlockID, than b: BlockID, _ root: Int, _ content: GasperContent, _ blocks: BlockArena
  ) -> Bool {
    let (x, y) = (
      content.branchWeight[Int(a.index) - root], content.branchWeight[Int(b.index) - root]
    )
    if x != y { return content.settings.weakness == .lightestBranch ? x < y : x > y }
    return blocks[a].digest.value > blocks[b].digest.value
  }

  /// `get_weight` of every block from the justified one on, the boost included, in
  /// `content.branchWeight`.
  func weigh(_ content: inout GasperContent, _ blocks: BlockArena, withBoost: Bool = true) {
    let root = max(Int(justified.root.index), blocks.startIndex)
    let count = blocks.endIndex - root
    while content.branchWeight.count < count {
      content.branchWeight.append(0)
      content.isViable.append(false)
    }
    for k in 0..<count { content.branchWeight[k] = 0 }
    let w = content.weights(at: justified)
    var marks: [UInt64] = []
    swap(&marks, &content.marks)
    counted.forEach(&marks, content.words) { validator, vote in
      let head = Int(content.votes[Int(vote)].data.head.index)
      guard head >= root, !isEquivocating(validator) else { return }
      content.branchWeight[head - root] += content.weights[w].weights[validator]
    }
    swap(&marks, &content.marks)
    if withBoost, boosted != .none, Int(boosted.index) >= root {
      content.branchWeight[Int(boosted.index) - root] +=
        content.weights[w].perSlot * UInt64(content.settings.boost) / 100
    }
    for index in stride(from: blocks.endIndex - 1, to: root, by: -1) {
      let parent = Int(blocks[BlockID(index: UInt32(index))].parent.index)
      if parent >= root {
        content.branchWeight[parent - root] += content.branchWeight[index - root]
      }
    }
  }

  /// `get_attestation_score` of `block`.
  func score(
    of block: BlockID, _ content: inout GasperContent, _ blocks: BlockArena
  ) -> UInt64 {
    weigh(&content, blocks, withBoost: false)
    let root = max(Int(justified.root.index), blocks.startIndex)
    return Int(block.index) >= root ? content.branchWeight[Int(block.index) - root] : .max
  }
}

// MARK: - The head that a proposer builds on

extension Store {
  /// `get_proposer_head`: the parent of a head that came late and has few votes.
  func proposerHead(
    _ head: BlockID, slot: UInt32, isOnTime: Bool, _ content: inout GasperContent,
    _ blocks: BlockArena
  ) -> BlockID {
    let settings = content.settings
    let block = blocks[head]
    guard head != .genesis, blocks.contains(block.parent), block.slot + 1 == UInt64(slot) else {
      return head
    }
    let isEquivocation = hasTwin(head, content, blocks)
    guard !isTimely(head) || isEquivocation else { return head }
    let w = content.weights(at: justified)
    let perSlot = content.weights[w].perSlot
    guard isWeak(head, perSlot, &content, blocks) else { return head }
    if isEquivocation { return block.parent }
    let bodies = (content.body(of: head), content.body(of: block.parent))
    let isCompetitive =
      bodies.0.unrealized.currentJustified == bodies.1.unrealized.currentJustified
    let isFinalising =
      content.epoch(of: slot) - finalized.epoch <= UInt32(settings.reorgEpochs)
    let isSingle = blocks[block.parent].slot + 1 == block.slot
    guard slot % UInt32(settings.slotsPerEpoch) != 0, isCompetitive, isFinalising, isOnTime,
      isSingle
    else { return head }
    let strength = score(of: block.parent, &content, blocks)
    return strength > perSlot * UInt64(settings.reorgParent) / 100 ? block.parent : head
  }

  /// `is_head_weak`: equivocators of the head's slot count as if they had voted for it.
  private func isWeak(
    _ head: BlockID, _ perSlot: UInt64, _ content: inout GasperContent, _ blocks: BlockArena
  ) -> Bool {
    var weight = score(of: head, &content, blocks)
    if !equivocating.isEmpty {
      let slot = UInt32(blocks[head].slot)
      let w = content.weights(at: justified)
      for k in content.contexts.indices.reversed()
      where content.contexts[k].epoch == content.epoch(of: slot) {
        let number = Int(content.contexts[k].shuffling)
        guard let shuffling = content.shufflings[number] else { break }
        let index = Int(slot) % shuffling.slotsPerEpoch
        for p in Shuffling.range(index, shuffling.slotsPerEpoch, shuffling.order.count)
        where isEquivocating(Int(shuffling.order[p])) {
          weight += content.weights[w].weights[Int(shuffling.order[p])]
        }
        break
      }
    }
    return weight < perSlot * UInt64(content.settings.reorgHead) / 100
  }

  /// `is_proposer_equivocation`: another block of the same slot and proposer has come.
  func hasTwin(_ block: BlockID, _ content: GasperContent, _ blocks: BlockArena) -> Bool {
    twin(of: block, content, blocks) != .none
  }

  func twin(of block: BlockID, _ content: GasperContent, _ blocks: BlockArena) -> BlockID {
    let body = content.body(of: block)
    var other = content.blockOfSlot[Int(blocks[block].slot)]
    while other != .none, Int(other.index) >= content.stateBase {
      let next = content.body(of: other)
      if other != block, next.proposer == body.proposer, has(other) { return other }
      other = next.olderInSlot
    }
    return .none
  }
}
