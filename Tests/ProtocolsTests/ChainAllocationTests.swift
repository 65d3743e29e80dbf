import CAllocationCounter
import Consensus
import Kernel
import Ledger
import Machines
import Networking
import Protocols
import Simulation
import Testing

@Suite("Chains that spread blocks, in steady state")
struct ChainAllocationTests {
  /// Allocations and steps in the last part of a run of forty nodes with processors and links.
  static func allocations<P: ChainProtocol>(
    genesis: BlockArena, protocols: [P], relays: BlockchainSettings.Relays = .adopted,
    delay: Double = 1e8
  ) throws -> (allocations: UInt64, events: Int) {
    var stream = RandomStream(seed: 3, purpose: "links of a test")
    let topology = try Topology.randomRegular(protocols.count, degree: 6, using: &stream)
    var setup = ChainSetup(topology: topology)
    setup.delay = .exponential(mean: delay)
    setup.machines = MachineSpec(processor: .init(cores: 4), uplink: 1e8, downlink: 1e8)
    setup.settings.costs.message = .microseconds(5)
    setup.settings.blockFiller = 100_000
    setup.settings.relays = relays
    let run = setup.makeRun(seed: 3, genesis: genesis, protocols: protocols)
    run.chain.reserve(blocks: 20_000, parts: 20_000)
    run.simulation.world.decisionLogs[1].reserve(20_000)
    run.simulation.run(until: SimTime(nanoseconds: 30_000_000_000_000))
    let before = allocationsOfThisThread()
    let events = run.simulation.run(until: SimTime(nanoseconds: 40_000_000_000_000))
    return (allocationsOfThisThread() - before, events)
  }

  @Test("Nakamoto allocates nothing")
  func nakamoto() throws {
    let settings = Nakamoto.Settings(interval: .seconds(20), confirmations: 6)
    let nodes = (0..<40).map { _ in Nakamoto(settings: settings, hashRate: 1.0 / 40) }
    let result = try Self.allocations(genesis: Nakamoto.genesis(), protocols: nodes)
    #expect(result.events > 50_000)
    #expect(result.allocations == 0)
  }

  @Test("Praos allocates nothing")
  func praos() throws {
    let settings = Praos.Settings(
      f: 0.05, slot: .seconds(1), epoch: 4000, nonceSlots: 2000, k: 50, confirmations: 6,
      ties: .lowestOutput, clockSkew: .zero, prove: .microseconds(80),
      checkProof: .microseconds(130), sign: .microseconds(30), checkSignature: .microseconds(60))
    let nodes = (0..<40).map {
      Praos(settings: settings, stake: Stake(1.0 / 40), stakeholder: $0, seed: 3)
    }
    let result = try Self.allocations(genesis: Praos.genesis(seed: 3), protocols: nodes)
    #expect(result.events > 50_000)
    #expect(result.allocations == 0)
  }
}
