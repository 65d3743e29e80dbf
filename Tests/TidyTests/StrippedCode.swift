/// A Swift source with every comment and the contents of every string literal replaced by blanks.
///
/// Lines and columns (in bytes) stay where they were. Knows nested comments, raw and multi-line
/// strings, and interpolations, whose contents are code. Bare regex literals are not recognised: a
/// quote inside one would be taken for a string, so write such a pattern as `#/.../#` or a string.
func strippedCode(_ source: String) -> String {
  var stripper = Stripper(bytes: Array(source.utf8))
  stripper.strip()
  return String(decoding: stripper.output, as: UTF8.self)
}

private struct Stripper {
  let bytes: [UInt8]
  var output: [UInt8] = []
  var at = 0

  init(bytes: [UInt8]) {
    self.bytes = bytes
    output.reserveCapacity(bytes.count)
  }

  mutating func strip() {
    while at < bytes.count { code(untilParenthesis: false) }
  }

  /// Copies code, up to and without the parenthesis that closes an interpolation.
  mutating func code(untilParenthesis: Bool) {
    var depth = 0
    while at < bytes.count {
      if starts("//") {
        while at < bytes.count, bytes[at] != newline { blank(1) }
      } else if starts("/*") {
        blockComment()
      } else if starts("#/") {
        regex()
      } else if let (hashes, quotes) = openingQuote() {
        copy(hashes + quotes)
        string(hashes: hashes, quotes: quotes)
      } else {
        if bytes[at] == UInt8(ascii: "(") { depth += 1 }
        if bytes[at] == UInt8(ascii: ")") {
          if untilParenthesis, depth == 0 { return }
          depth -= 1
        }
        copy(1)
      }
    }
  }

  mutating func blockComment() {
    var depth = 0
    repeat {
      if starts("/*") {
        depth += 1
        blank(2)
      } else if starts("*/") {
        depth -= 1
        blank(2)
      } else {
        blank(1)
      }
    } while depth > 0 && at < bytes.count
  }

  mutating func regex() {
    blank(2)
    while at < bytes.count, !starts("/#") { blank(1) }
    blank(2)
  }

  /// Blanks a string literal from behind its opening quote, copies its closing one.
  mutating func string(hashes: Int, quotes: Int) {
    let marks = String(repeating: "#", count: hashes)
    let end = String(repeating: "\"", count: quotes) + marks
    let escape = "\\" + marks
    while at < bytes.count {
      if starts(end) {
        copy(end.utf8.count)
        return
      } else if starts(escape + "(") {
        blank(escape.utf8.count)
        copy(1)
        code(untilParenthesis: true)
        copy(1)
      } else if starts(escape) {
        blank(escape.utf8.count + 1)
      } else if quotes == 1, bytes[at] == newline {
        return  // not closed: does not compile anyway
      } else {
        blank(1)
      }
    }
  }

  /// The hashes and quotes (1 or 3) of a string literal that starts here.
  func openingQuote() -> (hashes: Int, quotes: Int)? {
    var quote = at
    while quote < bytes.count, bytes[quote] == UInt8(ascii: "#") { quote += 1 }
    guard quote < bytes.count, bytes[quote] == UInt8(ascii: "\"") else { return nil }
    let isTriple = bytes[quote...].starts(with: Array("\"\"\"".utf8))
    return (quote - at, isTriple ? 3 : 1)
  }

  func starts(_ prefix: String) -> Bool { bytes[at...].starts(with: prefix.utf8) }

  mutating func copy(_ count: Int) {
    let end = min(at + count, bytes.count)
    output += bytes[at..<end]
    at = end
  }

  mutating func blank(_ count: Int) {
    let end = min(at + count, bytes.count)
    output += bytes[at..<end].map { $0 == newline ? newline : UInt8(ascii: " ") }
    at = end
  }

  private var newline: UInt8 { UInt8(ascii: "\n") }
}
