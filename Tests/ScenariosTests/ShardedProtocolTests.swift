import Kernel
import Metrics
import Scenarios
import Sharding
import Simulation
import Testing

/// Transfers over shards whatever the shards' protocol is, with work and latency by hand.
@Suite("Sharded ledgers: protocols, work and latency")
struct ShardedProtocolTests {
  static let protocols: [(name: String, text: String, until: String)] = [
    ("pbft", "pbft: { batch: 20, batch-timeout: 10 ms, view-timeout: 2 s }", "20 s"),
    ("hotstuff", "hotstuff: {}", "20 s"),
    ("tendermint", "tendermint: {}", "40 s"),
    ("nakamoto", "nakamoto: { interval: 1 s }", "300 s"),
    ("raft", "raft: {}", "20 s"),
  ]

  @Test(
    "transfers end whatever orders a shard's operations, at the work that the protocol states",
    arguments: protocols, CommitProtocol.allCases)
  func settles(consensus: (name: String, text: String, until: String), commit: CommitProtocol)
    throws
  {
    var scenario = ShardedScenario()
    scenario.consensus = consensus.text
    scenario.accounts = "accounts: 1000000"  // so that few meet, however long they take
    scenario.until = consensus.until
    scenario.commit = "protocol: \(commit.rawValue)"
    scenario.entries = ["accounts: { payers: \(commit == .relay ? 1 : 2), receivers: 1 }"]
    let (run, ledger) = try scenario.run()
    let outcome = run.outcome(until: run.world.now, measuring: Measuring(mode: .transient))
    #expect(outcome.violations == [])
    #expect(ledger.monitor.audit(ledger) == [])
    #expect(ledger.balances.reduce(0, +) == 1_000_000 * 1_000_000)
    #expect((outcome.shards("submitted")) > 400)
    #expect(outcome.shards("holds_outstanding") == 0)
    #expect(outcome.shards("money_in_flight") == 0)
    #expect(
      outcome.shards("confirmed") + outcome.shards("given_up") == outcome.shards("submitted"))
    #expect(outcome.shards("given_up") <= 0.05 * outcome.shards("submitted"))
    // What was done, by what became of each transfer: see the protocols' files.
    var work = 0
    for transfer in 0..<ledger.transfers.count {
      work += Self.operations(of: transfer, commit, ledger)
    }
    #expect(outcome.shards("operations") == Double(work))
    #expect(run.settled == Int(outcome.shards("confirmed")))
  }

  /// Operations that `transfer` takes, p paying parts and q that only receive.
  static func operations(of transfer: Int, _ commit: CommitProtocol, _ ledger: ShardLedger) -> Int {
    let all = ledger.transfers[transfer]
    guard all.parts > 1 else { return 1 }
    let (p, q) = (Int(all.payingParts), Int(all.parts - all.payingParts))
    let released = ledger.transfers.parts(of: transfer).count {
      ledger.transfers.parts[$0].state == .released
    }
    if all.fate == .committed {
      switch commit {
      case .relay: return 1 + q
      case .atomix, .sbac: return 2 * p + q
      case .yank:
        // An input committee with something to receive has a second operation.
        let output = ledger.outputPart(of: transfer)
        let inputs = ledger.yankedParts(of: transfer)
        let again = inputs.count { part in
          ledger.transfers.legs(of: part).contains { ledger.transfers.legs[$0].amount > 0 }
        }
        let others = ledger.transfers.receivingParts(of: transfer).count { $0 != output }
        return inputs.count + again + 1 + others
      }
    }
    switch commit {
    case .relay: return 1
    case .atomix, .sbac: return p + released
    case .yank: return ledger.yankedParts(of: transfer).count + 1 + released
    }
  }

  /// Links that one transfer after the other crosses, and decisions in a row.
  static let paths: [(commit: String, links: Int, decisions: Int)] = [
    ("protocol: relay", 3, 2),  // to the payer's shard, on to the receiver's, to the client
    ("protocol: atomix", 4, 2),  // there and back twice
    ("protocol: sbac", 3, 3),  // prepare and accept without a link between, on, to the client
    ("protocol: yank", 4, 2),  // to the output committee, to the input, back, to the client
  ]

  @Test(
    "latency is links, and PBFT's three delays and the wait for a batch at each decision, exactly",
    arguments: paths, [0, 10])
  func latency(path: (commit: String, links: Int, decisions: Int), wait: Int) throws {
    var scenario = ShardedScenario()
    scenario.commit = path.commit
    // Few, so that no transfer meets another.
    scenario.arrivals = "poisson: 1 /s"
    (scenario.submission, scenario.until) = ("200 s", "220 s")
    scenario.consensus =
      wait == 0
      ? "pbft: { batch: 1, view-timeout: 2 s }"
      : "pbft: { batch: 50, batch-timeout: \(wait) ms, view-timeout: 2 s }"
    let outcome = try scenario.outcome()
    let expected = { (links: Int, decisions: Int) in
      Double(links * 5 + decisions * (3 * 5 + wait)) / 1000
    }
    #expect(outcome.shards("confirmed") > 150)
    #expect(outcome.shards("in_shard_latency_p50") == expected(2, 1))
    #expect(outcome.shards("cross_shard_latency_p50") == expected(path.links, path.decisions))
  }

  @Test("a copy in the middle of a run ends as the run does", arguments: CommitProtocol.allCases)
  func copies(commit: CommitProtocol) throws {
    var scenario = ShardedScenario()
    scenario.commit = "protocol: \(commit.rawValue)"
    scenario.rest = "faults: [{ at: 2 s, crash: 0, for: 1 s, keeps-disk: false }]"
    let read = try Scenario(text: scenario.text)
    let run = read.makeSimulation(seed: 3)
    run.start()
    run.run(until: .zero + .milliseconds(2500))
    let copy = run.copy()
    let early = run.digests
    run.run(until: read.end)
    #expect(copy.digests == early)
    copy.run(until: read.end)
    #expect(copy.digests == run.digests)
    #expect(copy.digests != early)
    let measuring = Measuring(mode: .transient)
    #expect(
      copy.outcome(until: read.end, measuring: measuring)
        == run.outcome(until: read.end, measuring: measuring))
    #expect(copy.sharded.ledger.balances == run.sharded.ledger.balances)
  }
}
