import CGSL

/// Distribution functions P[X <= x], for tests of fit.
public enum Cumulative {
  /// Normal with this mean and positive standard deviation.
  public static func normal(_ x: Double, mean: Double = 0, deviation: Double = 1) -> Double {
    GSL.call { gsl_cdf_gaussian_P(x - mean, deviation) }
  }
  /// Uniform between `low` and `high`.
  public static func uniform(_ x: Double, low: Double, high: Double) -> Double {
    GSL.call { gsl_cdf_flat_P(x, low, high) }
  }
  /// Exponential with a positive mean.
  public static func exponential(_ x: Double, mean: Double) -> Double {
    GSL.call { gsl_cdf_exponential_P(x, mean) }
  }
  /// exp(N), N normal with mean `mu` and standard deviation `sigma`.
  public static func lognormal(_ x: Double, mu: Double, sigma: Double) -> Double {
    x > 0 ? GSL.call { gsl_cdf_lognormal_P(x, mu, sigma) } : 0
  }
  /// 1 - (scale / x)^shape from `scale` on.
  public static func pareto(_ x: Double, scale: Double, shape: Double) -> Double {
    GSL.call { gsl_cdf_pareto_P(x, shape, scale) }
  }
  /// Gamma with these positive parameters; its mean is shape times scale.
  public static func gamma(_ x: Double, shape: Double, scale: Double = 1) -> Double {
    GSL.call { gsl_cdf_gamma_P(x, shape, scale) }
  }
  /// Student's t.
  public static func studentT(_ x: Double, degreesOfFreedom: Double) -> Double {
    GSL.call { gsl_cdf_tdist_P(x, degreesOfFreedom) }
  }
  /// Chi-square.
  public static func chiSquare(_ x: Double, degreesOfFreedom: Double) -> Double {
    GSL.call { gsl_cdf_chisq_P(x, degreesOfFreedom) }
  }
}

/// Quantiles: the x with P[X <= x] = p, for p in (0, 1).
public enum Quantile {
  /// Standard normal.
  public static func normal(_ p: Double) -> Double { GSL.call { gsl_cdf_ugaussian_Pinv(p) } }
  /// Student's t with positive degrees of freedom.
  public static func studentT(_ p: Double, degreesOfFreedom: Double) -> Double {
    GSL.call { gsl_cdf_tdist_Pinv(p, degreesOfFreedom) }
  }
  /// Chi-square with positive degrees of freedom.
  public static func chiSquare(_ p: Double, degreesOfFreedom: Double) -> Double {
    GSL.call { gsl_cdf_chisq_Pinv(p, degreesOfFreedom) }
  }
}

/// Probabilities P[X = k]; 0 outside the support.
public enum Mass {
  /// Poisson with a mean of at least 0.
  public static func poisson(_ k: Int, mean: Double) -> Double {
    if k < 0 || mean == 0 { return k == 0 ? 1 : 0 }
    return GSL.call { gsl_ran_poisson_pdf(UInt32(k), mean) }
  }
  /// `n` trials, up to 2^32 - 1, with success probability `p`.
  public static func binomial(_ k: Int, of n: Int, _ p: Double) -> Double {
    k < 0 || k > n ? 0 : GSL.call { gsl_ran_binomial_pdf(UInt32(k), p, UInt32(n)) }
  }
  /// Failures before the `successes`-th success, each trial a success with probability `p` above 0.
  public static func negativeBinomial(_ k: Int, successes: Int, _ p: Double) -> Double {
    // GSL takes the logarithm of 1 - p.
    if k < 0 || p == 1 { return k == 0 ? 1 : 0 }
    return GSL.call { gsl_ran_negative_binomial_pdf(UInt32(k), p, Double(successes)) }
  }
  /// Trials up to and including the first success, each with probability `p`.
  public static func geometric(_ k: Int, _ p: Double) -> Double {
    k < 1 ? 0 : GSL.call { gsl_ran_geometric_pdf(UInt32(k), p) }
  }
  /// `k` marked ones among `draws` without replacement.
  public static func hypergeometric(_ k: Int, draws: Int, marked: Int, population: Int) -> Double {
    guard k >= 0, k <= draws else { return 0 }
    return GSL.call {
      gsl_ran_hypergeometric_pdf(
        UInt32(k), UInt32(marked), UInt32(population - marked), UInt32(draws))
    }
  }
}
