import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

@Suite("Gasper: adversaries and partitions")
struct GasperAttackTests {
  static func balancing(boost: Int, share: Double = 0.25) -> ChainRun<Gasper> {
    var setup = GasperSetup(nodes: 17, validators: 3_200)
    setup.settings.adversary = share
    setup.settings.adversaryFrom = 2
    setup.settings.adversaryLead = .milliseconds(50)
    setup.settings.adversaryDelay = .milliseconds(200)
    setup.settings.boost = boost
    setup.delay = .milliseconds(200)
    return setup.makeRun()
  }

  @Test("a quarter of the stake stops finality by balancing branches without boost, not with 40 %")
  func balancingAttack() {
    for boost in [0, 40] {
      let run = Self.balancing(boost: boost)
      for e in [4, 6, 8, 10, 12] {
        run.simulation.run(until: slots(32 * e))
        let node = run.chain.protocols[5]
        print(boost, e, "finalized", node.finalized.epoch, "justified", node.justified.epoch,
          "attacked", run.chain.protocols[0].attackedSlots, "made", run.chain.books.made,
          "height", run.chain.blocks[node.head].height)
      }
      print(run.simulation.world.violations.prefix(3))
    }
  }

  static func partitioned(_ weakness: Gasper.Weakness, side: [UInt8], epochs: Int, until: Int) -> ChainRun<Gasper> {
    var setup = GasperSetup(nodes: 8, validators: 512)
    setup.settings.weakness = weakness
    setup.delay = .milliseconds(100)
    setup.chain.partitions = [
      Partition(from: slots(32 * 3 + 5), until: slots(32 * (3 + epochs)), side: side)
    ]
    setup.chain.settings.requestTimeout = .seconds(5)
    setup.chain.settings.blocks = .announce
    let run = setup.makeRun(seed: 3)
    run.simulation.run(until: slots(32 * until))
    return run
  }

  @Test("partition")
  func partition() {
    for weakness in Gasper.Weakness.allCases {
      let run = Self.partitioned(weakness, side: [0, 0, 0, 0, 1, 1, 1, 1], epochs: 4, until: 14)
      print(weakness, run.chain.protocols.map { $0.finalized.epoch }, run.outcome().violations.map { "\($0.monitor) \($0.detail)" }, run.simulation.world.violations.prefix(2).map { "\($0.monitor) \($0.detail)"})
    }
  }

  @Test("double voters")
  func doubleVoters() {
    for weakness in [Gasper.Weakness.none, .noSlashing] {
      var setup = GasperSetup(nodes: 8, validators: 512)
      setup.settings.weakness = weakness
      setup.settings.doubleVoters = .init(share: 0.1, from: 2, until: 3)
      setup.settings.equivocators = .init(share: 0.2, from: 3, until: 5)
      setup.delay = .milliseconds(100)
      let run = setup.makeRun()
      run.simulation.run(until: slots(32 * 7))
      let state = run.chain.content.state(of: run.chain.protocols[0].head)
      print(weakness, run.chain.protocols.map { $0.finalized.epoch }, run.outcome().violations.map { "\($0.monitor) \($0.detail)" }, "slashed", state?.slashed.filter { $0 }.count ?? -1, run.simulation.world.violations.count)
    }
  }
}
