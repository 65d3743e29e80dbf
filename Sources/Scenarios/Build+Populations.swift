import Kernel
import Ledger
import Machines
import Metrics
import Simulation
import Workloads

/// Who submits transactions in a run: a host of clients, or an ingest node of a store.
struct PlannedPopulation {
  /// Index of its chain in the scenario, and of its own subsystem in the run.
  var chain: Int
  var subsystem: UInt16
  /// Its role in that subsystem.
  var role: Int
  var node: NodeID
  var region: UInt16
  var arrivals: Arrivals
  var size: TransactionSizes.Size
}

/// A subsystem that submits, and its populations' place among all of the run.
struct PlannedSource {
  enum Kind {
    case clients(WorkloadPlan)
    /// Records as transactions of the chain.
    case records(StorePlan, header: Int, timeout: SimDuration)
    case store(StorePlan, OffChainPlan)
    /// Clients of a ledger over shards, and its members.
    case shards(ShardPlan)
  }

  var name: String
  var chain: Int
  var kind: Kind
  var populations: Range<Int>
}

extension Scenario {
  /// Everybody who submits, in the order in which their subsystems are added behind the chains.
  func planSources() -> (sources: [PlannedSource], populations: [PlannedPopulation]) {
    var sources: [PlannedSource] = []
    var populations: [PlannedPopulation] = []
    func add(
      _ name: String, _ chain: Int, _ kind: PlannedSource.Kind, _ own: [PlannedPopulation]
    ) {
      let first = populations.count
      populations += own
      sources.append(
        PlannedSource(name: name, chain: chain, kind: kind, populations: first..<populations.count))
    }
    var clientHosts = 0
    for (c, chain) in chains.enumerated() {
      guard let plan = chain.workload else { continue }
      let subsystem = UInt16(chains.count + 1 + sources.count)
      let hosts = (0..<plan.hosts).map { role in
        // Host h stands in the region of node h * n / hosts of a tier, on a machine of its own.
        PlannedPopulation(
          chain: c, subsystem: subsystem, role: role,
          node: NodeID(network.nodeCount + clientHosts + role),
          region: network.regionOf[role * (chain.nodes / network.tiers) / plan.hosts],
          arrivals: plan.arrivals.share(role, of: plan.hosts), size: plan.transactionSize)
      }
      clientHosts += plan.hosts
      add("\(chain.name).clients", c, .clients(plan), hosts)
    }
    for store in stores {
      let c = chains.firstIndex { $0.name == store.chain } ?? 0
      let subsystem = UInt16(chains.count + 1 + sources.count)
      switch store.keep {
      case .onChain(let header, let timeout):
        add(
          "\(store.name).ingest", c, .records(store, header: header, timeout: timeout),
          makePopulations(of: store, chain: c, subsystem, store.size))
      case .offChain(let plan):
        add(
          store.name, c, .store(store, plan),
          makePopulations(of: store, chain: c, subsystem, .fixed(plan.anchorBytes)))
      }
    }
    if let plan = shards {
      let subsystem = UInt16(chains.count + 1 + sources.count)
      let hosts = (0..<plan.workload.hosts).map { role in
        // Its clients submit to the ledger, which is a subsystem behind the chains.
        PlannedPopulation(
          chain: Int(subsystem) - 1, subsystem: subsystem, role: role,
          node: NodeID(network.nodeCount + clientHosts + role),
          region: network.regionOf[role * plan.count * plan.members / plan.workload.hosts],
          arrivals: plan.workload.arrivals.share(role, of: plan.workload.hosts),
          size: plan.workload.transactionSize)
      }
      add(plan.name, Int(subsystem) - 1, .shards(plan), hosts)
    }
    return (sources, populations)
  }

  /// The ingest nodes of a store. `size` is that of what they submit to the chain.
  private func makePopulations(
    of store: StorePlan, chain: Int, _ subsystem: UInt16, _ size: TransactionSizes.Size
  ) -> [PlannedPopulation] {
    store.ingest.enumerated().map { role, node in
      PlannedPopulation(
        chain: chain, subsystem: subsystem, role: role, node: NodeID(node),
        region: network.regionOf[node],
        arrivals: store.arrivals.share(of: store.ingest.count).submissions, size: size)
    }
  }
}

extension RecordArrivals {
  /// The same as the arrivals of transactions. Bytes per second have no such form.
  fileprivate var submissions: Arrivals {
    switch self {
    case .poisson(let rate): .poisson(rate: rate)
    case .window(let records): .closed(clients: records, think: .constant(0))
    case .bytes(let rate): .poisson(rate: rate)
    }
  }

  /// The part of one ingest node of `count`; a window is each node's own.
  fileprivate func share(of count: Int) -> RecordArrivals {
    switch self {
    case .poisson(let rate): .poisson(rate: rate / Double(count))
    case .bytes(let rate): .bytes(rate: rate / Double(count))
    case .window: self
    }
  }
}

// MARK: - Subsystems of those who submit

/// What a source needs to know of the run under construction.
struct SourceContext {
  var index: UInt16
  /// All chains, and where their replicas are.
  var chains: [BuiltChain]
  var nodes: [[NodeID]]
  var lanes: [[Int]]
  var sizes: TransactionSizes
  var populations: [PlannedPopulation]
  /// Gives the next free lane of a node.
  var lane: (NodeID) -> Int
  var seed: UInt64

  /// The chain of `source`.
  func chain(of source: PlannedSource) -> BuiltChain { chains[source.chain] }
  func chainNodes(of source: PlannedSource) -> [NodeID] { nodes[source.chain] }
}

extension Scenario {
  /// Builds the subsystem of `source`; also says over how many connections and by how many roles
  /// it sends.
  func build(
    _ source: PlannedSource, _ context: SourceContext
  ) -> (subsystem: Subsystem, connections: Int, senders: Int) {
    switch source.kind {
    case .clients(let plan):
      return makeClients(
        source, context, bundle: plan.bundle, header: plan.header, timeout: plan.timeout,
        submitsToAll: plan.submitsToAll, until: plan.until)
    case .records(_, let header, let timeout):
      return makeClients(
        source, context, bundle: 1, header: header, timeout: timeout, submitsToAll: false)
    case .store(let store, let plan): return makeStore(source, store, plan, context)
    case .shards(let plan): return makeShards(source, plan, context)
    }
  }

  private func makeClients(
    _ source: PlannedSource, _ context: SourceContext, bundle: Int, header: Int,
    timeout: SimDuration, submitsToAll: Bool, until: SimDuration? = nil
  ) -> (subsystem: Subsystem, connections: Int, senders: Int) {
    let hosts = source.populations.map { p in
      ClientSettings.Host(
        node: context.populations[p].node, population: UInt32(p),
        arrivals: context.populations[p].arrivals)
    }
    let target: ClientSettings.Target =
      context.chain(of: source).usesGateways ? .gateway : submitsToAll ? .everyone : .proposer
    let settings = ClientSettings(
      hosts: hosts, chain: UInt16(source.chain + 1), chainNodes: context.chainNodes(of: source),
      target: target, replyQuorum: context.chain(of: source).replyQuorum, timeout: timeout,
      bundle: bundle,
      header: header, sizes: context.sizes,
      until: until.map { min(.zero + $0, end) } ?? end, contacts: context.chain(of: source).contacts
    )
    return (
      ClientPopulation(
        index: context.index, name: source.name, settings: settings, seed: context.seed),
      hosts.count * context.chainNodes(of: source).count, hosts.count
    )
  }

  private func makeStore(
    _ source: PlannedSource, _ store: StorePlan, _ plan: OffChainPlan, _ context: SourceContext
  ) -> (subsystem: Subsystem, connections: Int, senders: Int) {
    let count = store.ingest.count
    let producers = source.populations.map { p in
      RecordStoreSettings.Producer(
        node: context.populations[p].node, lane: context.lane(context.populations[p].node),
        population: UInt32(p), arrivals: store.arrivals.share(of: count))
    }
    let settings = RecordStoreSettings(
      producers: producers,
      storage: plan.storage.map {
        RecordStoreSettings.Storage(node: NodeID($0), lane: context.lane(NodeID($0)))
      },
      placement: plan.placement,
      anchoring: RecordStoreSettings.Anchoring(
        batch: plan.batch, interval: plan.interval, digest: plan.digestBytes,
        chain: UInt16(source.chain + 1), chainNodes: context.chainNodes(of: source),
        replyQuorum: context.chain(of: source).replyQuorum, header: plan.header,
        timeout: plan.timeout),
      records: TransactionSizes(
        Array(repeating: store.size, count: count), seed: context.seed),
      transactions: context.sizes, costs: machines.costs, until: end)
    return (
      RecordStore(
        index: context.index, name: source.name, settings: settings, seed: context.seed),
      settings.connections, settings.senders
    )
  }
}
