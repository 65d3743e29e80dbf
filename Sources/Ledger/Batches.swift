import Kernel

/// Names a sealed batch in its chain's `BatchArena`.
@frozen
public struct BatchHandle: Hashable, Sendable, BitwiseCopyable {
  public var index: UInt32

  @inlinable public init(index: UInt32) { self.index = index }

  /// No batch: what a null request or an empty block carries.
  public static var none: BatchHandle { BatchHandle(index: .max) }
}

/// A sealed list of transactions, as one proposal carries it.
public struct Batch: Sendable, BitwiseCopyable {
  public let digest: Digest
  public let transactions: Int
  /// Sum of the transactions' own bytes.
  public let bytes: Int
  /// Where its ranges stand in the arena.
  let firstRange: Int
  let rangeCount: Int
  /// Where the batches that it was made of stand.
  let firstPart: Int
  let partCount: Int
}

/// The batches of one chain: sealed when made, dropped from the oldest on, named by handle.
///
/// Content is stored once for all replicas; a replica may look only at batches whose handle a
/// message brought it. An empty batch is a batch like any other.
public struct BatchArena: Sendable {
  private var batches = SlidingArray<Batch>()
  private var ranges = SlidingArray<TxRange>()
  private var parts = SlidingArray<BatchHandle>()
  /// First range and part of the batch under construction.
  private var opened = 0
  private var openedPart = 0
  private var openedTransactions = 0
  private var openedBytes = 0

  public init() {}

  /// Adds `range` to the batch under construction.
  public mutating func add(_ range: TxRange, bytes: Int) {
    guard range.count > 0 else { return }
    if ranges.endIndex > opened {
      // Neighbours are joined, so that a batch of one population's stream is one range.
      var last = ranges[ranges.endIndex - 1]
      if last.population == range.population, last.end == range.first {
        last.count += range.count
        ranges[ranges.endIndex - 1] = last
        openedTransactions += Int(range.count)
        openedBytes += bytes
        return
      }
    }
    ranges.append(range)
    openedTransactions += Int(range.count)
    openedBytes += bytes
  }

  /// Adds all transactions of a sealed batch to the batch under construction, which names it as a
  /// part: what a block carries that lists batches by their digests.
  public mutating func add(part: BatchHandle) {
    let batch = self[part]
    var bytes = batch.bytes
    for i in 0..<batch.rangeCount {
      // The sum of the bytes is known, not how it is shared out.
      add(ranges[batch.firstRange + i], bytes: bytes)
      bytes = 0
    }
    parts.append(part)
  }

  /// Seals what was added since the last seal. `salt` tells equal contents of different proposals
  /// apart (the proposer and its sequence number).
  public mutating func seal(salt: UInt64) -> BatchHandle {
    var digest = RunDigest(salt)
    for i in opened..<ranges.endIndex {
      digest.fold(ranges[i].first, UInt64(ranges[i].count) << 32 | UInt64(ranges[i].population))
    }
    let index = batches.append(
      Batch(
        digest: Digest(digest.value), transactions: openedTransactions, bytes: openedBytes,
        firstRange: opened, rangeCount: ranges.endIndex - opened, firstPart: openedPart,
        partCount: parts.endIndex - openedPart))
    opened = ranges.endIndex
    openedPart = parts.endIndex
    openedTransactions = 0
    openedBytes = 0
    return BatchHandle(index: UInt32(index))
  }

  /// - Precondition: the batch was sealed and not dropped.
  public subscript(handle: BatchHandle) -> Batch { batches[Int(handle.index)] }

  public func contains(_ handle: BatchHandle) -> Bool { batches.contains(Int(handle.index)) }

  /// Number of ranges in the batch.
  public func rangeCount(of handle: BatchHandle) -> Int { self[handle].rangeCount }

  /// Range number `i` of the batch, in proposal order.
  public func range(_ i: Int, of handle: BatchHandle) -> TxRange {
    ranges[self[handle].firstRange + i]
  }

  /// Number of sealed batches that the batch was made of.
  public func partCount(of handle: BatchHandle) -> Int { self[handle].partCount }

  /// Batch number `i` of those that the batch was made of, in the order in which they were added.
  public func part(_ i: Int, of handle: BatchHandle) -> BatchHandle {
    parts[self[handle].firstPart + i]
  }

  /// The lowest index among the batch and those that it was made of.
  public func oldestIndex(of handle: BatchHandle) -> Int {
    var oldest = Int(handle.index)
    for i in 0..<partCount(of: handle) { oldest = min(oldest, Int(part(i, of: handle).index)) }
    return oldest
  }

  /// Number of batches sealed so far, dropped ones included.
  public var sealed: Int { batches.endIndex }
  /// Index of the oldest batch kept.
  public var oldest: Int { batches.startIndex }

  /// Drops the batches before `index`.
  public mutating func drop(before index: Int) {
    guard index > batches.startIndex else { return }
    let end = min(index, batches.endIndex)
    let firstKept = end < batches.endIndex ? batches[end].firstRange : opened
    let firstPart = end < batches.endIndex ? batches[end].firstPart : openedPart
    batches.dropFirst(before: end)
    ranges.dropFirst(before: firstKept)
    parts.dropFirst(before: firstPart)
  }
}
