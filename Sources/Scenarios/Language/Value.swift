/// A scenario as a tree of texts: what is left of YAML once it has been checked.
///
/// Nothing is interpreted here. A scalar is the text as written; the reader that knows what a key
/// means turns it into a quantity and complains with the line kept beside it.

/// Where a piece of a scenario was written.
public struct Origin: Hashable, Sendable, CustomStringConvertible {
  /// The file as named by the user, or an override such as `--set seed=7`.
  public var source: String
  public var line: Int?
  public var column: Int?

  public init(_ source: String, line: Int? = nil, column: Int? = nil) {
    self.source = source
    self.line = line
    self.column = column
  }

  /// `pbft.yaml:12`, or the override.
  public var description: String {
    if let line { clipped(source, to: 200) + ":\(line)" } else { clipped(source, to: 200) }
  }
}

/// A node of the tree, with its origin.
public struct Value: Sendable {
  /// A text, and whether it stood without quotes: a plain `null` is nothing, a quoted one a word.
  public struct Scalar: Hashable, Sendable {
    public var text: String
    public var isPlain: Bool

    public init(_ text: String, isPlain: Bool = true) {
      self.text = text
      self.isPlain = isPlain
    }

    /// Nothing was written: an empty value, `~` or `null`.
    public var isNull: Bool { isPlain && (text.isEmpty || text == "~" || text == "null") }
  }

  /// A key of a mapping and its value.
  public struct Entry: Sendable {
    public var key: String
    public var keyOrigin: Origin
    public var value: Value

    public init(_ key: String, at keyOrigin: Origin, _ value: Value) {
      self.key = key
      self.keyOrigin = keyOrigin
      self.value = value
    }
  }

  public enum Content: Sendable {
    case scalar(Scalar)
    case sequence([Value])
    /// In the order of the file; keys are distinct.
    case mapping([Entry])
  }

  public var content: Content
  public var origin: Origin

  public init(_ content: Content, at origin: Origin) {
    self.content = content
    self.origin = origin
  }

  /// The value of `key` if this is a mapping that has it.
  public subscript(key: String) -> Value? {
    guard case .mapping(let entries) = content else { return nil }
    return entries.first { $0.key == key }?.value
  }

  var isNull: Bool {
    if case .scalar(let scalar) = content { scalar.isNull } else { false }
  }

  /// What it is, in words for an error.
  var kind: String {
    switch content {
    case .scalar(let scalar): scalar.isNull ? "nothing" : "a single value"
    case .sequence: "a list"
    case .mapping: "a section"
    }
  }

  /// The text for an error: a scalar as written, anything else in canonical form.
  var excerpt: String {
    if case .scalar(let scalar) = content { return scalar.text }
    return canonicalText
  }
}

extension Value {
  /// The same text for the same tree, whatever its comments, quotes, line breaks and flow style.
  ///
  /// Keys keep their order, because the order of nodes or faults can matter to a run.
  public var canonicalText: String {
    var text = ""
    write(to: &text)
    return text
  }

  private func write(to text: inout String) {
    switch content {
    case .scalar(let scalar):
      if scalar.isNull { text += "null" } else { writeQuoted(scalar.text, to: &text) }
    case .sequence(let elements):
      text += "["
      for (index, element) in elements.enumerated() {
        if index > 0 { text += "," }
        element.write(to: &text)
      }
      text += "]"
    case .mapping(let entries):
      text += "{"
      for (index, entry) in entries.enumerated() {
        if index > 0 { text += "," }
        writeQuoted(entry.key, to: &text)
        text += ":"
        entry.value.write(to: &text)
      }
      text += "}"
    }
  }
}

/// A JSON string: control characters, quotes and backslashes escaped, the rest as it is.
private func writeQuoted(_ string: String, to text: inout String) {
  text += "\""
  for scalar in string.unicodeScalars {
    switch scalar {
    case "\"": text += "\\\""
    case "\\": text += "\\\\"
    case "\n": text += "\\n"
    case _ where scalar.value < 0x20:
      let hex = String(scalar.value, radix: 16)
      text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
    default: text.unicodeScalars.append(scalar)
    }
  }
  text += "\""
}
