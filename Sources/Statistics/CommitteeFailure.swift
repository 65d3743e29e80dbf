import CGSL

/// The probability that a committee drawn from nodes of which some are faulty cannot be trusted.
///
/// Committees of one partition are drawn without replacement: hypergeometric. The binomial takes
/// the population for endless; it is what OmniLedger (Kokoris-Kogias et al., S&P '18, eq. 2) uses,
/// and what reproduces RapidChain's published time to failure (Zamani et al., CCS '18).
public enum CommitteeFailure {
  /// How many faulty members break a committee.
  public enum Limit: Sendable, Equatable {
    /// ceil(m / 2) of m: a protocol for synchronous links that outvotes less than half.
    case half
    /// More than m / 3.
    case third
    /// f + 1 with f = floor((m - 1) / 3): the faults that m replicas tolerate under partial
    /// synchrony, and one more. Differs from `third` where 3 divides m.
    case tolerated
    /// One more than so many, as a protocol with quorums of its own may say.
    case moreThan(Int)

    /// The least number of faulty members that breaks a committee of `size`, at least 1.
    public func breaking(_ size: Int) -> Int {
      precondition(size >= 1, "a committee of \(size)")
      switch self {
      case .half: return (size + 1) / 2
      case .third: return size / 3 + 1
      case .tolerated: return (size - 1) / 3 + 1
      case .moreThan(let faults): return faults + 1
      }
    }
  }

  /// One committee of `size`, drawn from `population` nodes of which `faulty` are.
  public static func one(size: Int, faulty: Int, population: Int, _ limit: Limit) -> Double {
    Tail.hypergeometric(
      atLeast: limit.breaking(size), draws: size, marked: faulty, population: population)
  }

  /// One committee of `size` whose members are faulty with probability `p`, independently.
  public static func one(size: Int, faultyShare p: Double, _ limit: Limit) -> Double {
    Tail.binomial(atLeast: limit.breaking(size), of: size, p)
  }

  /// At least one of `committees`, each of which fails with probability `p`: at most their sum.
  public static func unionBound(_ p: Double, committees: Int) -> Double {
    precondition(p >= 0 && p <= 1 && committees >= 0, "\(committees) committees failing by \(p)")
    return min(1, p * Double(committees))
  }

  /// At least one of the committees of a random partition, exactly.
  ///
  /// Committees are filled one after the other: the first fails, or leaves fewer faulty nodes to
  /// the others. All terms are positive, so that small probabilities stay exact.
  /// - Parameters:
  ///   - sizes: of the committees, together at most `population`.
  ///   - faulty: 0 ... population.
  /// - Complexity: O(committees x faulty x size).
  public static func any(sizes: [Int], faulty: Int, population: Int, _ limit: Limit) -> Double {
    precondition(sizes.reduce(0, +) <= population, "committees \(sizes) of \(population) nodes")
    precondition(faulty >= 0 && faulty <= population, "\(faulty) faulty of \(population)")
    var left = population - sizes.reduce(0, +)
    // By how many faulty nodes are left when committee j is drawn: some committee from j on fails.
    var failure = [Double](repeating: 0, count: faulty + 1)
    for (j, size) in sizes.enumerated().reversed() {
      left += size
      let breaking = limit.breaking(size)
      var next = [Double](repeating: 0, count: faulty + 1)
      for marked in (j == 0 ? faulty : 0)...faulty where marked <= left {
        var sum = Tail.hypergeometric(
          atLeast: breaking, draws: size, marked: marked, population: left)
        for x in 0..<min(breaking, marked + 1) {
          let p = Mass.hypergeometric(x, draws: size, marked: marked, population: left)
          sum += p * failure[marked - x]
        }
        next[marked] = sum
      }
      failure = next
    }
    return min(1, failure[faulty])
  }

  /// Years until the first failure on average, if committees are drawn anew `epochsPerYear` times
  /// and one drawing fails with probability `p`.
  public static func years(perEpoch p: Double, epochsPerYear: Double) -> Double {
    precondition(p >= 0 && epochsPerYear > 0, "failures \(p), epochs a year \(epochsPerYear)")
    return 1 / (p * epochsPerYear)
  }

  /// At least one failure in `epochs` independent drawings that each fail with probability `p`.
  public static func within(epochs: Int, _ p: Double) -> Double {
    precondition(p >= 0 && p <= 1 && epochs >= 0, "\(epochs) epochs failing by \(p)")
    if p == 1 { return epochs == 0 ? 0 : 1 }
    return -gsl_expm1(Double(epochs) * gsl_log1p(-p))
  }

  /// The smallest committee of 3f + 1 that exceeds f faulty members with probability at most
  /// `error`, members being faulty with probability `p` independently; `nil` beyond 100,000.
  public static func smallestCommittee(faultyShare p: Double, error: Double) -> Int? {
    stride(from: 4, through: 100_000, by: 3).first {
      one(size: $0, faultyShare: p, .third) <= error
    }
  }
}

/// Transactions over shards to which accounts are assigned uniformly and independently.
public enum CrossShard {
  /// The probability that `touched` accounts are not all in one of `shards`: 1 - k^-(m-1).
  public static func share(shards: Int, touched: Int) -> Double {
    precondition(shards >= 1 && touched >= 1, "\(touched) accounts over \(shards) shards")
    return 1 - 1 / gsl_pow_uint(Double(shards), UInt32(touched - 1))
  }

  /// The mean number of different shards that `touched` accounts are in: k (1 - (1 - 1/k)^m).
  public static func meanShards(shards: Int, touched: Int) -> Double {
    precondition(shards >= 1 && touched >= 0, "\(touched) accounts over \(shards) shards")
    let k = Double(shards)
    return k * (1 - gsl_pow_uint(1 - 1 / k, UInt32(touched)))
  }
}

/// Draws of one of several kinds, all equally likely, until enough of each have come.
public enum CouponCollector {
  /// The mean number of draws until each of `kinds` has come `each` times (Newman and Shepp,
  /// American Mathematical Monthly 67, 1960): kinds times the integral of 1 - P[Poisson(t) >= each]
  /// ^ kinds, by Simpson's rule to about ten digits.
  public static func meanDraws(kinds: Int, each: Int) -> Double {
    precondition(kinds >= 1 && each >= 1, "\(each) each of \(kinds) kinds")
    let (m, c) = (Double(kinds), Double(each))
    func missing(_ t: Double) -> Double {
      if t == 0 { return 1 }
      let few = GSL.call { gsl_cdf_gamma_Q(t, c, 1) }
      return few == 1 ? 1 : -gsl_expm1(m * gsl_log1p(-few))
    }
    var end = c + 10
    while missing(end) > 1e-14 { end *= 1.25 }
    let steps = 20_000
    let h = end / Double(steps)
    var sum = missing(0) + missing(end)
    for i in 1..<steps { sum += missing(Double(i) * h) * (i % 2 == 1 ? 4 : 2) }
    return m * sum * h / 3
  }
}
