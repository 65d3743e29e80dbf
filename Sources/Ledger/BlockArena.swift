import Kernel

/// The blocks of one chain and all its forks: sealed when made, named by `BlockID`, dropped from
/// the oldest on.
///
/// Content is stored once for all nodes; a node may look only at blocks that it has received.
/// What is kept all descends from the oldest block kept, or is stale.
public struct BlockArena: Sendable {
  private var blocks = SlidingArray<Block>()
  private var parts = SlidingArray<BlockPart>()
  /// First part of the block under construction.
  private var opened = 0
  private var openedTransactions = 0
  private var openedBytes = 0

  /// - Parameters:
  ///   - work, nonce: of genesis.
  public init(work: UInt64 = 0, nonce: UInt64 = 0) {
    var digest = RunDigest(work)
    digest.fold(nonce)
    blocks.append(
      Block(
        parent: .none, skip: .none, newestChild: .none, olderSibling: .none, height: 0,
        miner: .max, work: work, totalWork: 0, made: .zero, stamp: 0, slot: 0, salt: 0,
        nonce: nonce, fold: 0, digest: Digest(digest.value), bytes: 0, transactions: 0,
        firstPart: 0, partCount: 0))
  }

  /// Makes room, so that a run in steady state does not allocate.
  public mutating func reserve(blocks count: Int, parts partCount: Int) {
    blocks.reserveCapacity(count)
    parts.reserveCapacity(partCount)
  }

  /// One past the newest block.
  public var endIndex: Int { blocks.endIndex }
  /// The oldest block kept.
  public var startIndex: Int { blocks.startIndex }

  /// - Precondition: the block was sealed and not dropped.
  public subscript(block: BlockID) -> Block {
    @inline(__always) get { blocks[Int(block.index)] }
  }

  public func contains(_ block: BlockID) -> Bool { blocks.contains(Int(block.index)) }

  // MARK: - Making blocks

  /// Adds transactions of `bytes` bytes to the block under construction.
  public mutating func add(_ part: BlockPart, bytes: Int) {
    guard part.range.count > 0 else { return }
    parts.append(part)
    openedTransactions += Int(part.range.count)
    openedBytes += bytes
  }

  /// Seals `draft` with what was added since the last seal.
  ///
  /// - Parameter filler: bytes that the body has at least: transactions that nobody follows.
  public mutating func seal(
    _ draft: BlockDraft, by miner: Int, at time: SimTime, filler: Int
  ) -> BlockID {
    let parent = self[draft.parent]
    let height = parent.height + 1
    var digest = RunDigest(parent.digest.value)
    digest.fold(UInt64(miner), draft.salt)
    for i in opened..<parts.endIndex {
      let range = parts[i].range
      digest.fold(range.first, UInt64(range.count) << 32 | UInt64(range.population))
    }
    let index = blocks.append(
      Block(
        parent: draft.parent, skip: ancestor(of: draft.parent, at: Self.skipHeight(of: height)),
        newestChild: .none, olderSibling: parent.newestChild, height: height,
        miner: UInt32(miner), work: draft.work, totalWork: parent.totalWork + draft.work,
        made: time, stamp: draft.stamp, slot: draft.slot, salt: draft.salt, nonce: draft.nonce,
        fold: draft.fold, digest: Digest(digest.value),
        bytes: max(openedBytes, filler) + draft.extraBytes, transactions: openedTransactions,
        firstPart: opened, partCount: parts.endIndex - opened))
    let block = BlockID(index: UInt32(index))
    var grown = parent
    grown.newestChild = block
    blocks[Int(draft.parent.index)] = grown
    opened = parts.endIndex
    openedTransactions = 0
    openedBytes = 0
    return block
  }

  /// Part number `i` of `block`, in its order.
  public func part(_ i: Int, of block: BlockID) -> BlockPart { parts[self[block].firstPart + i] }

  // MARK: - Chains

  /// The newest child of `block`, and from a child the next older one; `.none` at the end.
  public func newestChild(of block: BlockID) -> BlockID { self[block].newestChild }
  public func olderSibling(of block: BlockID) -> BlockID { self[block].olderSibling }

  /// The ancestor of `block` at `height`, itself included; the oldest block kept if that is
  /// higher. O(log height).
  public func ancestor(of block: BlockID, at height: UInt32) -> BlockID {
    var walk = block
    var node = self[walk]
    while node.height > height {
      let far = node.skip
      if contains(far), self[far].height >= height, isWorthSkipping(node, to: height) {
        walk = far
      } else if contains(node.parent) {
        walk = node.parent
      } else {
        return walk
      }
      node = self[walk]
    }
    return walk
  }

  /// Whether `ancestor` stands on the chain that ends in `block`.
  public func isAncestor(_ ancestor: BlockID, of block: BlockID) -> Bool {
    if ancestor == block { return true }
    guard contains(ancestor), ancestor < block else { return false }
    return self.ancestor(of: block, at: self[ancestor].height) == ancestor
  }

  /// The newest block that both chains share.
  public func commonAncestor(_ a: BlockID, _ b: BlockID) -> BlockID {
    if a == b { return a }
    let height = min(self[a].height, self[b].height)
    var x = ancestor(of: a, at: height)
    var y = ancestor(of: b, at: height)
    while x != y {
      let (left, right) = (self[x], self[y])
      if contains(left.skip), contains(right.skip), left.skip != right.skip {
        x = left.skip
        y = right.skip
      } else if contains(left.parent), contains(right.parent) {
        x = left.parent
        y = right.parent
      } else {
        return min(x, y)
      }
    }
    return x
  }

  /// Drops the blocks made before `block`.
  public mutating func drop(before block: BlockID) {
    guard Int(block.index) > blocks.startIndex else { return }
    let firstKept = self[block].firstPart
    blocks.dropFirst(before: Int(block.index))
    parts.dropFirst(before: firstKept)
  }

  /// To what height a block's skip leads, as in Bitcoin Core's index: the lowest set bits are
  /// turned off, odd heights turning off one more of their predecessor's.
  private static func skipHeight(of height: UInt32) -> UInt32 {
    guard height >= 2 else { return 0 }
    func withoutLowestBit(_ n: UInt32) -> UInt32 { n & (n &- 1) }
    return height & 1 == 1
      ? withoutLowestBit(withoutLowestBit(height - 1)) + 1 : withoutLowestBit(height)
  }

  /// Going by the parent is better if its skip leads nearer without passing `height`.
  private func isWorthSkipping(_ block: Block, to height: UInt32) -> Bool {
    let far = Self.skipHeight(of: block.height)
    let parentFar = Self.skipHeight(of: block.height - 1)
    return far == height || !(parentFar >= height && parentFar + 2 < far)
  }
}
