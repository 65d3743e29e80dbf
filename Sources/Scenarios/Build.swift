import Kernel
import Ledger
import Machines
import Metrics
import Networking
import Simulation
import Workloads

extension Scenario {
  /// Seed of replication `index`: common to all points of a sweep, so that they are compared on
  /// the same random streams.
  public func seed(ofReplication index: Int) -> UInt64 {
    var digest = RunDigest(seed)
    digest.fold(UInt64(index))
    return digest.value
  }

  /// Builds the run with the given seed, ready to start.
  public func makeSimulation(seed: UInt64) -> Simulation {
    let clients = populations()
    let nodeCount = network.nodeCount
    let run = Simulation(
      world: makeWorld(seed: seed, clients: clients), faults: nodeFaults())
    for client in clients {
      run.world.addPopulation(
        PopulationAddress(
          subsystem: client.subsystem, role: UInt32(client.role), node: client.node,
          chain: UInt16(client.chain + 1)))
    }
    let sizes = TransactionSizes(clients.map(\.plan.transactionSize), seed: seed)
    var roles = [Int](repeating: 0, count: nodeCount)
    var built: [BuiltChain] = []
    for chain in chains {
      let nodes = (0..<chain.nodes).map { NodeID($0) }
      let lanes = nodes.map { node -> Int in
        let i = Int(node.index)
        defer { roles[i] += 1 }
        return run.world.machines.lane(of: node, role: roles[i])
      }
      let subsystem = chain.consensus.entry.build(
        ChainBlueprint(
          index: run.nextIndex, plan: chain, nodes: nodes, lanes: lanes, costs: machines.costs,
          sizes: sizes, decisions: horizon.decisions, seed: seed))
      run.add(
        subsystem.subsystem, connections: subsystem.connections, senders: subsystem.senders)
      built.append(subsystem)
    }
    for (c, chain) in chains.enumerated() {
      let hosts = clients.filter { $0.chain == c }
      guard let plan = chain.workload, !hosts.isEmpty else { continue }
      let settings = ClientSettings(
        hosts: hosts.map { ClientSettings.Host(
          node: $0.node, population: UInt32($0.population), arrivals: $0.arrivals) },
        chain: UInt16(c + 1), chainNodes: (0..<chain.nodes).map { NodeID($0) },
        target: built[c].usesGateways ? .gateway : plan.submitsToAll ? .everyone : .proposer,
        replyQuorum: built[c].replyQuorum, timeout: plan.timeout, bundle: plan.bundle,
        header: plan.header, sizes: sizes, until: .zero + horizon.atMost)
      run.add(
        ClientPopulation(
          index: run.nextIndex, name: "\(chain.name).clients", settings: settings, seed: seed),
        connections: hosts.count * chain.nodes, senders: hosts.count)
    }
    return run
  }
}

/// A client host of a run.
struct PlannedHost {
  var chain: Int
  /// Index of the population's subsystem, and the host's role in it.
  var subsystem: UInt16
  var role: Int
  var population: Int
  var node: NodeID
  var region: UInt16
  var arrivals: Arrivals
  var plan: WorkloadPlan
}

extension Scenario {
  /// The client hosts of all chains, on nodes of their own behind the replicas' nodes.
  func populations() -> [PlannedHost] {
    var hosts: [PlannedHost] = []
    var subsystem = chains.count + 1
    for (c, chain) in chains.enumerated() {
      guard let plan = chain.workload else { continue }
      for role in 0..<plan.hosts {
        // Hosts are spread over the nodes' regions: host h stands beside node h * n / hosts.
        let beside = role * chain.nodes / plan.hosts
        hosts.append(
          PlannedHost(
            chain: c, subsystem: UInt16(subsystem), role: role, population: hosts.count,
            node: NodeID(network.nodeCount + hosts.count), region: network.regionOf[beside],
            arrivals: plan.arrivals.share(role, of: plan.hosts), plan: plan))
      }
      subsystem += 1
    }
    return hosts
  }

  private func makeWorld(seed: UInt64, clients: [PlannedHost]) -> World {
    var clock = RandomStream(seed: seed, purpose: "clocks")
    var specs: [MachineSpec] = []
    for i in 0..<network.nodeCount {
      let offset = machines.clockOffset.sample(using: &clock)
      let drift = machines.clockDrift.sample(using: &clock)
      specs.append(
        MachineSpec(
          processor: machines.processors[i], uplink: network.uplinks[i],
          downlink: network.downlinks[i], disk: machines.disks[i],
          clockOffset: SimDuration(nanoseconds: Int64(offset.rounded())),
          clockDrift: drift * 1e6))
    }
    specs += clients.map { _ in MachineSpec.ideal }
    var links = Network(
      regionOf: network.regionOf + clients.map(\.region), regions: network.regionNames.count,
      delays: network.delays, transport: network.transport)
    links.loss = network.loss
    links.duplication = network.duplication
    links.reorders = network.reorders
    links.jitter = network.jitter
    links.stabilisation = network.stabilisation
    links.partitions = partitions(clients: clients.count)
    return World(
      seed: seed, machines: Machines(specs), network: links,
      uplink: UplinkDiscipline(
        chunk: network.uplinkDiscipline.chunk, urgentFirst: network.uplinkDiscipline.urgentFirst))
  }

  /// Partitions of the scenario; clients are on the side of the first part.
  private func partitions(clients: Int) -> [Partition] {
    faults.compactMap { fault in
      guard case .partition(let parts, let isOneWay) = fault.kind else { return nil }
      var side = [UInt8](repeating: UInt8(parts.count), count: network.nodeCount)
      for (p, part) in parts.enumerated() {
        for range in part { for node in range { side[node] = UInt8(p) } }
      }
      return Partition(
        from: fault.time, until: fault.duration.map { fault.time + $0 } ?? .never,
        side: side + [UInt8](repeating: 0, count: clients), isOneWay: isOneWay)
    }
  }

  private func nodeFaults() -> [Fault] {
    faults.compactMap { fault in
      switch fault.kind {
      case .crash(let node, let keepsDisk):
        Fault(
          at: fault.time,
          .crash(.node(NodeID(node)), downTime: fault.duration, keepsDisk: keepsDisk))
      case .crashProposer(let name, let keepsDisk):
        Fault(
          at: fault.time,
          .crash(
            .proposer(subsystem: UInt16((chains.firstIndex { $0.name == name } ?? 0) + 1)),
            downTime: fault.duration, keepsDisk: keepsDisk))
      case .partition: nil
      }
    }
  }
}

extension Arrivals {
  /// The part of host `index` of `count`: rates are divided, clients dealt out.
  func share(_ index: Int, of count: Int) -> Arrivals {
    switch self {
    case .poisson(let rate): .poisson(rate: rate / Double(count))
    case .closed(let clients, let think):
      .closed(clients: clients / count + (index < clients % count ? 1 : 0), think: think)
    }
  }
}
