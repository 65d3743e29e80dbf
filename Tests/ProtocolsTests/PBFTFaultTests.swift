import Consensus
import Kernel
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

/// Open-loop clients, a full pipeline, exponential delays around 2 ms.
private func faultyRun(n: Int, seed: UInt64) -> PBFTRun {
  var run = PBFTRun()
  run.n = n
  run.seed = seed
  run.settings = PBFTRun.faultySettings
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

private func crashPrimary(at time: SimTime, for down: SimDuration? = nil, disk: Bool = true)
  -> Fault
{
  Fault(at: time, .crash(.proposer(subsystem: 1), downTime: down, keepsDisk: disk))
}

/// Runs until 20 s and checks that every request was executed once, in one order, at every replica
/// that is up, and that its client knows.
@discardableResult
private func expectAllExecuted(
  _ run: PBFTRun, down: [Int] = [], _ place: SourceLocation = #_sourceLocation
) -> Simulation {
  let simulation = run.start()
  simulation.run(until: ms(20_000))
  #expect(simulation.world.violations == [], sourceLocation: place)
  #expect(simulation.submitted > 2000, sourceLocation: place)
  #expect(simulation.final == simulation.submitted, sourceLocation: place)
  let up = simulation.pbft.replicas.enumerated().filter {
    simulation.world.machines.isUp(NodeID($0.offset)) && !down.contains($0.offset)
  }.map(\.element)
  for replica in up {
    #expect(
      replica.state.transactions == simulation.submitted, sourceLocation: place)
    #expect(replica.state == up[0].state, sourceLocation: place)
    #expect(replica.lastExecuted == up[0].lastExecuted, sourceLocation: place)
  }
  return simulation
}

@Suite("PBFT under faults executes every request once, in one order, at every live replica")
struct PBFTFaultTests {
  @Test("after the primary crashed", arguments: [4, 5, 7, 16], 1...5 as ClosedRange<UInt64>)
  func oneCrash(n: Int, seed: UInt64) {
    var run = faultyRun(n: n, seed: seed)
    run.faults = [crashPrimary(at: ms(500))]
    let simulation = expectAllExecuted(run)
    #expect(simulation.pbft.replicas.contains { $0.viewChanges > 0 })
  }

  @Test(
    "after two primaries crashed in a row, with one backup behind that needs the state",
    arguments: [7, 16], 1...5 as ClosedRange<UInt64>)
  func twoCrashes(n: Int, seed: UInt64) {
    var run = faultyRun(n: n, seed: seed)
    run.partitions = [
      Partition(
        from: ms(200), until: ms(520), side: (0..<n + 3).map { $0 == n - 1 ? 1 : 0 })
    ]
    run.faults = [crashPrimary(at: ms(500)), crash(1, at: ms(501))]
    let simulation = expectAllExecuted(run)
    #expect(simulation.sent(["state"]) > 0)
  }

  @Test("after crashes one after the other, with restarts", arguments: [true, false])
  func restarts(disk: Bool) {
    for seed in 1...5 as ClosedRange<UInt64> {
      var run = faultyRun(n: 4, seed: seed)
      run.faults = [
        crashPrimary(at: ms(300), for: .milliseconds(200), disk: disk),
        crashPrimary(at: ms(1200), for: .milliseconds(200), disk: true),
      ]
      expectAllExecuted(run)
    }
  }

  @Test("while 5 % of messages are lost", arguments: [4, 7, 16])
  func loss(n: Int) {
    for seed in 1...5 as ClosedRange<UInt64> {
      var run = faultyRun(n: n, seed: seed)
      run.loss = 0.05
      run.faults = [crashPrimary(at: ms(700))]
      expectAllExecuted(run)
    }
  }

  @Test("after a partition without a quorum on either side has healed", arguments: [4, 7, 16])
  func partition(n: Int) {
    for seed in 1...5 as ClosedRange<UInt64> {
      var run = faultyRun(n: n, seed: seed)
      run.partitions = [
        Partition(from: ms(400), until: ms(900), side: (0..<n + 3).map { UInt8($0 % 2) })
      ]
      expectAllExecuted(run)
    }
  }

  @Test("when one replica was cut off and left its view alone", arguments: [4, 7])
  func lonely(n: Int) {
    for seed in 1...5 as ClosedRange<UInt64> {
      var run = faultyRun(n: n, seed: seed)
      run.partitions = [
        Partition(
          from: ms(400), until: ms(900), side: (0..<n + 3).map { $0 == 2 ? 1 : 0 })
      ]
      expectAllExecuted(run)
    }
  }

  @Test(
    "and within the bound of its page after k primaries crashed at once",
    arguments: [1, 2, 3], 1...5 as ClosedRange<UInt64>)
  func bound(k: Int, seed: UInt64) {
    var run = faultyRun(n: 10, seed: seed)
    let (t, c, d) = (100.0, 50.0, 2.0)  // ms
    run.delay = .constant(d * 1e6)
    run.settings.viewTimeout = .milliseconds(100)
    run.clientTimeout = .milliseconds(50)
    run.arrivals = .poisson(rate: 500)
    run.bundle = 1
    run.faults = (0..<k).map { crash($0, at: ms(600)) }
    let simulation = run.start()
    simulation.run(until: ms(20_000))
    #expect(simulation.world.violations == [])
    #expect(simulation.final == simulation.submitted)
    var longest = 0.0
    for log in simulation.world.logs {
      for number in 0..<log.count {
        let waited = log.time(.final, of: number) - log.submitted[number]
        longest = max(longest, waited.seconds * 1000)
      }
    }
    let doublings = Double(1 << (k - 1))
    #expect(longest <= c + t * doublings + Double(k + 7) * d)
    #expect(longest > t * doublings, "the crash was to be felt: \(longest) ms")
  }
}
