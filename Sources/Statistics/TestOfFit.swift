import CGSL

/// The outcome of a test of fit.
public struct TestOfFit: Sendable, Equatable {
  /// Kolmogorov-Smirnov D or chi-square.
  public let statistic: Double
  /// The probability of a statistic at least this large if the hypothesis is true.
  public let pValue: Double
  /// Degrees of freedom of a chi-square test; nil for Kolmogorov-Smirnov.
  public let degreesOfFreedom: Int?

  /// Kolmogorov-Smirnov: do the values come from a continuous distribution?
  ///
  /// The p-value is Kolmogorov's limit at D (sqrt(n) + 0.12 + 0.11 / sqrt(n)) (Stephens, JRSS B
  /// 32(1), 1970): good to a few per cent of itself from n = 10 up.
  /// - Parameters:
  ///   - values: at least one, independent, in any order.
  ///   - cdf: the distribution function, without parameters fitted to these values.
  public static func kolmogorovSmirnov(_ values: [Double], cdf: (Double) -> Double) -> TestOfFit {
    precondition(!values.isEmpty, "a test of no values")
    let n = Double(values.count)
    var distance = 0.0
    for (index, value) in values.sorted().enumerated() {
      let probability = cdf(value)
      distance = max(distance, probability - Double(index) / n)
      distance = max(distance, Double(index + 1) / n - probability)
    }
    return TestOfFit(
      statistic: distance, pValue: kolmogorovTail(distance, n), degreesOfFreedom: nil)
  }

  /// Kolmogorov-Smirnov: do two samples, each not empty, come from one continuous distribution?
  ///
  /// p-value as for one sample with n m / (n + m) values. Ties make it conservative.
  public static func kolmogorovSmirnov(_ a: [Double], _ b: [Double]) -> TestOfFit {
    precondition(!a.isEmpty && !b.isEmpty, "a test of no values")
    let (x, y) = (a.sorted(), b.sorted())
    let (n, m) = (Double(x.count), Double(y.count))
    var (i, j) = (0, 0)
    var distance = 0.0
    while i < x.count && j < y.count {
      let value = min(x[i], y[j])
      while i < x.count && x[i] == value { i += 1 }
      while j < y.count && y[j] == value { j += 1 }
      distance = max(distance, abs(Double(i) / n - Double(j) / m))
    }
    return TestOfFit(
      statistic: distance, pValue: kolmogorovTail(distance, n * m / (n + m)),
      degreesOfFreedom: nil)
  }

  /// Pearson's chi-square: do counts per cell fit their expectations?
  ///
  /// Neighbouring cells are pooled, from the first on, until each expects at least `minimum`; a
  /// rest joins the last pool. With fewer than two pools there is nothing to test:
  /// p = 1 with 0 degrees of freedom.
  /// - Parameters:
  ///   - observed: counts.
  ///   - expected: as many, not negative; their sum should be that of the counts.
  ///   - fitted: how many parameters were estimated from these counts.
  ///   - minimum: positive; 5 is the usual rule.
  public static func chiSquare(
    observed: [Int], expected: [Double], fitted: Int = 0, minimum: Double = 5
  ) -> TestOfFit {
    precondition(observed.count == expected.count, "\(observed.count), \(expected.count) cells")
    var pools: [(observed: Double, expected: Double)] = []
    var pool = (observed: 0.0, expected: 0.0)
    for (count, expectation) in zip(observed, expected) {
      precondition(expectation >= 0, "an expected count of \(expectation)")
      pool.observed += Double(count)
      pool.expected += expectation
      if pool.expected >= minimum {
        pools.append(pool)
        pool = (0, 0)
      }
    }
    if let last = pools.indices.last {
      pools[last].observed += pool.observed
      pools[last].expected += pool.expected
    }
    let degrees = pools.count - 1 - fitted
    guard degrees >= 1 else { return TestOfFit(statistic: 0, pValue: 1, degreesOfFreedom: 0) }
    let statistic = pools.reduce(0) {
      let gap = $1.observed - $1.expected
      return $0 + gap * gap / $1.expected
    }
    let p = GSL.call { gsl_cdf_chisq_Q(statistic, Double(degrees)) }
    return TestOfFit(statistic: statistic, pValue: p, degreesOfFreedom: degrees)
  }

  /// P[D_n >= distance], by whichever of Kolmogorov's two series converges at once.
  private static func kolmogorovTail(_ distance: Double, _ n: Double) -> Double {
    let root = n.squareRoot()
    let x = distance * (root + 0.12 + 0.11 / root)
    if x < 0.04 { return 1 }
    if x < 1.18 {
      let y = gsl_sf_exp(-Double.pi * Double.pi / (8 * x * x))
      let sum = y + gsl_pow_int(y, 9) + gsl_pow_int(y, 25) + gsl_pow_int(y, 49)
      return 1 - (2 * Double.pi).squareRoot() / x * sum
    }
    let y = gsl_sf_exp(-2 * x * x)
    return 2 * (y - gsl_pow_int(y, 4) + gsl_pow_int(y, 9) - gsl_pow_int(y, 16))
  }
}
