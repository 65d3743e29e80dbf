import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Protocols
import Simulation

/// A run of Snowman with its clients.
struct SnowmanRun: CommitteeRun {
  var setup = CommitteeSetup()
  var settings = SnowmanRun.plainSettings

  init() {
    setup.target = .gateway
    setup.clientTimeout = .seconds(30)
  }

  /// What a scenario would say without a word, but no costs, no waiting between blocks, no lists
  /// of proposers.
  static var plainSettings: Snowman.Settings {
    let setup = CommitteeSetup()
    var settings = Snowman.Settings(ParameterValues(defaults: Snowman.parameters), setup.context(0))
    settings.blockDelay = .zero
    settings.window = .zero
    settings.blockRequests = 400
    settings.isDurable = false
    settings.verifiesRequests = false
    settings.gossipInterval = .seconds(1000)
    settings.queryTimeout = .milliseconds(500)
    settings.fetchTimeout = .milliseconds(500)
    return settings
  }

  /// Small samples and short timers, for small committees with faults.
  static func faultySettings(_ n: Int) -> Snowman.Settings {
    var settings = plainSettings
    settings.sample = n - 1
    settings.alphaPreference = (n - 1) / 2 + 1
    settings.alphaConfidence = settings.alphaPreference
    settings.queryTimeout = .milliseconds(20)
    settings.fetchTimeout = .milliseconds(20)
    settings.gossipInterval = .milliseconds(100)
    settings.blockDelay = .milliseconds(5)
    settings.window = .milliseconds(100)
    settings.proposers = 4
    settings.clockTolerance = .milliseconds(100)
    settings.retained = 16
    return settings
  }

  func start() -> Simulation {
    var chain = settings
    chain.populations = setup.clientHosts
    chain.seed = setup.seed
    let committee = Committee(n: setup.n)
    var placed = setup
    var roles = Roles(committee)
    roles.tolerated = 0
    roles.executions = setup.n
    roles.replyQuorum = 1
    roles.usesGateways = true
    if placed.roles == nil { placed.roles = roles }
    return placed.start(
      (0..<setup.n).map { Snowman(me: ReplicaID($0), committee: committee, settings: chain) })
  }
}

extension Simulation {
  var snowman: ReplicaGroup<Snowman> { group(Snowman.self) }
}

func milliseconds(_ t: Int64) -> SimTime { SimTime(nanoseconds: t * 1_000_000) }
