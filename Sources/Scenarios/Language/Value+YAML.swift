/// Writing a tree back as YAML that a person would write.
extension Value {
  /// Block style, two spaces a level, texts quoted where they would read as something else; reads
  /// back to the same tree.
  public var yamlText: String {
    var text = ""
    writeBlock(to: &text, indent: 0)
    return text
  }

  private func writeBlock(to text: inout String, indent: Int) {
    let space = String(repeating: " ", count: indent)
    switch content {
    case .scalar(let scalar): text += space + Self.plain(scalar) + "\n"
    case .mapping(let entries):
      if entries.isEmpty { text += space + "{}\n" }
      for entry in entries {
        text += space + Self.plain(Scalar(entry.key)) + ":"
        entry.value.writeInner(to: &text, indent: indent + 2)
      }
    case .sequence(let elements):
      if elements.isEmpty { text += space + "[]\n" }
      for element in elements {
        text += space + "-"
        element.writeInner(to: &text, indent: indent + 2)
      }
    }
  }

  /// Writes behind a key or a dash: a scalar or something empty on its line, the rest below it.
  private func writeInner(to text: inout String, indent: Int) {
    switch content {
    case .scalar(let scalar): text += " " + Self.plain(scalar) + "\n"
    case .mapping(let entries) where entries.isEmpty: text += " {}\n"
    case .sequence(let elements) where elements.isEmpty: text += " []\n"
    case .mapping, .sequence:
      text += "\n"
      writeBlock(to: &text, indent: indent)
    }
  }

  /// The scalar without quotes if it reads back so.
  private static func plain(_ scalar: Scalar) -> String {
    if scalar.isNull { return "null" }
    let isSafe = scalar.text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "/"),
        UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: " "), UInt8(ascii: "%"):
        true
      default: false
      }
    }
    let first = scalar.text.utf8.first ?? UInt8(ascii: " ")
    let startsWell =
      first != UInt8(ascii: " ") && first != UInt8(ascii: "-")
      && first != UInt8(ascii: "%")
    let isNullLike = Scalar(scalar.text).isNull
    if isSafe, startsWell, !isNullLike, scalar.text.utf8.last != UInt8(ascii: " ") {
      return scalar.text
    }
    return Value(.scalar(Scalar(scalar.text, isPlain: false)), at: Origin("text")).canonicalText
  }
}
