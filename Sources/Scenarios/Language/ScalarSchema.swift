/// The part of a schema that describes single values: numbers with units, words, distributions.
struct ScalarSchema {
  let members: [(String, SchemaJSON)]

  private static let number =
    #"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?"#

  init(_ key: KeyDescription) {
    let type = key.type
    if type.hasSuffix(" or distribution") {
      members = [
        (
          "anyOf",
          .array([
            .object(Self.quantity(key, type.replacing(" or distribution", with: ""))),
            .object([
              ("type", .string("object")),
              (
                "properties",
                .object(Section.lawNames.map { ($0, .object([("type", .string("object"))])) })
              ),
              ("additionalProperties", .boolean(false)),
              ("minProperties", .integer(1)), ("maxProperties", .integer(1)),
            ]),
          ])
        )
      ]
      return
    }
    switch type {
    case "flag":
      members = [
        (
          "enum",
          .array(
            [.boolean(true), .boolean(false)] + ["true", "false", "yes", "no"].map { .string($0) })
        )
      ]
    case "choice":
      let names = (key.allowed ?? "").split(separator: ", ").map(String.init)
      // Versions of the language read as numbers.
      let numbers = names.compactMap { Int($0).map { SchemaJSON.integer($0) } }
      members = names.isEmpty ? [] : [("enum", .array(names.map { .string($0) } + numbers))]
    case "text": members = [("type", .strings(["string", "number", "boolean"]))]
    case "precision":
      members = [("type", .string("string")), ("pattern", .string(" of "))]
    default: members = Self.quantity(key, type)
    }
  }

  /// A number with its unit, or one of the words that the key allows in place of it.
  private static func quantity(_ key: KeyDescription, _ type: String) -> [(String, SchemaJSON)] {
    let words = (key.allowed ?? "").split(separator: ", ").filter { word in
      word.utf8.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == 45 }
    }
    let units = (key.unit ?? "").split(separator: ", ").map(escaped)
    let mayBeBare = units.isEmpty || type == "fraction"
    var pattern = "^(?:" + number
    if !units.isEmpty {
      pattern += " *(?:\(units.joined(separator: "|")))" + (mayBeBare ? "?" : "")
    }
    pattern += (words.map { "|" + $0 }).joined() + ")$"
    return [
      ("type", mayBeBare ? .strings(["number", "string"]) : .string("string")),
      ("pattern", .string(pattern)),
    ]
  }

  /// Slashes and letters stand for themselves; a unit has nothing else of meaning but a dot.
  private static func escaped(_ unit: Substring) -> String {
    String(unit).replacing(".", with: "\\.")
  }

  /// Lists and ranges by path, and walks in step.
  static let sweep: [(String, SchemaJSON)] = {
    let text = SchemaJSON.strings(["string", "number"])
    let range = SchemaJSON.object([
      ("type", .string("object")),
      (
        "properties",
        .object([
          ("from", .object([("type", text)])), ("to", .object([("type", text)])),
          ("step", .object([("type", text)])), ("points", .object([("type", .string("integer"))])),
          ("scale", .object([("enum", .strings(["linear", "log"]))])),
          ("whole", .object([("type", .string("boolean"))])),
        ])
      ),
      ("additionalProperties", .boolean(false)), ("required", .strings(["from", "to"])),
    ])
    let list = SchemaJSON.object([("type", .string("array"))])
    let axis = SchemaJSON.object([("anyOf", .array([list, range]))])
    let group = SchemaJSON.object([
      ("type", .string("object")), ("additionalProperties", axis),
    ])
    return [
      ("type", .strings(["object", "null"])),
      (
        "properties",
        .object([
          (
            "zip",
            .object([
              (
                "anyOf",
                .array([
                  group, .object([("type", .string("array")), ("items", group)]),
                ])
              )
            ])
          )
        ])
      ),
      ("additionalProperties", axis),
    ]
  }()
}
