import Kernel
import Ledger
import Machines
import Sharding
import Simulation
import Workloads

/// Where the shards of a run are, and where their operations' populations begin.
struct ShardLayout {
  var committees: [[NodeID]]
  /// Of shard 0's chain; the others follow.
  var firstPopulation: Int
  var hosts: Int
  var operations: TransactionSizes
  /// Subsystem of the ledger.
  var ledger: UInt16

  private var populationsEach: Int {
    ShardedLedgerSettings.populations(hosts: hosts, shards: committees.count)
  }

  /// Makes `blueprint` that of shard `shard`.
  func join(_ shard: Int, _ blueprint: inout ChainBlueprint) {
    blueprint.sizes = operations
    blueprint.firstPopulation = firstPopulation + shard * populationsEach
    blueprint.decisions = nil
    let before = committees[..<shard].reduce(0) { $0 + $1.count }
    blueprint.executor = Executor(subsystem: ledger, firstRole: hosts + before)
  }
}

extension Scenario {
  /// Adds the populations that number the operations of shards, behind all others.
  func addShardPopulations(
    to run: Simulation, after count: Int, _ sources: [PlannedSource], seed: UInt64
  ) -> ShardLayout? {
    guard let plan = shards,
      let place = sources.firstIndex(where: { if case .shards = $0.kind { true } else { false } })
    else { return nil }
    let layout = ShardLayout(
      committees: plan.committees(seed: seed), firstPopulation: count, hosts: plan.workload.hosts,
      operations: plan.operationSizes(seed: seed), ledger: UInt16(chains.count + 1 + place))
    for shard in 0..<plan.count {
      for _ in 0..<ShardedLedgerSettings.populations(hosts: layout.hosts, shards: plan.count) {
        run.world.addPopulation(
          PopulationAddress(
            subsystem: layout.ledger, role: 0, node: layout.committees[shard][0]))
      }
    }
    return layout
  }

  /// The ledger over the shards: its members on lanes of their own, and its clients.
  func makeShards(
    _ source: PlannedSource, _ plan: ShardPlan, _ context: SourceContext
  ) -> (subsystem: Subsystem, connections: Int, senders: Int) {
    let places = chains.indices.filter { chains[$0].shard != nil }
    let shards = places.map { c in
      ShardedLedgerSettings.Shard(
        chain: UInt16(c + 1), nodes: context.nodes[c], lanes: context.nodes[c].map(context.lane),
        chainLanes: context.lanes[c], executions: context.chains[c].executions,
        usesGateways: context.chains[c].usesGateways)
    }
    let tolerated = places.first.map { context.chains[$0].tolerated } ?? 0
    let hosts = source.populations.map { p in
      ClientSettings.Host(
        node: context.populations[p].node, population: UInt32(p),
        arrivals: context.populations[p].arrivals)
    }
    let workload = plan.workload
    let clients = ShardedLedgerSettings.Clients(
      hosts: hosts, bundle: workload.bundle, timeout: workload.timeout, attempts: plan.attempts,
      pause: plan.pause, vanishing: plan.vanishing, takeover: plan.takeover,
      forging: plan.forging, until: workload.until.map { min(.zero + $0, end) } ?? end)
    var money = ShardedLedgerSettings.Money(
      accounts: workload.accounts,
      skew: workload.skew > 0 ? .zipf(exponent: workload.skew) : .uniform, payers: plan.payers,
      receivers: plan.receiversOfMoney, largest: plan.largest, balance: plan.balance)
    money.communities = plan.communities
    money.trace = plan.trace
    var settings = ShardedLedgerSettings(
      shards: shards, firstPopulation: context.populations.count, commit: plan.commit,
      clients: clients, money: money, home: plan.home(seed: context.seed), sizes: plan.sizes,
      transactions: context.sizes, operations: plan.operationSizes(seed: context.seed),
      senders: min(plan.senders ?? tolerated + 1, 64), receivers: plan.receivers ?? tolerated + 1,
      retry: plan.retry, receiptAttempts: plan.receiptAttempts,
      proofSignatures: plan.signatures ?? plan.members - tolerated, costs: machines.costs)
    if case .labels(let every, let rule) = plan.placement { settings.relocation = (every, rule) }
    settings.epochs = plan.epochs
    settings.routing = plan.routing
    settings.gathering = plan.gathering
    return (
      ShardedLedger(
        index: context.index, name: plan.name, settings: settings, seed: context.seed),
      0, settings.roles
    )
  }
}
