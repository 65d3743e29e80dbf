import ArgumentParser
import Foundation
import Reporting
import Scenarios

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run scenarios, write their results and print a table.")

  @OptionGroup var scenario: ScenarioOptions
  @OptionGroup var results: ResultOptions
  @OptionGroup var tracing: TraceOptions

  func validate() throws { try results.check(scenario) }

  func run() throws {
    Interruption.listen()
    // All files are read before any is run: a mistake in the last should not cost an hour.
    let loaded = try scenario.files.map { try scenario.load($0) }
    var isGood = true
    for one in loaded {
      try reportingFailures { try tracing.write(one.scenarios[0]) }
      isGood = try results.run(one) && isGood
    }
    if !isGood { throw ExitCode.badAnswer }
  }
}

struct Sweep: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run all points of scenarios with a sweep section, on all cores.",
    discussion: """
      What is finished stands on the disk at once: a sweep that is interrupted, or killed, goes on \
      from there when the same command is given again, to the same bytes.
      """)

  @OptionGroup var scenario: ScenarioOptions
  @OptionGroup var results: ResultOptions

  func validate() throws { try results.check(scenario) }

  func run() throws {
    Interruption.listen()
    let loaded = try scenario.files.map { try scenario.load($0) }
    for one in loaded where !one.hasSweep {
      complain("\(one.file): sweep: the scenario has no sweep section; use 'tributary run'")
      throw ExitCode.badInput
    }
    var isGood = true
    for one in loaded { isGood = try results.run(one) && isGood }
    if !isGood { throw ExitCode.badAnswer }
  }
}

/// Where results go, and how they are come by: common to the commands that run whole experiments.
struct ResultOptions: ParsableArguments {
  @Option(help: "Result folder; Results/<name> by default. One scenario only.")
  var out: String?

  @OptionGroup var jobs: JobOptions

  @Flag(help: "Print the results as JSON instead of a table.")
  var json = false

  func check(_ scenario: ScenarioOptions) throws {
    if out != nil, scenario.files.count > 1 {
      throw ValidationError("--out takes one scenario, not \(scenario.files.count).")
    }
  }

  /// Runs one scenario to the end and prints what came of it; false if a monitor fired.
  func run(_ loaded: LoadedScenario) throws -> Bool {
    let path = out ?? "Results/\(loaded.name)"
    let result = try finish(loaded, path)
    let summary = Summary(result)
    if json {
      print(summary.json)
    } else {
      print(TextTable(summary).text(width: Reporting.Progress.terminalWidth), terminator: "")
      print("Results: \(path)/report.html")
    }
    return !result.hasViolations
  }

  /// Runs what is left of an experiment, and writes its folder.
  ///
  /// - Parameters:
  ///   - kind: of an experiment whose points are not the scenario's own.
  ///   - sensitivity: the content of `sensitivity.csv`.
  func finish(
    _ loaded: LoadedScenario, _ path: String, kind: String? = nil,
    sensitivity: ((SweepResult) -> String)? = nil
  ) throws -> SweepResult {
    try reportingFailures {
      let folder = try ResultFolder(
        path, for: loaded.makeExperiment(kind), createsParent: out == nil)
      for note in folder.notes { complain("tributary: \(note)") }
      try Workers(loaded, folder, jobs: jobs.threads).run()
      let result = try folder.finish(sensitivity: sensitivity)
      do {
        try ResultIndex(beside: folder.path).insert(folder.path)
      } catch {
        complain("tributary: the results stand, but not in the index: \(error)")
      }
      return result
    }
  }
}

/// Says what went wrong outside the simulation, and turns it into an exit status.
func reportingFailures<Result>(_ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch let error as OutputError {
    complain("tributary: \(error)")
    throw ExitCode.cannotWrite
  } catch let errors as ScenarioErrors {
    complain("\(errors)")
    throw ExitCode.badInput
  }
}
