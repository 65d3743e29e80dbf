/// How unequally something (stake, hash rate, blocks) is shared.
public enum Concentration {
  /// The Gini coefficient, from 0 (all equal) to 1 - 1/n (one has all); O(n log n).
  /// - Parameter shares: at least one, not negative, with a positive sum, in any unit.
  public static func gini(_ shares: [Double]) -> Double {
    let total = checkedTotal(shares)
    let n = Double(shares.count)
    let weighted = shares.sorted().enumerated().reduce(0) {
      $0 + (2 * Double($1.offset + 1) - n - 1) * $1.element
    }
    return weighted / (n * total)
  }

  /// The least number of holders that together have more than `threshold` of the total (Srinivasan,
  /// "Quantifying Decentralization", 2017); O(n log n).
  /// - Parameters:
  ///   - shares: as for `gini`.
  ///   - threshold: in 0 ..< 1; one half for longest chains, one third to stop a BFT committee.
  public static func nakamotoCoefficient(_ shares: [Double], threshold: Double = 0.5) -> Int {
    precondition(threshold >= 0 && threshold < 1, "threshold \(threshold)")
    let needed = checkedTotal(shares) * threshold
    var sum = 0.0
    for (index, share) in shares.sorted(by: >).enumerated() {
      sum += share
      if sum > needed { return index + 1 }
    }
    return shares.count
  }

  private static func checkedTotal(_ shares: [Double]) -> Double {
    precondition(shares.allSatisfy { $0 >= 0 }, "a negative share")
    let total = shares.reduce(0, +)
    precondition(total > 0 && total.isFinite, "shares with the sum \(total)")
    return total
  }
}
