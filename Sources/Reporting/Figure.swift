/// A drawing with its caption and legend, as the page shows it.
struct Figure {
  var title: String
  /// Unit of what is drawn, or nothing.
  var unit = ""
  var note = ""
  var legend: [(series: Int, label: String)] = []
  var drawing: String

  var text: String {
    var out = "<figure>\n<figcaption><strong>\(Markup.escape(title))</strong>"
    if !unit.isEmpty { out += " <span class=\"unit\">\(Markup.escape(unit))</span>" }
    out += "</figcaption>\n"
    if legend.count > 1 {
      out += "<ul class=\"legend\">"
      for entry in legend {
        let shape = Drawing.shape(6, 6, entry.series)
        out +=
          "<li data-series=\"c\(entry.series % 8)\"><svg viewBox=\"0 0 12 12\" "
          + "aria-hidden=\"true\">\(shape)</svg>\(Markup.escape(entry.label))</li>"
      }
      out += "</ul>\n"
    }
    out += drawing
    if !note.isEmpty { out += "<p class=\"note\">\(Markup.escape(note))</p>\n" }
    return out + "</figure>\n"
  }
}

/// Rows of one value each, their label above and the value at the right: bars from zero, or dots
/// on a logarithmic axis where values are far apart (a bar's length means nothing there).
struct CategoryPlot {
  struct Row {
    var label: String
    var estimate: Estimate
    var series: Int
    /// Shown instead of the value.
    var text: String?
  }

  var rows: [Row]
  var scale = 1.0
  var description: String

  private static let rowHeight = 38.0
  private static let left = 4.0
  private static let right = Drawing.width - 6

  var text: String {
    let values = rows.map { $0.estimate.mean / scale }
    let ends = rows.flatMap { [$0.estimate.lowest / scale, $0.estimate.highest / scale] }
    let isLog = Axis.spans(values)
    let axis = Axis(
      isLog
        ? values + ends.filter { $0 >= (values.min() ?? 0) / 3 }
        : Axis.worthShowing(values, ends),
      from: Self.left, to: Self.right, fromZero: true, logarithmic: isLog)
    let bottom = Double(rows.count) * Self.rowHeight + 4
    var drawing = Drawing(height: bottom + 20, description: description)
    for tick in axis.ticks {
      let x = axis.place(tick)
      drawing.line(x, 0, x, bottom, "grid")
      let anchor: Drawing.Anchor =
        x < Self.left + 12 ? .start : x > Self.right - 12 ? .end : .middle
      drawing.write(Axis.label(tick), x, bottom + 14, "tick", anchor)
    }
    for (index, row) in rows.enumerated() {
      draw(row, at: Double(index) * Self.rowHeight, axis, &drawing)
    }
    return drawing.text
  }

  private func draw(_ row: Row, at top: Double, _ axis: Axis, _ drawing: inout Drawing) {
    let value =
      row.text ?? NumberText.interval(row.estimate, scale: scale, space: Markup.space)
    let room = max(12, 50 - value.count)
    drawing.write(Self.clipped(row.label, room), Self.left, top + 14, "label halo")
    drawing.write(value, Self.right, top + 14, "value halo", .end)
    let middle = top + 27
    let mean = axis.place(row.estimate.mean / scale)
    if axis.isLogarithmic {
      drawing.line(Self.left, middle, Self.right, middle, "track")
    } else {
      let zero = axis.place(0)
      drawing.rectangle(
        min(zero, mean), middle - 5.5, (mean - zero).magnitude, 11, "bar c\(row.series % 8)",
        radius: 1.5)
    }
    if let low = row.estimate.low, let high = row.estimate.high, low < high {
      let from = axis.place(low / scale)
      let to = axis.place(high / scale)
      drawing.line(from, middle, to, middle, "error")
      drawing.line(from, middle - 3.5, from, middle + 3.5, "error")
      drawing.line(to, middle - 3.5, to, middle + 3.5, "error")
    }
    if axis.isLogarithmic {
      drawing.marker(mean, middle, series: row.series, title: "\(row.label): \(value)")
    }
  }

  static func clipped(_ text: String, _ count: Int) -> String {
    text.count <= count ? text : text.prefix(count - 1) + "…"
  }
}

/// The spread of each latency phase: a band from the median to 99 %, with marks at 90 and 95 %.
struct QuantilePlot {
  struct Row {
    var label: String
    /// Median, 90, 95 and 99 %, ascending.
    var quantiles: [Double]
    var text: String
  }

  var rows: [Row]
  var series: Int
  var description: String

  private static let rowHeight = 38.0
  private static let left = 4.0
  private static let right = Drawing.width - 6

  var text: String {
    let values = rows.flatMap(\.quantiles)
    let axis = Axis(
      values, from: Self.left + 4, to: Self.right - 4, fromZero: true)
    let bottom = Double(rows.count) * Self.rowHeight + 4
    var drawing = Drawing(height: bottom + 20, description: description)
    for tick in axis.ticks {
      let x = axis.place(tick)
      drawing.line(x, 0, x, bottom, "grid")
      let anchor: Drawing.Anchor =
        x < Self.left + 12 ? .start : x > Self.right - 12 ? .end : .middle
      drawing.write(Axis.label(tick), x, bottom + 14, "tick", anchor)
    }
    for (index, row) in rows.enumerated() {
      let top = Double(index) * Self.rowHeight
      let middle = top + 27
      drawing.write(row.label, Self.left, top + 14, "label halo")
      drawing.write(row.text, Self.right, top + 14, "value halo", .end)
      let places = row.quantiles.map { axis.place($0) }
      drawing.line(Self.left, middle, Self.right, middle, "track")
      guard let first = places.first, let last = places.last else { continue }
      drawing.rectangle(first, middle - 4, last - first, 8, "band c\(series % 8)", radius: 2)
      for place in places.dropFirst() {
        drawing.line(place, middle - 4, place, middle + 4, "stroke c\(series % 8)")
      }
      drawing.marker(first, middle, series: series, title: "\(row.label): \(row.text)")
    }
    return drawing.text
  }
}
