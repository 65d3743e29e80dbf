import CGSL

/// How seldom a chain of proof of work takes back a block that is k deep, whatever an adversary
/// does.
public enum Reversal {
  /// Guo & Ren, "Bitcoin's latency-security analysis made simple", AFT 2022 (arXiv 2203.06357), the
  /// simple bound: a block with `k` confirmations is taken back with probability at most
  /// (2 + 2 sqrt(p / q)) (4 p q)^k, p = (1 - beta) exp(-lambda Delta), q = 1 - p.
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
    precondition(adversary >= 0 && adversary <= 1, "hash share \(adversary)")
    precondition(blocksInDelay >= 0, "\(blocksInDelay) blocks in a delay")
    precondition(k >= 1, "\(k) confirmations")
    let p = (1 - adversary) * gsl_sf_exp(-blocksInDelay)
    let q = 1 - p
    guard p > 0.5 else { return 1 }
    guard q > 0 else { return 0 }
    return min((2 + 2 * (p / q).squareRoot()) * gsl_pow_int(4 * p * q, Int32(k)), 1)
  }
}
