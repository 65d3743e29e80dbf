/// Moves vertices between parts so that fewer edges are cut, within a bound on the weight of parts:
/// Kernighan and Lin's idea in the form of Fiduccia and Mattheyses (DAC '82), for many parts.
///
/// A pass moves each vertex at most once, always the one with the highest gain, also where the gain
/// is negative, and goes back to the best state that it met: so it climbs out of small valleys.
struct PartRefinement {
  private(set) var places: [UInt32]
  private let graph: TransactionGraph
  private let shards: Int
  private let limit: Int
  private var loads: [Int]
  /// By vertex and part: weight of the vertex's edges into the part.
  private var links: [Int32]
  private var heap: [Candidate] = []

  /// A vertex that could move, with the gain that it had when it was entered.
  private struct Candidate {
    var gain: Int
    var vertex: Int

    /// Before another: higher gain, then lower index.
    func precedes(_ other: Candidate) -> Bool {
      gain != other.gain ? gain > other.gain : vertex < other.vertex
    }
  }

  /// Moves without an improvement after which a pass ends.
  private static let patience = 200
  private static let passes = 10

  init(_ graph: TransactionGraph, _ places: [UInt32], shards: Int, limit: Int) {
    self.graph = graph
    self.places = places
    self.shards = shards
    self.limit = limit
    loads = graph.loads(places, shards: shards)
    links = [Int32](repeating: 0, count: graph.vertices * shards)
    for v in 0..<graph.vertices {
      for i in graph.offsets[v]..<graph.offsets[v + 1] {
        links[v * shards + Int(places[Int(graph.neighbours[i])])] += Int32(graph.weights[i])
      }
    }
  }

  /// Passes until one brings nothing.
  mutating func refine() {
    for _ in 0..<Self.passes where pass() == 0 { return }
  }

  /// Takes vertices out of parts that are too heavy, those that lose least first, to the part with
  /// room that they are linked to most.
  mutating func balance() {
    for part in 0..<shards where loads[part] > limit {
      var members = (0..<graph.vertices).filter {
        Int(places[$0]) == part && graph.activity[$0] > 0
      }
      let loss = members.map { v in
        Int(links[v * shards + part]) - (bestPart(v).map { Int(links[v * shards + $0]) } ?? 0)
      }
      let order = members.indices.sorted { (loss[$0], members[$0]) < (loss[$1], members[$1]) }
      members = order.map { members[$0] }
      for v in members where loads[part] > limit {
        if let to = bestPart(v) { move(v, to: to) }
      }
    }
  }

  /// The part with room, other than its own, that a vertex is linked to most; among equals the
  /// lightest, then the first.
  private func bestPart(_ v: Int) -> Int? {
    let own = Int(places[v])
    var best: Int?
    for part in 0..<shards where part != own && loads[part] + graph.activity[v] <= limit {
      guard let so = best else {
        best = part
        continue
      }
      let (new, old) = (links[v * shards + part], links[v * shards + so])
      if new > old || (new == old && loads[part] < loads[so]) { best = part }
    }
    return best
  }

  private func gain(_ v: Int, to part: Int) -> Int {
    Int(links[v * shards + part]) - Int(links[v * shards + Int(places[v])])
  }

  private mutating func move(_ v: Int, to part: Int) {
    let own = Int(places[v])
    for i in graph.offsets[v]..<graph.offsets[v + 1] {
      let row = Int(graph.neighbours[i]) * shards
      links[row + own] -= Int32(graph.weights[i])
      links[row + part] += Int32(graph.weights[i])
    }
    loads[own] -= graph.activity[v]
    loads[part] += graph.activity[v]
    places[v] = UInt32(part)
  }

  /// One pass; returns by how much the cut fell.
  private mutating func pass() -> Int {
    heap.removeAll(keepingCapacity: true)
    for v in 0..<graph.vertices { enter(v) }
    var isMoved = [Bool](repeating: false, count: graph.vertices)
    var journal: [(vertex: Int, from: Int)] = []
    var (sum, best, kept) = (0, 0, 0)
    while let top = removeTop() {
      let v = top.vertex
      guard !isMoved[v], let to = bestPart(v) else { continue }
      let gain = gain(v, to: to)
      if gain < top.gain {  // the world changed since it was entered
        insert(Candidate(gain: gain, vertex: v))
        continue
      }
      isMoved[v] = true
      journal.append((v, Int(places[v])))
      move(v, to: to)
      sum += gain
      if sum > best { (best, kept) = (sum, journal.count) }
      if journal.count - kept >= Self.patience { break }
      for i in graph.offsets[v]..<graph.offsets[v + 1] where !isMoved[Int(graph.neighbours[i])] {
        enter(Int(graph.neighbours[i]))
      }
    }
    for step in journal[kept...].reversed() { move(step.vertex, to: step.from) }
    return best
  }

  /// Enters a vertex that has an edge to another part.
  private mutating func enter(_ v: Int) {
    let own = Int(places[v])
    let row = v * shards
    guard (0..<shards).contains(where: { $0 != own && links[row + $0] > 0 }),
      let to = bestPart(v)
    else { return }
    insert(Candidate(gain: gain(v, to: to), vertex: v))
  }

  private mutating func insert(_ candidate: Candidate) {
    heap.append(candidate)
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].precedes(heap[parent]) else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func removeTop() -> Candidate? {
    guard let top = heap.first else { return nil }
    let last = heap.removeLast()
    guard !heap.isEmpty else { return top }
    heap[0] = last
    var parent = 0
    while true {
      var first = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
        if heap[child].precedes(heap[first]) { first = child }
      }
      guard first != parent else { return top }
      heap.swapAt(first, parent)
      parent = first
    }
  }
}
