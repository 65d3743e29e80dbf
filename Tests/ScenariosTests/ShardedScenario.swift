import Kernel
import Metrics
import Scenarios
import Sharding
import Simulation

/// A scenario of shards with four members each, as the tests of sharded ledgers write it.
struct ShardedScenario {
  var shards = 4
  var consensus = "pbft: { batch: 20, batch-timeout: 10 ms, view-timeout: 2 s }"
  var commit = "protocol: relay"
  /// Further entries of `shards`, each on a line of its own.
  var entries: [String] = []
  var machines = "{ cpu: ideal, costs: free }"
  var arrivals = "poisson: 100 /s"
  var accounts = "accounts: 10000"
  var submission = "5 s"
  var until = "20 s"
  var timeout = "10 s"
  /// Further top-level entries.
  var rest = ""

  var text: String {
    """
    tributary: 1
    name: sharded
    until: \(until)
    measure: transient
    network: { nodes: \(4 * shards), delay: 5 ms }
    machines: \(machines)
    shards:
      name: shards
      count: \(shards)
      members: 4
      assignment: in-order
      consensus: { \(consensus) }
      commit: { \(commit) }
    \(entries.map { "  \($0)\n" }.joined())
    workload:
      arrivals: { \(arrivals) }
      until: \(submission)
      transactions: { size: 100 B, \(accounts) }
      clients: { timeout: \(timeout) }
    \(rest)
    """
  }

  func outcome(seed: UInt64 = 1) throws -> Outcome {
    try Scenario(text: text).makeOutcome(seed: seed)
  }

  /// The run after its end, and its ledger.
  func run(seed: UInt64 = 1) throws -> (run: Simulation, ledger: ShardLedger) {
    let scenario = try Scenario(text: text)
    let run = scenario.makeSimulation(seed: seed)
    run.start()
    run.run(until: scenario.end)
    return (run, run.sharded.ledger)
  }
}

extension Simulation {
  /// The one sharded ledger of a run.
  var sharded: ShardedLedger {
    guard let ledger = subsystems.compactMap({ $0 as? ShardedLedger }).first else {
      preconditionFailure("a run without shards")
    }
    return ledger
  }

  /// Transfers whose clients have their receipts.
  var settled: Int {
    zip(world.populations, world.logs).reduce(0) { sum, entry in
      entry.0.chain == 0 ? sum : sum + entry.1.count(.final)
    }
  }
}

extension Outcome {
  /// A figure of the sharded ledger; a NaN if there is none, which equals nothing.
  func shards(_ name: String) -> Double { self["shards.\(name)"] ?? .nan }
}
