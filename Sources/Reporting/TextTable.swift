/// The main metrics as aligned plain text, for a terminal.
public struct TextTable: Sendable {
  /// Rows of cells; the first row is a header.
  private struct Row {
    var title: String
    var unit: String
    var cells: [String]
  }

  private let summary: Summary

  public init(_ summary: Summary) { self.summary = summary }

  /// Metrics down, cases (sweep point and subsystem) across; where the terminal is too narrow for
  /// all cases, they follow in further blocks.
  ///
  /// - Parameter width: columns of the terminal; a block is wider only if one case alone is.
  public func text(width: Int = 80) -> String {
    let cases = summary.cases
    let rows = self.rows(cases)
    guard !rows.isEmpty else { return "no metrics\n" }
    let headers = cases.map { $0.labels.map(\.value) }
    let columns = cases.indices.map { column in
      max(
        headers[column].map(\.count).max() ?? 0,
        rows.map { $0.cells[column].count }.max() ?? 0)
    }
    let title = rows.map(\.title.count).max() ?? 0
    let unit = rows.map(\.unit.count).max() ?? 0
    let fixed = title + 2 + unit
    var blocks: [String] = []
    var start = 0
    while start < columns.count {
      var end = start + 1
      var used = fixed + 2 + columns[start]
      while end < columns.count, used + 2 + columns[end] <= width {
        used += 2 + columns[end]
        end += 1
      }
      blocks.append(
        Self.block(rows, headers, columns, start..<end, title: title, unit: unit))
      start = end
    }
    let footer = summary.experiment.points.contains { $0.seeds.count > 1 }
    return blocks.joined(separator: "\n")
      + (footer ? "± is half of a 95 % interval over replications\n" : "")
  }

  private static func block(
    _ rows: [Row], _ headers: [[String]], _ columns: [Int], _ range: Range<Int>, title: Int,
    unit: Int
  ) -> String {
    var text = ""
    let depth = range.map { headers[$0].count }.max() ?? 0
    for line in 0..<depth {
      text += String(repeating: " ", count: title + 2 + unit)
      for column in range {
        let header = headers[column]
        let cell = line < header.count ? header[line] : ""
        text += "  " + pad(cell, columns[column], left: true)
      }
      text = trimmed(text) + "\n"
    }
    for row in rows {
      text += pad(row.title, title) + "  " + pad(row.unit, unit)
      for column in range { text += "  " + pad(row.cells[column], columns[column], left: true) }
      text = trimmed(text) + "\n"
    }
    return text
  }

  /// The key metrics that any case has, or every metric if there are none of these.
  private func rows(_ cases: [Case]) -> [Row] {
    let key = KeyMetric.all.compactMap { metric in
      row(metric.title, cases.map { summary.value(metric, of: $0) })
    }
    if !key.isEmpty { return key }
    var names: [String] = []
    for item in cases {
      for metric in summary.points[item.point].metrics where metric.subsystem == item.subsystem {
        if !names.contains(metric.shortName) { names.append(metric.shortName) }
      }
    }
    return names.compactMap { name in
      row(
        name,
        cases.map { item in
          let found = summary.points[item.point].metrics.first {
            $0.subsystem == item.subsystem && $0.shortName == name
          }
          return found.flatMap { metric in
            metric.estimate.map { Summary.Value(unit: metric.unit, estimate: $0) }
          }
        })
    }
  }

  private func row(_ title: String, _ values: [Summary.Value?]) -> Row? {
    guard let first = values.lazy.compactMap(\.self).first else { return nil }
    let unit = DisplayUnit(first.unit, for: values.compactMap { $0?.estimate.mean })
    return Row(
      title: title, unit: unit.name,
      cells: values.map { value in
        value.map { NumberText.interval($0.estimate, scale: unit.scale) } ?? "-"
      })
  }

  private static func pad(_ text: String, _ width: Int, left: Bool = false) -> String {
    let space = String(repeating: " ", count: max(0, width - text.count))
    return left ? space + text : text + space
  }

  private static func trimmed(_ text: String) -> String {
    var text = text
    while text.last == " " { text.removeLast() }
    return text
  }
}

extension Summary {
  /// The summary for machines: every metric of every point, in plain units.
  public var json: String {
    JSONText.object([
      ("name", .string(experiment.name)),
      ("scenarioDigest", .string(experiment.scenarioDigest)),
      ("version", .string(experiment.version)),
      ("seed", .string(String(experiment.seed))),
      ("points", .array(zip(experiment.points, points).map { Self.json($0, $1) })),
      ("warnings", .array(notices.map(Manifest.notice))),
      ("violations", .array(violations.map(Manifest.violation))),
    ]).text
  }

  private static func json(_ point: SweepPoint, _ summary: PointSummary) -> JSONText {
    .object([
      (
        "labels",
        .array(
          point.labels.map { .object([("key", .string($0.key)), ("value", .string($0.value))]) })
      ),
      ("replications", .integer(point.seeds.count)),
      (
        "metrics",
        .array(
          summary.metrics.map { metric in
            .object([
              ("name", .string(metric.name)), ("unit", .string(metric.unit)),
              ("mean", .optional(metric.estimate?.mean)),
              ("low", .optional(metric.estimate?.low)),
              ("high", .optional(metric.estimate?.high)),
              ("replications", .integer(metric.estimate?.count ?? 0)),
            ])
          })
      ),
    ])
  }
}
