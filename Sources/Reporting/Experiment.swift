import Metrics

/// What is run, and nothing about how it went: the identity of a result folder.
///
/// Two experiments that are equal give byte-identical result files, so everything here comes from
/// the scenario, the version and the toolchain, never from the machine or the moment.
public struct Experiment: Sendable, Equatable {
  public var name: String
  /// The scenario's canonical text, written to `scenario.yaml` as it is.
  public var scenario: String
  /// Hexadecimal digest of the scenario.
  public var scenarioDigest: String
  public var version: String
  public var toolchain: String
  public var gslVersion: String
  /// The master seed, from which the seed of each replication is derived.
  public var seed: UInt64
  /// In the order of the sweep; one point without labels if nothing is swept.
  public var points: [SweepPoint]
  /// When a point has had enough replications; `nil`: all that are planned are done.
  public var stopping: StoppingRule?
  /// Warnings about the scenario itself; those of a run are in its outcome.
  public var warnings: [String]

  public init(
    name: String, scenario: String, scenarioDigest: String, version: String, toolchain: String,
    gslVersion: String, seed: UInt64, points: [SweepPoint], stopping: StoppingRule? = nil,
    warnings: [String] = []
  ) {
    self.name = name
    self.scenario = scenario
    self.scenarioDigest = scenarioDigest
    self.version = version
    self.toolchain = toolchain
    self.gslVersion = gslVersion
    self.seed = seed
    self.points = points
    self.stopping = stopping
    self.warnings = warnings
  }

  /// The swept parameters, in the order in which the points first name them.
  public var sweptKeys: [String] {
    var keys: [String] = []
    for label in points.lazy.flatMap(\.labels) where !keys.contains(label.key) {
      keys.append(label.key)
    }
    return keys
  }

  /// How many runs there are in all, or at most.
  public var runs: Int { points.reduce(0) { $0 + $1.seeds.count } }
}

/// One choice of the swept parameters, run once per seed.
public struct SweepPoint: Sendable, Equatable {
  /// A swept parameter and the text of its value here.
  public struct Label: Sendable, Equatable {
    public var key: String
    public var value: String

    public init(_ key: String, _ value: String) {
      self.key = key
      self.value = value
    }
  }

  public var labels: [Label]
  /// The seed of each replication, in order.
  public var seeds: [UInt64]
  /// Checksum of what is submitted: points that differ in it are not compared without asking.
  public var workload: String?
  /// What the scenario makes happen, for drawings over time.
  public var faults: [Mark]

  public init(
    labels: [Label], seeds: [UInt64], workload: String? = nil, faults: [Mark] = []
  ) {
    self.labels = labels
    self.seeds = seeds
    self.workload = workload
    self.faults = faults
  }

  /// A fault as drawings and their captions show it.
  public struct Mark: Sendable, Equatable, Codable {
    public var text: String
    /// Seconds of simulated time; `nil`: it is not known before the run.
    public var start: Double?
    /// `nil`: at once over, or not before the end of the run.
    public var end: Double?

    public init(_ text: String, start: Double?, end: Double?) {
      self.text = text
      self.start = start
      self.end = end
    }
  }

  /// The value of `key` at this point, or nothing.
  func value(of key: String) -> String { labels.first { $0.key == key }?.value ?? "" }
}

/// Which run of an experiment: the plan's coordinates and the seed that belongs there.
public struct RunID: Sendable, Equatable, Codable {
  public var point: Int
  public var replication: Int
  public var seed: UInt64

  public init(point: Int, replication: Int, seed: UInt64) {
    self.point = point
    self.replication = replication
    self.seed = seed
  }
}

/// A finished run and what it said.
public struct RunRecord: Sendable, Equatable, Codable {
  public var id: RunID
  public var outcome: Outcome

  public init(_ id: RunID, _ outcome: Outcome) {
    self.id = id
    self.outcome = outcome
  }

  /// The digests of all subsystems folded into one, as 16 hexadecimal digits.
  public var digest: String {
    var fold = Checksum()
    for part in outcome.digests {
      fold.add(part.subsystem.utf8)
      fold.add(part.steps)
      fold.add(part.digest)
    }
    return fold.hex
  }
}

/// A complete experiment: every run of the plan, by point and replication.
public struct SweepResult: Sendable, Equatable {
  public let experiment: Experiment
  public let records: [[RunRecord]]

  /// - Parameter records: one row per point and one record per seed, in the plan's order.
  public init(_ experiment: Experiment, records: [[RunRecord]]) {
    precondition(records.count == experiment.points.count, "\(records.count) points of records")
    for (index, point) in experiment.points.enumerated() {
      precondition(records[index].map(\.id.seed) == point.seeds, "records of point \(index)")
    }
    self.experiment = experiment
    self.records = records
  }

  /// Whether a monitor fired in any run: the answer is bad, whatever the numbers say.
  public var hasViolations: Bool {
    records.contains { $0.contains { !$0.outcome.violations.isEmpty } }
  }

  /// Every warning with where it was given, the scenario's own first.
  public var notices: [Notice] {
    var notices = experiment.warnings.map { Notice(point: nil, replications: [], text: $0) }
    if let tooFew { notices.append(Notice(point: nil, replications: [], text: tooFew)) }
    for (point, runs) in records.enumerated() {
      notices += shortfalls(of: runs).map { Notice(point: point, replications: [], text: $0) }
      let first = notices.count
      for run in runs {
        for text in run.outcome.warnings {
          if let known = notices[first...].firstIndex(where: { $0.text == text }) {
            notices[known].replications.append(run.id.replication)
          } else {
            notices.append(Notice(point: point, replications: [run.id.replication], text: text))
          }
        }
      }
    }
    return notices
  }
}

extension SweepResult {
  /// Below this many values, an interval rests on their being normal.
  static let fewestReplications = 5

  private var tooFew: String? {
    let fewest = experiment.points.map(\.seeds.count).min() ?? 0
    guard fewest < Self.fewestReplications else { return nil }
    return "too few replications: \(fewest); \(Self.fewestReplications) are the least, and 10 or "
      + "more give intervals that one can rely on"
  }

  /// What a stopping rule had asked of the means of a point and did not get.
  private func shortfalls(of runs: [RunRecord]) -> [String] {
    guard let rule = experiment.stopping else { return [] }
    var precision = PointPrecision(rule)
    for run in runs { precision.add(run.outcome) }
    return precision.shortfalls.map { "too few replications: " + $0 }
  }
}

/// A warning, once for all the replications of a point that gave it.
public struct Notice: Sendable, Equatable {
  /// `nil` if it is about the scenario.
  public var point: Int?
  public var replications: [Int]
  public var text: String
}
