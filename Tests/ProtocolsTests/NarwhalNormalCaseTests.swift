import Consensus
import Kernel
import Protocols
import Simulation
import Testing

@Suite("Narwhal, the normal case")
struct NarwhalNormalCaseTests {
  @Test(
    "sends 3n(n-1) messages a round and 2(n-1) a batch, replies apart",
    arguments: [4, 5, 6, 7, 10, 16, 31])
  func messageCount(n: Int) {
    check(TuskRule.self, n)
    check(BullsharkRule.self, n)
  }

  private func check<Rule: OrderingRule>(_ rule: Rule.Type, _ n: Int) {
    var run = NarwhalRun<Rule>()
    run.validators = n
    run.clientHosts = 2
    run.until = ms(500)
    let simulation = run.start()
    // A round starts every 10 ms; at 1009 ms the certificates of round 100 are there.
    simulation.run(until: ms(1009))
    let chain = Narwhal<Rule>.self
    let primary = simulation.narwhal(rule).replicas[0]
    let rounds = Int(primary.proposed.number)
    #expect(rounds == 100)
    for kind in ["header", "vote", "certificate"] {
      #expect(simulation.sent([kind], of: chain) == rounds * n * (n - 1), "\(kind)")
    }
    let batches = simulation.world.decisions[1]
    #expect(batches > 50)
    #expect(simulation.sent(["batch"], of: chain) == batches * (n - 1))
    #expect(simulation.sent(["stored"], of: chain) == batches * (n - 1))
    #expect(simulation.sent(["reply"], of: chain) == batches * n)
    let rare = NarwhalMessage.kinds.dropFirst(7) + ["available", "executed", "forward"]
    #expect(simulation.sent(Array(rare), of: chain) == 0)
    #expect(simulation.final == simulation.submitted)
    #expect(simulation.submitted > 50)
    #expect(simulation.world.violations == [])
  }

  @Test(
    "with workers on machines of their own sends 4n - 2 messages a batch", arguments: [1, 2, 4])
  func ownMachines(workers: Int) {
    var run = NarwhalRun<TuskRule>()
    let n = 4
    run.settings.workers = workers
    run.settings.placement = .ownMachines
    run.clientHosts = n * workers
    run.until = ms(500)
    let simulation = run.start()
    simulation.run(until: ms(1009))
    let batches = simulation.world.decisions[1]
    #expect(batches > 50 * workers)
    #expect(simulation.sent(["batch"], of: Tusk.self) == batches * (n - 1))
    #expect(simulation.sent(["stored"], of: Tusk.self) == batches * (n - 1))
    #expect(simulation.sent(["available"], of: Tusk.self) == batches * n)
    #expect(simulation.sent(["executed"], of: Tusk.self) == batches * n)
    let rounds = Int(simulation.narwhal(TuskRule.self).replicas[0].proposed.number)
    #expect(
      simulation.sent(["header", "vote", "certificate"], of: Tusk.self)
        == rounds * 3 * n * (n - 1))
    #expect(simulation.final == simulation.submitted)
    #expect(simulation.world.violations == [])
  }
}
