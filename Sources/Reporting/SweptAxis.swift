/// The swept parameter that plots have on their x axis: the first one whose values are numbers.
struct SweptAxis {
  let key: String
  /// Unit of the numbers, as the first value has it.
  let unit: String
  /// The number of each point.
  let values: [Double]

  /// `nil` if no parameter has at least two numbers of one kind.
  init?(_ points: [SweepPoint], keys: [String]) {
    for key in keys {
      let parsed = points.map { Self.number($0.value(of: key)) }
      let numbers = parsed.compactMap(\.self)
      guard numbers.count == points.count, let first = numbers.first else { continue }
      guard numbers.allSatisfy({ $0.kind == first.kind }) else { continue }
      guard numbers.contains(where: { $0.value * $0.factor != first.value * first.factor }) else {
        continue
      }
      self.key = key
      unit = first.unit
      values = numbers.map {
        $0.factor == first.factor ? $0.value : $0.value * $0.factor / first.factor
      }
      return
    }
    return nil
  }

  private struct Number {
    var value: Double
    var unit: String
    /// Units of one kind can be turned into each other.
    var kind: String
    var factor: Double
  }

  private static let units: [(unit: String, kind: String, factor: Double)] = [
    ("ns", "time", 1e-9), ("us", "time", 1e-6), ("µs", "time", 1e-6), ("ms", "time", 1e-3),
    ("s", "time", 1), ("min", "time", 60), ("h", "time", 3600), ("d", "time", 86400),
    ("B", "size", 1), ("kB", "size", 1e3), ("MB", "size", 1e6), ("GB", "size", 1e9),
    ("KiB", "size", 1024), ("MiB", "size", 1_048_576), ("GiB", "size", 1_073_741_824),
    ("bit/s", "rate", 1), ("kbit/s", "rate", 1e3), ("Mbit/s", "rate", 1e6),
    ("Gbit/s", "rate", 1e9),
  ]

  private static func number(_ text: String) -> Number? {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || ".eE+-_".contains($0)) }
    guard let value = Double(digits.filter { $0 != "_" }), value.isFinite else { return nil }
    var rest = text[digits.endIndex...]
    while rest.first == " " { rest.removeFirst() }
    let unit = String(rest)
    guard let known = units.first(where: { $0.unit == unit }) else {
      return Number(value: value, unit: unit, kind: "in " + unit, factor: 1)
    }
    return Number(value: value, unit: unit, kind: known.kind, factor: known.factor)
  }
}
