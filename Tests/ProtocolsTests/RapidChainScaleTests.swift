import Kernel
import Protocols
import Simulation
import Testing

@Suite("RapidChain's committee at the published size")
struct RapidChainScaleTests {
  @Test("250 members with 16 neighbours each: every message is counted")
  func size() {
    var run = RapidChainRun(n: 250)
    run.settings.gossip = .init(chunks: 128, parity: 43, degree: 16)
    run.arrivals = .poisson(rate: 200)
    run.until = ms(200)
    let simulation = run.start()
    simulation.run(until: ms(400))
    let blocks = Int(simulation.world.decisions[1])
    #expect(blocks >= 3)
    #expect(simulation.world.violations == [])
    #expect(simulation.final == simulation.submitted)
    #expect(simulation.sentRC(["piece"]) == blocks * (16 + 16 * 15 * 248))
    #expect(simulation.sentRC(["propose", "echo", "accept"]) == blocks * 2 * 250 * 249)
  }
}
