import CGSL

/// A quantile of a sample with a distribution-free confidence interval between order statistics
/// (David & Nagaraja, *Order Statistics*, §7.1).
///
/// The number of values up to the true quantile is binomial, whatever the distribution, so the
/// interval covers with at least the stated confidence for independent values.
public struct QuantileEstimate: Sendable, Equatable {
  /// The order statistic of rank ceil(n p): the inverse of the empirical distribution function.
  public let value: Double
  /// Lower end; -inf if the sample is too small to have one.
  public let low: Double
  /// Upper end; +inf if the sample is too small to have one.
  public let high: Double
  /// How many values it rests on.
  public let count: Int

  /// Sorts, O(n log n).
  /// - Parameters:
  ///   - values: at least one, none NaN, in any order.
  ///   - p: in (0, 1).
  ///   - confidence: in (0, 1).
  public init(_ values: [Double], _ p: Double, confidence: Double = 0.95) {
    self.init(sorted: values.sorted(), p, confidence: confidence)
  }

  /// As above for values in ascending order, O(log n).
  public init(sorted values: [Double], _ p: Double, confidence: Double = 0.95) {
    precondition(!values.isEmpty, "a quantile of no values")
    precondition(p > 0 && p < 1, "quantile \(p)")
    precondition(confidence > 0 && confidence < 1, "confidence \(confidence)")
    count = values.count
    let n = values.count
    value = values[Swift.min(Swift.max(Int((Double(n) * p).rounded(.up)), 1), n) - 1]
    let alpha = (1 - confidence) / 2
    // The largest rank l with P[B <= l - 1] <= alpha, the smallest u with P[B >= u] <= alpha.
    let tooHigh = Self.firstIndex(upTo: n) { 1 - Tail.binomial(atLeast: $0, of: n, p) > alpha }
    let enough = Self.firstIndex(upTo: n) { Tail.binomial(atLeast: $0, of: n, p) <= alpha }
    low = tooHigh >= 2 ? values[tooHigh - 2] : -.infinity
    high = enough <= n ? values[enough - 1] : .infinity
  }

  /// The first index in 1 ... n for which a monotone predicate holds, n + 1 if there is none.
  private static func firstIndex(upTo n: Int, where holds: (Int) -> Bool) -> Int {
    var (low, high) = (1, n + 1)
    while low < high {
      let middle = (low + high) / 2
      if holds(middle) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
