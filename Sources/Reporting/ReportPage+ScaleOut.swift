/// Throughput over the number of shards, beside what it could be.
extension ReportPage {
  private static let cap = KeyMetric("Scale-out cap", ["scale_out_cap"], .higher)

  /// A sweep over the number of shards that begins with one: so many times its throughput would be
  /// ideal, and the busiest shard's work says how much of that there can be.
  var scaleOutSection: String {
    guard let axis, axis.key == "shards.count" else { return "" }
    let measured = curves(axis, cases.map { summary.value(.throughput, of: $0) })
    let caps = curves(axis, cases.map { summary.value(Self.cap, of: $0) })
    let figures = zip(measured, caps).compactMap { scaleOutFigure($0, caps: $1) }
    return PageShell.section(
      "Scale-out", Array(figures.prefix(Self.shownCases)),
      note: "Ideal: k shards decide k times what one does. By the busiest shard: what one decides, "
        + "times 1 over the busiest shard's work for a transfer (scale_out_cap), which follows "
        + "from where accounts live and what crossing costs." + omission)
  }

  private func scaleOutFigure(_ measured: LinePlot.Curve, caps: LinePlot.Curve) -> Figure? {
    guard measured.points.count > 1, let one = measured.points.first(where: { $0.x == 1 })
    else { return nil }
    func line(_ series: Int, _ label: String, _ points: [(x: Double, times: Double)])
      -> LinePlot.Curve
    {
      LinePlot.Curve(
        series: series, label: label,
        points: points.map { point in
          let throughput = one.value.mean * point.times
          return (point.x, Estimate(stored: throughput, low: nil, high: nil, count: 1))
        })
    }
    var lines = [
      LinePlot.Curve(series: 0, label: "measured", points: measured.points),
      line(1, "by the busiest shard", caps.points.map { ($0.x, $0.value.mean) }),
      line(2, "ideal", measured.points.map { ($0.x, $0.x) }),
    ]
    lines.removeAll { $0.points.isEmpty }
    let unit = DisplayUnit("tx/s", for: lines.flatMap { $0.points.map(\.value.mean) })
    let name = measured.label.isEmpty ? "" : ", " + measured.label
    let plot = LinePlot(
      curves: lines, xTitle: "shards", xMarks: unique(measured.points.map(\.x)),
      scale: unit.scale, description: "Throughput over the number of shards\(name)")
    return Figure(
      title: "Throughput\(name)", unit: unit.name,
      legend: lines.map { ($0.series, $0.label) }, drawing: plot.text)
  }
}
