import ArgumentParser
import Foundation

/// What replaces values of a scenario, common to the commands that read some.
struct OverrideOptions: ParsableArguments {
  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp("Replace a value, as in network.nodes=16.", valueName: "key=value"))
  var set: [String] = []

  @Option(help: "Seed of all random streams.")
  var seed: UInt64?

  /// In this order.
  var all: [String] { self.set + (seed.map { ["seed=\($0)"] } ?? []) }
}

/// How many runs go on side by side.
struct JobOptions: ParsableArguments {
  @Option(help: "Runs at the same time; all cores by default.")
  var jobs: Int?

  var threads: Int { jobs ?? ProcessInfo.processInfo.activeProcessorCount }

  func validate() throws {
    if let jobs, !(1...1024).contains(jobs) {
      throw ValidationError("--jobs must be 1 to 1024, not \(jobs).")
    }
  }
}

/// The folder of a scenario file, from which its data files are found, wherever the command is
/// given.
func scenarioFolder(of file: String) -> String {
  file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
}
