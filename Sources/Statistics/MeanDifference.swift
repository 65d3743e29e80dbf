/// By how much the mean of `b` is above that of `a`, with a Student-t interval and the probability
/// of as large a difference by chance.
public struct MeanDifference: Sendable, Equatable {
  /// Mean of b less mean of a.
  public let mean: Double
  /// -inf with too few values.
  public let low: Double
  /// +inf with too few values.
  public let high: Double
  /// Of a two-sided t test against no difference, in 0 ... 1.
  public let pValue: Double
  /// Infinite if nothing varies.
  public let degreesOfFreedom: Double

  /// From pairs, such as runs on the same seeds: the spread that both have in common drops out.
  /// - Parameters:
  ///   - a: as many values as `b`, at least one, in the same order.
  ///   - confidence: in (0, 1).
  public static func paired(
    _ a: [Double], _ b: [Double], confidence: Double = 0.95
  ) -> MeanDifference {
    precondition(a.count == b.count, "\(a.count) values with \(b.count)")
    let differences = Sample(zip(a, b).map { $1 - $0 })
    return MeanDifference(
      mean: differences.mean, squaredError: differences.squaredError,
      degreesOfFreedom: Double(a.count - 1), confidence)
  }

  /// From independent samples of unequal spread (Welch, "The generalization of 'Student's'
  /// problem", Biometrika 34, 1947).
  /// - Parameters:
  ///   - a: at least one value; with one the interval is the whole line.
  ///   - b: likewise.
  ///   - confidence: in (0, 1).
  public static func independent(
    _ a: [Double], _ b: [Double], confidence: Double = 0.95
  ) -> MeanDifference {
    let (a, b) = (Sample(a), Sample(b))
    return MeanDifference(
      mean: b.mean - a.mean, squaredError: a.squaredError + b.squaredError,
      degreesOfFreedom: Sample.satterthwaite([a, b]), confidence)
  }

  private init(
    mean: Double, squaredError: Double, degreesOfFreedom: Double, _ confidence: Double
  ) {
    self.mean = mean
    self.degreesOfFreedom = degreesOfFreedom
    guard degreesOfFreedom > 0 else {
      (low, high, pValue) = (-.infinity, .infinity, 1)
      return
    }
    guard squaredError > 0 else {
      (low, high, pValue) = (mean, mean, mean == 0 ? 1 : 0)
      return
    }
    let error = squaredError.squareRoot()
    let t = Quantile.studentT(0.5 + confidence / 2, degreesOfFreedom: degreesOfFreedom)
    (low, high) = (mean - t * error, mean + t * error)
    let tail = Cumulative.studentT(
      -mean.magnitude / error, degreesOfFreedom: degreesOfFreedom)
    pValue = min(2 * tail, 1)
  }
}

/// How many times the mean of `a` that of `b` is, with Fieller's interval ("Some problems in
/// interval estimation", JRSS B 16, 1954): the ratios for which b - ratio times a may be 0.
public struct MeanRatio: Sendable, Equatable {
  /// Mean of b over mean of a.
  public let value: Double
  /// `nil` if the mean of a may be zero: then no interval is bounded.
  public let interval: ClosedRange<Double>?

  /// From pairs; see `MeanDifference.paired`.
  public static func paired(
    _ a: [Double], _ b: [Double], confidence: Double = 0.95
  ) -> MeanRatio {
    precondition(a.count == b.count, "\(a.count) values with \(b.count)")
    let (first, second) = (Sample(a), Sample(b))
    let products = zip(a, b).reduce(0) { $0 + ($1.0 - first.mean) * ($1.1 - second.mean) }
    let n = Double(a.count)
    let common = n > 1 ? products / (n - 1) / n : 0
    return MeanRatio(first, second, common: common, degreesOfFreedom: n - 1, confidence)
  }

  /// From independent samples, with Satterthwaite's degrees of freedom at the estimated ratio.
  public static func independent(
    _ a: [Double], _ b: [Double], confidence: Double = 0.95
  ) -> MeanRatio {
    let (first, second) = (Sample(a), Sample(b))
    var scaled = first
    let ratio = second.mean / first.mean
    scaled.squaredError *= ratio * ratio
    return MeanRatio(
      first, second, common: 0, degreesOfFreedom: Sample.satterthwaite([scaled, second]),
      confidence)
  }

  private init(
    _ a: Sample, _ b: Sample, common: Double, degreesOfFreedom: Double, _ confidence: Double
  ) {
    value = b.mean / a.mean
    guard value.isFinite, degreesOfFreedom > 0 else {
      interval = nil
      return
    }
    guard a.squaredError > 0 || b.squaredError > 0 else {
      interval = value...value
      return
    }
    let t = Quantile.studentT(0.5 + confidence / 2, degreesOfFreedom: degreesOfFreedom)
    // (b - r a)^2 <= t^2 var(b - r a), a quadratic in r.
    let square = a.mean * a.mean - t * t * a.squaredError
    let middle = a.mean * b.mean - t * t * common
    let rest = b.mean * b.mean - t * t * b.squaredError
    guard square > 0 else {
      interval = nil
      return
    }
    let root = max(middle * middle - square * rest, 0).squareRoot()
    interval = (middle - root) / square...(middle + root) / square
  }
}

/// The size of a difference against the spread of single values.
public enum EffectSize {
  /// Hedges' g ("Distribution theory for Glass's estimator of effect size", JES 6, 1981): the
  /// difference of the means, b less a, in pooled standard deviations, with his correction for
  /// small samples. 0.2 is small, 0.8 large (Cohen). `nil` where nothing varies or says so.
  public static func hedges(_ a: [Double], _ b: [Double]) -> Double? {
    let freedom = Double(a.count + b.count - 2)
    guard a.count > 1, b.count > 1 else { return nil }
    let (first, second) = (Sample(a), Sample(b))
    let pooled = (first.squares + second.squares) / freedom
    guard pooled > 0 else { return nil }
    return (second.mean - first.mean) / pooled.squareRoot() * (1 - 3 / (4 * freedom - 1))
  }
}

/// Several tests at once.
public enum Holm {
  /// The p-values so adjusted that calling those below alpha significant errs anywhere with a
  /// probability of at most alpha (Holm, "A simple sequentially rejective multiple test procedure",
  /// Scand. J. Statist. 6, 1979). In the order given; O(n log n).
  public static func adjusted(_ pValues: [Double]) -> [Double] {
    let order = pValues.indices.sorted { (pValues[$0], $0) < (pValues[$1], $1) }
    var adjusted = pValues
    var largest = 0.0
    for (rank, index) in order.enumerated() {
      largest = max(largest, min(Double(pValues.count - rank) * pValues[index], 1))
      adjusted[index] = largest
    }
    return adjusted
  }
}

/// Mean and spread of some values, two passes.
private struct Sample {
  let mean: Double
  /// Sum of squared deviations.
  let squares: Double
  let count: Int
  /// Of the mean; 0 with one value.
  var squaredError: Double

  init(_ values: [Double]) {
    precondition(!values.isEmpty, "a mean of no values")
    let n = Double(values.count)
    let center = values.reduce(0, +) / n
    mean = center
    squares = values.reduce(0) { $0 + ($1 - center) * ($1 - center) }
    count = values.count
    squaredError = count > 1 ? squares / (n - 1) / n : 0
  }

  /// Degrees of freedom of a sum of squared errors; 0 if a sample has but one value.
  static func satterthwaite(_ samples: [Sample]) -> Double {
    guard samples.allSatisfy({ $0.count > 1 }) else { return 0 }
    let sum = samples.reduce(0) { $0 + $1.squaredError }
    let parts = samples.reduce(0) {
      $0 + $1.squaredError * $1.squaredError / Double($1.count - 1)
    }
    return parts > 0 ? sum * sum / parts : .infinity
  }
}
