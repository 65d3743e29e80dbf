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
    print("mean \(sum / Double(count)) of \(count), made \(run.chain.books.made)")
    #expect(run.simulation.world.violations.isEmpty)
  }
}
