/// The figures of the page.
extension ReportPage {
  var plots: String {
    PageShell.section(
      "Throughput and latency",
      [.throughput, .median, .tail, .settlement].compactMap(keyFigure))
      + loadSection
      + PageShell.section(
        "Messages per transaction", [.messages, .bytes].compactMap(keyFigure))
      + PageShell.section("Cost per transaction", KeyMetric.costs.compactMap(keyFigure))
      + PageShell.section(
        "What the cost is made of", breakdownFigures,
        note: "Shares of each case's total." + omission)
      + overTime
      + PageShell.section(
        "Latency by phase", latencyFigures,
        note: "From the median (marker) to 99 %, with marks at 90 and 95 %; means over "
          + "replications." + omission)
      + PageShell.section(
        "Messages by type", messageFigures,
        note: "Bytes sent per run, and how many messages; means over replications." + omission)
      + shardSection
      + PageShell.section(
        "Busiest machines", machineFigures,
        note: "For how much of the run each resource was busy; means over replications. A lane "
          + "is a node's busiest event loop." + pointOmission)
  }

  var shown: ArraySlice<Case> { cases.prefix(Self.shownCases) }

  var omission: String {
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
  func curves(_ axis: SweptAxis, _ values: [Summary.Value?]) -> [LinePlot.Curve] {
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

  func unique(_ values: [Double]) -> [Double] {
    values.sorted().reduce(into: []) { if $0.last != $1 { $0.append($1) } }
  }

  // MARK: Series

  /// What happens in the scenario, as far as its times are known, is marked in the figures.
  private var overTime: String {
    let figures = seriesFigures
    guard !figures.isEmpty else { return "" }
    var list = ""
    for (index, fault) in (commonFaults ?? []).enumerated() {
      list += "<li><b>\(Self.letter(index))</b>\(Markup.escape(Self.sentence(fault)))</li>\n"
    }
    if !list.isEmpty { list = "<ul class=\"faults\">\n\(list)</ul>\n" }
    let differ = commonFaults == nil
    return PageShell.section(
      "Over time", list + "<div class=\"figures\">\n\(figures.map(\.text).joined())</div>\n",
      note: "Means over replications, in a band of their 95 % intervals where there are several."
        + (differ ? " Faults differ between the points; see the scenario." : "") + omission)
  }

  /// Those of all points; `nil` if points differ in them.
  private var commonFaults: [SweepPoint.Mark]? {
    let all = shown.map { summary.experiment.points[$0.point].faults }
    return all.allSatisfy { $0 == all.first } ? all.first ?? [] : nil
  }

  private static func letter(_ index: Int) -> String {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return index < letters.count ? String(letters[index]) : "\(index + 1)"
  }

  private static func sentence(_ fault: SweepPoint.Mark) -> String {
    guard let start = fault.start else { return fault.text }
    func time(_ seconds: Double) -> String { NumberText.compact(seconds, 6) + " s" }
    return fault.text
      + (fault.end.map { ", \(time(start)) to \(time($0))" } ?? ", from \(time(start))")
  }

  private var marks: [(letter: String, start: Double, end: Double?)] {
    (commonFaults ?? []).enumerated().compactMap { index, fault in
      fault.start.map { (Self.letter(index), $0, fault.end) }
    }
  }

  private var seriesFigures: [Figure] {
    var names: [String] = []
    for item in shown {
      for series in summary.points[item.point].series where series.subsystem == item.subsystem {
        // A series of one step has no width on an axis of time.
        guard series.values.count > 1, !names.contains(series.shortName) else { continue }
        names.append(series.shortName)
      }
    }
    // What a reader looks for first.
    let first = ["throughput", "latency"].filter(names.contains)
    return (first + names.filter { !first.contains($0) }).prefix(12).flatMap { seriesFigures($0) }
  }

  /// One figure with a curve a case; or a figure a case, where one scale would flatten some.
  private func seriesFigures(_ name: String) -> [Figure] {
    var curves: [LinePlot.Curve] = []
    var unit = ""
    for (index, item) in shown.enumerated() {
      let found = summary.points[item.point].series.first {
        $0.subsystem == item.subsystem && $0.shortName == name
      }
      guard let found, found.values.count > 1 else { continue }
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
      marks: marks, description: "\(name) over simulated time\(subtitle)")
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
}
