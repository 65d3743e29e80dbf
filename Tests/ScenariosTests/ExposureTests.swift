import Metrics
import Scenarios
import Testing

/// What results say of how safe the committees of shards are.
@Suite("Exposure of committees")
struct ExposureTests {
  /// Shards of four that tolerate one, and 400 nodes for attacks that need many.
  static func outcome(_ exposure: String, shards: Int = 2, seed: UInt64 = 1) throws -> Outcome {
    var scenario = ShardedScenario()
    scenario.shards = shards
    scenario.arrivals = "poisson: 1 /s"
    scenario.until = "2 s"
    scenario.submission = "1 s"
    scenario.entries = ["exposure: { \(exposure) }"]
    return try scenario.outcome(seed: seed)
  }

  @Test("two faulty of eight nodes are in one committee of four in 3 of 7 drawings")
  func exact() throws {
    let outcome = try Self.outcome("adversary: 25 %, redrawn: 1 d")
    #expect(outcome.shards("committee_tolerates") == 1)
    #expect(abs(outcome.shards("committee_failure") - 3 / 14.0) < 1e-8)
    #expect(abs(outcome.shards("any_committee_failure") - 3 / 7.0) < 1e-8)
    #expect(abs(outcome.shards("years_to_failure") - 7 / 3.0 / 365) < 1e-9)
    // 1 - 0.75^4 - 4 x 0.25 x 0.75^3 of one, and at most the double of either.
    let one = 1 - 189 / 256.0
    #expect(abs(outcome.shards("years_to_failure_binomial") - 1 / (2 * one) / 365) < 1e-9)
  }

  @Test("drawn from more nodes, committees fail by the hypergeometric law of all of them")
  func population() throws {
    let outcome = try Self.outcome("adversary: 25 %, population: 100, redrawn: 7 d")
    // Of 100 nodes 25 are faulty: four without or with one of them.
    let all = 100.0 * 99 * 98 * 97
    let none = 75.0 * 74 * 73 * 72
    let one = 4 * 25 * 75.0 * 74 * 73
    #expect(abs(outcome.shards("committee_failure") - (1 - (none + one) / all)) < 1e-8)
  }

  @Test("nobody faulty: nothing fails, and no time to failure is stated")
  func harmless() throws {
    let outcome = try Self.outcome("adversary: 10 %")
    #expect(outcome.shards("any_committee_failure") == 0)
    #expect(outcome["shards.years_to_failure"] == nil)
  }

  @Test("who rejoins gathers in one shard, unless others have to move")
  func joinLeave() throws {
    func share(_ rule: String) throws -> (target: Double, worst: Double, broken: Double) {
      let attack =
        "join-leave: { epochs: 1000, rejoins: 2, honest-churn: 2, rule: \(rule) }"
      let outcome = try Self.outcome("adversary: 25 %, \(attack)", shards: 50)
      return (
        outcome.shards("join_leave_target_share"), outcome.shards("join_leave_worst_share"),
        outcome.shards("join_leave_broken_epochs")
      )
    }
    let open = try share("none")
    #expect(open.target > 0.8)
    #expect(open.worst >= open.target)
    #expect(open.broken > 0.9)
    let cuckoo = try share("{ cuckoo: { evicted: 2, eviction: per-join } }")
    #expect(cuckoo.target < 0.8 * open.target)
  }

  static let bad: [(exposure: String, complaint: String)] = [
    ("adversary: 120 %", "exposure.adversary: 120 %: is out of range"),
    ("adversery: 20 %", "did you mean 'adversary'?"),
    ("adversary: 25 %, population: 7", "exposure.population: 7: is out of range"),
    (
      "adversary: 25 %, population: 9, join-leave: { rejoins: 1, honest-churn: 1, rule: none }",
      "who joins or leaves serves on a committee: 8 nodes (allowed: 8)"
    ),
    (
      "adversary: 50 %, join-leave: { rejoins: 1, honest-churn: 5, rule: none }",
      "5 honest nodes leave, there are 4"
    ),
    (
      "adversary: 50 %, join-leave: { rejoins: 1, honest-churn: 1, rule: cuckou }",
      "did you mean 'cuckoo'?"
    ),
  ]

  @Test("what cannot be is refused", arguments: bad)
  func refused(bad: (exposure: String, complaint: String)) {
    var scenario = ShardedScenario()
    scenario.shards = 2
    scenario.entries = ["exposure: { \(bad.exposure) }"]
    let complaint = ShardedInputTests.complaint(scenario)
    #expect(complaint.contains(bad.complaint), "\(complaint)")
  }

  @Test("a chain without committees has no exposure")
  func chains() {
    var scenario = ShardedScenario()
    scenario.consensus = "nakamoto: {}"
    scenario.entries = ["exposure: { adversary: 25 % }"]
    let complaint = ShardedInputTests.complaint(scenario)
    #expect(complaint.contains("only committees break; nakamoto has none"), "\(complaint)")
  }
}
