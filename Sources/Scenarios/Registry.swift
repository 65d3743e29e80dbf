import Consensus
import Kernel
import Ledger
import Machines
import Protocols
import Simulation

/// Every protocol that a scenario can name. A new protocol is one line here.
public let registry: [ProtocolEntry] = [
  .committee(PBFT.self, "Practical Byzantine Fault Tolerance, Castro and Liskov, OSDI 1999")
]

/// A protocol as a scenario sees it: its name, its settings, and how a chain of it is built.
public struct ProtocolEntry: Sendable {
  public let name: String
  public let sentence: String
  public let parameters: [Parameter]
  /// Blocks are found by hashing, which costs energy beside the nodes' own.
  public let mines: Bool
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
  /// Clients talk to one replica of their own, or to whom they take for the proposer.
  var usesGateways: Bool
}

extension ProtocolEntry {
  /// A protocol that addresses a committee.
  public static func committee<P: ScenarioProtocol>(
    _ type: P.Type, _ sentence: String
  ) -> ProtocolEntry {
    ProtocolEntry(
      name: P.name, sentence: sentence, parameters: P.parameters, mines: false,
      problem: { values, nodes in
        guard nodes <= Committee.largest else {
          return "a committee has at most \(Committee.largest) replicas, not \(nodes)"
        }
        return P.problem(with: values, committee: Committee(n: nodes))
      },
      build: { blueprint in
        let n = blueprint.nodes.count
        let committee = Committee(n: n)
        let mempool = Mempool(
          capacity: blueprint.plan.mempool.capacity, eviction: blueprint.plan.mempool.eviction,
          populations: blueprint.sizes.populations)
        let values = blueprint.plan.consensus.values
        let replicas = (0..<n).map { i in
          P(
            values,
            ReplicaContext(
              me: ReplicaID(i), committee: committee, costs: blueprint.costs, mempool: mempool))
        }
        let group = ReplicaGroup(
          index: blueprint.index, name: blueprint.plan.name, nodes: blueprint.nodes,
          lanes: blueprint.lanes, replicas: replicas,
          settings: ReplicaGroupSettings(
            replies: blueprint.plan.replies, forwardHeader: blueprint.plan.replies.header,
            sizes: blueprint.sizes, decisions: blueprint.decisions),
          seed: blueprint.seed)
        return BuiltChain(
          subsystem: group, connections: n * n + n * blueprint.sizes.populations, senders: n,
          replyQuorum: committee.weakQuorum, usesGateways: false)
      })
  }
}
