/// A complete result folder, read back for the index.
struct StoredResult {
  /// A table of the index and the file it comes from.
  struct Table {
    enum Column { case text, integer, number }

    let name: String
    let file: String
    /// Columns after the swept parameters.
    let columns: [Column]

    private static let estimate: [Column] = [.number, .number, .number]

    static let replications = Table(
      name: "replications", file: "replications.csv",
      columns: [.integer, .text, .text, .text, .text, .number])

    static let all = [
      Table(
        name: "metrics", file: "metrics.csv", columns: [.text, .text] + estimate + [.integer]),
      replications,
      Table(
        name: "latencies", file: "latency.csv",
        columns: [.text, .text, .text, .text] + estimate + [.integer]),
      Table(
        name: "messages", file: "messages.csv",
        columns: [.text, .text] + estimate + estimate + estimate + [.integer]),
      Table(
        name: "series", file: "series.csv",
        columns: [.text, .text, .number] + estimate + [.integer]),
    ]
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
    let text = String(decoding: try FileSystem.read(path), as: UTF8.self)
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
    for line in lines.dropFirst() {
      guard let point = points[Array(line[..<width])] else {
        throw .unreadable(path: path, reason: "names a sweep point that the manifest lacks")
      }
      var row: [Database.Value] = [.integer(point)]
      for (field, column) in zip(line[width...], table.columns) {
        switch column {
        case .text: row.append(.text(field))
        case .integer: row.append(.integer(Int(field) ?? 0))
        case .number: row.append(.number(Double(field)))
        }
      }
      rows.append(row)
    }
    return rows
  }
}
