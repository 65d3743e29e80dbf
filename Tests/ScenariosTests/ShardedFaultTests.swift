import Metrics
import Scenarios
import Sharding
import Simulation
import Testing

/// The ways to commit over shards against each other: what a fault does to each of them.
@Suite("Sharded ledgers: faults")
struct ShardedFaultTests {
  /// Two payers and a receiver, so that locks are held on several shards; under the relay one pays.
  static func scenario(
    _ commit: CommitProtocol, clients: String = "", rest: String = ""
  ) -> ShardedScenario {
    var scenario = ShardedScenario()
    scenario.commit = "protocol: \(commit.rawValue)"
    scenario.entries = [
      "proofs: { retry: 1 s }",
      "accounts: { payers: \(commit == .relay || commit == .broker ? 1 : 2), receivers: 1 }",
      "clients: { \(clients) }",
    ]
    scenario.accounts = "accounts: 1000"
    (scenario.submission, scenario.until, scenario.timeout) = ("10 s", "60 s", "2 s")
    scenario.rest = rest
    return scenario
  }

  static let crash = "faults: [{ at: 3 s, crash: 0, for: 5 s }]"
  /// All links between shards 0 and 1, both ways; clients and other shards reach both.
  static let cut = """
    faults:
      - { at: 3 s, links: { from: '0-3', to: '4-7', loss: 100 % }, for: 5 s }
      - { at: 3 s, links: { from: '4-7', to: '0-3', loss: 100 % }, for: 5 s }
    """

  /// Conserved and atomic, nothing stuck, all ended.
  static func isOver(_ outcome: Outcome) -> Bool {
    outcome.violations.isEmpty && outcome.shards("holds_outstanding") == 0
      && outcome.shards("money_in_flight") == 0
      && outcome.shards("confirmed") + outcome.shards("given_up") == outcome.shards("submitted")
  }

  @Test(
    "without a fault and after a leader's crash or a cut between two shards all is over",
    arguments: CommitProtocol.allCases, ["", crash, cut])
  func ends(commit: CommitProtocol, fault: String) throws {
    let outcome = try Self.scenario(commit, rest: fault).outcome()
    #expect(Self.isOver(outcome), "\(outcome.violations)")
    #expect(outcome.shards("confirmed") > 500)
  }

  @Test(
    "the relay and the yank abort nothing, whatever happens, but wait", arguments: [crash, cut])
  func delays(fault: String) throws {
    for commit in [CommitProtocol.relay, .yank] {
      let calm = try Self.scenario(commit).outcome()
      let hit = try Self.scenario(commit, rest: fault).outcome()
      #expect(calm.shards("aborts") == 0 && hit.shards("aborts") == 0)
      #expect(calm.shards("cross_shard_latency_p99") < 0.2)
      #expect(hit.shards("cross_shard_latency_p99") > 2)
    }
  }

  static let harmful = [(CommitProtocol.atomix, crash), (.sbac, crash), (.sbac, cut)]

  @Test("locks abort where transfers meet, and more of them the longer a fault has locks held")
  func aborts() throws {
    for (commit, fault) in Self.harmful {
      let calm = try Self.scenario(commit).outcome()
      let hit = try Self.scenario(commit, rest: fault).outcome()
      #expect(calm.shards("aborts") > 0)
      #expect(hit.shards("aborts") > 1.3 * calm.shards("aborts"), "\(commit), \(fault)")
      #expect(calm.shards("refused_for_lock") >= calm.shards("aborts"))
    }
  }

  @Test("a cut between shards is nothing to a protocol whose client is the messenger")
  func messenger() throws {
    let calm = try Self.scenario(.atomix).outcome()
    let hit = try Self.scenario(.atomix, rest: Self.cut).outcome()
    #expect(hit.shards("aborts") == calm.shards("aborts"))
    #expect(hit.shards("cross_shard_latency_p99") == calm.shards("cross_shard_latency_p99"))
  }

  @Test("holds stay only where clients drive, vanish, and nobody takes over")
  func vanishing() throws {
    for commit in CommitProtocol.allCases {
      let outcome = try Self.scenario(commit, clients: "vanishing: 10 %").outcome()
      #expect(outcome.violations == [])
      let isStuck = outcome.shards("holds_outstanding") > 0
      #expect(isStuck == (commit == .atomix), "\(commit)")
      #expect((outcome.shards("money_in_flight") > 0) == isStuck, "\(commit)")
    }
    let outcome = try Self.scenario(.atomix, clients: "vanishing: 10 %, takeover: 3 s").outcome()
    #expect(Self.isOver(outcome), "\(outcome.violations)")
  }

  @Test("transfers that lock the same accounts are tried again until they are done")
  func attempts() throws {
    let once = try Self.scenario(.sbac).outcome()
    let often = try Self.scenario(.sbac, clients: "attempts: 20, pause: 200 ms").outcome()
    #expect(once.shards("given_up") > 0)
    #expect(often.shards("given_up") == 0)
    #expect(often.shards("confirmed") == often.shards("submitted"))
    #expect(often.shards("attempts") == often.shards("submitted") + often.shards("aborts"))
    #expect(Self.isOver(often))
  }

  static let bugs: [(commit: CommitProtocol, weakness: String, clients: String, rest: String)] = [
    (.atomix, "never-releases", "", ""), (.sbac, "never-releases", "", ""),
    (.relay, "applies-twice", "", cut), (.atomix, "unlocks-without-proof", "forging: 50 %", ""),
    (.atomix, "ignores-locks", "", ""), (.sbac, "ignores-locks", "", ""),
  ]

  @Test("the audits find a rule that is left out", arguments: bugs)
  func planted(
    bug: (commit: CommitProtocol, weakness: String, clients: String, rest: String)
  ) throws {
    var scenario = Self.scenario(bug.commit, clients: bug.clients, rest: bug.rest)
    // Little money, so that some transfers lack it.
    scenario.entries[1] = scenario.entries[1].replacing(" }", with: ", balance: 5 }")
    #expect(try scenario.outcome().violations == [])
    scenario.commit += ", weakness: \(bug.weakness)"
    #expect(try !scenario.outcome().violations.isEmpty)
  }
}
