import Consensus
import Kernel
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

/// A run of leader-subset PBFT with its clients.
private struct LeaderSubsetRun: CommitteeRun {
  var setup = CommitteeSetup()
  var leaders: Int
  var learning: LeaderSubset.Learning
  var settings = LayeredPBFTRun.plainOrdering

  init(_ nodes: Int, _ leaders: Int, _ learning: LeaderSubset.Learning) {
    self.leaders = leaders
    self.learning = learning
    setup.n = nodes
    setup.roles = LeaderSubset.roles(leaders: leaders, nodes: nodes)
  }

  static func faulty(
    _ nodes: Int, _ leaders: Int, _ learning: LeaderSubset.Learning, seed: UInt64
  ) -> LeaderSubsetRun {
    var run = LeaderSubsetRun(nodes, leaders, learning)
    let layered = LayeredPBFTRun.faulty(Layers(nodes: 4, groups: 4), seed: seed)
    run.settings = layered.settings.ordering
    run.settings.viewTimeout = .milliseconds(200)
    run.setup = layered.setup
    run.setup.n = nodes
    run.setup.roles = LeaderSubset.roles(leaders: leaders, nodes: nodes)
    return run
  }

  func start() -> Simulation {
    var settings = settings
    settings.populations = setup.clientHosts
    return setup.start(
      (0..<setup.n).map {
        LeaderSubset(
          me: ReplicaID($0), nodes: setup.n, leaders: leaders, learning: learning,
          settings: settings)
      })
  }
}

@Suite("Leader-subset PBFT")
struct LeaderSubsetTests {
  @Test(
    "sends 2l(l-1) + (N-l) messages a decision, or f + 1 times as many to followers",
    arguments: [(8, 4), (10, 5), (16, 8), (40, 20), (40, 4), (64, 32), (7, 7)],
    [LeaderSubset.Learning.one, .weakQuorum])
  func messageCount(sizes: (nodes: Int, leaders: Int), learning: LeaderSubset.Learning) {
    let (n, l) = sizes
    var run = LeaderSubsetRun(n, l, learning)
    run.arrivals = .closed(clients: 1, think: .constant(0))
    run.settings.checkpointInterval = 4
    run.settings.window = 8
    run.until = ms(100)
    let simulation = run.start()
    simulation.run(until: ms(1000))
    let decisions = simulation.world.decisions[1]
    #expect(decisions > 15)
    let kinds = ["pre-prepare", "prepare", "commit", "decided"]
    let tellers = learning == .one ? 1 : (l - 1) / 3 + 1
    let expected = 2 * l * (l - 1) + tellers * (n - l)
    #expect(simulation.sent(kinds, of: LeaderSubset.self) == decisions * expected)
    #expect(
      LeaderSubset.messages(nodes: n, leaders: l, learning: learning) == expected)
    #expect(
      simulation.sent(["checkpoint"], of: LeaderSubset.self) == decisions / 4 * l * (l - 1))
    let rest = [
      "status", "view-change", "new-view", "fetch-batch", "batch", "fetch-state", "state",
    ]
    #expect(simulation.sent(rest, of: LeaderSubset.self) == 0)
    #expect(simulation.final == simulation.submitted)
    #expect(simulation.world.violations == [])
    for replica in simulation.group(LeaderSubset.self).replicas {
      #expect(replica.state.transactions == simulation.submitted)
    }
  }

  @Test("half the nodes as leaders: about a quarter of PBFT's messages")
  func quarter() {
    let flat = 2 * 100 * 99
    let half = LeaderSubset.messages(nodes: 100, leaders: 50, learning: .one)
    #expect(half == 4950)
    #expect(flat == 19_800)
  }

  @Test("leaders have executed after 3 delays, followers after 4")
  func timing() {
    for learning in [LeaderSubset.Learning.one, .weakQuorum] {
      var run = LeaderSubsetRun(12, 6, learning)
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

  /// Every request is executed once, in one order, at every node that is up.
  private func expectAllExecuted(
    _ run: LeaderSubsetRun, _ place: SourceLocation = #_sourceLocation
  ) {
    let simulation = run.start()
    simulation.run(until: ms(20_000))
    #expect(simulation.world.violations == [], sourceLocation: place)
    #expect(simulation.submitted > 500, sourceLocation: place)
    #expect(simulation.final == simulation.submitted, sourceLocation: place)
    let replicas = simulation.group(LeaderSubset.self).replicas
    let behind = replicas.indices.filter {
      simulation.world.machines.isUp(NodeID($0))
        && replicas[$0].state.transactions != simulation.submitted
    }
    #expect(behind == [], sourceLocation: place)
  }

  @Test("executes every request once, everywhere, when leaders or followers crash or are cut off")
  func faults() {
    for learning in [LeaderSubset.Learning.one, .weakQuorum] {
      for seed in 1...3 as ClosedRange<UInt64> {
        for disk in [true, false] {
          var run = LeaderSubsetRun.faulty(14, 7, learning, seed: seed)
          run.faults = [
            Fault(
              at: ms(500), .crash(.node(NodeID(0)), downTime: .milliseconds(400), keepsDisk: true)),
            Fault(
              at: ms(501), .crash(.node(NodeID(1)), downTime: .milliseconds(400), keepsDisk: true)),
            Fault(
              at: ms(300), .crash(.node(NodeID(9)), downTime: .milliseconds(500), keepsDisk: disk)),
            Fault(
              at: ms(1200),
              .crash(.node(NodeID(10)), downTime: .milliseconds(200), keepsDisk: disk)),
          ]
          expectAllExecuted(run)
        }
        var run = LeaderSubsetRun.faulty(14, 7, learning, seed: seed)
        run.loss = 0.05
        run.duplication = 0.02
        expectAllExecuted(run)
        run.loss = 0
        run.partitions = [
          Partition(
            from: ms(400), until: ms(900), side: (0..<17).map { (5...10).contains($0) ? 1 : 0 })
        ]
        expectAllExecuted(run)
      }
    }
  }

  @Test("one-event lanes are reference lanes; a copy goes on to the same digest")
  func determinism() {
    for seed in 1...5 as ClosedRange<UInt64> {
      var run = LeaderSubsetRun.faulty(10, 5, .weakQuorum, seed: seed)
      run.settings.costs.verify = .microseconds(47)
      run.settings.costs.sign = .microseconds(33)
      run.machine = MachineSpec(processor: .init(cores: 2), uplink: 1e8, downlink: 1e8)
      run.loss = 0.01
      run.until = ms(800)
      run.faults = [
        Fault(
          at: ms(300),
          .crash(.proposer(subsystem: 1), downTime: .milliseconds(150), keepsDisk: true)),
        Fault(at: ms(2000), .crash(.node(NodeID(12)), downTime: nil, keepsDisk: true)),
      ]
      run.expectEqualLanes(until: ms(2000), steps: 5000)
      run.expectEqualCopies(1, until: ms(2000))
    }
  }

  @Test("allocates nothing in steady state")
  func allocations() {
    var run = LeaderSubsetRun(16, 8, .weakQuorum)
    run.settings.pipeline = 8
    run.settings.checkpointInterval = 16
    run.settings.window = 32
    run.clientHosts = 2
    run.arrivals = .poisson(rate: 5000)
    run.bundle = 10
    run.reserving = 200_000
    #expect(run.allocations(from: ms(10_000), until: ms(15_000), deciding: 300) == 0)
  }
}
