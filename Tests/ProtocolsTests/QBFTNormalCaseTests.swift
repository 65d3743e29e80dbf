import Consensus
import Kernel
import Machines
import Networking
import Protocols
import Simulation
import Testing

@Suite("QBFT and IBFT 2.0, the normal case")
struct QBFTNormalCaseTests {
  /// Votes and proposals sent for so many blocks, and that nothing else was.
  static func expectCounts<R: IstanbulRules>(_ run: IstanbulRun<R>, perBlock: Int) {
    var run = run
    run.until = SimTime(nanoseconds: 9_300_000_000)
    let simulation = run.start()
    simulation.run(until: SimTime(nanoseconds: 10_500_000_000))
    let (n, blocks) = (run.n, simulation.world.decisions[1])
    func sent(_ kinds: [String]) -> Int { simulation.sent(kinds, of: Istanbul<R>.self) }
    #expect(blocks == 10)
    #expect(sent(["pre-prepare"]) == blocks * (n - 1))
    let preparing = R.proposerPrepares ? n : n - 1
    #expect(sent(["prepare"]) == blocks * (n - 1) * preparing)
    #expect(sent(["commit"]) == blocks * n * (n - 1))
    #expect(sent(["pre-prepare", "prepare", "commit"]) == blocks * perBlock)
    #expect(sent(["justified-pre-prepare", "round-change", "status", "fetch-blocks"]) == 0)
    let pushed = run.settings.pushesBlocks ? blocks * n * (n - 1) : 0
    #expect(sent(["block"]) == pushed)
    #expect(simulation.final == simulation.submitted)
    #expect(simulation.submitted > 5)
    #expect(simulation.world.violations.isEmpty)
  }

  @Test("QBFT sends (n-1)(2n+1) messages a block", arguments: [4, 5, 6, 7, 8, 10, 16, 31, 64])
  func qbft(n: Int) {
    var run = QBFTRun()
    run.n = n
    run.arrivals = .closed(clients: 1, think: .constant(0))
    Self.expectCounts(run, perBlock: (n - 1) * (2 * n + 1))
  }

  @Test("IBFT 2.0 sends 2n(n-1) messages a block", arguments: [4, 5, 6, 7, 8, 10, 16, 31, 64])
  func ibft(n: Int) {
    var run = IBFT2Run()
    run.n = n
    run.arrivals = .closed(clients: 1, think: .constant(0))
    Self.expectCounts(run, perBlock: 2 * n * (n - 1))
  }

  @Test("who decides pushes its block to all where that is set")
  func pushed() {
    var run = QBFTRun()
    run.arrivals = .closed(clients: 1, think: .constant(0))
    run.settings.pushesBlocks = true
    Self.expectCounts(run, perBlock: 27)
  }
}

@Suite("QBFT and IBFT 2.0, settings that cannot work")
struct QBFTSettingsTests {
  @Test("are named in a sentence")
  func problems() {
    let good = QBFTRun.plainSettings
    #expect(QBFT.problem(good, n: 4) == nil && IBFT2.problem(good, n: 512) == nil)
    #expect(QBFT.problem(good, n: 3) == "qbft needs 4...512 replicas")
    var late = good
    late.requestTimeout = .seconds(1)
    #expect(QBFT.problem(late, n: 4) == nil)
    #expect(IBFT2.problem(late, n: 4)?.contains("must exceed the block period") == true)
    var odd = good
    odd.blockPeriod = .microseconds(1500)
    #expect(QBFT.problem(odd, n: 4)?.contains("whole number of milliseconds") == true)
    #expect(DPoS.problem(with: ParameterValues(defaults: DPoS.parameters), nodes: 20) != nil)
    #expect(DPoS.problem(with: ParameterValues(defaults: DPoS.parameters), nodes: 21) == nil)
    #expect(Clique.problem(with: ParameterValues(defaults: Clique.parameters), nodes: 129) != nil)
    #expect(Clique.problem(with: ParameterValues(defaults: Clique.parameters), nodes: 128) == nil)
  }
}

@Suite("QBFT and IBFT 2.0, when blocks are decided")
struct QBFTTimingTests {
  static let ms: Int64 = 1_000_000

  /// When each block was decided by n - f replicas, in milliseconds.
  static func times<R: IstanbulRules>(_ run: IstanbulRun<R>, until end: Int64) -> [Double] {
    let simulation = run.start()
    simulation.run(until: SimTime(nanoseconds: end * ms))
    #expect(simulation.world.violations.isEmpty)
    return simulation.world.decisionLogs[1].entries.map { Double($0.time.nanoseconds) / 1e6 }
  }

  @Test("a block every period, three delays after it is due", arguments: [4, 7, 16])
  func period(n: Int) {
    var run = QBFTRun()
    run.n = n
    run.delay = .constant(20e6)
    let expected = (1...9).map { Double($0) * 1000 + 60 }
    #expect(Self.times(run, until: 9_900) == expected)
    var other = IBFT2Run()
    other.n = n
    other.delay = .constant(20e6)
    #expect(Self.times(other, until: 9_900) == expected)
  }

  @Test("a block every three delays where the period is shorter")
  func saturated() {
    var run = QBFTRun()
    run.settings.blockPeriod = .milliseconds(10)
    run.delay = .constant(20e6)
    let expected: [Double] = (1...16).map { 10 + 60 * Double($0) }
    #expect(Self.times(run, until: 1_000) == expected)
  }

  @Test(
    "k proposers in a row that crashed cost R (2^k - 1): from the block's due time on in QBFT",
    arguments: [1, 2, 3])
  func crashedProposers(k: Int) {
    var run = QBFTRun()
    run.n = 10
    run.delay = .constant(5e6)
    run.faults = (1...k).map { Self.crash($0, at: 1_500) }
    let lost = 4000 * Double(1 << k) - 4000
    // Block 1 by replica 0; block 2 by the first of 1...k that is up, four delays into its round.
    let second = 2000 + lost + 20
    // The next block is due a period after the second was made, one delay into the round.
    let third: Double = second - 15 + 1000 + 15
    let times = Self.times(run, until: Int64(second) + 1_100).prefix(3)
    #expect(Array(times) == [1015, second, third])
  }

  @Test("and from the last decision on in IBFT 2.0", arguments: [1, 2, 3])
  func crashedProposersFromHead(k: Int) {
    var run = IBFT2Run()
    run.n = 10
    run.delay = .constant(5e6)
    run.faults = (1...k).map { Self.crash($0, at: 1_500) }
    let lost = 4000 * Double(1 << k) - 4000
    let second = 1015 + lost + 20
    let third: Double = second - 15 + 1000 + 15
    let times = Self.times(run, until: Int64(second) + 1_100).prefix(3)
    #expect(Array(times) == [1015, second, third])
  }

  private static func crash(_ node: Int, at time: Int64, for down: SimDuration? = nil) -> Fault {
    Fault(
      at: SimTime(nanoseconds: time * ms),
      .crash(.node(NodeID(node)), downTime: down, keepsDisk: true))
  }

  @Test(
    "after f + 1 replicas were down, the wait is at most the outage, R and 5 d",
    arguments: [3, 7, 10, 20, 33, 61, 100, 150], [4, 7])
  func outage(seconds: Int, n: Int) {
    var run = QBFTRun()
    run.n = n
    run.delay = .constant(5e6)
    let down = Committee(n: n).f + 1
    let start: Int64 = 2_500
    run.faults = (n - down..<n).map {
      Self.crash($0, at: start, for: .seconds(Int64(seconds)))
    }
    let end = start + Int64(seconds) * 1000
    let next = Self.times(run, until: 3 * end + 20_000).first { $0 > Double(start) } ?? .infinity
    // Block 3 is due at 3 s; round k ends at R (2^(k + 1) - 1) after it.
    var roundEnd = 3000.0
    var length = 4000.0
    while roundEnd <= Double(end) {
      roundEnd += length
      length *= 2
    }
    // Those that came back may reach the round by themselves just before.
    let meeting = min(roundEnd, Double(end) + length / 2 - 4000)
    #expect(next >= meeting + 15 && next <= roundEnd + 25)
    #expect(next - Double(end) <= Double(seconds) * 1000 + 4000 + 25)
  }
}
