/// What a protocol asks of its mempool when a proposer is replaced.
extension Mempool {
  /// What waited longest, as far as it was received at once; `nil` when empty.
  public var oldest: TxRange? {
    guard !isEmpty else { return nil }
    for k in order.startIndex..<order.endIndex {
      if let part = waiting.firstPart(of: order[k]) { return part }
    }
    return nil
  }

  /// What waits, by population and number.
  public var waitingRanges: [TxRange] { waiting.ranges }

  /// Whether a part of `range` waits or is proposed.
  public func contains(_ range: TxRange) -> Bool {
    waiting.overlap(with: range) > 0 || proposed.overlap(with: range) > 0
  }

  /// Whether what waits has at least so many bytes.
  public func holds(bytes: Int, _ sizes: TransactionSizes) -> Bool {
    var total = 0
    for p in waiting.runs.indices {
      for run in waiting.runs[p] {
        let range = TxRange(
          population: UInt32(p), first: run.first, count: UInt32(run.end - run.first))
        total += sizes.bytes(of: range)
        if total >= bytes { return true }
      }
    }
    return false
  }

  /// Notes that somebody has proposed `range`: it waits no longer, until it is given back.
  public mutating func markProposed(_ range: TxRange, executed: TxSet) {
    var rest = range
    while rest.count > 0, let fresh = executed.firstGap(in: rest) {
      waiting.remove(fresh)
      proposed.insert(fresh)
      rest = fresh.upTo(range.end)
    }
  }

  /// Forgets all that is in `executed`.
  public mutating func forget(executed: TxSet) {
    for range in waiting.ranges + proposed.ranges {
      var rest = range
      while rest.count > 0, let part = executed.firstPart(of: rest) {
        decided(part)
        rest = part.upTo(range.end)
      }
    }
  }
}
