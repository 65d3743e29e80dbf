/// Curves over a number: a swept parameter (points with error bars) or time (a line in its band).
struct LinePlot {
  struct Curve {
    var series: Int
    var label: String
    var points: [(x: Double, value: Estimate)]
  }

  var curves: [Curve]
  var xTitle: String
  /// The values of a swept parameter, which are marked on the axis; none for time.
  var xMarks: [Double] = []
  var scale = 1.0
  var fromZero = true
  var showsMarkers = true
  /// Times at which something happens, with its letter; `end` of `nil`: it lasts.
  var marks: [(letter: String, start: Double, end: Double?)] = []
  var description: String

  private static let height = 230.0
  private static let left = 44.0
  private static let right = Drawing.width - 10
  private static let top = 8.0
  private static let bottom = height - 38

  var text: String {
    let points = curves.flatMap(\.points)
    let means = points.map { $0.value.mean / scale }
    let ends = points.flatMap { [$0.value.lowest / scale, $0.value.highest / scale] }
    let isLog = showsMarkers && Axis.spans(means)
    let y = Axis(
      isLog
        ? means + ends.filter { $0 >= (means.min() ?? 0) / 3 } : Axis.worthShowing(means, ends),
      from: Self.bottom, to: Self.top + (marks.isEmpty ? 0 : 12), fromZero: fromZero,
      logarithmic: isLog)
    let xs = points.map(\.x)
    let ratio = (xs.max() ?? 1) / (xs.min() ?? 1)
    let x = Axis(
      xs, from: Self.left + (showsMarkers ? 10 : 0), to: Self.right - (showsMarkers ? 6 : 0),
      fromZero: !showsMarkers, logarithmic: showsMarkers && ratio.isFinite && ratio >= 8,
      isTight: !showsMarkers)
    var drawing = Drawing(height: Self.height, description: description)
    if !showsMarkers { drawing.scales = (x, y) }
    for mark in marks { draw(mark, x, &drawing) }
    frame(x, y, &drawing)
    for curve in curves where !showsMarkers { band(curve, x, y, &drawing) }
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
    var lastEnd = -Double.infinity
    for tick in xMarks.isEmpty ? x.ticks : xMarks {
      let place = x.place(tick)
      drawing.line(place, Self.bottom, place, Self.bottom + 4, "axis")
      let label = Axis.label(tick)
      let half = Double(label.count) * 3.2
      guard place - half > lastEnd + 4 else { continue }
      drawing.write(label, place, Self.bottom + 16, "tick", .middle)
      lastEnd = place + half
    }
    drawing.write(
      CategoryPlot.clipped(xTitle, 52), (Self.left + Self.right) / 2, Self.height - 5, "title",
      .middle)
  }

  /// A shade from the start of what happens to its end, behind everything else.
  private func draw(
    _ mark: (letter: String, start: Double, end: Double?), _ x: Axis, _ drawing: inout Drawing
  ) {
    guard mark.start <= x.high else { return }
    let from = x.place(mark.start)
    let to = x.place(mark.end ?? x.high)
    drawing.rectangle(from, Self.top, max(to - from, 1.5), Self.bottom - Self.top, "fault")
    drawing.line(from, Self.top, from, Self.bottom, "strike")
    drawing.write(mark.letter, min(from + 3, Self.right - 8), Self.top + 9, "letter")
  }

  private func band(_ curve: Curve, _ x: Axis, _ y: Axis, _ drawing: inout Drawing) {
    let known = curve.points.filter { $0.value.low != nil }
    let upper = known.map { (x: x.place($0.x), y: y.place($0.value.highest / scale)) }
    let lower = known.map { (x: x.place($0.x), y: y.place($0.value.lowest / scale)) }
    if upper.count > 1 {
      drawing.path(upper + lower.reversed(), "band c\(curve.series % 8)", closed: true)
    }
  }

  private func draw(_ curve: Curve, _ x: Axis, _ y: Axis, _ drawing: inout Drawing) {
    let places = curve.points.map { (x: x.place($0.x), y: y.place($0.value.mean / scale)) }
    if places.count > 1 {
      drawing.path(places, "curve c\(curve.series % 8)", name: showsMarkers ? nil : curve.label)
    }
    guard showsMarkers else { return }
    for (point, place) in zip(curve.points, places) {
      if let low = point.value.low, let high = point.value.high, low < high {
        let from = y.place(low / scale)
        let to = y.place(high / scale)
        drawing.line(place.x, from, place.x, to, "stroke c\(curve.series % 8)")
        for end in [from, to] {
          drawing.line(place.x - 3, end, place.x + 3, end, "stroke c\(curve.series % 8)")
        }
      }
      let value = NumberText.interval(point.value, scale: scale, space: Markup.space)
      drawing.marker(
        place.x, place.y, series: curve.series,
        title: "\(curve.label), \(Axis.label(point.x)): \(value)")
    }
  }
}
