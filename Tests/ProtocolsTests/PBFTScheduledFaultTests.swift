import Consensus
import Kernel
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

/// Faults that leave nodes up, and faults that wait for the chain.
@Suite("PBFT while machines, links and clocks fail")
struct PBFTScheduledFaultTests {
  static func ms(_ n: Int64) -> SimTime { SimTime(nanoseconds: n * 1_000_000) }
  static let nodes = (0..<4).map { NodeID($0) }
  static let end = SimTime(nanoseconds: 3_000_000_000)

  static func run(seed: UInt64 = 3) -> PBFTRun {
    var run = PBFTDeterminismTests.run(seed: seed)
    run.settings.isDurable = true
    run.faults = []
    return run
  }

  static func digests(_ run: PBFTRun) -> [Outcome.SubsystemDigest] {
    let simulation = run.start()
    simulation.run(until: end)
    #expect(simulation.world.violations == [])
    return simulation.digests
  }

  @Test("processors slowed from the start are slow processors, digest for digest")
  func slow() {
    var slowed = Self.run()
    slowed.faults = [Fault(at: .zero, .slow(Self.nodes, factor: 4, duration: nil))]
    var built = Self.run()
    built.machine.processor = .init(cores: 1, slowdown: 4)
    slowed.machine.processor = .init(cores: 1)
    #expect(Self.digests(slowed) == Self.digests(built))
    slowed.faults = []
    #expect(Self.digests(slowed) != Self.digests(built))
  }

  @Test("disks slowed from the start are slow disks, digest for digest")
  func slowDisk() {
    var slowed = Self.run()
    slowed.faults = [Fault(at: .zero, .slowDisk(Self.nodes, factor: 8, duration: nil))]
    var built = Self.run()
    built.machine.disk = .init(bytesPerSecond: 1.25e8, flush: .microseconds(400))
    #expect(Self.digests(slowed) == Self.digests(built))
  }

  @Test("overlapping faults multiply, and all is as built in the end")
  func overlapping() {
    var run = Self.run()
    run.faults = [
      Fault(at: Self.ms(100), .slow([NodeID(1)], factor: 2, duration: .milliseconds(300))),
      Fault(at: Self.ms(200), .slow([NodeID(1)], factor: 3, duration: .milliseconds(100))),
      Fault(
        at: Self.ms(200),
        .clock([NodeID(1)], step: .milliseconds(7), drift: 100, duration: .milliseconds(500))),
    ]
    let simulation = run.start()
    let cost = SimDuration.microseconds(10)
    var seen: [Int64] = []
    for time in [50, 150, 250, 350, 450] {
      simulation.run(until: Self.ms(Int64(time)))
      seen.append(simulation.world.machines.scaled(cost, on: NodeID(1)).nanoseconds / 10_000)
    }
    #expect(seen == [1, 2, 6, 2, 1])
    let machines = simulation.world.machines
    // 7 ms, and 100 ppm of the 250 ms since.
    #expect(
      machines.localTime(of: NodeID(1), at: Self.ms(450))
        == LocalTime(nanoseconds: 457_025_000))
    simulation.run(until: Self.ms(750))
    #expect(
      simulation.world.machines.localTime(of: NodeID(1), at: Self.ms(750))
        == LocalTime(nanoseconds: 750_000_000))
  }

  @Test("a crash waits for the decision that it was set for", arguments: [1, 40, 100])
  func decisions(count: Int) {
    var run = Self.run()
    run.faults = [
      Fault(
        when: Milestone(of: 1, .decisions, count),
        .crash(.node(NodeID(2)), downTime: .milliseconds(200), keepsDisk: true))
    ]
    let simulation = run.start()
    while simulation.world.machines.isUp(NodeID(2)), simulation.step() {}
    #expect(simulation.world.decisions[1] == count)
    simulation.run(until: Self.end)
    #expect(simulation.world.violations == [] && simulation.world.machines.isUp(NodeID(2)))
  }

  @Test("primaries that crash one view after the other")
  func views() {
    var run = Self.run()
    run.n = 7
    run.faults = [Fault(at: Self.ms(100), Self.crashLeader)]
    run.faults += [1, 2].map { Fault(when: Milestone(of: 1, .view, $0), Self.crashLeader) }
    let simulation = run.start()
    simulation.run(until: Self.end)
    #expect(simulation.world.violations == [])
    #expect((0..<3).allSatisfy { simulation.world.machines.epoch(of: NodeID($0)) == 1 })
    #expect(simulation.final == simulation.submitted)
  }

  private static let crashLeader = Fault.Kind.crash(
    .proposer(subsystem: 1), downTime: .milliseconds(600), keepsDisk: true)

  /// Everything that can happen, some of it when the chain has come so far.
  static func everything(seed: UInt64) -> PBFTRun {
    var run = PBFTDeterminismTests.run(seed: seed)
    var links = LinkFault(
      senders: [true, false, false, false], receivers: [false, true, true, false])
    links.loss = 0.3
    links.duplication = 0.1
    links.overtaking = 0.2
    links.delay = .exponential(mean: 5e6)
    run.faults += [
      Fault(at: ms(200), .slow([NodeID(1)], factor: 5, duration: .milliseconds(150))),
      Fault(
        when: Milestone(of: 1, .decisions, 60),
        .slowDisk([NodeID(2)], factor: 5, duration: .milliseconds(100))),
      Fault(
        at: ms(250),
        .clock([NodeID(3)], step: .milliseconds(50), drift: 20_000, duration: .milliseconds(300))),
      Fault(when: Milestone(of: 1, .decisions, 90), .links(links, duration: .milliseconds(300))),
      Fault(
        when: Milestone(of: 1, .view, 1),
        .partition(
          side: [0, 1, 1, 1, 0, 0], isOneWay: seed % 2 == 0, duration: .milliseconds(100))),
    ]
    return run
  }

  @Test(
    "reference lanes are one-event lanes through all faults",
    arguments: 1...40 as ClosedRange<UInt64>)
  func lanes(seed: UInt64) {
    var run = Self.everything(seed: seed)
    let quick = Self.digests(run)
    run.usesReferenceLanes = true
    #expect(Self.digests(run) == quick)
  }

  @Test("a copy taken while faults are in force or awaited goes on to the same digest")
  func copies() {
    let expected = Self.digests(Self.everything(seed: 7))
    for part in [1, 3, 5, 7] as [UInt64] {
      let simulation = Self.everything(seed: 7).start()
      for _ in 0..<expected[0].steps * part / 8 { simulation.step() }
      let copy = simulation.copy()
      simulation.run(until: Self.end)
      copy.run(until: Self.end)
      #expect(simulation.digests == expected && copy.digests == expected)
    }
  }
}
