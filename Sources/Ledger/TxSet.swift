/// A set of transactions, as sorted disjoint runs of numbers for each population.
///
/// Transactions are mostly decided in the order of submission, so a set of millions is a run or
/// two. Operations look from the end, where new numbers arrive: O(1) there, O(runs) elsewhere.
public struct TxSet: Sendable, Equatable {
  struct Run: Sendable, BitwiseCopyable, Equatable {
    var first: UInt64
    var end: UInt64
  }

  /// Index: population.
  var runs: [[Run]]
  /// Number of transactions in the set.
  public private(set) var count = 0

  /// - Parameter populations: how many populations number transactions, at least 1.
  public init(populations: Int) {
    runs = Array(repeating: [], count: populations)
    for p in runs.indices { runs[p].reserveCapacity(64) }
  }

  public var populations: Int { runs.count }

  /// Becomes equal to `other` in its own storage.
  mutating func assign(_ other: TxSet) {
    if runs.count != other.runs.count { self = TxSet(populations: other.runs.count) }
    for p in runs.indices {
      runs[p].removeAll(keepingCapacity: true)
      runs[p].append(contentsOf: other.runs[p])
    }
    count = other.count
  }

  /// How many of `range` are in the set.
  public func overlap(with range: TxRange) -> Int {
    var total = 0
    let list = runs[Int(range.population)]
    var i = list.count - 1
    while i >= 0, list[i].end > range.first {
      let low = max(list[i].first, range.first)
      let high = min(list[i].end, range.end)
      if high > low { total += Int(high - low) }
      i -= 1
    }
    return total
  }

  public func contains(_ range: TxRange) -> Bool { overlap(with: range) == Int(range.count) }

  /// The first part of `range`, after skipping what is not in the set, that is wholly in it; `nil`
  /// if they are disjoint.
  public func firstPart(of range: TxRange) -> TxRange? {
    let list = runs[Int(range.population)]
    var found: TxRange?
    var i = list.count - 1
    while i >= 0, list[i].end > range.first {
      let low = max(list[i].first, range.first)
      let high = min(list[i].end, range.end)
      if high > low {
        found = TxRange(population: range.population, first: low, count: UInt32(high - low))
      }
      i -= 1
    }
    return found
  }

  /// The first part of `range` that is wholly outside the set; `nil` if there is none.
  public func firstGap(in range: TxRange) -> TxRange? {
    guard range.count > 0 else { return nil }
    var low = range.first
    while let part = firstPart(
      of: TxRange(
        population: range.population, first: low, count: UInt32(range.end - low)))
    {
      if part.first > low {
        return TxRange(population: range.population, first: low, count: UInt32(part.first - low))
      }
      low = part.end
      if low == range.end { return nil }
    }
    return TxRange(population: range.population, first: low, count: UInt32(range.end - low))
  }

  /// Adds `range`; returns how many were not in the set before.
  @discardableResult
  public mutating func insert(_ range: TxRange) -> Int {
    guard range.count > 0 else { return 0 }
    let p = Int(range.population)
    // Runs that touch or overlap the range are replaced by their union.
    var after = runs[p].count
    while after > 0, runs[p][after - 1].first > range.end { after -= 1 }
    var first = range.first
    var end = range.end
    var covered = 0
    var before = after
    while before > 0, runs[p][before - 1].end >= range.first {
      let run = runs[p][before - 1]
      let low = max(run.first, range.first)
      let high = min(run.end, range.end)
      if high > low { covered += Int(high - low) }
      first = min(first, run.first)
      end = max(end, run.end)
      before -= 1
    }
    replace(before..<after, of: p, by: Run(first: first, end: end))
    let added = Int(range.count) - covered
    count += added
    return added
  }

  /// Takes `range` out; returns how many were in the set.
  @discardableResult
  public mutating func remove(_ range: TxRange) -> Int {
    let p = Int(range.population)
    var removed = 0
    var i = runs[p].count - 1
    while i >= 0, runs[p][i].end > range.first {
      let run = runs[p][i]
      let low = max(run.first, range.first)
      let high = min(run.end, range.end)
      if high > low {
        removed += Int(high - low)
        let left = Run(first: run.first, end: low)
        let right = Run(first: high, end: run.end)
        switch (left.end > left.first, right.end > right.first) {
        case (true, true):
          runs[p][i] = left
          runs[p].insert(right, at: i + 1)
        case (true, false): runs[p][i] = left
        case (false, true): runs[p][i] = right
        case (false, false): runs[p].remove(at: i)
        }
      }
      i -= 1
    }
    count -= removed
    return removed
  }

  private mutating func replace(_ old: Range<Int>, of p: Int, by run: Run) {
    if old.isEmpty {
      runs[p].insert(run, at: old.lowerBound)
    } else {
      runs[p][old.lowerBound] = run
      if old.count > 1 { runs[p].removeSubrange(old.lowerBound + 1..<old.upperBound) }
    }
  }
}
