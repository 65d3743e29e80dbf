import ArgumentParser
import Probing
import Reporting
import Scenarios
import Synchronization

struct Knee: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Find the largest offered load at which backlog and latency stay bounded.",
    discussion: """
      Backlog is bounded if what is submitted in the second half of a run is decided in it, but \
      for --slack. With --latency-factor X mean latency must also be at most X times that at the \
      lowest load. Each replication is searched by doubling and bisection. Writes scenario.yaml, \
      knee.csv (a line a load that was tried) and knee.json to the result folder.
      """)

  @Argument(help: "A scenario file of one point, with an open loop.")
  var file: String

  @Option(help: "The lowest load, transactions per second.")
  var from = 10.0

  @Option(help: "The highest load, transactions per second.")
  var to = 10_000_000.0

  @Option(help: "Part of the load that need not be served.")
  var slack = 0.02

  @Option(help: "Latency at most so many times that at the lowest load.")
  var latencyFactor: Double?

  @Option(help: "Width of the last bracket, as a part of the load.")
  var precision = 0.01

  @Option(help: "Path of the load in the scenario.")
  var load = "workload.arrivals.poisson"

  @OptionGroup var overrides: OverrideOptions

  @Option(help: "Replications that are searched.")
  var replications: Int?

  @OptionGroup var jobs: JobOptions

  @Option(help: "Result folder; Results/<name>-knee by default.")
  var out: String?

  @Flag(help: "Print the result as JSON instead of sentences.")
  var json = false

  func validate() throws {
    guard from > 0, to > from, to <= 1e9 else {
      throw ValidationError("--from and --to must be loads, the first below the second.")
    }
    guard (0..<1).contains(slack) else { throw ValidationError("--slack must be 0 to 1.") }
    guard precision >= 0.0001, precision < 1 else {
      throw ValidationError("--precision must be 0.0001 to 1.")
    }
    if let latencyFactor, latencyFactor <= 1 {
      throw ValidationError("--latency-factor must be above 1.")
    }
    if let replications, !(1...1000).contains(replications) {
      throw ValidationError("--replications must be 1 to 1000, not \(replications).")
    }
  }

  func run() throws {
    Interruption.listen()
    try reportingFailures {
      let system = try ScenarioLoad(
        try ScenarioDocument(path: file), path: load, overrides: overrides.all,
        folder: scenarioFolder(of: file))
      let search = KneeSearch(
        lowest: from, highest: to, slack: slack, latencyFactor: latencyFactor,
        precision: precision)
      try report(try find(search, system), system)
    }
  }

  private func find(_ search: KneeSearch, _ system: ScenarioLoad) throws -> KneeEstimate {
    let count = replications ?? system.scenario.replications
    let results = ParallelJobs(count, threads: jobs.threads) {
      (index: Int) -> Swift.Result<KneeSearch.Found, ScenarioErrors> in
      var failure: ScenarioErrors?
      let found = search.find { load in
        do throws(ScenarioErrors) {
          return try system.sample(load, replication: index)
        } catch {
          failure = error
          return LoadSample(offered: 1, served: 0, latency: nil)
        }
      }
      return failure.map { .failure($0) } ?? .success(found)
    }.run()
    return KneeEstimate(try results.map { try $0.get() }, precision: precision)
  }

  private func report(_ estimate: KneeEstimate, _ system: ScenarioLoad) throws {
    let scenario = system.scenario
    let report = KneeReport(
      ProbeSource(
        name: scenario.name, scenario: system.text, version: Version.text, seed: scenario.seed),
      path: load, knee: estimate.load, low: estimate.low, high: estimate.high,
      limit: estimate.limit.rawValue,
      replications: estimate.found.enumerated().map { index, found in
        .init(
          seed: scenario.seed(ofReplication: index), knee: found.load,
          limit: found.limit.rawValue,
          trials: zip(found.tried, found.samples).map { load, sample in
            .init(
              load: load, offered: sample.offered, served: sample.served,
              latency: sample.latency)
          })
      })
    let folder = out ?? "Results/\(scenario.name)-knee"
    try report.write(to: folder)
    switch estimate.limit {
    case .backlog, .latency: break
    case .none: complain("tributary: bounded up to \(to) tx/s; raise --to")
    case .everything: complain("tributary: not bounded even at \(from) tx/s; lower --from")
    }
    guard !json else { return print(report.json, terminator: "") }
    let interval =
      estimate.low.isFinite
      ? ", 95 % interval \(scientific(estimate.low)) to \(scientific(estimate.high))"
      : ", one replication: no interval"
    print(
      "\(scenario.name): knee at \(scientific(estimate.load)) tx/s\(interval), "
        + "\(estimate.found.count) replications")
    switch estimate.limit {
    case .backlog: print("beyond, the backlog grows")
    case .latency: print("beyond, latency is more than \(latencyFactor ?? 0) times its least")
    case .none, .everything: break
    }
    print("Results: \(folder)/knee.csv")
  }
}
