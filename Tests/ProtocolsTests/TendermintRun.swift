import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Protocols
import Simulation

/// A run of Tendermint with its clients.
struct TendermintRun: CommitteeRun {
  var setup = CommitteeSetup()
  var settings = TendermintRun.plainSettings

  static let sizes = Tendermint.Sizes(
    header: 24, digest: 32, signature: 64, number: 8, transaction: 0, stateFixed: 1000,
    statePerTransaction: 10)

  static let gossip = Tendermint.Gossip(
    degree: 4, successors: 1, sleep: .milliseconds(100), tick: .milliseconds(10),
    announcement: .milliseconds(20), rate: 5_120_000, part: 65_536)

  /// No costs, no wait between heights; timers long enough to stay out of the way.
  static let plainSettings = Tendermint.Settings(
    blockTransactions: 400, blockBytes: 1 << 24, proposesEmpty: false,
    propose: .init(.seconds(10), delta: .seconds(1)),
    prevote: .init(.seconds(10), delta: .seconds(1)),
    precommit: .init(.seconds(10), delta: .seconds(1)), commitTimeout: .zero,
    statusInterval: .seconds(10), syncTimeout: .seconds(1), syncWindow: 16,
    snapshotInterval: 16, retained: 64, powerRatio: 1, fullNodes: 0, dissemination: .direct,
    gossip: gossip, isDurable: false, mempool: 1 << 20, eviction: .newest, sizes: sizes,
    costs: .free, populations: 1)

  /// Settings of runs with faults: timers of some tens of milliseconds.
  static var faultySettings: Tendermint.Settings {
    var settings = plainSettings
    settings.blockTransactions = 200
    settings.propose = .init(.milliseconds(60), delta: .milliseconds(20))
    settings.prevote = .init(.milliseconds(20), delta: .milliseconds(10))
    settings.precommit = .init(.milliseconds(20), delta: .milliseconds(10))
    settings.commitTimeout = .milliseconds(10)
    settings.statusInterval = .milliseconds(100)
    settings.syncTimeout = .milliseconds(100)
    settings.gossip.sleep = .milliseconds(8)
    settings.gossip.tick = .milliseconds(2)
    settings.gossip.announcement = .milliseconds(2)
    return settings
  }

  func start() -> Simulation {
    var chain = settings
    chain.populations = setup.clientHosts
    chain.gossip.degree = min(settings.gossip.degree, setup.n - 1)
    let committee = Committee(n: setup.n - settings.fullNodes)
    var run = setup
    var roles = Roles(committee)
    roles.members = setup.n
    roles.contacts = run.roles?.contacts ?? 0..<committee.n
    roles.usesGateways = true
    run.roles = roles
    return run.start(
      (0..<setup.n).map {
        Tendermint(me: ReplicaID($0), committee: committee, settings: chain, seed: setup.seed)
      })
  }
}

extension Simulation {
  var tendermint: ReplicaGroup<Tendermint> { group(Tendermint.self) }

  /// Messages of Tendermint sent of these kinds, all in all.
  func sentByTendermint(_ kinds: [String]) -> Int { sent(kinds, of: Tendermint.self) }
}
