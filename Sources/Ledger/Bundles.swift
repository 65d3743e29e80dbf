import Kernel

/// Names a bundle of transactions: what travels between mempools as one message.
@frozen
public struct BundleID: Hashable, Comparable, Sendable, BitwiseCopyable {
  public var index: UInt32

  @inlinable public init(index: UInt32) { self.index = index }

  @inlinable
  public static func < (a: BundleID, b: BundleID) -> Bool { a.index < b.index }
}

/// The bundles of one chain that are not settled, and the blocks that hold parts of them.
///
/// Where a transaction stands depends on the chain one looks at: `waiting` says it for one head.
public struct BundleBook: Sendable {
  public struct Bundle: Sendable, BitwiseCopyable {
    public var range: TxRange
    /// Of its transactions.
    public var bytes: Int
    /// Transactions in settled blocks.
    var settled: UInt32
    var firstInclusion: UInt32
  }

  /// That a block holds some transactions of a bundle; `.none` is the settled part of all chains.
  struct Inclusion: Sendable, BitwiseCopyable {
    var block: BlockID
    var first: UInt64
    var end: UInt64
    var next: UInt32
  }

  private var bundles = SlidingArray<Bundle>()
  private var inclusions: [Inclusion] = []
  private var free = UInt32.max
  /// Unsettled bundles of each population, by their first number.
  private var byPopulation: [SlidingArray<BundleID>]
  /// Whether a population's bundles came in another order than that of their numbers: then a late
  /// one may stand before some that are dropped.
  private var isMixed: [Bool]
  /// All transactions that are or were in a bundle, and those in settled blocks.
  public private(set) var known: TxSet
  public private(set) var settled: TxSet

  public init(populations: Int) {
    byPopulation = Array(repeating: SlidingArray(), count: populations)
    isMixed = Array(repeating: false, count: populations)
    known = TxSet(populations: max(populations, 1))
    settled = known
  }

  public var startIndex: Int { bundles.startIndex }
  public var endIndex: Int { bundles.endIndex }
  public func contains(_ bundle: BundleID) -> Bool { bundles.contains(Int(bundle.index)) }
  public subscript(bundle: BundleID) -> Bundle { bundles[Int(bundle.index)] }

  /// Takes in transactions that are in no bundle yet.
  public mutating func add(_ range: TxRange, bytes: Int) -> BundleID {
    precondition(known.overlap(with: range) == 0, "a transaction in two bundles")
    known.insert(range)
    let index = bundles.append(
      Bundle(range: range, bytes: bytes, settled: 0, firstInclusion: .max))
    let id = BundleID(index: UInt32(index))
    let p = Int(range.population)
    var place = byPopulation[p].append(id)
    // Nearly always in order; what a crashed gateway lost comes late.
    while place > byPopulation[p].startIndex,
      bundles[Int(byPopulation[p][place - 1].index)].range.first > range.first
    {
      isMixed[p] = true
      byPopulation[p][place] = byPopulation[p][place - 1]
      place -= 1
      byPopulation[p][place] = id
    }
    return id
  }

  /// The unsettled bundles that hold some of `range`, as places in the population's order.
  public func places(of range: TxRange) -> Range<Int> {
    let list = byPopulation[Int(range.population)]
    var low = list.startIndex
    var high = list.endIndex
    while low < high {
      let middle = (low + high) / 2
      if self[list[middle]].range.end <= range.first { low = middle + 1 } else { high = middle }
    }
    var end = low
    while end < list.endIndex, self[list[end]].range.first < range.end { end += 1 }
    return low..<end
  }

  public func bundle(at place: Int, of population: UInt32) -> BundleID {
    byPopulation[Int(population)][place]
  }
}

// MARK: - Where transactions stand

extension BundleBook {
  /// Notes that `block` holds `part`.
  public mutating func include(_ part: BlockPart, in block: BlockID) {
    let entry = Inclusion(
      block: block, first: part.range.first, end: part.range.end,
      next: bundles[Int(part.bundle)].firstInclusion)
    var handle = free
    if handle == .max {
      inclusions.append(entry)
      handle = UInt32(inclusions.count - 1)
    } else {
      free = inclusions[Int(handle)].next
      inclusions[Int(handle)] = entry
    }
    bundles[Int(part.bundle)].firstInclusion = handle
  }

  /// The first part of `bundle`, from transaction `start` on, that the chain ending in `head` does
  /// not hold; `nil` if it holds all the rest.
  public func gap(
    in bundle: BundleID, from start: UInt64, on head: BlockID, _ blocks: BlockArena
  ) -> TxRange? {
    let whole = self[bundle]
    var low = max(start, whole.range.first)
    while low < whole.range.end {
      var next = whole.range.end
      var covered = low
      var handle = whole.firstInclusion
      while handle != .max {
        let inclusion = inclusions[Int(handle)]
        if inclusion.end > low, inclusion.first < next, isOn(inclusion, head, blocks) {
          if inclusion.first <= low {
            covered = max(covered, inclusion.end)
          } else {
            next = inclusion.first
          }
        }
        handle = inclusion.next
      }
      if covered == low {
        return TxRange(
          population: whole.range.population, first: low, count: UInt32(next - low))
      }
      low = covered
    }
    return nil
  }

  /// Transactions of `bundle` that the chain ending in `head` does not hold.
  public func missing(_ bundle: BundleID, on head: BlockID, _ blocks: BlockArena) -> Int {
    var total = 0
    var start = self[bundle].range.first
    while let gap = gap(in: bundle, from: start, on: head, blocks) {
      total += Int(gap.count)
      start = gap.end
    }
    return total
  }

  /// Transactions of `part` that the chain ending in `head` holds already.
  public func overlap(of part: BlockPart, on head: BlockID, _ blocks: BlockArena) -> Int {
    var total = 0
    var handle = bundles[Int(part.bundle)].firstInclusion
    while handle != .max {
      let inclusion = inclusions[Int(handle)]
      let low = max(inclusion.first, part.range.first)
      let high = min(inclusion.end, part.range.end)
      if high > low, isOn(inclusion, head, blocks) { total += Int(high - low) }
      handle = inclusion.next
    }
    return total
  }

  private func isOn(_ inclusion: Inclusion, _ head: BlockID, _ blocks: BlockArena) -> Bool {
    inclusion.block == .none || blocks.isAncestor(inclusion.block, of: head)
  }

  /// Notes that `block`, which holds `part`, stands on every chain from now on. Returns how many of
  /// its transactions no settled block held before.
  public mutating func settle(_ part: BlockPart, in block: BlockID) -> Int {
    relabel(part.bundle, block, to: .none)
    let fresh = settled.insert(part.range)
    if bundles.contains(Int(part.bundle)) {
      bundles[Int(part.bundle)].settled += part.range.count
    }
    return fresh
  }

  /// Forgets that `block`, on no chain any more, holds a part of `bundle`.
  public mutating func forget(_ bundle: UInt32, in block: BlockID) {
    guard bundles.contains(Int(bundle)) else { return }
    var kept = UInt32.max
    var handle = bundles[Int(bundle)].firstInclusion
    while handle != .max {
      let next = inclusions[Int(handle)].next
      if inclusions[Int(handle)].block == block {
        inclusions[Int(handle)].next = free
        free = handle
      } else {
        inclusions[Int(handle)].next = kept
        kept = handle
      }
      handle = next
    }
    bundles[Int(bundle)].firstInclusion = kept
  }

  private mutating func relabel(_ bundle: UInt32, _ block: BlockID, to label: BlockID) {
    guard bundles.contains(Int(bundle)) else { return }
    var handle = bundles[Int(bundle)].firstInclusion
    while handle != .max {
      if inclusions[Int(handle)].block == block { inclusions[Int(handle)].block = label }
      handle = inclusions[Int(handle)].next
    }
  }

  /// Whether all of a bundle stands in settled blocks.
  public func isSettled(_ bundle: BundleID) -> Bool {
    !contains(bundle) || self[bundle].settled >= self[bundle].range.count
  }

  /// Drops the settled bundles before the oldest that is not; returns the oldest index kept.
  public mutating func dropSettled() -> Int {
    var first = bundles.startIndex
    while first < bundles.endIndex, isSettled(BundleID(index: UInt32(first))) {
      var handle = bundles[first].firstInclusion
      while handle != .max {
        let next = inclusions[Int(handle)].next
        inclusions[Int(handle)].next = free
        free = handle
        handle = next
      }
      first += 1
    }
    bundles.dropFirst(before: first)
    for p in byPopulation.indices {
      while !byPopulation[p].isEmpty,
        isSettled(byPopulation[p][byPopulation[p].startIndex])
      {
        _ = byPopulation[p].popFirst()
      }
      if isMixed[p] { forgetDropped(p) }
    }
    return first
  }

  private mutating func forgetDropped(_ p: Int) {
    var kept = byPopulation[p].startIndex
    for place in byPopulation[p].startIndex..<byPopulation[p].endIndex
    where contains(byPopulation[p][place]) {
      byPopulation[p][kept] = byPopulation[p][place]
      kept += 1
    }
    byPopulation[p].removeLast(from: kept)
  }
}
