import Foundation

/// A number with a unit as it is written, for values that are calculated with before anybody knows
/// what key they are of: the ends of ranges and distributions over keys.
struct WrittenAmount {
  let text: String
  private(set) var number = 0.0
  private(set) var unit = ""

  /// Reads `key` of `section`; mistakes are recorded there.
  init(_ key: String, _ sentence: String, of section: Section) {
    text = section.text(key, sentence)
    guard !text.isEmpty else { return }
    do {
      try parse()
    } catch {
      section.fail(key, error.message)
    }
  }

  init(_ text: String) throws(QuantityError) {
    self.text = text
    try parse()
  }

  private mutating func parse() throws(QuantityError) {
    let bytes = Array(text.utf8)
    let (exact, length) = try ExactDecimal.parse(prefixOf: bytes)
    let amount = exact.double(times: 1, over: 1)
    guard amount.isFinite else { throw QuantityError("is too large") }
    number = amount
    unit = String(String(decoding: bytes[length...], as: UTF8.self).drop { $0 == " " })
  }

  /// `number` with at most `digits` significant digits and no superfluous zeros.
  static func decimal(_ number: Double, digits: Int) -> String {
    if let whole = Int64(exactly: number), abs(whole) < 1_000_000_000_000 { return "\(whole)" }
    return String(format: "%.\(digits)g", number)
  }
}
