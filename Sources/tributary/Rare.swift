import ArgumentParser
import Probing
import Scenarios

struct Rare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Estimate the probability of a rare event by splitting copied runs.",
    discussion: """
      Stages of trials start where trials before them came nearer to the event; the product of the \
      shares that came nearer is an unbiased estimate of its probability, of which independent \
      repetitions give the interval.
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
    do {
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
      estimate(scenario, try RareEvent(event, of: scenario))
    } catch let errors as ScenarioErrors {
      complain("\(errors)")
      throw ExitCode.badInput
    }
  }

  private func estimate(_ scenario: Scenario, _ event: RareEvent) {
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
    let estimate = RareEstimate(results.map(\.0))
    let plainSteps = Double(results.reduce(0) { $0 + $1.1 }) / Double(repetitions)
    report(scenario.name, estimate, plainSteps)
  }

  private func report(_ name: String, _ estimate: RareEstimate, _ plainSteps: Double) {
    let p = estimate.probability
    print(
      "\(name): P[\(event)] = \(scientific(p.mean)), 95 % interval "
        + "\(scientific(max(p.low, 0))) to \(scientific(p.high))")
    print(
      "\(repetitions) repetitions of \(estimate.shares.count) stages of \(effort) trials, "
        + "\(estimate.steps) events")
    print(
      "shares of the stages: "
        + estimate.shares.map { scientific($0) }.joined(separator: " "))
    guard let trials = estimate.plainTrials else {
      complain("tributary: no repetition reached the event; raise --effort")
      return
    }
    print(
      "plain simulation needs \(scientific(trials * plainSteps)) events for as narrow an interval: "
        + "\(scientific(trials * plainSteps / Double(max(estimate.steps, 1)))) times as many")
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
