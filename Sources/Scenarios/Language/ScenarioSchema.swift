/// A JSON schema of the scenario language, made from what the reading code says of its keys: the
/// same catalogue as `tributary describe`, so that an editor knows what the program knows.
///
/// It is a little more lenient than the program: combinations of keys, names that depend on a data
/// file or on the scenario itself, and ranges of quantities with units are the reader's to check.
public enum ScenarioSchema {
  /// The schema as JSON, keys in the order of reading.
  ///
  /// - Parameter body: reads a scenario, as `Section.read` takes it.
  public static func text(of body: (Section) throws -> some Any) rethrows -> String {
    let log = ReadingLog(.describing)
    _ = try body(Section(log, path: "", origin: Origin("schema")))
    var root = SchemaNode()
    for key in ScenarioDocument.ownKeys + log.descriptions { root.insert(key) }
    for group in log.groups { root.insert(group) }
    var members = root.object().members
    members.insert(("title", .string("A scenario of Tributary")), at: 0)
    members.insert(
      ("$schema", .string("https://json-schema.org/draft/2020-12/schema")), at: 0)
    var text = ""
    SchemaJSON.object(members).write(to: &text, indent: "")
    return text + "\n"
  }
}

/// Alternatives that stand among the keys of one section.
struct KeyGroup {
  /// Of the section.
  let path: String
  let names: [String]
  /// Keys of the alternatives, which only count where their alternative is.
  var keys: [String]
}

/// A key with all that is below it.
private struct SchemaNode {
  private var key: KeyDescription?
  private var group: KeyGroup?
  private var children: [(name: String, node: SchemaNode)] = []

  /// `a.b[].<c>` is a, b, [], <c>.
  private static func steps(_ path: String) -> [Substring] {
    path.replacing("[]", with: ".[]").split(separator: ".")
  }

  mutating func insert(_ key: KeyDescription) {
    insert(Self.steps(key.path)[...]) { $0.key = $0.key ?? key }
  }

  mutating func insert(_ group: KeyGroup) {
    insert(Self.steps(group.path)[...]) { $0.group = group }
  }

  private mutating func insert(
    _ steps: ArraySlice<Substring>, _ change: (inout SchemaNode) -> Void
  ) {
    guard let step = steps.first else { return change(&self) }
    let known = children.firstIndex { $0.name == step }
    let place = known ?? children.count
    if known == nil { children.append((String(step), SchemaNode())) }
    children[place].node.insert(steps.dropFirst(), change)
  }

  private func child(_ name: String) -> SchemaNode? { children.first { $0.name == name }?.node }

  private var named: [(name: String, node: SchemaNode)] {
    children.filter { $0.name != "[]" && !$0.name.hasPrefix("<") }
  }

  /// Whether the key must be there.
  private func isRequired(_ name: String) -> Bool {
    guard let node = child(name), node.key?.isRequired == true else { return false }
    return group?.keys.contains(name) != true
  }

  /// As a section.
  func object() -> (members: [(String, SchemaJSON)], isEmpty: Bool) {
    var members: [(String, SchemaJSON)] = [("type", .string("object"))]
    members.append(("properties", .object(named.map { ($0.name, $0.node.schema) })))
    members.append(("additionalProperties", .boolean(false)))
    let required = named.map(\.name).filter(isRequired)
    if !required.isEmpty { members.append(("required", .strings(required))) }
    if let group {
      let alternatives = group.names.map {
        SchemaJSON.object([("required", .strings([$0]))])
      }
      members.append(("oneOf", .array(alternatives)))
    }
    return (members, named.isEmpty)
  }

  private var schema: SchemaJSON {
    guard let key else { return .object(object().members) }
    var members: [(String, SchemaJSON)] = [("description", .string(Self.sentence(of: key)))]
    members += shape(of: key)
    return .object(members)
  }

  private static func sentence(of key: KeyDescription) -> String {
    var text = key.sentence
    if let standard = key.standard, !standard.isEmpty { text += "; default \(standard)" }
    if let allowed = key.allowed, !allowed.isEmpty { text += "; allowed: \(allowed)" }
    if let source = key.source { text += "; source: \(source)" }
    return text
  }

  private func shape(of key: KeyDescription) -> [(String, SchemaJSON)] {
    switch key.type {
    case "section": return Self.orNothing(object().members)
    case "list of sections", "list":
      return [("type", .string("array")), ("items", child("[]")?.element ?? .object([]))]
    case "variant": return [("anyOf", .array(alternatives))]
    case let type where type.hasPrefix("table by"): return table(key)
    default: break
    }
    // A key that is a single value or a section, or a table: `until: 60 s`, `until: { … }`.
    let scalar = SchemaJSON.object(ScalarSchema(key).members)
    var choices = [scalar]
    if !named.isEmpty { choices.append(.object(object().members)) }
    if let entry = children.first(where: { $0.name.hasPrefix("<") }) {
      choices.append(
        .object([
          ("type", .string("object")), ("additionalProperties", entry.node.schema),
        ]))
    }
    if choices.count == 1 { return ScalarSchema(key).members }
    return [("anyOf", .array(choices))]
  }

  /// What stands for the elements of a list.
  private var element: SchemaJSON { key == nil ? .object(object().members) : schema }

  /// The name of an alternative, or one of them with its settings.
  private var alternatives: [SchemaJSON] {
    [
      .object([("enum", .strings(named.map(\.name)))]),
      .object([
        ("type", .string("object")),
        ("properties", .object(named.map { ($0.name, $0.node.schema) })),
        ("additionalProperties", .boolean(false)),
        ("minProperties", .integer(1)), ("maxProperties", .integer(1)),
      ]),
    ]
  }

  private func table(_ key: KeyDescription) -> [(String, SchemaJSON)] {
    guard key.path != "sweep" else { return ScalarSchema.sweep }
    let entry = children.first { $0.name.hasPrefix("<") }
    let inner = entry?.node.schema ?? SchemaJSON.object([])
    return Self.orNothing([("type", .string("object")), ("additionalProperties", inner)])
  }

  /// An empty value is an empty section.
  private static func orNothing(_ members: [(String, SchemaJSON)]) -> [(String, SchemaJSON)] {
    members.map { name, value in
      name == "type" ? (name, .strings(["object", "null"])) : (name, value)
    }
  }
}

/// A JSON value, written with its members in the order given.
enum SchemaJSON: Sendable {
  case boolean(Bool)
  case integer(Int)
  case string(String)
  case array([SchemaJSON])
  case object([(String, SchemaJSON)])

  static func strings(_ values: [String]) -> SchemaJSON { .array(values.map { .string($0) }) }

  func write(to text: inout String, indent: String) {
    let inner = indent + "  "
    switch self {
    case .boolean(let value): text += value ? "true" : "false"
    case .integer(let value): text += "\(value)"
    case .string(let value): text += Self.quoted(value)
    case .array(let values):
      text += "["
      for (index, value) in values.enumerated() {
        text += index == 0 ? "\n\(inner)" : ",\n\(inner)"
        value.write(to: &text, indent: inner)
      }
      text += values.isEmpty ? "]" : "\n\(indent)]"
    case .object(let members):
      text += "{"
      for (index, (name, value)) in members.enumerated() {
        text += (index == 0 ? "\n\(inner)" : ",\n\(inner)") + Self.quoted(name) + ": "
        value.write(to: &text, indent: inner)
      }
      text += members.isEmpty ? "}" : "\n\(indent)}"
    }
  }

  /// Canonical text of a scalar is a JSON string.
  private static func quoted(_ text: String) -> String {
    Value(.scalar(.init(text, isPlain: false)), at: Origin("schema")).canonicalText
  }
}
