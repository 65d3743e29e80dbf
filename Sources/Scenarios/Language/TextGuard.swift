/// A look at the text of a scenario before the YAML parser sees it.
///
/// The parser recurses and expands: brackets nested a hundred thousand deep, or aliases of aliases
/// used as keys, would exhaust the stack or the time. A scenario needs none of that, so anchors,
/// aliases, tags, directives, complex keys and deep brackets are refused here, token by token.
/// The scanner follows the parser's rules of what starts a token; whatever it lets through is
/// checked again on the parsed tree.
struct TextGuard {
  static let deepest = 64
  static let mostEntries = 200_000

  struct Refusal: Error {
    let line: Int
    let column: Int
    let message: String
  }

  private let bytes: [UInt8]
  private var position = 0
  private var line = 1
  private var lineStart = 0
  private var depth = 0  // of brackets and braces
  private var blockColumn = -1  // of the innermost block list or section
  private var keyColumn = 0  // of the last text, which a colon may turn into a key
  private var keyLine = 0
  private var entries = 0

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Throws at the first construct that a scenario may not contain.
  static func check(_ bytes: [UInt8]) throws(Refusal) {
    try checkCharacters(bytes)
    var scanner = TextGuard(bytes)
    try scanner.scan()
  }

  private mutating func scan() throws(Refusal) {
    while let byte = peek() {
      switch byte {
      case .space, .tab: position += 1
      case .newline, .carriageReturn: takeLineBreak()
      case .hash: skipLine()
      case UInt8(ascii: "["), UInt8(ascii: "{"):
        try countEntry()
        depth += 1
        guard depth <= Self.deepest else { throw refusal("nested deeper than \(Self.deepest)") }
        position += 1
      case UInt8(ascii: "]"), UInt8(ascii: "}"):
        depth = max(0, depth - 1)
        position += 1
      case .comma:
        try countEntry()
        position += 1
      case .colon:
        try countEntry()
        if depth == 0, keyLine == line { blockColumn = keyColumn }
        position += 1
      default:
        try scanText(byte)
      }
    }
  }

  /// A token that is not punctuation, or one that is refused.
  private mutating func scanText(_ byte: UInt8) throws(Refusal) {
    switch byte {
    case UInt8(ascii: "&"): throw refusal("an anchor (&); write the value out, or quote the text")
    case UInt8(ascii: "*"): throw refusal("an alias (*); write the value out, or quote the text")
    case UInt8(ascii: "!"): throw refusal("a tag (!); values need none, or quote the text")
    case UInt8(ascii: "?"): throw refusal("a complex key (?); keys are plain names")
    case UInt8(ascii: "%") where column == 0: throw refusal("a YAML directive (%); none is needed")
    case .dash where isMarker: position += 3
    case .dash where isBlank(at: position + 1):
      try countEntry()
      if depth == 0 { blockColumn = column }
      position += 1
    case .singleQuote, .doubleQuote:
      noteKey()
      skipQuoted(byte)
    case UInt8(ascii: "|") where depth == 0, UInt8(ascii: ">") where depth == 0:
      try skipBlockText()
    default:
      noteKey()
      skipPlain()
    }
  }

  private mutating func countEntry() throws(Refusal) {
    entries += 1
    guard entries <= Self.mostEntries else {
      throw refusal("more than \(Self.mostEntries) entries in one file")
    }
  }

  private mutating func noteKey() {
    keyColumn = column
    keyLine = line
  }

  private func refusal(_ message: String) -> Refusal {
    Refusal(line: line, column: column + 1, message: message)
  }
}

// MARK: - Texts

extension TextGuard {
  private mutating func skipQuoted(_ quote: UInt8) {
    position += 1
    while let byte = peek() {
      switch byte {
      case .newline, .carriageReturn:
        takeLineBreak()
      case UInt8(ascii: "\\") where quote == .doubleQuote:
        position += 1
        if let next = peek(), next != .newline, next != .carriageReturn { position += 1 }
      case quote where quote == .singleQuote && peek(1) == .singleQuote:
        position += 2
      case quote:
        position += 1
        return
      default:
        position += 1
      }
    }
  }

  /// A text without quotes goes on over further lines that are indented deeper than its key.
  private mutating func skipPlain() {
    while true {
      skipPlainOnLine()
      guard let end = peek(), end == .newline || end == .carriageReturn else { return }
      while let byte = peek(), byte == .newline || byte == .carriageReturn || isBlank(at: position)
      {
        if byte == .space || byte == .tab { position += 1 } else { takeLineBreak() }
      }
      guard let next = peek(), next != .hash, !isMarker else { return }
      guard depth > 0 || column > blockColumn else { return }
      guard depth == 0 || !isFlowIndicator(next) else { return }
    }
  }

  private mutating func skipPlainOnLine() {
    while let byte = peek(), byte != .newline, byte != .carriageReturn {
      if byte == .colon {
        if isBlank(at: position + 1) { return }
        if depth > 0, let next = peek(1), isFlowIndicator(next) { return }
      }
      if depth > 0, isFlowIndicator(byte) { return }
      if byte == .hash, position > 0, isBlank(at: position - 1) { return }
      position += 1
    }
  }

  private mutating func skipBlockText() throws(Refusal) {
    let start = position
    position += 1
    while let byte = peek(), byte != .newline, byte != .carriageReturn, byte != .hash {
      if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
        position = start
        throw refusal("a block text with a stated indentation; leave the digit out")
      }
      position += 1
    }
    skipLine()
    var indentation = max(blockColumn + 1, 1)
    var isFirst = true
    while peek() != nil {
      if let byte = peek(), byte == .newline || byte == .carriageReturn { takeLineBreak() }
      let begin = position
      while peek() == .space { position += 1 }
      let isEmpty = peek().map { $0 == .newline || $0 == .carriageReturn } ?? true
      if isFirst { indentation = max(indentation, position - begin) }
      if isEmpty { continue }
      guard position - begin >= indentation else { return }
      isFirst = false
      skipLine()
    }
  }
}

// MARK: - Characters

extension TextGuard {
  private var column: Int { position - lineStart }

  private func peek(_ ahead: Int = 0) -> UInt8? {
    position + ahead < bytes.count ? bytes[position + ahead] : nil
  }

  private func isBlank(at index: Int) -> Bool {
    guard index < bytes.count else { return true }
    switch bytes[index] {
    case .space, .tab, .newline, .carriageReturn: return true
    default: return false
    }
  }

  /// `---` or `...` alone at the start of a line.
  private var isMarker: Bool {
    guard column == 0, let first = peek(), first == .dash || first == UInt8(ascii: ".") else {
      return false
    }
    return peek(1) == first && peek(2) == first && isBlank(at: position + 3)
  }

  private func isFlowIndicator(_ byte: UInt8) -> Bool {
    switch byte {
    case .comma, UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"): true
    default: false
    }
  }

  private mutating func takeLineBreak() {
    let isPair = peek() == .carriageReturn && peek(1) == .newline
    position += isPair ? 2 : 1
    line += 1
    lineStart = position
  }

  private mutating func skipLine() {
    while let byte = peek(), byte != .newline, byte != .carriageReturn { position += 1 }
  }

  /// Refuses control characters and the line breaks that only some programs take for one.
  private static func checkCharacters(_ bytes: [UInt8]) throws(Refusal) {
    var line = 1
    var lineStart = 0
    for (index, byte) in bytes.enumerated() {
      if byte == .newline {
        line += 1
        lineStart = index + 1
      }
      let name: String? =
        switch byte {
        case 0: "a NUL byte; this is not a text file"
        case .tab, .newline, .carriageReturn: nil
        case ..<0x20, 0x7F: "an unprintable character (code \(byte))"
        case 0xC2 where (0x80...0x9F).contains(bytes[min(index + 1, bytes.count - 1)]):
          "an unprintable character (code \(bytes[index + 1]))"
        case 0xE2 where bytes[index...].starts(with: [0xE2, 0x80, 0xA8]): "a line separator"
        case 0xE2 where bytes[index...].starts(with: [0xE2, 0x80, 0xA9]): "a paragraph separator"
        default: nil
        }
      if let name { throw Refusal(line: line, column: index - lineStart + 1, message: name) }
    }
  }
}

extension UInt8 {
  fileprivate static let space = UInt8(ascii: " ")
  fileprivate static let tab = UInt8(ascii: "\t")
  fileprivate static let newline = UInt8(ascii: "\n")
  fileprivate static let carriageReturn = UInt8(ascii: "\r")
  fileprivate static let hash = UInt8(ascii: "#")
  fileprivate static let comma = UInt8(ascii: ",")
  fileprivate static let colon = UInt8(ascii: ":")
  fileprivate static let dash = UInt8(ascii: "-")
  fileprivate static let singleQuote = UInt8(ascii: "'")
  fileprivate static let doubleQuote = UInt8(ascii: "\"")
}
