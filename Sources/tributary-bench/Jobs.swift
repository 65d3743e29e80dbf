import Glibc
import Scenarios
import Simulation
import Synchronization

/// How much faster replications are done by two threads than by one. By the clock, not by CPU time:
/// other work on the machine spoils it.
enum Jobs {
  static let bench = Bench(name: "jobs") { report in
    print("jobs: by the clock; any other load on the machine spoils these rows")
    var rate = [Double](repeating: 0, count: 3)
    for threads in 1...2 {
      let start = Usage.userSeconds
      var seconds = Double.infinity
      for _ in 0..<3 { seconds = min(seconds, elapsed(threads: threads)) }
      rate[threads] = Double(replications) / seconds
      var row = Row(
        bench: "jobs", what: "PBFT n = 16, \(fixed(rate[threads], 2)) runs/s, \(threads) thr.",
        seconds: (Usage.userSeconds - start) / 3, count: replications, unit: "runs")
      if threads == 2 {
        row.aims = [Aim(measured: rate[2] / rate[1], target: 1.8, unit: "times", isFloor: true)]
      }
      report(row)
    }
  }

  private static let replications = 8

  /// Sixteen replicas on a fast network, whose clients fill a batch by each message.
  private static let text = """
    tributary: 1
    name: speed
    until: { decisions: 1500, at-most: 1 h }
    network:
      delay: { normal: { mean: 250 us, sd: 25 us, min: 100 us } }
      nodes: 16
      uplink: 10 Gbit/s
      downlink: 10 Gbit/s
    machines: { cpu: { cores: { count: 8 } }, costs: server-2026 }
    chains: [{ name: main, consensus: { pbft: { batch: 100, batch-timeout: 10 ms } } }]
    workload:
      arrivals: { closed: { clients: 2000 } }
      transactions: { size: 512 B }
      clients: { bundle: 100 }
    """

  /// Seconds by the clock that all replications take.
  private static func elapsed(threads: Int) -> Double {
    let scenario = ScenarioText.scenario(text)
    let work = Work(scenario)
    let clock = ContinuousClock()
    let time = clock.measure {
      var handles: [pthread_t] = []
      for _ in 0..<threads {
        var handle = pthread_t()
        let argument = Unmanaged.passRetained(work).toOpaque()
        let status = pthread_create(
          &handle, nil,
          { argument in
            guard let argument else { return nil }
            Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().perform()
            return nil
          }, argument)
        precondition(status == 0, "no thread: \(status)")
        handles.append(handle)
      }
      for handle in handles { pthread_join(handle, nil) }
    }
    return Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
  }

  /// Replications, each done by the thread that comes for it first.
  private final class Work: Sendable {
    let scenario: Scenario
    private let next = Mutex(0)

    init(_ scenario: Scenario) { self.scenario = scenario }

    func perform() {
      while true {
        let index = next.withLock { next in
          defer { next += 1 }
          return next
        }
        guard index < replications else { return }
        let run = scenario.makeSimulation(seed: scenario.seed(ofReplication: index))
        run.start()
        run.run()
      }
    }
  }
}
