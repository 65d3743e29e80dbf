import Scenarios

/// A figure as its file has it: what drawings and pages are made from, so that they are the same
/// whether they are made with the runs or later.
public struct StoredFigure: Sendable {
  public let id: String
  public let title: String
  public let size: Pack.Size
  public let verdict: String
  /// Of all runs, in hexadecimal.
  public let digest: String
  /// Columns by which rows are known; they stand first.
  public let labels: [String]
  public let columns: [String]
  public let rows: [Row]

  public struct Row: Sendable {
    public let cells: [String]
    fileprivate let columns: [String]

    /// Nothing if there is no such column.
    public func text(_ column: String) -> String {
      columns.firstIndex(of: column).map { cells[$0] } ?? ""
    }

    public func number(_ column: String) -> Double? { Double(text(column)) }
  }

  /// Reads what `FigureComparison.csv` writes.
  ///
  /// - Parameter file: for messages.
  public init(_ text: String, file: String) throws(ScenarioErrors) {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: true)[...]
    var head: [Substring] = []
    while let line = lines.first, line.hasPrefix("# ") {
      head.append(line.dropFirst(2))
      lines.removeFirst()
    }
    func wrong(_ what: String) -> ScenarioErrors { PublishedTable.failure(what, file) }
    guard head.count >= 3, let first = Self.parts(head[0]), let second = Self.parts(head[1]),
      let third = Self.parts(head[2]), second.name == "size", third.name == "digest"
    else { throw wrong("is no result of a figure") }
    let state = second.rest.split(separator: "; ", maxSplits: 1).map(String.init)
    guard state.count == 2, let size = Pack.Size(rawValue: state[0]) else {
      throw wrong("has no size and verdict in its second line")
    }
    guard let names = lines.popFirst().map(Self.cells), let place = names.firstIndex(of: "quantity")
    else { throw wrong("has no column 'quantity'") }
    var rows: [Row] = []
    for (k, line) in lines.enumerated() {
      let cells = Self.cells(line)
      guard cells.count == names.count else {
        throw wrong(
          "row \(k + 1) has \(cells.count) values for \(names.count) columns")
      }
      rows.append(Row(cells: cells, columns: names))
    }
    guard !rows.isEmpty else { throw wrong("has no rows") }
    (id, title, self.size, verdict, digest) = (first.name, first.rest, size, state[1], third.rest)
    columns = names
    labels = Array(names[..<place])
    self.rows = rows
  }

  /// `name: rest`.
  private static func parts(_ line: Substring) -> (name: String, rest: String)? {
    let parts = line.split(separator: ": ", maxSplits: 1)
    return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
  }

  /// Cells that hold a comma are quoted; none holds a quote.
  private static func cells(_ line: Substring) -> [String] {
    var cells: [String] = []
    var cell = ""
    var isQuoted = false
    for character in line {
      switch character {
      case "\"": isQuoted.toggle()
      case "," where !isQuoted:
        cells.append(cell)
        cell = ""
      default: cell.append(character)
      }
    }
    return cells + [cell]
  }

  /// Names of the quantities, in order.
  public var quantities: [String] {
    rows.reduce(into: []) { names, row in
      let name = row.text("quantity")
      if !names.contains(name) { names.append(name) }
    }
  }

  /// Relative errors of a model over the values of `quantity` that nothing was fitted on.
  ///
  /// - Parameter column: `error` for the simulation, `bottleneck_error` or `flat_error`.
  public func errors(of quantity: String, _ column: String = "error") -> ErrorSummary? {
    ErrorSummary(
      rows.filter {
        $0.text("quantity") == quantity && ["gate", "held out"].contains($0.text("role"))
      }.compactMap { $0.number(column) })
  }

  /// Whether nothing of it is known to be wrong.
  public var isGood: Bool {
    !verdict.hasPrefix("out of tolerance") && !verdict.hasPrefix("a monitor fired")
  }
}

extension StoredFigure {
  /// `value` in percent, as pages and tables have it.
  public static func percent(_ value: Double) -> String {
    shortNumber(value * 100, digits: 3) + " %"
  }
}
