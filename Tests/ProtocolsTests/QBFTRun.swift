import Consensus
import Kernel
import Ledger
import Machines
import Protocols
import Simulation

/// A run of a protocol of the Istanbul family with its clients.
struct IstanbulRun<Rules: IstanbulRules>: CommitteeRun {
  var setup = CommitteeSetup()
  var settings = IstanbulRun.plainSettings

  static var sizes: IstanbulSettings.Sizes {
    IstanbulSettings.Sizes(
      header: 24, digest: 32, signature: 65, block: 500, validator: 20, stateFixed: 1000,
      statePerTransaction: 10)
  }

  /// No costs; a block every second, rounds of four.
  static var plainSettings: IstanbulSettings {
    IstanbulSettings(
      blockPeriod: .seconds(1), requestTimeout: .seconds(4), blockRequests: 400,
      blockBytes: 1 << 30, clockTolerance: .zero, syncTimeout: .milliseconds(100), window: 64,
      pushesBlocks: false, verifiesRequests: false, isDurable: false, mempool: 1 << 20,
      eviction: .newest, sizes: sizes, costs: .free, populations: 1)
  }

  /// Settings of runs with faults: a block every 40 ms, rounds of 100 ms.
  static var faultySettings: IstanbulSettings {
    var settings = plainSettings
    settings.blockPeriod = .milliseconds(40)
    settings.requestTimeout = .milliseconds(100)
    settings.syncTimeout = .milliseconds(20)
    settings.window = 8
    return settings
  }

  func start() -> Simulation {
    var chain = settings
    chain.populations = setup.clientHosts
    let committee = Committee(n: setup.n)
    return setup.start(
      (0..<setup.n).map {
        Istanbul<Rules>(me: ReplicaID($0), committee: committee, settings: chain)
      })
  }
}

typealias QBFTRun = IstanbulRun<QBFTRules>
typealias IBFT2Run = IstanbulRun<IBFT2Rules>
