import Consensus
import Kernel
import Machines
import Networking
import Protocols
import Simulation
import Testing

@Suite("HotStuff and Jolteon, how long they take")
struct HotStuffTimingTests {
  /// The longest that a client waited, in milliseconds, when the first k leaders crash at once.
  static func longestWait<Rule: ChainRule>(_ rule: Rule.Type, k: Int, seed: UInt64) -> Double {
    var run = HotStuffRun<Rule>(.faulty)
    run.n = 10
    run.seed = seed
    run.delay = .constant(2e6)
    run.settings.batchRequests = 10_000
    run.settings.viewTimeout = .milliseconds(100)
    run.settings.doublings = Rule.chains == 3 ? 16 : 0
    run.clientTimeout = .milliseconds(50)
    run.arrivals = .poisson(rate: 500)
    run.until = ms(1500)
    run.faults = (0..<k).map {
      Fault(at: ms(600), .crash(.node(NodeID($0)), downTime: nil, keepsDisk: true))
    }
    let simulation = run.start()
    simulation.run(until: ms(10_000))
    #expect(simulation.world.violations == [])
    #expect(simulation.final == simulation.submitted)
    var longest = 0.0
    for log in simulation.world.logs {
      for number in 0..<log.count {
        let waited = log.time(.final, of: number) - log.submitted[number]
        longest = max(longest, waited.seconds * 1000)
      }
    }
    return longest
  }

  @Test(
    "decide again within the bound of the page after k leaders crashed at once",
    arguments: [1, 2, 3], 1...3 as ClosedRange<UInt64>)
  func bound(k: Int, seed: UInt64) {
    let (t, c, d, idle) = (100.0, 50.0, 2.0, 5.0)  // ms
    let doubled = Double(1 << k - 1) * t
    let three = Self.longestWait(ThreeChain.self, k: k, seed: seed)
    #expect(three <= doubled + c + idle + Double(k + 12) * d, "\(three) ms")
    #expect(three > doubled - t / 2, "the crash was to be felt: \(three) ms")
    let constant = Double(k) * t
    let two = Self.longestWait(TwoChain.self, k: k, seed: seed)
    #expect(two <= constant + c + idle + Double(2 * k + 10) * d, "\(two) ms")
    #expect(two > constant - t / 2, "the crash was to be felt: \(two) ms")
  }

  /// Round trips in milliseconds between us-east-1, eu-north-1, ap-southeast-2, us-west-1 and
  /// ap-northeast-1: cloudping, 2021.
  static let roundTrips: [[Double]] = [
    [5.85, 113.78, 199.18, 62.53, 147.94], [112.11, 2.87, 298.55, 175.45, 242.95],
    [199.06, 297.19, 2.64, 139.27, 107.92], [62.05, 174.47, 140.56, 3.03, 108.66],
    [146.75, 243.82, 109.17, 108.24, 2.18],
  ]

  /// Jolteon with its mempool in five regions; measured is asonnino/hotstuff@dc01ac8, 2-chain.
  @Test("Jolteon in five regions takes about what was measured at 10,000 transactions a second")
  func regions() {
    var run = HotStuffRun<TwoChain>()
    run.n = 10
    run.settings.costs = .free
    run.settings.costs.message = .microseconds(5)
    run.settings.costs.request = .microseconds(9)
    run.settings.costs.sign = .nanoseconds(27_708)
    run.settings.costs.verify = .nanoseconds(66_038)
    run.settings.leaderViews = 1
    run.settings.idleInterval = .zero
    run.settings.dissemination = .acknowledged
    run.settings.batchTimeout = .milliseconds(100)
    run.settings.batchRequests = 1_000_000
    run.settings.batchBytes = 500_000
    run.settings.sizes.signer = 32
    run.settings.blockBatches = 1000
    run.settings.syncInterval = .seconds(5)
    run.machine = MachineSpec(processor: .init(cores: 32), uplink: 1e10, downlink: 1e10)
    run.regionOf = (0..<20).map { UInt16($0 % 5) }
    run.delays = (0..<25).map { .constant(Self.roundTrips[$0 / 5][$0 % 5] * 0.5e6) }
    var stream = StreamSettings(
      packet: 1460, initialWindow: 14_600, largestWindow: 6_291_456, idle: .seconds(1),
      retransmissionTimeout: .milliseconds(200))
    stream.usesNagle = true
    run.transport = .stream(stream)
    run.transactionBytes = 512
    run.clientHosts = 10
    run.arrivals = .poisson(rate: 1000)
    run.bundle = 20
    run.clientTimeout = .seconds(1000)
    let simulation = run.start()
    simulation.run(until: ms(15_000))
    var sum = 0.0
    var count = 0
    for log in simulation.world.logs {
      for number in 0..<log.count
      where log.submitted[number] >= ms(5000) && log.submitted[number] < ms(10_000) {
        sum += (log.time(.decided, of: number) - log.submitted[number]).seconds
        count += 1
      }
    }
    let mean = sum / Double(max(count, 1))
    #expect(abs(mean - 1.274) <= 0.3 * 1.274, "\(mean) s")
    #expect(simulation.world.violations == [])
  }
}
