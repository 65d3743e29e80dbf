import Kernel
import Machines

/// One entry of a scenario's faults.
public struct FaultPlan: Sendable, Equatable {
  public enum Kind: Sendable, Equatable {
    /// A node, by number.
    case crash(node: Int, keepsDisk: Bool)
    /// Whoever the chain takes for its proposer when it strikes.
    case crashProposer(chain: String, keepsDisk: Bool)
    /// Nodes of one part reach only each other; what is in no part is one more.
    case partition(parts: [[ClosedRange<Int>]], isOneWay: Bool)
  }

  public var time: SimTime
  /// `nil`: until the end.
  public var duration: SimDuration?
  public var kind: Kind
}

extension FaultPlan {
  init(_ section: Section, nodes: Int, chains: [String]) throws {
    time =
      .zero + section.duration("at", in: .zero ... .seconds(1_000_000_000), "when it strikes")
    duration = section.optional("for") {
      $0.duration($1, in: .nanoseconds(1) ... .seconds(1_000_000_000), "how long it lasts")
    }
    kind = try section.exactlyOne(
      [
        Alternative(
          "crash", "a node stops: a node number, or leader",
          value: { section, key in
            let target = section.text(key, "leader, or the number of a node, from 0")
            let keepsDisk = section.flag(
              "keeps-disk", default: true, "what was on the disk is there after the restart")
            if target == "leader" {
              let chain = section.choice(
                "chain", chains.isEmpty ? ["main"] : chains,
                default: chains.isEmpty ? "main" : chains[0], "whose leader")
              return .crashProposer(chain: chain, keepsDisk: keepsDisk)
            }
            guard let node = Int(target), node >= 0, node < nodes else {
              section.fail(
                key, "'\(target)' is neither leader nor a node", allowed: "0 to \(nodes - 1)")
              return .crash(node: 0, keepsDisk: keepsDisk)
            }
            return .crash(node: node, keepsDisk: keepsDisk)
          }),
        Alternative(
          "partition", "parts that cannot reach each other",
          section: { partition in
            let parts = partition.values(
              "parts", count: 1...100, "each a list of nodes: '0-3' or '0, 2, 5-7'"
            ) { list, key in
              list.nodeRanges(key, below: nodes, "nodes of this part")
            }
            let isOneWay = partition.flag(
              "one-way", default: false, "only messages from earlier into later parts are cut")
            return .partition(parts: parts, isOneWay: isOneWay)
          }),
      ], "what happens")
  }
}
