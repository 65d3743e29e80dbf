import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Protocols
import Simulation

/// A run of a RapidChain committee with its clients.
struct RapidChainRun: CommitteeRun {
  var setup = CommitteeSetup()
  var settings = RapidChainRun.plainSettings

  init(n: Int = 5, seed: UInt64 = 1) {
    setup.n = n
    setup.seed = seed
    setup.roles = RapidChain.roles(ParameterValues(defaults: RapidChain.parameters), nodes: n)
  }

  static let sizes = RapidChain.Sizes(
    message: 20, header: 80, digest: 32, signature: 64, number: 8, request: 0, stateFixed: 1000,
    statePerTransaction: 10)

  /// No costs; rounds of 10 ms on links of 1 ms, so that an iteration takes 60 ms.
  static let plainSettings = RapidChain.Settings(
    blockTransactions: 100, blockBytes: 1 << 30, delta: .milliseconds(10),
    gossipTime: .milliseconds(20), overlaps: false,
    gossip: .init(chunks: 12, parity: 6, degree: 4), proof: .echoes, verifiesRequests: false,
    retained: 16, catchUpBlocks: 4, catchUpTimeout: .milliseconds(50), sizes: sizes, costs: .free,
    encoding: .zero, decoding: .zero,
    mempool: Mempool(capacity: 1 << 20, eviction: .newest, populations: 1), seed: 0)

  func start() -> Simulation {
    var chain = settings
    chain.seed = setup.seed
    chain.mempool = Mempool(
      capacity: 1 << 20, eviction: .newest, populations: setup.clientHosts)
    let committee = setup.effectiveRoles.committee
    return setup.start(
      (0..<setup.n).map { RapidChain(me: ReplicaID($0), committee: committee, settings: chain) })
  }
}

extension Simulation {
  var rapidChain: ReplicaGroup<RapidChain> { group(RapidChain.self) }
  func sentRC(_ kinds: [String]) -> Int { sent(kinds, of: RapidChain.self) }
}
