import Consensus
import Kernel
import Protocols
import Simulation
import Testing

@Suite("PBFT, the normal case")
struct PBFTNormalCaseTests {
  @Test(
    "sends 2n(n-1) messages a decision, checkpoints, status and replies apart",
    arguments: [4, 5, 6, 7, 8, 10, 16, 31, 64, 128])
  func messageCount(n: Int) {
    var run = PBFTRun()
    run.n = n
    run.arrivals = .closed(clients: 1, think: .constant(0))
    run.settings.checkpointInterval = 4
    run.settings.window = 8
    run.until = SimTime(nanoseconds: 100_000_000)
    let simulation = run.start()
    simulation.run(until: .zero + .seconds(1))
    let decisions = simulation.world.decisions[1]
    #expect(decisions > 15)
    #expect(simulation.sent(["pre-prepare"]) == decisions * (n - 1))
    #expect(
      simulation.sent(["pre-prepare", "prepare", "commit"]) == decisions * 2 * n * (n - 1))
    #expect(simulation.sent(["checkpoint"]) == decisions / 4 * n * (n - 1))
    #expect(simulation.sent(["reply"]) == decisions * n)
    let rest = ["view-change", "new-view", "status", "fetch-batch", "batch", "decided", "state"]
    #expect(simulation.sent(rest + ["fetch-state", "forward"]) == 0)
    #expect(simulation.final == simulation.submitted)
    #expect(simulation.world.violations.isEmpty)
  }
}
