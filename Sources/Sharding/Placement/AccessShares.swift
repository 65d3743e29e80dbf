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
  /// By shard: the share of such transactions that have both accounts in it.
  public let both: [Double]

  /// What a transaction of two accounts costs the shards that it touches, in units of work: relayed
  /// (Monoxide), each side does one; under two-phase commit one side does two and the other one.
  public struct Units: Sendable, Equatable {
    /// Of the only shard.
    public var local: Double
    /// Of the sender's shard, if the receiver is elsewhere.
    public var source: Double
    /// Of the receiver's shard then.
    public var destination: Double

    public init(local: Double, source: Double, destination: Double) {
      precondition(local > 0 && source >= 0 && destination >= 0, "\(local), \(source)")
      (self.local, self.source, self.destination) = (local, source, destination)
    }
  }

  /// - Parameters:
  ///   - popularity: by account: its probability; sums to 1, each below 1.
  ///   - map: where accounts live.
  public init(popularity: [Double], map: AccountMap) {
    self.init(popularity: popularity, shards: map.shards) {
      Int(map.shard(of: AccountID($0)).index)
    }
  }

  /// - Parameters:
  ///   - popularity: by account: its probability; sums to 1, each below 1.
  ///   - home: the shard of an account, below `shards`.
  public init(popularity: [Double], shards: Int, home: (Int) -> Int) {
    var p = [Double](repeating: 0, count: shards)
    // P[neither in S] is the sum over i outside of S of p_i (1 - P(S) - p_i) / (1 - p_i).
    var odds = p
    var squares = p
    var (allOdds, allSquares) = (0.0, 0.0)
    for (i, share) in popularity.enumerated() {
      let s = home(i)
      let odd = share / (1 - share)
      p[s] += share
      odds[s] += odd
      squares[s] += share * odd
      allOdds += odd
      allSquares += share * odd
    }
    one = p
    both = p.indices.map { p[$0] * odds[$0] - squares[$0] }
    two = p.indices.map { s in
      1 - ((allOdds - odds[s]) * (1 - p[s]) - (allSquares - squares[s]))
    }
  }

  /// Throughput over that of one shard, at most, for transactions of one account.
  public var capOfOne: Double { 1 / (one.max() ?? 1) }
  /// The same for transactions of two accounts.
  public var capOfTwo: Double { 1 / (two.max() ?? 1) }

  /// By shard: its mean work for a transaction of two accounts, of which the first pays.
  public func work(_ units: Units) -> [Double] {
    one.indices.map { s in
      both[s] * units.local + (one[s] - both[s]) * units.source
        + (two[s] - one[s]) * units.destination
    }
  }

  /// Throughput over that of one shard, at most, if cross-shard transactions cost so much.
  public func cap(_ units: Units) -> Double { units.local / (work(units).max() ?? 1) }

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
