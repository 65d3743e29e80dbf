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
    let (sources, populations) = planSources()
    let outside = populations.filter { Int($0.node.index) >= network.nodeCount }
    let faults = FaultSchedule(self, seed: seed, clients: outside.count)
    let run = Simulation(
      world: makeWorld(seed: seed, hosts: outside, faults), faults: faults.events)
    for population in populations {
      run.world.addPopulation(
        PopulationAddress(
          subsystem: population.subsystem, role: UInt32(population.role), node: population.node,
          chain: UInt16(population.chain + 1)))
    }
    // Clients are users of the cloud, not machines in it.
    for host in outside { run.world.placeOutside(host.node) }
    let sizes = TransactionSizes(populations.map(\.size), seed: seed)
    let layout = addShardPopulations(to: run, after: populations.count, sources, seed: seed)
    // Role r of a node runs on its lane r mod lanes.
    var roles = [Int](repeating: 0, count: run.world.machines.count)
    func nextLane(of node: NodeID) -> Int {
      defer { roles[Int(node.index)] += 1 }
      return run.world.machines.lane(of: node, role: roles[Int(node.index)])
    }
    var built: [BuiltChain] = []
    var hosts: [[NodeID]] = []
    var lanes: [[Int]] = []
    for (c, chain) in chains.enumerated() {
      let nodes =
        chain.shard.flatMap { layout?.committees[$0] } ?? (0..<chain.nodes).map { NodeID($0) }
      var blueprint = ChainBlueprint(
        index: run.nextIndex, plan: chain, nodes: nodes, lanes: nodes.map(nextLane),
        costs: machines.costs, sizes: sizes, decisions: horizon.decisions, seed: seed,
        adversaries: adversaries(of: c, sources))
      if let shard = chain.shard, let layout { layout.join(shard, &blueprint) }
      let one = chain.consensus.entry.build(blueprint)
      run.add(one.subsystem, connections: one.connections, senders: one.senders)
      built.append(one)
      hosts.append(nodes)
      lanes.append(blueprint.lanes)
    }
    for source in sources {
      let (subsystem, connections, senders) = build(
        source,
        SourceContext(
          index: run.nextIndex, chains: built, nodes: hosts, lanes: lanes, sizes: sizes,
          populations: populations, lane: nextLane, seed: seed))
      run.add(subsystem, connections: connections, senders: senders)
    }
    if shards?.epochs != nil { run.world.movesRoles = true }
    return run
  }
}

extension Scenario {
  /// The link of a node of a kind of its own, where 0 is ideal, or the network's.
  private static func link(_ own: Double?, else standard: Double?) -> Double? {
    own.map { $0 > 0 ? $0 : nil } ?? standard
  }

  private func makeWorld(
    seed: UInt64, hosts: [PlannedPopulation], _ faults: FaultSchedule
  ) -> World {
    var clock = RandomStream(seed: seed, purpose: "clocks")
    var specs: [MachineSpec] = []
    for i in 0..<network.nodeCount {
      let offset = machines.clockOffset.sample(using: &clock)
      let drift = machines.clockDrift.sample(using: &clock)
      specs.append(
        MachineSpec(
          processor: machines.processors[i],
          uplink: Self.link(machines.uplinks[i], else: network.uplinks[i]),
          downlink: Self.link(machines.downlinks[i], else: network.downlinks[i]),
          disk: machines.disks[i],
          clockOffset: SimDuration(nanoseconds: Int64(offset.rounded())),
          clockDrift: drift * 1e6))
    }
    specs += hosts.map { _ in MachineSpec.ideal }
    var links = Network(
      regionOf: network.regionOf + hosts.map(\.region), regions: network.regionNames.count,
      delays: network.delays, transport: network.transport)
    links.loss = network.loss
    links.duplication = network.duplication
    links.reorders = network.reorders
    links.jitter = network.jitter
    links.stabilisation = network.stabilisation
    links.partitions = faults.partitions
    links.linkFaults = faults.links
    return World(
      seed: seed, machines: Machines(specs), network: links,
      uplink: UplinkDiscipline(
        chunk: network.uplinkDiscipline.chunk, urgentFirst: network.uplinkDiscipline.urgentFirst))
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
