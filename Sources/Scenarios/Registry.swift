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
  .spreading(GHOST.self, "proof of work, heaviest subtree; Sompolinsky and Zohar, FC 2015"),
  .spreading(BitcoinNG.self, "proof of work elects leaders; Bitcoin-NG, NSDI 2016"),
  .spreading(Praos.self, "proof of stake by a private lottery; Ouroboros Praos, EUROCRYPT 2018"),
  .spreading(DPoS.self, "delegated proof of stake in the manner of EOSIO, 2018"),
  .spreading(Clique.self, "Clique proof of authority, EIP-225"),
  .spreading(Gasper.self, "Ethereum's proof of stake: LMD-GHOST and Casper FFG; Gasper, 2020"),
  .committee(Raft.self, "a leader and a majority; tolerates crashes only; Raft, USENIX ATC 2014"),
  .committee(PBFT.self, "Practical Byzantine Fault Tolerance, Castro and Liskov, OSDI 1999"),
  .committee(QBFT.self, "QBFT, Istanbul BFT as specified by the Enterprise Ethereum Alliance"),
  .committee(IBFT2.self, "IBFT 2.0, Saltini and Hyland-Wood 2019"),
  .committee(Tendermint.self, "locks and proofs of lock; Buchman et al. 2018, CometBFT v0.34"),
  .committee(Algorand.self, "committees by private lottery; Algorand's abft.md, SOSP 2017"),
  .committee(Tusk.self, "Narwhal's DAG ordered by Tusk; Danezis et al., EuroSys 2022"),
  .committee(Bullshark.self, "Narwhal's DAG ordered by Bullshark; Spiegelman et al., CCS 2022"),
  .committee(LayeredPBFT.self, "PBFT in layers of groups; Li et al., TPDS 2021, and Steward 2006"),
  .committee(LeaderSubset.self, "PBFT among some trusted leaders, others follow; Min 2020"),
  .committee(Snowman.self, "repeated random sampling of a block tree; Team Rocket et al. 2019"),
  .committee(GroupPBFT.self, "PBFT among elected endorsers, era by era; Lao et al., IPDPS 2020"),
  .committee(RapidChain.self, "RapidChain's committee under synchrony; Zamani et al., CCS 2018"),
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
  /// Nodes must pass on all valid blocks, not only those that they adopt.
  public let weighsAllBlocks: Bool
  /// It says which messages propose, and has proposals that must be refused; see
  /// `ConsensusProtocol.invalidated`.
  public let marksProposals: Bool
  public let hasInvalidProposals: Bool
  /// What is wrong with the values for so many nodes, if anything.
  let problem: @Sendable (ParameterValues, Int) -> String?
  let warning: @Sendable (ParameterValues, Int) -> String?
  let finality: @Sendable (ParameterValues) -> FinalityRule
  let roles: @Sendable (ParameterValues, Int) -> Roles?
  let tolerated: @Sendable (ParameterValues, Int) -> Int
  let build: @Sendable (ChainBlueprint) -> BuiltChain
}

extension ProtocolEntry {
  /// What is wrong with `values` for so many nodes, as a sentence; `nil` if they can work.
  public func problem(with values: ParameterValues, nodes: Int) -> String? {
    problem(values, nodes)
  }

  /// What a user of `values` for so many nodes should know, as a sentence; `nil` if nothing.
  public func warning(on values: ParameterValues, nodes: Int) -> String? { warning(values, nodes) }

  /// What keeps decided what a chain with these values has decided.
  public func finality(with values: ParameterValues) -> FinalityRule { finality(values) }

  /// Who does what among `nodes` nodes; `nil` for a protocol that spreads blocks, and where the
  /// values cannot work.
  public func roles(with values: ParameterValues, nodes: Int) -> Roles? {
    problem(values, nodes) == nil ? roles(values, nodes) : nil
  }

  /// Nodes that may be faulty at a time, whichever they are.
  public func tolerated(with values: ParameterValues, nodes: Int) -> Int {
    tolerated(values, nodes)
  }
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
  var adversaries: [Adversary]
  /// Where its populations begin among those of the run, and who acts on what it decides.
  var firstPopulation = 0
  var executor: Executor?
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
  /// Members that have to have executed what counts as decided, and how many faults they tolerate.
  var executions: Int
  var tolerated: Int
}

extension ProtocolEntry {
  /// A protocol that addresses a committee.
  public static func committee<P: ScenarioProtocol>(
    _ type: P.Type, _ sentence: String
  ) -> ProtocolEntry {
    ProtocolEntry(
      name: P.name, sentence: sentence, parameters: P.parameters, mines: false,
      spreads: false, weighsAllBlocks: false,
      marksProposals: !P.Message.proposalKinds.isEmpty,
      hasInvalidProposals: P.hasInvalidProposals,
      problem: { values, nodes in
        guard nodes <= Committee.largest else {
          return "a committee has at most \(Committee.largest) replicas, not \(nodes)"
        }
        return P.problem(with: values, nodes: nodes)
      },
      warning: { P.warning(on: $0, nodes: $1) },
      finality: { P.finality($0) },
      roles: { P.roles($0, nodes: $1) },
      tolerated: { P.roles($0, nodes: $1).tolerated },
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
              me: ReplicaID(i), committee: roles.committee, nodes: n, seed: blueprint.seed,
              costs: blueprint.costs, mempool: mempool))
        }
        let group = ReplicaGroup(
          index: blueprint.index, name: blueprint.plan.name, nodes: blueprint.nodes,
          lanes: blueprint.lanes, replicas: replicas,
          settings: ReplicaGroupSettings(
            replies: blueprint.plan.replies, forwardHeader: blueprint.plan.replies.header,
            sizes: blueprint.sizes, decisions: blueprint.decisions, roles: roles,
            adversaries: blueprint.adversaries, firstPopulation: blueprint.firstPopulation,
            executor: blueprint.executor),
          seed: blueprint.seed)
        let twins = blueprint.adversaries.twins.count
        return BuiltChain(
          subsystem: group,
          connections: ReplicaGroup<P>.connections(
            replicas: n, populations: blueprint.sizes.populations, twins: twins),
          senders: ReplicaGroup<P>.senders(replicas: n, twins: twins),
          replyQuorum: roles.replyQuorum, contacts: roles.contacts,
          usesGateways: roles.usesGateways, executions: roles.executions,
          tolerated: roles.tolerated)
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
      weighsAllBlocks: P.weighsAllBlocks,
      marksProposals: false, hasInvalidProposals: false,
      problem: { P.problem(with: $0, nodes: $1) },
      warning: { _, _ in nil },
      finality: { P.finality($0) },
      roles: { _, _ in nil },
      tolerated: { P.tolerated($0, nodes: $1) },
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
        var settings = BlockchainSettings(plan, blueprint)
        settings.adversaries = blueprint.adversaries
        settings.firstPopulation = blueprint.firstPopulation
        settings.executor = blueprint.executor
        let chain = Blockchain(
          index: blueprint.index, name: blueprint.plan.name, nodes: blueprint.nodes,
          lanes: blueprint.lanes, protocols: protocols, genesis: genesis, settings: settings,
          seed: blueprint.seed)
        return BuiltChain(
          subsystem: chain,
          connections: Blockchain<P>.connections(
            of: settings.topology, populations: blueprint.sizes.populations),
          senders: Blockchain<P>.senders(nodes: n), replyQuorum: 1, contacts: 0..<n,
          usesGateways: true, executions: n / 2 + 1, tolerated: (n - 1) / 2)
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
