/// A published figure and its simulated counterpart as a drawing of its own: open markers and thin
/// lines are published, filled markers with error bars are simulated.
public struct ReproducedFigure: Sendable {
  public struct Point: Sendable {
    public var x: Double
    public var value: Double
    /// Ends of its error bar.
    public var low: Double?
    public var high: Double?

    public init(x: Double, value: Double, low: Double? = nil, high: Double? = nil) {
      self.x = x
      self.value = value
      self.low = low
      self.high = high
    }
  }

  public struct Curve: Sendable {
    public var label: String
    public var published: [Point]
    public var simulated: [Point]

    public init(label: String, published: [Point], simulated: [Point]) {
      self.label = label
      self.published = published
      self.simulated = simulated
    }
  }

  /// One quantity over the horizontal axis.
  public struct Panel: Sendable {
    public var title: String
    public var unit: String
    public var xTitle: String
    /// Names of the places 0, 1, ... of the horizontal axis, if it is no number.
    public var categories: [String]
    public var isLogarithmic: Bool
    public var curves: [Curve]

    public init(
      title: String, unit: String, xTitle: String, categories: [String], isLogarithmic: Bool,
      curves: [Curve]
    ) {
      self.title = title
      self.unit = unit
      self.xTitle = xTitle
      self.categories = categories
      self.isLogarithmic = isLogarithmic
      self.curves = curves
    }
  }

  public var title: String
  public var note: String
  public var panels: [Panel]

  public init(title: String, note: String, panels: [Panel]) {
    self.title = title
    self.note = note
    self.panels = panels
  }

  /// Of the drawing that stands by itself.
  private static let width = 560.0
  private static let left = 58.0
  private static let plotHeight = 240.0
  private static let head = 44.0
  private static let legendColumns = 3

  /// The drawing as a file: the same bytes for the same figure, on white, in colours that any
  /// program for drawings understands.
  public var svg: String {
    let heights = panels.map { panel in
      Self.plotHeight + 74 + 15 * Double(Self.legendRows(panel))
    }
    var drawing = Drawing(
      width: Self.width, height: Self.head + heights.reduce(0, +),
      description: "\(title): published and simulated")
    drawing.write(CategoryPlot.clipped(title, 64), 10, 20, "name")
    drawing.write(CategoryPlot.clipped(note, 100), 10, 36, "tick")
    var top = Self.head
    for (panel, height) in zip(panels, heights) {
      let unit = panel.unit == "1" ? "" : ", \(panel.unit)"
      drawing.write(panel.title + unit, 10, top + 16, "column")
      let above = legend(panel, at: top + 30, &drawing)
      draw(panel, from: above, width: Self.width, &drawing)
      top += height
    }
    return drawing.file(style: Self.style)
  }

  /// The panels for a page, as narrow as a phone.
  var figures: [Figure] {
    panels.map { panel in
      var drawing = Drawing(
        height: Self.plotHeight + 26, description: "\(panel.title): published and simulated")
      draw(panel, from: 0, width: Drawing.width, &drawing)
      return Figure(
        title: panel.title, unit: panel.unit == "1" ? "" : panel.unit,
        legend: panel.curves.enumerated().map { ($0.offset, $0.element.label) },
        drawing: drawing.text)
    }
  }

  private static func legendRows(_ panel: Panel) -> Int {
    panel.curves.count > 1 ? (panel.curves.count + legendColumns - 1) / legendColumns : 0
  }

  /// - Returns: where the plot begins below it.
  private func legend(_ panel: Panel, at top: Double, _ drawing: inout Drawing) -> Double {
    for (k, curve) in panel.curves.enumerated() where panel.curves.count > 1 {
      let x = 16 + Double(k % Self.legendColumns) * 176
      let y = top + Double(k / Self.legendColumns) * 15
      drawing.marker(x, y - 4, series: k, title: curve.label)
      drawing.write(CategoryPlot.clipped(curve.label, 28), x + 9, y, "tick")
    }
    return top + 15 * Double(Self.legendRows(panel))
  }

  private func draw(
    _ panel: Panel, from above: Double, width: Double, _ drawing: inout Drawing
  ) {
    let bottom = above + Self.plotHeight - 12
    let points = panel.curves.flatMap { $0.published + $0.simulated }
    let ends = points.flatMap { [$0.value, $0.low ?? $0.value, $0.high ?? $0.value] }
    let least = points.map(\.value).filter { $0 > 0 }.min() ?? 0
    let y = Axis(
      panel.isLogarithmic ? ends.filter { $0 >= least / 3 } : ends, from: bottom, to: above + 6,
      fromZero: !panel.isLogarithmic, logarithmic: panel.isLogarithmic)
    let xs = points.map(\.x)
    let ratio = (xs.max() ?? 1) / (xs.min() ?? 1)
    let right = width - 14
    let x = Axis(
      xs, from: Self.left + 12, to: right - 8, fromZero: false,
      logarithmic: panel.categories.isEmpty && ratio.isFinite && ratio >= 20)
    frame(panel, x, y, bottom, right, &drawing)
    for (k, curve) in panel.curves.enumerated() { draw(curve, k, x, y, &drawing) }
  }

  private func frame(
    _ panel: Panel, _ x: Axis, _ y: Axis, _ bottom: Double, _ right: Double,
    _ drawing: inout Drawing
  ) {
    for tick in y.ticks {
      let place = y.place(tick)
      drawing.line(Self.left, place, right, place, "grid")
      drawing.write(Axis.label(tick), Self.left - 6, place + 3.8, "tick", .end)
    }
    drawing.line(Self.left, bottom, right, bottom, "axis")
    let marks =
      panel.categories.isEmpty
      ? x.ticks.map { ($0, Axis.label($0)) }
      : panel.categories.enumerated().map { (Double($0), $1) }
    var lastEnd = -Double.infinity
    for (value, label) in marks {
      let place = x.place(value)
      drawing.line(place, bottom, place, bottom + 4, "axis")
      let half = Double(label.count) * 3.2
      guard place - half > lastEnd + 4 else { continue }
      drawing.write(label, place, bottom + 16, "tick", .middle)
      lastEnd = place + half
    }
    drawing.write(
      CategoryPlot.clipped(panel.xTitle, 60), (Self.left + right) / 2, bottom + 32, "title",
      .middle)
  }

  private func draw(
    _ curve: Curve, _ series: Int, _ x: Axis, _ y: Axis, _ drawing: inout Drawing
  ) {
    let colour = "c\(series % 8)"
    func bar(_ point: Point, _ style: String) {
      guard let low = point.low, let high = point.high, low < high else { return }
      let place = x.place(point.x)
      let (from, to) = (y.place(low), y.place(high))
      drawing.line(place, from, place, to, style)
      for end in [from, to] { drawing.line(place - 3, end, place + 3, end, style) }
    }
    let ordered = curve.published.sorted { $0.x < $1.x }
    let places = ordered.map { (x: x.place($0.x), y: y.place($0.value)) }
    if places.count > 1 { drawing.path(places, "curve thin \(colour)") }
    for point in curve.published {
      bar(point, "stroke thin \(colour)")
      let (px, py) = (x.place(point.x), y.place(point.value))
      drawing.path(
        [(px - 5, py), (px, py - 5), (px + 5, py), (px, py + 5)], "open \(colour)", closed: true)
    }
    for point in curve.simulated {
      bar(point, "stroke \(colour)")
      drawing.marker(
        x.place(point.x), y.place(point.value), series: series,
        title: "\(curve.label), \(Axis.label(point.x)): \(NumberText.compact(point.value, 5))")
    }
  }

  /// Without variables or media queries, which typesetting programs do not know.
  private static let style: String = {
    let colours = [
      "#0072b2", "#d55e00", "#009e73", "#b5498a", "#b98900", "#3a9bd0", "#6a4fb3", "#6b7580",
    ]
    var text = """
      svg{background:#fff;font:11px Inter,"Segoe UI",system-ui,"Helvetica Neue",Arial,sans-serif}
      text{fill:#16202b}
      .name{font-size:14px;font-weight:650}
      .column{font-size:12px;font-weight:620}
      .tick,.title{fill:#5b6875;font-size:10.5px}
      .grid{stroke:#e3e8ed;stroke-width:1}
      .axis{stroke:#5b6875;stroke-width:1}
      .curve{fill:none;stroke-width:1;opacity:.7}
      .open{fill:#fff;stroke-width:1.3}
      .stroke{stroke-width:1.4}
      .thin{stroke-width:.8;opacity:.7}
      """
    for (k, colour) in colours.enumerated() {
      text += "\n.m.c\(k){fill:\(colour)}"
      text += ".curve.c\(k),.open.c\(k),.stroke.c\(k){stroke:\(colour)}"
    }
    return text
  }()
}
