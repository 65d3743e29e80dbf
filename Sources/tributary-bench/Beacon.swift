import Kernel
import Scenarios
import Simulation

/// Gasper at full message fidelity: every attestation an object that is gossiped by itself. Aim:
/// faster than simulated time, within 2 GiB, with 1,000 nodes and 100,000 validators.
enum Beacon {
  static let bench = Bench(name: "gasper") { report in
    // Growth in both directions; 10,000 nodes with 1,000,000 validators are the product of both.
    for (nodes, validators, slots) in [
      (1_000, 100_000, 36), (100, 100_000, 36), (1_000, 10_000, 36), (4_000, 100_000, 6),
      (1_000, 400_000, 6), (10_000, 100_000, 4), (1_000, 1_000_000, 4),
    ] {
      report(row(nodes: nodes, validators: validators, slots: slots))
    }
  }

  private static func row(nodes: Int, validators: Int, slots: Int) -> Row {
    let text = """
      tributary: 1
      name: gasper
      until: \(slots * 12) s
      network: { delay: 100 ms, nodes: \(nodes) }
      machines: { cpu: ideal, costs: free }
      chains:
        - name: main
          consensus:
            gasper:
              validators: \(validators)
              topology: { random-regular: { degree: 8 } }
              blocks: flood
              relays: valid
      """
    Usage.forgetPeak()
    let run = ScenarioText.simulation(text)
    run.start()
    let start = Usage.userSeconds
    let events = run.run(until: SimTime(nanoseconds: Int64(slots) * 12_000_000_000))
    let seconds = Usage.userSeconds - start
    var row = Row(
      bench: "gasper", what: "\(nodes) nodes, \(validators) validators", seconds: seconds,
      count: events, unit: "events",
      aims: [Aim(measured: seconds, target: Double(slots * 12), unit: "s")])
    if nodes * validators <= 100_000_000 {
      row.aims.append(
        Aim(measured: Usage.peakMebibytes, target: 2048, unit: "MiB", digits: 0))
    }
    return row
  }
}
