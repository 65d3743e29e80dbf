import Consensus
import Metrics
import Scenarios
import Statistics
import Testing

/// When payments are settled, by what a protocol's finality rests on.
@Suite("Settlement")
struct SettlementTests {
  static func scenario(
    _ consensus: String, until: String, error: String = "1e-6"
  ) throws -> Scenario {
    try Scenario(
      text: """
        tributary: 1
        name: settlement
        until: \(until)
        measure: transient
        network: { delay: 10 ms, nodes: 4, uplink: 1 Gbit/s, downlink: 1 Gbit/s }
        machines: { cpu: { cores: { count: 2 } } }
        chains: [{ name: main, consensus: { \(consensus) } }]
        workload:
          arrivals: { poisson: 0.5 /s }
          transactions: { size: 200 B }
          clients: { timeout: 1000 h }
        settlement: { adversary: 10 %, error: \(error) }
        prices: none
        """)
  }

  static func value(_ outcome: Outcome, _ name: String) throws -> Double {
    try #require(outcome["main." + name], "\(name)")
  }

  @Test("confirmations are the fewest that the closed forms allow")
  func confirmations() throws {
    let plan = try Self.scenario("pbft: {}", until: "1 s").settlement
    // 1e-6 at a tenth: I_0.36(z, 1/2) falls below it between 11 and 12.
    #expect(DoubleSpend.exact(q: 0.1, z: 11) > 1e-6)
    #expect(DoubleSpend.exact(q: 0.1, z: 12) <= 1e-6)
    #expect(plan.reversal(after: 12, .hashing) == DoubleSpend.exact(q: 0.1, z: 12))
    #expect(plan.reversal(after: 3, .unknown) == nil)
    #expect(plan.reversal(after: 0, .deterministic) == 0)
    #expect(plan.confirmations(for: .hashing, nodes: 4) == 12)
    #expect(plan.confirmations(for: .keyBlocks, nodes: 4) == 12)
    // Slots that are seldom led are a race by hashing.
    #expect(plan.confirmations(for: .slots(active: 1e-6), nodes: 4) == 12)
    #expect(plan.confirmations(for: .deterministic, nodes: 4) == 0)
    #expect(plan.confirmations(for: .unknown, nodes: 4) == nil)
    // Ten of a hundred: what the closed form says.
    let sampling = FinalityRule.sampling(
      sample: 20, alphaPreference: 15, alphaConfidence: 15, beta: 20)
    let network = RepeatedSampling(
      replicas: 100, adversaries: 10, sample: 20, alphaPreference: 15, alphaConfidence: 15)
    let needed = try #require(plan.confirmations(for: sampling, nodes: 100))
    #expect(network.error(beta: needed) <= 1e-6 && network.error(beta: needed - 1) > 1e-6)
  }

  @Test("what a protocol says of its finality")
  func rules() {
    let others: [String: FinalityRule] = [
      "snowman": .sampling(sample: 20, alphaPreference: 15, alphaConfidence: 15, beta: 20),
      "dpos": .deterministic, "gasper": .deterministic, "nakamoto": .hashing, "ghost": .hashing,
      "bitcoin-ng": .keyBlocks,
      "praos": .slots(active: 0.05), "clique": .unknown,
    ]
    for entry in registry where others[entry.name] != nil || !entry.spreads {
      let values = ParameterValues(defaults: entry.parameters)
      #expect(
        entry.finality(with: values) == others[entry.name] ?? .deterministic,
        "\(entry.name)")
    }
  }

  @Test("deterministic finality settles with the decision", arguments: ["pbft: {}", "raft: {}"])
  func deterministic(consensus: String) throws {
    let outcome = try Self.scenario(consensus, until: "60 s").makeOutcome(seed: 3)
    let parts = try ["ingest_mean", "include_mean", "decide_mean"].map {
      try Self.value(outcome, $0)
    }
    let settled = try Self.value(outcome, "settlement_latency")
    #expect(settled == parts[0] + parts[1] + parts[2])
    #expect(settled > 0.01 && settled < 1)
    #expect(outcome["main.settlement_confirmations"] == nil)
  }

  @Test("blocks that confirm are waited for, the transaction's own the first of them")
  func confirming() throws {
    for consensus in [
      "nakamoto: { interval: 10 s, confirmations: 1 }", "praos: { confirmations: 1 }",
    ] {
      let outcome = try Self.scenario(consensus, until: "2000 s").makeOutcome(seed: 3)
      let needed = try Self.value(outcome, "settlement_confirmations")
      let start =
        try Self.value(outcome, "ingest_mean") + Self.value(outcome, "include_mean")
      let interval = try Self.value(outcome, "block_interval")
      #expect(
        try Self.value(outcome, "settlement_latency") == start + (needed - 1) * interval)
      #expect(needed >= 12 && needed <= 13)
    }
  }

  @Test("microblocks do not confirm: as many key blocks as needed must follow")
  func keyBlocks() throws {
    let consensus = """
      bitcoin-ng: { interval: 10 s, microblock-interval: 1 s, confirm-by: wait, \
      confirmation-wait: 2 s }
      """
    let outcome = try Self.scenario(consensus, until: "2000 s").makeOutcome(seed: 3)
    let start = try Self.value(outcome, "ingest_mean") + Self.value(outcome, "include_mean")
    let waited = try Self.value(outcome, "settlement_latency") - start
    // Thirteen key blocks of 10 s; some 200 in the run, of which 4 deviations are 28 %.
    #expect(abs(waited - 130) < 0.28 * 130)
  }

  @Test("samples settle with the decision if their row is long enough, and else never")
  func sampling() throws {
    for beta in [2, 20] {
      let consensus = """
        snowman: { sample: 3, alpha-preference: 3, alpha-confidence: 3, beta: \(beta) }
        """
      // No replica of four is a tenth: three who agree are never heard against each other.
      let outcome = try Self.scenario(consensus, until: "60 s").makeOutcome(seed: 3)
      #expect(try Self.value(outcome, "settlement_confirmations") == 1)
      let parts = try ["ingest_mean", "include_mean", "decide_mean"].map {
        try Self.value(outcome, $0)
      }
      #expect(try Self.value(outcome, "settlement_latency") == parts.reduce(0, +))
    }
    // Two of three alike: each half of four hears the other's two.
    let consensus = "snowman: { sample: 3, alpha-preference: 2, alpha-confidence: 2 }"
    let outcome = try Self.scenario(consensus, until: "60 s").makeOutcome(seed: 3)
    let metric = try #require(outcome.metrics.first { $0.name == "main.settlement_latency" })
    #expect(metric.value == nil)
    #expect(try Self.value(outcome, "confirmed") > 0)
  }

  @Test("a chain of which nothing is known has no settlement, and says so")
  func unknown() throws {
    let outcome = try Self.scenario("clique: {}", until: "300 s").makeOutcome(seed: 3)
    let metric = try #require(outcome.metrics.first { $0.name == "main.settlement_latency" })
    #expect(metric.value == nil)
    #expect(try Self.value(outcome, "confirmed") > 0)
  }

  @Test("messages and bytes are those of the types, for each confirmed transaction")
  func traffic() throws {
    for consensus in ["pbft: {}", "nakamoto: { interval: 10 s, confirmations: 1 }"] {
      let outcome = try Self.scenario(consensus, until: "200 s").makeOutcome(seed: 3)
      let rows = outcome.messages.filter { $0.subsystem == "main" }
      let confirmed = try Self.value(outcome, "confirmed")
      let messages = try Self.value(outcome, "messages_per_tx")
      #expect(messages == Double(rows.reduce(0) { $0 + $1.count }) / confirmed)
      #expect(messages > 1)
      #expect(
        try Self.value(outcome, "bytes_per_tx")
          == Double(rows.reduce(0) { $0 + $1.bytes }) / confirmed)
    }
  }
}
