/// Bars of equal length, cut into the parts of a total.
struct StackPlot {
  struct Row {
    var label: String
    /// In plain units.
    var parts: [(name: String, value: Double, unit: String)]
    var unit: String
  }

  var rows: [Row]
  /// Of the parts, in the order of the legend.
  var names: [String]
  var description: String

  private static let rowHeight = 38.0
  private static let left = 4.0
  private static let right = Drawing.width - 6

  var text: String {
    let bottom = Double(rows.count) * Self.rowHeight + 4
    var drawing = Drawing(height: bottom + 20, description: description)
    for percent in [0.0, 25, 50, 75, 100] {
      let x = Self.left + percent / 100 * (Self.right - Self.left)
      drawing.line(x, 0, x, bottom, "grid")
      drawing.write(
        "\(Int(percent)) %", x, bottom + 14, "tick",
        percent == 0 ? .start : percent == 100 ? .end : .middle)
    }
    for (index, row) in rows.enumerated() {
      draw(row, at: Double(index) * Self.rowHeight, &drawing)
    }
    return drawing.text
  }

  private func draw(_ row: Row, at top: Double, _ drawing: inout Drawing) {
    let total = row.parts.reduce(0) { $0 + $1.value }
    let unit = DisplayUnit(row.unit, for: [total])
    func amount(_ value: Double) -> String {
      NumberText.significant(value / unit.scale, 3, space: Markup.space) + " " + unit.name
    }
    let sum = amount(total)
    drawing.write(
      CategoryPlot.clipped(row.label, max(12, 50 - sum.count)), Self.left, top + 14, "label halo")
    drawing.write(sum, Self.right, top + 14, "value halo", .end)
    var from = Self.left
    for part in row.parts where part.value > 0 {
      let share = part.value / total
      let width = share * (Self.right - Self.left)
      let series = names.firstIndex(of: part.name) ?? 0
      drawing.cell(
        from, top + 21.5, max(width - 0.8, 0.4), 11, "bar c\(series % 8)",
        title: "\(row.label), \(part.name): \(amount(part.value)), "
          + "\(NumberText.significant(share * 100, 3)) %")
      from += width
    }
  }
}

/// Rows over time as cells, the darker the more.
struct HeatPlot {
  struct Row {
    var label: String
    /// `nil` where there is no value.
    var values: [Double?]
    /// Seconds.
    var step: Double
  }

  var rows: [Row]
  var unit: String
  var description: String

  private static let left = 34.0
  private static let right = Drawing.width - 8

  var text: String {
    let most = rows.flatMap { $0.values.compactMap(\.self) }.max() ?? 0
    let height = rows.count > 16 ? 11.0 : 18.0
    let bottom = Double(rows.count) * height + 4
    var drawing = Drawing(height: bottom + 62, description: description)
    let end = rows.map { Double($0.values.count) * $0.step }.max() ?? 1
    let axis = Axis(
      [0, end], from: Self.left, to: Self.right, fromZero: true, logarithmic: false, isTight: true)
    for (index, row) in rows.enumerated() {
      let top = Double(index) * height
      drawing.write(
        CategoryPlot.clipped(row.label, 6), Self.left - 5, top + height / 2 + 3.6, "tick", .end)
      for (step, value) in row.values.enumerated() {
        guard let value, value > 0 else { continue }
        let from = axis.place(Double(step) * row.step)
        let to = axis.place(Double(step + 1) * row.step)
        let start = NumberText.compact(Double(step) * row.step, 4)
        drawing.cell(
          from, top, to - from, height - 1, "heat", opacity: 0.06 + 0.94 * value / most,
          title: "shard \(row.label), from \(start) s: "
            + "\(NumberText.significant(value, 3, space: Markup.space)) \(unit)")
      }
    }
    drawing.line(Self.left, bottom - 2, Self.right, bottom - 2, "axis")
    for tick in axis.ticks {
      let x = axis.place(tick)
      drawing.line(x, bottom - 2, x, bottom + 2, "axis")
      drawing.write(
        Axis.label(tick), x, bottom + 14, "tick", x > Self.right - 12 ? .end : .middle)
    }
    drawing.write("simulated time, s", (Self.left + Self.right) / 2, bottom + 28, "title", .middle)
    key(most, at: bottom + 42, &drawing)
    return drawing.text
  }

  /// What the shades stand for.
  private func key(_ most: Double, at top: Double, _ drawing: inout Drawing) {
    let steps = 20
    let width = 140.0 / Double(steps)
    drawing.write("0", Self.left, top + 9, "tick")
    for step in 0..<steps {
      let share = (Double(step) + 0.5) / Double(steps)
      drawing.cell(
        Self.left + 12 + Double(step) * width, top, width, 11, "heat",
        opacity: 0.06 + 0.94 * share,
        title: "\(NumberText.significant(share * most, 3, space: Markup.space)) \(unit)")
    }
    drawing.write(
      "\(NumberText.significant(most, 3, space: Markup.space)) \(unit)", Self.left + 158, top + 9,
      "tick")
  }
}

/// Shares of a whole in rows and columns: a small bar and its number in each cell.
struct SharesPlot {
  struct Row {
    var label: String
    var shares: [Double?]
  }

  var columns: [String]
  var rows: [Row]
  var description: String

  private static let rowHeight = 22.0
  private static let left = 66.0
  private static let right = Drawing.width - 4

  var text: String {
    var drawing = Drawing(
      height: Double(rows.count + 1) * Self.rowHeight, description: description)
    let width = (Self.right - Self.left) / Double(max(columns.count, 1))
    for (column, name) in columns.enumerated() {
      drawing.write(name, Self.left + (Double(column) + 1) * width - 6, 14, "tick", .end)
    }
    for (index, row) in rows.enumerated() {
      let top = Double(index + 1) * Self.rowHeight
      drawing.write(CategoryPlot.clipped(row.label, 11), 0, top + 14.5, "label")
      for (column, share) in row.shares.enumerated() {
        let x = Self.left + Double(column) * width
        guard let share else { continue }
        let percent = NumberText.significant(share * 100, 2, space: Markup.space) + " %"
        drawing.rectangle(x + 2, top + 2, width - 6, Self.rowHeight - 5, "cellback", radius: 2)
        drawing.cell(
          x + 2, top + 2, share * (width - 6), Self.rowHeight - 5, "band c0",
          title: "\(row.label), \(columns[column]): \(percent)")
        drawing.write(percent, x + width - 7, top + 14.5, "label", .end)
      }
    }
    return drawing.text
  }
}
