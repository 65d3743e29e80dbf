/// Constrained label propagation: CLPA of Li et al., "Achieving Scalability and Load Balance across
/// Blockchain Shards for State Sharding", SRDS '22; settings and score compared with BlockEmulator
/// (`partition/partition_CLPA.go`).
///
/// Again and again each vertex takes the label (shard) among those of its neighbours with the best
/// score: the share of its edges that lead there, times 1 - beta W / Wmin, where W is the weight of
/// all edges with an end in that shard and Wmin the least of all shards. A loaded shard attracts
/// less, from Wmin / beta on it repels.
///
/// Vertices are walked by index and equal scores stay where they are, else go to the lowest shard:
/// the result is a function of its arguments.
public struct LabelPropagation: Sendable, Equatable {
  /// beta: 0 ignores load; 0.5 in BlockEmulator.
  public let penalty: Double
  /// tau, rounds over all vertices: 100 in BlockEmulator.
  public let rounds: Int
  /// Label changes that a vertex is allowed: 50 in BlockEmulator.
  public let changes: Int

  public init(penalty: Double, rounds: Int, changes: Int) {
    precondition(penalty >= 0 && rounds >= 0 && changes >= 0, "\(penalty), \(rounds), \(changes)")
    (self.penalty, self.rounds, self.changes) = (penalty, rounds, changes)
  }

  /// What a placement ended in.
  public struct Placement: Sendable, Equatable {
    /// By vertex: its shard.
    public var places: [UInt32]
    /// Rounds that changed something.
    public var rounds: Int
    /// Label changes in all, of which those back and forth migrate nothing.
    public var changes: Int
  }

  /// Improves a placement.
  /// - Parameters:
  ///   - places: by vertex: its shard before, for instance by hash.
  ///   - shards: at least 1.
  /// - Complexity: O(rounds x edges).
  public func improved(
    _ places: [UInt32], _ graph: TransactionGraph, shards: Int
  ) -> Placement {
    var state = Labels(places, graph, shards: shards)
    var left = [Int](repeating: changes, count: graph.vertices)
    var result = Placement(places: places, rounds: 0, changes: 0)
    for _ in 0..<rounds {
      var changed = 0
      for v in 0..<graph.vertices where left[v] > 0 {
        guard let label = state.bestLabel(v, graph, penalty: penalty) else { continue }
        state.move(v, to: label, graph)
        left[v] -= 1
        changed += 1
      }
      if changed == 0 { break }  // every later round would find the same
      result.rounds += 1
      result.changes += changed
    }
    result.places = state.places
    return result
  }

  /// Labels and what their scores need.
  private struct Labels {
    var places: [UInt32]
    /// Vertices of each shard; the last one stays, so that no shard runs empty.
    var counts: [Int]
    /// W: weight of the edges with an end in each shard.
    var edges: [Int]
    /// Scratch: weight of one vertex's edges to each shard.
    var links: [Int]

    init(_ places: [UInt32], _ graph: TransactionGraph, shards: Int) {
      precondition(places.count == graph.vertices, "\(places.count) of \(graph.vertices) placed")
      precondition(places.allSatisfy { $0 < shards }, "a place beyond \(shards) shards")
      self.places = places
      counts = [Int](repeating: 0, count: shards)
      edges = counts
      links = counts
      for v in 0..<graph.vertices {
        let label = Int(places[v])
        counts[label] += 1
        for i in graph.offsets[v]..<graph.offsets[v + 1] {
          // An edge inside is met from both ends and counts once.
          let isInside = places[Int(graph.neighbours[i])] == places[v]
          if !isInside || graph.neighbours[i] > v { edges[label] += graph.weights[i] }
        }
      }
    }

    /// The label that a vertex should change to, if it should.
    mutating func bestLabel(_ v: Int, _ graph: TransactionGraph, penalty: Double) -> UInt32? {
      let own = places[v]
      guard counts[Int(own)] > 1 else { return nil }
      var degree = 0
      for i in graph.offsets[v]..<graph.offsets[v + 1] {
        links[Int(places[Int(graph.neighbours[i])])] += graph.weights[i]
        degree += graph.weights[i]
      }
      let least = Double(max(1, edges.min() ?? 1))
      var best: UInt32?
      var highest = -Double.infinity
      for label in links.indices where links[label] > 0 {
        let share = Double(links[label]) / Double(degree)
        let score = share * (1 - penalty * Double(edges[label]) / least)
        if score > highest || (score == highest && label == Int(own)) {
          (best, highest) = (UInt32(label), score)
        }
        links[label] = 0
      }
      return best == own ? nil : best
    }

    mutating func move(_ v: Int, to label: UInt32, _ graph: TransactionGraph) {
      let (old, new) = (Int(places[v]), Int(label))
      for i in graph.offsets[v]..<graph.offsets[v + 1] {
        let other = Int(places[Int(graph.neighbours[i])])
        // An edge belongs to the shards of both its ends.
        if other != old { edges[old] -= graph.weights[i] }
        if other != new { edges[new] += graph.weights[i] }
      }
      counts[old] -= 1
      counts[new] += 1
      places[v] = label
    }
  }
}
