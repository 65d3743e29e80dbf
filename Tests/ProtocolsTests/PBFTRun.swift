import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Workloads

/// A run of PBFT with its clients, put together from a few words.
struct PBFTRun {
  var n = 4
  var seed: UInt64 = 1
  var settings = PBFTRun.plainSettings
  var machine = MachineSpec.ideal
  /// Nanoseconds, one way, between all nodes.
  var delay = Distribution.constant(1e6)
  var loss = 0.0
  var partitions: [Partition] = []
  var faults: [Fault] = []
  /// Hosts of clients, each a population.
  var clientHosts = 1
  var arrivals = Arrivals.poisson(rate: 100)
  var target = ClientSettings.Target.proposer
  var clientTimeout = SimDuration.seconds(1)
  var bundle = 1
  var transactionBytes = 100
  var requestHeader = 0
  var replies = Replies(path: .shared, header: 0, result: 100)
  /// Clients submit until then.
  var until = SimTime.never
  var decisions: Int?
  var usesReferenceLanes = false
  var reserving = 0

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
    let nodes = n + clientHosts
    var network = Network(
      regionOf: Array(repeating: 0, count: nodes), regions: 1, delays: [delay])
    network.loss = loss
    network.partitions = partitions
    let machines = Machines(
      Array(repeating: machine, count: n) + Array(repeating: .ideal, count: clientHosts))
    let replicaNodes = (0..<n).map { NodeID($0) }
    let lanes = replicaNodes.map { machines.lane(of: $0, role: 0) }
    let simulation = Simulation(
      world: World(
        seed: seed, machines: machines, network: network, uplink: UplinkDiscipline()),
      faults: faults)
    simulation.world.usesReferenceLanes = usesReferenceLanes
    var chain = settings
    chain.populations = clientHosts
    let committee = Committee(n: n)
    let transactionSizes = TransactionSizes(
      fixed: Array(repeating: transactionBytes, count: clientHosts))
    let group = ReplicaGroup(
      index: simulation.nextIndex, name: "main", nodes: replicaNodes, lanes: lanes,
      replicas: (0..<n).map { PBFT(me: ReplicaID($0), committee: committee, settings: chain) },
      settings: ReplicaGroupSettings(
        replies: replies, forwardHeader: 40, sizes: transactionSizes, decisions: decisions),
      seed: seed)
    group.reserve(reserving)
    simulation.add(
      group,
      connections: ReplicaGroup<PBFT>.connections(replicas: n, populations: clientHosts),
      senders: ReplicaGroup<PBFT>.senders(replicas: n))
    simulation.world.decisionLogs[1].reserve(reserving)
    let clients = simulation.nextIndex
    for h in 0..<clientHosts {
      simulation.addPopulation(
        PopulationAddress(subsystem: clients, role: UInt32(h), node: NodeID(n + h)),
        reserving: reserving)
    }
    simulation.add(
      ClientPopulation(
        index: clients, name: "clients",
        settings: ClientSettings(
          hosts: (0..<clientHosts).map {
            .init(node: NodeID(n + $0), population: UInt32($0), arrivals: arrivals)
          }, chain: 1, chainNodes: replicaNodes, target: target,
          replyQuorum: committee.weakQuorum, timeout: clientTimeout, bundle: bundle,
          header: requestHeader, sizes: transactionSizes, until: until), seed: seed),
      connections: clientHosts * n, senders: clientHosts)
    simulation.start()
    return simulation
  }
}

extension Simulation {
  var pbft: ReplicaGroup<PBFT> {
    guard let group = subsystems[1] as? ReplicaGroup<PBFT> else {
      preconditionFailure("subsystem 1 is \(subsystems[1].name)")
    }
    return group
  }

  /// Transactions that the clients submitted, and those of which they know that they are final.
  var submitted: Int { world.logs.reduce(0) { $0 + $1.count } }
  var final: Int { world.logs.reduce(0) { $0 + $1.count(.final) } }

  /// Messages sent of the three phases, by name, and of all other kinds of the protocol.
  func sent(_ kinds: [String]) -> Int {
    let traffic = pbft.traffic
    return kinds.reduce(0) { sum, kind in
      sum + (traffic.types.firstIndex(of: kind).map { traffic.counts[$0] } ?? 0)
    }
  }
}
