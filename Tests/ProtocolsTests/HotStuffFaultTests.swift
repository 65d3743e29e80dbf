import Consensus
import Kernel
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

/// Open-loop clients, blocks of 100, exponential delays around 2 ms.
func faultyHotStuff<Rule: ChainRule>(
  _ rule: Rule.Type, n: Int, seed: UInt64, _ settings: HotStuffSettings
) -> HotStuffRun<Rule> {
  var run = HotStuffRun<Rule>(settings)
  run.n = n
  run.seed = seed
  run.delay = .exponential(mean: 2e6)
  run.clientHosts = 3
  run.arrivals = .poisson(rate: 1000)
  run.bundle = 2
  run.clientTimeout = .milliseconds(150)
  run.until = ms(1500)
  return run
}

private func crash(_ node: Int, at time: SimTime, for down: SimDuration? = nil, disk: Bool = true)
  -> Fault
{
  Fault(at: time, .crash(.node(NodeID(node)), downTime: down, keepsDisk: disk))
}

private func crashLeader(at time: SimTime, for down: SimDuration? = nil, disk: Bool = true)
  -> Fault
{
  Fault(at: time, .crash(.proposer(subsystem: 1), downTime: down, keepsDisk: disk))
}

/// Runs until `end` and checks that every request was executed once, in one order, at every replica
/// that is up, and that its client knows.
@discardableResult
private func expectAllExecuted<Rule: ChainRule>(
  _ run: HotStuffRun<Rule>, until end: SimTime, _ place: SourceLocation = #_sourceLocation
) -> Simulation {
  let simulation = run.start()
  simulation.run(until: end)
  let all = simulation.group(ChainedHotStuff<Rule>.self).replicas
  let states = all.map {
    "\($0.lastExecuted.number) v\($0.view.number) qc\($0.highView.number) "
      + "voted\($0.lastVoted.number) \($0.mayVote)"
  }
  let kind = "\(run.settings.leaderViews) views, \(run.settings.dissemination)"
  let what = Comment(
    rawValue: "\(Rule.name), \(kind), n = \(run.n), seed \(run.seed): \(states)")
  #expect(simulation.world.violations == [], what, sourceLocation: place)
  #expect(simulation.submitted > 2000, what, sourceLocation: place)
  #expect(simulation.final == simulation.submitted, what, sourceLocation: place)
  #expect(
    simulation.group(ChainedHotStuff<Rule>.self).equivocators == [], what, sourceLocation: place)
  let replicas = simulation.group(ChainedHotStuff<Rule>.self).replicas
  let up = replicas.indices.filter { simulation.world.machines.isUp(NodeID($0)) }
  let heights = up.map { replicas[$0].lastExecuted.number }
  for i in up {
    #expect(
      replicas[i].state.transactions == simulation.submitted, what, sourceLocation: place)
  }
  // Empty blocks go on to the end: replicas are at most some apart.
  let spread = (heights.max() ?? 0) - (heights.min() ?? 0)
  #expect(spread <= 16, what, sourceLocation: place)
  return simulation
}

/// Each protocol, with a stable and with rotating leaders, and with batches spread ahead.
private func forEachKind(
  _ body: (HotStuffSettings, _ isThree: Bool) -> Void
) {
  let stable = HotStuffSettings.stableViews
  for isThree in [true, false] {
    body(.faulty(views: stable), isThree)
    body(.faulty(views: isThree ? 4 : 1), isThree)
    body(.faulty(views: isThree ? 4 : 1, .acknowledged), isThree)
    body(.faulty(views: stable, .broadcast), isThree)
  }
}

private func expectAll(
  n: Int, seed: UInt64, until end: SimTime = ms(15_000),
  _ change: (inout CommitteeSetup) -> Void
) {
  forEachKind { settings, isThree in
    if isThree {
      var run = faultyHotStuff(ThreeChain.self, n: n, seed: seed, settings)
      change(&run.setup)
      expectAllExecuted(run, until: end)
    } else {
      var run = faultyHotStuff(TwoChain.self, n: n, seed: seed, settings)
      change(&run.setup)
      expectAllExecuted(run, until: end)
    }
  }
}

@Suite("HotStuff and Jolteon under faults execute every request once, in one order, everywhere")
struct HotStuffFaultTests {
  @Test("without any fault", arguments: [4, 7], 1...2 as ClosedRange<UInt64>)
  func noFault(n: Int, seed: UInt64) { expectAll(n: n, seed: seed) { _ in } }

  @Test("after the leader crashed", arguments: [4, 5, 7, 16], 1...3 as ClosedRange<UInt64>)
  func oneCrash(n: Int, seed: UInt64) {
    expectAll(n: n, seed: seed) { $0.faults = [crashLeader(at: ms(500))] }
  }

  @Test(
    "after two leaders crashed in a row, with one replica behind that needs the state",
    arguments: [7, 16], 1...3 as ClosedRange<UInt64>)
  func twoCrashes(n: Int, seed: UInt64) {
    expectAll(n: n, seed: seed) {
      $0.partitions = [
        Partition(
          from: ms(200), until: ms(520), side: (0..<n + 3).map { $0 == n - 1 ? 1 : 0 })
      ]
      $0.faults = [crash(0, at: ms(500)), crash(1, at: ms(501))]
    }
  }

  @Test("after crashes one after the other, with restarts", arguments: [true, false])
  func restarts(disk: Bool) {
    for seed in 1...3 as ClosedRange<UInt64> {
      expectAll(n: 4, seed: seed) {
        $0.faults = [
          crashLeader(at: ms(300), for: .milliseconds(200), disk: disk),
          crashLeader(at: ms(1200), for: .milliseconds(200), disk: true),
        ]
      }
    }
  }

  @Test("while 5 % of messages are lost and 5 % come twice", arguments: [4, 7, 16])
  func loss(n: Int) {
    // Clients wait twice as long after each try: the last of a few thousand needs its time.
    for seed in 1...2 as ClosedRange<UInt64> {
      expectAll(n: n, seed: seed, until: ms(100_000)) {
        $0.loss = 0.05
        $0.duplication = 0.05
        $0.faults = [crashLeader(at: ms(700))]
      }
    }
  }

  @Test("after a partition without a quorum on either side has healed", arguments: [4, 7, 16])
  func partition(n: Int) {
    for seed in 1...3 as ClosedRange<UInt64> {
      expectAll(n: n, seed: seed) {
        $0.partitions = [
          Partition(from: ms(400), until: ms(900), side: (0..<n + 3).map { UInt8($0 % 2) })
        ]
      }
    }
  }

  @Test("when one replica was cut off alone", arguments: [4, 7])
  func lonely(n: Int) {
    for seed in 1...3 as ClosedRange<UInt64> {
      expectAll(n: n, seed: seed) {
        $0.partitions = [
          Partition(
            from: ms(400), until: ms(900), side: (0..<n + 3).map { $0 == 2 ? 1 : 0 })
        ]
      }
    }
  }
}
