import Kernel
import Machines
import Probing
import Scenarios
import Testing

@Suite("The knee")
struct KneeTests {
  static let service = 1_000_000.0
  static let jobs = 60_000

  /// A queue with one server that serves a thousand jobs a second, open to all that comes.
  static func queue(_ load: Double, isRandom: Bool, replication: Int) -> LoadSample {
    var machines = Machines([MachineSpec(processor: .init(cores: 1), uplink: 8e9, downlink: 8e9)])
    var arrivals = RandomStream(seed: 1, purpose: "arrivals", entity: UInt64(replication))
    var works = RandomStream(seed: 1, purpose: "work", entity: UInt64(replication))
    let node = NodeID(0)
    var now = SimTime.zero
    var ends: [(submitted: SimTime, done: SimTime)] = []
    for _ in 0..<jobs {
      now += .nanoseconds(Int64(1e9 / load * arrivals.exponential()))
      let work = isRandom ? Int64(service * works.exponential()) : Int64(service)
      ends.append((now, machines.send(Int(work), from: node, ready: now)))
    }
    let middle = SimTime(nanoseconds: now.nanoseconds / 2)
    let seconds = (now - middle).seconds
    let served = ends.filter { $0.done > middle && $0.done <= now }
    let latency = served.reduce(0) { $0 + ($1.done - $1.submitted).seconds }
    return LoadSample(
      offered: Double(ends.count { $0.submitted > middle }) / seconds,
      served: Double(served.count) / seconds, latency: latency / Double(max(served.count, 1)))
  }

  static func find(_ search: KneeSearch, isRandom: Bool, replications: Int) -> KneeEstimate {
    KneeEstimate(
      inParallel(replications) { replication in
        search.find { queue($0, isRandom: isRandom, replication: replication) }
      }, precision: search.precision)
  }

  @Test("M/M/1 and M/D/1 are stable up to the rate of service, to 5 %", arguments: [true, false])
  func stability(isRandom: Bool) {
    let search = KneeSearch(lowest: 50, highest: 100_000)
    let knee = Self.find(search, isRandom: isRandom, replications: 10)
    print("knee, service random \(isRandom): \(knee.load), \(knee.low) to \(knee.high)")
    #expect(abs(knee.load / 1000 - 1) < 0.05)
    #expect(knee.low < 1000 && 1000 < knee.high || abs(knee.load / 1000 - 1) < 0.02)
    #expect(knee.limit == .backlog)
  }

  /// M/M/1: W = 1 / (1 - rho). M/D/1: W = 1 + rho / (2 (1 - rho)). At the lowest load, 1 / 20 of
  /// the service rate, both are little above one.
  @Test("latency of five times its least is at the load of Pollaczek and Khinchine, to 5 %")
  func latency() {
    let search = KneeSearch(lowest: 50, highest: 100_000, latencyFactor: 5)
    let least = (random: 1 / 0.95, fixed: 1 + 0.05 / 1.9)
    let exponential = 1 - 1 / (5 * least.random)
    let excess = 2 * (5 * least.fixed - 1)
    let fixed = excess / (1 + excess)
    for (isRandom, load) in [(true, exponential), (false, fixed)] {
      let knee = Self.find(search, isRandom: isRandom, replications: 10)
      print("knee by latency, service random \(isRandom): \(knee.load), theory \(1000 * load)")
      #expect(abs(knee.load / (1000 * load) - 1) < 0.05)
      #expect(knee.limit == .latency)
    }
  }

  /// As `PBFTTimingTests` has it: the primary sends each request to n - 1 backups and a reply.
  @Test("PBFT's is what the primary's network card allows, to 5 %", arguments: [4, 16])
  func networkCard(n: Int) throws {
    let text = """
      tributary: 1
      name: knee
      seed: 1
      replications: 2
      until: 4 s
      measure: transient
      network: { delay: 100 us, nodes: \(n), uplink: 80 Mbit/s, downlink: 80 Mbit/s }
      machines: { cpu: ideal, costs: free }
      chains:
        - name: main
          consensus:
            pbft:
              batch-timeout: 20 ms
              pipeline: 16
              view-timeout: 3600 s
              status-interval: 3600 s
          replies: { header: 0 B, result: 1024 B }
          mempool: { capacity: 1000000 }
      workload:
        arrivals: { poisson: 1 /s }
        transactions: { size: 1024 B }
        clients: { hosts: 4, bundle: 10, header: 0 B, timeout: 3600 s }
      prices: none
      """
    let system = try ScenarioLoad(
      try ScenarioDocument(text: text, file: "knee"), path: "workload.arrivals.poisson",
      overrides: [], folder: ".")
    let bound = 1e7 / (1024 * Double(n))
    let search = KneeSearch(lowest: bound / 8, highest: bound * 8)
    let found = (0..<2).map { replication in
      search.find { load in
        (try? system.sample(load, replication: replication))
          ?? LoadSample(offered: 1, served: 0, latency: nil)
      }
    }
    let knee = KneeEstimate(found, precision: search.precision)
    print("PBFT n = \(n): knee \(knee.load), bound \(bound)")
    #expect(abs(knee.load / bound - 1) < 0.05)
    #expect(knee.limit == .backlog)
  }

  @Test("a system that bears everything, or nothing, is said to")
  func limits() {
    let search = KneeSearch(lowest: 1, highest: 100)
    let all = search.find { LoadSample(offered: $0, served: $0, latency: 1) }
    #expect(all.limit == .none && all.load == 100)
    let none = search.find { LoadSample(offered: $0, served: $0 / 2, latency: 1) }
    #expect(none.limit == .everything)
  }
}
