import Consensus
import Kernel
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

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

/// Open-loop clients, a block every 40 ms, exponential delays around 2 ms.
private func faultyRun<R: IstanbulRules>(_ rules: R.Type, n: Int, seed: UInt64) -> IstanbulRun<R> {
  var run = IstanbulRun<R>()
  run.n = n
  run.seed = seed
  run.settings = IstanbulRun<R>.faultySettings
  run.delay = .exponential(mean: 2e6)
  run.clientHosts = 3
  run.target = .gateway
  run.arrivals = .poisson(rate: 500)
  run.bundle = 2
  run.clientTimeout = .milliseconds(300)
  run.until = ms(1_500)
  return run
}

/// Runs until 20 s and checks that every request was executed once, in one order, at every replica
/// that is up, and that its client knows.
@discardableResult
private func expectAllExecuted<R: IstanbulRules>(
  _ run: IstanbulRun<R>, _ place: SourceLocation = #_sourceLocation
) -> Simulation {
  let simulation = run.start()
  simulation.run(until: ms(20_000))
  #expect(simulation.world.violations == [], sourceLocation: place)
  #expect(simulation.submitted > 1000, sourceLocation: place)
  #expect(simulation.final == simulation.submitted, sourceLocation: place)
  let group = simulation.group(Istanbul<R>.self)
  #expect(group.equivocators == [], sourceLocation: place)
  let up = group.replicas.enumerated().filter {
    simulation.world.machines.isUp(NodeID($0.offset))
  }.map(\.element)
  let highest = up.map(\.decided.number).max() ?? 0
  for replica in up {
    #expect(replica.state.transactions == simulation.submitted, sourceLocation: place)
    // Empty blocks go on; nobody is more than the last of them behind.
    #expect(replica.decided.number + 2 >= highest, sourceLocation: place)
  }
  return simulation
}

@Suite("QBFT and IBFT 2.0 execute every request once, in one order, at every live replica")
struct QBFTFaultTests {
  @Test("after a proposer crashed", arguments: [4, 5, 7, 16], 1...3 as ClosedRange<UInt64>)
  func oneCrash(n: Int, seed: UInt64) {
    var run = faultyRun(QBFTRules.self, n: n, seed: seed)
    run.faults = [crashProposer(at: ms(500))]
    expectAllExecuted(run)
    var other = faultyRun(IBFT2Rules.self, n: n, seed: seed)
    other.faults = run.faults
    expectAllExecuted(other)
  }

  @Test(
    "after two proposers crashed in a row, with one replica behind that needs the state",
    arguments: [7, 16], 1...5 as ClosedRange<UInt64>)
  func twoCrashes(n: Int, seed: UInt64) {
    var run = faultyRun(QBFTRules.self, n: n, seed: seed)
    run.partitions = [
      Partition(
        from: ms(100), until: ms(920), side: (0..<n + 3).map { $0 == n - 1 ? 1 : 0 })
    ]
    run.faults = [crashProposer(at: ms(900)), crashProposer(at: ms(901))]
    let simulation = expectAllExecuted(run)
    #expect(simulation.sent(["state"], of: QBFT.self) > 0)
    #expect(simulation.sent(["justified-pre-prepare"], of: QBFT.self) > 0)
  }

  @Test("after crashes one after the other, with restarts", arguments: [true, false])
  func restarts(disk: Bool) {
    for seed in 1...5 as ClosedRange<UInt64> {
      var run = faultyRun(QBFTRules.self, n: 4, seed: seed)
      run.faults = [
        crashProposer(at: ms(300), for: .milliseconds(200), disk: disk),
        crashProposer(at: ms(1200), for: .milliseconds(200), disk: true),
      ]
      expectAllExecuted(run)
      var other = faultyRun(IBFT2Rules.self, n: 4, seed: seed)
      other.faults = run.faults
      expectAllExecuted(other)
    }
  }

  @Test("while 3 % of messages are lost and 5 % are doubled", arguments: [4, 7, 16])
  func loss(n: Int) {
    for seed in 1...3 as ClosedRange<UInt64> {
      var run = faultyRun(QBFTRules.self, n: n, seed: seed)
      run.loss = 0.03
      run.duplication = 0.05
      run.faults = [crashProposer(at: ms(700))]
      let simulation = run.start()
      simulation.run(until: ms(60_000))
      #expect(simulation.world.violations == [])
      #expect(simulation.final == simulation.submitted)
      #expect(simulation.group(QBFT.self).equivocators == [])
    }
  }

  @Test("after a partition without a quorum on either side has healed", arguments: [4, 7, 16])
  func partition(n: Int) {
    for seed in 1...5 as ClosedRange<UInt64> {
      var run = faultyRun(IBFT2Rules.self, n: n, seed: seed)
      run.partitions = [
        Partition(from: ms(400), until: ms(900), side: (0..<n + 3).map { UInt8($0 % 2) })
      ]
      expectAllExecuted(run)
      var other = faultyRun(QBFTRules.self, n: n, seed: seed)
      other.partitions = run.partitions
      expectAllExecuted(other)
    }
  }

  @Test("when one replica was cut off and left its round alone", arguments: [4, 7])
  func lonely(n: Int) {
    for seed in 1...5 as ClosedRange<UInt64> {
      var run = faultyRun(QBFTRules.self, n: n, seed: seed)
      run.partitions = [
        Partition(from: ms(400), until: ms(900), side: (0..<n + 3).map { $0 == 2 ? 1 : 0 })
      ]
      expectAllExecuted(run)
    }
  }

  @Test(
    "within the bound of its page after a partition and j crashes",
    arguments: [0, 1, 2], [300, 900, 2500])
  func bound(j: Int, outage: Int) {
    for seed in 1...3 as ClosedRange<UInt64> {
      var run = faultyRun(QBFTRules.self, n: 10, seed: seed)
      let (d, r, s) = (2.0, 100.0, 20.0)
      run.delay = .constant(d * 1e6)
      let start = Int64(400 + 7 * seed)
      let heal = Int64(start) + Int64(outage)
      run.partitions = [
        Partition(from: ms(start), until: ms(heal), side: (0..<13).map { UInt8($0 % 2) })
      ]
      run.faults = (0..<j).map { crash(Int($0), at: ms(start)) }
      let simulation = run.start()
      simulation.run(until: ms(60_000))
      #expect(simulation.world.violations == [])
      let first = simulation.world.decisionLogs[1].entries.first { $0.time > ms(heal) }
      let wait = ((first?.time ?? .never) - ms(heal)).seconds * 1000
      let limit = (Double(outage) + 40 + r) * Double((1 << (j + 1)) - 1) + s + 6 * d
      #expect(wait <= limit, "\(wait) ms of \(limit)")
      #expect(simulation.final == simulation.submitted)
    }
  }

  @Test("after messages were late until GST")
  func gst() {
    for seed in 1...5 as ClosedRange<UInt64> {
      var run = faultyRun(QBFTRules.self, n: 7, seed: seed)
      run.stabilisation = Stabilisation(
        gst: ms(1000), delta: .milliseconds(5), chaos: .exponential(mean: 80e6))
      expectAllExecuted(run)
    }
  }
}
