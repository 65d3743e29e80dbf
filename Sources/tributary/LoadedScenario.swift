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

  @OptionGroup var changes: OverrideOptions

  @Option(help: "Independent runs of each point.")
  var replications: Int?

  func validate() throws {
    guard !files.isEmpty else { throw ValidationError("Name at least one scenario file.") }
    if let replications, !(1...100_000).contains(replications) {
      throw ValidationError("--replications must be 1 to 100000, not \(replications).")
    }
  }

  /// What replaces values of the scenario, in this order.
  var overrides: [String] {
    changes.all + (replications.map { ["replications=\($0)"] } ?? [])
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

  /// Seeds of the replications of each point.
  let seeds: [[UInt64]]

  init(_ file: String, _ options: ScenarioOptions) throws {
    let document = try ScenarioDocument(path: file)
    let points = try document.points(minimal: options.minimal, overrides: options.overrides)
    try self.init(document, options, points) { scenario, _ in
      (0..<scenario.replications).map { scenario.seed(ofReplication: $0) }
    }
  }

  /// The points of something other than the file's own sweep.
  ///
  /// - Parameters:
  ///   - sensitivity: the plan of an analysis, if the command line changed the file's.
  ///   - seeds: of each point, given by its index.
  init(
    _ document: ScenarioDocument, _ options: ScenarioOptions, _ points: [Scenarios.SweepPoint],
    sensitivity: SensitivityPlan? = nil, seeds: (Scenario, Int) -> [UInt64]
  ) throws {
    let file = document.file
    self.file = file
    self.points = points
    hasSweep = document.hasSweep
    text = try document.effectiveText(
      minimal: options.minimal, overrides: options.overrides, sensitivity: sensitivity)
    // Data files are found from the scenario's own folder, wherever the command is given.
    let folder = scenarioFolder(of: file)
    let read = try ScenarioDocument.read(points) { try Scenario($0, folder: folder) }
    scenarios = read
    self.seeds = read.indices.map { seeds(read[$0], $0) }
  }

  var name: String { scenarios[0].name }
  /// Whether the file asks for a sweep, be it of one point.
  let hasSweep: Bool
  var runs: Int { seeds.reduce(0) { $0 + $1.count } }

  /// What the results say of themselves; equal for equal scenarios and versions.
  ///
  /// - Parameter kind: set where the points are not the scenario's own, and part of the name.
  func makeExperiment(_ kind: String? = nil) -> Experiment {
    Experiment(
      name: kind.map { name + "-" + $0 } ?? name, scenario: text,
      scenarioDigest: Checksum.hex(of: text),
      version: Version.text, toolchain: Version.toolchain, gslVersion: GSL.version,
      seed: scenarios[0].seed,
      points: points.indices.map { index in
        Reporting.SweepPoint(
          labels: points[index].labels.map { .init($0.key, $0.text) }, seeds: seeds[index],
          workload: Checksum.hex(of: points[index].workload),
          faults: scenarios[index].faults.map { fault in
            .init(fault.text, start: fault.interval?.start, end: fault.interval?.end)
          })
      },
      stopping: kind != nil
        ? nil
        : scenarios[0].stopping.map { plan in
          StoppingRule(
            plan.goals.map { .init($0.metric, precision: $0.precision) }, atLeast: plan.atLeast)
        })
  }
}
