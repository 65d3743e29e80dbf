import Consensus
import Kernel
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

/// PBFT among adversaries: 3f + 1 replicas, f of them Byzantine in one way or another.
@Suite("PBFT among adversaries")
struct PBFTAdversaryTests {
  static let end = SimTime(nanoseconds: 6_000_000_000)

  static func run(_ adversaries: [Adversary], seed: UInt64 = 1, n: Int = 4) -> PBFTRun {
    var run = PBFTRun()
    run.n = n
    run.seed = seed
    run.settings = PBFTRun.faultySettings
    run.setup.adversaries = adversaries
    run.delay = .exponential(mean: 2e6)
    run.clientHosts = 2
    run.arrivals = .poisson(rate: 100)
    run.clientTimeout = .milliseconds(300)
    run.until = SimTime(nanoseconds: 2_000_000_000)
    return run
  }

  static func finished(_ run: PBFTRun, until: SimTime = end) -> Simulation {
    let simulation = run.start()
    simulation.run(until: until)
    return simulation
  }

  static func twins(_ roles: [Int], every period: Int64 = 300, hearsAll: Bool = false) -> Adversary
  {
    Adversary(
      .twins(
        .init(
          parts: .drawn(every: .milliseconds(period)), hearsAll: hearsAll, overlooks: 0.5)),
      roles: roles)
  }

  static let behaviours: [Adversary.Behaviour] = [
    .silent, .delay(.exponential(mean: 50e6)), .withhold(share: 0.5, proposalsOnly: false),
    .withhold(share: 0, proposalsOnly: true), .censor(populations: nil, share: 1),
    .censor(populations: [1], share: 0.5), .invalid,
  ]

  @Test(
    "with f of any behaviour all requests become final, the primary's included",
    arguments: behaviours)
  func lives(behaviour: Adversary.Behaviour) {
    for seed in 1...3 as ClosedRange<UInt64> {
      let simulation = Self.finished(Self.run([Adversary(behaviour, roles: [0])], seed: seed))
      #expect(simulation.world.violations == [])
      #expect(simulation.final == simulation.submitted)
      #expect(simulation.submitted > 300)
      #expect(simulation.pbft.equivocators.isEmpty)
    }
  }

  @Test("a silent primary is voted out: its view is over after the view timeout")
  func silent() {
    let simulation = Self.finished(Self.run([Adversary(.silent, roles: [0])]))
    #expect(simulation.pbft.replicas[1].view.number == 1)
    let bytes = simulation.pbft.traffic.bytesByRole
    #expect(bytes[0] == 0 && bytes[1] > 0)
  }

  @Test("f + 1 silent replicas stop everything, f + 1 that crash do so too")
  func tooMany() {
    let simulation = Self.finished(Self.run([Adversary(.silent, roles: [1, 2])]))
    #expect(simulation.world.decisions[1] == 0)
    #expect(simulation.final == 0)
  }

  @Test("invalid proposals are refused: no replica decides a batch of that primary")
  func invalid() {
    let simulation = Self.finished(Self.run([Adversary(.invalid, roles: [0])]))
    #expect(simulation.sent(["pre-prepare"]) > 0)
    let proposers = Set(simulation.world.decisionLogs[1].entries.compactMap(\.proposer))
    #expect(!proposers.isEmpty && !proposers.contains(0))
  }

  @Test("withheld proposals reach the stated share: 2 of 5 others get each pre-prepare")
  func withheld() {
    let simulation = Self.finished(
      Self.run([Adversary(.withhold(share: 0.4, proposalsOnly: true), roles: [0])], n: 6),
      until: SimTime(nanoseconds: 150_000_000))
    let log = simulation.pbft.traffic
    let prePrepares = log.counts[0]
    #expect(prePrepares > 0 && prePrepares % 2 == 0)
  }

  @Test("twins of f identities neither break safety nor stay unseen, over many seeds")
  func twins() {
    var accused = 0
    for seed in 1...60 as ClosedRange<UInt64> {
      let simulation = Self.finished(
        Self.run([Self.twins([0], every: 200, hearsAll: seed % 2 == 0)], seed: seed))
      #expect(simulation.world.violations == [])
      #expect(simulation.final == simulation.submitted, "seed \(seed)")
      let equivocators = simulation.pbft.equivocators
      #expect(equivocators.isEmpty || equivocators == [ReplicaID(0)])
      accused += equivocators.count
    }
    #expect(accused >= 10, "\(accused) of 60 seeds")
  }

  @Test("two colluding twins among seven are safe")
  func colluding() {
    for seed in 1...20 as ClosedRange<UInt64> {
      let simulation = Self.finished(Self.run([Self.twins([0, 1])], seed: seed, n: 7))
      #expect(simulation.world.violations == [])
      #expect(simulation.final == simulation.submitted, "seed \(seed)")
    }
  }

  @Test("quorums of 2f and twins of f identities: the agreement monitor fires")
  func planted() {
    let seen = (1...20 as ClosedRange<UInt64>).count { seed in
      var run = Self.run([Self.twins([0])], seed: seed)
      run.settings.weakness = .quorumOfTwoF
      return Self.finished(run).world.violations.contains { $0.monitor == "agreement" }
    }
    #expect(seen >= 5, "\(seen) of 20 seeds")
  }

  @Test("given parts, a message of a twin goes to its own part only: half the messages each")
  func parts() {
    var simulations: [Simulation] = []
    for hearsAll in [false, true] {
      let twins = Adversary.Twins(
        parts: .given([false, false, false, true]), hearsAll: hearsAll, overlooks: 0)
      simulations.append(
        Self.finished(
          Self.run([Adversary(.twins(twins), roles: [1])]),
          until: SimTime(nanoseconds: 150_000_000)))
    }
    // The first copy sees its own part, a quorum with it; the second hears one replica only.
    let apart = simulations[0].pbft.replicas
    #expect(apart.count == 5)
    #expect(apart[1].lastExecuted.number > 0)
    #expect(apart[4].lastExecuted.number == 0)
    let together = simulations[1].pbft.replicas
    #expect(together[4].lastExecuted.number > 0)
  }

  @Test("a crash over the third proposal leaves it with the stated number of replicas")
  func crash() {
    for reach in 0...2 {
      let crash = Adversary(
        .crash(proposal: 3, reach: reach, downTime: .milliseconds(500), keepsDisk: true),
        roles: [0])
      var run = Self.run([crash])
      run.machine = MachineSpec(uplink: 1e8)
      let early = run.start()
      while early.world.machines.epoch(of: NodeID(0)) == 0, early.step() {}
      #expect(early.pbft.traffic.counts[0] == 2 * 3 + reach)
      #expect(!early.world.machines.isUp(NodeID(0)))
      early.run(until: Self.end)
      #expect(early.world.violations == [])
      #expect(early.final == early.submitted)
      #expect(early.pbft.replicas[1].view.number >= 1)
    }
  }

  @Test(
    "reference lanes are one-event lanes, and a copy goes on to the same digest",
    arguments: 1...16 as ClosedRange<UInt64>)
  func determinism(seed: UInt64) {
    var run = PBFTDeterminismTests.run(seed: seed, n: 7)
    run.setup.adversaries = [
      Self.twins([0, 3], hearsAll: seed % 2 == 0),
      Adversary(.delay(.exponential(mean: 3e6)), roles: [5], until: PBFTDeterminismTests.end),
      Adversary(.censor(populations: [1], share: 0.3), roles: [2]),
    ]
    func digests(reference: Bool, copyAfter: Int? = nil) -> [Outcome.SubsystemDigest] {
      run.usesReferenceLanes = reference
      var simulation = run.start()
      if let copyAfter {
        for _ in 0..<copyAfter { simulation.step() }
        simulation = simulation.copy()
      }
      simulation.run(until: PBFTDeterminismTests.end)
      return simulation.digests
    }
    let quick = digests(reference: false)
    #expect(digests(reference: true) == quick)
    #expect(digests(reference: false, copyAfter: 7000) == quick)
  }
}
