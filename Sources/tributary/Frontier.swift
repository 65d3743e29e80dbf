import ArgumentParser
import Probing
import Reporting
import Scenarios

/// Throughput and latency at an equal probability of reversal.
struct Frontier: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare systems by throughput and latency at an equal probability of reversal.",
    discussion: """
      Runs the scenario as 'run' does, and takes of each point the throughput and the time until \
      the adversary of its 'settlement' section reverts with at most the stated probability: the \
      decision where that is final, else as many confirmations as the exact formula asks for. \
      With --split the formula is checked, for Nakamoto's chain with all its delays, by splitting; \
      where the run says more than the formula allows, a confirmation is added until it does not. \
      Writes frontier.csv, frontier.json and frontier.svg to the result folder's name with \
      '-frontier'.
      """)

  @OptionGroup var scenario: ScenarioOptions
  @OptionGroup var results: ResultOptions

  @Flag(help: "Estimate reversals by splitting where there is a double spender.")
  var split = false

  @Option(help: "Trials of a stage of splitting.")
  var effort = 200

  @Option(help: "Independent repetitions of splitting.")
  var repetitions = 10

  func validate() throws {
    try results.check(scenario)
    guard scenario.files.count == 1 else { throw ValidationError("Name one scenario file.") }
    guard (1...1_000_000).contains(effort) else {
      throw ValidationError("--effort must be 1 to 1000000, not \(effort).")
    }
    guard (2...10_000).contains(repetitions) else {
      throw ValidationError("--repetitions must be 2 to 10000, not \(repetitions).")
    }
  }

  func run() throws {
    Interruption.listen()
    let loaded = try scenario.load(scenario.files[0])
    let path = results.out ?? "Results/\(loaded.name)"
    let isGood = try reportingFailures {
      let result = try results.finish(loaded, path)
      let report = try report(loaded, Summary(result))
      try report.write(to: "\(path)-frontier")
      print(results.json ? report.json : report.text, terminator: "")
      if !results.json { print("Results: \(path)-frontier/frontier.svg") }
      return !result.hasViolations
    }
    if !isGood { throw ExitCode.badAnswer }
  }

  private func report(_ loaded: LoadedScenario, _ summary: Summary) throws -> FrontierReport {
    let places = Places(loaded.points)
    var rows: [FrontierReport.Row] = []
    for (index, point) in summary.points.enumerated() {
      let own = loaded.scenarios[index]
      for chain in own.chains {
        var row = Self.row(chain, own, point, places, index)
        if split, row.confirmations ?? 0 > 0, let needed = row.confirmations {
          try refine(&row, chain, loaded, index, needed, point)
        }
        rows.append(row)
      }
    }
    let plan = loaded.scenarios[0].settlement
    return FrontierReport(
      title: loaded.name, adversary: plan.adversary, error: plan.error, rows: rows)
  }

  private static func row(
    _ chain: ChainPlan, _ own: Scenario, _ point: PointSummary, _ places: Places, _ index: Int
  ) -> FrontierReport.Row {
    let rule = chain.consensus.entry.finality(with: chain.consensus.values)
    let needed = own.settlement.confirmations(for: rule, nodes: chain.nodes)
    let system = places.system(index) ?? chain.consensus.entry.name
    return FrontierReport.Row(
      place: places.place(index),
      system: own.chains.count > 1 ? "\(system) \(chain.name)" : system,
      throughput: point["\(chain.name).throughput"]?.estimate,
      latency: point["\(chain.name).settlement_latency"]?.estimate, confirmations: needed,
      reversal: needed.flatMap { own.settlement.reversal(after: $0, rule) },
      basis: SettlementPlan.basis(of: rule))
  }

  /// Adds what splitting says, and confirmations until it is as little as it should be.
  private func refine(
    _ row: inout FrontierReport.Row, _ chain: ChainPlan, _ loaded: LoadedScenario, _ index: Int,
    _ needed: Int, _ point: PointSummary
  ) throws {
    guard chain.consensus.entry.name == "nakamoto" else { return }
    let goal = loaded.scenarios[index].settlement
    for confirmations in needed..<needed + 8 {
      let consensus = "chains.\(chain.name).consensus.nakamoto"
      // The run ends with the attempt, which takes a few blocks more than it waits for.
      let interval = chain.consensus.values.duration("interval").seconds
      let seconds = Int((100 * Double(confirmations) * interval).rounded(.up))
      let changed = try loaded.points[index].with([
        "\(consensus).attacker-share=\(goal.adversary)",
        "\(consensus).attacker-strategy=double-spend",
        "\(consensus).attacker-confirmations=\(confirmations)",
        "\(consensus).attacker-deficit=\(confirmations + 12)",
        "until=\(seconds) s", "measure=transient",
      ])
      let folder = scenarioFolder(of: loaded.file)
      let attacked = try ScenarioDocument.read([changed]) { try Scenario($0, folder: folder) }[0]
      let event = try RareEvent("\(chain.name).double-spend", of: attacked)
      let splitting = Splitting(levels: event.levels, effort: effort)
      let estimate = RareEstimate(
        ParallelJobs(repetitions, threads: results.jobs.threads) {
          (k: Int) -> Splitting.Repetition in
          let seed = attacked.seed(ofReplication: k)
          return splitting.estimate(RareRun(attacked, event, seed: seed), seed: seed)
        }.run())
      row.simulated = FrontierReport.Simulated(
        confirmations: confirmations, probability: estimate.probability.mean,
        low: max(estimate.probability.low, 0), high: estimate.probability.high)
      if estimate.probability.mean <= goal.error { return }
    }
  }
}

/// Which of a sweep's keys names the systems, and where a point is beside it.
private struct Places {
  private let points: [Scenarios.SweepPoint]
  private let key: String?
  /// Swept keys that say where a point is: neither the system nor what follows from it.
  private let rest: [String]

  init(_ points: [Scenarios.SweepPoint]) {
    self.points = points
    let keys = points.first?.labels.map(\.key) ?? []
    let own = keys.first { $0.hasSuffix(".consensus") }
    key = own
    rest = keys.filter { key in
      guard key != own else { return false }
      guard let own else { return true }
      return !Self.follows(key, own, points)
    }
  }

  func system(_ index: Int) -> String? { key.flatMap { Self.value($0, points[index]) } }

  func place(_ index: Int) -> [Reporting.SweepPoint.Label] {
    rest.map { .init($0, Self.value($0, points[index]) ?? "") }
  }

  private static func value(_ key: String, _ point: Scenarios.SweepPoint) -> String? {
    point.labels.first { $0.key == key }?.text
  }

  private static func follows(
    _ key: String, _ other: String, _ points: [Scenarios.SweepPoint]
  ) -> Bool {
    var known: [(of: String, value: String)] = []
    for point in points {
      let (of, value) = (Self.value(other, point) ?? "", Self.value(key, point) ?? "")
      if let first = known.first(where: { $0.of == of }) {
        if first.value != value { return false }
      } else {
        known.append((of, value))
      }
    }
    return true
  }
}
