import Ledger

/// The tree of blocks as one node has received it, and the end of the chain that GHOST picks: from
/// the root, always the child with the heaviest subtree.
///
/// What a block adds to the weight of all its ancestors is not written down for each. Off the
/// chosen
/// chain an entry holds the weight of the block's subtree. On it, it holds the weight of all that
/// is
/// not in the block's subtree, which a block that extends the chain leaves as it is. So a block
/// costs O(1) if it extends the chain, and otherwise time in the length of the fork.
public struct HeaviestSubtree: Sendable {
  private struct Entry: BitwiseCopyable, Sendable {
    /// Of the subtree; on the chosen chain, of everything else.
    var weight: UInt64 = 0
    /// In what order the blocks came, from 1 on; 0: this one has not.
    var arrival: UInt64 = 0
  }

  private var entries = SlidingArray<Entry>()
  private(set) var root = BlockID.genesis
  /// Of all blocks received but the root.
  private var total: UInt64 = 0
  private var arrivals: UInt64 = 1
  /// The end of the chosen chain.
  public private(set) var head = BlockID.genesis
  let weakness: GHOST.Weakness?

  public init(weakness: GHOST.Weakness? = nil) {
    self.weakness = weakness
    // Room for twice what the engine keeps before it drops, so that a run in steady state does not
    // allocate.
    entries.reserveCapacity(512)
    entries.append(Entry(weight: 0, arrival: 1))
  }

  /// Takes in `block`, all of whose ancestors down to the root have been.
  public mutating func insert(_ block: BlockID, _ blocks: BlockArena) {
    makeRoom(for: block, blocks)
    guard entries.contains(Int(block.index)), !has(block) else { return }
    let content = blocks[block]
    arrivals += 1
    if content.parent == head {
      entries[Int(block.index)] = Entry(weight: total, arrival: arrivals)
      total += content.work
      head = block
      return
    }
    let shared = blocks.commonAncestor(head, block)
    // A fork from before what is kept: all nodes are past it.
    guard shared >= root, blocks.isAncestor(shared, of: block), blocks.isAncestor(shared, of: head)
    else { return }
    entries[Int(block.index)] = Entry(weight: content.work, arrival: arrivals)
    total += content.work
    let side = add(content.work, from: content.parent, to: shared, child: block, blocks)
    let own = add(content.work, from: head, to: shared, child: head, blocks)
    if weakness == .longestChain {
      guard content.height > blocks[head].height else { return }
      leave(downTo: shared, blocks)
      head = block
      // What is turned for the chain that is left is turned in the same way for the other.
      return leave(downTo: shared, blocks)
    }
    // Only where the two part can the choice change, and only if the other is heavier: of equals
    // the chosen one stays.
    guard entries[Int(side.index)].weight > total - entries[Int(own.index)].weight else { return }
    leave(downTo: shared, blocks)
    choose(side, blocks)
  }

  public func has(_ block: BlockID) -> Bool {
    entries.contains(Int(block.index)) && entries[Int(block.index)].arrival > 0
  }

  /// Work of `block` and of all that has been built on it, as far as it has been received.
  /// O(log height).
  public func weight(of block: BlockID, _ blocks: BlockArena) -> UInt64 {
    guard has(block) else { return 0 }
    let weight = entries[Int(block.index)].weight
    return blocks.isAncestor(block, of: head) ? total - weight : weight
  }

  /// Forgets everything: the node knows `base` and nothing else.
  public mutating func begin(on base: BlockID, _ blocks: BlockArena) {
    makeRoom(for: base, blocks)
    for i in entries.startIndex..<entries.endIndex { entries[i] = Entry() }
    arrivals = 1
    total = 0
    entries[Int(base.index)] = Entry(weight: 0, arrival: 1)
    root = base
    head = base
  }

  private mutating func makeRoom(for block: BlockID, _ blocks: BlockArena) {
    entries.dropFirst(before: blocks.startIndex)
    while entries.endIndex <= Int(block.index) { entries.append(Entry()) }
  }

  /// Adds `work` to the entries from `block` down to above `shared`; returns the lowest of them, or
  /// `child` if there is none.
  private mutating func add(
    _ work: UInt64, from block: BlockID, to shared: BlockID, child: BlockID, _ blocks: BlockArena
  ) -> BlockID {
    var lowest = child
    var walk = block
    while walk != shared {
      if weakness != .forgetsAncestors { entries[Int(walk.index)].weight += work }
      lowest = walk
      walk = blocks[walk].parent
    }
    return lowest
  }

  /// The chosen chain above `shared` is chosen no more.
  private mutating func leave(downTo shared: BlockID, _ blocks: BlockArena) {
    var walk = head
    while walk != shared {
      entries[Int(walk.index)].weight = total - entries[Int(walk.index)].weight
      walk = blocks[walk].parent
    }
  }

  /// Chooses `block`, and from there on the heaviest child.
  private mutating func choose(_ block: BlockID, _ blocks: BlockArena) {
    var next = block
    while next != .none {
      entries[Int(next.index)].weight = total - entries[Int(next.index)].weight
      head = next
      next = heaviestChild(of: next, blocks)
    }
  }

  /// Of equally heavy children the one that came first; `.none` if there is none.
  private func heaviestChild(of block: BlockID, _ blocks: BlockArena) -> BlockID {
    var best = BlockID.none
    var child = blocks.newestChild(of: block)
    while child != .none {
      if has(child) {
        let entry = entries[Int(child.index)]
        if best == .none || entry.weight > entries[Int(best.index)].weight
          || entry.weight == entries[Int(best.index)].weight
            && entry.arrival < entries[Int(best.index)].arrival
        {
          best = child
        }
      }
      child = blocks.olderSibling(of: child)
    }
    return best
  }
}
