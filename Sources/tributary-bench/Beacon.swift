import Kernel
import Scenarios
import Simulation

/// Gasper at full message fidelity: every attestation an object that is gossiped by itself. Aim:
/// faster than simulated time, within 2 GiB, with 1,000 nodes and 100,000 validators.
enum Beacon {
  /// A size, and how many slots are measured after the first, in which nobody attests.
  private struct Size {
    var nodes: Int
    var validators: Int
    var slots: Int
    /// What the size aims at, in MiB.
    var memory: Double?
  }

  static let bench = Bench(name: "gasper") { report in
    for size in [
      Size(nodes: 1_000, validators: 100_000, slots: 35, memory: 2048),
      Size(nodes: 100, validators: 100_000, slots: 35, memory: 2048),
      Size(nodes: 1_000, validators: 10_000, slots: 35, memory: 2048),
    ] {
      report(row(size))
    }
  }

  /// Growth in both directions. There is no aggregated mode: all messages are simulated.
  static let growth = Bench(name: "gasper-large", isLarge: true) { report in
    for size in [
      Size(nodes: 1_000, validators: 100_000, slots: 11),
      Size(nodes: 1_000, validators: 1_000_000, slots: 11),
      Size(nodes: 10_000, validators: 100_000, slots: 11),
      Size(nodes: 10_000, validators: 1_000_000, slots: 3),
    ] {
      report(row(size))
    }
  }

  private static func row(_ size: Size) -> Row {
    let text = """
      tributary: 1
      name: gasper
      until: \((size.slots + 1) * 12) s
      network: { delay: 100 ms, nodes: \(size.nodes) }
      machines: { cpu: ideal, costs: free }
      chains:
        - name: main
          consensus:
            gasper:
              validators: \(size.validators)
              topology: { random-regular: { degree: 8 } }
              blocks: flood
              relays: valid
      """
    Usage.forgetPeak()
    let run = ScenarioText.simulation(text)
    run.start()
    let start = Usage.userSeconds
    let events = run.run(
      until: SimTime(nanoseconds: Int64(size.slots + 1) * 12_000_000_000))
    let seconds = Usage.userSeconds - start
    let simulated = Double(size.slots * 12)
    var row = Row(
      bench: "gasper", what: "\(size.nodes) nodes, \(size.validators) validators",
      seconds: seconds, count: events, unit: "events",
      aims: [Aim(measured: seconds / simulated, target: 1, unit: "s of CPU a simulated s")])
    if let memory = size.memory {
      row.aims.append(Aim(measured: Usage.peakMebibytes, target: memory, unit: "MiB", digits: 0))
    }
    return row
  }
}
