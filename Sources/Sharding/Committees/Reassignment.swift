import Kernel
import Machines

/// What an epoch's end does to committees: who moves, and in how many steps.
public enum Reassignment: Sendable, Equatable {
  /// Nobody moves but who leaves or joins; who joins goes to the smallest committee. An adversary
  /// that needs time to corrupt a node has all the time it needs.
  case fixed
  /// Everybody is drawn anew at once.
  case uniform
  /// As `uniform`, in steps of at most `batch` members a committee (`GradualSwap`).
  case gradual(batch: Int)
  /// Who joins makes others move (`BoundedCuckoo`).
  case cuckoo(BoundedCuckoo)

  /// The steps that lead to the next epoch's committees. Whoever leaves is gone with the first one.
  ///
  /// Each step's moves can be applied in order. A node that moves has to fetch the state of its new
  /// shard; how long that takes is for the caller to simulate.
  /// - Parameters:
  ///   - current: committees of the epoch that ends.
  ///   - leaving: present nodes that go.
  ///   - joining: absent nodes that come, in the order of their coming.
  ///   - randomness: of the epoch that begins.
  public func steps(
    from current: ShardAssignment, leaving: [NodeID], joining: [NodeID],
    _ randomness: EpochRandomness
  ) -> [[ShardAssignment.Move]] {
    var next = current
    var first: [ShardAssignment.Move] = []
    for node in leaving {
      precondition(next.shard(of: node) != nil, "\(node) leaves but is not there")
      first.append(ShardAssignment.Move(node: node, from: next.shard(of: node), to: nil))
      next.remove(node)
    }
    switch self {
    case .fixed:
      for node in joining { first.append(Self.joinSmallest(node, &next)) }
      return [first]
    case .uniform, .gradual:
      let present = (0..<next.nodes).map { NodeID($0) }.filter { next.shard(of: $0) != nil }
      let target = ShardAssignment.uniform(
        of: present + joining, nodes: next.nodes, shards: next.shards, randomness)
      guard case .gradual(let batch) = self else { return [first + next.moves(to: target)] }
      let swap = GradualSwap(from: next, to: target, batch: batch, randomness)
      return first.isEmpty ? swap.rounds : [first] + swap.rounds
    case .cuckoo(var rule):
      rule.beginEpoch(next)
      var stream = randomness.stream("joins")
      for node in joining { first += rule.join(node, &next, using: &stream) }
      if !joining.isEmpty { first += rule.endEpoch(&next, using: &stream) }
      return [first]
    }
  }

  private static func joinSmallest(
    _ node: NodeID, _ assignment: inout ShardAssignment
  ) -> ShardAssignment.Move {
    let order = (0..<assignment.shards).map { (assignment.size(of: ShardID($0)), $0) }
    let to = ShardID(order.min { $0 < $1 }?.1 ?? 0)
    assignment.place(node, in: to)
    return ShardAssignment.Move(node: node, from: nil, to: to)
  }
}
