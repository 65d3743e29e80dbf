import Foundation
import Scenarios

/// A file of published values: notes behind `#` that say where they come from, one line of column
/// names, then values separated by commas, in quotes where they hold commas themselves.
public struct PublishedTable: Sendable {
  public struct Row: Sendable {
    /// Counts from 1.
    public let line: Int
    public let cells: [String]
  }

  public let file: String
  /// The notes, without their marks: citation, and what each column means.
  public let notes: [String]
  public let columns: [String]
  public let rows: [Row]

  /// Larger files are refused.
  public static let largestFile = 1 << 20

  /// Reads the file at `path`. Errors name `file`, or the path.
  public init(path: String, as name: String? = nil) throws(ScenarioErrors) {
    let file = name ?? path
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Self.failure("cannot be read", file)
    }
    guard data.count <= Self.largestFile else { throw Self.failure("larger than 1 MiB", file) }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw Self.failure("is not UTF-8", file)
    }
    try self.init(text: text, file: file)
  }

  public init(text: String, file: String) throws(ScenarioErrors) {
    var notes: [String] = []
    var head: [String]?
    var rows: [Row] = []
    let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
    for (k, line) in lines.enumerated() {
      let bare = Self.trimmed(line)
      if bare.isEmpty { continue }
      if bare.hasPrefix("#") {
        notes.append(Self.trimmed(bare.dropFirst()))
        continue
      }
      guard let cells = Self.cells(of: bare) else {
        throw Self.failure("a quote is left open", file, line: k + 1)
      }
      guard let columns = head else {
        head = cells
        continue
      }
      guard cells.count == columns.count else {
        throw Self.failure(
          "\(cells.count) values where \(columns.count) columns are named", file, line: k + 1)
      }
      rows.append(Row(line: k + 1, cells: cells))
    }
    guard let columns = head, !rows.isEmpty else {
      throw Self.failure("has no columns with values below them", file)
    }
    guard Set(columns).count == columns.count, !columns.contains("") else {
      throw Self.failure("columns must have names, each its own", file)
    }
    guard !notes.isEmpty else {
      throw Self.failure("has no notes that say where its values come from", file, line: 1)
    }
    self.file = file
    self.notes = notes
    self.columns = columns
    self.rows = rows
  }

  /// The text in `column` of `row`; empty if there is no such column.
  public func text(_ column: String, of row: Row) -> String {
    columns.firstIndex(of: column).map { row.cells[$0] } ?? ""
  }

  /// The finite number in `column` of `row`; `nil` where nothing stands.
  public func number(_ column: String, of row: Row) throws(ScenarioErrors) -> Double? {
    let text = text(column, of: row)
    guard !text.isEmpty else { return nil }
    guard let value = Double(text), value.isFinite else {
      throw Self.failure("\(column): '\(text)' is not a number", file, line: row.line)
    }
    return value
  }

  static func failure(_ message: String, _ file: String, line: Int? = nil) -> ScenarioErrors {
    ScenarioErrors([ScenarioError(message, at: Origin(file, line: line))])
  }

  private static func cells(of line: String) -> [String]? {
    var cells: [String] = []
    var cell = ""
    var isQuoted = false
    for character in line {
      switch character {
      case "\"": isQuoted.toggle()
      case "," where !isQuoted:
        cells.append(trimmed(cell[...]))
        cell = ""
      default: cell.append(character)
      }
    }
    cells.append(trimmed(cell[...]))
    return isQuoted ? nil : cells
  }

  static func trimmed(_ text: Substring) -> String {
    var part = text
    while part.first?.isWhitespace == true || part.first == "\u{FEFF}" { part = part.dropFirst() }
    while part.last?.isWhitespace == true { part = part.dropLast() }
    return String(part)
  }
}
