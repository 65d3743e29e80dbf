/// Weighted choice in constant time (Walker's alias method, in the numerically sound form of Vose,
/// IEEE Transactions on Software Engineering 17(9), 1991).
public struct AliasTable: Sendable, Equatable {
  @usableFromInline
  struct Column: Sendable, Equatable, BitwiseCopyable {
    /// The share of the column that is its own index's; the rest is its alias's.
    @usableFromInline var own: Double
    @usableFromInline var alias: Int
  }

  @usableFromInline var columns: [Column]

  /// How many outcomes there are.
  public var count: Int { columns.count }

  /// O(n).
  /// - Parameter weights: relative, finite, not negative, with a positive finite sum. An outcome of
  ///   weight zero is never drawn.
  public init(_ weights: [Double]) {
    let total = weights.reduce(0, +)
    precondition(weights.allSatisfy { $0 >= 0 }, "a negative weight")
    precondition(total > 0 && total.isFinite, "weights with the sum \(total)")
    var share = weights.map { $0 / total * Double(weights.count) }
    columns = share.indices.map { Column(own: 1, alias: $0) }
    var small = share.indices.filter { share[$0] < 1 }
    var large = share.indices.filter { share[$0] >= 1 }
    while let giver = large.last, let taker = small.popLast() {
      columns[taker] = Column(own: share[taker], alias: giver)
      share[giver] = (share[giver] + share[taker]) - 1
      if share[giver] < 1 {
        large.removeLast()
        small.append(giver)
      }
    }
    // Whatever is left is full, up to rounding. No weight of zero is: if one were left without a
    // giver, the rest would miss a whole column's share.
  }

  /// An index in 0 ..< count, with the probability of its weight.
  @inlinable
  public func sample(using stream: inout RandomStream) -> Int {
    let index = Int(truncatingIfNeeded: stream.below(UInt64(columns.count)))
    let column = columns[index]
    return stream.unit() < column.own ? index : column.alias
  }
}
