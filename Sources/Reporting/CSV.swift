/// Comma-separated values after RFC 4180, with plain line feeds.
enum CSV {
  static func line(_ fields: [String]) -> String {
    fields.map(field).joined(separator: ",") + "\n"
  }

  static func field(_ text: String) -> String {
    let needsQuotes = text.utf8.contains {
      $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == 10 || $0 == 13
    }
    guard needsQuotes else { return text }
    var quoted = "\""
    for scalar in text.unicodeScalars {
      if scalar == "\"" { quoted += "\"" }
      quoted.unicodeScalars.append(scalar)
    }
    return quoted + "\""
  }

  /// Reads what `line` writes; `nil` if a quote is left open.
  static func rows(_ text: String) -> [[String]]? {
    var rows: [[String]] = []
    var row: [String] = []
    var field = String.UnicodeScalarView()
    var quoted = false
    var closed = false  // the last scalar closed a quote, or was half of a doubled one
    for scalar in text.unicodeScalars {
      if quoted {
        if scalar == "\"" {
          quoted = false
          closed = true
        } else {
          field.append(scalar)
        }
        continue
      }
      switch scalar {
      case "\"":
        if closed { field.append(scalar) }
        quoted = true
      case ",", "\n":
        row.append(String(field))
        field = .init()
        if scalar == "\n" {
          rows.append(row)
          row = []
        }
      default: field.append(scalar)
      }
      closed = false
    }
    return quoted || !row.isEmpty || !field.isEmpty ? nil : rows
  }
}
