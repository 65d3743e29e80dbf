import CAllocationCounter
import Consensus
import Kernel
import Ledger
import Machines
import Networking
import Protocols
import Simulation
import Testing

@Suite("Gasper: scale")
struct GasperScaleTests {
  @Test("perf")
  func perf() throws {
    var stream = RandomStream(seed: 3, purpose: "links of a test")
    let topology = try Topology.randomRegular(1000, degree: 8, using: &stream)
    var setup = GasperSetup(nodes: 1000, validators: 100_000, topology: topology)
    setup.settings.shuffleRounds = 90
    setup.settings.rewards.largest = 2_048_000_000_000
    setup.delay = .milliseconds(100)
    let run = setup.makeRun()
    var events = 0
    for s in [8, 16, 24, 32, 40] {
      let clock = ContinuousClock()
      let before = allocationsOfThisThread()
      let t = clock.measure { events = run.simulation.run(until: slots(s)) }
      print(s, t, events, "allocs", allocationsOfThisThread() - before)
    }
    for (k, type) in run.chain.traffic.types.enumerated() {
      print(type, run.chain.traffic.counts[k], run.chain.traffic.duplicates[k])
    }
    print("height", run.chain.blocks[run.chain.protocols[0].head].height)
  }
}
