import Consensus
import Kernel
import Ledger
import Machines
import Networking
import Protocols
import Simulation
import Testing

@Suite("Tendermint decides again in the time that its page derives")
struct TendermintTimingTests {
  private static func ms(_ n: Int64) -> SimTime { SimTime(nanoseconds: n * 1_000_000) }

  private static func run(n: Int, seed: UInt64) -> TendermintRun {
    var run = TendermintRun()
    run.n = n
    run.seed = seed
    run.settings = TendermintRun.faultySettings
    run.settings.blockTransactions = 10_000
    run.delay = .constant(2e6)
    run.clientHosts = 3
    run.clientTimeout = .milliseconds(50)
    run.arrivals = .poisson(rate: 500)
    run.until = SimTime(nanoseconds: 1_500_000_000)
    return run
  }

  @Test("after k proposers crashed at once", arguments: [1, 2, 3], 1...5 as ClosedRange<UInt64>)
  func crashes(k: Int, seed: UInt64) {
    var run = Self.run(n: 10, seed: seed)
    run.faults = (0..<k).map {
      Fault(
        at: Self.ms(600), .crash(.node(NodeID($0)), downTime: nil, keepsDisk: true))
    }
    let simulation = run.start()
    simulation.run(until: Self.ms(20_000))
    #expect(simulation.world.violations == [])
    #expect(simulation.final == simulation.submitted)
    var longest = 0.0
    for log in simulation.world.logs {
      for number in 0..<log.count {
        let waited = log.time(.final, of: number) - log.submitted[number]
        longest = max(longest, waited.seconds * 1000)
      }
    }
    let (c, w, d, tp, tc, growth) = (50.0, 10.0, 2.0, 60.0, 20.0, 30.0)  // ms
    let rounds = Double(k) * (tp + tc + 3 * d) + Double(k * (k - 1) / 2) * growth
    #expect(longest <= c + w + 8 * d + rounds)
    #expect(longest > Double(k) * tp, "the crash was to be felt: \(longest) ms")
  }

  @Test("after a partition or before GST", arguments: [4, 7], 1...5 as ClosedRange<UInt64>)
  func partition(n: Int, seed: UInt64) throws {
    var run = Self.run(n: n, seed: seed)
    run.partitions = [
      Partition(
        from: Self.ms(400), until: Self.ms(900),
        side: (0..<n + 3).map { $0 % 2 == 0 ? 1 : 0 })
    ]
    let simulation = run.start()
    simulation.run(until: Self.ms(3_000))
    let entries = simulation.world.decisionLogs[1].entries
    let first = try #require(entries.first { $0.time > Self.ms(900) })
    let round = simulation.tendermint.replicas.map(\.viewChanges).max() ?? 0
    let (s, d, t, growth) = (100.0, 2.0, 100.0, 40.0)  // ms
    let bound = s + 2 * d + t + Double(round) * growth + 6 * d
    #expect((first.time - Self.ms(900)).seconds * 1000 <= bound)
    #expect(!entries.contains { $0.time > Self.ms(410) && $0.time < Self.ms(900) })
    #expect(simulation.world.violations == [])
  }

  @Test("a proposal whose id is not its block's gets prevotes for nil")
  func invalidProposal() throws {
    var settings = TendermintRun.plainSettings
    settings.proposesEmpty = true
    let committee = Committee(n: 4)
    var effects = Effects<Tendermint>(
      sizes: TransactionSizes(fixed: [100]),
      random: RandomStream(seed: 1, purpose: "test", entity: 0))
    var replicas = (0..<2).map {
      Tendermint(me: ReplicaID($0), committee: committee, settings: settings, seed: 1)
    }
    for i in replicas.indices { replicas[i].start(at: LocalTime(nanoseconds: 0), &effects) }
    let proposals = effects.items.compactMap { item -> Tendermint.Message? in
      guard case .broadcast(let message) = item, message.kind == 0 else { return nil }
      return message
    }
    let proposal = try #require(proposals.first)
    effects.items.removeAll()
    let invalid = try #require(replicas[0].invalidated(proposal, &effects))
    #expect(replicas[1].invalidated(proposal, &effects) == nil, "it is not its own")
    for (message, isNil) in [(invalid, true), (proposal, false)] {
      var backup = replicas[1]
      backup.upon(message, from: ReplicaID(0), at: LocalTime(nanoseconds: 0), &effects)
      guard case .broadcast(.prevote(_, _, let d)) = effects.items.first else {
        Issue.record("no prevote")
        return
      }
      #expect((d == Tendermint.nilVote) == isNil)
      effects.items.removeAll()
    }
  }
}
