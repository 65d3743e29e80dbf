import ArgumentParser
import Scenarios

struct Describe: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Explain the keys of a scenario: default, unit, range, meaning and source.")

  @Argument(help: "Only keys with these names in their path, such as network or pbft.batch.")
  var part: String?

  func run() throws {
    var keys = ScenarioDocument.ownKeys
    keys += Section.describe { section in try? Scenario(section) }
    let chosen = keys.filter { key in part.map { ".\(key.path)".contains(".\($0)") } ?? true }
    guard !chosen.isEmpty else {
      complain("tributary: no key has '\(part ?? "")'")
      throw ExitCode(64)
    }
    for key in chosen { print(Self.text(of: key)) }
  }

  private static func text(of key: KeyDescription) -> String {
    var facts = [key.type]
    if let unit = key.unit { facts.append("in \(unit)") }
    facts.append(key.isRequired ? "required" : "default \(key.standard ?? "none")")
    var text = "\(key.path)\n    \(key.sentence)\n    \(facts.joined(separator: "; "))"
    if let allowed = key.allowed { text += "; allowed: \(allowed)" }
    if let source = key.source { text += "\n    source: \(source)" }
    return text
  }
}
