import Consensus
import Kernel
import Ledger
import Machines
import Networking
import Protocols
import Simulation
import Testing

@Suite("Gasper: finality")
struct GasperFinalityTests {
  @Test("at full participation and zero delay a slot is final after exactly 768 to 1,140 s")
  func latency() {
    let run = GasperSetup(nodes: 4, validators: 256).makeRun()
    run.simulation.run(until: slots(32 * 24))
    let entries = run.simulation.world.decisionLogs[1].entries
    var bySlot = [Int](repeating: 0, count: 32)
    var sum = 0.0
    var count = 0
    for entry in entries {
      let slot = Int(((entry.time - .zero) - entry.age).nanoseconds / 12_000_000_000)
      // The first two epochs are not weighed by themselves.
      guard slot >= 64 else { continue }
      let latency = entry.age.seconds
      let inEpoch = slot % 32
      #expect(latency == (inEpoch == 0 ? 768 : Double((96 - inEpoch) * 12)), "slot \(slot)")
      bySlot[inEpoch] += 1
      sum += latency
      count += 1
    }
    #expect(bySlot.allSatisfy { $0 >= 16 }, "\(bySlot)")
    // Each slot as often as the other: their latencies have a mean of 954 s.
    var all = 768
    for slot in 1...31 { all += (96 - slot) * 12 }
    let mean = Double(all) / 32
    #expect(mean == 954)
    #expect(abs(sum / Double(count) - mean) < 3)
    #expect(run.outcome().violations.isEmpty)
    #expect(run.simulation.world.violations.isEmpty)
  }
}
