import ArgumentParser
import Scenarios

struct Schema: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the JSON schema of scenario files, for editors.")

  func run() throws { print(ScenarioSchema.text { try? Scenario($0) }, terminator: "") }
}
