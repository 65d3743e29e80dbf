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

private func crashPrimary(at time: SimTime, for down: SimDuration? = nil, disk: Bool = true)
  -> Fault
{
  Fault(at: time, .crash(.proposer(subsystem: 1), downTime: down, keepsDisk: disk))
}

/// Runs until 20 s and checks that every request was executed once, in one order, at every node
/// that is up, and that its client knows.
@discardableResult
private func expectAllExecuted(
  _ run: LayeredPBFTRun, _ place: SourceLocation = #_sourceLocation
) -> Simulation {
  let simulation = run.start()
  simulation.run(until: ms(20_000))
  #expect(simulation.world.violations == [], sourceLocation: place)
  #expect(simulation.submitted > 500, sourceLocation: place)
  #expect(simulation.final == simulation.submitted, sourceLocation: place)
  let up = simulation.layered.replicas.enumerated().filter {
    simulation.world.machines.isUp(NodeID($0.offset))
  }.map(\.element)
  let others = up.indices.filter {
    up[$0].state != up[0].state || up[$0].lastExecuted != up[0].lastExecuted
  }
  #expect(others == [], "have executed something else", sourceLocation: place)
  #expect(up[0].state.transactions == simulation.submitted, sourceLocation: place)
  return simulation
}

private let small = Layers(nodes: 16, groups: 4)
private let uneven = Layers(sizes: [[4, 7, 4, 5, 6]])
private let tree = Layers(nodes: 64, size: 4, layers: 3)

@Suite("Layered PBFT under faults executes every request once, in one order, at every live node")
struct LayeredPBFTFaultTests {
  @Test("after the primary crashed: its group's next leader takes over in the same view")
  func primary() {
    for layers in [small, uneven, tree] {
      for seed in 1...3 as ClosedRange<UInt64> {
        var run = LayeredPBFTRun.faulty(layers, seed: seed)
        run.faults = [crashPrimary(at: ms(500))]
        let simulation = expectAllExecuted(run)
        #expect(simulation.layered.replicas[1].leaderChanges > 0)
      }
    }
  }

  @Test("after the leader of another group crashed")
  func otherLeader() {
    for layers in [small, uneven, tree] {
      var run = LayeredPBFTRun.faulty(layers, seed: 4)
      run.faults = [crash(layers.nodes - 4, at: ms(500))]
      run.faults += [crash(4, at: ms(500))]
      expectAllExecuted(run)
    }
  }

  @Test("after the primary's whole group crashed: the view changes to the next group")
  func wholeGroup() {
    for seed in 1...3 as ClosedRange<UInt64> {
      var run = LayeredPBFTRun.faulty(small, seed: seed)
      run.faults = (0..<4).map { crash($0, at: ms(500)) }
      let simulation = expectAllExecuted(run)
      #expect(simulation.layered.replicas[15].viewChanges > 0)
    }
  }

  @Test("after two leaders of the primary's group in a row, with another node far behind")
  func twoCrashes() {
    let layers = Layers(nodes: 28, groups: 4)
    for seed in 1...3 as ClosedRange<UInt64> {
      var run = LayeredPBFTRun.faulty(layers, seed: seed)
      run.arrivals = .poisson(rate: 800)
      run.settings.ordering.batchRequests = 4
      run.partitions = [
        Partition(
          from: ms(200), until: ms(520), side: (0..<layers.nodes + 3).map { $0 == 27 ? 1 : 0 })
      ]
      run.faults = [crash(0, at: ms(500)), crash(1, at: ms(501))]
      let simulation = expectAllExecuted(run)
      #expect(simulation.sent(["state"], of: LayeredPBFT.self) > 0)
    }
  }

  @Test("after crashes one after the other, with restarts", arguments: [true, false])
  func restarts(disk: Bool) {
    for layers in [small, tree] {
      for seed in 1...3 as ClosedRange<UInt64> {
        var run = LayeredPBFTRun.faulty(layers, seed: seed)
        run.faults = [
          crashPrimary(at: ms(300), for: .milliseconds(200), disk: disk),
          crash(5, at: ms(800), for: .milliseconds(200), disk: disk),
          crashPrimary(at: ms(1200), for: .milliseconds(200), disk: true),
        ]
        expectAllExecuted(run)
      }
    }
  }

  @Test("while 5 % of messages are lost and some come twice")
  func loss() {
    for layers in [small, uneven, tree] {
      for seed in 1...3 as ClosedRange<UInt64> {
        var run = LayeredPBFTRun.faulty(layers, seed: seed)
        run.loss = 0.05
        run.duplication = 0.02
        run.faults = [crashPrimary(at: ms(700))]
        expectAllExecuted(run)
      }
    }
  }

  @Test("after a partition without a quorum on either side has healed")
  func partition() {
    for layers in [small, tree] {
      for seed in 1...3 as ClosedRange<UInt64> {
        var run = LayeredPBFTRun.faulty(layers, seed: seed)
        run.partitions = [
          Partition(
            from: ms(400), until: ms(900), side: (0..<layers.nodes + 3).map { UInt8($0 % 2) })
        ]
        expectAllExecuted(run)
      }
    }
  }

  @Test("when a whole group, or one node, was cut off and left its view alone", arguments: [1, 4])
  func lonely(count: Int) {
    for seed in 1...3 as ClosedRange<UInt64> {
      var run = LayeredPBFTRun.faulty(small, seed: seed)
      run.partitions = [
        Partition(
          from: ms(300), until: ms(1300),
          side: (0..<small.nodes + 3).map { $0 >= 8 && $0 < 8 + count ? 1 : 0 })
      ]
      expectAllExecuted(run)
    }
  }

  @Test("and within the bounds of the page, whether leaders or a whole group crash")
  func bound() {
    let (d, client, group, view) = (2.0, 50.0, 100.0, 400.0)  // ms
    for down in [1, 2, 7] {
      let layers = Layers(nodes: 28, groups: 4)
      var run = LayeredPBFTRun.faulty(layers, seed: 1)
      run.delay = .constant(d * 1e6)
      run.settings.groupTimeout = .milliseconds(Int64(group))
      run.settings.ordering.viewTimeout = .milliseconds(Int64(view))
      run.clientTimeout = .milliseconds(Int64(client))
      run.bundle = 1
      run.faults = (0..<down).map { crash($0, at: ms(600)) }
      let simulation = expectAllExecuted(run)
      var longest = 0.0
      for log in simulation.world.logs {
        for number in 0..<log.count {
          let waited = log.time(.final, of: number) - log.submitted[number]
          longest = max(longest, waited.seconds * 1000)
        }
      }
      let leaders = down < 7 ? Double(down) : 1
      let bound = client + leaders * group + view + 26 * d
      #expect(longest <= bound, "\(down) down: \(longest) ms, bound \(bound)")
      #expect(longest > group, "the crash was to be felt: \(longest) ms")
    }
  }
}
