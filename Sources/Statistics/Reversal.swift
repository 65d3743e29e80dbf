import CGSL

/// How seldom a chain of proof of work takes back a block that is k deep, whatever an adversary
/// does: Guo & Ren, "Bitcoin's latency-security analysis made simple", AFT 2022 (arXiv 2203.06357).
///
/// Of the longest chain, with delays of at most Delta between honest miners.
public enum Reversal {
  /// Theorem 1, the closed bound: a block with `k` confirmations is taken back with probability at
  /// most (2 + 2 sqrt(p / q)) (4 p q)^k, p = (1 - beta) exp(-lambda Delta), q = 1 - p.
  ///
  /// What makes p: an honest block counts if no other is found within Delta of it; all else is
  /// given to the adversary.
  /// - Parameters:
  ///   - adversary: beta, its share of the hash rate, in 0 ... 1.
  ///   - blocksInDelay: lambda Delta, blocks that are found on average within the longest delay.
  ///   - confirmations: k, at least 1.
  /// - Returns: at most 1, which says nothing; always 1 where p is not above one half.
  public static func bound(
    adversary: Double, blocksInDelay: Double, confirmations k: Int
  ) -> Double {
    precondition(k >= 1, "\(k) confirmations")
    let p = countingShare(adversary, blocksInDelay)
    let q = 1 - p
    guard p > 0.5 else { return 1 }
    guard q > 0 else { return 0 }
    return min((2 + 2 * (p / q).squareRoot()) * power(4 * p * q, k), 1)
  }

  /// Theorem 2, the sharper bound: 0.35 % where Theorem 1 gives 3.4 %, for a tenth of the hash
  /// rate, ten seconds of delay, ten minutes between blocks and k = 6, as the paper's abstract
  /// says.
  ///
  /// The adversary's lead before the block is geometric with ratio q / p. Of the 2k + 1 - i blocks
  /// that decide the race of k confirmations with a lead of i, so many are its own as a binomial
  /// draw gives; from behind it catches up with probability q / p a block.
  /// - Parameters: as of `bound`.
  /// - Returns: at most 1; always 1 where p is not above one half. Accurate to about 1e-12
  ///   relatively. O(k²).
  public static func sharpBound(
    adversary: Double, blocksInDelay: Double, confirmations k: Int
  ) -> Double {
    precondition(k >= 1, "\(k) confirmations")
    let p = countingShare(adversary, blocksInDelay)
    let q = 1 - p
    guard p > 0.5 else { return 1 }
    guard q > 0 else { return 0 }
    let ratio = q / p
    var total = power(ratio, k)
    for i in 1...k {
      let blocks = 2 * k + 1 - i
      var given = Tail.binomial(atLeast: k - i + 1, of: blocks, q)
      for j in 0...k - i {
        given += Mass.binomial(j, of: blocks, q) * power(ratio, 2 * k + 1 - 2 * i - 2 * j)
      }
      total += (1 - ratio) * power(ratio, i - 1) * given
    }
    return min(total, 1)
  }

  /// p: of all blocks, those that are honest and have Delta to themselves.
  private static func countingShare(_ adversary: Double, _ blocksInDelay: Double) -> Double {
    precondition(adversary >= 0 && adversary <= 1, "hash share \(adversary)")
    precondition(blocksInDelay >= 0, "\(blocksInDelay) blocks in a delay")
    return (1 - adversary) * GSL.call { gsl_sf_exp(-blocksInDelay) }
  }

  private static func power(_ base: Double, _ exponent: Int) -> Double {
    GSL.call { gsl_pow_int(base, Int32(exponent)) }
  }
}
