/// Text that is safe inside HTML and SVG.
enum Markup {
  static func escape(_ text: String) -> String {
    var out = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": out.append(contentsOf: "&amp;".unicodeScalars)
      case "<": out.append(contentsOf: "&lt;".unicodeScalars)
      case ">": out.append(contentsOf: "&gt;".unicodeScalars)
      case "\"": out.append(contentsOf: "&quot;".unicodeScalars)
      case "'": out.append(contentsOf: "&#39;".unicodeScalars)
      case "\n", "\t": out.append(scalar)
      // Neither HTML nor XML has these.
      case _ where scalar.value < 0x20 || scalar.value == 0x7f || scalar.value & 0xfffe == 0xfffe:
        out.append("\u{FFFD}")
      default: out.append(scalar)
      }
    }
    return String(out)
  }

  /// Narrow no-break space, between groups of digits.
  static let space = "\u{202F}"
}

/// An SVG drawing being made: shapes in the order of the calls, coordinates to a hundredth.
struct Drawing {
  /// All drawings of a page have the same width, so that text has the same size in all of them.
  static let width = 360.0

  private var body = ""
  private let width: Double
  private let height: Double
  private let description: String
  /// Linear axes, for the script that shows values under the pointer.
  var scales: (x: Axis, y: Axis)?

  init(width: Double = Drawing.width, height: Double, description: String) {
    self.width = width
    self.height = height
    self.description = description
  }

  var text: String {
    let scale = scales.map { " data-x=\"\(Self.ends($0.x))\" data-y=\"\(Self.ends($0.y))\"" }
    return "<svg viewBox=\"\(size)\" role=\"img\" "
      + "aria-label=\"\(Markup.escape(description))\"\(scale ?? "")>" + body + "</svg>\n"
  }

  /// Where an axis starts and ends on the drawing, and with which values.
  private static func ends(_ axis: Axis) -> String {
    [axis.start, axis.end, axis.low, axis.high].map {
      NumberText.exact(NumberText.rounded($0, significant: 9))
    }.joined(separator: " ")
  }

  /// The drawing as a file that stands by itself.
  func file(style: String) -> String {
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"\(size)\" "
      + "width=\"\(Self.number(width))\" height=\"\(Self.number(height))\" role=\"img\" "
      + "aria-label=\"\(Markup.escape(description))\">\n<style>\n\(style)\n</style>\n"
      + body + "</svg>\n"
  }

  private var size: String { "0 0 \(Self.number(width)) \(Self.number(height))" }

  enum Anchor: String { case start, middle, end }

  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) {
    body +=
      "<line class=\"\(style)\" x1=\"\(Self.number(x1))\" y1=\"\(Self.number(y1))\" "
      + "x2=\"\(Self.number(x2))\" y2=\"\(Self.number(y2))\"/>"
  }

  mutating func rectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ style: String,
    radius: Double = 0
  ) {
    body +=
      "<rect class=\"\(style)\" x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" "
      + "width=\"\(Self.number(max(width, 0)))\" height=\"\(Self.number(height))\" "
      + "rx=\"\(Self.number(radius))\"/>"
  }

  /// A rectangle whose `title` shows on hovering.
  mutating func cell(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ style: String,
    opacity: Double = 1, title: String
  ) {
    let shade = opacity < 1 ? " fill-opacity=\"\(Self.number(opacity))\"" : ""
    body +=
      "<g>\(Markup.tag("title", title))<rect class=\"\(style)\" x=\"\(Self.number(x))\" "
      + "y=\"\(Self.number(y))\" width=\"\(Self.number(max(width, 0)))\" "
      + "height=\"\(Self.number(height))\"\(shade)/></g>"
  }

  mutating func ring(_ x: Double, _ y: Double, radius: Double, _ style: String) {
    body +=
      "<circle class=\"\(style)\" cx=\"\(Self.number(x))\" cy=\"\(Self.number(y))\" "
      + "r=\"\(Self.number(radius))\"/>"
  }

  mutating func write(
    _ text: String, _ x: Double, _ y: Double, _ style: String, _ anchor: Anchor = .start
  ) {
    body +=
      "<text class=\"\(style)\" x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" "
      + "text-anchor=\"\(anchor.rawValue)\">\(Markup.escape(text))</text>"
  }

  /// - Parameter name: of the curve, for the script that shows values under the pointer.
  mutating func path(
    _ points: [(x: Double, y: Double)], _ style: String, closed: Bool = false,
    name: String? = nil
  ) {
    guard let first = points.first else { return }
    var data = "M\(Self.number(first.x)) \(Self.number(first.y))"
    for point in points.dropFirst() { data += "L\(Self.number(point.x)) \(Self.number(point.y))" }
    let label = name.map { " data-name=\"\(Markup.escape($0))\"" } ?? ""
    body += "<path class=\"\(style)\" d=\"\(data)\(closed ? "Z" : "")\"\(label)/>"
  }

  /// A marker whose shape, like its colour, tells series apart; `title` shows on hovering.
  mutating func marker(_ x: Double, _ y: Double, series: Int, title: String) {
    body += "<g>\(Markup.tag("title", title))\(Self.shape(x, y, series))</g>"
  }

  static func shape(_ x: Double, _ y: Double, _ series: Int) -> String {
    let r = 4.0
    let style = "m c\(series % 8)"
    let outline: [(Double, Double)]
    switch series % 4 {
    case 0:
      return "<circle class=\"\(style)\" cx=\"\(number(x))\" cy=\"\(number(y))\" "
        + "r=\"\(number(r))\"/>"
    case 1: outline = [(-3.6, -3.6), (3.6, -3.6), (3.6, 3.6), (-3.6, 3.6)]
    case 2: outline = [(0, -5), (4.6, 3.4), (-4.6, 3.4)]
    default: outline = [(0, -5.2), (5.2, 0), (0, 5.2), (-5.2, 0)]
    }
    let points = outline.map { "\(number(x + $0.0)),\(number(y + $0.1))" }
    return "<polygon class=\"\(style)\" points=\"\(points.joined(separator: " "))\"/>"
  }

  static func number(_ value: Double) -> String {
    let rounded = (value * 100).rounded() / 100
    return NumberText.exact(rounded == 0 ? 0 : rounded)
  }
}

extension Markup {
  static func tag(_ name: String, _ text: String) -> String {
    "<\(name)>\(escape(text))</\(name)>"
  }
}
