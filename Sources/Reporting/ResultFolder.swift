import Metrics
import Synchronization

/// Where the results of one experiment come to stand: `<out>`, and `<out>.partial` until then.
///
/// The partial folder holds the plan, one file for each finished replication and a lock. It is
/// left alone when a run is interrupted, and opening it again for an equal experiment goes on
/// from there. When all replications are in, the result files are written inside it and moved
/// under the final name in one rename, so `<out>` never holds half a result, and what it holds
/// does not depend on interruptions.
public final class ResultFolder: Sendable {
  /// The final folder, as it was given.
  public let path: String
  public let experiment: Experiment
  /// What the reader should know about the opening: sentences for standard error.
  public let notes: [String]

  private let writer: FileWriter
  private let state: Mutex<State>

  private struct State {
    var schedule: Schedule
    var lock: FolderLock?
  }

  /// The files of a complete result.
  static let files = [
    "latency.csv", "machines.csv", "manifest.json", "messages.csv", "metrics.csv",
    "replications.csv", "report.html", "scenario.yaml", "sensitivity.csv", "series.csv",
  ]

  private var partial: String { path + ".partial" }

  /// Opens the folder for `experiment`: takes the lock, and takes over what an interrupted run of
  /// the same experiment has finished.
  ///
  /// - Parameters:
  ///   - path: the final folder. Its parent must exist unless `createsParent`. If it exists it is
  ///     replaced at the end, provided that it holds nothing but result files.
  ///   - writer: how files are written.
  public init(
    _ path: String, for experiment: Experiment, createsParent: Bool = false,
    writer: FileWriter = .disk
  ) throws(OutputError) {
    let (parent, name) = FileSystem.split(path)
    guard !name.isEmpty, name != ".", name != "..", name != "/" else {
      throw .unusableName(path: path)
    }
    self.path = parent == "." && !path.hasPrefix("./") ? name : parent + "/" + name
    self.experiment = experiment
    self.writer = writer
    try Self.prepare(parent: parent, creates: createsParent)
    try Self.checkReplaceable(self.path)
    let partial = self.path + ".partial"
    try FileSystem.makeFolder(partial)
    let lock = try FolderLock(folder: partial)
    try Self.restore(self.path, from: partial)
    try Self.checkReplaceable(self.path)
    var notes: [String] = []
    let isSame = try Self.settlePlan(experiment, in: partial, writer, &notes)
    let empty: [[RunRecord?]] = experiment.points.map { $0.seeds.map { _ in nil } }
    let records = isSame ? try Self.resume(experiment, in: partial, &notes) : empty
    self.notes = notes
    state = Mutex(State(schedule: Schedule(experiment, records: records), lock: lock))
  }

  /// The runs that are known to be needed and not done, in the plan's order.
  public var pending: [RunID] { state.withLock { $0.schedule.pending } }

  /// Runs done, and how many there will be: as far as is known, if a rule ends points.
  public var progress: (done: Int, total: Int) { state.withLock { $0.schedule.progress } }

  /// Hands out the next run to do; `nil` if there is none. May be called from any thread.
  public func take() -> RunID? { state.withLock { $0.schedule.take() } }

  /// A goal of the stopping rule whose metric does not exist, once a run has shown it.
  public var missingGoal: StoppingRule.Goal? { state.withLock { $0.schedule.missingGoal } }

  /// Keeps a finished replication, durably. May be called from any thread, in any order.
  public func append(_ record: RunRecord) throws(OutputError) {
    let id = record.id
    precondition(
      experiment.points.indices.contains(id.point)
        && experiment.points[id.point].seeds.indices.contains(id.replication)
        && experiment.points[id.point].seeds[id.replication] == id.seed,
      "\(id) is not in the plan")
    let folder = partial + "/points"
    let target = folder + "/\(id.point)-\(id.replication).json"
    try writer.write(ReplicationFile.bytes(record), target + ".new")
    try FileSystem.move(target + ".new", to: target)
    FileSystem.settle(folder)
    state.withLock { $0.schedule.keep(record) }
  }

  /// Writes the result files and puts them under the final name; nothing may be pending.
  ///
  /// If it throws, the final name is as it was and the finished replications are kept.
  ///
  /// - Parameter sensitivity: makes the content of `sensitivity.csv`, for results that have one.
  public func finish(
    sensitivity: ((SweepResult) -> String)? = nil
  ) throws(OutputError) -> SweepResult {
    let (done, lock) = state.withLock { ($0.schedule.result, $0.lock) }
    precondition(lock != nil, "\(path) is already finished")
    guard let records = done else { preconditionFailure("\(path): runs are pending") }
    // What a rule has left out was planned, but is no part of the result.
    var ended = experiment
    for (point, runs) in records.enumerated() {
      ended.points[point].seeds = Array(ended.points[point].seeds.prefix(runs.count))
    }
    let result = SweepResult(ended, records: records)
    let fresh = partial + "/result"
    try FileSystem.remove(fresh)
    try FileSystem.makeFolder(fresh)
    for (name, text) in Self.texts(result, sensitivity: sensitivity?(result)) {
      try writer.write(Array(text.utf8), fresh + "/" + name)
    }
    FileSystem.settle(fresh)
    try Self.checkReplaceable(path)
    try replace(by: fresh)
    // From here on the result stands; a partial folder that cannot be removed harms nobody.
    try? Self.discard(partial)
    state.withLock { $0.lock = nil }
    return result
  }

  private func replace(by fresh: String) throws(OutputError) {
    let previous = partial + "/previous"
    try FileSystem.remove(previous)
    let existed = FileSystem.kind(path) != .nothing
    if existed { try FileSystem.move(path, to: previous) }
    do {
      try FileSystem.move(fresh, to: path)
    } catch {
      if existed { try? FileSystem.move(previous, to: path) }
      throw error
    }
    FileSystem.settle(FileSystem.split(path).parent)
  }

  /// The final files and their contents.
  static func texts(
    _ result: SweepResult, sensitivity: String?
  ) -> [(name: String, text: String)] {
    var summary = Summary(result)
    summary.hasSensitivity = sensitivity != nil
    let tables = ResultTables(result, summary)
    var texts = [
      ("latency.csv", tables.latency),
      ("machines.csv", tables.machines),
      ("messages.csv", tables.messages),
      ("metrics.csv", tables.metrics),
      ("replications.csv", tables.replications),
      ("scenario.yaml", result.experiment.scenario),
      ("series.csv", tables.series),
    ]
    if let sensitivity { texts.append((sensitivityName, sensitivity)) }
    let manifest = Manifest.text(
      result.experiment, summary, records: result.records, files: texts)
    return texts + [("manifest.json", manifest), (pageName, ReportPage(summary).text)]
  }

  /// The page among the files.
  static let pageName = "report.html"
  /// Results of sensitivity only.
  static let sensitivityName = "sensitivity.csv"
}
