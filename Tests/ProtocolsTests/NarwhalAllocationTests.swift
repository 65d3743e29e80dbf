import CAllocationCounter
import Kernel
import Machines
import Protocols
import Simulation
import Testing

@Suite("Narwhal in steady state")
struct NarwhalAllocationTests {
  @Test("allocates nothing")
  func nothing() {
    #expect(allocations(TuskRule.self) == 0)
    #expect(allocations(BullsharkRule.self) == 0)
  }

  /// Allocations late in a run, when the batches that are kept have reached their number, of 16
  /// validators with processors, links, collection of rounds and checkpoints.
  private func allocations<Rule: OrderingRule>(_ rule: Rule.Type) -> UInt64 {
    var run = NarwhalRun<Rule>()
    run.validators = 16
    run.settings.gcDepth = 20
    run.settings.batchDelay = .milliseconds(20)
    run.settings.costs.message = .microseconds(2)
    run.settings.costs.verify = .microseconds(5)
    run.settings.costs.sign = .microseconds(5)
    run.machine = MachineSpec(processor: .init(cores: 4), uplink: 1e10, downlink: 1e10)
    run.delay = .normal(mean: 1e6, deviation: 1e5, min: 5e5)
    run.clientHosts = 16
    run.arrivals = .poisson(rate: 500)
    run.bundle = 10
    run.reserving = 200_000
    let simulation = run.start()
    simulation.run(until: ms(26_000))
    let decided = simulation.world.decisions[1]
    let before = allocationsOfThisThread()
    simulation.run(until: ms(30_000))
    let after = allocationsOfThisThread()
    #expect(simulation.world.decisions[1] > decided + 1000)
    return after - before
  }
}
