import Consensus
import Kernel
import Ledger
import Machines
import Networking
import Protocols
import Simulation
import Statistics
import Testing

/// Parameters of Cardano's main network (cardano-node, mainnet-shelley-genesis.json), with free
/// cryptography.
func mainnet(
  confirmations: Int = 1, k: Int = 2160, f: Double = 0.05, epoch: UInt64 = 432_000,
  ties: Praos.TieRule = .lowestOutput
) -> Praos.Settings {
  Praos.Settings(
    f: f, slot: .seconds(1), epoch: epoch, nonceSlots: epoch * 2 / 3, k: k,
    confirmations: confirmations, ties: ties, clockSkew: .zero, prove: .zero, checkProof: .zero,
    sign: .zero, checkSignature: .zero)
}

func stakeholders(_ stakes: [Double], _ settings: Praos.Settings, seed: UInt64) -> [Praos] {
  stakes.enumerated().map {
    Praos(settings: settings, stake: Stake($1), stakeholder: $0, seed: seed)
  }
}

@Suite("Praos")
struct PraosTests {
  @Test("a stakeholder leads phi(a) = 1 - (1 - f)^a of the slots, whatever its stake")
  func leadership() {
    let stakes = [0.5, 0.3, 0.15, 0.05]
    let f = 0.2
    // Far apart, so that nobody's blocks reach another: each leads its own chain.
    var setup = ChainSetup(topology: mesh(4), blocks: .direct)
    setup.delay = .constant(1e18)
    let slots = 200_000
    let run = setup.makeRun(
      seed: 5, genesis: Praos.genesis(seed: 5),
      protocols: stakeholders(stakes, mainnet(f: f, epoch: 10_000), seed: 5))
    run.simulation.run(until: SimTime(nanoseconds: Int64(slots) * 1_000_000_000 - 1))
    for (i, stake) in stakes.enumerated() {
      let led = Double(run.chain.blocks[run.chain.protocols[i].head].height)
      // (1 - f)^a by its binomial series.
      var term = 1.0
      var power = 1.0
      for j in 0..<200 {
        term *= (stake - Double(j)) / Double(j + 1) * -f
        power += term
      }
      let phi = 1 - power
      let error = (phi * (1 - phi) / Double(slots)).squareRoot()
      #expect(abs(led / Double(slots) - phi) < 4 * error, "stake \(stake)")
    }
  }

  @Test("slots with several leaders fork, and lose what the closed form says")
  func multiLeader() {
    let n = 200
    let f = 0.3
    var setup = ChainSetup(topology: mesh(n), blocks: .direct)
    setup.delay = .constant(1e6)
    let slots = 20_000
    let run = setup.makeRun(
      seed: 9, genesis: Praos.genesis(seed: 9),
      protocols: stakeholders(
        Array(repeating: 1 / Double(n), count: n), mainnet(f: f), seed: 9))
    run.simulation.run(until: SimTime(nanoseconds: Int64(slots) * 1_000_000_000 - 1))
    let totals = run.chain.summary().totals
    // The chain grows by one block in each slot that has a leader: all are known by the next.
    let growth = Double(totals.blocks) / Double(slots)
    #expect(abs(growth - f) < 4 * (f * (1 - f) / Double(slots)).squareRoot())
    // Leaders of a slot are Poisson-like with mean -log(1 - f): all but one of them are lost.
    let mean = 0.35667494393873245
    let lost = (mean - f) * Double(slots)
    #expect(abs(Double(totals.stale) - lost) < 4 * (mean * Double(slots)).squareRoot())
    #expect(run.simulation.world.violations.isEmpty)
  }

  @Test("a delay of several slots slows the chain as f / (1 + f delay)")
  func growth() {
    let n = 400
    var setup = ChainSetup(topology: mesh(n), blocks: .direct)
    // Blocks of slot s are known in slot s + 6.
    setup.delay = .constant(5.5e9)
    let slots = 60_000
    let run = setup.makeRun(
      seed: 2, genesis: Praos.genesis(seed: 2),
      protocols: stakeholders(
        Array(repeating: 1 / Double(n), count: n), mainnet(ties: .firstSeen), seed: 2))
    run.simulation.run(until: SimTime(nanoseconds: Int64(slots) * 1_000_000_000 - 1))
    let growth = Double(run.chain.summary().totals.blocks) / Double(slots)
    // A height lasts until its first block is known, 5 idle slots, and then until the next leader.
    let expected = 1 / (1 / 0.05 + 5)
    #expect(abs(growth - expected) < 4 * (expected / Double(slots)).squareRoot())
  }

  @Test(
    "with mainnet parameters and ideal links, inclusion takes U(0, 1 s) + Geometric(0.05) slots")
  func inclusionDelay() {
    let n = 10
    var setup = ChainSetup(topology: mesh(n), blocks: .announce)
    // So seldom that hardly two wait for the same block.
    setup.clients = .init(rate: 1 / 4_000, hosts: 1)
    let run = setup.makeRun(
      seed: 21, genesis: Praos.genesis(seed: 21),
      protocols: stakeholders(Array(repeating: 0.1, count: n), mainnet(), seed: 21))
    run.simulation.run(until: SimTime(nanoseconds: 8_000_000_000_000_000))
    let log = run.simulation.world.logs[0]
    let delays = (0..<log.count).compactMap { i -> Double? in
      let included = log.time(.included, of: i)
      return included < .never ? (included - log.submitted[i]).seconds : nil
    }
    #expect(delays.count > 1_800)
    // The first k slot boundaries bring nothing with probability 0.95^k.
    let test = TestOfFit.kolmogorovSmirnov(delays) { x in
      let whole = x.rounded(.down)
      var below = 1.0
      for _ in 0..<Int(whole) { below *= 0.95 }
      return 1 - below * (1 - (x - whole) * 0.05)
    }
    let sorted = delays.sorted()
    let quantiles = [0.5, 0.9, 0.95, 0.99].map { sorted[Int($0 * Double(sorted.count))] }
    print("inclusion p50, p90, p95, p99 \(quantiles), n = \(delays.count), p = \(test.pValue)")
    #expect(test.pValue > 0.01)
    #expect(run.simulation.world.violations.isEmpty)
  }

  @Test("a chain that forks more than k blocks back is refused, one that forks k back is not")
  func rollback() {
    // Two sides, cut for a while; the larger side's chain is longer.
    func run(k: Int) -> ChainRun<Praos> {
      var setup = ChainSetup(topology: mesh(6), blocks: .announce)
      setup.delay = .constant(1e6)
      setup.partitions = [
        Partition(
          from: .zero, until: SimTime(nanoseconds: 2_000_000_000_000), side: [0, 0, 1, 1, 1, 1])
      ]
      let run = setup.makeRun(
        seed: 4, genesis: Praos.genesis(seed: 4),
        protocols: stakeholders(
          [0.15, 0.15, 0.175, 0.175, 0.175, 0.175], mainnet(k: k), seed: 4))
      run.simulation.run(until: SimTime(nanoseconds: 4_000_000_000_000))
      return run
    }
    let deep = run(k: 5)
    #expect(deep.chain.protocols[0].refused > 0)
    #expect(deep.chain.protocols[0].head != deep.chain.protocols[5].head)
    let healed = run(k: 2160)
    #expect(healed.chain.protocols[0].refused == 0)
    #expect(healed.chain.protocols[0].head == healed.chain.protocols[5].head)
    #expect(healed.chain.books.reorganisations[10...].reduce(0, +) >= 2)
    #expect(healed.simulation.world.violations.isEmpty)
  }

  @Test("the epoch nonce follows from the first part of the epoch before, and from nothing else")
  func nonce() {
    func run(seed: UInt64) -> ChainRun<Praos> {
      var setup = ChainSetup(topology: mesh(3), blocks: .direct)
      setup.settings.retained = 1_000
      let run = setup.makeRun(
        seed: seed, genesis: Praos.genesis(seed: 1),
        protocols: stakeholders([0.4, 0.3, 0.3], mainnet(epoch: 900), seed: seed))
      run.simulation.run(until: SimTime(nanoseconds: 3_000_000_000_000))
      return run
    }
    func nonces(_ run: ChainRun<Praos>) -> [UInt64] {
      var list: [UInt64] = []
      var walk = run.chain.protocols[0].head
      while walk.index > UInt32(run.chain.blocks.startIndex) {
        let block = run.chain.blocks[walk]
        if list.last != block.nonce { list.append(block.nonce) }
        walk = block.parent
      }
      return list
    }
    let (a, again, other) = (run(seed: 8), run(seed: 8), run(seed: 9))
    #expect(nonces(a).count == 4, "one for each epoch")
    #expect(nonces(a) == nonces(again))
    #expect(nonces(a).first != nonces(other).first)
    #expect(a.simulation.digests == again.simulation.digests)
  }

  @Test("stake counts in the lottery two epochs after it was moved")
  func snapshot() {
    let stake = Stake(0, changes: [.init(epoch: 1, share: 1)])
    let settings = mainnet(epoch: 1_000)
    let setup = ChainSetup(topology: mesh(1), blocks: .direct)
    let run = setup.makeRun(
      seed: 3, genesis: Praos.genesis(seed: 3),
      protocols: [Praos(settings: settings, stake: stake, stakeholder: 0, seed: 3)])
    run.simulation.run(until: SimTime(nanoseconds: 2_999_000_000_000))
    #expect(run.chain.protocols[0].head == .genesis)
    run.simulation.run(until: SimTime(nanoseconds: 3_999_000_000_000))
    #expect(run.chain.protocols[0].head != .genesis)
  }
}
