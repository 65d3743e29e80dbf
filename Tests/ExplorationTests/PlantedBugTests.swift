import Exploration
import Scenarios
import Testing

/// A checker that finds nothing proves nothing: each of these is a rule left out, or more faults
/// than the protocol tolerates.
@Suite("What a swarm must find") struct PlantedBugTests {
  /// Base of the swarm, the setting that leaves a rule out, and the first seed, counted from 1,
  /// that finds it: the test begins there, to take less time.
  static let bugs: [(file: String, setting: String, seed: UInt64)] = [
    ("pbft.yaml", "pbft.weakness=quorum-of-2f", 2),
    ("pbft.yaml", "pbft.weakness=forgets-prepared", 2),
    ("raft.yaml", "raft.weakness=quorum-of-half", 16),
    ("raft.yaml", "raft.weakness=votes-for-any-log", 2),
    ("raft.yaml", "raft.weakness=votes-twice", 3),
    ("hotstuff.yaml", "hotstuff.weakness=stale-views", 58),
    ("jolteon.yaml", "jolteon.weakness=quorum-of-2f", 4),
    ("jolteon.yaml", "jolteon.weakness=stale-views", 4),
    ("tendermint.yaml", "tendermint.weakness=quorum-of-2f", 6),
    ("tendermint.yaml", "tendermint.weakness=quorum-of-2f-plus-1", 21),
    ("qbft.yaml", "qbft.weakness=quorum-of-2f", 2),
    ("qbft.yaml", "qbft.weakness=forgets-prepared", 270),
    ("ibft2.yaml", "ibft2.weakness=quorum-of-2f", 2),
    ("bullshark.yaml", "bullshark.weakness=quorum-of-2f", 6),
    ("tusk.yaml", "tusk.weakness=commits-early", 6),
    ("layered-pbft.yaml", "layered-pbft.weakness=forgets-prepared", 46),
    ("layered-pbft.yaml", "layered-pbft.weakness=quorum-of-2f", 41),
    ("leader-subset-pbft.yaml", "leader-subset-pbft.weakness=quorum-of-2f", 7),
    ("leader-subset-pbft.yaml", "leader-subset-pbft.weakness=forgets-prepared", 3),
    ("group-pbft.yaml", "group-pbft.weakness=forgets-handover", 1),
    ("group-pbft.yaml", "group-pbft.weakness=forgets-prepared", 10),
    ("group-pbft.yaml", "group-pbft.weakness=quorum-of-2f", 6),
    ("algorand.yaml", "algorand.weakness=quorum-of-third", 6),
    ("algorand.yaml", "algorand.weakness=skips-cert", 183),
    ("snowman.yaml", "snowman.weakness=alpha-of-half", 8),
    ("snowman.yaml", "snowman.weakness=first-success-decides", 4),
    ("rapidchain.yaml", "rapidchain.weakness=ignores-equivocation", 7),
    ("rapidchain.yaml", "rapidchain.weakness=quorum-of-f", 135),
    ("ghost.yaml", "ghost.weakness=longest-chain", 192),
    ("ghost.yaml", "ghost.weakness=forgets-ancestors", 1),
    ("gasper.yaml", "gasper.weakness=votes-again", 1),
    ("nakamoto.yaml", "nakamoto.weakness=never-leaves", 1),
    ("bitcoin-ng.yaml", "bitcoin-ng.weakness=never-leaves", 1),
    ("bitcoin-ng.yaml", "bitcoin-ng.weakness=newest-block", 3),
    ("praos.yaml", "praos.weakness=never-leaves", 3),
    ("dpos.yaml", "dpos.weakness=never-leaves", 1),
    ("dpos.yaml", "dpos.weakness=newest-block", 152),
    ("clique.yaml", "clique.weakness=never-leaves", 1),
    ("clique.yaml", "clique.weakness=newest-block", 6),
  ]

  @Test(
    "a planted bug is found within 500 seeds, shrunk to at most 8 disturbances, and replayed",
    arguments: bugs)
  func planted(file: String, setting: String, first: UInt64) throws {
    #expect(first <= 500)
    let swarm = try SwarmTests.swarm(file, ["chains.0.consensus.\(setting)"])
    var found: (trial: Trial, finding: Trial.Finding)?
    for seed in first...first + 3 {
      let trial = swarm.trial(seed: seed)
      if let finding = try swarm.run(trial).findings.first(where: { $0.monitor != "liveness" }) {
        found = (trial, finding)
        break
      }
    }
    let (trial, finding) = try #require(found, "\(setting) was not found")
    let small = try swarm.shrink(trial, finding)
    #expect(small.trial.disturbances.count <= 8)
    #expect(small.finding.monitor == finding.monitor)
    // Every line that is left is needed.
    for k in small.trial.disturbances.indices {
      var less = small.trial
      less.disturbances.remove(at: k)
      #expect(!(try swarm.run(less).findings.contains { $0.monitor == finding.monitor }))
    }
    let replay = try Scenario(text: swarm.text(of: small.trial))
    let replayed = replay.violations(seed: replay.seed(ofReplication: 0))
    #expect(replayed.contains { $0.monitor == finding.monitor })
  }

  @Test(
    "beyond its assumptions a protocol breaks",
    arguments: [("pbft.yaml", ["agreement", "liveness"]), ("raft.yaml", ["liveness"])])
  func beyond(file: String, expected: [String]) throws {
    let swarm = try SwarmTests.swarm(file, isBeyond: true)
    var monitors: Set<String> = []
    for seed in 1...60 as ClosedRange<UInt64> {
      for finding in try swarm.run(swarm.trial(seed: seed)).findings {
        monitors.insert(finding.monitor)
      }
    }
    #expect(expected.allSatisfy(monitors.contains), "\(monitors)")
  }
}
