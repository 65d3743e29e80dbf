import CGSL

/// The probability that an attacker with a share `q` of the hash rate ever catches up from behind
/// `z` confirmations, having mined in secret since the payment's block.
public enum DoubleSpend {
  /// Exact: I_{4pq}(z, 1/2) (Grunspan & Pérez-Marco, "Double spend races", 2018); equals the
  /// negative-binomial sum of Rosenfeld (2014, eq. 1).
  /// - Parameters:
  ///   - q: in 0 ... 1; from one half on, success is certain.
  ///   - z: at least 0; without a confirmation, success is certain.
  public static func exact(q: Double, z: Int) -> Double {
    check(q, z)
    if z == 0 || q >= 0.5 { return 1 }
    return Tail.regularizedBeta(4 * q * (1 - q), Double(z), 0.5)
  }

  /// As printed in Nakamoto (2008, §11): the attacker's progress taken as Poisson with mean
  /// z q / p, which understates the risk.
  public static func nakamoto(q: Double, z: Int) -> Double {
    check(q, z)
    if z == 0 || q >= 0.5 { return 1 }
    if q == 0 { return 0 }
    let ratio = q / (1 - q)
    let mean = Double(z) * ratio
    // Already past z, or at k <= z and catching up; positive terms only, so small sums stay exact.
    var sum = Tail.poisson(atLeast: z + 1, mean: mean)
    for k in 0...z { sum += Mass.poisson(k, mean: mean) * gsl_pow_int(ratio, Int32(z - k)) }
    return sum
  }

  private static func check(_ q: Double, _ z: Int) {
    precondition(q >= 0 && q <= 1, "hash share \(q)")
    precondition(z >= 0, "\(z) confirmations")
  }
}
