import Kernel
import Metrics
import Scenarios
import Sharding
import Simulation
import Testing

/// The yank as RapidChain has it: the output committee drives a transfer, whoever of it leads.
@Suite("Sharded ledgers: the output committee drives")
struct ShardedYankTests {
  static func scenario(_ proofs: String = "") -> ShardedScenario {
    var scenario = ShardedScenario()
    scenario.commit = "protocol: yank"
    scenario.consensus = "pbft: { batch: 1, view-timeout: 2 s }"
    scenario.entries = ["proofs: { \(proofs) }", "accounts: { payers: 1, receivers: 1 }"]
    // Few, so that no transfer meets another.
    scenario.arrivals = "poisson: 1 /s"
    (scenario.submission, scenario.until) = ("200 s", "220 s")
    return scenario
  }

  static func messages(_ type: String, _ outcome: Outcome) -> Int {
    outcome.messages.reduce(0) { $1.type == type ? $0 + $1.count : $0 }
  }

  @Test("a leader asks f + 1 members of each input committee, once, and the client nobody else")
  func messages() throws {
    let (run, ledger) = try Self.scenario().run()
    let outcome = run.outcome(until: run.world.now, measuring: Measuring(mode: .transient))
    let crossing = (0..<ledger.transfers.count).count { ledger.transfers.isCrossShard($0) }
    #expect(crossing > 100)
    #expect(Self.messages("request", outcome) == ledger.transfers.count)
    #expect(Self.messages("order", outcome) == 0)
    #expect(Self.messages("demand", outcome) == 2 * crossing)
    #expect(Self.messages("retransmission", outcome) == 0)
  }

  @Test("a leader that gathers asks once for all that has come, that much later")
  func gathers() throws {
    var scenario = Self.scenario("gathering: 1 s")
    (scenario.arrivals, scenario.submission, scenario.until) = ("poisson: 100 /s", "5 s", "20 s")
    let (run, ledger) = try scenario.run()
    let outcome = run.outcome(until: run.world.now, measuring: Measuring(mode: .transient))
    let crossing = (0..<ledger.transfers.count).count { ledger.transfers.isCrossShard($0) }
    #expect(outcome.shards("confirmed") == outcome.shards("submitted"))
    // Four shards ask three others each second for six seconds at most, two members each.
    #expect(Self.messages("demand", outcome) <= 4 * 3 * 6 * 2)
    #expect(crossing > 300)
    let mean = outcome.shards("cross_shard_latency_mean")
    #expect(mean > 0.5 && mean < 1)
  }

  @Test("over routing tables each message takes the links that its distance asks for, exactly")
  func tables() throws {
    let (run, ledger) = try Self.scenario("routing: tables").run()
    let log = run.world.logs[0]
    var seen: Set<Int> = []
    for transfer in 0..<ledger.transfers.count where ledger.transfers.isCrossShard(transfer) {
      let output = Int(ledger.transfers.parts[ledger.outputPart(of: transfer)].shard)
      let input = Int(ledger.transfers.parts[ledger.yankedParts(of: transfer).lowerBound].shard)
      let routing = CommitteeRouting.tables
      let links =
        2 + routing.links(from: output, to: input, of: 4)
        + routing.links(from: input, to: output, of: 4)
      seen.insert(links)
      let number = Int(ledger.transfers[transfer].number)
      let latency = log.time(.final, of: number) - log.submitted[number]
      #expect(latency == .milliseconds(Int64(5 * (links + 2 * 3))))
    }
    #expect(seen == [4, 5])
  }

  @Test("members that were told take over from a leader that is down, and it is asked for once")
  func takesOver() throws {
    var scenario = Self.scenario("retry: 1 s")
    (scenario.arrivals, scenario.submission, scenario.until) = ("poisson: 20 /s", "9 s", "60 s")
    scenario.timeout = "1 s"
    // Shard 0's first leader never comes back.
    scenario.rest = "faults: [{ at: 3 s, crash: 0 }]"
    let (run, ledger) = try scenario.run()
    let outcome = run.outcome(until: run.world.now, measuring: Measuring(mode: .transient))
    #expect(outcome.violations == [])
    #expect(outcome.shards("confirmed") == outcome.shards("submitted"))
    #expect(outcome.shards("money_in_flight") == 0)
    #expect(Self.messages("retransmission", outcome) > 0)
    // However many asked for a yank, it is one operation.
    var work = 0
    for transfer in 0..<ledger.transfers.count {
      work += ShardedProtocolTests.operations(of: transfer, .yank, ledger)
    }
    #expect(outcome.shards("operations") == Double(work))
  }

  @Test("a transfer whose client is gone ends though its leader fails when it has asked a part")
  func endsWithoutClient() throws {
    var scenario = Self.scenario("retry: 1 s")
    scenario.entries[1] = "accounts: { payers: 3, receivers: 1 }"
    scenario.entries.append("clients: { vanishing: 100 % }")
    (scenario.arrivals, scenario.submission, scenario.until) = ("poisson: 40 /s", "9 s", "60 s")
    // What shard 1 is asked for is lost for a while, then the leader that asks is down.
    scenario.rest = """
      faults:
        - { at: 2 s, links: { from: '0', to: '4-7', loss: 100 % }, for: 2 s }
        - { at: 3900 ms, crash: 0 }
      """
    let (run, ledger) = try scenario.run()
    let outcome = run.outcome(until: run.world.now, measuring: Measuring(mode: .transient))
    #expect(outcome.violations == [])
    #expect(outcome.shards("money_in_flight") == 0)
    #expect(outcome.shards("holds_outstanding") == 0)
    #expect(ledger.monitor.committed > 200)
  }
}
