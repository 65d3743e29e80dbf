import Kernel

/// Names a block in its chain's `BlockArena`. A block is always named after its parent, so indices
/// grow along every chain.
@frozen
public struct BlockID: Hashable, Comparable, Sendable, BitwiseCopyable {
  public var index: UInt32

  @inlinable public init(index: UInt32) { self.index = index }

  /// The block that every node has from the start.
  @inlinable public static var genesis: BlockID { BlockID(index: 0) }
  /// No block.
  @inlinable public static var none: BlockID { BlockID(index: .max) }

  @inlinable
  public static func < (a: BlockID, b: BlockID) -> Bool { a.index < b.index }
}

/// What the maker of a block decides before its transactions are chosen.
public struct BlockDraft: Sendable, BitwiseCopyable {
  public var parent: BlockID
  /// What the block adds to the weight of its chain: difficulty, or 1 for a chain by length.
  public var work: UInt64
  /// The maker's clock, in nanoseconds; what a retarget measures.
  public var stamp: Int64
  /// The time slot it was made for; 0 where there are none.
  public var slot: UInt64
  /// Lottery output: tells blocks of equal content apart, decides ties, feeds nonces.
  public var salt: UInt64
  /// Two words that the protocol alone reads, such as the nonces of an epoch.
  public var nonce: UInt64
  public var fold: UInt64
  /// Whether it has a body; without one it is all header.
  public var carriesTransactions: Bool
  /// Bytes of the body beside its transactions: votes, evidence.
  public var extraBytes: Int

  public init(
    parent: BlockID, work: UInt64, stamp: Int64, slot: UInt64 = 0, salt: UInt64 = 0,
    nonce: UInt64 = 0, fold: UInt64 = 0, carriesTransactions: Bool = true, extraBytes: Int = 0
  ) {
    self.parent = parent
    self.work = work
    self.stamp = stamp
    self.slot = slot
    self.salt = salt
    self.nonce = nonce
    self.fold = fold
    self.carriesTransactions = carriesTransactions
    self.extraBytes = extraBytes
  }
}

/// A sealed block: what every node that received it knows of it.
public struct Block: Sendable, BitwiseCopyable {
  public let parent: BlockID
  /// An ancestor farther back, for queries in O(log height).
  let skip: BlockID
  /// Blocks on this one: the newest, and the next older one of the same parent.
  var newestChild: BlockID
  let olderSibling: BlockID
  /// Blocks between it and genesis, itself counted; genesis has 0.
  public let height: UInt32
  /// Who made it: index of the node in its chain.
  public let miner: UInt32
  /// Of the block, and of its chain up to it.
  public let work: UInt64
  public let totalWork: UInt64
  /// When it was made: the observer's time. Nodes read `stamp`.
  public let made: SimTime
  public let stamp: Int64
  public let slot: UInt64
  public let salt: UInt64
  public let nonce: UInt64
  public let fold: UInt64
  public let digest: Digest
  /// Of the body.
  public let bytes: Int
  public let transactions: Int
  let firstPart: Int
  public let partCount: Int
}

/// Some transactions of a bundle, as a block carries them.
public struct BlockPart: Sendable, BitwiseCopyable, Equatable {
  public var range: TxRange
  /// Index of the bundle that brought them.
  public var bundle: UInt32

  public init(range: TxRange, bundle: UInt32) {
    self.range = range
    self.bundle = bundle
  }
}
