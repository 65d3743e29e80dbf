import Scenarios
import Testing

@Suite("Tiers of nodes")
struct TierTests {
  private func read(_ network: String) throws -> Scenario {
    let document = try ScenarioDocument(
      text: """
        tributary: 1
        name: tiers
        until: 1 s
        network: { \(network) }
        chains: [{ name: main, consensus: pbft }]
        workload: { arrivals: { poisson: 1 /s }, transactions: { size: 100 B } }
        prices: none
        """, file: "tiers.yaml")
    return try ScenarioDocument.read(try document.points()) { try Scenario($0, folder: ".") }[0]
  }

  private static let places = "regions: aws-2021, nodes: { us-east-1: 3, eu-north-1: 1 }"

  @Test("the second half stands where the first does; without tiers there is no second half")
  func halves() throws {
    let one = try read(Self.places).network
    let two = try read(Self.places + ", tiers: 2").network
    #expect(one.nodeCount == 4 && one.tiers == 1)
    #expect(two.nodeCount == 8 && two.tiers == 2)
    #expect(two.regionOf == one.regionOf + one.regionOf)
    #expect(Set(one.regionOf).count == 2)
    #expect(two.uplinks.count == 8 && two.downlinks.count == 8)
  }

  @Test("too many nodes by tiers, and no tier, are errors with their line")
  func mistakes() {
    for (network, part) in [
      ("nodes: 900000, tiers: 2", "too many"), (Self.places + ", tiers: 0", "tiers"),
    ] {
      let error = #expect(throws: ScenarioErrors.self) { try read(network) }
      #expect("\(error.map { "\($0)" } ?? "")".contains("tiers.yaml:4"))
      #expect("\(error.map { "\($0)" } ?? "")".contains(part))
    }
  }
}

@Suite("A point of a sweep with values replaced")
struct ChangedPointTests {
  @Test("keeps its labels and the values that are not replaced")
  func with() throws {
    let document = try ScenarioDocument(
      text: """
        tributary: 1
        name: change
        until: 1 s
        network: { nodes: 4, delay: 1 ms }
        chains: [{ name: main, consensus: pbft }]
        prices: none
        sweep: { network.nodes: [4, 7] }
        """, file: "change.yaml")
    let point = try document.points()[1]
    let changed = try point.with(["until=9 s", "chains.main.consensus={ pbft: { batch: 5 } }"])
    #expect(changed.labels == point.labels)
    let scenario = try ScenarioDocument.read([changed]) { try Scenario($0, folder: ".") }[0]
    #expect(scenario.network.nodeCount == 7 && scenario.end.nanoseconds == 9_000_000_000)
    #expect(scenario.chains[0].consensus.values.count("batch") == 5)
    #expect(throws: ScenarioErrors.self) { try point.with(["until"]) }
  }
}
