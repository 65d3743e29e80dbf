import CGSL

/// Upper tails P[X >= k] of discrete distributions, accurate also where they are tiny.
///
/// Underflow below about 1e-308 is 0.
public enum Tail {
  /// At least `k` marked ones among `draws` without replacement.
  /// - Parameters:
  ///   - k: any; the tail is 1 up to the least possible number and 0 above the largest.
  ///   - draws: 0 ... population.
  ///   - marked: 0 ... population.
  ///   - population: up to 2^32 - 1.
  public static func hypergeometric(
    atLeast k: Int, draws: Int, marked: Int, population: Int
  ) -> Double {
    precondition(population >= 0 && population <= Int(UInt32.max), "population \(population)")
    precondition(draws >= 0 && draws <= population, "\(draws) draws from \(population)")
    precondition(marked >= 0 && marked <= population, "\(marked) marked of \(population)")
    if k <= max(0, draws - (population - marked)) { return 1 }
    if k > min(draws, marked) { return 0 }
    return GSL.call {
      gsl_cdf_hypergeometric_Q(
        UInt32(k - 1), UInt32(marked), UInt32(population - marked), UInt32(draws))
    }
  }

  /// At least `k` successes in `n` independent trials with success probability `p`.
  /// - Parameters:
  ///   - k: any.
  ///   - n: 0 ... 2^53.
  ///   - p: in 0 ... 1.
  public static func binomial(atLeast k: Int, of n: Int, _ p: Double) -> Double {
    precondition(n >= 0 && n <= 1 << 53, "\(n) trials")
    precondition(p >= 0 && p <= 1, "probability \(p)")
    if k <= 0 { return 1 }
    if k > n { return 0 }
    return regularizedBeta(p, Double(k), Double(n - k + 1))
  }

  /// At least `k` events where `mean`, at least 0, are expected.
  public static func poisson(atLeast k: Int, mean: Double) -> Double {
    precondition(mean >= 0 && mean.isFinite, "Poisson mean \(mean)")
    if k <= 0 { return 1 }
    if mean == 0 { return 0 }
    return GSL.call { gsl_cdf_gamma_P(mean, Double(k), 1) }
  }

  /// At least `k` failures before the `successes`-th success, each trial a success with probability
  /// `p`.
  /// - Parameters:
  ///   - k: any.
  ///   - successes: at least 1.
  ///   - p: in 0 ... 1.
  public static func negativeBinomial(atLeast k: Int, successes: Int, _ p: Double) -> Double {
    precondition(successes >= 1, "\(successes) successes")
    precondition(p >= 0 && p <= 1, "probability \(p)")
    return k <= 0 ? 1 : regularizedBeta(1 - p, Double(k), Double(successes))
  }

  /// The regularised incomplete beta function I_x(a, b), for `x` in 0 ... 1 and positive `a`, `b`.
  public static func regularizedBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    precondition(x >= 0 && x <= 1, "I_x at \(x)")
    precondition(a > 0 && b > 0, "I_x(\(a), \(b))")
    return GSL.call { gsl_cdf_beta_P(x, a, b) }
  }
}
