/// Rows of names with a marker for each value of a swept parameter: for more curves than a line
/// plot can tell apart. Rows stand in the same order in every figure of a page.
struct DotPlot {
  struct Row {
    var label: String
    /// By place in the legend.
    var points: [(series: Int, name: String, value: Estimate)]
  }

  var rows: [Row]
  var scale = 1.0
  var description: String

  private static let rowHeight = 19.0
  private static let left = 122.0
  private static let right = Drawing.width - 8

  var text: String {
    let values = rows.flatMap { $0.points.map { $0.value.mean / scale } }
    let isLog = Axis.spans(values.filter { $0 > 0 })
    let axis = Axis(
      values, from: Self.left + 6, to: Self.right, fromZero: true, logarithmic: isLog)
    let bottom = Double(rows.count) * Self.rowHeight + 4
    var drawing = Drawing(height: bottom + 20, description: description)
    for tick in axis.ticks {
      let x = axis.place(tick)
      drawing.line(x, 0, x, bottom, "grid")
      drawing.write(Axis.label(tick), x, bottom + 14, "tick", x > Self.right - 12 ? .end : .middle)
    }
    for (index, row) in rows.enumerated() {
      draw(row, at: (Double(index) + 0.5) * Self.rowHeight, axis, &drawing)
    }
    return drawing.text
  }

  private func draw(_ row: Row, at middle: Double, _ axis: Axis, _ drawing: inout Drawing) {
    drawing.write(
      CategoryPlot.clipped(row.label, 21), Self.left - 4, middle + 3.8, "label", .end)
    drawing.line(Self.left, middle, Self.right, middle, "track")
    if row.points.isEmpty { drawing.write("none", Self.left + 6, middle + 3.8, "tick halo") }
    for point in row.points {
      if let low = point.value.low, let high = point.value.high, low < high {
        drawing.line(
          axis.place(low / scale), middle, axis.place(high / scale), middle,
          "stroke c\(point.series % 8)")
      }
    }
    for point in row.points {
      let value = NumberText.interval(point.value, scale: scale, space: Markup.space)
      drawing.marker(
        axis.place(point.value.mean / scale), middle, series: point.series,
        title: "\(row.label), \(point.name): \(value)")
    }
  }
}
