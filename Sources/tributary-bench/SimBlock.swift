import Kernel
import Protocols
import Scenarios
import Simulation

/// SimBlock's model of Bitcoin in 2019 (dsg-titech/simblock@5fc7f9f): six regions, Pareto latency,
/// one upload at a time, outbound links as measured. SimBlock itself takes 3.6 s for 600 nodes and
/// 100 blocks, 9.8 s and 705 MiB for 10,000 nodes and 5 blocks.
enum SimBlock {
  static let bench = Bench(name: "simblock") { report in
    for (nodes, blocks, seconds, mebibytes) in [
      (600, 100, 0.15, nil), (10_000, 5, 0.2, 100.0),
    ] {
      for relay in ["compact", "announce"] {
        report(
          row(nodes: nodes, blocks: blocks, relay: relay, seconds: seconds, mebibytes: mebibytes))
      }
    }
  }

  static func text(nodes: Int, blocks: Int, relay: String) -> String {
    """
    tributary: 1
    name: simblock
    until: { decisions: \(blocks), at-most: 1000 h }
    network:
      { regions: simblock-2019, nodes: \(nodes), delay-variation: pareto, reordering: true }
    machines: { cpu: ideal, costs: free }
    chains:
      - name: main
        consensus:
          nakamoto:
            interval: 600 s
            confirmations: 1
            topology: { outbound: { degrees: bitcoin-2015, assignment: simblock-quota } }
            blocks: \(relay)
            links: one-upload
            skip-announcers: false
            relays: valid
            request-timeout: 0 s
            block-filler: 535 kB
            shares: { normal: { relative: 0.25 } }
    """
  }

  private static func row(
    nodes: Int, blocks: Int, relay: String, seconds: Double, mebibytes: Double?
  ) -> Row {
    Usage.forgetPeak()
    let text = text(nodes: nodes, blocks: blocks, relay: relay)
    var best = Double.infinity
    var events = 0
    for _ in 0..<3 {
      let run = ScenarioText.simulation(text)
      run.start()
      let start = Usage.userSeconds
      events = run.run()
      best = min(best, Usage.userSeconds - start)
      precondition(run.world.decisions[1] >= blocks, "\(run.world.decisions[1]) blocks")
    }
    var row = Row(
      bench: "simblock", what: "\(nodes) nodes, \(blocks) blocks, \(relay)", seconds: best,
      count: events, unit: "events", aims: [Aim(measured: best, target: seconds, unit: "s")])
    if let mebibytes {
      row.aims.append(
        Aim(measured: Usage.peakMebibytes, target: mebibytes, unit: "MiB", digits: 0))
    }
    return row
  }
}
