import Kernel
import Machines
import Networking
import Protocols
import Simulation
import Testing

@Suite("Praos: the long range attack")
struct PraosLongRangeTests {
  struct Result {
    var refused: Int
    /// Heights of the chains of the attacker, of the others, and of the node that came up anew.
    var attacker: UInt32
    var others: UInt32
    var victimFollowsAttacker: Bool
    var violations: Int
  }

  /// Four nodes with 15 % of the stake each, and keys that held 80 % of it 3,800 slots ago. One of
  /// the four loses its disk after the chain of those keys was shown, and asks its owner first.
  static func run(losesDisk: Bool, checkpoints: Bool) -> Result {
    var settings = mainnet(k: 30, epoch: 500, ties: .firstSeen)
    settings.checkpoints = checkpoints
    var edges = [(3, 4)]
    for a in 0..<5 { for b in a + 1..<5 where (a, b) != (3, 4) { edges.append((a, b)) } }
    var setup = ChainSetup(topology: Topology(nodes: 5, edges: edges), blocks: .announce)
    setup.delay = .constant(1e7)
    // The node that comes up is given genesis, not what the others have settled.
    setup.settings.retained = 100_000
    setup.settings.syncPeers = 1
    if losesDisk {
      setup.faults = [
        Fault(
          at: SimTime(nanoseconds: 4_100_500_000_000),
          .crash(.node(NodeID(3)), downTime: .seconds(5), keepsDisk: false))
      ]
    }
    let run = setup.makeRun(
      seed: 21, genesis: Praos.genesis(seed: 21),
      protocols: (0..<5).map {
        $0 == 4
          ? Praos(
            settings: settings, stake: Stake(0.8), stakeholder: 4, seed: 21,
            attack: LongRange(fork: 200, start: 4_000))
          : Praos(settings: settings, stake: Stake(0.15), stakeholder: $0, seed: 21)
      })
    run.simulation.run(until: SimTime(nanoseconds: 4_400_000_000_000))
    let (blocks, nodes) = (run.chain.blocks, run.chain.protocols)
    #expect(nodes[0].head == nodes[1].head && nodes[1].head == nodes[2].head)
    return Result(
      refused: nodes[0].refused, attacker: blocks[nodes[4].head].height,
      others: blocks[nodes[0].head].height,
      victimFollowsAttacker: blocks.isAncestor(
        nodes[4].attack?.blocks.first ?? .none, of: nodes[3].head),
      violations: run.simulation.world.violations.count)
  }

  @Test("nodes that stay refuse a longer chain that forks more than k back")
  func refused() {
    let result = Self.run(losesDisk: false, checkpoints: false)
    #expect(result.attacker > result.others + 10)
    #expect(result.refused > 0)
    #expect(!result.victimFollowsAttacker)
    #expect(result.violations == 0)
    // phi(0.8) = 1 - 0.95^0.8 = 0.04021 of 3,801 slots, beside 200 slots of 0.0303; errors 12.1,
    // 2.4.
    let mean = 0.04021 * 3801 + 0.0303 * 200
    #expect(abs(Double(result.attacker) - mean) < 49)
  }

  @Test("a node without its disk takes the longer chain of whoever it asks")
  func bootstrapped() {
    let result = Self.run(losesDisk: true, checkpoints: false)
    #expect(result.victimFollowsAttacker)
    #expect(result.attacker > result.others)
  }

  @Test("a checkpoint saves it")
  func checkpoint() {
    let result = Self.run(losesDisk: true, checkpoints: true)
    #expect(!result.victimFollowsAttacker)
    #expect(result.attacker > result.others)
    #expect(result.violations == 0)
  }
}
