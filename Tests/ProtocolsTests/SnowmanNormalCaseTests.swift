import Consensus
import Kernel
import Ledger
import Machines
import Protocols
import Simulation
import Testing

@Suite("Snowman, one block after the other")
struct SnowmanNormalCaseTests {
  /// Blocks far apart on links of 1 ms; all decided by all.
  static func run(n: Int, concurrency: Int = 4) -> Simulation {
    var run = SnowmanRun()
    run.n = n
    run.settings.concurrency = concurrency
    run.arrivals = .closed(clients: 1, think: .constant(1))
    run.until = milliseconds(3500)
    let simulation = run.start()
    simulation.run(until: milliseconds(5000))
    return simulation
  }

  @Test(
    "queries and answers are k (beta + c - 1) a replica and decision, whatever n is",
    arguments: [25, 50, 100, 200], [1, 4])
  func messages(n: Int, concurrency: Int) {
    let run = Self.run(n: n, concurrency: concurrency)
    let decided = run.world.decisions[1]
    #expect(decided >= 3)
    #expect(run.world.violations.isEmpty)
    let questions = n * 20 * (20 + concurrency - 1) * decided
    #expect(run.sent(["push-query", "pull-query"], of: Snowman.self) == questions)
    #expect(run.sent(["chits"], of: Snowman.self) == questions)
    #expect(run.sent(["push-query"], of: Snowman.self) == 20 * decided)
    #expect(run.sent(["get"], of: Snowman.self) == (n - 1 - 20) * decided)
    #expect(run.sent(["put"], of: Snowman.self) == (n - 1 - 20) * decided)
    #expect(run.sent(["get-ancestors", "state", "transactions"], of: Snowman.self) == 0)
  }
}
