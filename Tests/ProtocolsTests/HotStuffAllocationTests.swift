import CAllocationCounter
import Kernel
import Machines
import Protocols
import Simulation
import Testing

@Suite("HotStuff and Jolteon in steady state")
struct HotStuffAllocationTests {
  @Test("allocate nothing", arguments: HotStuffSettings.Dissemination.allCases)
  func nothing(dissemination: HotStuffSettings.Dissemination) {
    #expect(Self.allocations(ThreeChain.self, dissemination) == 0)
    #expect(Self.allocations(TwoChain.self, dissemination) == 0)
  }

  /// Allocations in the second half of a run of 16 replicas with processors, links and snapshots.
  static func allocations<Rule: ChainRule>(
    _ rule: Rule.Type, _ dissemination: HotStuffSettings.Dissemination
  ) -> UInt64 {
    var run = HotStuffRun<Rule>()
    run.n = 16
    run.settings.leaderViews = Rule.chains == 2 ? 1 : HotStuffSettings.stableViews
    run.settings.dissemination = dissemination
    if dissemination != .none { run.settings.batchTimeout = .milliseconds(5) }
    run.settings.idleInterval = Rule.chains == 2 ? .zero : .milliseconds(10)
    run.settings.viewTimeout = .milliseconds(500)
    run.settings.costs.message = .microseconds(2)
    run.settings.costs.verify = .microseconds(5)
    run.settings.costs.sign = .microseconds(5)
    run.machine = MachineSpec(processor: .init(cores: 4), uplink: 1e10, downlink: 1e10)
    run.delay = .exponential(mean: 1e6)
    run.clientHosts = 2
    run.arrivals = .poisson(rate: 5000)
    run.bundle = 10
    run.settings.checkpointInterval = 16
    run.settings.window = 32
    run.reserving = 200_000
    let simulation = run.start()
    simulation.run(until: ms(15_000))
    let decided = simulation.world.decisions[1]
    let before = allocationsOfThisThread()
    simulation.run(until: ms(25_000))
    let after = allocationsOfThisThread()
    #expect(simulation.world.decisions[1] > decided + 100)
    return after - before
  }

  @Test("is watched by a counter that sees an array grow")
  func counter() {
    let before = allocationsOfThisThread()
    var array: [Int] = []
    for i in 0..<Int(100 + before % 2) { array.append(i) }
    #expect(allocationsOfThisThread() > before)
    #expect(array.count >= 100)
  }
}
