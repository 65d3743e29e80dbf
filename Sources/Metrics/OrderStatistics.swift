import Kernel

/// Durations in ascending order: exact quantiles, no histogram.
public struct OrderStatistics: Sendable, Equatable {
  /// Ascending, in nanoseconds.
  public let sorted: [Int64]
  /// In seconds; `nil` of no values.
  public let mean: Double?

  /// Sorts, O(n log n).
  public init(_ durations: [SimDuration]) {
    sorted = durations.map(\.nanoseconds).sorted()
    // Summed as whole numbers, split so that no sum of run lengths can overflow.
    var seconds: Int64 = 0
    var rest: Int64 = 0
    for value in sorted {
      seconds += value / 1_000_000_000
      rest += value % 1_000_000_000
    }
    let sum = Double(seconds) + Double(rest) / 1e9
    mean = sorted.isEmpty ? nil : sum / Double(sorted.count)
  }

  public var count: Int { sorted.count }

  /// The order statistic of rank ceil(n p), in seconds; `nil` of no values.
  ///
  /// - Parameter p: in (0, 1].
  public func quantile(_ p: Double) -> Double? {
    guard !sorted.isEmpty else { return nil }
    let rank = Int((Double(sorted.count) * p).rounded(.up))
    return Double(sorted[min(Swift.max(rank, 1), sorted.count) - 1]) / 1e9
  }

  /// The largest, in seconds; `nil` of no values.
  public var max: Double? { sorted.last.map { Double($0) / 1e9 } }

  /// The row of `latency.csv`; `nil` of no values.
  public func row(subsystem: String, phase: String) -> Outcome.LatencyRow? {
    guard let mean, let max, let p50 = quantile(0.5), let p90 = quantile(0.9),
      let p95 = quantile(0.95), let p99 = quantile(0.99)
    else { return nil }
    return Outcome.LatencyRow(
      subsystem: subsystem, phase: phase, count: count, mean: mean, p50: p50, p90: p90, p95: p95,
      p99: p99, max: max)
  }

  /// `<name>_mean`, `<name>_p50`, `_p90`, `_p95`, `_p99` and `_max`, in seconds.
  public func metrics(_ name: String) -> [Outcome.Metric] {
    [
      Outcome.Metric("\(name)_mean", "s", mean), Outcome.Metric("\(name)_p50", "s", quantile(0.5)),
      Outcome.Metric("\(name)_p90", "s", quantile(0.9)),
      Outcome.Metric("\(name)_p95", "s", quantile(0.95)),
      Outcome.Metric("\(name)_p99", "s", quantile(0.99)), Outcome.Metric("\(name)_max", "s", max),
    ]
  }
}
