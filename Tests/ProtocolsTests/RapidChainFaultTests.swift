import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

@Suite("RapidChain's committee under faults")
struct RapidChainFaultTests {
  static func crash(_ node: Int, _ at: Int64, _ down: Int64, keepsDisk: Bool = true) -> Fault {
    Fault(
      at: ms(at),
      .crash(.node(NodeID(node)), downTime: .milliseconds(down), keepsDisk: keepsDisk))
  }

  static func run(n: Int, seed: UInt64) -> RapidChainRun {
    var run = RapidChainRun(n: n, seed: seed)
    run.clientHosts = 2
    run.arrivals = .poisson(rate: 200)
    run.clientTimeout = .milliseconds(400)
    run.until = ms(2500)
    run.settings.blockTransactions = 40
    return run
  }

  @Test("two leaders in a row crash while one member is far behind: every request once, in order")
  func leaderCrashes() {
    for seed in 1...20 as ClosedRange<UInt64> {
      var run = Self.run(n: 7, seed: seed)
      run.faults = [
        Self.crash(6, 300, 1500),
        Fault(
          at: ms(20 * 60 + 5 + Int64(seed * 2)),
          .crash(.proposer(subsystem: 1), downTime: .milliseconds(500), keepsDisk: true)),
        Fault(
          at: ms(21 * 60 + 5 + Int64(seed * 2)),
          .crash(.proposer(subsystem: 1), downTime: .milliseconds(400), keepsDisk: true)),
      ]
      let simulation = run.start()
      simulation.run(until: ms(6000))
      #expect(simulation.world.violations == [])
      #expect(simulation.final == simulation.submitted && simulation.submitted > 800)
      let replicas = simulation.rapidChain.replicas
      #expect(Set(replicas.map(\.state.digest)).count == 1, "seed \(seed)")
      #expect(replicas[6].state.transactions == simulation.submitted)
    }
  }

  @Test("after leaders that are down, a request is final within the bound of the page")
  func bound() {
    for seed in 1...20 as ClosedRange<UInt64> {
      var run = RapidChainRun(n: 5, seed: seed)
      run.arrivals = .poisson(rate: 200)
      run.clientTimeout = .milliseconds(100)
      run.until = ms(2000)
      run.faults = [1, 3].map {
        Fault(at: ms(600), .crash(.node(NodeID($0)), downTime: nil, keepsDisk: true))
      }
      let simulation = run.start()
      simulation.run(until: ms(5000))
      #expect(simulation.world.violations == [])
      #expect(simulation.final == simulation.submitted)
      // The longest row of leaders that are down, from the schedule alone.
      let replica = simulation.rapidChain.replicas[0]
      var (row, longest) = (0, 0)
      for k in 1...80 as ClosedRange<UInt32> {
        row = [1, 3].contains(replica.leader(of: k).index) ? row + 1 : 0
        longest = max(longest, row)
      }
      let bound = SimDuration.milliseconds(100 + 60 * Int64(longest + 1) + 50 + 5)
      let log = simulation.world.logs[0]
      for number in 0..<log.count {
        let taken = log.time(.final, of: number) - log.submitted[number]
        #expect(taken <= bound, "seed \(seed), \(longest) in a row")
      }
    }
  }

  @Test("who comes up again, with or without its disk, executes what it missed and then votes")
  func restarts() {
    for (seed, keepsDisk) in [(1, true), (2, false), (3, true), (4, false), (5, false)] {
      var run = Self.run(n: 5, seed: UInt64(seed))
      // Short: from the others' blocks. Long: from a snapshot.
      run.faults = [
        Self.crash(1, 500, 200, keepsDisk: keepsDisk),
        Self.crash(2, 600, 1400, keepsDisk: keepsDisk),
        // Later each voice counts: two others stay down.
        Fault(at: ms(3000), .crash(.node(NodeID(3)), downTime: nil, keepsDisk: true)),
        Fault(at: ms(3000), .crash(.node(NodeID(4)), downTime: nil, keepsDisk: true)),
      ]
      run.until = ms(4000)
      let simulation = run.start()
      simulation.run(until: ms(8000))
      #expect(simulation.world.violations == [])
      #expect(simulation.final == simulation.submitted && simulation.submitted > 1000)
      let live = simulation.rapidChain.replicas.prefix(3)
      #expect(Set(live.map(\.state.digest)).count == 1, "seed \(seed)")
      #expect(live.allSatisfy { $0.state.transactions == simulation.submitted })
    }
  }

  @Test("messages that are lost or come twice delay, and harm nothing")
  func lossyLinks() {
    for seed in 1...10 as ClosedRange<UInt64> {
      var run = Self.run(n: 5, seed: seed)
      run.loss = 0.15
      run.duplication = 0.1
      let simulation = run.start()
      simulation.run(until: ms(30_000))
      #expect(simulation.world.violations == [])
      #expect(simulation.final == simulation.submitted, "seed \(seed)")
      #expect(simulation.sentRC(["want", "certified"]) > 0)
    }
  }

  @Test("chunks may lack up to the coded ones")
  func lostChunks() {
    // With degree 2, member 0's leader sends two sets of six chunks round the circle in both ways;
    // cutting one link of each member loses sets unless half of the chunks are coded.
    func blocks(parity: Int) -> Int {
      var run = RapidChainRun(n: 7, seed: 3)
      run.settings.gossip = .init(chunks: 12, parity: parity, degree: 2)
      run.arrivals = .poisson(rate: 100)
      run.until = ms(3000)
      run.adversaries = [
        Adversary(.withhold(share: 0, proposalsOnly: false), roles: [2])
      ]
      let simulation = run.start()
      simulation.run(until: ms(3000))
      #expect(simulation.world.violations == [])
      return simulation.sentRC(["want"])
    }
    #expect(blocks(parity: 6) == 0)
    #expect(blocks(parity: 0) > 0)
  }
}
