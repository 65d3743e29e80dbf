import CGSL

/// A mean over independent values with its Student-t confidence interval.
public struct MeanEstimate: Sendable, Equatable {
  public let mean: Double
  public let low: Double
  public let high: Double
  /// How many values it rests on.
  public let count: Int

  /// - Parameters:
  ///   - values: independent and identically distributed, at least one. With one value the
  ///     interval is the whole line (`-inf`, `inf`): one run says nothing of its own spread.
  ///   - confidence: in (0, 1).
  public init(_ values: [Double], confidence: Double = 0.95) {
    precondition(!values.isEmpty, "a mean of no values")
    precondition(confidence > 0 && confidence < 1, "confidence \(confidence)")
    let n = Double(values.count)
    count = values.count
    mean = values.reduce(0, +) / n
    guard values.count > 1 else {
      low = -.infinity
      high = .infinity
      return
    }
    let center = mean
    let squares = values.reduce(0) { $0 + ($1 - center) * ($1 - center) }
    let error = (squares / (n - 1) / n).squareRoot()
    let half = Quantile.studentT(0.5 + confidence / 2, degreesOfFreedom: n - 1) * error
    low = mean - half
    high = mean + half
  }

  /// A mean of values that are not negative and skewed to the right: the interval is that of the
  /// mean's logarithm by the delta method, mean x exp(-h / mean) to mean x exp(h / mean), where h
  /// is half of the symmetric one; which it is where the mean is 0 or there is one value only.
  public init(skewed values: [Double], confidence: Double = 0.95) {
    let plain = MeanEstimate(values, confidence: confidence)
    (count, mean) = (plain.count, plain.mean)
    guard plain.mean > 0, plain.high.isFinite else {
      (low, high) = (plain.low, plain.high)
      return
    }
    let factor = 1 + gsl_expm1((plain.high - plain.mean) / plain.mean)
    low = plain.mean / factor
    high = plain.mean * factor
  }
}
