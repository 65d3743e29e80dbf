import ArgumentParser
import Foundation
import Reporting
import Scenarios

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run scenarios, write their results and print a table.")

  @OptionGroup var scenario: ScenarioOptions

  @Option(help: "Result folder; Results/<name> by default. One scenario only.")
  var out: String?

  @Option(help: "Runs at the same time; all cores by default.")
  var jobs: Int?

  @Flag(help: "Print the results as JSON instead of a table.")
  var json = false

  @OptionGroup var tracing: TraceOptions

  func validate() throws {
    if out != nil, scenario.files.count > 1 {
      throw ValidationError("--out takes one scenario, not \(scenario.files.count).")
    }
    if let jobs, !(1...1024).contains(jobs) {
      throw ValidationError("--jobs must be 1 to 1024, not \(jobs).")
    }
  }

  func run() throws {
    Interruption.listen()
    // All files are read before any is run: a mistake in the last should not cost an hour.
    let loaded = try scenario.files.map { try scenario.load($0) }
    var isGood = true
    for one in loaded {
      do {
        try tracing.write(one.scenarios[0])
        isGood = try run(one) && isGood
      } catch let error as OutputError {
        complain("tributary: \(error)")
        throw ExitCode.cannotWrite
      }
    }
    if !isGood { throw ExitCode.badAnswer }
  }

  /// Runs one scenario to the end; false if a monitor fired.
  private func run(_ loaded: LoadedScenario) throws -> Bool {
    let path = out ?? "Results/\(loaded.name)"
    let folder = try ResultFolder(
      path, for: loaded.makeExperiment(), createsParent: out == nil)
    for note in folder.notes { complain("tributary: \(note)") }
    try Workers(loaded, folder, jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount).run()
    let result = try folder.finish()
    let summary = Summary(result)
    if json {
      print(summary.json)
    } else {
      print(TextTable(summary).text(width: Reporting.Progress.terminalWidth), terminator: "")
      print("Results: \(folder.path)/report.html")
    }
    do {
      try ResultIndex(beside: folder.path).insert(folder.path)
    } catch {
      complain("tributary: the results stand, but not in the index: \(error)")
    }
    return !result.hasViolations
  }
}
