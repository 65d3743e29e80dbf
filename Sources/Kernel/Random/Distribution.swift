/// A distribution of latencies, sizes or other quantities, as a scenario names it.
///
/// Samples have the unit of the parameters; shapes and `sigma` have none.
@frozen
public enum Distribution: Sendable, Equatable, BitwiseCopyable {
  /// Always the same value.
  case constant(Double)
  /// Uniform in [low, high).
  case uniform(low: Double, high: Double)
  /// Exponential.
  case exponential(mean: Double)
  /// Normal with this mean and standard deviation, redrawn until it is at least `min` (which may be
  /// -inf): `mean` and `deviation` are those before truncation.
  case normal(mean: Double, deviation: Double, min: Double)
  /// exp(N) times the median, N normal with mean 0 and standard deviation `sigma`.
  case lognormal(median: Double, sigma: Double)
  /// P[X > x] = (scale / x)^shape for x >= scale.
  case pareto(scale: Double, shape: Double)
  /// Gamma with this mean; a coefficient of variation of 1 / sqrt(shape).
  case gamma(mean: Double, shape: Double)

  /// A sample. Parameters must be valid: see `problem`.
  public func sample(using stream: inout RandomStream) -> Double {
    switch self {
    case .constant(let value): value
    case .uniform(let low, let high): low + stream.unit() * (high - low)
    case .exponential(let mean): mean * stream.exponential()
    case .normal(let mean, let deviation, let min):
      if deviation == 0 {
        mean
      } else {
        max(min, mean + deviation * stream.normal(atLeast: (min - mean) / deviation))
      }
    case .lognormal(let median, let sigma): median * Elementary.exp(sigma * stream.normal())
    case .pareto(let scale, let shape): stream.pareto(scale: scale, shape: shape)
    case .gamma(let mean, let shape): mean / shape * stream.gamma(shape: shape)
    }
  }

  /// The expected value, after truncation; infinite for a Pareto with shape up to 1.
  public var mean: Double {
    switch self {
    case .constant(let value): value
    case .uniform(let low, let high): 0.5 * (low + high)
    case .exponential(let mean): mean
    case .normal(let mean, let deviation, let min):
      deviation == 0 ? mean : mean + deviation * Self.normalHazard((min - mean) / deviation)
    case .lognormal(let median, let sigma): median * Elementary.exp(0.5 * sigma * sigma)
    case .pareto(let scale, let shape): shape > 1 ? scale * shape / (shape - 1) : .infinity
    case .gamma(let mean, _): mean
    }
  }

  /// What is wrong with the parameters, as a phrase for a user; nil if they are valid.
  public var problem: String? {
    switch self {
    case .constant(let value):
      value.isFinite ? nil : "the constant must be finite, not \(value)"
    case .uniform(let low, let high):
      low.isFinite && high.isFinite && low <= high
        ? nil : "low \(low) must not be above high \(high), and both finite"
    case .exponential(let mean):
      mean >= 0 && mean.isFinite ? nil : "the mean must be finite and not negative, not \(mean)"
    case .normal(let mean, let deviation, let min):
      if !mean.isFinite || !(deviation >= 0 && deviation.isFinite) {
        "mean \(mean) and deviation \(deviation) must be finite, the deviation not negative"
      } else if min.isNaN || min == .infinity || (deviation == 0 && mean < min) {
        "no value of mean \(mean) and deviation \(deviation) is at least \(min)"
      } else {
        nil
      }
    case .lognormal(let median, let sigma):
      median > 0 && median.isFinite && sigma >= 0 && sigma.isFinite
        ? nil : "median \(median) must be positive and sigma \(sigma) not negative, both finite"
    case .pareto(let scale, let shape):
      scale > 0 && scale.isFinite && shape > 0 && shape.isFinite
        ? nil : "scale \(scale) and shape \(shape) must be positive and finite"
    case .gamma(let mean, let shape):
      mean >= 0 && mean.isFinite && shape > 0 && shape.isFinite
        ? nil : "mean \(mean) must not be negative and shape \(shape) positive, both finite"
    }
  }

  /// E[Z | Z >= a] = density(a) / P[Z >= a] of a standard normal.
  private static func normalHazard(_ a: Double) -> Double {
    if a < -38 { return 0 }
    guard a < 3 else {
      // The continued fraction of Laplace: a + 1/(a + 2/(a + 3/(a + ...)))
      var value = a
      for k in stride(from: 200.0, to: 0, by: -1) { value = a + k / value }
      return value
    }
    let density = 0.3989422804014327 * Elementary.exp(-0.5 * a * a)
    if a < -9 { return density }
    // P[0 <= Z < a] = density(a) (a + a³/3 + a⁵/15 + ...) (Marsaglia, JSS 11(4), 2004)
    var term = a
    var sum = a
    var odd = 1.0
    while abs(term) > 1e-18 * abs(sum) {
      odd += 2
      term *= a * a / odd
      sum += term
    }
    return density / (0.5 - density * sum)
  }
}
