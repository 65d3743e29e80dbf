/// Latency over throughput as the offered load grows, and where the system stops keeping up.
extension ReportPage {
  /// One load of a system: what was offered, what was decided, how long it took.
  private struct LoadPoint {
    var offered: Estimate
    var throughput: Estimate
    var median: Estimate?
    var tail: Estimate?

    /// Keeps up with what is offered, but for the slack of `tributary knee`, as far as the interval
    /// of the throughput can tell.
    var isBounded: Bool { throughput.highest >= (1 - slack) * offered.mean }
  }

  private static let slack = 0.02

  private struct LoadCurve {
    var label: String
    /// By offered load.
    var points: [LoadPoint]

    /// The last point up to which all keep up.
    var knee: Int? {
      let bounded = points.prefix { $0.isBounded }.count
      return bounded > 0 && bounded < points.count ? bounded - 1 : nil
    }
  }

  var loadSection: String {
    let curves = loadCurves
    guard !curves.isEmpty else { return "" }
    let figures = [
      loadFigure("Median latency", curves, \.median), loadFigure("99 % latency", curves, \.tail),
    ].compactMap(\.self)
    guard !figures.isEmpty else { return "" }
    let sentences = curves.map { "<li>\(Markup.escape(Self.sentence($0)))</li>\n" }.joined()
    return PageShell.section(
      "Latency against throughput",
      "<ul class=\"sentences\">\n\(sentences)</ul>\n"
        + "<div class=\"figures\">\n\(figures.map(\.text).joined())</div>\n",
      note: "A marker for each offered load; a ring marks the knee, the largest load that the "
        + "system keeps up with: the interval of what it decides reaches 98 % of it. Between the "
        + "loads of a sweep it can be anywhere; 'tributary knee' searches there.")
  }

  /// Curves of at least three loads, over a swept part of the workload.
  private var loadCurves: [LoadCurve] {
    guard let axis, axis.key.hasPrefix("workload.") else { return [] }
    let offered = curves(axis, cases.map { summary.value(KeyMetric.offered, of: $0) })
    let throughput = curves(axis, cases.map { summary.value(.throughput, of: $0) })
    let median = curves(axis, cases.map { summary.value(.median, of: $0) })
    let tail = curves(axis, cases.map { summary.value(.tail, of: $0) })
    return offered.indices.prefix(Self.shownCases).compactMap { index in
      func value(_ curves: [LinePlot.Curve], at x: Double) -> Estimate? {
        curves[index].points.first { $0.x == x }?.value
      }
      let points = offered[index].points.compactMap { point -> LoadPoint? in
        guard let decided = value(throughput, at: point.x) else { return nil }
        return LoadPoint(
          offered: point.value, throughput: decided, median: value(median, at: point.x),
          tail: value(tail, at: point.x))
      }.sorted { $0.offered.mean < $1.offered.mean }
      guard points.count > 2, let first = points.first, let last = points.last,
        first.offered.mean > 0, last.offered.mean > 1.5 * first.offered.mean
      else { return nil }
      return LoadCurve(label: offered[index].label, points: points)
    }
  }

  private func loadFigure(
    _ title: String, _ curves: [LoadCurve], _ latency: (LoadPoint) -> Estimate?
  ) -> Figure? {
    let values = curves.flatMap { $0.points.compactMap { latency($0)?.mean } }
    guard values.count > 2 else { return nil }
    let unit = DisplayUnit("s", for: values)
    let plot = LoadPlot(
      curves: curves.enumerated().map { series, curve in
        LoadPlot.Curve(
          series: series, label: curve.label,
          points: curve.points.enumerated().compactMap { index, point in
            latency(point).map {
              LoadPlot.Point(
                offered: point.offered.mean, throughput: point.throughput, latency: $0,
                isKnee: index == curve.knee)
            }
          })
      }, scale: unit.scale, unit: unit.name,
      description: "\(title) over throughput, with 95 % intervals")
    return Figure(
      title: title, unit: unit.name,
      legend: curves.enumerated().map { ($0.offset, $0.element.label) }, drawing: plot.text)
  }

  /// `pbft: knee between 2 000 and 5 000 tx/s offered`.
  private static func sentence(_ curve: LoadCurve) -> String {
    func load(_ index: Int) -> String {
      NumberText.significant(curve.points[index].offered.mean, 3, space: Markup.space)
    }
    let name = curve.label.isEmpty ? "" : curve.label + ": "
    let last = curve.points.count - 1
    if let knee = curve.knee {
      return name + "knee between \(load(knee)) and \(load(knee + 1)) tx/s offered"
    }
    return curve.points[0].isBounded
      ? name + "keeps up with all loads, to \(load(last)) tx/s; the knee is beyond"
      : name + "does not keep up even with \(load(0)) tx/s, the lowest load"
  }
}

/// Latency over throughput, with intervals of both.
struct LoadPlot {
  struct Point {
    /// Transactions per second.
    var offered: Double
    var throughput: Estimate
    var latency: Estimate
    var isKnee: Bool
  }

  struct Curve {
    var series: Int
    var label: String
    /// By offered load.
    var points: [Point]
  }

  var curves: [Curve]
  /// Of latency.
  var scale: Double
  var unit: String
  var description: String

  private static let height = 240.0
  private static let left = 44.0
  private static let right = Drawing.width - 10
  private static let top = 8.0
  private static let bottom = height - 38

  var text: String {
    let points = curves.flatMap(\.points)
    let latencies = points.map { $0.latency.mean / scale }
    let isLog = Axis.spans(latencies)
    let ends = points.flatMap { [$0.latency.lowest / scale, $0.latency.highest / scale] }
    let y = Axis(
      isLog
        ? latencies + ends.filter { $0 >= (latencies.min() ?? 0) / 3 }
        : Axis.worthShowing(latencies, ends),
      from: Self.bottom, to: Self.top, fromZero: true, logarithmic: isLog)
    let rates = points.map(\.throughput.mean)
    let x = Axis(
      rates, from: Self.left + 8, to: Self.right - 8, fromZero: true,
      logarithmic: Axis.spans(rates))
    var drawing = Drawing(height: Self.height, description: description)
    frame(x, y, &drawing)
    for curve in curves { draw(curve, x, y, &drawing) }
    return drawing.text
  }

  private func frame(_ x: Axis, _ y: Axis, _ drawing: inout Drawing) {
    for tick in y.ticks {
      let place = y.place(tick)
      drawing.line(Self.left, place, Self.right, place, "grid")
      drawing.write(Axis.label(tick), Self.left - 6, place + 3.8, "tick", .end)
    }
    drawing.line(Self.left, Self.bottom, Self.right, Self.bottom, "axis")
    for tick in x.ticks {
      let place = x.place(tick)
      drawing.line(place, Self.bottom, place, Self.bottom + 4, "axis")
      drawing.write(Axis.label(tick), place, Self.bottom + 16, "tick", .middle)
    }
    drawing.write(
      "throughput, tx/s", (Self.left + Self.right) / 2, Self.height - 5, "title", .middle)
  }

  private func draw(_ curve: Curve, _ x: Axis, _ y: Axis, _ drawing: inout Drawing) {
    let colour = "c\(curve.series % 8)"
    let places = curve.points.map {
      (x: x.place($0.throughput.mean), y: y.place($0.latency.mean / scale))
    }
    if places.count > 1 { drawing.path(places, "curve \(colour)") }
    for (point, place) in zip(curve.points, places) {
      if let low = point.latency.low, let high = point.latency.high, low < high {
        drawing.line(
          place.x, y.place(low / scale), place.x, y.place(high / scale), "stroke \(colour)")
      }
      if let low = point.throughput.low, let high = point.throughput.high, low < high {
        drawing.line(x.place(low), place.y, x.place(high), place.y, "stroke \(colour)")
      }
      if point.isKnee { drawing.ring(place.x, place.y, radius: 9, "knee \(colour)") }
      func number(_ value: Double) -> String {
        NumberText.significant(value, 4, space: Markup.space)
      }
      drawing.marker(
        place.x, place.y, series: curve.series,
        title: "\(curve.label.isEmpty ? "" : curve.label + ", ")offered "
          + "\(number(point.offered)) tx/s: decided \(number(point.throughput.mean)) tx/s, "
          + "\(number(point.latency.mean / scale)) \(unit)")
    }
  }
}
