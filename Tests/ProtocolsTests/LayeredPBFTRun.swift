import Consensus
import Kernel
import Machines
import Metrics
import Protocols
import Simulation

/// A run of layered PBFT with its clients.
struct LayeredPBFTRun: CommitteeRun {
  var setup = CommitteeSetup()
  var layers: Layers
  var settings: LayeredPBFT.Settings

  init(_ layers: Layers) {
    self.layers = layers
    settings = LayeredPBFT.Settings(
      layers: layers, upward: .certificate, groupTimeout: .seconds(5),
      ordering: Self.plainOrdering)
    setup.n = layers.nodes
    setup.roles = LayeredPBFT.roles(layers)
  }

  /// No costs, no batching; timers long enough to stay out of the way.
  static let plainOrdering = PBFT.Settings(
    batchRequests: 400, batchBytes: 1 << 30, batchTimeout: .zero, pipeline: 1,
    checkpointInterval: 128, window: 256, viewTimeout: .seconds(10),
    statusInterval: .seconds(10), transferTimeout: .seconds(1), authentication: .signatures,
    verifiesRequests: false, skipsLateVotes: false, isDurable: false, mempool: 1 << 20,
    eviction: .newest,
    sizes: PBFT.Sizes(
      header: 24, number: 8, digest: 32, signature: 64, mac: 8, request: 0, stateFixed: 1000,
      statePerTransaction: 10), costs: .free, populations: 1)

  /// Open-loop clients, a full pipeline, exponential delays around 1 ms, checkpoints every 8 slots.
  static func faulty(_ layers: Layers, seed: UInt64) -> LayeredPBFTRun {
    var run = LayeredPBFTRun(layers)
    run.seed = seed
    run.settings.groupTimeout = .milliseconds(250)
    run.settings.ordering.batchRequests = 50
    run.settings.ordering.pipeline = 8
    run.settings.ordering.checkpointInterval = 8
    run.settings.ordering.window = 16
    run.settings.ordering.viewTimeout = .milliseconds(1000)
    run.settings.ordering.statusInterval = .milliseconds(100)
    run.settings.ordering.transferTimeout = .milliseconds(100)
    run.delay = .exponential(mean: 1e6)
    run.clientHosts = 3
    run.arrivals = .poisson(rate: 300)
    run.bundle = 2
    run.clientTimeout = .milliseconds(150)
    run.until = SimTime(nanoseconds: 1_500_000_000)
    return run
  }

  func replicas() -> [LayeredPBFT] {
    var settings = settings
    settings.ordering.populations = setup.clientHosts
    return (0..<setup.n).map { LayeredPBFT(me: ReplicaID($0), settings: settings) }
  }

  func start() -> Simulation { setup.start(replicas()) }
}

extension Simulation {
  var layered: ReplicaGroup<LayeredPBFT> { group(LayeredPBFT.self) }
}
