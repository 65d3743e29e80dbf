import Kernel
import Machines

/// Which node serves which shard. A node serves one shard or, while it is away, none.
///
/// Members of a shard stand in no particular order, which is yet the same for the same history.
public struct ShardAssignment: Sendable, Equatable {
  /// One node's change of place; `nil` is outside of all shards.
  public struct Move: Sendable, Equatable, BitwiseCopyable {
    public var node: NodeID
    public var from: ShardID?
    public var to: ShardID?

    public init(node: NodeID, from: ShardID?, to: ShardID?) {
      (self.node, self.from, self.to) = (node, from, to)
    }
  }

  private static let nowhere = UInt32.max

  private var places: [UInt32]  // by node: its shard
  private var positions: [UInt32]  // by node: where it stands among the members
  private var committees: [[NodeID]]

  /// `nodes` that serve none of `shards` yet.
  public init(nodes: Int, shards: Int) {
    precondition(nodes >= 0 && shards >= 1, "\(nodes) nodes in \(shards) shards")
    places = [UInt32](repeating: Self.nowhere, count: nodes)
    positions = places
    committees = [[NodeID]](repeating: [], count: shards)
  }

  /// All nodes in random order, dealt out to shards of equal size, to the first ones one more if
  /// they do not divide.
  public static func uniform(
    nodes: Int, shards: Int, _ randomness: EpochRandomness
  ) -> ShardAssignment {
    uniform(of: (0..<nodes).map { NodeID($0) }, nodes: nodes, shards: shards, randomness)
  }

  /// The same of some nodes only; the others serve no shard.
  /// - Parameter present: different ones, below `nodes`.
  public static func uniform(
    of present: [NodeID], nodes: Int, shards: Int, _ randomness: EpochRandomness
  ) -> ShardAssignment {
    var assignment = ShardAssignment(nodes: nodes, shards: shards)
    var order = present
    var stream = randomness.stream("committees")
    stream.shuffle(&order)
    for (i, node) in order.enumerated() { assignment.place(node, in: ShardID(i % shards)) }
    return assignment
  }

  /// Each node for itself, so that sizes vary: by the last bits of its identity, or by lot.
  public static func independent(
    nodes: Int, shards: Int, _ randomness: EpochRandomness
  ) -> ShardAssignment {
    var assignment = ShardAssignment(nodes: nodes, shards: shards)
    for i in 0..<nodes {
      var stream = randomness.stream("committee of", entity: UInt64(i))
      assignment.place(NodeID(i), in: ShardID(stream.range(0..<shards)))
    }
    return assignment
  }

  public var nodes: Int { places.count }
  public var shards: Int { committees.count }

  /// The shard of a node, `nil` while it is away.
  public func shard(of node: NodeID) -> ShardID? {
    let place = places[Int(node.index)]
    return place == Self.nowhere ? nil : ShardID(Int(place))
  }

  /// Who serves a shard.
  public func members(of shard: ShardID) -> [NodeID] { committees[Int(shard.index)] }

  /// How many serve a shard.
  public func size(of shard: ShardID) -> Int { committees[Int(shard.index)].count }

  /// Puts a node, wherever it was, into a shard.
  public mutating func place(_ node: NodeID, in shard: ShardID) {
    remove(node)
    let (i, s) = (Int(node.index), Int(shard.index))
    places[i] = shard.index
    positions[i] = UInt32(committees[s].count)
    committees[s].append(node)
  }

  /// Takes a node out of its shard, if it has one.
  public mutating func remove(_ node: NodeID) {
    let i = Int(node.index)
    guard places[i] != Self.nowhere else { return }
    let s = Int(places[i])
    let position = Int(positions[i])
    let last = committees[s].removeLast()
    if last != node {
      committees[s][position] = last
      positions[Int(last.index)] = UInt32(position)
    }
    places[i] = Self.nowhere
  }

  /// Carries out a move, whose `from` must be where the node is.
  public mutating func apply(_ move: Move) {
    precondition(shard(of: move.node) == move.from, "\(move), but it is elsewhere")
    if let to = move.to { place(move.node, in: to) } else { remove(move.node) }
  }

  /// What changes if `other` follows this assignment, by node: who has to fetch which state.
  public func moves(to other: ShardAssignment) -> [Move] {
    precondition(nodes == other.nodes, "\(nodes) nodes against \(other.nodes)")
    return (0..<nodes).compactMap { i in
      let node = NodeID(i)
      let (from, to) = (shard(of: node), other.shard(of: node))
      return from == to ? nil : Move(node: node, from: from, to: to)
    }
  }

  /// Members of a shard that are marked.
  /// - Parameter marks: by node.
  public func marked(in shard: ShardID, _ marks: [Bool]) -> Int {
    committees[Int(shard.index)].reduce(0) { $0 + (marks[Int($1.index)] ? 1 : 0) }
  }

  /// The share of marked members of a shard, 0 where nobody serves it.
  public func share(in shard: ShardID, _ marks: [Bool]) -> Double {
    let size = size(of: shard)
    return size == 0 ? 0 : Double(marked(in: shard, marks)) / Double(size)
  }

  /// The largest share of marked members of any shard.
  public func worstShare(_ marks: [Bool]) -> Double {
    (0..<shards).reduce(0) { max($0, share(in: ShardID($1), marks)) }
  }
}
