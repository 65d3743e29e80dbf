import Metrics
import Scenarios
import Sharding
import Simulation
import Testing

/// Brokers under faults: their transfers end, whole or not at all, and nobody loses money.
@Suite("Sharded ledgers: brokers")
struct ShardedBrokerTests {
  static func scenario(
    _ brokers: String, pause: String = "200 ms", rest: String = ""
  ) -> ShardedScenario {
    var scenario = ShardedFaultTests.scenario(.broker, clients: "pause: \(pause)", rest: rest)
    scenario.entries.append("brokers: { \(brokers) }")
    return scenario
  }

  @Test("a lock whose broker is gone ends, and the payer has its money back")
  func vanishing() throws {
    let outcome = try Self.scenario("vanishing: 30 %, lock: 20").outcome()
    #expect(ShardedFaultTests.isOver(outcome), "\(outcome.violations)")
    let crossing = outcome.shards("cross_shard_share") * outcome.shards("attempts")
    #expect(abs(outcome.shards("aborts") / crossing - 0.3) < 0.1)
    #expect(outcome.shards("refused_for_funds") == 0)
  }

  @Test(
    "with a broker gone, a leader down or a cut between two shards, all ends",
    arguments: [ShardedFaultTests.crash, ShardedFaultTests.cut])
  func faults(fault: String) throws {
    let outcome = try Self.scenario("vanishing: 10 %, lock: 50", rest: fault).outcome()
    #expect(ShardedFaultTests.isOver(outcome), "\(outcome.violations)")
    #expect(outcome.shards("confirmed") > 500)
  }

  @Test("brokers with little money wait for more, or have the shards move it")
  func shortage() throws {
    let wait = try Self.scenario("count: 1, balance: 20, lock: 100").outcome()
    #expect(ShardedFaultTests.isOver(wait), "\(wait.violations)")
    #expect(wait.shards("refused_for_funds") > 100)
    #expect(wait.shards("relayed_for_brokers") == 0)
    let relay = try Self.scenario("count: 1, balance: 20, lock: 100, when-short: relay").outcome()
    #expect(ShardedFaultTests.isOver(relay), "\(relay.violations)")
    #expect(relay.shards("relayed_for_brokers") > 10)
    #expect(relay.shards("aborts") == 0)
    #expect(relay.shards("cross_shard_latency_mean") < wait.shards("cross_shard_latency_mean"))
  }

  @Test("the audits find a broker that pays though its lock has ended")
  func planted() throws {
    // A broker that tries so often does so between the end of its lock and the refund.
    var scenario = Self.scenario("count: 1, balance: 20, lock: 20", pause: "20 ms")
    #expect(try scenario.outcome().violations == [])
    scenario.commit += ", weakness: ignores-expiry"
    let found = try scenario.outcome().violations
    #expect(found.contains { $0.monitor == "atomicity" }, "\(found)")
  }
}
