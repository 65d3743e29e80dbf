import Consensus
import Kernel
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

func dumpState(_ simulation: Simulation) {
  for (i, r) in simulation.pbft.replicas.enumerated() {
    var line = "r\(i) up \(simulation.world.machines.isUp(NodeID(i)))"
    for c in Mirror(reflecting: r).children {
      guard let l = c.label, ["view", "isActive", "lastAssigned", "lastExecuted", "hasCompany", "isTiming", "isBatchTiming", "isBatchDue", "futileChanges", "transfer", "recovery", "awaited"].contains(l) else { continue }
      line += " \(l)=\(c.value)"
    }
    line += " stable=\(r.stable.number) waiting=\(r.waiting)"
    print(line.replacing("Consensus.", with: "").replacing("Protocols.PBFT.", with: ""))
  }
  print(simulation.world.now.seconds, simulation.submitted, simulation.final, zip(simulation.pbft.traffic.types, simulation.pbft.traffic.counts).map { "\($0) \($1)" })
}

@Suite struct DebugTests {
  @Test func loss() {
    var run = faultyRun(n: 4, seed: 1)
    run.loss = 0.05
    run.faults = [crashPrimary(at: ms(700))]
    let s = run.start()
    for t in [500, 700, 1000, 1500, 2000, 3000, 10000, 20000] as [Int64] {
      s.run(until: ms(t))
      dumpState(s)
    }
  }
  @Test func restart() {
    for seed in 1...5 as ClosedRange<UInt64> {
      var run = faultyRun(n: 4, seed: seed)
      run.faults = [
        crashPrimary(at: ms(300), for: .milliseconds(200), disk: true),
        crashPrimary(at: ms(1200), for: .milliseconds(200), disk: true),
      ]
    let s = run.start()
    s.run(until: ms(20000))
      if s.final != s.submitted { dumpState(s) }
    }
  }
}
