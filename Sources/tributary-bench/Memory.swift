import Kernel
import Scenarios
import Simulation

/// What stays in memory: of a network whose nodes are idle, and of pending events.
enum Memory {
  static let bench = Bench(name: "memory") { report in
    report(idleNodes(100_000))
    report(pendingEvents(1_000_000))
  }

  /// Links of 8 neighbours, ten makers; it has started, and nothing has been made yet.
  private static func idleNodes(_ nodes: Int) -> Row {
    let text = """
      tributary: 1
      name: idle
      until: 1 h
      network: { delay: 100 ms, nodes: \(nodes), uplink: 50 Mbit/s, downlink: 50 Mbit/s }
      chains:
        - name: main
          consensus: { nakamoto: { topology: { random-regular: { degree: 8 } }, makers: 10 } }
      """
    Usage.forgetPeak()
    let before = Usage.residentMebibytes
    var run: Simulation?
    let seconds = Usage.least(of: 1) {
      run = ScenarioText.simulation(text)
      run?.start()
    }
    // What building took for a while is no part of the network.
    Usage.forgetPeak()
    let each = (Usage.residentMebibytes - before) * 1_048_576 / Double(nodes)
    keep(run?.world.now.seconds ?? 0)
    return Row(
      bench: "memory", what: "building idle nodes", seconds: seconds, count: nodes, unit: "nodes",
      aims: [Aim(measured: each, target: 2048, unit: "B a node", digits: 0)])
  }

  private static func pendingEvents(_ count: Int) -> Row {
    Usage.forgetPeak()
    let before = Usage.residentMebibytes
    var queue = EventQueue()
    var stream = RandomStream(seed: 1, purpose: "pending")
    func schedule() {
      let delay = 100_000 + Int64(900_000 * stream.exponential())
      queue.push(
        Event(
          at: queue.now + SimDuration(nanoseconds: delay), subsystem: 1, kind: 0, target: 0))
    }
    let seconds = Usage.least(of: 1) {
      for _ in 0..<count { schedule() }
      // Buckets are split and filled again as time goes on.
      for _ in 0..<4 * count {
        guard queue.pop() != nil else { preconditionFailure("the queue ran empty") }
        schedule()
      }
    }
    let mebibytes = Usage.peakMebibytes - before
    keep(Double(queue.now.nanoseconds))
    return Row(
      bench: "memory", what: "pending events", seconds: seconds, count: 5 * count, unit: "events",
      aims: [Aim(measured: mebibytes, target: 128, unit: "MiB", digits: 0)])
  }
}
