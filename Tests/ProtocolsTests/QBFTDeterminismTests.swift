import Consensus
import Kernel
import Machines
import Metrics
import Protocols
import Simulation
import Testing

@Suite("A run of QBFT or IBFT 2.0 is a value")
struct QBFTDeterminismTests {
  /// Costs, queues, random delays, loss and crashes, one with and one without memory.
  static func run<R: IstanbulRules>(_ rules: R.Type, seed: UInt64, n: Int = 4) -> IstanbulRun<R> {
    var run = IstanbulRun<R>()
    run.n = n
    run.seed = seed
    run.settings = IstanbulRun<R>.faultySettings
    run.settings.verifiesRequests = true
    run.settings.isDurable = seed % 5 == 0
    run.settings.pushesBlocks = seed % 3 == 0
    run.settings.costs = .busy
    run.disturb(disk: seed % 2 == 0, until: end)
    return run
  }

  static let end = ms(3000)

  @Test(
    "one-event lanes are reference lanes, crashes included",
    arguments: 1...30 as ClosedRange<UInt64>)
  func lanes(seed: UInt64) {
    Self.run(QBFTRules.self, seed: seed).expectEqualLanes(until: Self.end, steps: 2000)
    Self.run(IBFT2Rules.self, seed: seed).expectEqualLanes(until: Self.end, steps: 2000)
  }

  @Test("a second run has the same digest, another seed another", arguments: [4, 7])
  func again(n: Int) {
    let first = Self.run(QBFTRules.self, seed: 5, n: n).digests(until: Self.end)
    #expect(Self.run(QBFTRules.self, seed: 5, n: n).digests(until: Self.end) == first)
    #expect(Self.run(QBFTRules.self, seed: 6, n: n).digests(until: Self.end) != first)
    #expect(Self.run(IBFT2Rules.self, seed: 5, n: n).digests(until: Self.end) != first)
  }

  @Test("a copy taken between any two events goes on to the same digest")
  func copies() {
    Self.run(QBFTRules.self, seed: 10).expectEqualCopies(8, until: Self.end)
  }

  @Test("in steady state it allocates nothing")
  func allocations() {
    #expect(Self.allocations(QBFTRules.self) == 0)
    #expect(Self.allocations(IBFT2Rules.self) == 0)
  }

  /// Allocations in the second half of a run of 16 replicas with processors and links.
  static func allocations<R: IstanbulRules>(_ rules: R.Type) -> UInt64 {
    var run = IstanbulRun<R>()
    run.n = 16
    run.settings.blockPeriod = .milliseconds(20)
    run.settings.requestTimeout = .milliseconds(500)
    run.settings.costs.message = .microseconds(2)
    run.settings.costs.verify = .microseconds(5)
    run.settings.costs.sign = .microseconds(5)
    run.settings.window = 16
    run.machine = MachineSpec(processor: .init(cores: 4), uplink: 1e10, downlink: 1e10)
    run.delay = .exponential(mean: 1e6)
    run.clientHosts = 2
    run.target = .gateway
    run.arrivals = .poisson(rate: 2000)
    run.bundle = 10
    run.reserving = 100_000
    return run.allocations(from: ms(30_000), until: ms(40_000), deciding: 400)
  }
}
