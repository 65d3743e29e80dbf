import Consensus
import Kernel
import Ledger
import Machines
import Protocols
import Simulation

/// A run of Algorand with its clients.
struct AlgorandRun: CommitteeRun {
  var setup = CommitteeSetup()
  var settings = AlgorandRun.plainSettings

  init(n: Int = 10, seed: UInt64 = 1) {
    setup.n = n
    setup.seed = seed
    setup.target = .gateway
  }

  /// The constants of go-algorand; no costs.
  static var plainSettings: AlgorandSettings {
    AlgorandSettings(
      committees: .init(
        proposers: 20, soft: (2990, 2267), cert: (1500, 1112), next: (5000, 3838),
        late: (500, 320), redo: (2400, 1768), down: (6000, 4560)),
      totalStake: 10_000_000_000, stakeExponent: 0, filterTimeout: .seconds(3),
      deadlineTimeout: .seconds(4), lambda: .seconds(2), bigLambda: .seconds(15),
      fastRecovery: .seconds(300), adaptsFilter: false, dynamicFilterBound: .milliseconds(2500),
      dynamicFilterGrace: .milliseconds(50), blockTransactions: 25_000, blockBytes: 5_242_880,
      syncTimeout: .milliseconds(500), window: 64, verifiesRequests: false, isDurable: false,
      prove: .zero, checkProof: .zero, mempool: 1 << 20, eviction: .newest,
      sizes: .init(header: 60, vote: 500, block: 600, stateFixed: 1000, statePerTransaction: 10),
      costs: .free, populations: 1, genesis: 1)
  }

  /// All timeouts 100 times shorter.
  static var quickSettings: AlgorandSettings {
    var settings = plainSettings
    settings.filterTimeout = .milliseconds(30)
    settings.deadlineTimeout = .milliseconds(40)
    settings.lambda = .milliseconds(20)
    settings.bigLambda = .milliseconds(150)
    settings.fastRecovery = .seconds(3)
    settings.dynamicFilterBound = .milliseconds(25)
    settings.dynamicFilterGrace = .microseconds(500)
    settings.syncTimeout = .milliseconds(10)
    settings.window = 8
    return settings
  }

  /// Quick, with exponential delays around 2 ms and open-loop clients.
  static func faulty(n: Int = 10, seed: UInt64) -> AlgorandRun {
    var run = AlgorandRun(n: n, seed: seed)
    run.settings = quickSettings
    run.delay = .exponential(mean: 2e6)
    run.clientHosts = 3
    run.arrivals = .poisson(rate: 300)
    run.clientTimeout = .milliseconds(300)
    run.until = SimTime(nanoseconds: 1_500_000_000)
    return run
  }

  func start() -> Simulation {
    var chain = settings
    chain.populations = setup.clientHosts
    chain.genesis = setup.seed
    let committee = Committee(n: setup.n)
    return setup.start(
      (0..<setup.n).map { Algorand(me: ReplicaID($0), committee: committee, settings: chain) })
  }
}
