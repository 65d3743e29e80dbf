import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Protocols
import Simulation
import Testing

/// A run of Narwhal with its clients.
struct NarwhalRun<Rule: OrderingRule>: CommitteeRun {
  var setup = CommitteeSetup()
  var settings = narwhalSettings
  /// Validators that lie, and how.
  var liars: [Int: NarwhalSettings.Deceit] = [:]
  /// Validators.
  var validators = 4

  init() {}

  func start() -> Simulation {
    var chain = settings
    chain.populations = setup.clientHosts
    chain.seed = setup.seed
    let committee = Committee(n: validators)
    var run = setup
    run.n = chain.placement == .collocated ? validators : validators * (1 + chain.workers)
    var roles = Roles(committee)
    roles.contacts = chain.placement == .collocated ? 0..<validators : validators..<run.n
    roles.usesGateways = true
    run.roles = roles
    return run.start(
      (0..<run.n).map { i in
        var own = chain
        own.deceit = liars[i] ?? []
        return Narwhal<Rule>(me: ReplicaID(i), committee: committee, settings: own)
      })
  }
}

/// No costs; headers every 10 ms, batches every 5 ms.
let narwhalSettings = NarwhalSettings(
  workers: 1, placement: .collocated, batchBytes: 500_000, batchDelay: .milliseconds(5),
  headerBytes: 1000, headerDelay: .milliseconds(10), gcDepth: 50, retryDelay: .seconds(10),
  retryNodes: 3, leaderTimeout: .seconds(5), batchVerification: 0.5, storeWork: .zero,
  requestWork: .zero, isDurable: false, mempool: 1 << 20, eviction: .newest,
  sizes: .init(
    header: 60, number: 8, digest: 32, signature: 64, key: 32, request: 8, stateFixed: 1000,
    statePerTransaction: 10), costs: .free, populations: 1, seed: 1)

extension Simulation {
  func narwhal<Rule>(_ rule: Rule.Type) -> ReplicaGroup<Narwhal<Rule>> { group(Narwhal<Rule>.self) }
}
