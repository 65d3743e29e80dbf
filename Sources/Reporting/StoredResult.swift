import Metrics

/// A complete result folder, read back for the index, for comparisons and for its page.
struct StoredResult {
  /// A table of the index and the file it comes from.
  struct Table {
    enum Column { case text, integer, number }

    let name: String
    let file: String
    /// Columns after the swept parameters.
    let columns: [Column]

    private static let estimate: [Column] = [.number, .number, .number]

    static let metrics = Table(
      name: "metrics", file: "metrics.csv", columns: [.text, .text] + estimate + [.integer])

    static let replications = Table(
      name: "replications", file: "replications.csv",
      columns: [.integer, .text, .text, .text, .text, .number])

    static let latencies = Table(
      name: "latencies", file: "latency.csv",
      columns: [.text, .text, .text, .text] + estimate + [.integer])

    static let messages = Table(
      name: "messages", file: "messages.csv",
      columns: [.text, .text] + estimate + estimate + estimate + [.integer])

    static let series = Table(
      name: "series", file: "series.csv", columns: [.text, .text, .number] + estimate + [.integer])

    static let machines = Table(
      name: "machines", file: "machines.csv",
      columns: [.integer] + Bottleneck.Resource.allCases.map { _ in .number } + [.integer])

    static let all = [metrics, replications, latencies, messages, series, machines]
  }

  let folder: String
  /// The folder's own name, which tells results of one index apart.
  let name: String
  let manifest: Manifest

  init(_ folder: String) throws(OutputError) {
    self.folder = folder
    name = FileSystem.split(folder).name
    let path = folder + "/manifest.json"
    manifest = try Manifest(reading: try FileSystem.read(path), at: path)
  }

  /// The rows of a table, each led by the number of its sweep point.
  func rows(of table: Table) throws(OutputError) -> [[Database.Value]] {
    let path = folder + "/" + table.file
    let text = String(decoding: try bytes(of: table.file), as: UTF8.self)
    let width = manifest.swept.count
    guard let lines = CSV.rows(text), !lines.isEmpty,
      lines.allSatisfy({ $0.count == width + table.columns.count })
    else { throw .unreadable(path: path, reason: "is not a table of results") }
    var points: [[String]: Int] = [:]
    for (index, point) in manifest.points.enumerated() {
      let labels = manifest.swept.map { key in
        point.labels.first { $0.key == key }?.value ?? ""
      }
      points[labels] = index
    }
    var rows: [[Database.Value]] = []
    for (number, line) in lines.enumerated().dropFirst() {
      guard let point = points[Array(line[..<width])] else {
        throw .unreadable(path: path, reason: "names a sweep point that the manifest lacks")
      }
      var row: [Database.Value] = [.integer(point)]
      for (field, column) in zip(line[width...], table.columns) {
        guard let value = Self.value(field, column) else {
          throw .unreadable(
            path: "\(path):\(number + 1)", reason: "'\(field)' is not a number")
        }
        row.append(value)
      }
      rows.append(row)
    }
    return rows
  }

  /// `nil` for what should be a number and is none; nothing is no number that is known.
  private static func value(_ field: String, _ column: Table.Column) -> Database.Value? {
    switch column {
    case .text: return .text(field)
    case .integer: return Int(field).map { .integer($0) }
    case .number:
      return field.isEmpty ? .number(nil) : Double(field).map { .number($0) }
    }
  }

  /// What a file of the folder holds, if it is what the manifest says.
  func bytes(of file: String) throws(OutputError) -> [UInt8] {
    let path = folder + "/" + file
    let bytes = try FileSystem.read(path)
    guard let known = manifest.files?.first(where: { $0.name == file }) else { return bytes }
    var checksum = Checksum()
    checksum.add(bytes)
    guard checksum.hex == known.checksum else {
      throw .unreadable(path: path, reason: "is not as it was written; its checksum differs")
    }
    return bytes
  }
}
