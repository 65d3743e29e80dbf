import Consensus
import Kernel
import Ledger
import Machines
import Networking
import Protocols
import Simulation
import Testing

/// A tenth of all messages is lost and a tenth comes twice, for a while.
@Suite("While messages are lost and doubled")
struct ChainLossTests {
  /// Seconds.
  private static let (start, quiet, end) = (200, 2_000, 3_000)

  private static func seconds(_ count: Int) -> SimTime { .zero + .seconds(Int64(count)) }

  private func disturb(_ setup: inout ChainSetup, nodes: Int, clients hosts: Int = 4) {
    let all = Array(repeating: true, count: nodes)
    var links = LinkFault(senders: all, receivers: all)
    links.from = Self.seconds(Self.start)
    links.until = Self.seconds(Self.quiet)
    links.loss = 0.1
    links.duplication = 0.1
    setup.linkFaults = [links]
    setup.settings.requestTimeout = .seconds(5)
    setup.settings.retained = 10_000
    setup.clients = .init(
      rate: 0.5, hosts: hosts, timeout: .seconds(60), until: Self.seconds(Self.quiet - 100))
  }

  /// A node's chain, from its head down to genesis.
  private func path(_ head: BlockID, _ blocks: BlockArena) -> [BlockID] {
    var list = [head]
    while Int(list[list.count - 1].index) > blocks.startIndex {
      list.append(blocks[list[list.count - 1]].parent)
    }
    return list
  }

  /// Blocks that nodes hold settled at any time lie on one chain, and stay; every transaction is on
  /// it once; and when no more is lost, the heads agree.
  ///
  /// - Parameter settled: the newest block that a node holds settled.
  /// - Returns: how often a block came whose ancestors were missing, and had to be asked for.
  private func check<P: ChainProtocol>(
    _ run: ChainRun<P>, atLeast count: Int = 10,
    _ settled: (P, _ path: [BlockID]) -> BlockID
  ) -> Int {
    var held: Set<BlockID> = []
    for time in stride(from: Self.start, to: Self.quiet, by: 60) {
      run.simulation.run(until: Self.seconds(time))
      let blocks = run.chain.blocks
      for node in run.chain.protocols { held.insert(settled(node, path(node.head, blocks))) }
    }
    #expect(held.count > count, "\(P.name): blocks settled meanwhile")
    run.simulation.run(until: Self.seconds(Self.end))
    // A block may be on its way.
    var time = Self.seconds(Self.end)
    while Set(run.chain.protocols.map(\.head)).count > 1, time < Self.seconds(Self.end + 60) {
      time += .milliseconds(100)
      run.simulation.run(until: time)
    }
    #expect(Set(run.chain.protocols.map(\.head)).count == 1, "\(P.name): one head")
    let chain = path(run.chain.protocols[0].head, run.chain.blocks)
    #expect(held.subtracting(chain).isEmpty, "\(P.name): what was settled stays")
    #expect(run.simulation.world.violations == [], "\(P.name)")
    let log = run.simulation.world.logs
    let submitted = log.reduce(0) { $0 + $1.count }
    #expect(submitted > 1_000)
    #expect(log.allSatisfy { $0.count(.included) == $0.count }, "\(P.name): each is included")
    #expect(run.chain.summary().totals.transactions == submitted, "\(P.name): and once")
    return run.chain.books.orphans
  }

  private func deep(_ path: [BlockID], _ depth: Int) -> BlockID {
    path[min(depth, path.count - 1)]
  }

  @Test("GHOST keeps one settled chain", arguments: 1...3 as ClosedRange<UInt64>)
  func ghost(seed: UInt64) {
    var setup = ChainSetup(topology: chordRing(16, chord: 5))
    setup.delay = .lognormal(median: 80e6, sigma: 0.3)
    setup.settings.relays = .valid
    disturb(&setup, nodes: 16)
    let nodes = GHOSTChainTests.nodes(16, interval: .seconds(15))
    let run = setup.makeRun(seed: seed, genesis: GHOST.genesis(), protocols: nodes)
    let orphans = check(run) { deep($1, 8) }
    #expect(orphans > 0)
    #expect(run.chain.books.requestsRepeated > 0)
  }

  @Test("Bitcoin-NG keeps one settled chain", arguments: 1...3 as ClosedRange<UInt64>)
  func bitcoinNG(seed: UInt64) {
    var setup = ChainSetup(topology: chordRing(16, chord: 5))
    setup.delay = .lognormal(median: 80e6, sigma: 0.3)
    disturb(&setup, nodes: 16)
    let settings = ngSettings(key: .seconds(60), micro: .seconds(7), confirmation: .keyBlocks(4))
    let run = setup.makeRun(
      seed: seed, genesis: BitcoinNG.genesis(), protocols: ngNodes(16, settings))
    // Four key blocks on it.
    let orphans = check(run) { node, path in
      let blocks = run.chain.blocks
      var keys = 0
      for block in path {
        if keys == 4 { return block }
        if blocks[block].work > 0 { keys += 1 }
      }
      return .genesis
    }
    #expect(orphans > 0)
    #expect(run.chain.books.requestsRepeated > 0)
  }

  @Test("DPoS keeps one irreversible chain", arguments: 1...3 as ClosedRange<UInt64>)
  func dpos(seed: UInt64) {
    var setup = ChainSetup(topology: mesh(9))
    setup.delay = .exponential(mean: 5e7)
    disturb(&setup, nodes: 9)
    let settings = DPoS.Settings(
      producers: 7, repetitions: 3, slot: .milliseconds(500), electionInterval: 120,
      absence: 1 << 40, ban: 100_000, clockSkew: .seconds(7))
    let votes = DPoS.Votes.drawn(
      shares: Array(repeating: 1.0 / 9, count: 9), approvals: 4, revote: 150, fraction: 0.7,
      seed: seed)
    let run = setup.makeRun(
      seed: seed, genesis: DPoS.genesis(),
      protocols: (0..<9).map { DPoS(settings: settings, votes: votes, candidate: $0) })
    let orphans = check(run) { node, _ in node.irreversible ?? .genesis }
    #expect(orphans > 0)
    #expect(run.chain.books.requestsRepeated > 0)
  }

  @Test("Clique keeps one settled chain")
  func clique() {
    let settings = Clique.Settings(
      period: .seconds(15), wiggle: .milliseconds(500), epoch: 30_000, confirmations: 1,
      ties: .coin, clockSkew: .zero)
    let signers = (0..<7).map { UInt16($0) }
    var orphans = 0
    for seed in 1...3 as ClosedRange<UInt64> {
      var setup = ChainSetup(topology: mesh(7))
      setup.delay = .exponential(mean: 1e8)
      disturb(&setup, nodes: 7)
      let run = setup.makeRun(
        seed: seed, genesis: Clique.genesis(),
        protocols: (0..<7).map { Clique(settings: settings, signers: signers, address: $0) })
      // More than the floor(S / 2) + 1 blocks in which each signer has its turn at most once.
      orphans += check(run) { deep($1, 7) }
      #expect(run.chain.books.requestsRepeated > 0)
    }
    #expect(orphans > 0)
  }

  @Test("Gasper keeps one finalized chain", arguments: 1...2 as ClosedRange<UInt64>)
  func gasper(seed: UInt64) throws {
    var stream = RandomStream(seed: seed, purpose: "links of a test")
    let topology = try Topology.randomRegular(16, degree: 5, using: &stream)
    var setup = GasperSetup(nodes: 16, validators: 512, topology: topology)
    setup.law = .lognormal(median: 60e6, sigma: 0.3)
    setup.chain.settings.blocks = .announce
    disturb(&setup.chain, nodes: 16)
    let run = setup.makeRun(seed: seed)
    let orphans = check(run, atLeast: 2) { node, _ in node.irreversible ?? .genesis }
    #expect(orphans > 0)
    #expect(run.chain.protocols.allSatisfy { $0.finalized.epoch >= 5 })
    #expect(run.outcome().violations.isEmpty)
  }
}
