import CGSL

/// Data that is not available, and nodes that sample it and believe that it is.
public enum SamplingFailure {
  /// The probability that all `samples` different columns of one node are among the `available`
  /// ones of `columns`.
  public static func accepts(columns: Int, available: Int, samples: Int) -> Double {
    precondition(samples >= 0 && samples <= columns, "\(samples) of \(columns) columns")
    precondition(available >= 0 && available <= columns, "\(available) of \(columns) columns")
    return Mass.hypergeometric(samples, draws: samples, marked: available, population: columns)
  }

  /// How a bound counts the samples of one node.
  public enum Samples: Sendable, Equatable {
    /// Each of them independently, with probability 1/2: what EIP-7594's table is computed with.
    case independent
    /// Different columns, as nodes draw them.
    case distinct
  }

  /// The decimal logarithm of a bound on the probability that an adversary convinces `deceived` of
  /// `nodes` of data that it withholds, although it may choose nodes and columns after seeing all
  /// samples: C(n, e) C(m, m/2 - 1) P^e (EIP-7594, Security Considerations), P the probability that
  /// one node's samples are among one column less than half. Above 0 it says nothing.
  public static func log10Deceived(
    nodes: Int, deceived: Int, columns: Int, samples: Int, _ kind: Samples
  ) -> Double {
    precondition(deceived >= 0 && deceived <= nodes, "\(deceived) of \(nodes) nodes")
    precondition(columns >= 2, "\(columns) columns")
    let available = columns / 2 - 1
    let one =
      switch kind {
      case .independent: Double(samples) * -M_LN2
      case .distinct: logChoose(available, samples) - logChoose(columns, samples)
      }
    let ways = logChoose(nodes, deceived) + logChoose(columns, available)
    return (ways + Double(deceived) * one) / M_LN10
  }

  /// The probability that `samples` different cells of a square of (2k)^2 miss all of the (k + 1)^2
  /// that make it irrecoverable.
  public static func missesSquare(width k: Int, samples: Int) -> Double {
    let cells = 4 * k * k
    return accepts(columns: cells, available: cells - (k + 1) * (k + 1), samples: samples)
  }

  private static func logChoose(_ n: Int, _ k: Int) -> Double {
    k > n ? -.infinity : GSL.call { gsl_sf_lnchoose(UInt32(n), UInt32(k)) }
  }
}
