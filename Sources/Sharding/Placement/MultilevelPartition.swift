import Kernel

/// Partition of a graph into k parts of bounded weight with few edges between them, in the way of
/// METIS: Karypis and Kumar, "Multilevel k-way Partitioning Scheme for Irregular Graphs", Journal
/// of Parallel and Distributed Computing 48, 1998.
///
/// Vertices are matched along heavy edges and merged until few are left; those are dealt to parts
/// greedily, several times, and the best start is taken back to the full graph level by level,
/// refined at each (`PartRefinement`). All random orders come from one named stream, so the result
/// is a function of graph, settings and seed.
public struct MultilevelPartition: Sendable, Equatable {
  /// Parts.
  public let shards: Int
  /// How much more than the mean a part may weigh: 0.03 in METIS. Where one vertex weighs more than
  /// that, parts may weigh as much as it.
  public let imbalance: Double
  /// Greedy starts on the coarsest graph, of which the best is kept.
  public let starts: Int
  public let seed: UInt64

  public init(shards: Int, imbalance: Double, starts: Int, seed: UInt64) {
    precondition(shards >= 1 && shards <= 1 << 16, "\(shards) parts")
    precondition(imbalance >= 0 && starts >= 1, "imbalance \(imbalance), \(starts) starts")
    (self.shards, self.imbalance, self.starts, self.seed) = (shards, imbalance, starts, seed)
  }

  /// The most that a part of `graph` may weigh, in activity.
  public func largestPart(_ graph: TransactionGraph) -> Int {
    let mean = Double(graph.totalActivity) / Double(shards)
    return max(Int((mean * (1 + imbalance)).rounded(.up)), graph.activity.max() ?? 0)
  }

  /// The part of each vertex. Balanced is the activity of accounts, so that shards have equal work.
  public func places(_ graph: TransactionGraph) -> [UInt32] {
    guard shards > 1, graph.vertices > 0 else {
      return [UInt32](repeating: 0, count: graph.vertices)
    }
    var stream = RandomStream(seed: seed, purpose: "partition")
    var levels = [graph]
    var parents: [[UInt32]] = []
    let enough = max(20 * shards, 40)
    while levels[levels.count - 1].vertices > enough {
      let finer = levels[levels.count - 1]
      // A merged vertex stays light enough to be placed anywhere.
      let heaviest = max(1, graph.totalActivity * 3 / (2 * enough))
      let (coarser, parent) = Self.coarsened(finer, heaviest: heaviest, &stream)
      // Few merge in a star, whose leaves have one neighbour: stop where a level brings little.
      guard coarser.vertices < finer.vertices * 19 / 20 else { break }
      levels.append(coarser)
      parents.append(parent)
    }
    var places = initial(levels[levels.count - 1], &stream)
    for level in levels.indices.reversed() {
      if level < parents.count { places = parents[level].map { places[Int($0)] } }
      var refinement = PartRefinement(
        levels[level], places, shards: shards, limit: largestPart(levels[level]))
      refinement.balance()
      refinement.refine()
      places = refinement.places
    }
    return places
  }

  /// Merges pairs of neighbours along their heaviest edges, vertices in random order.
  private static func coarsened(
    _ graph: TransactionGraph, heaviest: Int, _ stream: inout RandomStream
  ) -> (TransactionGraph, parent: [UInt32]) {
    let n = graph.vertices
    var order = Array(0..<n)
    stream.shuffle(&order)
    var mate = [Int](repeating: -1, count: n)
    for v in order where mate[v] < 0 {
      var (best, weight) = (v, 0)
      for i in graph.offsets[v]..<graph.offsets[v + 1] {
        let u = Int(graph.neighbours[i])
        let fits = mate[u] < 0 && graph.activity[u] + graph.activity[v] <= heaviest
        if fits, graph.weights[i] > weight { (best, weight) = (u, graph.weights[i]) }
      }
      mate[v] = best
      mate[best] = v
    }
    mateLeaves(graph, order, heaviest: heaviest, &mate)
    var parent = [UInt32](repeating: 0, count: n)
    var activity: [Int] = []
    for v in 0..<n where mate[v] >= v {
      parent[v] = UInt32(activity.count)
      parent[mate[v]] = parent[v]
      activity.append(graph.activity[v] + (mate[v] == v ? 0 : graph.activity[mate[v]]))
    }
    var edges: [TransactionGraph.WeightedEdge] = []
    edges.reserveCapacity(graph.neighbours.count / 2)
    for v in 0..<n {
      for i in graph.offsets[v]..<graph.offsets[v + 1] where graph.neighbours[i] > v {
        let (a, b) = (parent[v], parent[Int(graph.neighbours[i])])
        if a != b { edges.append(TransactionGraph.WeightedEdge(a, b, weight: graph.weights[i])) }
      }
    }
    return (TransactionGraph(activity: activity, edges: edges), parent)
  }

  /// Pairs up vertices that found no mate and share their heaviest neighbour: the leaves of a hub,
  /// which matching alone would leave one by one (METIS calls it two-hop matching).
  private static func mateLeaves(
    _ graph: TransactionGraph, _ order: [Int], heaviest: Int, _ mate: inout [Int]
  ) {
    var waiting = [Int](repeating: -1, count: graph.vertices)  // by hub
    for v in order where mate[v] == v && graph.offsets[v] < graph.offsets[v + 1] {
      var hub = graph.offsets[v]
      for i in graph.offsets[v]..<graph.offsets[v + 1] where graph.weights[i] > graph.weights[hub] {
        hub = i
      }
      let center = Int(graph.neighbours[hub])
      let other = waiting[center]
      if other >= 0, graph.activity[other] + graph.activity[v] <= heaviest {
        mate[v] = other
        mate[other] = v
        waiting[center] = -1
      } else {
        waiting[center] = v
      }
    }
  }

  /// The best of several greedy starts.
  private func initial(_ graph: TransactionGraph, _ stream: inout RandomStream) -> [UInt32] {
    let limit = largestPart(graph)
    var best: [UInt32] = []
    var least = (overweight: Int.max, cut: Int.max)
    for _ in 0..<starts {
      var refinement = PartRefinement(
        graph, greedy(graph, limit: limit, &stream), shards: shards, limit: limit)
      refinement.balance()
      refinement.refine()
      let loads = graph.loads(refinement.places, shards: shards)
      let overweight = loads.reduce(0) { $0 + max(0, $1 - limit) }
      let result = (overweight: overweight, cut: graph.cut(refinement.places))
      if result < least { (best, least) = (refinement.places, result) }
    }
    return best
  }

  /// Grows parts one after the other from a random vertex, always by the vertex with the most
  /// weight into the part, until the part has its share (greedy graph growing).
  private func greedy(
    _ graph: TransactionGraph, limit: Int, _ stream: inout RandomStream
  ) -> [UInt32] {
    let none = UInt32.max
    var places = [UInt32](repeating: none, count: graph.vertices)
    var order = Array(0..<graph.vertices)
    stream.shuffle(&order)
    var left = graph.totalActivity
    var next = 0
    for part in 0..<(shards - 1) {
      let share = left / (shards - part)
      var load = 0
      var gain = [Int](repeating: 0, count: graph.vertices)
      var rim: [Int] = []
      while load < share {
        var chosen = -1
        for v in rim where places[v] == none && load + graph.activity[v] <= limit {
          if chosen < 0 || (gain[v], chosen) > (gain[chosen], v) { chosen = v }
        }
        if chosen < 0 {
          while next < order.count, places[order[next]] != none { next += 1 }
          guard next < order.count else { break }
          chosen = order[next]
          if load > 0, load + graph.activity[chosen] > limit { break }
        }
        places[chosen] = UInt32(part)
        load += graph.activity[chosen]
        rim.removeAll { $0 == chosen }
        for i in graph.offsets[chosen]..<graph.offsets[chosen + 1] {
          let u = Int(graph.neighbours[i])
          guard places[u] == none else { continue }
          if gain[u] == 0 { rim.append(u) }
          gain[u] += graph.weights[i]
        }
      }
      left -= load
    }
    for v in places.indices where places[v] == none { places[v] = UInt32(shards - 1) }
    return places
  }
}
