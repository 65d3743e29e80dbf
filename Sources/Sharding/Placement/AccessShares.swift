import Kernel
import Ledger

/// How the transactions of unequally popular accounts spread over shards, exactly, and how far that
/// lets throughput grow.
///
/// A shard does one unit of work for each transaction that touches it. One shard of all has
/// capacity C; k such shards together do at most C / max share, whatever k: the cap is how many
/// times one shard's throughput that is.
public struct AccessShares: Sendable, Equatable {
  /// By shard: the share of transactions of one account that touch it; sums to 1.
  public let one: [Double]
  /// By shard: the share of transactions of two different accounts, the second drawn given that it
  /// is not the first, that touch it.
  public let two: [Double]

  /// - Parameters:
  ///   - popularity: by account: its probability; sums to 1, each below 1.
  ///   - map: where accounts live.
  public init(popularity: [Double], map: AccountMap) {
    var p = [Double](repeating: 0, count: map.shards)
    // P[neither in S] is the sum over i outside of S of p_i (1 - P(S) - p_i) / (1 - p_i).
    var odds = p
    var squares = p
    var (allOdds, allSquares) = (0.0, 0.0)
    for (i, share) in popularity.enumerated() {
      let s = Int(map.shard(of: AccountID(i)).index)
      let odd = share / (1 - share)
      p[s] += share
      odds[s] += odd
      squares[s] += share * odd
      allOdds += odd
      allSquares += share * odd
    }
    one = p
    two = p.indices.map { s in
      1 - ((allOdds - odds[s]) * (1 - p[s]) - (allSquares - squares[s]))
    }
  }

  /// Throughput over that of one shard, at most, for transactions of one account.
  public var capOfOne: Double { 1 / (one.max() ?? 1) }
  /// The same for transactions of two accounts.
  public var capOfTwo: Double { 1 / (two.max() ?? 1) }

  /// The most loaded shard over the mean, for transactions of one account.
  public var imbalance: Double { (one.max() ?? 0) * Double(one.count) }

  /// Popularity proportional to rank^-exponent, account 0 first.
  public static func zipf(accounts: Int, exponent: Double) -> [Double] {
    precondition(accounts >= 1 && exponent >= 0, "Zipf \(exponent) over \(accounts)")
    let weights = (1...accounts).map { Elementary.exp(-exponent * Elementary.log(Double($0))) }
    let sum = weights.reduce(0, +)
    return weights.map { $0 / sum }
  }
}
