import Consensus
import Kernel
import Ledger

/// The tree of undecided blocks: one Snowball instance for the children of each block.
///
/// A vote for a block is a vote for its ancestors, so that one poll serves all of them.
extension Snowman {
  struct Node: Sendable, BitwiseCopyable {
    var block: SnowmanBlock
    var digest: Digest
    /// The state after the block.
    var state: Digest
    var height: Slot
    var parent: Int32
    /// Successful polls for this block among its siblings: Snowball's d.
    var strength: Int32 = 0
    var votes: Int32 = 0
    // The instance that decides among its children; -1: it has none.
    var preferred: Int32 = -1
    var last: Int32 = -1
    var confidence: Int32 = 0
    /// Votes reached it from the last accepted block through alpha majorities.
    var isReached = false

    init(block: SnowmanBlock, digest: Digest, state: Digest, height: Slot, parent: Int32) {
      self.block = block
      self.digest = digest
      self.state = state
      self.height = height
      self.parent = parent
    }
  }

  func indexInTree(_ d: Digest) -> Int? {
    var k = tree.count - 1
    while k >= 0 {
      if tree[k].digest == d { return k }
      k -= 1
    }
    return nil
  }

  /// The end of the preferred branch.
  var tip: Int {
    var k = 0
    while tree[k].preferred >= 0 { k = Int(tree[k].preferred) }
    return k
  }

  /// What is preferred, or was accepted, at `height`; 0 if nothing.
  func preference(at height: Slot) -> Digest {
    if height <= tree[0].height {
      return accepted.contains(height) ? accepted[height].digest : Digest(0)
    }
    var k = 0
    while tree[k].preferred >= 0 {
      k = Int(tree[k].preferred)
      if tree[k].height == height { return tree[k].digest }
    }
    return Digest(0)
  }

  /// Hangs `node` under its parent; the first child is preferred.
  mutating func grow(_ node: Node) {
    let parent = Int(node.parent)
    tree.append(node)
    if tree[parent].preferred < 0 {
      tree[parent].preferred = Int32(tree.count - 1)
      tree[parent].last = Int32(tree.count - 1)
    }
    hasNews = true
  }

  /// Takes the votes of a poll: those for a block count for its ancestors too, and each instance
  /// that alpha votes reach through such majorities records a success; all others a failure.
  mutating func record(poll p: Int, _ effects: inout Effects<Self>) {
    for k in tree.indices { tree[k].votes = 0 }
    for a in answersOf(p) where answers[a].status == .voted {
      if let k = indexInTree(answers[a].preferred) ?? indexInTree(answers[a].atHeight) {
        tree[k].votes += 1
      }
    }
    var k = tree.count - 1
    while k > 0 {
      tree[Int(tree[k].parent)].votes += tree[k].votes
      k -= 1
    }
    var hasSucceeded = false
    tree[0].isReached = true
    for k in tree.indices where tree[k].preferred >= 0 {
      let child = tree[k].isReached ? majority(among: k) : nil
      markChildren(of: k, reached: child)
      if let child {
        hasSucceeded = true
        succeed(child, of: k)
      } else if !settings.weakness.contains(.noConsecutive) {
        tree[k].confidence = 0
        if tree[k].isReached { lean(k) }
      }
    }
    if !hasSucceeded { failed += 1 }
    while tree[0].last >= 0, isFinal(tree[0]) { accept(Int(tree[0].last), &effects) }
  }

  /// The child of `k` with alpha votes; there is at most one, as alpha exceeds half of a sample.
  private func majority(among k: Int) -> Int? {
    var best: Int?
    for c in (k + 1)..<tree.count
    where Int(tree[c].parent) == k && Int(tree[c].votes) >= alphaPreference {
      if let found = best, tree[found].votes >= tree[c].votes { continue }
      best = c
    }
    return best
  }

  /// No child has alpha votes: if those do together whose digests share the first bit in which
  /// siblings differ, the one with most votes among them is preferred, without confidence, so that
  /// three or more equal siblings do not stand still.
  private mutating func lean(_ k: Int) {
    var differing: UInt64 = 0
    let first = tree[Int(tree[k].preferred)].digest.value
    for c in (k + 1)..<tree.count where Int(tree[c].parent) == k {
      differing |= tree[c].digest.value ^ first
    }
    guard differing != 0 else { return }
    let bit: UInt64 = 1 << UInt64(63 - differing.leadingZeroBitCount)
    var side = bit
    for _ in 0..<2 {
      defer { side = 0 }
      var votes = 0
      var best = -1
      for c in (k + 1)..<tree.count
      where Int(tree[c].parent) == k && tree[c].digest.value & bit == side {
        votes += Int(tree[c].votes)
        if best < 0 || tree[c].votes > tree[best].votes { best = c }
      }
      guard votes >= alphaPreference else { continue }
      tree[best].strength = max(
        tree[best].strength, tree[Int(tree[k].preferred)].strength)
      tree[k].preferred = Int32(best)
    }
  }

  private mutating func markChildren(of k: Int, reached child: Int?) {
    for c in (k + 1)..<tree.count where Int(tree[c].parent) == k { tree[c].isReached = c == child }
  }

  /// Snowball's step on a successful poll for `child`.
  private mutating func succeed(_ child: Int, of k: Int) {
    tree[child].strength += 1
    let preferred = Int(tree[k].preferred)
    if tree[child].strength > tree[preferred].strength { tree[k].preferred = Int32(child) }
    if settings.weakness.contains(.noConsecutive) {
      tree[k].last = Int32(child)
      tree[k].confidence = tree[child].strength
      return
    }
    let isRepeated = Int(tree[k].last) == child
    tree[k].last = Int32(child)
    if Int(tree[child].votes) < alphaConfidence {
      tree[k].confidence = 0
    } else {
      tree[k].confidence = isRepeated ? tree[k].confidence + 1 : 1
    }
  }

  private func isFinal(_ node: Node) -> Bool {
    let beta = settings.weakness.contains(.firstSuccessDecides) ? 1 : settings.beta
    return Int(node.confidence) >= beta
  }

  /// Accepts a child of the last accepted block: executes it, and rejects its siblings with all
  /// that was built on them.
  private mutating func accept(_ child: Int, _ effects: inout Effects<Self>) {
    let node = tree[child]
    execute(node, &effects)
    // Descendants of the child stay. Parents stand before their children.
    remap.removeAll(keepingCapacity: true)
    var kept: Int32 = 0
    for k in tree.indices {
      let stays = k == child || (k > child && remap[Int(tree[k].parent)] >= 0)
      remap.append(stays ? kept : -1)
      if stays { kept += 1 } else if k > 0 { giveBack(tree[k].block, effects) }
    }
    for k in tree.indices where remap[k] >= 0 {
      var next = tree[k]
      next.parent = next.parent >= 0 && k != child ? remap[Int(next.parent)] : -1
      if next.preferred >= 0 { next.preferred = remap[Int(next.preferred)] }
      if next.last >= 0 { next.last = remap[Int(next.last)] }
      tree[Int(remap[k])] = next
    }
    tree.removeLast(tree.count - Int(kept))
    hasNews = true
  }
}
