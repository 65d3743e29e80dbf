import ArgumentParser
import Scenarios

struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Read scenarios and report every mistake, without running them.")

  @OptionGroup var scenario: ScenarioOptions

  func run() throws {
    var isGood = true
    for file in scenario.files {
      do {
        let loaded = try scenario.load(file)
        let points = loaded.points.count
        print(
          "\(file): good: \(loaded.name), \(points) point\(points == 1 ? "" : "s"), "
            + "\(loaded.runs) run\(loaded.runs == 1 ? "" : "s")")
        var seen: [String] = []
        for warning in loaded.scenarios.flatMap(\.warnings) where !seen.contains(warning) {
          seen.append(warning)
          complain("\(file): warning: \(warning)")
        }
      } catch let code as ExitCode where code == .badInput {
        isGood = false
      }
    }
    if !isGood { throw ExitCode.badInput }
  }
}
