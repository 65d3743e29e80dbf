import Consensus
import Kernel
import Ledger
import Machines
import Simulation

/// One chain of a scenario.
public struct ChainPlan: Sendable {
  public var name: String
  /// Its replicas are the first `nodes` nodes.
  public var nodes: Int
  public var consensus: ConsensusPlan
  public var mempool: MempoolPlan
  public var replies: Replies
  public var workload: WorkloadPlan?
  /// Its number, if it is the chain of a shard.
  public var shard: Int?
}

/// The protocol of a chain and its settings.
public struct ConsensusPlan: Sendable {
  public var entry: ProtocolEntry
  public var values: ParameterValues
  /// For protocols that spread blocks.
  public var spreading: SpreadingPlan?
}

/// Transactions that wait at a replica.
public struct MempoolPlan: Sendable, Equatable {
  public var capacity: Int
  public var eviction: Eviction
}

extension ChainPlan {
  init(
    _ section: Section, general: WorkloadPlan?, nodes: Int, protocols: [ProtocolEntry],
    folder: String
  ) throws {
    name = section.text("name", atMost: 40, "name of the chain, as results call it")
    self.nodes =
      section.optional("nodes") {
        $0.count($1, in: 1...max(nodes, 1), "replicas: the first so many nodes; default all")
      } ?? nodes
    consensus = try Self.consensus(
      section, nodes: self.nodes, protocols: protocols, folder: folder)
    mempool = Self.mempool(section)
    replies = section.section("replies", "what clients are told") {
      Replies(
        path: $0.choice(
          "path", of: Replies.Path.self, default: .shared,
          "shared: through the replica's uplink; separate: without queueing"),
        header: $0.bytes(
          "header", default: 100, in: 0...1_000_000, "bytes of a reply beside its results",
          source: "assumption: 40 B TCP/IP, view, timestamp, MAC"),
        result: $0.bytes(
          "result", default: 32, in: 0...100_000_000, "bytes of the result of a transaction",
          source: "assumption: a digest"))
    }
    workload = try section.optionalSection("workload", "clients of this chain alone") {
      try WorkloadPlan($0)
    }
    if workload == nil { workload = general }
  }
}

extension ChainPlan {
  /// The protocol of `nodes` replicas, checked.
  static func consensus(
    _ section: Section, nodes: Int, protocols: [ProtocolEntry], folder: String
  ) throws -> ConsensusPlan {
    let plan = try section.variant(
      "consensus",
      protocols.map { entry in
        Alternative(
          entry.name, entry.sentence,
          section: { section in
            ConsensusPlan(
              entry: entry, values: section.parameters(entry.parameters),
              spreading: entry.spreads
                ? try SpreadingPlan(
                  section, nodes: nodes, folder: folder,
                  weighsAllBlocks: entry.weighsAllBlocks) : nil)
          })
      }, "how its replicas agree")
    if let problem = plan.entry.problem(plan.values, nodes) {
      section.fail("consensus", problem)
    }
    return plan
  }

  static func mempool(_ section: Section) -> MempoolPlan {
    section.section("mempool", "transactions that wait at a replica") {
      MempoolPlan(
        capacity: $0.count(
          "capacity", default: 100_000, in: 1...1_000_000_000, "most that may wait",
          source: "assumption: 50 MB of 512 B transactions; CometBFT has 5,000"),
        eviction: $0.choice(
          "eviction", of: Eviction.self, default: .newest, "which one goes when it is full",
          source: "CometBFT refuses what arrives"))
    }
  }
}
