import Consensus
import Kernel
import Machines
import Protocols
import Simulation
import Testing

@Suite("PBFT, how long it takes and how much it carries")
struct PBFTTimingTests {
  static let delay = Distribution.normal(mean: 250e6, deviation: 50e6, min: 0)

  @Test("three delays of 250 ± 50 ms decide in 780...820 ms", arguments: [16, 32, 64, 128])
  func orderStatistics(n: Int) {
    var run = PBFTRun()
    run.n = n
    run.delay = Self.delay
    run.arrivals = .closed(clients: 1, think: .constant(0))
    run.settings.statusInterval = .seconds(3600)
    run.settings.viewTimeout = .seconds(3600)
    run.clientTimeout = .seconds(3600)
    run.settings.checkpointInterval = 1 << 12
    run.settings.window = 1 << 12
    run.decisions = n >= 64 ? 80 : 800
    let simulation = run.start()
    simulation.run()
    let entries = simulation.world.decisionLogs[1].entries
    let mean = entries.reduce(0) { $0 + $1.age.seconds } / Double(entries.count)
    #expect(entries.count == run.decisions)
    #expect((0.780...0.820).contains(mean))

    var draw = RandomStream(seed: 99, purpose: "direct", entity: UInt64(n))
    let rounds = n >= 64 ? 80 : 800
    let direct = (0..<rounds).reduce(0) { sum, _ in sum + Self.directAge(n, &draw) }
    let expected = direct / Double(rounds)
    #expect(abs(mean - expected) < 0.01 * expected, "\(mean) s, directly \(expected) s")
  }

  /// Time until n - f replicas have executed, from independent draws for each message.
  static func directAge(_ n: Int, _ draw: inout RandomStream) -> Double {
    let committee = Committee(n: n)
    func delays(_ draw: inout RandomStream) -> [Double] {
      (0..<n).map { _ in Self.delay.sample(using: &draw) * 1e-9 }
    }
    // When each replica sends its prepare; replica 0 is the primary.
    var prePrepared = delays(&draw)
    prePrepared[0] = 0
    let prepared = (0..<n).map { i in
      let link = delays(&draw)
      let arrivals = (1..<n).map { j in j == i ? prePrepared[i] : prePrepared[j] + link[j] }
      return max(prePrepared[i], arrivals.sorted()[committee.quorum - 2])
    }
    let executed = (0..<n).map { i in
      let link = delays(&draw)
      let arrivals = (0..<n).map { j in j == i ? prepared[i] : prepared[j] + link[j] }
      return max(prepared[i], arrivals.sorted()[committee.quorum - 1])
    }
    return executed.sorted()[n - committee.f - 1]
  }

  @Test(
    "a saturated primary carries NIC / (payload n), with replies apart NIC / (payload (n-1))",
    arguments: [4, 8, 16, 32, 64, 128], [Replies.Path.shared, .separate])
  func nicBound(n: Int, path: Replies.Path) {
    let nic = 1.2e9
    let copies = Double(path == .shared ? n : n - 1)
    let full = Self.throughput(n: n, path: path, bytesPerSecond: nic)
    let bound = nic / (1024 * copies)
    #expect(abs(full - bound) < 0.03 * bound, "\(full) tx/s, bound \(bound)")
    let half = Self.throughput(n: n, path: path, bytesPerSecond: nic / 2)
    #expect(abs(half * 2 - full) < 0.01 * full, "\(half) tx/s with half the NIC, \(full) with all")
  }

  /// Distinct transactions decided a second, over the second half of the run.
  static func throughput(n: Int, path: Replies.Path, bytesPerSecond: Double) -> Double {
    var run = PBFTRun()
    run.n = n
    run.machine = MachineSpec(uplink: bytesPerSecond * 8, downlink: bytesPerSecond * 8)
    run.delay = .constant(100e3)
    run.transactionBytes = 1024
    run.replies = Replies(path: path, header: 0, result: 1024)
    run.settings.pipeline = 16
    run.settings.statusInterval = .seconds(3600)
    run.settings.viewTimeout = .seconds(3600)
    run.clientTimeout = .seconds(3600)
    run.clientHosts = 4
    run.arrivals = .closed(clients: 400 * 8, think: .constant(0))
    run.bundle = 100
    run.decisions = n >= 64 ? 100 : 300
    let simulation = run.start()
    simulation.run()
    let entries = simulation.world.decisionLogs[1].entries
    let steady = entries[entries.count / 2..<entries.count]
    guard let first = steady.first, let last = steady.last else { return 0 }
    let transactions = steady.dropFirst().reduce(0) { $0 + Int($1.transactions) }
    return Double(transactions) / (last.time - first.time).seconds
  }
}
