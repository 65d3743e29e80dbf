import ArgumentParser
import Probing
import Scenarios
import Synchronization

struct Knee: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Find the largest offered load at which backlog and latency stay bounded.",
    discussion: """
      Backlog is bounded if what is submitted in the second half of a run is decided in it, but \
      for --slack. With --latency-factor X mean latency must also be at most X times that at the \
      lowest load. Each replication is searched by doubling and bisection.
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
    do {
      let system = try ScenarioLoad(
        try ScenarioDocument(path: file), path: load, overrides: overrides.all,
        folder: scenarioFolder(of: file))
      let search = KneeSearch(
        lowest: from, highest: to, slack: slack, latencyFactor: latencyFactor,
        precision: precision)
      try report(search, system)
    } catch let errors as ScenarioErrors {
      complain("\(errors)")
      throw ExitCode.badInput
    }
  }

  private func report(_ search: KneeSearch, _ system: ScenarioLoad) throws {
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
    let estimate = KneeEstimate(try results.map { try $0.get() }, precision: precision)
    let interval =
      estimate.low.isFinite
      ? ", 95 % interval \(scientific(estimate.low)) to \(scientific(estimate.high))"
      : ", one replication: no interval"
    print(
      "\(system.scenario.name): knee at \(scientific(estimate.load)) tx/s\(interval), "
        + "\(count) replications")
    switch estimate.limit {
    case .backlog: print("beyond, the backlog grows")
    case .latency: print("beyond, latency is more than \(latencyFactor ?? 0) times its least")
    case .none: complain("tributary: bounded up to \(to) tx/s; raise --to")
    case .everything: complain("tributary: not bounded even at \(from) tx/s; lower --from")
    }
  }
}
