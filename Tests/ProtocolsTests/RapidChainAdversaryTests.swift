import Consensus
import Kernel
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

/// Up to (n - 1) / 2 members lie.
@Suite("RapidChain's committee among adversaries")
struct RapidChainAdversaryTests {
  static func run(
    _ adversaries: [Adversary], n: Int = 5, seed: UInt64,
    _ change: (inout RapidChainRun) -> Void = { _ in }
  ) -> Simulation {
    var run = RapidChainRun(n: n, seed: seed)
    run.setup.adversaries = adversaries
    run.clientHosts = 2
    run.arrivals = .poisson(rate: 100)
    run.clientTimeout = .milliseconds(300)
    run.delay = .uniform(low: 0.2e6, high: 3e6)
    run.until = ms(2000)
    change(&run)
    let simulation = run.start()
    simulation.run(until: ms(12_000))
    return simulation
  }

  static func twins(_ roles: [Int], hearsAll: Bool = false) -> Adversary {
    Adversary(
      .twins(
        .init(
          parts: .drawn(every: .milliseconds(130)), hearsAll: hearsAll, overlooks: 0.5)),
      roles: roles)
  }

  @Test("f leaders that equivocate are found out, and break nothing", arguments: [3, 4, 5, 8, 9])
  func equivocation(n: Int) {
    let f = (n - 1) / 2
    for seed in 1...8 as ClosedRange<UInt64> {
      for hearsAll in [false, true] {
        let simulation = Self.run(
          [Self.twins(Array(0..<f), hearsAll: hearsAll)], n: n, seed: seed)
        #expect(simulation.world.violations == [])
        #expect(simulation.final == simulation.submitted, "n \(n), seed \(seed)")
        let found = simulation.rapidChain.equivocators.map { Int($0.index) }
        #expect(!found.isEmpty && found.allSatisfy { $0 < f })
      }
    }
  }

  @Test("f leaders that lie delay a request by their own iterations and three more")
  func delayed() {
    for seed in 1...20 as ClosedRange<UInt64> {
      let twins = Adversary(
        .twins(
          .init(parts: .drawn(every: .milliseconds(1000)), hearsAll: true, overlooks: 0.5)),
        roles: [0, 1, 2])
      let simulation = Self.run([twins], n: 7, seed: seed) {
        $0.until = ms(4000)
        $0.clientTimeout = .milliseconds(200)
      }
      #expect(simulation.world.violations == [])
      // Its client waits, then leaders that lie follow each other, then come three iterations.
      let leaders = simulation.rapidChain.replicas[6]
      var (row, longest) = (0, 0)
      for k in 1...100 as ClosedRange<UInt32> {
        row = leaders.leader(of: k).index < 3 ? row + 1 : 0
        longest = max(longest, row)
      }
      let bound = SimDuration.milliseconds(200 + 60 * Int64(longest + 3) + 60)
      for log in simulation.world.logs {
        let waits = (0..<log.count).map { log.time(.final, of: $0) - log.submitted[$0] }
        #expect(waits.allSatisfy { $0 <= bound }, "seed \(seed)")
      }
    }
  }

  static let behaviours: [Adversary.Behaviour] = [
    .silent, .delay(.exponential(mean: 15e6)), .withhold(share: 0.5, proposalsOnly: false),
    .withhold(share: 0.3, proposalsOnly: true), .censor(populations: nil, share: 1), .invalid,
  ]

  @Test("with f of any behaviour all requests become final", arguments: behaviours)
  func lives(behaviour: Adversary.Behaviour) {
    for seed in 1...5 as ClosedRange<UInt64> {
      let simulation = Self.run([Adversary(behaviour, roles: [1, 2])], seed: seed)
      #expect(simulation.world.violations == [])
      #expect(simulation.final == simulation.submitted, "seed \(seed)")
      #expect(simulation.submitted > 300)
      #expect(simulation.rapidChain.equivocators.isEmpty)
    }
  }

  @Test("a header that reached too few is proposed again by the next leader, with its block")
  func pending() {
    var again = 0
    for seed in 1...5 as ClosedRange<UInt64> {
      // Its block spreads, its header reaches one of four: too few echo.
      let simulation = Self.run(
        [Adversary(.withhold(share: 0.25, proposalsOnly: true), roles: [0])], seed: seed)
      #expect(simulation.world.violations == [])
      #expect(simulation.final == simulation.submitted)
      let failed = simulation.rapidChain.replicas[1].viewChanges
      // A block of a failed iteration is in the chain all the same: more blocks than iterations
      // that accepted one.
      again += failed
      let proposals = simulation.sentRC(["propose"])
      #expect(proposals > 0)
      #expect(Int(simulation.world.decisions[1]) == simulation.rapidChain.replicas[1].height)
    }
    #expect(again > 0)
  }
}

@Suite("Without one of its rules, RapidChain breaks, and a monitor says so")
struct RapidChainWeaknessTests {
  /// Two equivocate; nothing else is wrong.
  static func equivocated(_ weakness: RapidChain.Weakness, seed: UInt64) -> [String] {
    RapidChainAdversaryTests.run([RapidChainAdversaryTests.twins([0, 1])], seed: seed) {
      $0.settings.weakness = weakness
    }.world.violations.map(\.monitor)
  }

  /// Two members are cut off while the others rest on the first round, for ten iterations.
  static func cutOff(_ weakness: RapidChain.Weakness, seed: UInt64) -> [String] {
    RapidChainAdversaryTests.run([], seed: seed) {
      $0.settings.weakness = weakness
      $0.partitions = [
        Partition(from: ms(12 * 60 + 55), until: ms(22 * 60 + 55), side: [0, 0, 0, 1, 1, 0, 1])
      ]
    }.world.violations.map(\.monitor)
  }

  static let seeds = 1...20 as ClosedRange<UInt64>

  @Test("whole, it holds in the same runs")
  func whole() {
    for seed in Self.seeds {
      #expect(Self.equivocated([], seed: seed) == [])
      #expect(Self.cutOff([], seed: seed) == [])
    }
  }

  @Test("who accepts though the leader signed two headers breaks agreement")
  func ignoresEquivocation() {
    let seen = Self.seeds.count {
      Self.equivocated(.ignoresEquivocation, seed: $0).contains("agreement")
    }
    #expect(seen >= 10, "\(seen) of 20 seeds")
  }

  @Test("f echoes are no proof: both sides of a partition accept")
  func quorumOfF() {
    let seen = Self.seeds.count { Self.cutOff(.quorumOfF, seed: $0).contains("agreement") }
    #expect(seen >= 10, "\(seen) of 20 seeds")
  }

  @Test("a leader that is behind has its header accepted where locks are ignored")
  func ignoresLock() {
    let seen = Self.seeds.count { Self.cutOff(.ignoresLock, seed: $0).contains("agreement") }
    #expect(seen >= 3, "\(seen) of 20 seeds")
  }
}
