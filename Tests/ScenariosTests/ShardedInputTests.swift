import Scenarios
import Testing

/// What a `shards` section must not say.
@Suite("Sharded ledgers: bad input")
struct ShardedInputTests {
  static let bad: [(commit: String, entries: [String], rest: String, complaint: String)] = [
    (
      "protocol: relay", ["accounts: { payers: 2 }"], "",
      "the relay takes money from one account; 2 pay (allowed: payers: 1)"
    ),
    (
      "protocol: relay", ["clients: { forging: 10 % }"], "",
      "only clients of atomix carry proofs that they could forge"
    ),
    (
      "protocol: atomix", ["placement: { label-propagation: {} }"], "",
      "accounts move under the relay only (allowed: commit: { protocol: relay })"
    ),
    (
      "protocol: relay",
      ["placement: { label-propagation: {} }", "accounts: { receivers: 2 }"], "",
      "accounts move under transfers of one payer and one receiver only"
    ),
    (
      "protocol: relay", ["communities: { count: 6000 }"], "",
      "6000 communities of 10000 accounts: each has at least two"
    ),
    (
      "protocol: relay", ["communities: { count: 10 }", "accounts: { receivers: 2 }"], "",
      "communities and traces have transfers of one payer and one receiver"
    ),
    ("protocol: relai", [], "", "did you mean 'relay'?"),
    ("protocol: relay, locks: account", [], "", "did you mean 'accounts'?"),
    ("protocol: relay, weakness: drops", [], "", "commit.weakness"),
    ("protocol: relay", ["proofs: { senders: 5 }"], "", "proofs.senders: 5: is out of range"),
    (
      "protocol: sbac", ["proofs: { gathering: 1 s }"], "",
      "only committees of the yank gather transfers to ask for"
    ),
    ("protocol: yank", ["proofs: { routing: table }"], "", "did you mean 'tables'?"),
    (
      "protocol: atomix", ["accounts: { payers: 2, receivers: 0 }"], "",
      "where nobody receives, nobody pays: one account is touched, not 2 (allowed: payers: 1)"
    ),
    ("protocol: relay", ["proofs: { retry: 0 s }"], "", "proofs.retry: 0 s: is out of range"),
    ("protocol: relay", ["trace: nowhere.csv"], "", "nowhere.csv"),
    ("protocol: relay", ["comunities: { count: 4 }"], "", "did you mean 'communities'?"),
  ]

  static func complaint(_ scenario: ShardedScenario) -> String {
    do {
      _ = try Scenario(text: scenario.text)
      return ""
    } catch { return error.description }
  }

  @Test("is refused with what is wrong", arguments: bad)
  func refused(
    bad: (commit: String, entries: [String], rest: String, complaint: String)
  ) {
    var scenario = ShardedScenario()
    scenario.commit = bad.commit
    scenario.entries = bad.entries
    scenario.rest = bad.rest
    let complaint = Self.complaint(scenario)
    #expect(complaint.contains(bad.complaint), "\(complaint)")
  }

  @Test("more members than nodes, and a horizon in decisions, are refused")
  func shape() throws {
    let good = ShardedScenario()
    #expect(Self.complaint(good) == "")
    let many = good.text.replacing("count: 4", with: "count: 5")
    #expect {
      try Scenario(text: many)
    } throws: {
      "\($0)".contains("5 shards of 4 members need 20 nodes, there are 16")
    }
    let horizon = good.text.replacing("until: 20 s", with: "until: { decisions: 10, at-most: 9 s }")
    #expect {
      try Scenario(text: horizon)
    } throws: {
      "\($0)".contains("shards decide each for itself: no number of decisions")
    }
  }
}
