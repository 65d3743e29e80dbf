import CAllocationCounter
import Kernel
import Machines
import Protocols
import Simulation
import Testing

@Suite("Tendermint in steady state")
struct TendermintAllocationTests {
  @Test("allocates nothing")
  func nothing() {
    #expect(Self.allocations(seed: 1) == 0)
  }

  /// Allocations in the last third of a run of 16 replicas with processors, links and snapshots.
  static func allocations(seed: UInt64) -> UInt64 {
    var run = TendermintRun()
    run.n = 16
    run.seed = seed
    run.settings.proposesEmpty = true
    // Timers that have not run out stay in the queue until they would have.
    run.settings.propose = .init(.milliseconds(100), delta: .zero)
    run.settings.costs.message = .microseconds(2)
    run.settings.costs.verify = .microseconds(5)
    run.settings.costs.sign = .microseconds(5)
    run.settings.snapshotInterval = 16
    run.settings.retained = 64
    run.machine = MachineSpec(processor: .init(cores: 4), uplink: 1e10, downlink: 1e10)
    run.delay = .exponential(mean: 1e6)
    run.clientHosts = 2
    run.arrivals = .poisson(rate: 5000)
    run.bundle = 10
    run.reserving = 1_000_000
    let simulation = run.start()
    simulation.run(until: SimTime(nanoseconds: 10_000_000_000))
    let decided = simulation.world.decisions[1]
    let before = allocationsOfThisThread()
    simulation.run(until: SimTime(nanoseconds: 15_000_000_000))
    let after = allocationsOfThisThread()
    #expect(simulation.world.decisions[1] > decided + 100)
    #expect(simulation.world.violations == [])
    return after - before
  }
}
