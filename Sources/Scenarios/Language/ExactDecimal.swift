/// A decimal number as written, without rounding, so that `0.1 s` is 100,000,000 ns exactly.
struct ExactDecimal: Hashable, Sendable {
  /// More digits than these are refused, not rounded.
  static let mostDigits = 18

  let isNegative: Bool
  /// Without trailing zeros.
  let mantissa: UInt64
  /// The power of ten that the mantissa is multiplied by.
  let exponent: Int

  /// The number that `text` starts with, and how many bytes it takes.
  ///
  /// `[+-] digits [. digits] [e [+-] digits]`; digits may be grouped by single underscores.
  static func parse(
    prefixOf text: [UInt8]
  ) throws(QuantityError) -> (number: ExactDecimal, length: Int) {
    var position = 0
    let isNegative = text.first == UInt8(ascii: "-")
    if isNegative || text.first == UInt8(ascii: "+") { position = 1 }
    let whole = try digits(of: text, from: &position)
    guard !whole.isEmpty else { throw QuantityError("is not a number") }
    guard whole.count == 1 || whole[0] != 0 else {
      throw QuantityError("a number does not start with a superfluous 0")
    }
    var fraction: [UInt8] = []
    if position < text.count, text[position] == UInt8(ascii: ".") {
      position += 1
      fraction = try digits(of: text, from: &position)
      guard !fraction.isEmpty else { throw QuantityError("a digit must follow the decimal point") }
    }
    let exponent = try self.exponent(of: text, from: &position)
    var all = Array((whole + fraction).drop { $0 == 0 })
    var power = exponent - fraction.count
    while all.last == 0 {
      all.removeLast()
      power += 1
    }
    guard all.count <= mostDigits else {
      throw QuantityError("has more than \(mostDigits) significant digits")
    }
    let mantissa = all.reduce(UInt64(0)) { $0 * 10 + UInt64($1) }
    let number = ExactDecimal(
      isNegative: isNegative && mantissa > 0, mantissa: mantissa,
      exponent: mantissa == 0 ? 0 : power)
    return (number, position)
  }

  /// This number times `numerator / denominator` if that is whole and fits, else nil.
  func whole(times numerator: UInt64, over denominator: UInt64) -> Int64? {
    guard mantissa > 0 else { return 0 }
    guard exponent >= -19, exponent <= 19 else { return nil }
    let power = powerOfTen(abs(exponent))
    var factors = [mantissa, numerator] + (exponent > 0 ? [power] : [])
    var divisors = [denominator] + (exponent < 0 ? [power] : [])
    for i in factors.indices {
      for j in divisors.indices {
        let common = greatestCommonDivisor(factors[i], divisors[j])
        factors[i] /= common
        divisors[j] /= common
      }
    }
    guard divisors.allSatisfy({ $0 == 1 }) else { return nil }
    var product: UInt64 = 1
    for factor in factors {
      let (next, isOverflow) = product.multipliedReportingOverflow(by: factor)
      guard !isOverflow else { return nil }
      product = next
    }
    guard let magnitude = Int64(exactly: product) else { return nil }
    return isNegative ? -magnitude : magnitude
  }

  /// This number times `numerator / denominator`: the nearest double if the denominator is a power
  /// of ten or the digits are few, else within two roundings of it.
  func double(times numerator: UInt64, over denominator: UInt64) -> Double {
    let sign = isNegative ? "-" : ""
    let (product, isOverflow) = mantissa.multipliedReportingOverflow(by: numerator)
    guard !isOverflow else {
      return decimal("\(sign)\(mantissa)e\(exponent)") * Double(numerator) / Double(denominator)
    }
    var rest = denominator
    var power = exponent
    while rest % 10 == 0 {
      rest /= 10
      power -= 1
    }
    guard rest > 1 else { return decimal("\(sign)\(product)e\(power)") }
    let exact: UInt64 = 1 << 53  // whole numbers up to here are doubles, and so divide exactly
    if (-12...0).contains(power), product <= exact, rest <= 9000 {
      let divisor = powerOfTen(-power) * rest
      if divisor <= exact { return decimal("\(sign)\(product)") / Double(divisor) }
    }
    return decimal("\(sign)\(product)e\(power)") / Double(rest)
  }

  private func decimal(_ text: String) -> Double {
    guard let number = Double(text) else { preconditionFailure("not a decimal: \(text)") }
    return number
  }
}

extension ExactDecimal {
  private static func digits(
    of text: [UInt8], from position: inout Int
  ) throws(QuantityError) -> [UInt8] {
    var digits: [UInt8] = []
    while position < text.count {
      let byte = text[position]
      if byte == UInt8(ascii: "_") {
        let isBetween =
          !digits.isEmpty && isDigit(text[position - 1]) && position + 1 < text.count
          && isDigit(text[position + 1])
        guard isBetween else { throw QuantityError("an underscore stands between two digits") }
      } else if isDigit(byte) {
        digits.append(byte - UInt8(ascii: "0"))
      } else {
        break
      }
      position += 1
    }
    return digits
  }

  /// The exponent, or 0 if no `e` with a digit follows: `1 EH/s` and `1EH/s` have none.
  private static func exponent(
    of text: [UInt8], from position: inout Int
  ) throws(QuantityError) -> Int {
    guard position < text.count, text[position] | 0x20 == UInt8(ascii: "e") else { return 0 }
    var next = position + 1
    let isNegative = next < text.count && text[next] == UInt8(ascii: "-")
    if isNegative || (next < text.count && text[next] == UInt8(ascii: "+")) { next += 1 }
    guard next < text.count, isDigit(text[next]) else { return 0 }
    let digits = try digits(of: text, from: &next)
    guard digits.count <= 3 else { throw QuantityError("has an exponent beyond all measure") }
    position = next
    let size = digits.reduce(0) { $0 * 10 + Int($1) }
    return isNegative ? -size : size
  }
}

private func isDigit(_ byte: UInt8) -> Bool {
  (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}

private func powerOfTen(_ exponent: Int) -> UInt64 {
  (0..<exponent).reduce(UInt64(1)) { power, _ in power * 10 }
}

private func greatestCommonDivisor(_ a: UInt64, _ b: UInt64) -> UInt64 {
  b == 0 ? a : greatestCommonDivisor(b, a % b)
}
