import Kernel
import Machines
import Testing

private let node = NodeID(0)

private func at(_ nanoseconds: Int64) -> SimTime { SimTime(nanoseconds: nanoseconds) }
private func ns(_ nanoseconds: Int64) -> SimDuration { .nanoseconds(nanoseconds) }

@Suite("Clocks")
struct ClockTests {
  @Test("a clock that is exact shows simulated time")
  func exact() {
    let machines = Machines([.ideal])
    let late = at(Int64(1) << 60)
    #expect(machines.localTime(of: node, at: late).nanoseconds == 1 << 60)
    #expect(machines.simulated(.seconds(7), on: node) == .seconds(7))
  }

  @Test("offset adds, drift multiplies", arguments: [-200.0, -0.5, 50, 500])
  func drifts(partsPerMillion: Double) {
    let machines = Machines([
      MachineSpec(clockOffset: .milliseconds(-3), clockDrift: partsPerMillion)
    ])
    let hour = Int64(3_600_000_000_000)
    let shown = machines.localTime(of: node, at: at(hour)).nanoseconds
    #expect(shown == hour + Int64(partsPerMillion * 3.6e6) - 3_000_000)
    #expect(machines.localTime(of: node, at: .zero).nanoseconds == -3_000_000)
  }

  @Test("a timer of a drifting clock runs out when that clock says so")
  func timers() {
    let machines = Machines([MachineSpec(clockDrift: 100)])
    let span = machines.simulated(.seconds(10), on: node)
    let shown = machines.localTime(of: node, at: .zero + span)
    #expect(abs(shown.nanoseconds - 10_000_000_000) <= 1)
    #expect(span < .seconds(10))
  }
}

@Suite("Links and disks of a node")
struct ResourceTests {
  @Test("messages leave one after the other, at the rate of the uplink")
  func uplink() {
    var machines = Machines([MachineSpec(uplink: 1e9, downlink: 2e9)])
    let sent = [0, 100, 50_000].map { machines.send(1000, from: node, ready: at($0)) }
    #expect(sent == [at(8000), at(16_000), at(58_000)])
    let received = machines.receive(1000, at: node, arrival: at(0))
    #expect(received == at(4000))
    let use = machines.use(of: node, until: at(60_000))
    #expect(use.uplink == 0.4 && use.downlink == 4.0 / 60 && use.disk == 0)
  }

  @Test("work beyond the end of a run is not counted")
  func beyond() {
    var machines = Machines([MachineSpec(uplink: 1e9)])
    _ = machines.send(1000, from: node, ready: at(6000))
    #expect(machines.use(of: node, until: at(10_000)).uplink == 0.4)
  }

  @Test("a write takes its bytes and a flush")
  func disk() {
    var machines = Machines([MachineSpec(disk: .init(bytesPerSecond: 1e9, flush: ns(500)))])
    let done = [
      machines.write(1000, to: node, ready: at(0)), machines.write(0, to: node, ready: at(0)),
    ]
    #expect(done == [at(1500), at(2000)])
  }

  @Test("an ideal resource takes no time, and never queues")
  func ideal() {
    var machines = Machines([.ideal])
    let times = [
      machines.send(1 << 40, from: node, ready: at(5)),
      machines.receive(1 << 40, at: node, arrival: at(4)),
      machines.write(1 << 40, to: node, ready: at(3)),
    ]
    #expect(times == [at(5), at(4), at(3)])
    #expect(machines.scaled(.seconds(1), on: node) == .zero)
  }

  @Test("a slower node takes longer for everything")
  func slowdown() {
    let machines = Machines([MachineSpec(processor: .init(cores: 1, slowdown: 2.5))])
    #expect(machines.scaled(ns(101), on: node) == ns(253))
  }
}

@Suite("Lanes and verifiers")
struct LaneTests {
  func machines(cores: Int, lanes: Int = 1) -> Machines {
    Machines([MachineSpec(processor: .init(cores: cores, lanes: lanes))])
  }

  @Test("any spare core verifies, and hand-over keeps the order of arrival")
  func handOver() {
    var machines = machines(cores: 3)
    // Two verifiers. The first message takes long; the next ones are done before it.
    let costs: [Int64] = [100, 10, 10, 10]
    let handed = costs.map {
      machines.handOver(to: 0, of: node, ready: at(0), verification: ns($0), handling: ns(7))
    }
    // Cores are free at 100 and at 10, 20, 30; nobody overtakes.
    #expect(handed.map(\.at) == [at(100), at(100), at(100), at(100)])
    #expect(handed.allSatisfy { $0.work == ns(7) })
    let next = machines.handOver(
      to: 0, of: node, ready: at(90), verification: ns(50), handling: ns(7))
    #expect(next.at == at(140))
  }

  @Test("without a spare core the lane verifies for itself")
  func alone() {
    var machines = machines(cores: 1)
    let handed = machines.handOver(
      to: 0, of: node, ready: at(5), verification: ns(100), handling: ns(7))
    #expect(handed.at == at(5) && handed.work == ns(107))
  }

  @Test("what needs no verification still waits for what came before it")
  func unverified() {
    var machines = machines(cores: 2)
    _ = machines.handOver(to: 0, of: node, ready: at(0), verification: ns(100), handling: ns(1))
    let second = machines.handOver(
      to: 0, of: node, ready: at(1), verification: .zero, handling: ns(1))
    #expect(second.at == at(100))
  }

  @Test("a lane serves one step at a time; roles share lanes by number")
  func serial() {
    var machines = machines(cores: 3, lanes: 2)
    #expect((0..<4).map { machines.lane(of: node, role: $0) } == [0, 1, 0, 1])
    let done = [(0, 10), (0, 5), (1, 5), (0, 100)].map {
      machines.serve($0.0, ready: at(Int64($0.1)), work: ns(20))
    }
    #expect(done == [at(30), at(50), at(25), at(120)])
    machines.occupy(0, until: at(500))
    let after = machines.serve(0, ready: at(130), work: ns(1))
    #expect(after == at(501))
    // 61 + 20 ns of work on three cores; waiting for a disk is no work.
    let use = machines.use(of: node, until: at(1000))
    #expect(abs(use.processor - 81.0 / 3000) < 1e-12)
    #expect(abs(machines.processorSeconds(of: node, until: at(1000)) - 81e-9) < 1e-15)
  }
}

@Suite("Crashes of a node")
struct CrashTests {
  @Test("what would have completed later is cut off, and its busy time taken back")
  func cuts() {
    var machines = Machines([
      MachineSpec(
        processor: .init(cores: 2), uplink: 8e9, downlink: 8e9,
        disk: .init(bytesPerSecond: 1e9, flush: .zero))
    ])
    _ = machines.send(1000, from: node, ready: at(0))
    _ = machines.receive(1000, at: node, arrival: at(0))
    _ = machines.write(1000, to: node, ready: at(0))
    let (handed, work) = machines.handOver(
      to: 0, of: node, ready: at(0), verification: ns(300), handling: ns(700))
    _ = machines.serve(0, ready: handed, work: work)
    machines.crash(node, at: at(500))
    #expect(!machines.isUp(node) && machines.epoch(of: node) == 1)
    var use = machines.use(of: node, until: at(1000))
    #expect(use.uplink == 0.5 && use.downlink == 0.5 && use.disk == 0.5)
    // The verifier's 300 ns, and 200 of the lane's 700.
    #expect(abs(use.processor - 0.25) < 1e-12)
    machines.restart(node, at: at(800))
    #expect(machines.isUp(node) && machines.epoch(of: node) == 1)
    let sent = machines.send(100, from: node, ready: at(900))
    #expect(sent == at(1000))
    let again = machines.handOver(
      to: 0, of: node, ready: at(900), verification: ns(10), handling: ns(5))
    #expect(again.at == at(910))
    use = machines.use(of: node, until: at(1000))
    #expect(abs(use.uplink - 0.6) < 1e-12)
  }

  @Test("work that had not begun at the crash is taken back whole")
  func notBegun() {
    var machines = Machines([MachineSpec(uplink: 8e9)])
    _ = machines.send(1000, from: node, ready: at(0))
    _ = machines.send(1000, from: node, ready: at(5000))
    machines.crash(node, at: at(2000))
    #expect(abs(machines.use(of: node, until: at(10_000)).uplink - 0.1) < 1e-12)
  }
}
