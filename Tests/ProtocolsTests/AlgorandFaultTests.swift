import Consensus
import Kernel
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

@Suite("Algorand executes every request once, in one order, at every live replica")
struct AlgorandFaultTests {
  @discardableResult
  static func expectAllExecuted(
    _ run: AlgorandRun, until: Int64 = 30_000, _ place: SourceLocation = #_sourceLocation
  ) -> Simulation {
    let simulation = run.start()
    simulation.run(until: ms(until))
    #expect(simulation.world.violations == [], sourceLocation: place)
    #expect(simulation.submitted > 500, sourceLocation: place)
    #expect(simulation.final == simulation.submitted, sourceLocation: place)
    let group = simulation.group(Algorand.self)
    #expect(group.equivocators == [], sourceLocation: place)
    for (i, replica) in group.replicas.enumerated()
    where simulation.world.machines.isUp(NodeID(i)) {
      #expect(replica.state.transactions == simulation.submitted, sourceLocation: place)
    }
    return simulation
  }

  static func crash(_ node: Int, _ at: Int64, for down: SimDuration? = nil, disk: Bool = true)
    -> Fault
  {
    Fault(at: ms(at), .crash(.node(NodeID(node)), downTime: down, keepsDisk: disk))
  }

  @Test("after two proposers crashed, with one replica far behind that needs the state")
  func proposers() {
    for seed in 1...4 as ClosedRange<UInt64> {
      var run = AlgorandRun.faulty(n: 20, seed: seed)
      run.partitions = [
        Partition(from: ms(100), until: ms(920), side: (0..<23).map { $0 == 19 ? 1 : 0 })
      ]
      run.faults = [900, 950].map {
        Fault(at: ms($0), .crash(.proposer(subsystem: 1), downTime: nil, keepsDisk: true))
      }
      let simulation = Self.expectAllExecuted(run)
      #expect(simulation.sent(["state"], of: Algorand.self) > 0)
    }
  }

  @Test("after crashes and restarts", arguments: [true, false])
  func restarts(disk: Bool) {
    for seed in 1...4 as ClosedRange<UInt64> {
      var run = AlgorandRun.faulty(seed: seed)
      run.settings.isDurable = disk
      run.faults = [
        Self.crash(1, 300, for: .milliseconds(300), disk: disk),
        Self.crash(2, 1000, for: .milliseconds(200), disk: disk),
      ]
      Self.expectAllExecuted(run)
    }
  }

  @Test("while 2 % of messages are lost and 5 % are doubled")
  func loss() {
    for seed in 1...4 as ClosedRange<UInt64> {
      var run = AlgorandRun.faulty(seed: seed)
      run.loss = 0.02
      run.duplication = 0.05
      let simulation = run.start()
      simulation.run(until: ms(30_000))
      #expect(simulation.world.violations == [])
      #expect(simulation.final == simulation.submitted)
      #expect(simulation.group(Algorand.self).equivocators == [])
    }
  }

  @Test(
    "a partition without a quorum neither forks nor lasts beyond the page's bound",
    arguments: [200, 700, 4000])
  func partition(outage: Int64) {
    for seed in 1...4 as ClosedRange<UInt64> {
      var run = AlgorandRun.faulty(seed: seed)
      let d = 2.0
      run.delay = .constant(d * 1e6)
      let start = 400 + 3 * Int64(seed)
      let heal = start + outage
      run.partitions = [
        Partition(from: ms(start), until: ms(heal), side: (0..<13).map { UInt8($0 % 2) })
      ]
      let simulation = Self.expectAllExecuted(run, until: 40_000)
      let first = simulation.world.decisionLogs[1].entries.first { $0.time > ms(heal) }
      let wait = ((first?.time ?? .never) - ms(heal)).seconds * 1000
      let (deadline, lambda, bigLambda, fast) = (40.0, 20.0, 150.0, 3000.0)
      let backOff = 3 * max(Double(outage) + 34 - deadline, 0) + deadline + 3 * lambda
      let period = 3 * lambda + bigLambda + d
      let limit = min(backOff, 2 * fast + d) + 10 + 2 * lambda + 4 * d + period
      #expect(wait <= limit, "\(wait) ms of \(limit)")
    }
  }

  @Test("fast recovery ends a period that backs off for hours")
  func fastRecovery() {
    for seed in 1...3 as ClosedRange<UInt64> {
      var run = AlgorandRun.faulty(seed: seed)
      run.settings.fastRecovery = .milliseconds(500)
      run.partitions = [
        Partition(from: ms(400), until: ms(12_400), side: (0..<13).map { UInt8($0 % 2) })
      ]
      let simulation = Self.expectAllExecuted(run, until: 40_000)
      #expect(simulation.sent(["recovery-vote"], of: Algorand.self) > 0)
      let first = simulation.world.decisionLogs[1].entries.first { $0.time > ms(12_400) }
      // Far below the next step, some 20 s away.
      #expect((first?.time ?? .never) < ms(14_400))
    }
  }

  @Test("after messages were late until GST")
  func gst() {
    for seed in 1...4 as ClosedRange<UInt64> {
      var run = AlgorandRun.faulty(seed: seed)
      run.stabilisation = Stabilisation(
        gst: ms(1000), delta: .milliseconds(5), chaos: .exponential(mean: 40e6))
      Self.expectAllExecuted(run)
    }
  }
}

@Suite("Algorand among adversaries, and without one of its rules")
struct AlgorandWeaknessTests {
  static func twins(_ roles: [Int]) -> Adversary {
    Adversary(
      .twins(
        .init(parts: .drawn(every: .milliseconds(100)), hearsAll: true, overlooks: 0.5)),
      roles: roles)
  }

  @Test("twins are accused and harm nothing; invalid proposals are refused")
  func sound() {
    var accused = 0
    for seed in 1...10 as ClosedRange<UInt64> {
      var run = AlgorandRun.faulty(seed: seed)
      run.setup.adversaries = [Self.twins([0]), Adversary(.invalid, roles: [1])]
      let simulation = run.start()
      simulation.run(until: ms(20_000))
      #expect(simulation.world.violations == [])
      #expect(simulation.final == simulation.submitted, "seed \(seed)")
      accused += simulation.group(Algorand.self).equivocators.count
      let proposers = simulation.world.decisionLogs[1].entries.compactMap(\.proposer)
      #expect(!proposers.isEmpty && !proposers.contains(1))
    }
    #expect(accused >= 5, "\(accused) of 10 seeds")
  }

  /// Two halves do not reach each other for a second.
  static func halves(_ weakness: AlgorandSettings.Weakness, seed: UInt64) -> [String] {
    var run = AlgorandRun.faulty(seed: seed)
    run.settings.weakness = weakness
    run.partitions = [
      Partition(from: ms(300), until: ms(1300), side: (0..<13).map { UInt8($0 % 2) })
    ]
    let simulation = run.start()
    simulation.run(until: ms(3_000))
    return simulation.world.violations.map(\.monitor)
  }

  /// Only replica 0 sees the cert votes of round 1, commits, and is then cut off: the others must
  /// find its block again.
  static func lonely(_ weakness: AlgorandSettings.Weakness, seed: UInt64) -> [String] {
    var run = AlgorandRun.faulty(n: 11, seed: seed)
    run.settings.weakness = weakness
    run.delay = .constant(2e6)
    var deaf = LinkFault(
      senders: Array(repeating: true, count: 11), receivers: (0..<11).map { $0 > 0 })
    deaf.from = ms(31)
    deaf.until = ms(38)
    deaf.loss = 1
    run.setup.linkFaults = [deaf]
    run.partitions = [
      Partition(from: ms(36), until: ms(1000), side: (0..<14).map { $0 == 0 ? 1 : 0 })
    ]
    let simulation = run.start()
    simulation.run(until: ms(35))
    #expect(simulation.group(Algorand.self).replicas.map(\.decided.number).max() == 1)
    #expect(simulation.group(Algorand.self).replicas[1...].allSatisfy { $0.decided.number == 0 })
    simulation.run(until: ms(3_000))
    #expect(simulation.group(Algorand.self).replicas[1].decided.number > 10)
    return simulation.world.violations.map(\.monitor)
  }

  static let seeds = 1...10 as ClosedRange<UInt64>

  @Test("whole, it holds under the same faults")
  func whole() {
    for seed in Self.seeds {
      #expect(Self.halves([], seed: seed) == [])
      #expect(Self.lonely([], seed: seed) == [])
    }
  }

  @Test("bundles of a third of a committee break agreement")
  func quorumOfThird() {
    let seen = Self.seeds.count { Self.halves(.quorumOfThird, seed: $0).contains("agreement") }
    #expect(seen >= 3, "\(seen) of 10 seeds")
  }

  @Test(
    "a value that is not kept breaks agreement",
    arguments: [AlgorandSettings.Weakness.forgetsValue, .ignoresStartingValue])
  func losesValue(weakness: AlgorandSettings.Weakness) {
    let seen = Self.seeds.count { Self.lonely(weakness, seed: $0).contains("agreement") }
    #expect(seen >= 8, "\(seen) of 10 seeds")
  }
}

@Suite("A run of Algorand is a value")
struct AlgorandDeterminismTests {
  static let end = ms(3000)

  static func run(seed: UInt64) -> AlgorandRun {
    var run = AlgorandRun.faulty(n: 7, seed: seed)
    run.settings.isDurable = seed % 2 == 0
    run.settings.stakeExponent = seed % 3 == 0 ? 0.3 : 0
    run.settings.prove = .microseconds(83)
    run.settings.checkProof = .microseconds(132)
    run.settings.costs.message = .microseconds(3)
    run.settings.costs.byte = 0.5
    run.settings.costs.sign = .microseconds(33)
    run.settings.costs.verify = .microseconds(47)
    run.machine = MachineSpec(
      processor: .init(cores: 1 + Int(seed % 3)), uplink: 1e8, downlink: 1e8,
      disk: .init(bytesPerSecond: 1e9, flush: .microseconds(50)))
    run.loss = seed % 4 == 0 ? 0.02 : 0
    run.faults = [
      AlgorandFaultTests.crash(1, 300, for: .milliseconds(200), disk: seed % 2 == 0),
      // Nothing is done ahead of the end: the clients' last host stops there.
      Fault(at: end, .crash(.node(NodeID(9)), downTime: nil, keepsDisk: true)),
    ]
    return run
  }

  @Test(
    "one-event lanes are reference lanes, and a copy goes on to the same digest",
    arguments: 1...12 as ClosedRange<UInt64>)
  func lanes(seed: UInt64) {
    func digests(reference: Bool, copyAfter: Int? = nil) -> [Outcome.SubsystemDigest] {
      var run = Self.run(seed: seed)
      run.usesReferenceLanes = reference
      var simulation = run.start()
      if let copyAfter {
        for _ in 0..<copyAfter { simulation.step() }
        simulation = simulation.copy()
      }
      simulation.run(until: Self.end)
      #expect(simulation.world.violations == [])
      return simulation.digests
    }
    let quick = digests(reference: false)
    #expect(quick[0].steps > 2000)
    #expect(digests(reference: true) == quick)
    #expect(digests(reference: false, copyAfter: 5000) == quick)
  }
}
