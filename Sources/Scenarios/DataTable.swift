/// A data file as rows: notes behind `#`, one line of column names, then values, all separated by
/// commas. Blanks around values and empty lines do not count; there are no quotes.
struct DataTable: Sendable {
  struct Row: Sendable {
    let line: Int
    let fields: [String]
  }

  let file: String
  let notes: [String]
  let columns: [String]
  let headLine: Int
  let rows: [Row]

  init(_ source: DataFile) throws(DataError) {
    file = source.name
    var notes: [String] = []
    var head: Row?
    var rows: [Row] = []
    let lines = source.text.split(omittingEmptySubsequences: false) { $0.isNewline }
    for (i, line) in lines.enumerated() {
      let text = Self.trimmed(line)
      if text.isEmpty { continue }
      if text.hasPrefix("#") {
        notes.append(Self.trimmed(text.dropFirst()))
        continue
      }
      let fields = text.split(separator: ",", omittingEmptySubsequences: false)
        .map { Self.trimmed($0) }
      guard let columns = head?.fields else {
        head = Row(line: i + 1, fields: fields)
        continue
      }
      guard fields.count == columns.count else {
        throw DataError(
          file: file, line: i + 1,
          "\(fields.count) values where \(columns.count) columns are named")
      }
      rows.append(Row(line: i + 1, fields: fields))
    }
    guard let head else { throw DataError(file: file, "has no line of column names") }
    for (i, column) in head.fields.enumerated() where head.fields[..<i].contains(column) {
      throw DataError(file: file, line: head.line, "column '\(column)' is named twice")
    }
    if let last = head.fields.last, last.isEmpty {
      throw DataError(file: file, line: head.line, "a column without a name")
    }
    if rows.isEmpty { throw DataError(file: file, line: head.line, "no rows follow") }
    self.notes = notes
    self.rows = rows
    columns = head.fields
    headLine = head.line
  }

  /// Throws unless these are the columns, in this order.
  func require(columns expected: [String]) throws(DataError) {
    guard columns == expected else {
      throw DataError(
        file: file, line: headLine,
        "columns must be \(expected.joined(separator: ",")), not \(columns.joined(separator: ","))")
    }
  }

  /// Position of a column that need not be there.
  func column(_ name: String) -> Int? { columns.firstIndex(of: name) }

  func error(_ row: Row, _ message: String) -> DataError {
    DataError(file: file, line: row.line, message)
  }

  /// A finite number within `range`.
  func number(
    _ row: Row, _ column: Int, in range: ClosedRange<Double>
  ) throws(DataError) -> Double {
    let text = row.fields[column]
    guard let value = Double(text), value.isFinite else {
      throw error(row, "\(columns[column]): '\(text)' is not a number")
    }
    guard range.contains(value) else {
      throw error(
        row,
        "\(columns[column]): \(text) is outside \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// One of `words`.
  func word(_ row: Row, _ column: Int, of words: [String]) throws(DataError) -> String {
    let text = row.fields[column]
    guard words.contains(text) else {
      throw error(
        row, "\(columns[column]): '\(text)' is not one of \(words.joined(separator: ", "))")
    }
    return text
  }

  private static func trimmed(_ text: Substring) -> String {
    var part = text
    while part.first?.isWhitespace == true || part.first == "\u{FEFF}" { part = part.dropFirst() }
    while part.last?.isWhitespace == true { part = part.dropLast() }
    return String(part)
  }
}
