/// The steps of opening a result folder.
extension ResultFolder {
  static func prepare(parent: String, creates: Bool) throws(OutputError) {
    switch FileSystem.kind(parent) {
    case .folder: return
    case .other: throw .notFolder(path: parent)
    case .nothing:
      guard creates else { throw .missingParent(path: parent) }
      try FileSystem.makeFolder(parent)
    }
  }

  /// Puts an older result back that a run, killed between its two renames, had moved aside.
  static func restore(_ path: String, from partial: String) throws(OutputError) {
    let previous = partial + "/previous"
    guard FileSystem.kind(previous) != .nothing else { return }
    if FileSystem.kind(path) == .nothing {
      try FileSystem.move(previous, to: path)
    } else {
      try FileSystem.remove(previous)
    }
  }

  /// Only what this program made may be replaced.
  static func checkReplaceable(_ path: String) throws(OutputError) {
    switch FileSystem.kind(path) {
    case .nothing: return
    case .other: throw .notFolder(path: path)
    case .folder:
      for entry in try FileSystem.list(path) where !files.contains(entry) {
        throw .foreignEntry(path: path, entry: entry)
      }
    }
  }

  /// Whether the partial folder is of an equal experiment; if not it is emptied for this one.
  static func settlePlan(
    _ experiment: Experiment, in partial: String, _ writer: FileWriter, _ notes: inout [String]
  ) throws(OutputError) -> Bool {
    let plan = partial + "/plan.json"
    let text = Array(Manifest.text(experiment, nil, records: nil).utf8)
    let isKnown = FileSystem.kind(plan) != .nothing
    if isKnown, try FileSystem.read(plan) == text {
      try FileSystem.makeFolder(partial + "/points")
      return true
    }
    if isKnown {
      notes.append(
        "\(partial): holds replications of another scenario, seed or version; starting over")
    }
    let ours = ["lock", "plan.json", "plan.json.new", "points", "previous", "result"]
    for entry in try FileSystem.list(partial) where !ours.contains(entry) {
      throw .foreignEntry(path: partial, entry: entry)
    }
    // The plan goes first: replications without one are never taken over.
    try FileSystem.remove(plan)
    for entry in try FileSystem.list(partial) where entry != "lock" {
      try FileSystem.remove(partial + "/" + entry)
    }
    try FileSystem.makeFolder(partial + "/points")
    try writer.write(text, plan + ".new")
    try FileSystem.move(plan + ".new", to: plan)
    FileSystem.settle(partial)
    return false
  }

  /// The replications that an interrupted run has finished; damaged files are left out and said.
  static func resume(
    _ experiment: Experiment, in partial: String, _ notes: inout [String]
  ) throws(OutputError) -> [[RunRecord?]] {
    var records: [[RunRecord?]] = []
    var found = 0
    for (point, plan) in experiment.points.enumerated() {
      var row: [RunRecord?] = []
      for (replication, seed) in plan.seeds.enumerated() {
        let file = partial + "/points/\(point)-\(replication).json"
        guard FileSystem.kind(file) == .other else {
          row.append(nil)
          continue
        }
        let expected = RunID(point: point, replication: replication, seed: seed)
        let record = ReplicationFile.record(try FileSystem.read(file), expected: expected)
        if record == nil { notes.append("\(file): is damaged; its replication is done again") }
        if record != nil { found += 1 }
        row.append(record)
      }
      records.append(row)
    }
    if found > 0 {
      notes.append("\(partial): resuming with \(found) of \(experiment.runs) replications done")
    }
    return records
  }

  /// Removes the partial folder, its lock last, so that no other run takes over what is going.
  static func discard(_ partial: String) throws(OutputError) {
    for entry in try FileSystem.list(partial) where entry != "lock" {
      try FileSystem.remove(partial + "/" + entry)
    }
    try FileSystem.remove(partial)
  }
}
