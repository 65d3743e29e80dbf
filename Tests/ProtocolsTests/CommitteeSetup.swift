import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Networking
import Simulation
import Workloads

/// A committee with its clients, put together from a few words: what a scenario file would say.
struct CommitteeSetup {
  /// Nodes of the chain.
  var n = 4
  var seed: UInt64 = 1
  var machine = MachineSpec.ideal
  /// Nanoseconds, one way, between all nodes.
  var delay = Distribution.constant(1e6)
  /// Region of each node of the chain, then of each client host; nil: all in one.
  var regionOf: [UInt16]?
  /// Delays between regions, row by row, in place of `delay`.
  var delays: [Distribution]?
  var transport = Transport.message
  var loss = 0.0
  var duplication = 0.0
  var stabilisation: Stabilisation?
  var partitions: [Partition] = []
  var faults: [Fault] = []
  var linkFaults: [LinkFault] = []
  var adversaries: [Adversary] = []
  /// Who executes and what counts as decided; nil: all of a Byzantine committee.
  var roles: Roles?
  /// Hosts of clients, each a population.
  var clientHosts = 1
  /// Of each host.
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

  /// What `roles` says, or the default of so many nodes.
  var effectiveRoles: Roles { roles ?? Roles(Committee(n: n)) }

  /// What a scenario would build replica `i` from.
  func context(_ i: Int, costs: CostSheet = .free, mempool: Int = 1 << 20) -> ReplicaContext {
    ReplicaContext(
      me: ReplicaID(i), committee: effectiveRoles.committee, seed: seed, costs: costs,
      mempool: Mempool(capacity: mempool, eviction: .newest, populations: clientHosts))
  }

  /// Starts a run of these replicas: subsystem 1, named `main`; 2 are its clients.
  func start<P: ConsensusProtocol>(_ replicas: [P]) -> Simulation {
    precondition(replicas.count == n, "\(replicas.count) replicas on \(n) nodes")
    let simulation = makeSimulation()
    let nodes = (0..<n).map { NodeID($0) }
    let sizes = TransactionSizes(fixed: Array(repeating: transactionBytes, count: clientHosts))
    let group = ReplicaGroup(
      index: simulation.nextIndex, name: "main", nodes: nodes,
      lanes: nodes.map { simulation.world.machines.lane(of: $0, role: 0) }, replicas: replicas,
      settings: ReplicaGroupSettings(
        replies: replies, forwardHeader: 40, sizes: sizes, decisions: decisions,
        roles: effectiveRoles, adversaries: adversaries),
      seed: seed)
    group.reserve(reserving)
    simulation.add(
      group,
      connections: ReplicaGroup<P>.connections(
        replicas: n, populations: clientHosts, twins: adversaries.twins.count),
      senders: ReplicaGroup<P>.senders(replicas: n, twins: adversaries.twins.count))
    simulation.world.decisionLogs[1].reserve(reserving)
    addClients(to: simulation, sizes)
    simulation.start()
    return simulation
  }

  private func makeSimulation() -> Simulation {
    let nodes = n + clientHosts
    var network = Network(
      regionOf: regionOf ?? Array(repeating: 0, count: nodes),
      regions: regionOf.map { Int($0.max() ?? 0) + 1 } ?? 1, delays: delays ?? [delay])
    network.transport = transport
    network.loss = loss
    network.duplication = duplication
    if let stabilisation { network.stabilisation = stabilisation }
    network.partitions = partitions
    network.linkFaults = linkFaults
    let machines = Machines(
      Array(repeating: machine, count: n) + Array(repeating: .ideal, count: clientHosts))
    let simulation = Simulation(
      world: World(
        seed: seed, machines: machines, network: network, uplink: UplinkDiscipline()),
      faults: faults)
    simulation.world.usesReferenceLanes = usesReferenceLanes
    return simulation
  }

  private func addClients(to simulation: Simulation, _ sizes: TransactionSizes) {
    let clients = simulation.nextIndex
    for h in 0..<clientHosts {
      simulation.addPopulation(
        PopulationAddress(subsystem: clients, role: UInt32(h), node: NodeID(n + h), chain: 1),
        reserving: reserving)
    }
    let roles = effectiveRoles
    simulation.add(
      ClientPopulation(
        index: clients, name: "clients",
        settings: ClientSettings(
          hosts: (0..<clientHosts).map {
            .init(
              node: NodeID(n + $0), population: UInt32($0), arrivals: arrivals)
          }, chain: 1, chainNodes: (0..<n).map { NodeID($0) },
          target: roles.usesGateways ? .gateway : target, replyQuorum: roles.replyQuorum,
          timeout: clientTimeout, bundle: bundle, header: requestHeader, sizes: sizes,
          until: until, contacts: roles.contacts), seed: seed),
      connections: clientHosts * n, senders: clientHosts)
  }
}

extension Simulation {
  /// The committee of a `CommitteeSetup`.
  func group<P: ConsensusProtocol>(_ type: P.Type) -> ReplicaGroup<P> {
    guard let group = subsystems[1] as? ReplicaGroup<P> else {
      preconditionFailure("subsystem 1 is \(subsystems[1].name)")
    }
    return group
  }

  /// Transactions that the clients submitted, and those of which they know that they are final.
  var submitted: Int { world.logs.reduce(0) { $0 + $1.count } }
  var final: Int { world.logs.reduce(0) { $0 + $1.count(.final) } }

  /// Messages sent of these kinds, all in all.
  func sent<P: ConsensusProtocol>(_ kinds: [String], of type: P.Type) -> Int {
    let traffic = group(type).traffic
    return kinds.reduce(0) { sum, kind in
      sum + (traffic.types.firstIndex(of: kind).map { traffic.counts[$0] } ?? 0)
    }
  }
}

/// A moment, in milliseconds.
func ms(_ n: Int64) -> SimTime { SimTime(nanoseconds: n * 1_000_000) }
