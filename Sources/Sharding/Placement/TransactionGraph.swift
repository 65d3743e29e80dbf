import Ledger

/// Who transacts with whom: accounts as vertices, an edge between two for each transaction that
/// touches both, parallel ones added up.
///
/// Neighbours of a vertex are in ascending order, so every walk over the graph has one order.
public struct TransactionGraph: Sendable, Equatable {
  /// Transactions that touch each account.
  public let activity: [Int]
  /// Where the neighbours of a vertex begin in `neighbours`; one more than there are vertices.
  public let offsets: [Int]
  public let neighbours: [UInt32]
  /// Transactions between a vertex and each of its neighbours.
  public let weights: [Int]

  public var vertices: Int { activity.count }
  /// Edges, weights added up: transactions between two different accounts.
  public var totalWeight: Int { weights.reduce(0, +) / 2 }
  public var totalActivity: Int { activity.reduce(0, +) }

  /// The graph of transactions between two accounts each; a transfer to oneself counts as activity
  /// only.
  /// - Parameters:
  ///   - accounts: all are below it.
  ///   - transfers: pairs of accounts.
  /// - Complexity: O(t log t).
  public init(accounts: Int, transfers: [(AccountID, AccountID)]) {
    var activity = [Int](repeating: 0, count: accounts)
    var edges: [WeightedEdge] = []
    edges.reserveCapacity(transfers.count)
    for (a, b) in transfers {
      activity[Int(a.index)] += 1
      guard a != b else { continue }
      activity[Int(b.index)] += 1
      edges.append(WeightedEdge(UInt32(a.index), UInt32(b.index), weight: 1))
    }
    self.init(activity: activity, edges: edges)
  }

  /// An undirected edge, the lower end first.
  struct WeightedEdge {
    var ends: UInt64
    var weight: Int

    init(_ a: UInt32, _ b: UInt32, weight: Int) {
      ends = UInt64(min(a, b)) << 32 | UInt64(max(a, b))
      self.weight = weight
    }
  }

  /// Edges in any order, with repetitions.
  init(activity: [Int], edges: [WeightedEdge]) {
    var merged: [WeightedEdge] = []
    for edge in edges.sorted(by: { $0.ends < $1.ends }) {
      if let last = merged.last, last.ends == edge.ends {
        merged[merged.count - 1].weight += edge.weight
      } else {
        merged.append(edge)
      }
    }
    var offsets = [Int](repeating: 0, count: activity.count + 1)
    for edge in merged {
      offsets[Int(edge.ends >> 32) + 1] += 1
      offsets[Int(edge.ends & 0xFFFF_FFFF) + 1] += 1
    }
    for v in 0..<activity.count { offsets[v + 1] += offsets[v] }
    var next = offsets
    var neighbours = [UInt32](repeating: 0, count: 2 * merged.count)
    var weights = [Int](repeating: 0, count: 2 * merged.count)
    // Edges come by lower, then by higher end: each vertex meets its neighbours in their order.
    for edge in merged {
      let (a, b) = (Int(edge.ends >> 32), Int(edge.ends & 0xFFFF_FFFF))
      for (v, u) in [(a, b), (b, a)] {
        neighbours[next[v]] = UInt32(u)
        weights[next[v]] = edge.weight
        next[v] += 1
      }
    }
    self.activity = activity
    self.offsets = offsets
    self.neighbours = neighbours
    self.weights = weights
  }

  /// Weight of the edges whose ends are in different parts.
  /// - Parameter places: by vertex: its part.
  public func cut(_ places: [UInt32]) -> Int {
    var sum = 0
    for v in 0..<vertices {
      for i in offsets[v]..<offsets[v + 1] where places[Int(neighbours[i])] != places[v] {
        sum += weights[i]
      }
    }
    return sum / 2
  }

  /// The share of transactions between two accounts that are cross-shard.
  public func crossShare(_ places: [UInt32]) -> Double {
    Double(cut(places)) / Double(max(1, totalWeight))
  }

  /// Activity of each part.
  public func loads(_ places: [UInt32], shards: Int) -> [Int] {
    var loads = [Int](repeating: 0, count: shards)
    for v in 0..<vertices { loads[Int(places[v])] += activity[v] }
    return loads
  }

  /// Work of each shard: a transaction costs one unit in each shard that it touches.
  public func work(_ places: [UInt32], shards: Int) -> [Int] {
    var work = loads(places, shards: shards)
    for v in 0..<vertices {
      for i in offsets[v]..<offsets[v + 1]
      where neighbours[i] > v && places[Int(neighbours[i])] == places[v] {
        work[Int(places[v])] -= weights[i]  // both accounts are here, the work is done once
      }
    }
    return work
  }
}
