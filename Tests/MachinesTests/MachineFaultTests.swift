import Kernel
import Machines
import Testing

@Suite("Nodes that work badly")
struct MachineFaultTests {
  static let node = NodeID(0)

  @Test("a slow node takes the stated multiple, of its own slowness too")
  func slow() {
    var machines = Machines([
      MachineSpec(
        processor: .init(cores: 1, slowdown: 2),
        disk: .init(bytesPerSecond: 1e9, flush: .microseconds(1)))
    ])
    let cost = SimDuration.microseconds(10)
    machines.slow(Self.node, by: 3)
    machines.slowDisk(of: Self.node, by: 5)
    #expect(machines.scaled(cost, on: Self.node) == .microseconds(60))
    #expect(machines.write(1000, to: Self.node, ready: .zero) == .zero + .microseconds(10))
    machines.slow(Self.node, by: 1)
    machines.slowDisk(of: Self.node, by: 1)
    #expect(machines.scaled(cost, on: Self.node) == .microseconds(20))
    let later = SimTime.zero + .seconds(1)
    #expect(machines.write(1000, to: Self.node, ready: later) == later + .microseconds(2))
  }

  @Test("a clock jumps and drifts from where it was, and is set right again")
  func clock() {
    var machines = Machines([MachineSpec(clockOffset: .seconds(1), clockDrift: 100)])
    func shown(_ seconds: Int64) -> Int64 {
      machines.localTime(of: Self.node, at: .zero + .seconds(seconds)).nanoseconds
    }
    #expect(shown(10) == 11_001_000_000)
    machines.setClock(
      of: Self.node, at: .zero + .seconds(10), ahead: .milliseconds(-500), drift: 900)
    #expect(shown(10) == 10_501_000_000)
    #expect(shown(20) == 20_511_000_000)
    #expect(machines.simulated(.milliseconds(1001), on: Self.node) == .seconds(1))
    machines.setClock(of: Self.node, at: .zero + .seconds(20), ahead: .zero, drift: 0)
    #expect(shown(30) == 31_003_000_000)
  }
}
