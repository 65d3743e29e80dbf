import ArgumentParser
import Foundation
import Reporting
import Scenarios
import Statistics

/// Options that choose and change scenarios, common to several commands.
struct ScenarioOptions: ParsableArguments {
  @Argument(help: "Scenario files.")
  var files: [String]

  @Flag(help: "The scenario's minimal size: about a second.")
  var minimal = false

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp("Replace a value, as in network.nodes=16.", valueName: "key=value"))
  var set: [String] = []

  @Option(help: "Seed of all random streams.")
  var seed: UInt64?

  @Option(help: "Independent runs of each point.")
  var replications: Int?

  func validate() throws {
    guard !files.isEmpty else { throw ValidationError("Name at least one scenario file.") }
    if let replications, !(1...100_000).contains(replications) {
      throw ValidationError("--replications must be 1 to 100000, not \(replications).")
    }
  }

  /// Reads `file` with these options; mistakes are reported, and end the program with 65.
  func load(_ file: String) throws -> LoadedScenario {
    do {
      return try LoadedScenario(file, self)
    } catch let errors as ScenarioErrors {
      complain("\(errors)")
      throw ExitCode.badInput
    }
  }
}

/// A scenario file with its sweep: every point read and checked.
struct LoadedScenario {
  let file: String
  /// The scenario with all options applied, in a form that reads back.
  let text: String
  let points: [Scenarios.SweepPoint]
  let scenarios: [Scenario]

  init(_ file: String, _ options: ScenarioOptions) throws {
    self.file = file
    let document = try ScenarioDocument(path: file)
    hasSweep = document.hasSweep
    var overrides = options.set
    if let seed = options.seed { overrides.append("seed=\(seed)") }
    if let replications = options.replications {
      overrides.append("replications=\(replications)")
    }
    text = try document.effectiveText(minimal: options.minimal, overrides: overrides)
    points = try document.points(minimal: options.minimal, overrides: overrides)
    // Data files are found from the scenario's own folder, wherever the command is given.
    let folder = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
    scenarios = try ScenarioDocument.read(points) { try Scenario($0, folder: folder) }
  }

  var name: String { scenarios[0].name }
  /// Whether the file asks for a sweep, be it of one point.
  let hasSweep: Bool
  var runs: Int { scenarios.reduce(0) { $0 + $1.replications } }

  /// What the results say of themselves; equal for equal scenarios and versions.
  func makeExperiment() -> Experiment {
    Experiment(
      name: name, scenario: text, scenarioDigest: Checksum.hex(of: text),
      version: Version.text, toolchain: Version.toolchain, gslVersion: GSL.version,
      seed: scenarios[0].seed,
      points: zip(points, scenarios).map { point, scenario in
        Reporting.SweepPoint(
          labels: point.labels.map { .init($0.key, $0.text) },
          seeds: (0..<scenario.replications).map { scenario.seed(ofReplication: $0) },
          workload: Checksum.hex(of: point.workload))
      },
      stopping: scenarios[0].stopping.map { plan in
        StoppingRule(
          plan.goals.map { .init($0.metric, precision: $0.precision) }, atLeast: plan.atLeast)
      })
  }
}
