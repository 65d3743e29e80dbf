import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Workloads

/// A chain on a network, ready to run: what a scenario file would say, for tests.
struct ChainRun<P: ChainProtocol> {
  let simulation: Simulation
  let chainIndex: Int

  var chain: Blockchain<P> {
    guard let chain = simulation.subsystems[chainIndex] as? Blockchain<P> else {
      preconditionFailure("subsystem \(chainIndex) is another")
    }
    return chain
  }

  /// The same run, going on by itself.
  func copy() -> ChainRun { ChainRun(simulation: simulation.copy(), chainIndex: chainIndex) }

  func outcome() -> Outcome {
    var outcome = Outcome()
    for subsystem in simulation.subsystems.dropFirst() {
      subsystem.report(to: &outcome, simulation.world)
    }
    return outcome
  }
}

/// What tests vary.
struct ChainSetup {
  var topology: Topology
  var delay = Distribution.constant(0)
  /// Delays between regions, by region of the sender, then of the receiver; nil: `delay`.
  var regions: Regions?
  var settings: BlockchainSettings
  var machines: MachineSpec = .ideal
  var faults: [Fault] = []
  var partitions: [Partition] = []
  var linkFaults: [LinkFault] = []
  var clients: Clients?
  var usesReferenceLanes = false

  struct Regions {
    var of: [UInt16]
    var delays: [Distribution]
  }

  struct Clients {
    /// Transactions per second of each host, and how many hosts there are.
    var rate: Double
    var hosts: Int
    var bundle = 1
    var timeout = SimDuration.seconds(1_000_000)
    var until = SimTime.never
  }

  init(topology: Topology, blocks: Dissemination = .announce) {
    self.topology = topology
    settings = BlockchainSettings(
      topology: topology, blocks: blocks, transactions: blocks, links: .machines,
      relay: .afterBody, relays: .adopted, skipsAnnouncers: true,
      sizes: DisseminationSizes(
        inv: 61, getData: 61, blockHeader: 80, getTransactions: 61, transactionsHeader: 40,
        getBlocks: 1000, inventoryHeader: 24, inventoryEntry: 36, bundleHeader: 24),
      costs: .free, transactionSizes: TransactionSizes(fixed: []),
      replies: Replies(path: .separate, header: 100, result: 10), blockCapacity: 1_000_000,
      blockFiller: 0, mempool: 1_000_000, eviction: .newest, requestTimeout: nil, syncPeers: 2,
      inventoryLimit: 500, retained: 10)
  }

  func makeRun<P: ChainProtocol>(seed: UInt64, genesis: BlockArena, protocols: [P]) -> ChainRun<P> {
    let n = protocols.count
    let regionOf = regions?.of ?? Array(repeating: 0, count: n)
    var network = Network(
      regionOf: regionOf, regions: Int(regionOf.max() ?? 0) + 1, delays: regions?.delays ?? [delay])
    network.partitions = partitions
    network.linkFaults = linkFaults
    var world = World(
      seed: seed, machines: Machines(Array(repeating: machines, count: n)), network: network,
      uplink: UplinkDiscipline())
    world.usesReferenceLanes = usesReferenceLanes
    let hosts = clients?.hosts ?? 0
    for h in 0..<hosts {
      world.addPopulation(
        PopulationAddress(subsystem: 2, role: UInt32(h), node: NodeID(h % n)))
    }
    let simulation = Simulation(world: world, faults: faults)
    var settings = settings
    settings.transactionSizes = TransactionSizes(fixed: Array(repeating: 250, count: hosts))
    let chain = Blockchain(
      index: 1, name: "chain", nodes: (0..<n).map { NodeID($0) },
      lanes: (0..<n).map { simulation.world.machines.lane(of: NodeID($0), role: 0) },
      protocols: protocols, genesis: genesis, settings: settings, seed: seed)
    simulation.add(
      chain,
      connections: Blockchain<P>.connections(of: topology, populations: hosts),
      senders: Blockchain<P>.senders(nodes: n))
    if let clients {
      let population = ClientPopulation(
        index: 2, name: "clients",
        settings: ClientSettings(
          hosts: (0..<hosts).map {
            .init(
              node: NodeID($0 % n), population: UInt32($0),
              arrivals: .poisson(rate: clients.rate))
          },
          chain: 1, chainNodes: (0..<n).map { NodeID($0) }, target: .gateway, replyQuorum: 1,
          timeout: clients.timeout, bundle: clients.bundle, header: 40,
          sizes: settings.transactionSizes, until: clients.until),
        seed: seed)
      simulation.add(population, connections: hosts * n, senders: hosts)
    }
    simulation.start()
    return ChainRun(simulation: simulation, chainIndex: 1)
  }
}

/// Every node linked to every other.
func mesh(_ nodes: Int) -> Topology {
  var edges: [(Int, Int)] = []
  for a in 0..<nodes { for b in a + 1..<max(nodes, a + 1) { edges.append((a, b)) } }
  return Topology(nodes: nodes, edges: edges)
}

/// A ring, and links across it, so that there are several ways.
func chordRing(_ nodes: Int, chord: Int) -> Topology {
  var edges: [(Int, Int)] = []
  for a in 0..<nodes { edges.append((a, (a + 1) % nodes)) }
  for a in 0..<nodes { edges.append((a, (a + chord) % nodes)) }
  return Topology(nodes: nodes, edges: edges)
}

/// Equal miners that together find a block each interval.
func miners(
  _ count: Int, interval: SimDuration, confirmations: Int = 1, retarget: Int? = nil
) -> [Nakamoto] {
  let settings = Nakamoto.Settings(
    interval: interval, confirmations: confirmations, retarget: retarget)
  return (0..<count).map { _ in Nakamoto(settings: settings, hashRate: 1 / Double(count)) }
}
