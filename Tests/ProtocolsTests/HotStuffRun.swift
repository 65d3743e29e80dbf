import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Protocols
import Simulation

/// A run of HotStuff or Jolteon with its clients.
struct HotStuffRun<Rule: ChainRule>: CommitteeRun {
  typealias Replica = ChainedHotStuff<Rule>

  var setup = CommitteeSetup()
  var settings: HotStuffSettings

  init(_ settings: HotStuffSettings = .plain) { self.settings = settings }

  func start() -> Simulation {
    var chain = settings
    var setup = setup
    chain.populations = setup.clientHosts
    let committee = Committee(n: setup.n)
    if setup.roles == nil {
      var roles = Roles(committee)
      roles.usesGateways =
        chain.dissemination != .none || chain.leaderViews < HotStuffSettings.stableViews
      setup.roles = roles
    }
    return setup.start(
      (0..<setup.n).map {
        Replica(me: ReplicaID($0), committee: committee, settings: chain)
      })
  }
}

extension HotStuffSettings {
  static let testSizes = Sizes(
    header: 24, number: 8, digest: 32, signature: 64, signer: 2, request: 0, stateFixed: 1000,
    statePerTransaction: 10)

  /// No costs, no waiting for batches; timers long enough to stay out of the way.
  static let plain = HotStuffSettings(
    batchRequests: 400, batchBytes: 1 << 30, batchTimeout: .zero, idleInterval: .seconds(2),
    leaderViews: stableViews, viewTimeout: .seconds(10), doublings: 16, syncInterval: .seconds(1),
    window: 256, checkpointInterval: 128, dissemination: .none, blockBatches: 100,
    certificates: .list, verifiesRequests: false, skipsLateVotes: true, isDurable: false,
    mempool: 1 << 20, eviction: .newest, sizes: testSizes, costs: .free, populations: 1)

  /// Settings of runs with faults: timers of a hundred milliseconds, snapshots every 8 blocks.
  static var faulty: HotStuffSettings {
    var settings = plain
    settings.batchRequests = 100
    settings.idleInterval = .milliseconds(5)
    settings.viewTimeout = .milliseconds(60)
    settings.syncInterval = .milliseconds(30)
    settings.window = 16
    settings.checkpointInterval = 8
    return settings
  }

  /// The same with a leader for `views` views and, if so, batches ahead of ordering.
  static func faulty(views: Int, _ dissemination: Dissemination = .none) -> HotStuffSettings {
    var settings = faulty
    settings.leaderViews = views
    settings.dissemination = dissemination
    if dissemination != .none { settings.batchTimeout = .milliseconds(5) }
    return settings
  }
}
