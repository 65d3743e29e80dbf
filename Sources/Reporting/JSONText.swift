/// A JSON value and its one text: keys sorted, two spaces of indent, numbers that round-trip.
enum JSONText {
  case null
  case boolean(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONText])
  case object([(key: String, value: JSONText)])

  static func optional(_ value: Double?) -> JSONText { value.map { .number($0) } ?? .null }

  static func strings(_ values: [String]) -> JSONText { .array(values.map { .string($0) }) }

  var text: String {
    var out = ""
    write(to: &out, indent: "")
    out += "\n"
    return out
  }

  private func write(to out: inout String, indent: String) {
    switch self {
    case .null: out += "null"
    case .boolean(let value): out += value ? "true" : "false"
    case .integer(let value): out += String(value)
    case .number(let value): out += value.isFinite ? NumberText.exact(value) : "null"
    case .string(let value): Self.quote(value, to: &out)
    case .array(let values):
      guard !values.isEmpty else {
        out += "[]"
        return
      }
      let inner = indent + "  "
      for (index, value) in values.enumerated() {
        out += index == 0 ? "[\n\(inner)" : ",\n\(inner)"
        value.write(to: &out, indent: inner)
      }
      out += "\n\(indent)]"
    case .object(let members):
      guard !members.isEmpty else {
        out += "{}"
        return
      }
      let inner = indent + "  "
      for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
        out += index == 0 ? "{\n\(inner)" : ",\n\(inner)"
        Self.quote(member.key, to: &out)
        out += ": "
        member.value.write(to: &out, indent: inner)
      }
      out += "\n\(indent)}"
    }
  }

  private static func quote(_ value: String, to out: inout String) {
    out += "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case _ where scalar.value < 0x20:
        out += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      default: out.unicodeScalars.append(scalar)
      }
    }
    out += "\""
  }
}
