import Kernel
import Machines

/// Where nodes go that join, and who has to make room: RapidChain's bounded Cuckoo rule (Zamani et
/// al., CCS '18), after the Cuckoo rule of Awerbuch and Scheideler (SPAA '06).
///
/// At the begin of an epoch the reference committee, whose state this is, calls the half of the
/// committees with most active members *active*. A node that joins goes to a random active
/// committee; `evicted` random members are moved to random inactive ones, so that nobody can
/// choose where to stay. The other half is thereby refilled, and sizes stay balanced.
public struct BoundedCuckoo: Sendable, Equatable {
  /// Whose members are moved.
  public enum Eviction: String, Sendable, CaseIterable {
    /// At each join, from the committee that the node joins.
    case perJoin = "per-join"
    /// Once an epoch in which somebody joined, from every committee.
    case perEpoch = "per-epoch"
  }

  /// Members moved at a time, k; 0 places at random and moves nobody.
  public let evicted: Int
  public let eviction: Eviction
  /// In the order of their indices.
  public private(set) var active: [ShardID]
  /// In the order of their indices; the active ones again if there is one shard only.
  public private(set) var inactive: [ShardID]

  public init(evicted: Int, eviction: Eviction = .perJoin) {
    precondition(evicted >= 0, "\(evicted) evicted")
    self.evicted = evicted
    self.eviction = eviction
    active = []
    inactive = []
  }

  /// Divides the committees by their active members; among equals the lower index is active.
  /// - Parameter isActive: by node: took part in the epoch that ends; `nil` if all did.
  public mutating func beginEpoch(_ assignment: ShardAssignment, isActive: [Bool]? = nil) {
    let shards = assignment.shards
    let counts = (0..<shards).map { i in
      isActive.map { assignment.marked(in: ShardID(i), $0) } ?? assignment.size(of: ShardID(i))
    }
    let order = (0..<shards).sorted { (-counts[$0], $0) < (-counts[$1], $1) }
    let half = (shards + 1) / 2
    active = order[..<half].sorted().map { ShardID($0) }
    inactive = shards == 1 ? active : order[half...].sorted().map { ShardID($0) }
  }

  /// Places a node that joins, and moves those who make room; returns all of it in order.
  public func join(
    _ node: NodeID, _ assignment: inout ShardAssignment, using stream: inout RandomStream
  ) -> [ShardAssignment.Move] {
    precondition(!active.isEmpty, "a join before the epoch began")
    precondition(assignment.shard(of: node) == nil, "\(node) joins twice")
    let committee = active[stream.range(0..<active.count)]
    var moves = [ShardAssignment.Move(node: node, from: nil, to: committee)]
    if eviction == .perJoin { evict(from: committee, assignment, &moves, &stream) }
    for move in moves { assignment.apply(move) }
    return moves
  }

  /// Moves members of every committee, if `eviction` says so; call it once after an epoch's joins.
  public func endEpoch(
    _ assignment: inout ShardAssignment, using stream: inout RandomStream
  ) -> [ShardAssignment.Move] {
    guard eviction == .perEpoch else { return [] }
    var moves: [ShardAssignment.Move] = []
    for i in 0..<assignment.shards { evict(from: ShardID(i), assignment, &moves, &stream) }
    for move in moves { assignment.apply(move) }
    return moves
  }

  /// Draws who leaves a committee and where each goes: to an inactive committee other than its own.
  private func evict(
    from committee: ShardID, _ assignment: ShardAssignment, _ moves: inout [ShardAssignment.Move],
    _ stream: inout RandomStream
  ) {
    let members = assignment.members(of: committee)
    let others = inactive.filter { $0 != committee }
    guard !others.isEmpty else { return }
    for i in stream.sample(min(evicted, members.count), of: members.count) {
      let to = others[stream.range(0..<others.count)]
      moves.append(ShardAssignment.Move(node: members[i], from: committee, to: to))
    }
  }
}
