import Kernel
import Metrics
import Scenarios

/// A pack at one of its sizes, ready to be run: its jobs, which share nothing, and what their
/// results say together.
public struct Reproduction: Sendable {
  public let pack: Pack
  public let size: Pack.Size
  /// Runs that are independent of each other, in a fixed order.
  public let jobs: [Job]
  /// What each selected row of the table asks of the jobs.
  let cells: [Cell]

  /// One replication of one scenario or experiment.
  public struct Job: Sendable {
    let target: Int
    let seed: UInt64
  }

  /// A published value, and where what it is compared with comes from.
  struct Cell: Sendable {
    let row: Int
    let study: Int
    let quantity: Int
    let target: Int
    let metric: String
    let trials: String?
  }

  /// What is run: one scenario or experiment with all its values.
  enum Target: Sendable {
    case scenario(Scenario, Probe?)
    case experiment(Experiment, ExperimentSettings)
  }

  private let targets: [Target]

  /// What a job shows.
  public struct Sample: Sendable {
    let values: [(name: String, value: Double)]
    let digest: UInt64
    /// Monitors that fired.
    let violations: [String]
  }

  /// Reads all scenarios of the pack with the values of each of its rows.
  public init(_ pack: Pack, _ size: Pack.Size) throws(ScenarioErrors) {
    self.pack = pack
    self.size = size
    let change = size == .small ? pack.small : pack.full
    var targets: [Target] = []
    var jobs: [Job] = []
    var cells: [Cell] = []
    for (s, study) in pack.studies.enumerated() {
      let source = try SourceReader(study.source, of: pack)
      var known: [String: Int] = [:]
      for (r, row) in pack.table.rows.enumerated()
      where pack.row(row, isIn: study.rows) && pack.row(row, isIn: change.rows) {
        var set: [String] = []
        for template in study.set + change.set { set.append(try pack.filled(template, row)) }
        let key = set.joined(separator: "\n")
        if known[key] == nil {
          known[key] = targets.count
          let (target, seeds) = try source.target(set)
          jobs += seeds.map { Job(target: targets.count, seed: $0) }
          targets.append(target)
        }
        for (q, quantity) in study.quantities.enumerated() {
          cells.append(
            Cell(
              row: r, study: s, quantity: q, target: known[key] ?? 0,
              metric: try pack.filled(quantity.metric, row),
              trials: try quantity.trials.map { text throws(ScenarioErrors) in
                try pack.filled(text, row)
              }))
        }
      }
    }
    guard !cells.isEmpty else {
      throw PublishedTable.failure("no row is left at the \(size.rawValue) size", pack.table.file)
    }
    self.targets = targets
    self.jobs = jobs
    self.cells = cells
  }

  /// Runs job `index`. Jobs may run at the same time.
  public func run(_ index: Int) -> Sample {
    let job = jobs[index]
    switch targets[job.target] {
    case .scenario(let scenario, nil):
      let outcome = scenario.makeOutcome(seed: job.seed)
      var digest = RunDigest()
      for part in outcome.digests { digest.fold(part.digest) }
      var values = outcome.metrics.compactMap { metric in
        metric.value.map { (name: metric.name, value: $0) }
      }
      for row in outcome.messages {
        values.append(("\(row.subsystem).message.\(row.type)", Double(row.count)))
      }
      return Sample(
        values: values, digest: digest.value,
        violations: outcome.violations.map { "\($0.subsystem) \($0.monitor): \($0.detail)" })
    case .scenario(let scenario, let probe?):
      let (values, digest) = probe.run(scenario, seed: job.seed)
      return Sample(values: values, digest: digest, violations: [])
    case .experiment(let experiment, let settings):
      let values = experiment.run(settings, seed: job.seed)
      var digest = RunDigest()
      // Closed forms are not folded: a special function's last digit differs between processors.
      for (name, value) in values where !name.hasPrefix("formula") {
        digest.fold(value.bitPattern)
      }
      return Sample(values: values, digest: digest.value, violations: [])
    }
  }
}

/// Makes the targets of one study.
private struct SourceReader {
  private let source: Pack.Source
  private let document: ScenarioDocument?
  private let folder: String
  private let file: String

  init(_ source: Pack.Source, of pack: Pack) throws(ScenarioErrors) {
    self.source = source
    guard case .scenario(let path, _) = source else {
      document = nil
      folder = pack.folder
      file = "\(pack.folder)/pack.yaml"
      return
    }
    let file = "\(pack.folder)/\(path)"
    document = try ScenarioDocument(path: file)
    folder = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
    self.file = file
  }

  /// The target with the values of `set`, and a seed for each of its replications.
  func target(_ set: [String]) throws(ScenarioErrors) -> (Reproduction.Target, [UInt64]) {
    switch source {
    case .experiment(let experiment):
      let settings = try ExperimentSettings(set, of: file)
      let seeds = (0..<max(settings.count("replications"), 1)).map { index in
        var digest = RunDigest(1)
        digest.fold(UInt64(index))
        return digest.value
      }
      return (.experiment(experiment, settings), seeds)
    case .scenario(_, let probe):
      guard let document else { preconditionFailure("a scenario without its file") }
      let points = try document.points(overrides: set)
      guard points.count == 1 else {
        throw PublishedTable.failure(
          "a sweep of \(points.count) points is left; the pack must set what is swept", file)
      }
      let folder = folder
      let scenario = try ScenarioDocument.read(points) { try Scenario($0, folder: folder) }[0]
      return (
        .scenario(scenario, probe),
        (0..<scenario.replications).map { scenario.seed(ofReplication: $0) }
      )
    }
  }
}

extension Reproduction {
  /// What its results are called: the folder of the pack, and the size unless it is full.
  public var resultName: String {
    let name = pack.folder.split(separator: "/").last.map(String.init) ?? pack.id
    return size == .full ? name : "\(name)-small"
  }
}
