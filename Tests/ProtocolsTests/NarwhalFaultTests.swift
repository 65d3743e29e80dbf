import Consensus
import Kernel
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

/// Open-loop clients, exponential delays around 2 ms, rounds of some 10 ms.
func faultyNarwhal<Rule: OrderingRule>(
  _ rule: Rule.Type, n: Int, seed: UInt64
) -> NarwhalRun<Rule> {
  var run = NarwhalRun<Rule>()
  run.validators = n
  run.seed = seed
  run.settings.gcDepth = 20
  run.settings.retryDelay = .milliseconds(100)
  run.settings.leaderTimeout = .milliseconds(50)
  run.delay = .exponential(mean: 2e6)
  run.clientHosts = 4
  run.arrivals = .poisson(rate: 500)
  run.bundle = 2
  run.clientTimeout = .milliseconds(400)
  run.until = ms(1500)
  return run
}

private func crash(_ node: Int, at time: SimTime, for down: SimDuration? = nil, disk: Bool = true)
  -> Fault
{
  Fault(at: time, .crash(.node(NodeID(node)), downTime: down, keepsDisk: disk))
}

/// Runs on and checks that every request was executed once, in one order, at every replica that is
/// up, and that its client knows.
@discardableResult
func expectAllExecuted<Rule: OrderingRule>(
  _ run: NarwhalRun<Rule>, until end: SimTime = ms(6000),
  _ place: SourceLocation = #_sourceLocation
) -> Simulation {
  let simulation = run.start()
  simulation.run(until: end)
  #expect(simulation.world.violations == [], sourceLocation: place)
  #expect(simulation.submitted > 1000, sourceLocation: place)
  #expect(simulation.final == simulation.submitted, sourceLocation: place)
  let up = simulation.narwhal(Rule.self).replicas.prefix(run.validators).enumerated().filter {
    simulation.world.machines.isUp(NodeID($0.offset))
  }
  for (index, replica) in up {
    #expect(
      replica.state.transactions == simulation.submitted, "replica \(index)",
      sourceLocation: place)
    #expect(replica.state == up[0].element.state, "replica \(index)", sourceLocation: place)
  }
  return simulation
}

@Suite("Narwhal under faults executes every request once, in one order, at every live replica")
struct NarwhalFaultTests {
  static let seeds = 1...4 as ClosedRange<UInt64>

  /// The same under both orders.
  private func both(
    n: Int, seed: UInt64, until end: SimTime = ms(6000),
    _ place: SourceLocation = #_sourceLocation,
    _ change: (inout CommitteeSetup, inout NarwhalSettings) -> Void
  ) -> (tusk: Simulation, bullshark: Simulation) {
    var tusk = faultyNarwhal(TuskRule.self, n: n, seed: seed)
    var bullshark = faultyNarwhal(BullsharkRule.self, n: n, seed: seed)
    change(&tusk.setup, &tusk.settings)
    change(&bullshark.setup, &bullshark.settings)
    return (
      expectAllExecuted(tusk, until: end, place), expectAllExecuted(bullshark, until: end, place)
    )
  }

  @Test("after f validators crashed", arguments: [4, 5, 6, 7, 16], seeds)
  func crashes(n: Int, seed: UInt64) {
    let runs = both(n: n, seed: seed) { run, _ in
      run.faults = (0..<(n - 1) / 3).map { crash($0, at: ms(500)) }
    }
    #expect(runs.bullshark.narwhal(BullsharkRule.self).replicas[n - 1].viewChanges > 0)
  }

  @Test(
    "after two leaders crashed one after the other, with one validator behind that needs the state",
    arguments: [7, 16], seeds)
  func twoCrashes(n: Int, seed: UInt64) {
    let runs = both(n: n, seed: seed) { run, settings in
      settings.gcDepth = 8
      run.partitions = [
        Partition(
          from: ms(200), until: ms(900), side: (0..<n + 4).map { $0 == n - 1 ? 1 : 0 })
      ]
      run.faults = [ms(500), ms(501)].enumerated().map { k, time in crash(k, at: time) }
    }
    #expect(runs.tusk.sent(["state"], of: Tusk.self) > 0)
    #expect(runs.bullshark.sent(["state"], of: Bullshark.self) > 0)
  }

  @Test("when one was cut off for less than the others keep rounds", arguments: [4, 7], seeds)
  func catchUp(n: Int, seed: UInt64) {
    let runs = both(n: n, seed: seed) { run, settings in
      settings.gcDepth = 100
      run.partitions = [
        Partition(
          from: ms(200), until: ms(700), side: (0..<n + 4).map { $0 == n - 1 ? 1 : 0 })
      ]
    }
    #expect(runs.tusk.sent(["state"], of: Tusk.self) == 0)
    #expect(runs.tusk.sent(["fetch-rounds"], of: Tusk.self) > 0)
    #expect(runs.bullshark.sent(["state"], of: Bullshark.self) == 0)
  }

  @Test(
    "after crashes with restarts, with and without disk", arguments: [true, false], [100, 600])
  func restarts(disk: Bool, down: Int64) {
    for seed in Self.seeds {
      _ = both(n: 4, seed: seed) { run, settings in
        settings.isDurable = disk
        run.faults = [
          crash(1, at: ms(300), for: .milliseconds(down), disk: disk),
          crash(2, at: ms(1300), for: .milliseconds(down), disk: disk),
        ]
      }
    }
  }

  @Test("while 5 % of messages are lost and 5 % come twice", arguments: [4, 7], seeds)
  func loss(n: Int, seed: UInt64) {
    _ = both(n: n, seed: seed, until: ms(10_000)) { run, _ in
      run.loss = 0.05
      run.duplication = 0.05
      run.faults = [crash(0, at: ms(700))]
    }
  }

  @Test("after a partition without a quorum on either side has healed", arguments: [4, 7], seeds)
  func partition(n: Int, seed: UInt64) {
    _ = both(n: n, seed: seed) { run, _ in
      run.partitions = [
        Partition(from: ms(400), until: ms(900), side: (0..<n + 4).map { UInt8($0 % 2) })
      ]
    }
  }

  @Test("with workers on machines of their own that crash too", arguments: [true, false])
  func workers(disk: Bool) {
    for seed in Self.seeds {
      _ = both(n: 4, seed: seed, until: ms(12_000)) { run, settings in
        settings.workers = 2
        settings.placement = .ownMachines
        run.loss = 0.01
        run.clientHosts = 8
        run.faults = [
          crash(5, at: ms(300), for: .milliseconds(200), disk: disk),
          crash(1, at: ms(700), for: .milliseconds(200), disk: disk),
        ]
      }
    }
  }
}
