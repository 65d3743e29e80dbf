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

  /// The same race by time slots, without delays: in each slot the others' chain grows by one block
  /// with probability `honest`, the attacker's with probability `adversary`, independently (both
  /// may; a chain has one block a slot). The limit of rare blocks is `exact`.
  ///
  /// While the others make z blocks, the attacker makes M: a binomial number in their slots, of z
  /// with probability a, and a negative-binomial number of those between, each coming before the
  /// next of theirs with probability t = a(1-h) / (h + a(1-h)). From z - M behind it catches up
  /// with
  /// probability r^(z-M), r = a(1-h) / (h(1-a)): the ruin of a gambler (Feller, vol. 1, XIV.2).
  /// - Parameters:
  ///   - adversary: a, in 0 ..< 1.
  ///   - honest: h, in 0 ... 1; where it is not above a, success is certain.
  ///   - z: at least 0.
  /// - Complexity: O(z).
  public static func bySlots(adversary a: Double, honest h: Double, z: Int) -> Double {
    check(a, z)
    precondition(h >= 0 && h <= 1, "honest blocks in a slot: \(h)")
    if z == 0 || h <= a { return 1 }
    let forward = a * (1 - h)
    let t = forward / (h + forward)
    let ratio = forward / (h * (1 - a))
    // All terms are positive, and tails are summed from their ends, so that small sums stay exact.
    let between = (0...z).map { Mass.negativeBinomial($0, successes: z, 1 - t) }
    var tail = Tail.negativeBinomial(atLeast: z + 1, successes: z, 1 - t)
    // By what the attacker lacks after the others' own slots: it makes that between them, or
    // catches up.
    var success = [Double](repeating: 0, count: z + 1)
    for lacking in (0...z).reversed() {
      tail += between[lacking]
      success[lacking] = tail
    }
    var short = 0.0
    for lacking in 0...z {
      success[lacking] += short
      short = (short + between[lacking]) * ratio
    }
    var sum = 0.0
    for i in 0...z { sum += Mass.binomial(i, of: z, a) * success[z - i] }
    return min(sum, 1)
  }

  /// The fewest confirmations for which `success`, which falls with them, is at most `error`; `nil`
  /// if a million are too few.
  public static func confirmations(
    atMost error: Double, _ success: (_ z: Int) -> Double
  ) -> Int? {
    var (tooFew, enough) = (0, 1)
    while success(enough) > error {
      guard enough < 1 << 20 else { return nil }
      (tooFew, enough) = (enough, enough * 2)
    }
    while enough - tooFew > 1 {
      let middle = (tooFew + enough) / 2
      if success(middle) > error { tooFew = middle } else { enough = middle }
    }
    return enough
  }

  private static func check(_ q: Double, _ z: Int) {
    precondition(q >= 0 && q <= 1, "hash share \(q)")
    precondition(z >= 0, "\(z) confirmations")
  }
}
