import Foundation
import Scenarios
import Testing

@Suite("Schema of scenarios")
struct SchemaTests {
  static let text = (try? ScenarioSchema.text { try Scenario($0) }) ?? ""
  static var validator: SchemaValidator? { try? SchemaValidator(text) }

  private func complaints(_ text: String) throws -> [String] {
    let validator = try #require(Self.validator)
    return validator.complaints(about: try ScenarioDocument(text: text, file: "a.yaml").root)
  }

  @Test("accepts every shipped scenario", arguments: ShippedScenarioTests.files)
  func shipped(file: String) throws {
    let path = ShippedScenarioTests.root.appendingPathComponent("Scenarios/\(file)").path
    let validator = try #require(Self.validator)
    let root = try ScenarioDocument(path: path, name: file).root
    #expect(validator.complaints(about: root) == [])
  }

  private static let good = """
    tributary: 1
    name: small
    replications: { until: 5 % of throughput, at-most: 60 }
    until: 2 s
    network: { delay: { normal: { mean: 1 ms, sd: 0.1 ms } }, nodes: 4, uplink: 1 Gbit/s }
    chains: [{ name: main, consensus: { pbft: { batch: 10 } } }]
    workload: { arrivals: { poisson: 200 /s }, transactions: { size: 100 B } }
    faults: [{ at: 1 s, crash: leader, for: 1 s }]
    sweep: { network.nodes: { from: 4, to: 16, step: 4 } }
    """

  @Test(
    "refuses what the program refuses",
    arguments: [
      ("pbft:", "pbtf:"), ("batch: 10", "bacth: 10"), ("until: 2 s", "until: 2 parsec"),
      ("nodes: 4,", "nodes: many,"), ("at-most: 60", "at-most: 60 s"), ("until: 2 s\n", ""),
      ("poisson: 200 /s", "poisson: 200 ms"), ("name: small", "name: [small]"),
      ("mean: 1 ms", "mean: 1 ms }, uniform: { from: 1 ms"), ("tributary: 1", "tributary: 1\nx: 1"),
      ("at: 1 s, crash: leader", "at: 1 s"), ("at: 1 s, crash: leader", "crash: leader, slow: {}"),
      ("uplink: 1 Gbit/s", "uplink: idle"), ("step: 4", "stop: 4"), ("chains: [", "chainz: ["),
    ])
  func refuses(part: String, change: String) throws {
    #expect(try complaints(Self.good) == [])
    let bad = Self.good.replacing(part, with: change, maxReplacements: 1)
    #expect(bad != Self.good)
    if part != "tributary: 1" { #expect(throws: ScenarioErrors.self) { try Scenario(text: bad) } }
    #expect(try !complaints(bad).isEmpty)
  }

  @Test("every key that describe lists is in it, and it is the same text every time")
  func complete() throws {
    let keys = try Section.describe { try Scenario($0) }
    for key in keys {
      let name = key.path.split(separator: ".").last.map { $0.replacing("[]", with: "") } ?? ""
      if !name.hasPrefix("<") { #expect(Self.text.contains("\"\(name)\""), "\(key.path)") }
    }
    #expect(Self.text == (try ScenarioSchema.text { try Scenario($0) }))
    #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(Self.text.utf8)) }
  }
}

/// As much of JSON Schema (2020-12) as the schema uses; anything else in a schema is a complaint.
struct SchemaValidator {
  private let schema: [String: Any]

  init(_ text: String) throws {
    schema =
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] ?? [:]
  }

  func complaints(about value: Value) -> [String] { check(value, schema, "") }

  private func check(_ value: Value, _ schema: [String: Any], _ path: String) -> [String] {
    var found: [String] = []
    for (keyword, rule) in schema.sorted(by: { $0.key < $1.key }) {
      switch keyword {
      case "$schema", "title", "description": break
      case "type":
        let types = rule as? [String] ?? [rule as? String ?? ""]
        if !types.contains(where: { value.isJSON($0) }) { found.append("\(path): not \(types)") }
      case "enum":
        let names = (rule as? [Any] ?? []).map { "\($0)" }
        let text = value.scalarText ?? ""
        if !names.contains(text) { found.append("\(path): '\(text)' is not one of \(names)") }
      case "pattern":
        guard let text = value.scalarText, let pattern = rule as? String else { break }
        if text.range(of: pattern, options: .regularExpression) == nil {
          found.append("\(path): '\(text)' is not like \(pattern)")
        }
      case "items":
        guard case .sequence(let elements) = value.content, let inner = rule as? [String: Any]
        else { break }
        for (index, element) in elements.enumerated() {
          found += check(element, inner, "\(path)[\(index)]")
        }
      case "required":
        guard case .mapping = value.content else { break }
        for name in rule as? [String] ?? [] where value[name] == nil {
          found.append("\(path): '\(name)' is missing")
        }
      case "minProperties", "maxProperties":
        guard case .mapping(let entries) = value.content, let bound = rule as? Int else { break }
        let isGood = keyword == "minProperties" ? entries.count >= bound : entries.count <= bound
        if !isGood { found.append("\(path): \(entries.count) keys") }
      case "properties", "additionalProperties": break  // below, together
      case "anyOf", "oneOf":
        let tries = (rule as? [[String: Any]] ?? []).map { check(value, $0, path) }
        let good = tries.count(where: \.isEmpty)
        if good == 0 { found.append("\(path): fits none of: \(tries.joined())") }
        if keyword == "oneOf", good > 1 { found.append("\(path): fits \(good) of its forms") }
      default: found.append("the schema uses '\(keyword)'")
      }
    }
    return found + checkProperties(value, schema, path)
  }

  private func checkProperties(
    _ value: Value, _ schema: [String: Any], _ path: String
  ) -> [String] {
    guard case .mapping(let entries) = value.content else { return [] }
    let properties = schema["properties"] as? [String: Any] ?? [:]
    var found: [String] = []
    for entry in entries {
      let place = "\(path).\(entry.key)"
      if let inner = properties[entry.key] as? [String: Any] {
        found += check(entry.value, inner, place)
      } else if let inner = schema["additionalProperties"] as? [String: Any] {
        found += check(entry.value, inner, place)
      } else if schema["additionalProperties"] as? Bool == false {
        found.append("\(place): unknown")
      }
    }
    return found
  }
}

extension Value {
  fileprivate var scalarText: String? {
    guard case .scalar(let scalar) = content else { return nil }
    return scalar.text
  }

  /// Whether a YAML reader would make this type of it. Plain words are texts as well, so that a
  /// number is where a text may be.
  fileprivate func isJSON(_ type: String) -> Bool {
    switch content {
    case .mapping: return type == "object"
    case .sequence: return type == "array"
    case .scalar(let scalar):
      if scalar.isNull { return type == "null" }
      switch type {
      case "string": return true
      case "number": return Double(scalar.text.replacing("_", with: "")) != nil
      case "integer": return Int(scalar.text.replacing("_", with: "")) != nil
      case "boolean": return ["true", "false", "yes", "no"].contains(scalar.text)
      default: return false
      }
    }
  }
}
