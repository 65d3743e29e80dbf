import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

@Suite("Gasper: adversaries, partitions and planted bugs")
struct GasperAttackTests {
  @Test("a quarter of the stake stops finality by balancing two branches, unless there is a boost")
  func balancingAttack() {
    func finalized(boost: Int) -> (epoch: UInt32, height: UInt32, attacked: Int) {
      var setup = GasperSetup(nodes: 17, validators: 3_200)
      setup.settings.adversary = 0.25
      setup.settings.adversaryFrom = 2
      setup.settings.adversaryLead = .milliseconds(50)
      setup.settings.adversaryDelay = .milliseconds(200)
      setup.settings.boost = boost
      setup.delay = .milliseconds(200)
      let run = setup.makeRun()
      run.simulation.run(until: slots(32 * 12))
      #expect(run.simulation.world.violations.isEmpty)
      #expect(run.outcome().violations.isEmpty)
      let node = run.chain.protocols[5]
      return (
        node.finalized.epoch, run.chain.blocks[node.head].height,
        run.chain.protocols[0].attackedSlots
      )
    }
    let without = finalized(boost: 0)
    #expect(without.epoch == 0)
    #expect(without.attacked > 300)
    let with = finalized(boost: 40)
    #expect(with.epoch == 10, "as without an adversary")
    #expect(with.height > without.height + 100)
  }

  /// Two halves that do not hear of each other from the fourth epoch on until `end`.
  static func partitioned(_ weakness: Gasper.Weakness, until end: Int = 7) -> ChainRun<Gasper> {
    var setup = GasperSetup(nodes: 8, validators: 512)
    setup.settings.weakness = weakness
    setup.delay = .milliseconds(100)
    setup.chain.partitions = [
      Partition(from: slots(32 * 3 + 5), until: slots(32 * end), side: [0, 0, 0, 0, 1, 1, 1, 1])
    ]
    setup.chain.settings.requestTimeout = .seconds(5)
    setup.chain.settings.blocks = .announce
    return setup.makeRun(seed: 3)
  }

  @Test("in a partition nodes have different heads, none final; 4 epochs later there are again")
  func partition() {
    let run = Self.partitioned(.none)
    run.simulation.run(until: slots(32 * 7 - 1))
    let (a, b) = (run.chain.protocols[0], run.chain.protocols[7])
    #expect(a.head != b.head)
    #expect(run.chain.blocks.commonAncestor(a.head, b.head) != a.head)
    #expect(a.finalized.epoch <= 2 && b.finalized.epoch <= 2)
    // Epoch 7 is when it heals.
    run.simulation.run(until: slots(32 * 8) + .seconds(6))
    #expect(Set(run.chain.protocols.map(\.head)).count == 1)
    run.simulation.run(until: slots(32 * 11))
    #expect(run.chain.protocols.allSatisfy { $0.finalized.epoch >= 7 })
    #expect(run.simulation.world.violations.isEmpty)
    #expect(run.outcome().violations.isEmpty)
  }

  @Test("planted: where half of the stake justifies, both sides are final and nobody is to blame")
  func halfJustifies() {
    let run = Self.partitioned(.halfJustifies, until: 10)
    run.simulation.run(until: slots(32 * 10))
    #expect(run.simulation.world.violations.contains { $0.monitor == "agreement" })
    #expect(run.outcome().violations.contains { $0.monitor == "accountability" })
  }

  @Test("planted: the lighter of two branches is not what the rule gives, and never becomes final")
  func lightestBranch() {
    let run = Self.partitioned(.lightestBranch)
    run.simulation.run(until: slots(32 * 9 + 16))
    #expect(run.outcome().violations.contains { $0.monitor == "fork-choice" })
    run.simulation.run(until: slots(32 * 14))
    #expect(run.chain.protocols.allSatisfy { $0.finalized.epoch < 7 })
  }

  @Test("double voters and equivocating proposers are slashed; planted: they are not")
  func slashing() throws {
    for weakness in [Gasper.Weakness.none, .noSlashing] {
      var setup = GasperSetup(nodes: 8, validators: 512)
      setup.settings.weakness = weakness
      setup.settings.doubleVoters = .init(share: 0.1, from: 2, until: 3)
      setup.settings.equivocators = .init(share: 0.2, from: 3, until: 5)
      setup.delay = .milliseconds(100)
      let run = setup.makeRun()
      run.simulation.run(until: slots(32 * 7))
      let state = try #require(run.chain.content.state(of: run.chain.protocols[0].head))
      let slashed = state.slashed.indices.filter { state.slashed[$0] }
      #expect(run.simulation.world.violations.isEmpty)
      if weakness == .none {
        // 51 of 512 vote twice; a few propose twice.
        #expect(slashed.count > 51)
        #expect(slashed.allSatisfy { state.exit[$0] < BeaconState.never })
        let lost = slashed.reduce(0) { $0 + Int(state.balances[$1]) } / slashed.count
        #expect(lost < state.balances.reduce(0) { $0 + Int($1) } / 512)
        #expect(run.outcome().violations.isEmpty)
      } else {
        #expect(slashed.isEmpty)
        #expect(run.outcome().violations.map(\.monitor) == ["punishment"])
      }
    }
  }

  @Test("a block that comes after the deadline is built over, unless the rule is turned off")
  func lateProposers() {
    func run(reorgHead: Int) -> (stale: Int, reorgs: Int, finalized: UInt32) {
      var setup = GasperSetup(nodes: 8, validators: 512)
      setup.settings.late = .init(share: 0.2)
      setup.settings.lateBy = .seconds(6)
      setup.settings.reorgHead = reorgHead
      setup.delay = .milliseconds(100)
      let run = setup.makeRun()
      run.simulation.run(until: slots(32 * 8))
      #expect(run.outcome().violations.isEmpty)
      return (
        run.chain.books.made - Int(run.chain.summary().totals.blocks),
        run.chain.protocols.reduce(0) { $0 + $1.reorgsOfLateHeads },
        run.chain.protocols[0].finalized.epoch
      )
    }
    let (with, without) = (run(reorgHead: 20), run(reorgHead: 0))
    #expect(with.reorgs > 15)
    #expect(with.stale >= with.reorgs - 1)
    #expect(without.reorgs == 0)
    #expect(without.stale < 5)
    #expect(with.finalized == 6)
  }
}
