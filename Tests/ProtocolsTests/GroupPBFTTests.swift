import Consensus
import Kernel
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

@Suite("Group PBFT, without faults")
struct GroupPBFTNormalCaseTests {
  @Test(
    "sends 2c(c-1) + (N-c) messages a slot, or f + 1 times as many to the others, eras or not",
    arguments: [(8, 4), (10, 5), (16, 8), (40, 20), (40, 4), (7, 7)],
    [LeaderSubset.Learning.one, .weakQuorum])
  func messageCount(sizes: (nodes: Int, endorsers: Int), learning: LeaderSubset.Learning) {
    let (n, c) = sizes
    for era in [1 << 20, 6] {
      var run = GroupPBFTRun(n, c, era: era, learning: learning)
      run.arrivals = .closed(clients: 1, think: .constant(0))
      run.until = ms(100)
      let simulation = run.start()
      simulation.run(until: ms(1000))
      let decisions = simulation.world.decisions[1]
      let replicas = simulation.groupPBFT.replicas
      // Slots that end an era carry no batch, and count as slots.
      let slots = Int(replicas[0].lastExecuted.number)
      #expect(decisions > 12)
      #expect(replicas[0].era == (era == 6 ? slots / 6 : 0))
      let expected = 2 * c * (c - 1) + (learning == .one ? 1 : (c - 1) / 3 + 1) * (n - c)
      #expect(GroupPBFT.messages(nodes: n, endorsers: c, learning: learning) == expected)
      let kinds = ["pre-prepare", "prepare", "commit", "decided"]
      #expect(simulation.sent(kinds, of: GroupPBFT.self) == slots * expected)
      let rest = ["status", "view-change", "new-view", "fetch-batch", "fetch-state", "state"]
      #expect(simulation.sent(rest, of: GroupPBFT.self) == 0)
      #expect(simulation.final == simulation.submitted)
      #expect(simulation.world.violations == [])
      #expect(simulation.behind == [])
      #expect(replicas.allSatisfy { $0.lastExecuted == replicas[0].lastExecuted })
    }
  }

  @Test("endorsers have executed after 3 delays, the others after 4")
  func timing() {
    for learning in [LeaderSubset.Learning.one, .weakQuorum] {
      var run = GroupPBFTRun(12, 6, learning: learning)
      run.arrivals = .closed(clients: 1, think: .constant(0))
      run.setup.roles?.executions = 12
      run.decisions = 5
      let simulation = run.start()
      simulation.run(until: ms(1000))
      let entries = simulation.world.decisionLogs[1].entries
      #expect(entries.count == 5)
      for entry in entries { #expect(entry.age == .milliseconds(4)) }
    }
  }

  @Test("a copy goes on to the same digest; one-event lanes are reference lanes")
  func determinism() {
    for seed in 1...4 as ClosedRange<UInt64> {
      var run = GroupPBFTRun.faulty(10, 5, .reputation, seed: seed)
      run.settings.ordering.costs.verify = .microseconds(47)
      run.settings.ordering.costs.sign = .microseconds(33)
      run.machine = MachineSpec(processor: .init(cores: 2), uplink: 1e8, downlink: 1e8)
      run.loss = 0.01
      run.until = ms(800)
      run.faults = [
        Fault(
          at: ms(300),
          .crash(.proposer(subsystem: 1), downTime: .milliseconds(150), keepsDisk: true))
      ]
      run.expectEqualLanes(until: ms(2000), steps: 5000)
      run.expectEqualCopies(1, until: ms(2000))
    }
  }

  @Test("allocates nothing in steady state")
  func allocations() {
    var run = GroupPBFTRun(16, 8, learning: .weakQuorum)
    run.settings.ordering.pipeline = 8
    run.settings.ordering.checkpointInterval = 16
    run.settings.ordering.window = 32
    run.clientHosts = 2
    run.arrivals = .poisson(rate: 5000)
    run.bundle = 10
    run.reserving = 200_000
    #expect(run.allocations(from: ms(10_000), until: ms(15_000), deciding: 300) == 0)
  }
}

@Suite("Group PBFT, elections and faults")
struct GroupPBFTFaultTests {
  private func expectAllExecuted(
    _ run: GroupPBFTRun, _ what: String, _ place: SourceLocation = #_sourceLocation
  ) {
    let simulation = run.start()
    simulation.run(until: ms(20_000))
    let note = "\(what), seed \(run.setup.seed)"
    #expect(simulation.world.violations == [], "\(note)", sourceLocation: place)
    #expect(simulation.submitted > 500, sourceLocation: place)
    #expect(simulation.final == simulation.submitted, "\(note)", sourceLocation: place)
    #expect(simulation.behind == [], "\(note)", sourceLocation: place)
    #expect(simulation.groupPBFT.replicas.map(\.era).max() ?? 0 > 3, sourceLocation: place)
  }

  /// Endorser on seat s is primary first in era s; its view is left, and the era ends with it.
  @Test("who has crashed is voted out at the end of the era that it was to lead", arguments: 0..<5)
  func votedOut(seat: Int) {
    for election in [GroupPBFT.ElectionRule.location, .reputation] {
      var run = GroupPBFTRun.faulty(8, 5, election, seed: 7)
      run.faults = [Fault(at: ms(0), .crash(.node(NodeID(seat)), downTime: nil, keepsDisk: true))]
      let simulation = run.start()
      var replica = simulation.groupPBFT.replicas[7]
      while replica.endorsers.contains(seat), simulation.world.now < ms(20_000) {
        #expect(replica.era <= seat)
        simulation.step()
        replica = simulation.groupPBFT.replicas[7]
      }
      #expect(replica.era == seat + 1)
      #expect(replica.scores[seat] == -10)
      #expect(replica.endorsers[seat] == 5)
      expectAllExecuted(run, "crash of \(seat)")
    }
  }

  @Test("points put off the end of who has served well: a turn more for each penalty that they pay")
  func reserves() {
    var run = GroupPBFTRun.faulty(8, 4, .reputation, seed: 3)
    run.settings.reward = 15
    // The endorser of seat 0 leads era 0, and has 15 points: 5 after its next turn, in era 4, and
    // fewer than none after that of era 8.
    run.faults = [crash(0, at: 70, for: 100_000, disk: true)]
    let simulation = run.start()
    simulation.run(until: ms(70))
    #expect((1...3).contains(simulation.groupPBFT.replicas[7].era))
    var last = 0
    while simulation.groupPBFT.replicas[7].endorsers.contains(0), simulation.world.now < ms(20_000)
    {
      last = simulation.groupPBFT.replicas[7].era
      simulation.step()
    }
    #expect(last == 8)
  }

  @Test("executes every request once in one order everywhere, whatever crashes or is cut off")
  func faults() {
    for learning in [LeaderSubset.Learning.one, .weakQuorum] {
      for election in [GroupPBFT.ElectionRule.location, .reputation] {
        for seed in 1...2 as ClosedRange<UInt64> {
          let base = GroupPBFTRun.faulty(12, 7, election, learning: learning, seed: seed)
          expectAllExecuted(base, "eras under load")
          for disk in [true, false] {
            var run = base
            run.faults = [
              crash(0, at: 500, for: 400, disk: true), crash(1, at: 501, for: 400, disk: true),
              crash(9, at: 300, for: 500, disk: disk), crash(10, at: 1200, for: 200, disk: disk),
            ]
            expectAllExecuted(run, "two primaries, disk \(disk)")
            run.faults = [
              crash(3, at: 600, for: 700, disk: disk), crash(8, at: 1000, for: 300, disk: disk),
            ]
            expectAllExecuted(run, "an endorser and another, disk \(disk)")
          }
          var run = base
          run.loss = 0.05
          run.duplication = 0.02
          expectAllExecuted(run, "loss")
          run.loss = 0
          run.partitions = [
            Partition(
              from: ms(400), until: ms(900), side: (0..<14).map { (4...9).contains($0) ? 1 : 0 })
          ]
          expectAllExecuted(run, "partition")
        }
      }
    }
  }

  private func crash(_ node: Int, at t: Int64, for d: Int64, disk: Bool) -> Fault {
    Fault(
      at: ms(t), .crash(.node(NodeID(node)), downTime: .milliseconds(d), keepsDisk: disk))
  }

  @Test("a committee that begins without what the last one had under way is caught; the other not")
  func forgetsHandover() {
    for weak in [false, true] {
      var run = GroupPBFTRun.faulty(10, 5, seed: 2)
      run.settings.forgetsHandover = weak
      run.settings.ordering.batchRequests = 2
      run.arrivals = .poisson(rate: 2000)
      run.until = ms(300)
      let simulation = run.start()
      simulation.run(until: ms(3000))
      #expect(simulation.world.violations.isEmpty != weak)
    }
  }
}
