import Kernel
import Ledger
import Machines
import Metrics
import Simulation
import Statistics
import Testing
import Workloads

@Suite("clients of a chain")
struct ClientPopulationTests {
  @Test("a closed loop obeys Little's law: clients = throughput x (response time + think time)")
  func closedLoop() {
    let run = TinyWorld(nodes: 2).clients(.closed(clients: 50, think: .exponential(mean: 0.5)))
    let (end, response, think) = (2_000.0, 0.02, 0.5)
    let result = run.result(at: seconds(end))
    #expect(result["main.latency_p50"] == response && result["main.latency_max"] == response)
    let expected = 50 / (response + think)
    // Each client is a renewal process whose cycle has the variance of its think time.
    let cycle = response + think
    let error = (50 * end * think * think / (cycle * cycle * cycle)).squareRoot() / end
    #expect(abs((result["main.throughput"] ?? 0) - expected) < 4 * error)
    #expect(result["main.retried"] == 0 && result.violations == [])
    #expect(run.world.logs[0].count - run.world.logs[0].count(.final) <= 50)
  }

  @Test("without think time every client has one transaction under way, always")
  func noThinking() {
    let run = TinyWorld(nodes: 2).clients(.closed(clients: 7, think: .constant(0)), bundle: 3)
    let result = run.result(at: seconds(10.01))
    #expect(result["main.submitted"] == 3_507.0)
    #expect(result["main.pending"] == 7)
  }

  @Test("arrivals of an open loop are Poisson, whatever the bundles they travel in")
  func openLoop() {
    let runs = [1, 8].map { bundle in
      let run = TinyWorld(nodes: 2).clients(.poisson(rate: 1_000), bundle: bundle)
      run.run(until: seconds(20))
      return run.world.logs[0].submitted
    }
    let n = min(runs[0].count, runs[1].count)
    #expect(n > 19_000 && runs[0].prefix(n) == runs[1].prefix(n))
    let gaps = zip(runs[0], runs[0].dropFirst()).map { ($1 - $0).seconds }
    let fit = TestOfFit.kolmogorovSmirnov(gaps) { Cumulative.exponential($0, mean: 1e-3) }
    #expect(fit.pValue > 1e-3)
  }

  @Test("latency counts from each transaction's own arrival, not from its bundle's departure")
  func bundles() {
    let run = TinyWorld(nodes: 2).clients(.poisson(rate: 100), bundle: 4)
    run.run(until: seconds(10))
    let log = run.world.logs[0]
    for number in 0..<log.count(.final) {
      let departure = log.submitted[number / 4 * 4 + 3]
      #expect(log.time(.final, of: number) == departure + SimDuration.milliseconds(20))
    }
  }

  @Test("a transaction is final with the reply that completes the quorum", arguments: 1...4)
  func quorum(size: Int) {
    // Node 4 hosts the client; node i is 10 (i + 1) ms from it and i ms from the leader.
    let world = TinyWorld(
      replicas: 4, nodes: 5,
      delay: { a, b in
        a == 4 || b == 4 ? Double(min(a, b) + 1) * 10 : Double(abs(a - b))
      })
    let run = world.clients(.closed(clients: 1, think: .constant(100)), replyQuorum: size)
    run.run(until: seconds(50))
    let expected = [20, 31, 42, 53][size - 1]
    #expect(
      run.world.logs[0].time(.final, of: 0) == SimTime.zero
        + SimDuration.milliseconds(Int64(expected)))
  }

  @Test("a host that gets no reply asks all replicas, after a wait that doubles")
  func retries() {
    var world = TinyWorld(replicas: 4, nodes: 5)
    world.deafness = .init(below: 1, until: LocalTime(nanoseconds: 2_500_000_000))
    let run = world.clients(
      .closed(clients: 1, think: .constant(100)), replyQuorum: 2, timeout: .seconds(1))
    let result = run.result(at: seconds(50))
    // Sent at 0, again at 1 and at 3 s; two hops to the leader's reply, three to a backup's.
    #expect(run.world.logs[0].time(.final, of: 0) == seconds(3.03))
    #expect(result["main.retried"] == 2)
    let retransmissions = result.messages.first { $0.type == "retransmission" }
    #expect(retransmissions?.count == 8)
    #expect(result["main.pending"] == 0 && result.violations == [])
  }

  @Test("an old request is retried on time, though newer ones come and are answered")
  func oldRequest() {
    var world = TinyWorld(nodes: 2)
    world.deafness = .init(below: 1, until: LocalTime(nanoseconds: 10_500_000_000))
    let run = world.clients(.closed(clients: 2, think: .constant(0.3)), timeout: .seconds(1))
    let result = run.result(at: seconds(20))
    let log = run.world.logs[0]
    // Sent at 0, 1, 3, 7 and 15 s.
    #expect(log.time(.final, of: 0) == seconds(15.02))
    #expect(result["main.retried"] == 4)
    for number in 1..<log.count(.final) {
      #expect(log.time(.final, of: number) == log.submitted[number] + SimDuration.milliseconds(20))
    }
    #expect(log.count(.final) > 60)
  }

  @Test("a newer request that is not answered does not wait behind the retry of an older one")
  func newRequest() {
    var world = TinyWorld(nodes: 2)
    // Transactions 0, 1, 2 of three clients are overlooked; 0 is retried first.
    world.deafness = .init(below: 40, until: LocalTime(nanoseconds: 2_000_000_000))
    let run = world.clients(
      .poisson(rate: 20), timeout: .seconds(1), until: seconds(4))
    let result = run.result(at: seconds(30))
    let log = run.world.logs[0]
    #expect(result["main.pending"] == 0)
    for number in 0..<log.count {
      // After tries at a, a + 1, a + 3 the first one past 2 s succeeds.
      let submitted = log.submitted[number].seconds
      let success = number >= 40 || submitted > 1.99 ? 0.0 : submitted > 0.99 ? 1 : 3
      let final = log.submitted[number] + SimDuration(seconds: success + 0.02)
      #expect(log.time(.final, of: number) == final, "\(number) at \(submitted)")
    }
  }

  @Test("what is never answered is pending; given up, it is lost")
  func pending() {
    var world = TinyWorld(nodes: 2)
    world.deafness = .init(below: .max, until: LocalTime(nanoseconds: .max))
    let patient = world.clients(.poisson(rate: 10), timeout: .seconds(1)).result(at: seconds(30))
    #expect((patient["main.submitted"] ?? 0) > 200)
    #expect(patient["main.pending"] == patient["main.submitted"])
    #expect(patient["main.lost"] == 0 && (patient["main.retried"] ?? 0) > 800)
    #expect(patient.warnings.contains { $0.contains("became final") })
    let hasty = world.clients(
      .poisson(rate: 10), timeout: .seconds(1), until: seconds(10), attempts: 2
    ).result(at: seconds(30))
    #expect(hasty["main.lost"] == hasty["main.submitted"])
    #expect(hasty["main.retried"] == hasty["main.submitted"])
  }

  @Test("a host that was down goes on: its clients resume, what it had sent is asked after")
  func restart() {
    for arrivals in [Arrivals.poisson(rate: 50), .closed(clients: 5, think: .constant(0.1))] {
      var world = TinyWorld(nodes: 2)
      world.faults = [
        Fault(at: seconds(5), .crash(.node(NodeID(1)), downTime: .seconds(5), keepsDisk: true))
      ]
      let run = world.clients(arrivals, timeout: .seconds(1), until: seconds(15))
      let result = run.result(at: seconds(30))
      #expect(result["main.pending"] == 0)
      let submitted = run.world.logs[0].submitted
      #expect(!submitted.contains { $0 > seconds(5) && $0 < seconds(10) })
      #expect(submitted.count { $0 >= seconds(10) } > 150)
    }
  }

  @Test("a busy downlink delays the reply")
  func downlink() {
    // A reply of 50 bytes takes 0.4 s at 1 kbit/s.
    let world = TinyWorld(
      nodes: 2, spec: { $0 == 1 ? MachineSpec(downlink: 1_000) : .ideal })
    let run = world.clients(.closed(clients: 2, think: .constant(100)))
    run.run(until: seconds(50))
    let log = run.world.logs[0]
    #expect(log.time(.final, of: 0) == seconds(0.42) && log.time(.final, of: 1) == seconds(0.82))
  }

  @Test("a copy of a run with retries goes on to the same digests")
  func copies() {
    var world = TinyWorld(replicas: 4, nodes: 5)
    world.deafness = .init(below: 100, until: LocalTime(nanoseconds: 3_000_000_000))
    let run = world.clients(.poisson(rate: 50), replyQuorum: 3, timeout: .seconds(1))
    run.run(until: seconds(2))
    let copy = run.copy()
    let (a, b) = (run.result(at: seconds(10)), copy.result(at: seconds(10)))
    #expect(a == b && a.digests.allSatisfy { $0.steps > 0 })
  }
}
