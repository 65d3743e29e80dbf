import Kernel

/// What a mempool does with a transaction that finds it full.
public enum Eviction: String, Sendable, CaseIterable {
  /// The arriving transaction is refused.
  case newest
  /// The transaction that waited longest makes room.
  case oldest
}

/// Transactions that one replica has seen and no block has decided, in order of arrival.
///
/// Bounded; what is refused or evicted is counted. Proposed transactions stay known until decided
/// or given back, so that a retransmission is not proposed twice.
public struct Mempool: Sendable {
  public let capacity: Int
  public let eviction: Eviction

  /// Arrival order; parts that are no longer in `waiting` are skipped.
  private(set) var order = SlidingArray<TxRange>()
  var waiting: TxSet
  var proposed: TxSet
  /// Transactions refused or evicted so far.
  public private(set) var evicted = 0
  /// Transactions that arrived though they were known.
  public private(set) var duplicates = 0

  /// - Parameters:
  ///   - capacity: in transactions, at least 1.
  ///   - populations: how many populations number transactions.
  public init(capacity: Int, eviction: Eviction, populations: Int) {
    precondition(capacity >= 1, "mempool capacity \(capacity)")
    self.capacity = capacity
    self.eviction = eviction
    waiting = TxSet(populations: populations)
    proposed = TxSet(populations: populations)
  }

  /// How many populations number transactions.
  public var populations: Int { waiting.populations }
  /// Number of transactions waiting.
  public var count: Int { waiting.count }
  public var isEmpty: Bool { waiting.count == 0 }
  /// Number of transactions proposed and not yet decided or given back.
  public var proposedCount: Int { proposed.count }

  /// Adds what of `range` is new to the replica, which has executed `executed` already.
  ///
  /// Returns how many were added; the others were known, executed, refused, or pushed others out.
  @discardableResult
  public mutating func add(_ range: TxRange, executed: TxSet) -> Int {
    var added = 0
    var rest = range
    while rest.count > 0 {
      guard let fresh = executed.firstGap(in: rest) else { break }
      added += addUnexecuted(fresh)
      let next = fresh.end
      rest = TxRange(
        population: range.population, first: next, count: UInt32(range.end - next))
    }
    return added
  }

  private mutating func addUnexecuted(_ range: TxRange) -> Int {
    var added = 0
    var rest = range
    while rest.count > 0, let unknown = waiting.firstGap(in: rest) {
      duplicates += Int(unknown.first - rest.first)
      var part = unknown
      while part.count > 0, let fresh = proposed.firstGap(in: part) {
        duplicates += Int(fresh.first - part.first)
        added += admit(fresh)
        part = fresh.upTo(part.end)
      }
      duplicates += Int(part.count)
      rest = unknown.upTo(range.end)
    }
    duplicates += Int(rest.count)
    return added
  }

  private mutating func admit(_ range: TxRange) -> Int {
    var accepted = range
    let free = capacity - waiting.count  // negative if many were given back
    if free < Int(range.count) {
      switch eviction {
      case .newest:
        accepted = range.prefix(max(free, 0))
        evicted += Int(range.count) - Int(accepted.count)
      case .oldest:
        accepted = range.dropFirst(max(Int(range.count) - capacity, 0))
        evicted += Int(range.count) - Int(accepted.count)
        evictOldest(Int(accepted.count) - free)
      }
    }
    guard accepted.count > 0 else { return 0 }
    waiting.insert(accepted)
    order.append(accepted)
    return Int(accepted.count)
  }

  private mutating func evictOldest(_ n: Int) {
    var left = n
    while left > 0, let part = nextWaiting() {
      let out = part.prefix(left)
      leave(out)
      evicted += Int(out.count)
      left -= Int(out.count)
    }
  }

  /// The longest-waiting range, wholly in `waiting`; what stands before it in `order` is dropped.
  private mutating func nextWaiting() -> TxRange? {
    while !order.isEmpty {
      let head = order[order.startIndex]
      if let part = waiting.firstPart(of: head) { return part }
      _ = order.popFirst()
    }
    return nil
  }

  /// Takes `out`, the beginning of `nextWaiting`, from the waiting. Should it come back, it has to
  /// queue anew, so its old place is given up.
  private mutating func leave(_ out: TxRange) {
    waiting.remove(out)
    order[order.startIndex] = out.upTo(order[order.startIndex].end)
  }

  /// Moves up to `count` transactions of at most `bytes` in all into the open batch of `arena`,
  /// oldest first; at least one if any waits, however large. Returns how many.
  @discardableResult
  public mutating func take(
    atMost count: Int, bytes: Int, sizes: TransactionSizes, into arena: inout BatchArena
  ) -> Int {
    var taken = 0
    var room = bytes
    while taken < count, let part = nextWaiting() {
      let candidate = part.prefix(count - taken)
      let fitting = sizes.prefix(of: candidate, within: room)
      let n = fitting == 0 && taken == 0 ? 1 : fitting
      guard n > 0 else { break }
      let out = candidate.prefix(n)
      let size = sizes.bytes(of: out)
      leave(out)
      proposed.insert(out)
      arena.add(out, bytes: size)
      taken += n
      room -= size
    }
    return taken
  }

  /// Forgets `range`, which was decided.
  public mutating func decided(_ range: TxRange) {
    waiting.remove(range)
    proposed.remove(range)
  }

  /// Drops from the order of arrival what stands at its beginning and no longer waits. `take` does
  /// so too: who never takes, but hears what others propose, calls this so that the order does not
  /// grow with the run.
  public mutating func trim() { _ = nextWaiting() }

  /// Returns what of `range` was proposed and not decided to the waiting, behind the others.
  public mutating func giveBack(_ range: TxRange) {
    var rest = range
    while rest.count > 0, let part = proposed.firstPart(of: rest) {
      proposed.remove(part)
      waiting.insert(part)
      order.append(part)
      rest = part.upTo(range.end)
    }
  }

  /// Returns everything that was proposed and not decided to the waiting.
  public mutating func giveBackAll() {
    for range in proposed.ranges { giveBack(range) }
  }
}

extension TxRange {
  /// What follows this range up to `end`.
  func upTo(_ end: UInt64) -> TxRange {
    TxRange(population: population, first: self.end, count: UInt32(end - self.end))
  }
}

extension TxSet {
  /// The set as maximal ranges, by population and number.
  public var ranges: [TxRange] {
    runs.indices.flatMap { p in
      runs[p].map {
        TxRange(population: UInt32(p), first: $0.first, count: UInt32($0.end - $0.first))
      }
    }
  }
}
