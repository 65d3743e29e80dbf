/// What a probe of a scenario says of itself: for `rare` and `knee`, whose answers are no tables of
/// metrics.
public struct ProbeSource: Sendable {
  /// The scenario's own name.
  public var name: String
  /// The scenario as it was run.
  public var scenario: String
  public var version: String
  public var seed: UInt64

  public init(name: String, scenario: String, version: String, seed: UInt64) {
    self.name = name
    self.scenario = scenario
    self.version = version
    self.seed = seed
  }

  fileprivate var json: [(key: String, value: JSONText)] {
    [
      ("name", .string(name)), ("scenarioDigest", .string(Checksum.hex(of: scenario))),
      ("version", .string(version)), ("seed", .string(String(seed))),
    ]
  }

  fileprivate static func derived(_ value: Double?) -> JSONText {
    guard let value, value.isFinite else { return .null }
    return .number(NumberText.rounded(value, significant: 12))
  }
}

/// The files of a probe, written one by one under other names and renamed.
public protocol ProbeReport {
  /// The first part of the file names: `rare` for `rare.csv` and `rare.json`.
  var kind: String { get }
  var source: ProbeSource { get }
  /// One line of names, then values.
  var csv: String { get }
  /// Everything, for machines.
  var json: String { get }
}

extension ProbeReport {
  /// Writes `scenario.yaml`, the table and the summary to `folder`, which is made if need be.
  public func write(to folder: String) throws(OutputError) {
    for (name, text) in [
      ("scenario.yaml", source.scenario), ("\(kind).csv", csv), ("\(kind).json", json),
    ] {
      try SavedFile.write(text, to: "\(folder)/\(name)", makesFolders: true)
    }
  }
}

/// The probability of a rare event, by splitting.
public struct RareReport: ProbeReport, Sendable {
  public struct Repetition: Sendable {
    public var seed: UInt64
    public var probability: Double
    /// Of each stage, the trials that reached its level.
    public var shares: [Double]
    public var events: Int

    public init(seed: UInt64, probability: Double, shares: [Double], events: Int) {
      self.seed = seed
      self.probability = probability
      self.shares = shares
      self.events = events
    }
  }

  public var source: ProbeSource
  /// As it was asked for.
  public var event: String
  /// Trials of a stage.
  public var effort: Int
  /// The mean of the repetitions, with its 95 % interval.
  public var probability: Double
  public var low: Double
  public var high: Double
  /// Events that plain simulation would need for as narrow an interval; `nil` where there is none.
  public var plainEvents: Double?
  public var repetitions: [Repetition]

  public init(
    _ source: ProbeSource, event: String, effort: Int, probability: Double, low: Double,
    high: Double, plainEvents: Double?, repetitions: [Repetition]
  ) {
    self.source = source
    self.event = event
    self.effort = effort
    self.probability = probability
    self.low = low
    self.high = high
    self.plainEvents = plainEvents
    self.repetitions = repetitions
  }

  public var kind: String { "rare" }

  private var stages: Int { repetitions.map(\.shares.count).max() ?? 0 }

  public var csv: String {
    var text = CSV.line(
      ["repetition", "seed", "probability", "events"] + (0..<stages).map { "share_\($0)" })
    for (index, one) in repetitions.enumerated() {
      // A stage that nobody reached has no share.
      let shares = (0..<stages).map {
        $0 < one.shares.count ? NumberText.derived(one.shares[$0]) : ""
      }
      text += CSV.line(
        [
          String(index), String(one.seed), NumberText.derived(one.probability),
          String(one.events),
        ] + shares)
    }
    return text
  }

  public var json: String {
    JSONText.object(
      source.json + [
        ("event", .string(event)), ("effort", .integer(effort)),
        ("probability", ProbeSource.derived(probability)),
        ("interval", .array([ProbeSource.derived(low), ProbeSource.derived(high)])),
        ("repetitions", .integer(repetitions.count)),
        ("events", .integer(repetitions.reduce(0) { $0 + $1.events })),
        ("plainEvents", ProbeSource.derived(plainEvents)),
      ]
    ).text
  }
}

/// The largest load that is borne.
public struct KneeReport: ProbeReport, Sendable {
  /// A load that was tried in a replication.
  public struct Trial: Sendable {
    public var load: Double
    public var offered: Double
    public var served: Double
    /// Seconds; `nil` if nothing was decided.
    public var latency: Double?

    public init(load: Double, offered: Double, served: Double, latency: Double?) {
      self.load = load
      self.offered = offered
      self.served = served
      self.latency = latency
    }
  }

  public struct Replication: Sendable {
    public var seed: UInt64
    public var knee: Double
    /// `backlog`, `latency`, `none` or `everything`.
    public var limit: String
    public var trials: [Trial]

    public init(seed: UInt64, knee: Double, limit: String, trials: [Trial]) {
      self.seed = seed
      self.knee = knee
      self.limit = limit
      self.trials = trials
    }
  }

  public var source: ProbeSource
  /// Path of the load in the scenario.
  public var path: String
  /// Transactions per second; the ends are not finite with one replication.
  public var knee: Double
  public var low: Double
  public var high: Double
  public var limit: String
  public var replications: [Replication]

  public init(
    _ source: ProbeSource, path: String, knee: Double, low: Double, high: Double, limit: String,
    replications: [Replication]
  ) {
    self.source = source
    self.path = path
    self.knee = knee
    self.low = low
    self.high = high
    self.limit = limit
    self.replications = replications
  }

  public var kind: String { "knee" }

  public var csv: String {
    var text = CSV.line(
      ["replication", "seed", "knee", "limit", "load", "offered", "served", "latency_s"])
    for (index, one) in replications.enumerated() {
      for trial in one.trials {
        text += CSV.line(
          [
            String(index), String(one.seed), NumberText.derived(one.knee), one.limit,
            NumberText.derived(trial.load), NumberText.derived(trial.offered),
            NumberText.derived(trial.served), NumberText.derived(trial.latency),
          ])
      }
    }
    return text
  }

  public var json: String {
    JSONText.object(
      source.json + [
        ("load", .string(path)), ("knee", ProbeSource.derived(knee)),
        ("interval", .array([ProbeSource.derived(low), ProbeSource.derived(high)])),
        ("limit", .string(limit)), ("replications", .integer(replications.count)),
      ]
    ).text
  }
}
