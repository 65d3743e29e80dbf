/// The figures of the page.
extension ReportPage {
  var plots: String {
    section(
      "Throughput and latency",
      [.throughput, .median, .tail, .settlement].compactMap(keyFigure))
      + section("Messages per transaction", [.messages, .bytes].compactMap(keyFigure))
      + section("Cost per transaction", KeyMetric.costs.compactMap(keyFigure))
      + section("Over time", seriesFigures)
      + section(
        "Latency by phase", latencyFigures,
        note: "From the median (marker) to 99 %, with marks at 90 and 95 %; means over "
          + "replications." + omission)
      + section(
        "Messages by type", messageFigures,
        note: "Bytes sent per run, and how many messages; means over replications." + omission)
  }

  private func section(_ title: String, _ figures: [Figure], note: String = "") -> String {
    guard !figures.isEmpty else { return "" }
    return "<section>\n<h2>\(Markup.escape(title))</h2>\n"
      + (note.isEmpty ? "" : "<p class=\"note\">\(Markup.escape(note))</p>\n")
      + "<div class=\"figures\">\n\(figures.map(\.text).joined())</div>\n</section>\n"
  }

  private var shown: ArraySlice<Case> { cases.prefix(Self.shownCases) }

  private var omission: String {
    cases.count > shown.count
      ? " The first \(shown.count) of \(cases.count) cases are drawn; the tables have all." : ""
  }

  /// A key metric over the swept parameter, or by case where no number is swept.
  private func keyFigure(_ metric: KeyMetric) -> Figure? {
    let values = cases.map { summary.value(metric, of: $0) }
    let known = values.compactMap(\.self)
    guard let first = known.first, known.contains(where: { $0.estimate.mean != 0 }) else {
      return nil
    }
    let unit = DisplayUnit(first.unit, for: known.map(\.estimate.mean))
    let description = "\(metric.title) by case, with 95 % intervals"
    if let axis {
      let curves = self.curves(axis, values)
      if curves.count > Self.shownCases { return dotFigure(metric, unit, axis, curves) }
      let plot = LinePlot(
        curves: curves,
        xTitle: Self.shortened(axis.key) + (axis.unit.isEmpty ? "" : ", ")
          + axis.unit,
        xMarks: unique(axis.values), scale: unit.scale, description: description)
      return Figure(
        title: metric.title, unit: unit.name, legend: curves.map { ($0.series, $0.label) },
        drawing: plot.text)
    }
    let rows = zip(cases, values).enumerated().compactMap { index, entry in
      entry.1.map {
        CategoryPlot.Row(label: entry.0.title, estimate: $0.estimate, series: index)
      }
    }
    let plot = CategoryPlot(
      rows: Array(rows.prefix(Self.shownRows)), scale: unit.scale, description: description)
    return Figure(
      title: metric.title, unit: unit.name,
      note: rows.count > Self.shownRows
        ? "The first \(Self.shownRows) of \(rows.count) cases; the table has all." : "",
      drawing: plot.text)
  }

  /// A row for each curve and a marker for each value of the swept parameter.
  private func dotFigure(
    _ metric: KeyMetric, _ unit: DisplayUnit, _ axis: SweptAxis, _ curves: [LinePlot.Curve]
  ) -> Figure {
    let marks = unique(axis.values)
    let suffix = axis.unit.isEmpty ? "" : " " + axis.unit
    let names = marks.map { "\(Self.shortened(axis.key)) \(Axis.label($0))\(suffix)" }
    let rows = curves.prefix(Self.shownRows).map { curve in
      DotPlot.Row(
        label: curve.label,
        points: curve.points.compactMap { point in
          marks.firstIndex(of: point.x).map { ($0, names[$0], point.value) }
        })
    }
    let plot = DotPlot(
      rows: rows, scale: unit.scale,
      description: "\(metric.title) by case and \(Self.shortened(axis.key)), with 95 % intervals")
    return Figure(
      title: metric.title, unit: unit.name,
      note: curves.count > rows.count
        ? "The first \(rows.count) of \(curves.count) rows; the table has all." : "",
      legend: names.enumerated().map { ($0.offset, $0.element) }, drawing: plot.text)
  }

  /// One curve for each combination of the labels that are not on the x axis.
  private func curves(_ axis: SweptAxis, _ values: [Summary.Value?]) -> [LinePlot.Curve] {
    var curves: [LinePlot.Curve] = []
    for (item, value) in zip(cases, values) {
      let rest = item.labels.filter { $0.key != axis.key }.map(\.value)
      let label = rest.joined(separator: " · ")
      let place: Int
      if let known = curves.firstIndex(where: { $0.label == label }) {
        place = known
      } else {
        place = curves.count
        curves.append(.init(series: place, label: label, points: []))
      }
      if let value { curves[place].points.append((axis.values[item.point], value.estimate)) }
    }
    return curves.map { curve in
      var sorted = curve
      sorted.points = curve.points.enumerated()
        .sorted { ($0.element.x, $0.offset) < ($1.element.x, $1.offset) }.map(\.element)
      return sorted
    }
  }

  private func unique(_ values: [Double]) -> [Double] {
    values.sorted().reduce(into: []) { if $0.last != $1 { $0.append($1) } }
  }

  // MARK: Series

  private var seriesFigures: [Figure] {
    var names: [String] = []
    for item in shown {
      for series in summary.points[item.point].series where series.subsystem == item.subsystem {
        if !names.contains(series.shortName) { names.append(series.shortName) }
      }
    }
    return names.prefix(12).flatMap { seriesFigures($0) }
  }

  /// One figure with a curve a case; or a figure a case, where one scale would flatten some.
  private func seriesFigures(_ name: String) -> [Figure] {
    var curves: [LinePlot.Curve] = []
    var unit = ""
    for (index, item) in shown.enumerated() {
      let found = summary.points[item.point].series.first {
        $0.subsystem == item.subsystem && $0.shortName == name
      }
      guard let found else { continue }
      unit = found.unit
      let points = Self.thinned(found)
      if !points.isEmpty { curves.append(.init(series: index, label: item.title, points: points)) }
    }
    let peaks = curves.map { $0.points.map(\.value.mean.magnitude).max() ?? 0 }
    guard Axis.spans(peaks.filter { $0 > 0 }) else {
      return curves.isEmpty ? [] : [seriesFigure(name, unit, curves, subtitle: "")]
    }
    return curves.map { seriesFigure(name, unit, [$0], subtitle: ", " + $0.label) }
  }

  private func seriesFigure(
    _ name: String, _ unit: String, _ curves: [LinePlot.Curve], subtitle: String
  ) -> Figure {
    let values = curves.flatMap { $0.points.map(\.value.mean.magnitude) }
    let display = DisplayUnit(unit, for: [values.max() ?? 0])
    let plot = LinePlot(
      curves: curves, xTitle: "simulated time, s", scale: display.scale, showsMarkers: false,
      description: "\(name) over simulated time\(subtitle)")
    return Figure(
      title: Self.readable(name) + subtitle, unit: display.name,
      legend: curves.map { ($0.series, $0.label) }, drawing: plot.text)
  }

  /// At most 180 points of a series, each the mean of equally many steps.
  private static func thinned(
    _ series: PointSummary.Series
  ) -> [(x: Double, value: Estimate)] {
    let width = max(1, (series.values.count + 179) / 180)
    return stride(from: 0, to: series.values.count, by: width).compactMap { start in
      let steps = series.values[start..<min(start + width, series.values.count)]
        .compactMap(\.self)
      guard var value = steps.first else { return nil }
      func mean(_ part: (Estimate) -> Double) -> Double {
        steps.reduce(0) { $0 + part($1) } / Double(steps.count)
      }
      // The mean of intervals: a little wide, which is the honest side.
      let hasInterval = steps.allSatisfy { $0.low != nil }
      value.mean = mean(\.mean)
      value.low = hasInterval ? mean(\.lowest) : nil
      value.high = hasInterval ? mean(\.highest) : nil
      return ((Double(start) + Double(steps.count) / 2) * series.step, value)
    }
  }

  static func readable(_ name: String) -> String {
    let words = String(name.map { $0 == "_" || $0 == "-" || $0 == "." ? " " : $0 })
    return words.prefix(1).uppercased() + words.dropFirst()
  }

  // MARK: Latency and messages

  private var latencyFigures: [Figure] {
    shown.enumerated().compactMap { index, item in
      let rows = summary.points[item.point].latencies.filter { $0.subsystem == item.subsystem }
      let known = rows.compactMap { row -> (String, [Estimate])? in
        let quantiles = ["p50", "p90", "p95", "p99"].compactMap { row[$0] }
        return quantiles.count == 4 ? (row.phase, quantiles) : nil
      }
      guard !known.isEmpty else { return nil }
      let unit = DisplayUnit("s", for: known.flatMap { $0.1.map(\.mean) })
      let plot = QuantilePlot(
        rows: known.map { phase, quantiles in
          QuantilePlot.Row(
            label: phase, quantiles: quantiles.map { $0.mean / unit.scale },
            text: [quantiles[0], quantiles[3]].map {
              NumberText.significant($0.mean / unit.scale, 3, space: Markup.space)
            }.joined(separator: " – "))
        }, series: index, description: "Latency by phase of \(item.title)")
      return Figure(
        title: cases.count > 1 ? item.title : "Phases", unit: unit.name, drawing: plot.text)
    }
  }

  private var messageFigures: [Figure] {
    shown.enumerated().compactMap { index, item in
      let rows = summary.points[item.point].messages.filter { $0.subsystem == item.subsystem }
      guard !rows.isEmpty else { return nil }
      let unit = DisplayUnit("B", for: [rows.map(\.bytes.mean).max() ?? 0])
      let largest = rows.enumerated().sorted {
        ($1.element.bytes.mean, $0.offset) < ($0.element.bytes.mean, $1.offset)
      }.map(\.element).prefix(12)
      let plot = CategoryPlot(
        rows: largest.map { row in
          let count = NumberText.significant(row.count.mean, 4, space: Markup.space)
          let bytes = NumberText.significant(
            row.bytes.mean / unit.scale, 3, space: Markup.space)
          return .init(
            label: row.type, estimate: row.bytes, series: index,
            text: "\(count) msgs · \(bytes) \(unit.name)")
        }, scale: unit.scale, description: "Messages by type of \(item.title)")
      let rest = rows.count - largest.count
      return Figure(
        title: cases.count > 1 ? item.title : "Types", unit: unit.name,
        note: rest > 0 ? "\(Self.count(rest, "smaller type")) in messages.csv." : "",
        drawing: plot.text)
    }
  }
}
