import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

/// Settings for tests: timers of tens of milliseconds on links of one, small batches, snapshots
/// often.
func raftSettings(_ change: (inout Raft.Settings) -> Void = { _ in }) -> Raft.Settings {
  var settings = Raft.Settings(
    batch: 10, batchBytes: 1 << 30, batchTimeout: .zero, pipeline: 8,
    heartbeatInterval: .milliseconds(20), electionTimeout: .milliseconds(100),
    asksBeforeVoting: true, snapshotCount: 20, catchUpEntries: 8, isDurable: false,
    sizes: Raft.Sizes(
      header: 20, number: 8, entry: 16, request: 0, stateFixed: 1000, statePerTransaction: 10),
    costs: .free, mempool: Mempool(capacity: 1 << 20, eviction: .newest, populations: 1))
  change(&settings)
  return settings
}

extension CommitteeSetup {
  /// Servers that may stop.
  static func raft(_ n: Int, _ change: (inout CommitteeSetup) -> Void = { _ in }) -> CommitteeSetup
  {
    var setup = CommitteeSetup()
    setup.n = n
    setup.roles = Raft.roles(ParameterValues(defaults: Raft.parameters), nodes: n)
    setup.clientTimeout = .milliseconds(300)
    change(&setup)
    return setup
  }

  func startRaft(_ settings: Raft.Settings = raftSettings()) -> Simulation {
    let committee = effectiveRoles.committee
    return start((0..<n).map { Raft(me: ReplicaID($0), committee: committee, settings: settings) })
  }
}

extension Simulation {
  var raft: [Raft] { group(Raft.self).replicas }
}

func time(_ seconds: Double) -> SimTime { SimTime(nanoseconds: Int64(seconds * 1e9)) }

@Suite("Raft") struct RaftTests {
  @Test("an entry costs n - 1 appends and as many answers", arguments: [3, 4, 5, 16, 64])
  func messageCount(n: Int) {
    let run = CommitteeSetup.raft(n) {
      $0.until = time(3)
      $0.arrivals = .poisson(rate: 50)
    }.startRaft(raftSettings { $0.batch = 1 })
    run.run(until: time(4))
    #expect(run.world.violations == [])
    #expect(run.submitted > 100 && run.final == run.submitted)
    let leader = run.raft.firstIndex { $0.isLeader } ?? 0
    let entries = Int(run.raft[leader].lastLogIndex)
    // Each transaction an entry, and one that begins the term.
    #expect(entries == run.submitted + 1)
    #expect(run.sent(["append"], of: Raft.self) == entries * (n - 1))
    let beats = run.sent(["heartbeat"], of: Raft.self)
    // Each append and each heartbeat has its answer; some are under way.
    let answers = run.sent(["append-reply"], of: Raft.self)
    #expect(abs(answers - entries * (n - 1) - beats) <= n)
    #expect(run.sent(["append-many", "install-snapshot"], of: Raft.self) == 0)
  }

  @Test("a decision takes a round trip of the majority's slowest link") func latency() {
    let run = CommitteeSetup.raft(5) {
      $0.delay = .constant(10e6)
      $0.until = time(5)
      $0.arrivals = .poisson(rate: 20)
    }.startRaft(raftSettings { $0.electionTimeout = .milliseconds(500) })
    run.run(until: time(6))
    #expect(run.final == run.submitted)
    let log = run.world.logs[0]
    for number in 60..<log.count {
      let included = log.time(.included, of: number)
      let decided = log.time(.decided, of: number)
      #expect(decided - included == .milliseconds(20), "transaction \(number)")
    }
  }

  @Test("two leaders in a row crash: another is elected in the bound, and nothing is lost")
  func leaderCrashes() {
    for seed in 1...20 as ClosedRange<UInt64> {
      let run = CommitteeSetup.raft(5) {
        $0.seed = seed
        $0.arrivals = .poisson(rate: 400)
        $0.until = time(4)
        // One server is far behind when the second leader falls.
        $0.faults = [
          Fault(at: time(0.5), .crash(.node(NodeID(4)), downTime: .seconds(1), keepsDisk: true)),
          Fault(
            at: time(1), .crash(.proposer(subsystem: 1), downTime: .seconds(2), keepsDisk: true)),
          Fault(
            at: time(1.6), .crash(.proposer(subsystem: 1), downTime: .seconds(1), keepsDisk: true)),
        ]
      }.startRaft()
      run.run(until: time(6))
      #expect(run.world.violations == [])
      #expect(run.final == run.submitted && run.submitted > 1000)
      let applied = run.raft.map(\.lastApplied)
      #expect(Set(applied).count == 1, "seed \(seed): \(applied)")
      #expect(Set(run.raft.map(\.state.digest)).count == 1)
      #expect(run.raft[0].state.transactions == run.submitted)
    }
  }

  @Test("after a partition heals, the minority's leader follows, and its entries give way")
  func partition() {
    for seed in 1...20 as ClosedRange<UInt64> {
      let run = CommitteeSetup.raft(5) {
        $0.seed = seed
        $0.arrivals = .poisson(rate: 100)
        $0.target = .everyone
        $0.until = time(4)
        $0.partitions = [
          Partition(from: time(1), until: time(2), side: [0, 0, 1, 1, 1, 0])
        ]
      }.startRaft()
      run.run(until: time(6))
      #expect(run.world.violations == [])
      #expect(run.final == run.submitted)
      #expect(Set(run.raft.map(\.state.digest)).count == 1)
    }
  }

  @Test("loss and duplication delay, and harm nothing") func lossyLinks() {
    for seed in 1...10 as ClosedRange<UInt64> {
      let run = CommitteeSetup.raft(5) {
        $0.seed = seed
        $0.loss = 0.1
        $0.duplication = 0.1
        $0.delay = .uniform(low: 1e6, high: 8e6)
        $0.arrivals = .poisson(rate: 100)
        $0.until = time(4)
      }.startRaft()
      // A lost answer is asked for again, each time after twice as long.
      run.run(until: time(80))
      #expect(run.world.violations == [])
      #expect(run.final == run.submitted)
    }
  }

  @Test("a follower that was away longer than the log reaches is sent a snapshot")
  func snapshots() {
    let run = CommitteeSetup.raft(3) {
      $0.arrivals = .poisson(rate: 500)
      $0.until = time(3)
      $0.faults = [
        Fault(at: time(0.5), .crash(.node(NodeID(2)), downTime: .seconds(2), keepsDisk: true))
      ]
    }.startRaft(raftSettings { $0.batch = 1 })
    run.run(until: time(4))
    #expect(run.world.violations == [])
    #expect(run.final == run.submitted)
    #expect(run.sent(["install-snapshot"], of: Raft.self) > 0)
    #expect(Set(run.raft.map(\.state.digest)).count == 1)
  }

  @Test("a server that was cut off does not depose a leader whom the others hear")
  func preVote() {
    func start(_ asks: Bool, cut: Int?) -> Simulation {
      CommitteeSetup.raft(5) {
        $0.until = time(4)
        guard let cut else { return }
        $0.partitions = [
          Partition(
            from: time(1), until: time(3), side: (0..<6).map { $0 == cut ? 1 : 0 })
        ]
      }.startRaft(raftSettings { $0.asksBeforeVoting = asks })
    }
    func changes(_ asks: Bool) -> Int {
      let whole = start(asks, cut: nil)
      whole.run(until: time(1))
      let leader = whole.raft.firstIndex { $0.isLeader } ?? 0
      let run = start(asks, cut: (leader + 1) % 5)
      run.run(until: time(5))
      #expect(run.final == run.submitted)
      return Int((run.raft.map(\.currentTerm).max() ?? 0) - whole.raft[leader].currentTerm)
    }
    #expect(changes(true) == 0)
    #expect(changes(false) > 0)
  }

  @Test(
    "every rule left out is missed by a monitor",
    arguments: [
      Raft.Weakness.quorumOfHalf, .votesForAnyLog, .votesTwice,
    ])
  func weaknesses(weakness: Raft.Weakness) {
    func violations(_ weakness: Raft.Weakness, _ seed: UInt64) -> Int {
      var stream = RandomStream(seed: seed, purpose: "faults")
      let n = 4
      let run = CommitteeSetup.raft(n) {
        $0.seed = seed
        $0.arrivals = .poisson(rate: 200)
        $0.target = .everyone
        $0.loss = 0.05
        $0.until = time(5)
        $0.partitions = (0..<24).map { k in
          let side = (0...n).map { _ in UInt8(stream.below(2)) }
          return Partition(
            from: time(0.2 * Double(k + 1)), until: time(0.2 * Double(k + 1) + 0.19), side: side)
        }
      }.startRaft(
        raftSettings {
          $0.weakness = weakness
          $0.asksBeforeVoting = false
          $0.catchUpEntries = 1
          $0.electionTimeout = .milliseconds(50)
        })
      run.run(until: time(7))
      return run.world.violations.filter { $0.monitor == "agreement" }.count
    }
    var broken = 0
    var sound = 0
    for seed in 1...30 as ClosedRange<UInt64> {
      if violations(weakness, seed) > 0 { broken += 1 }
      if seed <= 10 { sound += violations([], seed) }
    }
    #expect(sound == 0)
    #expect(broken > 0)
  }

  @Test("a copy goes on to the same digest, and lanes of two events to the same as of one")
  func determinism() {
    func start(reference: Bool) -> Simulation {
      CommitteeSetup.raft(5) {
        $0.usesReferenceLanes = reference
        $0.delay = .uniform(low: 1e6, high: 3e6)
        $0.arrivals = .poisson(rate: 300)
        $0.until = time(2)
        $0.faults = [
          Fault(
            at: time(1), .crash(.proposer(subsystem: 1), downTime: .seconds(1), keepsDisk: true))
        ]
      }.startRaft(
        raftSettings {
          $0.costs = CostSheet(
            message: .microseconds(5), byte: 0.1, request: .microseconds(1),
            execution: .microseconds(3), sign: .zero, verify: .zero, mac: .zero, hash: .zero,
            hashByte: 0)
        })
    }
    let run = start(reference: false)
    for _ in 0..<5000 { run.step() }
    let other = run.copy()
    run.run(until: time(3))
    other.run(until: time(3))
    let reference = start(reference: true)
    reference.run(until: time(3))
    #expect(run.digests == other.digests)
    #expect(run.digests == reference.digests)
  }
}
