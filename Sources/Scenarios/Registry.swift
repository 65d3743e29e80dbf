import Consensus
import Kernel
import Ledger
import Machines
import Networking
import Protocols
import Simulation

/// Every protocol that a scenario can name. A new protocol is one line here.
public let registry: [ProtocolEntry] = [
  .spreading(Nakamoto.self, "proof of work, longest chain; Nakamoto 2008"),
  .spreading(Praos.self, "proof of stake by a private lottery; Ouroboros Praos, EUROCRYPT 2018"),
  .committee(PBFT.self, "Practical Byzantine Fault Tolerance, Castro and Liskov, OSDI 1999"),
  .committee(HotStuff.self, "chained HotStuff of three chains, Yin et al., PODC 2019"),
  .committee(Jolteon.self, "HotStuff of two chains, Gelashvili et al., FC 2022"),
]

/// A protocol as a scenario sees it: its name, its settings, and how a chain of it is built.
public struct ProtocolEntry: Sendable {
  public let name: String
  public let sentence: String
  public let parameters: [Parameter]
  /// Blocks are found by hashing, which costs energy beside the nodes' own.
  public let mines: Bool
  /// It spreads blocks over a topology instead of addressing a committee.
  public let spreads: Bool
  /// What is wrong with the values for so many nodes, if anything.
  let problem: @Sendable (ParameterValues, Int) -> String?
  let build: @Sendable (ChainBlueprint) -> BuiltChain
}

/// What a chain is built from.
struct ChainBlueprint {
  var index: UInt16
  var plan: ChainPlan
  /// Host and lane of each replica.
  var nodes: [NodeID]
  var lanes: [Int]
  var costs: CostSheet
  var sizes: TransactionSizes
  var decisions: Int?
  var seed: UInt64
}

/// A chain that is ready to be added to a run.
struct BuiltChain {
  var subsystem: Subsystem
  /// Directed connections over which it sends, and roles that send.
  var connections: Int
  var senders: Int
  /// Equal replies that make a transaction final for its client.
  var replyQuorum: Int
  /// Nodes of the chain that clients talk to: each to one of its own, or to whom they take for the
  /// proposer.
  var contacts: Range<Int>
  var usesGateways: Bool
}

extension ProtocolEntry {
  /// A protocol that addresses a committee.
  public static func committee<P: ScenarioProtocol>(
    _ type: P.Type, _ sentence: String
  ) -> ProtocolEntry {
    ProtocolEntry(
      name: P.name, sentence: sentence, parameters: P.parameters, mines: false,
      spreads: false,
      problem: { values, nodes in
        guard nodes <= Committee.largest else {
          return "a committee has at most \(Committee.largest) replicas, not \(nodes)"
        }
        return P.problem(with: values, nodes: nodes)
      },
      build: { blueprint in
        let n = blueprint.nodes.count
        let values = blueprint.plan.consensus.values
        let roles = P.roles(values, nodes: n)
        let mempool = Mempool(
          capacity: blueprint.plan.mempool.capacity, eviction: blueprint.plan.mempool.eviction,
          populations: blueprint.sizes.populations)
        let replicas = (0..<n).map { i in
          P(
            values,
            ReplicaContext(
              me: ReplicaID(i), committee: roles.committee, seed: blueprint.seed,
              costs: blueprint.costs, mempool: mempool))
        }
        let group = ReplicaGroup(
          index: blueprint.index, name: blueprint.plan.name, nodes: blueprint.nodes,
          lanes: blueprint.lanes, replicas: replicas,
          settings: ReplicaGroupSettings(
            replies: blueprint.plan.replies, forwardHeader: blueprint.plan.replies.header,
            sizes: blueprint.sizes, decisions: blueprint.decisions, roles: roles),
          seed: blueprint.seed)
        return BuiltChain(
          subsystem: group,
          connections: ReplicaGroup<P>.connections(
            replicas: n, populations: blueprint.sizes.populations),
          senders: ReplicaGroup<P>.senders(replicas: n),
          replyQuorum: roles.replyQuorum, contacts: roles.contacts,
          usesGateways: roles.usesGateways)
      })
  }
}

extension ProtocolEntry {
  /// A protocol that spreads blocks.
  public static func spreading<P: ScenarioChainProtocol>(
    _ type: P.Type, _ sentence: String
  ) -> ProtocolEntry {
    ProtocolEntry(
      name: P.name, sentence: sentence, parameters: P.parameters, mines: P.mines, spreads: true,
      problem: { P.problem(with: $0, nodes: $1) },
      build: { blueprint in
        guard let plan = blueprint.plan.consensus.spreading else {
          preconditionFailure("\(P.name) without a way to spread blocks")
        }
        let n = blueprint.nodes.count
        let (protocols, genesis) = P.make(
          blueprint.plan.consensus.values,
          ChainContext(
            shares: plan.shares.shares(
              nodes: n, seed: blueprint.seed, chain: blueprint.plan.name), seed: blueprint.seed))
        let settings = BlockchainSettings(plan, blueprint)
        let chain = Blockchain(
          index: blueprint.index, name: blueprint.plan.name, nodes: blueprint.nodes,
          lanes: blueprint.lanes, protocols: protocols, genesis: genesis, settings: settings,
          seed: blueprint.seed)
        return BuiltChain(
          subsystem: chain,
          connections: Blockchain<P>.connections(
            of: settings.topology, populations: blueprint.sizes.populations),
          senders: Blockchain<P>.senders(nodes: n), replyQuorum: 1, contacts: 0..<n,
          usesGateways: true)
      })
  }
}

extension BlockchainSettings {
  init(_ plan: SpreadingPlan, _ blueprint: ChainBlueprint) {
    var stream = RandomStream(seed: blueprint.seed, purpose: "topology of \(blueprint.plan.name)")
    let nodes = blueprint.nodes.count
    let topology = Self.topology(plan.topology, nodes: nodes, using: &stream)
    self.init(
      topology: topology, blocks: plan.blocks, transactions: plan.transactions,
      links: plan.links, relay: plan.relay, relays: plan.relays,
      skipsAnnouncers: plan.skipsAnnouncers, sizes: plan.sizes, costs: blueprint.costs,
      transactionSizes: blueprint.sizes, replies: blueprint.plan.replies,
      blockCapacity: plan.blockCapacity, blockFiller: plan.blockFiller,
      mempool: blueprint.plan.mempool.capacity, eviction: blueprint.plan.mempool.eviction,
      requestTimeout: plan.requestTimeout, syncPeers: plan.syncPeers,
      inventoryLimit: plan.inventoryLimit, retained: 64, decisions: blueprint.decisions)
  }

  /// The reader has built one of this kind and size, so that only an unlucky draw can fail.
  private static func topology(
    _ plan: TopologyPlan, nodes: Int, using stream: inout RandomStream
  ) -> Topology {
    for _ in 0..<100 {
      if let topology = try? plan.make(nodes: nodes, using: &stream) { return topology }
    }
    preconditionFailure("no connected topology of \(nodes) nodes in a hundred draws: \(plan)")
  }
}
