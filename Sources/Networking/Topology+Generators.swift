import Kernel

/// Families of graphs, each drawn from a stream: equal streams give equal graphs.
extension Topology {
  /// Draws until connected, at most this often: beyond it the parameters are hopeless.
  static var attempts: Int { 1_000 }

  /// Every node is linked to every other; neighbours in order of number.
  public static func fullMesh(_ nodes: Int) -> Topology {
    precondition(nodes >= 1, "\(nodes) nodes")
    var edges: [(Int, Int)] = []
    edges.reserveCapacity(nodes * (nodes - 1) / 2)
    for a in 0..<nodes {
      for b in a + 1..<nodes { edges.append((a, b)) }
    }
    return Topology(nodes: nodes, edges: edges)
  }

  /// A connected graph in which every node has `degree` neighbours.
  ///
  /// Half-links are paired at random (Bollobás, European J. Combinatorics '80), loops and double
  /// links are repaired by swapping ends with random others, and ten attempted swaps a link follow,
  /// the chain whose limit is uniform over simple graphs (Milo et al., arXiv cond-mat/0312028). A
  /// disconnected draw is thrown away. Degree 2 is a uniform ring; above half of the nodes the
  /// complement is drawn.
  public static func randomRegular(
    _ nodes: Int, degree: Int, using stream: inout RandomStream
  ) throws(TopologyError) -> Topology {
    guard nodes >= 1, degree >= 0, degree < nodes else {
      throw .impossible("degree \(degree) of \(nodes) nodes: it must be 0 to \(nodes - 1)")
    }
    guard nodes * degree % 2 == 0 else {
      throw .impossible("\(nodes) nodes of degree \(degree): one of the two must be even")
    }
    guard degree >= 2 || nodes <= degree + 1 else {
      throw .impossible("\(nodes) nodes of degree \(degree) cannot be connected")
    }
    if degree == nodes - 1 { return fullMesh(nodes) }
    if degree == 2 {
      var order = Array(0..<nodes)
      stream.shuffle(&order)
      let edges = order.indices.map { (order[$0], order[($0 + 1) % nodes]) }
      return Topology(nodes: nodes, edges: edges)
    }
    for _ in 0..<attempts {
      var pairing = Pairing(nodes: nodes, degree: min(degree, nodes - 1 - degree))
      pairing.draw(using: &stream)
      let sparse = Topology(nodes: nodes, edges: pairing.edges)
      let drawn = degree <= nodes - 1 - degree ? sparse : sparse.complement
      if drawn.isConnected { return drawn }
    }
    throw .impossible("no connected graph of \(nodes) nodes of degree \(degree) was found")
  }

  /// The graph of all links that this one lacks.
  var complement: Topology {
    var edges: [(Int, Int)] = []
    var isLinked = [Bool](repeating: false, count: nodeCount)
    for a in 0..<nodeCount {
      for connection in neighbours(of: a) { isLinked[Int(neighbours[connection])] = true }
      for b in a + 1..<nodeCount where !isLinked[b] { edges.append((a, b)) }
      for connection in neighbours(of: a) { isLinked[Int(neighbours[connection])] = false }
    }
    return Topology(nodes: nodeCount, edges: edges)
  }

  /// A small world (Watts & Strogatz, Nature 393, 1998): a ring in which each node is linked to its
  /// `k` nearest, the far end of each link then moved to a uniformly chosen node with probability
  /// `beta`, avoiding loops and double links. Redrawn until connected.
  ///
  /// - Parameters:
  ///   - k: even, 2..<nodes.
  ///   - beta: 0 (a ring lattice) ... 1.
  public static func smallWorld(
    _ nodes: Int, k: Int, beta: Double, using stream: inout RandomStream
  ) throws(TopologyError) -> Topology {
    guard k >= 2, k % 2 == 0, k < nodes else {
      throw .impossible("\(k) nearest of \(nodes) nodes: it must be even, 2 to \(nodes - 1)")
    }
    guard beta >= 0, beta <= 1 else {
      throw .impossible("beta \(beta): it must be 0 to 1")
    }
    for _ in 0..<attempts {
      let edges = rewiredRing(nodes, k: k, beta: beta, using: &stream)
      let drawn = Topology(nodes: nodes, edges: edges)
      if drawn.isConnected { return drawn }
    }
    throw .impossible("no connected small world of \(nodes) nodes, k \(k), beta \(beta) was found")
  }

  private static func rewiredRing(
    _ nodes: Int, k: Int, beta: Double, using stream: inout RandomStream
  ) -> [(Int, Int)] {
    var linked = [[Int]](repeating: [], count: nodes)
    var edges: [(Int, Int)] = []
    for hop in 1...k / 2 {
      for a in 0..<nodes {
        let b = (a + hop) % nodes
        edges.append((a, b))
        linked[a].append(b)
        linked[b].append(a)
      }
    }
    for i in edges.indices where stream.bernoulli(beta) {
      let (a, b) = edges[i]
      // A node linked to all others has nowhere to go.
      guard linked[a].count < nodes - 1 else { continue }
      var target = stream.range(0..<nodes)
      while target == a || linked[a].contains(target) { target = stream.range(0..<nodes) }
      linked[a].removeAll { $0 == b }
      linked[b].removeAll { $0 == a }
      linked[a].append(target)
      linked[target].append(a)
      edges[i] = (a, target)
    }
    return edges
  }
}

/// Half-links of a regular graph, paired: slot `2i` is linked to slot `2i + 1`.
struct Pairing {
  let degree: Int
  /// Node of each slot.
  private var node: [UInt32]
  /// Neighbours of each node so far, `degree` places each, with repeats while under repair.
  private var row: [UInt32]
  private let nodes: Int

  init(nodes: Int, degree: Int) {
    self.nodes = nodes
    self.degree = degree
    node = (0..<nodes * degree).map { UInt32($0 / max(degree, 1)) }
    row = []
  }

  var edges: [(Int, Int)] {
    stride(from: 0, to: node.count, by: 2).map { (Int(node[$0]), Int(node[$0 + 1])) }
  }

  mutating func draw(using stream: inout RandomStream) {
    guard degree > 0 else { return }
    repeat {
      stream.shuffle(&node)
      fillRows()
    } while !repair(using: &stream)
    let links = node.count / 2
    for _ in 0..<10 * links {
      let i = stream.range(0..<links)
      _ = swap(i, with: stream.range(0..<links), crossed: stream.bernoulli(0.5))
    }
  }

  private mutating func fillRows() {
    var used = [Int](repeating: 0, count: nodes)
    row = [UInt32](repeating: 0, count: node.count)
    for i in stride(from: 0, to: node.count, by: 2) {
      for (a, b) in [(node[i], node[i + 1]), (node[i + 1], node[i])] {
        row[Int(a) * degree + used[Int(a)]] = b
        used[Int(a)] += 1
      }
    }
  }

  private func multiplicity(_ a: UInt32, _ b: UInt32) -> Int {
    var count = 0
    for i in Int(a) * degree..<(Int(a) + 1) * degree where row[i] == b { count += 1 }
    return count
  }

  private mutating func replace(_ old: UInt32, by new: UInt32, at a: UInt32) {
    var i = Int(a) * degree
    while row[i] != old { i += 1 }
    row[i] = new
  }

  /// Swaps the second ends of links `i` and `j` (or, `crossed`, the second with the first), unless
  /// the new links would be loops or doubles.
  private mutating func swap(_ i: Int, with j: Int, crossed: Bool) -> Bool {
    let (c, d) = crossed ? (2 * j + 1, 2 * j) : (2 * j, 2 * j + 1)
    let (a, b, x, y) = (node[2 * i], node[2 * i + 1], node[c], node[d])
    guard i != j, a != y, x != b, multiplicity(a, y) == 0, multiplicity(x, b) == 0 else {
      return false
    }
    // The two new links must not be the same one.
    guard !(a == x && y == b), !(a == b && x == y) else { return false }
    replace(b, by: y, at: a)
    replace(a, by: x, at: b)
    replace(y, by: b, at: x)
    replace(x, by: a, at: y)
    node[2 * i + 1] = y
    node[d] = b
    return true
  }

  /// Swaps loops and double links away; false if one resists, as a few dense pairings do.
  private mutating func repair(using stream: inout RandomStream) -> Bool {
    let links = node.count / 2
    for i in 0..<links {
      var tries = 0
      while isBad(i) {
        if tries == 100 * links { return false }
        tries += 1
        _ = swap(i, with: stream.range(0..<links), crossed: stream.bernoulli(0.5))
      }
    }
    return true
  }

  private func isBad(_ i: Int) -> Bool {
    let (a, b) = (node[2 * i], node[2 * i + 1])
    return a == b || multiplicity(a, b) > 1
  }
}
