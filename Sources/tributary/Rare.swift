import ArgumentParser
import Probing
import Reporting
import Scenarios

struct Rare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Estimate the probability of a rare event by splitting copied runs.",
    discussion: """
      Stages of trials start where trials before them came nearer to the event; the product of the \
      shares that came nearer is an unbiased estimate of its probability, of which independent \
      repetitions give the interval. Writes scenario.yaml, rare.csv (a line a repetition) and \
      rare.json to the result folder.
      Events:
      \(RareEvent.forms.map { "  \($0)" }.joined(separator: "\n"))
      """)

  @Argument(help: "A scenario file of one point.")
  var file: String

  @Option(help: "The event, as in 'double-spend' or 'reversal >= 12'.")
  var event: String

  @Option(help: "Trials of a stage.")
  var effort = 500

  @Option(help: "Independent repetitions.")
  var repetitions = 20

  @OptionGroup var overrides: OverrideOptions

  @OptionGroup var jobs: JobOptions

  @Option(help: "Result folder; Results/<name>-rare by default.")
  var out: String?

  @Flag(help: "Print the result as JSON instead of sentences.")
  var json = false

  func validate() throws {
    guard (1...1_000_000).contains(effort) else {
      throw ValidationError("--effort must be 1 to 1000000, not \(effort).")
    }
    guard (2...10_000).contains(repetitions) else {
      throw ValidationError("--repetitions must be 2 to 10000, not \(repetitions).")
    }
  }

  func run() throws {
    Interruption.listen()
    try reportingFailures {
      let document = try ScenarioDocument(path: file)
      let points = try document.points(overrides: overrides.all)
      guard points.count == 1 else {
        throw ScenarioErrors([
          ScenarioError(
            "is a sweep of \(points.count) points; take its keys out by --set", at: Origin(file),
            path: "sweep")
        ])
      }
      let folder = scenarioFolder(of: file)
      let scenario = try ScenarioDocument.read(points) { try Scenario($0, folder: folder) }[0]
      let source = ProbeSource(
        name: scenario.name, scenario: try document.effectiveText(overrides: overrides.all),
        version: Version.text, seed: scenario.seed)
      try report(estimate(scenario, try RareEvent(event, of: scenario)), source, scenario)
    }
  }

  /// What came of the repetitions, and how many events a trial from the beginning takes.
  private func estimate(
    _ scenario: Scenario, _ event: RareEvent
  ) -> (estimate: RareEstimate, plainSteps: Double) {
    let splitting = Splitting(levels: event.levels, effort: effort)
    let results = ParallelJobs(repetitions, threads: jobs.threads) {
      (index: Int) -> (Splitting.Repetition, Int) in
      let seed = scenario.seed(ofReplication: index)
      let repetition = splitting.estimate(RareRun(scenario, event, seed: seed), seed: seed)
      // What plain simulation would cost: one trial from the beginning.
      var plain = RareRun(scenario, event, seed: seed)
      var steps = 0
      while plain.outcome == nil {
        plain.advance()
        steps += 1
      }
      return (repetition, steps)
    }.run()
    return (
      RareEstimate(results.map(\.0)),
      Double(results.reduce(0) { $0 + $1.1 }) / Double(repetitions)
    )
  }

  private func report(
    _ found: (estimate: RareEstimate, plainSteps: Double), _ source: ProbeSource,
    _ scenario: Scenario
  ) throws {
    let estimate = found.estimate
    let report = RareReport(
      source, event: event, effort: effort, probability: estimate.probability.mean,
      low: max(estimate.probability.low, 0), high: estimate.probability.high,
      plainEvents: estimate.plainTrials.map { $0 * found.plainSteps },
      repetitions: estimate.repetitions.enumerated().map { index, one in
        .init(
          seed: scenario.seed(ofReplication: index), probability: one.probability,
          shares: one.shares, events: one.steps)
      })
    let folder = out ?? "Results/\(source.name)-rare"
    try report.write(to: folder)
    if report.plainEvents == nil {
      complain("tributary: no repetition reached the event; raise --effort")
    }
    guard !json else { return print(report.json, terminator: "") }
    print(
      "\(source.name): P[\(event)] = \(scientific(report.probability)), 95 % interval "
        + "\(scientific(report.low)) to \(scientific(report.high))")
    print(
      "\(repetitions) repetitions of \(estimate.shares.count) stages of \(effort) trials, "
        + "\(estimate.steps) events")
    print(
      "shares of the stages: "
        + estimate.shares.map { scientific($0) }.joined(separator: " "))
    if let plain = report.plainEvents {
      print(
        "plain simulation needs \(scientific(plain)) events for as narrow an interval: "
          + "\(scientific(plain / Double(max(estimate.steps, 1)))) times as many")
    }
    print("Results: \(folder)/rare.csv")
  }
}

/// Three significant digits.
func scientific(_ value: Double) -> String {
  guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
  var size = value.magnitude
  var exponent = 0
  while size >= 10 {
    size /= 10
    exponent += 1
  }
  while size < 1 {
    size *= 10
    exponent -= 1
  }
  let digits = (size * 100).rounded() / 100
  let sign = value < 0 ? "-" : ""
  if (-2...3).contains(exponent) {
    var scale = 1.0
    for _ in 0..<(2 - exponent).magnitude { scale *= 10 }
    let rounded =
      exponent <= 2 ? (value * scale).rounded() / scale : (value / scale).rounded() * scale
    return "\(rounded)"
  }
  return "\(sign)\(digits)e\(exponent)"
}
