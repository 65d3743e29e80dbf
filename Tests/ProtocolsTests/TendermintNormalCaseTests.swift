import Consensus
import Kernel
import Protocols
import Simulation
import Testing

@Suite("Tendermint, the normal case")
struct TendermintNormalCaseTests {
  static let rare = ["status", "votes", "has-votes", "part", "has-block", "fetch-blocks", "block"]

  @Test(
    "sends (n-1)(2n+1) messages a decision, transactions and replies apart",
    arguments: [4, 5, 6, 7, 8, 10, 16, 31, 64, 128], [false, true])
  func messageCount(n: Int, isWeighted: Bool) {
    var run = TendermintRun()
    run.n = n
    run.settings.powerRatio = isWeighted ? 3 : 1
    run.arrivals = .closed(clients: 1, think: .constant(0))
    run.until = SimTime(nanoseconds: 100_000_000)
    let simulation = run.start()
    simulation.run(until: .zero + .seconds(1))
    let decisions = simulation.world.decisions[1]
    #expect(decisions > 15)
    #expect(simulation.sentByTendermint(["proposal"]) == decisions * (n - 1))
    #expect(
      simulation.sentByTendermint(["proposal", "prevote", "precommit"])
        == decisions * (n - 1) * (2 * n + 1))
    #expect(simulation.sentByTendermint(["transactions"]) == decisions * (n - 1))
    #expect(simulation.sentByTendermint(["reply"]) == decisions * n)
    #expect(simulation.sentByTendermint(Self.rare + ["state", "forward"]) == 0)
    #expect(simulation.final == simulation.submitted)
    #expect(simulation.world.violations.isEmpty)
    for replica in simulation.tendermint.replicas { #expect(replica.viewChanges == 0) }
  }

  @Test("a block takes three delays, and the next begins after the commit timeout")
  func blockTime() {
    for wait in [SimDuration.zero, .milliseconds(1), .seconds(1)] {
      var run = TendermintRun()
      run.n = 7
      run.delay = .constant(20e6)
      run.settings.proposesEmpty = true
      run.settings.commitTimeout = wait
      run.until = .zero
      run.decisions = 50
      let simulation = run.start()
      simulation.run()
      let entries = simulation.world.decisionLogs[1].entries
      #expect(entries.count == 50)
      for entry in entries { #expect(entry.age == .milliseconds(60)) }
      for (earlier, later) in zip(entries, entries.dropFirst()) {
        #expect(later.time - earlier.time == .milliseconds(60) + wait)
      }
    }
  }

  @Test("proposers take turns by power", arguments: [1, 4])
  func turns(ratio: Int) {
    var run = TendermintRun()
    run.n = 4
    run.settings.proposesEmpty = true
    run.settings.powerRatio = ratio
    run.until = .zero
    // Powers of 4 : 3 : 2 : 1 take ten turns in all.
    run.decisions = 40
    let simulation = run.start()
    simulation.run()
    var turns = [0, 0, 0, 0]
    for entry in simulation.world.decisionLogs[1].entries {
      if let proposer = entry.proposer { turns[proposer] += 1 }
    }
    #expect(turns == (ratio == 1 ? [10, 10, 10, 10] : [16, 12, 8, 4]))
  }
}
