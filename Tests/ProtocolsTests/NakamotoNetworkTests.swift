import Kernel
import Ledger
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

@Suite("Nakamoto: blocks and transactions over a network")
struct NakamotoNetworkTests {
  static let minute = SimDuration.seconds(60)

  /// Sixteen miners on a ring with chords, processors and links that take time, clients.
  static func busy(_ change: (inout ChainSetup) -> Void = { _ in }) -> ChainSetup {
    var setup = ChainSetup(topology: chordRing(16, chord: 5), blocks: .announce)
    setup.delay = .lognormal(median: 80e6, sigma: 0.3)
    setup.machines = MachineSpec(
      processor: .init(cores: 2), uplink: 20e6, downlink: 50e6)
    setup.settings.costs = CostSheet(
      message: .microseconds(20), byte: 1, request: .microseconds(5),
      execution: .microseconds(20), sign: .microseconds(33), verify: .microseconds(47),
      mac: .microseconds(1), hash: .microseconds(1), hashByte: 0.6)
    setup.settings.blockCapacity = 100_000
    setup.settings.requestTimeout = .seconds(20)
    setup.clients = .init(rate: 1, hosts: 4, bundle: 3)
    change(&setup)
    return setup
  }

  static func run(_ setup: ChainSetup, seed: UInt64 = 1) -> ChainRun<Nakamoto> {
    setup.makeRun(
      seed: seed, genesis: Nakamoto.genesis(),
      protocols: miners(16, interval: minute, confirmations: 3))
  }

  /// Distinct transactions on the chain that most nodes have, from the oldest block kept.
  static func transactions(_ run: ChainRun<Nakamoto>) -> Int {
    run.chain.summary().totals.transactions
  }

  @Test(
    "every dissemination brings every block to every node, and its transactions into blocks",
    arguments: [
      Dissemination.flood, .announce,
      .compact(
        CompactRelay(
          users: 0.75,
          classes: [.init(share: 1, failure: 0.3, missing: [1, 0, 0, 0, 2])], base: 100,
          perTransaction: 6)),
    ])
  func dissemination(kind: Dissemination) {
    let run = Self.run(
      Self.busy {
        $0.settings.blocks = kind
        $0.settings.transactions = kind == .flood ? .flood : .announce
        $0.clients?.until = SimTime(nanoseconds: 8_000_000_000_000)
      })
    run.simulation.run(until: SimTime(nanoseconds: 10_000_000_000_000))
    let heads = run.chain.protocols.map(\.head)
    #expect(heads.allSatisfy { $0 == heads[0] })
    let log = run.simulation.world.logs
    let submitted = log.reduce(0) { $0 + $1.count }
    #expect(submitted > 25_000)
    #expect(log.allSatisfy { $0.count(.included) == $0.count })
    #expect(log.allSatisfy { $0.count(.decided) == $0.count && $0.count(.final) == $0.count })
    #expect(Self.transactions(run) == submitted, "each once on the chain")
    #expect(run.simulation.world.violations.isEmpty)
    #expect((0..<16).allSatisfy { run.chain.waiting(at: $0) == 0 })
    let rows = run.outcome().messages.filter { $0.subsystem == "chain" }
    let duplicates = rows.reduce(0) { $0 + $1.duplicates }
    #expect(duplicates > 0, "several ways lead to a node")
    if case .compact = kind {
      #expect(rows.contains { $0.type == "cmpctblock" && $0.count > 0 })
      #expect(rows.contains { $0.type == "blocktxn" && $0.count > 0 })
    }
  }

  @Test("a run is repeated, and a copy of it goes on to the same digest")
  func determinism() {
    let a = Self.run(Self.busy())
    let b = Self.run(Self.busy())
    let end = SimTime(nanoseconds: 3_000_000_000_000)
    a.simulation.run(until: SimTime(nanoseconds: 1_234_567_890_123))
    let copy = a.copy()
    a.simulation.run(until: end)
    b.simulation.run(until: end)
    copy.simulation.run(until: end)
    #expect(a.simulation.digests == b.simulation.digests)
    #expect(a.simulation.digests == copy.simulation.digests)
    #expect(a.outcome() == copy.outcome())
    let other = Self.run(Self.busy(), seed: 2)
    other.simulation.run(until: end)
    #expect(a.simulation.digests != other.simulation.digests)
  }

  static var crashes: [Fault] {
    (1...12).map { k in
      Fault(
        at: SimTime(nanoseconds: Int64(k) * 217_123_456_789),
        .crash(
          .node(NodeID(k * 7 % 16)), downTime: .seconds(Int64(40 * k)), keepsDisk: k % 3 != 0))
    }
  }

  @Test("handling a message at once is the same as handling it at its completion")
  func lanes() {
    func outcome(reference: Bool) -> ([Outcome.SubsystemDigest], Outcome) {
      let run = Self.run(
        Self.busy {
          $0.faults = Self.crashes
          $0.usesReferenceLanes = reference
        })
      run.simulation.run(until: SimTime(nanoseconds: 3_000_000_000_000))
      return (run.simulation.digests, run.outcome())
    }
    let (fast, slow) = (outcome(reference: false), outcome(reference: true))
    #expect(fast.0 == slow.0)
    #expect(fast.1 == slow.1)
  }

  @Test("nodes that were down, with or without their disk, catch up with the others")
  func restart() {
    let run = Self.run(
      Self.busy {
        $0.faults = Self.crashes
        $0.clients = .init(
          rate: 1, hosts: 4, bundle: 3, timeout: .seconds(600),
          until: SimTime(nanoseconds: 3_000_000_000_000))
      })
    run.simulation.run(until: SimTime(nanoseconds: 12_000_000_000_000))
    let heads = run.chain.protocols.map { run.chain.blocks[$0.head].height }
    #expect((heads.max() ?? 0) - (heads.min() ?? 0) <= 1)
    #expect((heads.max() ?? 0) > 120)
    #expect(run.simulation.world.violations.isEmpty)
    let logs = run.simulation.world.logs
    #expect(logs.allSatisfy { $0.count(.final) == $0.count }, "clients tried again")
    #expect(Self.transactions(run) == logs.reduce(0) { $0 + $1.count })
  }

  @Test("two sides of a partition reorganise onto the heavier chain, and no transaction is lost")
  func partition() {
    let run = Self.run(
      Self.busy {
        $0.partitions = [
          Partition(
            from: SimTime(nanoseconds: 600_000_000_000),
            until: SimTime(nanoseconds: 3_000_000_000_000),
            side: (0..<16).map { $0 < 5 ? 0 : 1 })
        ]
        $0.clients = .init(
          rate: 1, hosts: 16, bundle: 3, timeout: .seconds(2_000),
          until: SimTime(nanoseconds: 3_500_000_000_000))
      })
    run.simulation.run(until: SimTime(nanoseconds: 3_000_000_000_000))
    #expect(run.chain.protocols[0].head != run.chain.protocols[15].head)
    run.simulation.run(until: SimTime(nanoseconds: 14_000_000_000_000))
    let heads = run.chain.protocols.map { run.chain.blocks[$0.head].height }
    #expect((heads.max() ?? 0) - (heads.min() ?? 0) <= 1)
    #expect(run.chain.books.reorganisations[5...].reduce(0, +) >= 5, "the smaller side gave up")
    #expect(run.chain.books.orphans > 0)
    #expect(run.simulation.world.violations.isEmpty)
    let logs = run.simulation.world.logs
    #expect(logs.allSatisfy { $0.count(.decided) == $0.count })
    #expect(Self.transactions(run) == logs.reduce(0) { $0 + $1.count })
  }

  @Test("a peer that does not deliver is given up, and another that announced is asked")
  func timeouts() {
    let run = Self.run(
      Self.busy {
        $0.settings.requestTimeout = .seconds(5)
        // Many blocks are under way when their sender stops.
        $0.settings.blockFiller = 4_000_000
        $0.faults = (0..<40).map { k in
          Fault(
            at: SimTime(nanoseconds: Int64(k) * 60_000_000_000 + 30_000_000_000),
            .crash(.node(NodeID(k % 16)), downTime: .seconds(45), keepsDisk: true))
        }
      })
    run.simulation.run(until: SimTime(nanoseconds: 3_600_000_000_000))
    #expect(run.chain.books.requestsRepeated > 0)
    let heads = run.chain.protocols.map { run.chain.blocks[$0.head].height }
    #expect((heads.max() ?? 0) - (heads.min() ?? 0) <= 2)
    #expect(run.simulation.world.violations.isEmpty)
  }

  @Test("a full mempool refuses or evicts, and what it lost is counted")
  func eviction() {
    for eviction in Eviction.allCases {
      let run = Self.run(
        Self.busy {
          $0.settings.mempool = 100
          $0.settings.eviction = eviction
          $0.clients = .init(rate: 2, hosts: 4, bundle: 3)
        })
      run.simulation.run(until: SimTime(nanoseconds: 3_000_000_000_000))
      #expect(run.chain.evicted > 0)
      #expect((0..<16).allSatisfy { run.chain.waiting(at: $0) <= 100 + 100_000 / 250 })
      #expect(run.simulation.world.violations.isEmpty)
    }
  }

  @Test("a block on another miner's hash rate takes longer until the retarget")
  func retarget() {
    // Half of the hash rate that meets the interval: twice the interval, until 20 blocks are made.
    let settings = Nakamoto.Settings(interval: Self.minute, confirmations: 1, retarget: 20)
    var setup = ChainSetup(topology: mesh(2), blocks: .direct)
    setup.settings.retained = 1_000_000
    let run = setup.makeRun(
      seed: 6, genesis: Nakamoto.genesis(),
      protocols: [
        Nakamoto(settings: settings, hashRate: 0.25), Nakamoto(settings: settings, hashRate: 0.25),
      ])
    run.simulation.run(until: SimTime(nanoseconds: 60_000_000_000 * 20_000))
    let height = Double(run.chain.blocks[run.chain.protocols[0].head].height)
    // A ratio is measured over N - 1 intervals of N, and the mean of its inverse is above that of
    // the time: E[N / (sum of N - 1 exponentials)] = N / (N - 2).
    #expect(abs(height / 20_000 - 1) < 0.1, "\(height)")
    let work = run.chain.blocks[run.chain.protocols[0].head].work
    #expect(work < Nakamoto.initialDifficulty)
    var walk = run.chain.protocols[0].head
    while walk != .genesis {
      let block = run.chain.blocks[walk]
      let parent = run.chain.blocks[block.parent]
      let ratio = Double(block.work) / Double(parent.work)
      #expect(block.height % 20 == 0 ? (0.249...4.001).contains(ratio) : ratio == 1)
      walk = block.parent
    }
  }
}
