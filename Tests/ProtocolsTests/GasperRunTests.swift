import CAllocationCounter
import Consensus
import Kernel
import Ledger
import Machines
import Networking
import Protocols
import Simulation
import Testing

@Suite("Gasper: runs")
struct GasperRunTests {
  /// Processors, links, delays that differ, crashes with and without disk.
  static func busy(reference: Bool = false) throws -> ChainRun<Gasper> {
    var stream = RandomStream(seed: 3, purpose: "links of a test")
    let topology = try Topology.randomRegular(24, degree: 6, using: &stream)
    var setup = GasperSetup(nodes: 24, validators: 1_024, topology: topology)
    setup.settings.costs.sign = .microseconds(433)
    setup.settings.costs.verify = .microseconds(1_579)
    setup.settings.costs.addKey = .nanoseconds(776)
    setup.law = .lognormal(median: 60e6, sigma: 0.3)
    setup.chain.machines = MachineSpec(processor: .init(cores: 4), uplink: 20e6, downlink: 50e6)
    setup.chain.settings.costs.message = .microseconds(20)
    setup.chain.settings.blocks = .announce
    setup.chain.settings.requestTimeout = .seconds(5)
    setup.chain.usesReferenceLanes = reference
    setup.chain.faults = [
      Fault(
        at: slots(70) + .seconds(5),
        .crash(.node(NodeID(3)), downTime: .seconds(400), keepsDisk: true)),
      Fault(
        at: slots(80), .crash(.node(NodeID(5)), downTime: .seconds(300), keepsDisk: false)),
    ]
    return setup.makeRun(seed: 12)
  }

  @Test("runs repeat, copies go on alike, both ways of handling agree, and crashed nodes catch up")
  func determinism() throws {
    let (a, b, slow) = (try Self.busy(), try Self.busy(), try Self.busy(reference: true))
    a.simulation.run(until: slots(75) + .milliseconds(1_234))
    let copy = a.copy()
    for run in [a, b, slow, copy] { run.simulation.run(until: slots(32 * 7)) }
    #expect(a.simulation.digests == b.simulation.digests)
    #expect(a.simulation.digests == copy.simulation.digests)
    #expect(a.simulation.digests == slow.simulation.digests)
    #expect(a.chain.protocols.allSatisfy { $0.finalized.epoch >= 5 })
    #expect(Set(a.chain.protocols.map(\.head)).count <= 2)
    #expect(a.simulation.world.violations.isEmpty)
    #expect(a.outcome().violations.isEmpty)
  }

  @Test("attestations: one a validator and epoch, each at most 8 + 7 (m - 1) times on its topic")
  func counts() {
    let setup = GasperSetup(nodes: 40, validators: 2_048)
    let run = setup.makeRun()
    run.simulation.run(until: slots(32 * 3 + 31))
    let made = run.chain.protocols.reduce(0) { $0 + $1.attestations }
    // The slots 1...127, of 64 validators each.
    #expect(made == 127 * 64)
    let types = run.chain.traffic.types
    let singles = run.chain.traffic.counts[types.firstIndex(of: "attestation") ?? 0]
    #expect(singles > made && singles <= made * (8 + 7 * 39))
    // Blocks flood a full mesh: 39 from the maker, 38 from each other.
    #expect(run.chain.traffic.counts[2] == 127 * (39 + 39 * 38))
  }

  @Test("no event allocates: attestations, aggregates, blocks; only ends of epochs do")
  func allocations() throws {
    var stream = RandomStream(seed: 3, purpose: "links of a test")
    let topology = try Topology.randomRegular(100, degree: 8, using: &stream)
    var setup = GasperSetup(nodes: 100, validators: 8_192, topology: topology)
    setup.delay = .milliseconds(100)
    // What the runtime makes once, at a type's first use, is made by a run before.
    setup.makeRun().simulation.run(until: slots(32 * 6 + 20))
    let run = setup.makeRun()
    run.simulation.run(until: slots(32 * 6 + 2))
    let before = allocationsOfThisThread()
    // Two thirds of an epoch: then its checkpoint is justified, and its weights are taken down.
    let events = run.simulation.run(until: slots(32 * 6 + 20))
    let allocations = allocationsOfThisThread() - before
    #expect(events > 500_000)
    #expect(allocations == 0, "\(allocations) in \(events)")
    // An epoch has a state, committees with their topics, proposers and weights.
    run.simulation.run(until: slots(32 * 7 + 2))
    let inEpoch = allocationsOfThisThread() - before
    #expect(inEpoch > 0 && inEpoch < 1_000, "\(inEpoch)")
  }
}
