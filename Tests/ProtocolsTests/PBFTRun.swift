import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Protocols
import Simulation

/// A run of PBFT with its clients.
struct PBFTRun: CommitteeRun {
  var setup = CommitteeSetup()
  var settings = PBFTRun.plainSettings

  static let sizes = PBFT.Sizes(
    header: 24, number: 8, digest: 32, signature: 64, mac: 8, request: 0, stateFixed: 1000,
    statePerTransaction: 10)

  /// No costs, no batching; timers long enough to stay out of the way.
  static let plainSettings = PBFT.Settings(
    batchRequests: 400, batchBytes: 1 << 30, batchTimeout: .zero, pipeline: 1,
    checkpointInterval: 128, window: 256, viewTimeout: .seconds(10),
    statusInterval: .seconds(10), transferTimeout: .seconds(1), authentication: .signatures,
    verifiesRequests: false, skipsLateVotes: false, isDurable: false, mempool: 1 << 20,
    eviction: .newest, sizes: sizes, costs: .free, populations: 1)

  /// Settings of runs with faults: timers of a hundred milliseconds, checkpoints every 8 slots.
  static var faultySettings: PBFT.Settings {
    var settings = plainSettings
    settings.batchRequests = 50
    settings.pipeline = 8
    settings.checkpointInterval = 8
    settings.window = 16
    settings.viewTimeout = .milliseconds(200)
    settings.statusInterval = .milliseconds(100)
    settings.transferTimeout = .milliseconds(100)
    return settings
  }

  func start() -> Simulation {
    var chain = settings
    chain.populations = setup.clientHosts
    let committee = Committee(n: setup.n)
    return setup.start(
      (0..<setup.n).map { PBFT(me: ReplicaID($0), committee: committee, settings: chain) })
  }
}

extension Simulation {
  var pbft: ReplicaGroup<PBFT> { group(PBFT.self) }

  /// Messages sent of these kinds, all in all.
  func sent(_ kinds: [String]) -> Int { sent(kinds, of: PBFT.self) }
}
