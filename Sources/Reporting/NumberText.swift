/// Numbers as text, the same on every machine: no locale, no C formatting.
enum NumberText {
  /// The shortest text that reads back as the same number.
  static func exact(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
    let text = value.description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  /// A derived value for a file: 12 significant digits, beyond which sums and quantiles of
  /// distributions may differ between processors. Empty if there is none.
  static func derived(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "" }
    return exact(rounded(value, significant: 12))
  }

  /// The number that `derived` writes.
  static func stored(_ value: Double) -> Double { rounded(value, significant: 12) }

  static func rounded(_ value: Double, significant count: Int) -> Double {
    guard value != 0, value.isFinite else { return value }
    let digits = DecimalDigits(value)
    return Double(digits.rounded(toPlace: digits.exponent - count).scientific(count)) ?? value
  }

  /// `count` significant digits for a reader: grouped in threes, or with an exponent if the
  /// number is very large or very small.
  static func significant(_ value: Double, _ count: Int, space: String = " ") -> String {
    guard value.isFinite else { return "–" }
    guard value != 0 else { return "0" }
    let digits = DecimalDigits(value).rounded(toPlace: DecimalDigits(value).exponent - count)
    if digits.exponent > 7 || digits.exponent < -3 { return digits.scientific(count) }
    return digits.plain(place: min(0, digits.exponent - count), space: space)
  }

  /// As `significant`, without zeros at the end of a fraction: for axes.
  static func compact(_ value: Double, _ count: Int = 6, space: String = " ") -> String {
    guard value != 0 else { return "0" }
    let digits = DecimalDigits(value).rounded(toPlace: DecimalDigits(value).exponent - count)
    if digits.exponent > 6 || digits.exponent < -3 {
      return digits.scientific(digits.digits.count)
    }
    return digits.plain(place: min(0, digits.lowestPlace), space: space)
  }

  /// Rounded to a multiple of ten to the `place`, with `-place` digits after the point if any.
  static func fixed(_ value: Double, place: Int, space: String = " ") -> String {
    DecimalDigits(value).rounded(toPlace: place).plain(place: min(place, 0), space: space)
  }

  /// `1 234 ± 12`: two digits of the half-width, and the mean to the same place.
  static func interval(_ estimate: Estimate, scale: Double = 1, space: String = " ") -> String {
    let mean = estimate.mean / scale
    guard let width = estimate.halfWidth else { return significant(mean, 4, space: space) }
    let half = width / scale
    guard half > 0 else { return significant(mean, 4, space: space) + " ± 0" }
    let top = max(DecimalDigits(mean).exponent, DecimalDigits(half).exponent)
    // More than six digits of a mean help nobody.
    let place = max(DecimalDigits(half).exponent - 2, top - 6)
    if top > 7 || top < -3 {
      let factor = Double("1e\(top - 1)") ?? 1
      let shown = fixed(mean / factor, place: place - top + 1, space: space)
      return "(\(shown) ± \(small(half / factor, place - top + 1, space)))e\(top - 1)"
    }
    return "\(fixed(mean, place: place, space: space)) ± \(small(half, place, space))"
  }

  private static func small(_ half: Double, _ place: Int, _ space: String) -> String {
    guard DecimalDigits(half).rounded(toPlace: place).isZero else {
      return fixed(half, place: place, space: space)
    }
    return "<" + fixed(Double("1e\(place)") ?? half, place: place, space: space)
  }
}

/// A finite number as decimal digits: 0.d1d2d3… times ten to the `exponent`.
struct DecimalDigits {
  private(set) var isNegative: Bool
  private(set) var digits: [UInt8] = []
  private(set) var exponent = 0

  /// Takes the digits of the shortest text that reads back as `value`.
  init(_ value: Double) {
    precondition(value.isFinite, "digits of \(value)")
    isNegative = value.sign == .minus
    var power = 0
    var seenPoint = false
    var text = Substring(value.magnitude.description)
    if let mark = text.firstIndex(of: "e") {
      power = Int(text[text.index(after: mark)...]) ?? 0
      text = text[..<mark]
    }
    for character in text.utf8 {
      if character == UInt8(ascii: ".") {
        seenPoint = true
      } else {
        digits.append(character - UInt8(ascii: "0"))
        if !seenPoint { exponent += 1 }
      }
    }
    exponent += power
    trim()
  }

  var isZero: Bool { digits.isEmpty }

  /// The power of ten of the last digit.
  var lowestPlace: Int { exponent - digits.count }

  /// Rounded half away from zero to a multiple of ten to the `place`.
  func rounded(toPlace place: Int) -> DecimalDigits {
    var result = self
    let kept = exponent - place
    guard kept < digits.count else { return result }
    guard kept >= 0 else {
      result.digits = []
      result.trim()
      return result
    }
    let roundsUp = digits[kept] >= 5
    result.digits.removeLast(digits.count - kept)
    if roundsUp { result.increment() }
    result.trim()
    return result
  }

  /// Digits with the point where it belongs, to the `place`, which is at most 0.
  func plain(place: Int, space: String) -> String {
    var whole = ""
    for index in 0..<max(exponent, 0) {
      let left = exponent - index
      if index > 0, left % 3 == 0, exponent > 3 { whole += space }
      whole.append(digit(index))
    }
    if whole.isEmpty { whole = "0" }
    var fraction = ""
    if place < 0 {
      fraction = "."
      for position in 0..<(-place) { fraction.append(digit(exponent + position)) }
    }
    return (isNegative && !isZero ? "-" : "") + whole + fraction
  }

  /// `d.ddde-n` with `count` digits.
  func scientific(_ count: Int) -> String {
    var text = isNegative && !isZero ? "-" : ""
    text.append(digit(0))
    if count > 1 {
      text += "."
      for index in 1..<count { text.append(digit(index)) }
    }
    return text + "e\(exponent - 1)"
  }

  private func digit(_ index: Int) -> Character {
    guard digits.indices.contains(index) else { return "0" }
    return Character(Unicode.Scalar(UInt8(ascii: "0") + digits[index]))
  }

  private mutating func increment() {
    var index = digits.count - 1
    while index >= 0, digits[index] == 9 {
      digits[index] = 0
      index -= 1
    }
    if index >= 0 {
      digits[index] += 1
    } else {
      digits.insert(1, at: 0)
      exponent += 1
    }
  }

  /// Drops zeros at both ends.
  private mutating func trim() {
    let leading = digits.prefix { $0 == 0 }.count
    digits.removeFirst(leading)
    exponent -= leading
    while digits.last == 0 { digits.removeLast() }
    if digits.isEmpty { exponent = 0 }
  }
}
