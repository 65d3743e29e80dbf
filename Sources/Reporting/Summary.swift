import Metrics
import Statistics

/// A mean over replications; the interval is missing where one value says nothing of its spread.
public struct Estimate: Sendable, Equatable {
  public var mean: Double
  public var low: Double?
  public var high: Double?
  /// How many replications it rests on.
  public var count: Int

  /// To twelve digits, as files have it: what is made from a result and what is made from its
  /// files is then the same.
  ///
  /// - Parameter values: at least one, finite.
  init(_ values: [Double]) {
    let estimate = MeanEstimate(values)
    mean = NumberText.stored(estimate.mean)
    count = estimate.count
    low = estimate.low.isFinite ? NumberText.stored(estimate.low) : nil
    high = estimate.high.isFinite ? NumberText.stored(estimate.high) : nil
  }

  /// An estimate read back from a file.
  init(stored mean: Double, low: Double?, high: Double?, count: Int) {
    self.mean = mean
    self.low = low
    self.high = high
    self.count = count
  }

  init?(of values: [Double]) {
    let finite = values.filter(\.isFinite)
    guard !finite.isEmpty else { return nil }
    self.init(finite)
    // The sum of very large values may be none.
    guard mean.isFinite else { return nil }
  }

  var halfWidth: Double? {
    guard let low, let high else { return nil }
    return (high - low) / 2
  }

  var lowest: Double { low ?? mean }
  var highest: Double { high ?? mean }
}

/// A sweep point, summed up over its replications.
public struct PointSummary: Sendable, Equatable {
  public struct Metric: Sendable, Equatable {
    public var name: String
    public var unit: String
    /// `nil` if no replication gives a value.
    public var estimate: Estimate?

    /// What stands before the first point of the name; empty for a metric of the whole run.
    var subsystem: String {
      name.firstIndex(of: ".").map { String(name[..<$0]) } ?? ""
    }

    var shortName: String {
      name.firstIndex(of: ".").map { String(name[name.index(after: $0)...]) } ?? name
    }
  }

  public struct Series: Sendable, Equatable {
    public var name: String
    public var unit: String
    public var step: Double
    /// `nil` where no replication has a finite value.
    public var values: [Estimate?]

    var subsystem: String {
      name.firstIndex(of: ".").map { String(name[..<$0]) } ?? ""
    }

    var shortName: String {
      name.firstIndex(of: ".").map { String(name[name.index(after: $0)...]) } ?? name
    }
  }

  /// Means over all replications: one that sent no message of a type counts as zero.
  public struct Messages: Sendable, Equatable {
    public var subsystem: String
    public var type: String
    public var count: Estimate
    public var bytes: Estimate
    public var duplicates: Estimate
    public var nodeMeanBytes: Estimate
    public var nodeMaxBytes: Estimate
  }

  public struct Latency: Sendable, Equatable {
    public var subsystem: String
    public var phase: String
    public var samples: Estimate
    /// `mean`, `p50`, `p90`, `p95`, `p99` and `max`, in this order.
    public var statistics: [(name: String, estimate: Estimate)]

    public static func == (a: Latency, b: Latency) -> Bool {
      a.subsystem == b.subsystem && a.phase == b.phase && a.samples == b.samples
        && a.statistics.elementsEqual(b.statistics) { $0 == $1 }
    }

    subscript(_ name: String) -> Estimate? {
      statistics.first { $0.name == name }?.estimate
    }
  }

  /// For how much of the run each node's resources were busy: means over replications.
  public struct Machine: Sendable, Equatable {
    public var node: Int
    /// By the order of `Bottleneck.Resource`; `nil` where no replication says.
    public var shares: [Double?]
    public var count: Int

    var busiest: Double { shares.compactMap(\.self).max() ?? 0 }
  }

  public var labels: [SweepPoint.Label]
  public var metrics: [Metric] = []
  public var series: [Series] = []
  public var messages: [Messages] = []
  public var latencies: [Latency] = []
  public var machines: [Machine] = []
  /// Of each replication's run, in hexadecimal.
  public var digests: [String] = []

  /// A point whose tables are still to come.
  init(labels: [SweepPoint.Label], digests: [String]) {
    self.labels = labels
    self.digests = digests
  }

  init(_ point: SweepPoint, _ runs: [RunRecord]) {
    labels = point.labels
    let outcomes = runs.map(\.outcome)
    metrics = Self.metrics(outcomes)
    series = Self.series(outcomes)
    messages = Self.messages(outcomes)
    latencies = Self.latencies(outcomes)
    machines = Self.machines(outcomes)
    digests = runs.map(\.digest)
  }

  /// The metric called `name`, if the point has it.
  public subscript(name: String) -> Metric? { metrics.first { $0.name == name } }

  private static func metrics(_ outcomes: [Outcome]) -> [Metric] {
    grouped(outcomes.map(\.metrics), by: \.name).map { group in
      Metric(
        name: group[0].name, unit: group[0].unit, estimate: Estimate(of: group.compactMap(\.value)))
    }
  }

  private static func series(_ outcomes: [Outcome]) -> [Series] {
    grouped(outcomes.map(\.series), by: \.name).map { group in
      let length = group.map(\.values.count).max() ?? 0
      let values = (0..<length).map { step in
        Estimate(of: group.compactMap { step < $0.values.count ? $0.values[step] : nil })
      }
      return Series(
        name: group[0].name, unit: group[0].unit, step: NumberText.stored(group[0].step),
        values: values)
    }
  }

  private static func messages(_ outcomes: [Outcome]) -> [Messages] {
    grouped(outcomes.map(\.messages), by: { $0.subsystem + "\u{0}" + $0.type }).map { group in
      let silent = [Double](repeating: 0, count: outcomes.count - group.count)
      func mean(_ value: (Outcome.MessageCount) -> Double) -> Estimate {
        Estimate(group.map(value) + silent)
      }
      return Messages(
        subsystem: group[0].subsystem, type: group[0].type, count: mean { Double($0.count) },
        bytes: mean { Double($0.bytes) }, duplicates: mean { Double($0.duplicates) },
        nodeMeanBytes: mean { $0.nodeMeanBytes }, nodeMaxBytes: mean { Double($0.nodeMaxBytes) })
    }
  }

  private static func machines(_ outcomes: [Outcome]) -> [Machine] {
    let known = outcomes.filter { !$0.machines.isEmpty }
    let nodes = known.flatMap { $0.machines.map(\.shares.count) }.max() ?? 0
    return (0..<nodes).map { node in
      let shares = Bottleneck.Resource.allCases.map { resource -> Double? in
        let values = known.compactMap { outcome in
          outcome.machines.first { $0.resource == resource.rawValue }
            .flatMap { node < $0.shares.count ? $0.shares[node] : nil }
        }
        return values.isEmpty
          ? nil : NumberText.stored(values.reduce(0, +) / Double(values.count))
      }
      return Machine(node: node, shares: shares, count: known.count)
    }
  }

  private static func latencies(_ outcomes: [Outcome]) -> [Latency] {
    let columns: [(String, KeyPath<Outcome.LatencyRow, Double>)] = [
      ("mean", \.mean), ("p50", \.p50), ("p90", \.p90), ("p95", \.p95), ("p99", \.p99),
      ("max", \.max),
    ]
    return grouped(outcomes.map(\.latencies), by: { $0.subsystem + "\u{0}" + $0.phase }).map {
      group in
      Latency(
        subsystem: group[0].subsystem, phase: group[0].phase,
        samples: Estimate(group.map { Double($0.count) }),
        statistics: columns.compactMap { name, path in
          // A distribution without samples has no quantiles.
          Estimate(of: group.filter { $0.count > 0 }.map { $0[keyPath: path] }).map { (name, $0) }
        })
    }
  }

  /// Rows of the same key over all lists, in the order in which keys first appear.
  private static func grouped<Row>(_ lists: [[Row]], by key: (Row) -> String) -> [[Row]] {
    var places: [String: Int] = [:]
    var groups: [[Row]] = []
    for row in lists.joined() {
      let name = key(row)
      if let place = places[name] {
        groups[place].append(row)
      } else {
        places[name] = groups.count
        groups.append([row])
      }
    }
    return groups
  }
}

/// A whole experiment, summed up: what the tables and the page show.
public struct Summary: Sendable, Equatable {
  public let experiment: Experiment
  public let points: [PointSummary]
  public let notices: [Notice]
  public let violations: [FoundViolation]
  /// Whether the result has a `sensitivity.csv`.
  var hasSensitivity = false

  /// A violation and the run it was found in, whose seed replays it.
  public struct FoundViolation: Sendable, Equatable {
    public var run: RunID
    public var violation: Outcome.Violation
  }

  init(
    _ experiment: Experiment, _ points: [PointSummary], _ notices: [Notice],
    _ violations: [FoundViolation]
  ) {
    self.experiment = experiment
    self.points = points
    self.notices = notices
    self.violations = violations
  }

  public init(_ result: SweepResult) {
    experiment = result.experiment
    points = zip(result.experiment.points, result.records).map { PointSummary($0, $1) }
    notices = result.notices
    violations = result.records.joined().flatMap { record in
      record.outcome.violations.map { FoundViolation(run: record.id, violation: $0) }
    }
  }
}
