import ArgumentParser
import Reporting
import Scenarios

struct Sensitivity: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Find the constants that a conclusion rests on.",
    discussion: """
      The keys of the scenario's 'sensitivity' section, or of --over, are varied one at a time \
      (elasticities) and all together (Sobol's indices). With --ablate, parts of the simulated \
      world are made ideal one by one instead. Runs are kept and taken up again as those of a \
      sweep are.
      """)

  @OptionGroup var scenario: ScenarioOptions
  @OptionGroup var results: ResultOptions

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Vary a key uniformly, as in \"network.delay=5 ms..50 ms\"; may be repeated.",
      valueName: "key=low..high"))
  var over: [String] = []

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Look at this metric, such as latency_p99; may be repeated.", valueName: "name"))
  var output: [String] = []

  @Option(help: "Points of each set of Sobol's, a power of 2.")
  var points: Int?

  @Option(help: "Times that all is done, with other seeds.")
  var repetitions: Int?

  @Flag(help: "Make cpu, nic, transport, disk and mempool ideal, one by one.")
  var ablate = false

  func validate() throws {
    try results.check(scenario)
    guard scenario.files.count == 1 else { throw ValidationError("Name one scenario file.") }
    if let points, !(2...4096).contains(points) || points & (points - 1) != 0 {
      throw ValidationError("--points must be a power of 2 from 2 to 4096, not \(points).")
    }
    if let repetitions, !(2...1000).contains(repetitions) {
      throw ValidationError("--repetitions must be 2 to 1000, not \(repetitions).")
    }
    if ablate, !over.isEmpty { throw ValidationError("Give --over or --ablate, not both.") }
  }

  func run() throws {
    Interruption.listen()
    let isGood = try reportingFailures { ablate ? try runAblation() : try runAnalysis() }
    if !isGood { throw ExitCode.badAnswer }
  }

  /// Inputs varied, one at a time and together; false if a monitor fired.
  private func runAnalysis() throws -> Bool {
    let document = try ScenarioDocument(path: scenario.files[0])
    var plan = try document.sensitivityPlan(over: over)
    if !output.isEmpty { plan.outputs = output }
    if let points { plan.points = points }
    if let repetitions { plan.repetitions = repetitions }
    guard (1...SensitivityPlan.mostInputs).contains(plan.inputs.count) else {
      complain(
        "\(document.file): sensitivity: \(plan.inputs.count) inputs; give 1 to "
          + "\(SensitivityPlan.mostInputs) in its section 'over', or with --over")
      throw ExitCode.badInput
    }
    let layout = Self.layout(plan)
    let seed = scenario.changes.seed ?? 1
    let cases = try document.sensitivityPoints(
      plan, minimal: scenario.minimal, overrides: scenario.overrides, seed: seed)
    let isChanged = !over.isEmpty || !output.isEmpty || points != nil || repetitions != nil
    let loaded = try LoadedScenario(
      document, scenario, cases, sensitivity: isChanged ? plan : nil
    ) { scenario, index in
      if index < layout.trials {
        return (0..<plan.repetitions).map { scenario.seed(ofReplication: $0) }
      }
      return [scenario.seed(ofReplication: (index - layout.trials) / layout.design)]
    }
    let path = results.out ?? "Results/\(loaded.name)-sensitivity"
    let result = try results.finish(loaded, path, kind: "sensitivity") {
      SensitivityReport(layout, $0).csv
    }
    let report = SensitivityReport(layout, result)
    guard !report.outputs.isEmpty else {
      complain("tributary: no metric is called \(plan.outputs.joined(separator: " or "))")
      throw ExitCode.badInput
    }
    print(results.json ? report.json : report.text, terminator: "")
    if !results.json { print("Results: \(path)/sensitivity.csv") }
    return !result.hasViolations
  }

  private static func layout(_ plan: SensitivityPlan) -> SensitivityLayout {
    let at = SensitivityPlan.quartiles
    return SensitivityLayout(
      inputs: plan.inputs.map {
        .init(
          name: $0.path, unit: $0.unit, low: $0.value(at: at.low), middle: $0.value(at: at.middle),
          high: $0.value(at: at.high))
      }, outputs: plan.outputs, points: plan.points, repetitions: plan.repetitions)
  }

  /// Parts made ideal, each compared with the scenario as it is; false if a monitor fired.
  private func runAblation() throws -> Bool {
    let document = try ScenarioDocument(path: scenario.files[0])
    let cases = try document.ablationPoints(
      minimal: scenario.minimal, overrides: scenario.overrides)
    let loaded = try LoadedScenario(document, scenario, cases) { scenario, _ in
      (0..<scenario.replications).map { scenario.seed(ofReplication: $0) }
    }
    let path = results.out ?? "Results/\(loaded.name)-ablation"
    let result = try results.finish(loaded, path, kind: "ablation")
    let choice: Comparison.Choice = .named(
      output.isEmpty ? SensitivityPlan().outputs : output)
    do throws(ComparisonError) {
      let found = try Comparison([path], by: "ablation", choice: choice)
      print(results.json ? found.json : found.text, terminator: "")
    } catch {
      complain("tributary: \(error)")
      throw ExitCode.badInput
    }
    return !result.hasViolations
  }
}
