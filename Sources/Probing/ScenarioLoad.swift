import Kernel
import Scenarios
import Simulation

/// A scenario under any offered load.
public struct ScenarioLoad: Sendable {
  private let document: ScenarioDocument
  private let path: String
  private let overrides: [String]
  private let folder: String
  /// The scenario under a load of 1 per second.
  public let scenario: Scenario
  /// The file with the overrides, in a form that reads back.
  public let text: String

  /// - Parameters:
  ///   - path: of the load in the scenario: `workload.arrivals.poisson`.
  ///   - overrides: as `--set` takes them.
  ///   - folder: the scenario's own, where its data files are looked for.
  public init(
    _ document: ScenarioDocument, path: String, overrides: [String], folder: String
  ) throws(ScenarioErrors) {
    self.document = document
    self.path = path
    self.overrides = overrides
    self.folder = folder
    scenario = try Self.read(document, overrides + ["\(path)=1 /s"], folder)
    text = try document.effectiveText(overrides: overrides)
  }

  private static func read(
    _ document: ScenarioDocument, _ overrides: [String], _ folder: String
  ) throws(ScenarioErrors) -> Scenario {
    let points = try document.points(overrides: overrides)
    guard points.count == 1 else {
      throw ScenarioErrors([
        ScenarioError(
          "is a sweep of \(points.count) points; the knee is that of one",
          at: Origin(document.file), path: "sweep")
      ])
    }
    return try ScenarioDocument.read(points) { try Scenario($0, folder: folder) }[0]
  }

  /// What chain `chain` does in replication `replication` under `load` transactions per second.
  public func sample(
    _ load: Double, chain: Int = 0, replication: Int
  ) throws(ScenarioErrors) -> LoadSample {
    // Whole thousandths, so that the text is exact.
    let text = "\((load * 1000).rounded() / 1000)"
    let scenario = try Self.read(document, overrides + ["\(path)=\(text) /s"], folder)
    let run = scenario.makeSimulation(seed: scenario.seed(ofReplication: replication))
    run.start()
    run.run(until: scenario.end)
    let end = run.world.isComplete ? run.world.now : scenario.end
    return Self.secondHalf(of: run, chain: chain, until: end)
  }

  static func secondHalf(of run: Simulation, chain: Int, until end: SimTime) -> LoadSample {
    let middle = SimTime(nanoseconds: end.nanoseconds / 2)
    let seconds = (end - middle).seconds
    var offered = 0
    var served = 0
    var sum = 0.0
    for (population, address) in run.world.populations.enumerated()
    where Int(address.chain) == chain + 1 {
      let log = run.world.logs[population]
      for number in 0..<log.count {
        let submitted = log.submitted[number]
        if submitted > middle, submitted <= end { offered += 1 }
        let decided = log.time(.decided, of: number)
        guard decided > middle, decided <= end else { continue }
        served += 1
        sum += (decided - submitted).seconds
      }
    }
    return LoadSample(
      offered: Double(offered) / seconds, served: Double(served) / seconds,
      latency: served > 0 ? sum / Double(served) : nil)
  }
}
