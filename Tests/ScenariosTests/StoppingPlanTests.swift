import Scenarios
import Testing

@Suite("Replications of a scenario")
struct StoppingPlanTests {
  private static let text = """
    tributary: 1
    name: small
    until: 2 s
    network: { delay: 1 ms, nodes: 4 }
    chains: [{ name: main, consensus: { pbft: { batch: 10 } } }]
    workload: { arrivals: { poisson: 200 /s }, transactions: { size: 100 B } }
    """

  private func read(_ replications: String) throws -> Scenario {
    try Scenario(text: Self.text + "\nreplications: " + replications)
  }

  @Test("are a number, or end by precision between bounds")
  func forms() throws {
    #expect(try Scenario(text: Self.text).replications == 10)
    let fixed = try read("7")
    #expect(fixed.replications == 7 && fixed.stopping == nil)
    let stopped = try read("{ until: 5 % of throughput, at-least: 12, at-most: 60 }")
    #expect(stopped.replications == 60)
    let goals = try #require(stopped.stopping?.goals)
    #expect(goals.map(\.metric) == ["throughput"] && goals.map(\.precision) == [0.05])
    #expect(stopped.stopping?.atLeast == 12)
    let two = try read("{ until: 5 % of throughput and 0.1 of main.latency_p99 }")
    #expect(two.stopping?.goals.map(\.metric) == ["throughput", "main.latency_p99"])
    #expect(two.stopping?.atLeast == 10 && two.replications == 100)
  }

  @Test(
    "mistakes name the line",
    arguments: [
      ("{ until: 5 % }", "7: replications.until: 5 %: must be a fraction of a metric"),
      ("{ until: 5 s of throughput }", "7: replications.until: 5 s of throughput: s is a unit of"),
      ("{ until: 500 % of throughput }", "7: replications.until: 500 % of throughput: is out of"),
      ("{ until: 5 % of a and }", "7: replications.until: 5 % of a and: must be a fraction"),
      ("{ at-most: 20 }", "7: replications.until: is missing"),
      ("{ until: 5 % of a, at-least: 1 }", "7: replications.at-least: 1: is out of range"),
      ("{ until: 5 % of a, at-most: 5 }", "7: replications.at-most: 5: is less than at-least"),
      ("{ until: 5 % of a, atmost: 5 }", "7: replications.atmost: unknown key; did you mean 'at-m"),
    ])
  func mistakes(text: String, complaint: String) {
    let error = #expect(throws: ScenarioErrors.self) { try read(text) }
    #expect(error.map { "\($0)" }?.hasPrefix("scenario:" + complaint) == true, "\(error as Any)")
  }
}
