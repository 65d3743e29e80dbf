import CAllocationCounter
import Kernel
import Ledger
import Machines
import Protocols
import Simulation
import Testing

@Suite("Raft in steady state") struct RaftAllocationTests {
  @Test("allocates nothing") func nothing() {
    let setup = CommitteeSetup.raft(16) {
      $0.machine = MachineSpec(processor: .init(cores: 4), uplink: 1e10, downlink: 1e10)
      $0.delay = .exponential(mean: 1e6)
      $0.clientHosts = 2
      $0.arrivals = .poisson(rate: 5000)
      $0.bundle = 10
      $0.reserving = 200_000
    }
    let run = setup.startRaft(
      raftSettings {
        $0.electionTimeout = .milliseconds(500)
        $0.costs.message = .microseconds(2)
        $0.mempool = Mempool(capacity: 1 << 20, eviction: .newest, populations: 2)
      })
    run.run(until: time(5))
    let decided = run.world.decisions[1]
    let before = allocationsOfThisThread()
    run.run(until: time(10))
    let after = allocationsOfThisThread()
    #expect(run.world.decisions[1] > decided + 100)
    #expect(after - before == 0)
  }
}
