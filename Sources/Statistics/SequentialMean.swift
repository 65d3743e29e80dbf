/// A mean that is taken over more and more replications until it is known well enough: stop when
/// the Student-t half-width is at most a stated part of the mean (Law, *Simulation Modeling and
/// Analysis*, §9.4.1, the sequential procedure).
///
/// Looking again and again makes stops at chance lulls of the spread more likely, so the interval
/// covers a little less than its confidence; the first look should not come before ten values. See
/// Statistics.md for what was measured.
public struct SequentialMean: Sendable, Equatable {
  /// The half-width that is wanted, as a part of the mean's magnitude.
  public let target: Double
  public let confidence: Double
  public private(set) var moments = Moments()

  /// - Parameters:
  ///   - target: above 0.
  ///   - confidence: in (0, 1).
  public init(target: Double, confidence: Double = 0.95) {
    precondition(target > 0, "a half-width of \(target) of the mean")
    precondition(confidence > 0 && confidence < 1, "confidence \(confidence)")
    self.target = target
    self.confidence = confidence
  }

  /// One more value, independent of the others and finite.
  public mutating func add(_ value: Double) {
    precondition(value.isFinite, "a value of \(value)")
    moments.add(value)
  }

  /// Half of the interval over the mean's magnitude: 0 if all values are equal, infinite around a
  /// mean of zero, `nil` of fewer than two values.
  public var relativeHalfWidth: Double? {
    guard moments.count > 1 else { return nil }
    let error = (moments.variance / Double(moments.count)).squareRoot()
    if error == 0 { return 0 }
    let t = Quantile.studentT(
      0.5 + confidence / 2, degreesOfFreedom: Double(moments.count - 1))
    // How long an experiment is may not rest on the last digits of a special function, which differ
    // between processors.
    return (t * 1e9).rounded() / 1e9 * error / moments.mean.magnitude
  }

  /// Whether the mean is known as well as was wanted.
  public var isPrecise: Bool { relativeHalfWidth.map { $0 <= target } ?? false }
}
