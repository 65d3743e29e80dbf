import Exploration
import Scenarios
import Testing

/// Past the assumptions something must break, or the monitors watch nothing.
@Suite("Swarms beyond the assumptions") struct BeyondTests {
  /// Those in which two sides can decide only if somebody votes on both, as no node of a chain that
  /// spreads blocks does: see Exploration.md.
  static let unbroken = ["clique.yaml", "dpos.yaml", "gasper.yaml"]

  /// Monitors of safety: two replicas decide differently, or what was decided is taken back.
  static let safety = ["agreement", "order", "reversal", "conservation", "atomicity"]

  @Test("safety breaks", arguments: SwarmTests.files.filter { !unbroken.contains($0) })
  func safety(file: String) throws {
    let swarm = try SwarmTests.swarm(file, isBeyond: true)
    for seed in 1...60 as ClosedRange<UInt64> {
      let findings = try swarm.run(swarm.trial(seed: seed)).findings
      if findings.contains(where: { Self.safety.contains($0.monitor) }) { return }
    }
    Issue.record("\(file): no monitor of safety fired in 60 seeds")
  }

  @Test("half of the votes for a link let Gasper break where two thirds do not")
  func halfOfTheVotes() throws {
    func breaks(_ settings: [String]) throws -> Bool {
      let swarm = try SwarmTests.swarm("gasper.yaml", settings, isBeyond: true)
      return try swarm.run(swarm.trial(seed: 2)).findings.contains { $0.monitor == "agreement" }
    }
    #expect(try breaks(["chains.0.consensus.gasper.weakness=half-justifies"]))
    #expect(!(try breaks([])))
  }

  @Test("where the correct nodes are cut in two, liars in both parts let both decide")
  func replay() throws {
    let swarm = try SwarmTests.swarm("pbft.yaml", isBeyond: true)
    for seed in 1...60 as ClosedRange<UInt64> {
      let trial = swarm.trial(seed: seed)
      guard trial.disturbances.contains(where: { $0.text.contains("first: ") }),
        let finding = try swarm.run(trial).findings.first(where: { $0.monitor == "agreement" })
      else { continue }
      let small = try swarm.shrink(trial, finding)
      let scenario = try Scenario(text: swarm.text(of: small.trial))
      let replayed = scenario.violations(seed: scenario.seed(ofReplication: 0))
      #expect(replayed.contains { $0.monitor == "agreement" })
      return
    }
    Issue.record("no such trial")
  }
}
