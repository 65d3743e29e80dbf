import Consensus
import Kernel
import Ledger
import Machines
import Protocols
import Simulation
import Statistics
import Testing

@Suite("Snowman's polls")
struct SnowmanTimingTests {
  @Test(
    "a block takes beta / c round trips, rounded up, and one to the client and back",
    arguments: [1, 2, 3, 4, 8])
  func latency(concurrency: Int) {
    var run = SnowmanRun()
    run.n = 21
    run.settings.concurrency = concurrency
    run.arrivals = .closed(clients: 1, think: .constant(1))
    let simulation = run.start()
    while simulation.submitted == 0 { simulation.step() }
    let submitted = simulation.world.now
    while simulation.final == 0 { simulation.step() }
    let rounds = Int64((20 + concurrency - 1) / concurrency)
    #expect(simulation.world.now - submitted == .milliseconds(2) * (rounds + 1))
    // The others hear of it one delay later than its maker.
    while simulation.world.decisions[1] == 0 { simulation.step() }
    #expect(simulation.world.now - submitted == .milliseconds(2) * (rounds + 1))
  }

  @Test(
    "a poll is an even sample: who holds f replicas holds it as often as theory says",
    arguments: [40, 55, 65, 75])
  func capture(f: Int) {
    let n = 100
    var settings = SnowmanRun.plainSettings
    settings.concurrency = 1
    var replica = Snowman(me: ReplicaID(99), committee: Committee(n: n), settings: settings)
    var effects = Effects<Snowman>(
      sizes: TransactionSizes(fixed: [100]),
      random: RandomStream(seed: 3, purpose: "test", entity: UInt64(f)))
    let now = LocalTime(nanoseconds: 1_000_000)
    replica.upon(
      requests: TxRange(population: 0, first: 0, count: 1), .fromClient, at: now, &effects)
    let polls = 20_000
    var captured = 0
    for _ in 0..<polls {
      var marked = 0
      var asked = Set<UInt32>()
      for case .send(let to, _) in effects.items {
        asked.insert(to.index)
        if Int(to.index) < f { marked += 1 }
      }
      #expect(asked.count == 20)
      if marked >= settings.alphaConfidence { captured += 1 }
      effects.items.removeAll(keepingCapacity: true)
      effects.timerChanges.removeAll(keepingCapacity: true)
      replica.upon(timeout: .poll(0), at: now, &effects)
    }
    let p = Tail.hypergeometric(atLeast: 15, draws: 20, marked: f, population: n - 1)
    let error = (p * (1 - p) / Double(polls)).squareRoot()
    #expect(abs(Double(captured) / Double(polls) - p) <= 4 * error, "\(captured) for \(p)")
  }
}
