/// Logarithms of Poisson and binomial probabilities, free of cancellation for large arguments.
///
/// After Loader, "Fast and Accurate Computation of Binomial Probabilities", 2000: Stirling's error
/// and the deviance are computed separately instead of as differences of log-factorials.
enum LogMass {
  /// log P[X = k] for a Poisson variable with positive mean.
  static func poisson(_ k: Double, mean: Double) -> Double {
    if k == 0 { return -mean }
    return -stirlingError(k) - deviance(k, mean) - 0.5 * Elementary.log(2 * .pi * k)
  }

  /// log P[X = k] for `n` trials with success probability `p` in (0, 1); `q` = 1 - p.
  static func binomial(_ k: Double, n: Double, p: Double, q: Double) -> Double {
    if k == 0 { return n * Elementary.log1p(-p) }
    if k == n { return n * Elementary.log(p) }
    let errors = stirlingError(n) - stirlingError(k) - stirlingError(n - k)
    let deviances = deviance(k, n * p) + deviance(n - k, n * q)
    return errors - deviances + 0.5 * Elementary.log(n / (2 * .pi * k * (n - k)))
  }

  /// x log(x / m) + m - x.
  private static func deviance(_ x: Double, _ m: Double) -> Double {
    guard abs(x - m) < 0.1 * (x + m) else { return x * Elementary.log(x / m) + m - x }
    let v = (x - m) / (x + m)
    let square = v * v
    var sum = (x - m) * v
    var term = 2 * x * v
    var odd = 1.0
    while true {
      term *= square
      odd += 2
      let next = sum + term / odd
      if next == sum { return sum }
      sum = next
    }
  }

  /// log(n!) - log(sqrt(2 pi n) (n / e)^n).
  private static func stirlingError(_ n: Double) -> Double {
    if n < 16 { return smallStirlingErrors[Int(n)] }
    let nn = n * n
    return (1 / 12.0 - (1 / 360.0 - (1 / 1260.0 - (1 / 1680.0 - 1 / 1188.0 / nn) / nn) / nn) / nn)
      / n
  }
}

/// Stirling's error for n = 1 ... 15 (entry 0 is not used), computed with 50 digits and rounded.
private let smallStirlingErrors: [Double] = [
  0.0, 0.08106146679532726, 0.0413406959554093, 0.02767792568499834,
  0.020790672103765093, 0.016644691189821193, 0.013876128823070748, 0.01189670994589177,
  0.010411265261972096, 0.009255462182712733, 0.00833056343336287, 0.007573675487951841,
  0.00694284010720953, 0.006408994188004207, 0.0059513701127588475, 0.005554733551962801,
]
