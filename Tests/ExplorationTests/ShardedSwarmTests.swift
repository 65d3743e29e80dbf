import Exploration
import Scenarios
import Testing

/// Rules of commit over shards that are left out: swarms must find them. That nothing fires with
/// all rules in place is tested with the other swarms.
@Suite("What a swarm of shards must find") struct ShardedSwarmTests {
  static let bugs: [(file: String, weakness: String)] = [
    ("shards-atomix.yaml", "never-releases"),
    ("shards-sbac.yaml", "never-releases"),
    ("shards-relay.yaml", "applies-twice"),
    ("shards-atomix.yaml", "unlocks-without-proof"),
    ("shards-atomix.yaml", "ignores-locks"),
    ("shards-sbac.yaml", "ignores-locks"),
    ("shards-moves.yaml", "drops-state"),
  ]

  @Test("a planted bug is found within 500 seeds by its ledger's audit", arguments: bugs)
  func planted(file: String, weakness: String) throws {
    let swarm = try SwarmTests.swarm(file, ["shards.commit.weakness=\(weakness)"])
    var found: (trial: Trial, finding: Trial.Finding)?
    for seed in 1...500 as ClosedRange<UInt64> {
      let trial = swarm.trial(seed: seed)
      if let finding = try swarm.run(trial).findings.first(where: { $0.monitor != "liveness" }) {
        found = (trial, finding)
        break
      }
    }
    let (trial, finding) = try #require(found, "\(weakness) was not found")
    // The same seed with the rule in place is sound.
    let sound = try SwarmTests.swarm(file)
    #expect(try sound.run(sound.trial(seed: trial.seed)).findings == [])
    let small = try swarm.shrink(trial, finding)
    #expect(small.trial.disturbances.count <= trial.disturbances.count)
    #expect(small.finding.monitor == finding.monitor)
    let replay = try Scenario(text: swarm.text(of: small.trial))
    let replayed = replay.violations(seed: replay.seed(ofReplication: 0))
    #expect(replayed.contains { $0.monitor == finding.monitor })
  }
}
