import Metrics

/// A summary from the files of a result folder: the same as that of the runs themselves.
extension Summary {
  /// Reads a result folder: `manifest.json`, `scenario.yaml` and the tables.
  ///
  /// - Throws: `OutputError.notResult` if the folder is none of results, else what is wrong with
  ///   which file.
  public init(reading folder: String) throws(OutputError) {
    guard FileSystem.kind(folder) == .folder else { throw .notResult(path: folder) }
    guard FileSystem.kind(folder + "/manifest.json") == .other else {
      throw .notResult(path: folder)
    }
    let stored = try StoredResult(folder)
    try stored.manifest.check(folder)
    for file in stored.manifest.files ?? [] { _ = try stored.bytes(of: file.name) }
    let scenario = String(decoding: try stored.bytes(of: "scenario.yaml"), as: UTF8.self)
    var points = stored.manifest.points.map { point in
      PointSummary(
        labels: point.labels.map { .init($0.key, $0.value) },
        digests: point.replications.map(\.digest))
    }
    try Self.read(stored, .metrics, &points) { $0.addMetric($1) }
    try Self.read(stored, .series, &points) { $0.addSeries($1) }
    try Self.read(stored, .messages, &points) { $0.addMessages($1) }
    try Self.read(stored, .latencies, &points) { $0.addLatency($1) }
    try Self.read(stored, .machines, &points) { $0.addMachine($1) }
    for index in points.indices { points[index].settle() }
    self.init(
      try Experiment(stored.manifest, scenario: scenario, of: folder), points,
      stored.manifest.warnings.map {
        Notice(point: $0.point, replications: $0.replications, text: $0.text)
      },
      try stored.manifest.violations.map { found throws(OutputError) in
        try FoundViolation(found, of: folder)
      })
    hasSensitivity = FileSystem.kind(folder + "/" + ResultFolder.sensitivityName) == .other
  }

  private static func read(
    _ stored: StoredResult, _ table: StoredResult.Table, _ points: inout [PointSummary],
    _ add: (inout PointSummary, StoredRow) -> Void
  ) throws(OutputError) {
    for row in try stored.rows(of: table) {
      guard case .integer(let point) = row[0] else { continue }
      add(&points[point], StoredRow(cells: row[1...]))
    }
  }
}

extension Manifest {
  /// Refuses warnings and violations of points that are not there.
  fileprivate func check(_ folder: String) throws(OutputError) {
    let known = points.indices
    let places = warnings.compactMap(\.point) + violations.map(\.point)
    guard places.allSatisfy(known.contains), !points.isEmpty else {
      throw .unreadable(
        path: folder + "/manifest.json", reason: "speaks of sweep points that it lacks")
    }
  }
}

/// A row of a table, taken cell by cell.
struct StoredRow {
  var cells: ArraySlice<Database.Value>

  mutating func text() -> String {
    if case .text(let text) = cells.popFirst() { text } else { "" }
  }

  mutating func integer() -> Int {
    if case .integer(let number) = cells.popFirst() { number } else { 0 }
  }

  mutating func number() -> Double? {
    if case .number(let number) = cells.popFirst() { number } else { nil }
  }

  /// Mean and interval; how many replications they rest on stands at the end of the row.
  mutating func estimate() -> Estimate? {
    let (mean, low, high) = (number(), number(), number())
    let count = if case .integer(let count) = cells.last { count } else { 0 }
    return mean.map { Estimate(stored: $0, low: low, high: high, count: count) }
  }
}

extension PointSummary {
  fileprivate mutating func addMetric(_ stored: StoredRow) {
    var row = stored
    metrics.append(Metric(name: row.text(), unit: row.text(), estimate: row.estimate()))
  }

  /// Rows of a series stand together, in order of time; the second says how long a step is.
  fileprivate mutating func addSeries(_ stored: StoredRow) {
    var row = stored
    let (name, unit, time) = (row.text(), row.text(), row.number() ?? 0)
    if series.last?.name != name {
      series.append(Series(name: name, unit: unit, step: 0, values: []))
    }
    let last = series.count - 1
    if series[last].values.count == 1 { series[last].step = time }
    series[last].values.append(row.estimate())
  }

  fileprivate mutating func addMessages(_ stored: StoredRow) {
    var row = stored
    let (subsystem, type) = (row.text(), row.text())
    guard let count = row.estimate(), let bytes = row.estimate() else { return }
    func mean() -> Estimate {
      Estimate(stored: row.number() ?? 0, low: nil, high: nil, count: count.count)
    }
    let (duplicates, nodeMean, nodeMax) = (mean(), mean(), mean())
    messages.append(
      Messages(
        subsystem: subsystem, type: type, count: count, bytes: bytes, duplicates: duplicates,
        nodeMeanBytes: nodeMean, nodeMaxBytes: nodeMax))
  }

  /// Rows of a phase stand together, the number of samples first.
  fileprivate mutating func addLatency(_ stored: StoredRow) {
    var row = stored
    let (subsystem, phase, statistic) = (row.text(), row.text(), row.text())
    _ = row.text()
    guard let estimate = row.estimate() else { return }
    if statistic == "samples" {
      latencies.append(
        Latency(subsystem: subsystem, phase: phase, samples: estimate, statistics: []))
    } else if latencies.last?.subsystem == subsystem, latencies.last?.phase == phase {
      latencies[latencies.count - 1].statistics.append((statistic, estimate))
    }
  }

  fileprivate mutating func addMachine(_ stored: StoredRow) {
    var row = stored
    let node = row.integer()
    let shares = Bottleneck.Resource.allCases.map { _ in row.number() }
    machines.append(Machine(node: node, shares: shares, count: row.integer()))
  }

  /// Series of one step, whose length no file tells, are not drawn.
  fileprivate mutating func settle() { series.removeAll { $0.values.count < 2 } }
}

extension Experiment {
  fileprivate init(
    _ manifest: Manifest, scenario: String, of folder: String
  ) throws(OutputError) {
    func seed(_ text: String) throws(OutputError) -> UInt64 {
      guard let seed = UInt64(text) else {
        throw .unreadable(path: folder + "/manifest.json", reason: "'\(text)' is not a seed")
      }
      return seed
    }
    var points: [SweepPoint] = []
    for point in manifest.points {
      var seeds: [UInt64] = []
      for replication in point.replications { seeds.append(try seed(replication.seed)) }
      points.append(
        SweepPoint(
          labels: point.labels.map { .init($0.key, $0.value) }, seeds: seeds,
          workload: point.workload, faults: point.faults ?? []))
    }
    self.init(
      name: manifest.name, scenario: scenario, scenarioDigest: manifest.scenarioDigest,
      version: manifest.version, toolchain: manifest.toolchain, gslVersion: manifest.gsl,
      seed: try seed(manifest.seed), points: points)
  }
}

extension Summary.FoundViolation {
  fileprivate init(_ found: Manifest.Violation, of folder: String) throws(OutputError) {
    guard let seed = UInt64(found.seed) else {
      throw .unreadable(path: folder + "/manifest.json", reason: "'\(found.seed)' is not a seed")
    }
    self.init(
      run: RunID(point: found.point, replication: found.replication, seed: seed),
      violation: .init(
        subsystem: found.subsystem, monitor: found.monitor, time: found.time,
        detail: found.detail))
  }
}
