import Consensus
import Kernel
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

/// Open-loop clients, exponential delays around 2 ms.
private func faultyRun(n: Int, seed: UInt64) -> TendermintRun {
  var run = TendermintRun()
  run.n = n
  run.seed = seed
  run.settings = TendermintRun.faultySettings
  run.delay = .exponential(mean: 2e6)
  run.clientHosts = 3
  run.arrivals = .poisson(rate: 1000)
  run.bundle = 2
  run.clientTimeout = .milliseconds(150)
  run.until = SimTime(nanoseconds: 1_500_000_000)
  return run
}

private func crash(_ node: Int, at time: SimTime, for down: SimDuration? = nil, disk: Bool = true)
  -> Fault
{
  Fault(at: time, .crash(.node(NodeID(node)), downTime: down, keepsDisk: disk))
}

private func crashProposer(at time: SimTime, for down: SimDuration? = nil, disk: Bool = true)
  -> Fault
{
  Fault(at: time, .crash(.proposer(subsystem: 1), downTime: down, keepsDisk: disk))
}

/// Runs until 20 s and checks that every request was executed once, in one order, at every replica
/// that is up, and that its client knows.
@discardableResult
private func expectAllExecuted(
  _ run: TendermintRun, _ place: SourceLocation = #_sourceLocation
) -> Simulation {
  let simulation = run.start()
  simulation.run(until: ms(20_000))
  #expect(simulation.world.violations == [], sourceLocation: place)
  #expect(simulation.submitted > 2000, sourceLocation: place)
  #expect(simulation.final == simulation.submitted, sourceLocation: place)
  let up = simulation.tendermint.replicas.enumerated().filter {
    simulation.world.machines.isUp(NodeID($0.offset))
  }.map(\.element)
  for replica in up {
    #expect(replica.state.transactions == simulation.submitted, sourceLocation: place)
    #expect(replica.state == up[0].state, sourceLocation: place)
    #expect(replica.height == up[0].height, sourceLocation: place)
  }
  #expect(simulation.tendermint.equivocators == [], sourceLocation: place)
  return simulation
}

@Suite("Tendermint under faults executes every request once, in one order, at every live replica")
struct TendermintFaultTests {
  static let modes = Tendermint.Dissemination.allCases

  @Test("after a proposer crashed", arguments: [4, 5, 7, 16], modes)
  func oneCrash(n: Int, mode: Tendermint.Dissemination) {
    for seed in 1...5 as ClosedRange<UInt64> {
      var run = faultyRun(n: n, seed: seed)
      run.settings.dissemination = mode
      run.faults = [crashProposer(at: ms(500))]
      let simulation = expectAllExecuted(run)
      #expect(simulation.tendermint.replicas.contains { $0.viewChanges > 0 })
    }
  }

  @Test(
    "after two proposers crashed in a row, with one replica far behind that needs the state",
    arguments: [7, 16], modes)
  func twoCrashes(n: Int, mode: Tendermint.Dissemination) {
    for seed in 1...5 as ClosedRange<UInt64> {
      var run = faultyRun(n: n, seed: seed)
      run.settings.dissemination = mode
      run.settings.retained = 48
      // Loses its disk, and comes up when the others no longer keep the first blocks.
      run.faults = [
        crash(n - 1, at: ms(100), for: .milliseconds(1000), disk: false),
        crashProposer(at: ms(1110)), crashProposer(at: ms(1130), for: .milliseconds(700)),
      ]
      expectAllExecuted(run)
    }
  }

  @Test("after a crash and a restart, with and without disk", arguments: [4, 7], modes)
  func restart(n: Int, mode: Tendermint.Dissemination) {
    for seed in 1...10 as ClosedRange<UInt64> {
      var run = faultyRun(n: n, seed: seed)
      run.settings.dissemination = mode
      run.settings.isDurable = seed % 2 == 0
      run.faults = [
        crashProposer(at: ms(300), for: .milliseconds(200), disk: seed % 2 == 0),
        crashProposer(at: ms(900), for: .milliseconds(200), disk: seed % 3 == 0),
      ]
      // Without empty blocks nobody decides for the recovering replica's sake.
      run.settings.proposesEmpty = false
      expectAllExecuted(run)
    }
  }

  @Test("with messages lost and duplicated", arguments: [4, 7], modes)
  func loss(n: Int, mode: Tendermint.Dissemination) {
    for seed in 1...5 as ClosedRange<UInt64> {
      var run = faultyRun(n: n, seed: seed)
      run.settings.dissemination = mode
      run.loss = 0.05
      run.duplication = 0.05
      expectAllExecuted(run)
    }
  }

  @Test("after a partition without a quorum on either side", arguments: [4, 7], modes)
  func partition(n: Int, mode: Tendermint.Dissemination) {
    for seed in 1...5 as ClosedRange<UInt64> {
      var run = faultyRun(n: n, seed: seed)
      run.settings.dissemination = mode
      run.partitions = [
        Partition(
          from: ms(400), until: ms(900), side: (0..<n + 3).map { $0 % 2 == 0 ? 1 : 0 })
      ]
      expectAllExecuted(run)
    }
  }

  @Test("after one replica was cut off for a while", arguments: [4, 7], modes)
  func lonely(n: Int, mode: Tendermint.Dissemination) {
    for seed in 1...5 as ClosedRange<UInt64> {
      var run = faultyRun(n: n, seed: seed)
      run.settings.dissemination = mode
      run.partitions = [
        Partition(from: ms(400), until: ms(900), side: (0..<n + 3).map { $0 == 2 ? 1 : 0 })
      ]
      expectAllExecuted(run)
    }
  }
}
