import Consensus
import Kernel
import Ledger
import Machines
import Networking
import Protocols
import Simulation

/// A beacon chain for tests: nodes with equal numbers of validators on a topology.
struct GasperSetup {
  var nodes = 4
  var settings = Gasper.Settings()
  var delay = SimDuration.zero
  /// Of delays, instead of the constant.
  var law: Distribution?
  var chain: ChainSetup

  /// - Parameter topology: nil: every node is linked to every other.
  init(nodes: Int, validators: Int, topology: Topology? = nil) {
    self.nodes = nodes
    settings.validators = validators
    settings.rewards.largest = settings.rewards.initial
    settings.shuffleRounds = 10
    chain = ChainSetup(topology: topology ?? mesh(nodes), blocks: .flood)
    chain.settings.relays = .valid
    chain.settings.retained = 128
  }

  func makeRun(seed: UInt64 = 1) -> ChainRun<Gasper> {
    var chain = chain
    chain.delay = law ?? .constant(Double(delay.nanoseconds))
    let starts = Gasper.split(
      settings.validators, shares: Array(repeating: 1 / Double(nodes), count: nodes),
      adversary: settings.adversary)
    return chain.makeRun(
      seed: seed, genesis: BlockArena(),
      protocols: (0..<nodes).map {
        Gasper(settings: settings, me: $0, firstValidator: starts, seed: seed)
      })
  }
}

/// Nanoseconds of so many slots of 12 s.
func slots(_ count: Int) -> SimTime { SimTime(nanoseconds: Int64(count) * 12_000_000_000) }
