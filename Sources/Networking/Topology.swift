/// Who is connected with whom: the neighbours of each node, as compressed rows.
///
/// The position of a neighbour in `neighbours` names the directed connection to it.
public struct Topology: Sendable {
  /// Where the neighbours of node i begin; one more entry than nodes.
  public let offsets: [UInt32]
  /// Neighbours of all nodes, in order of node, then of neighbour.
  public let neighbours: [UInt32]

  /// - Parameters:
  ///   - nodes: how many.
  ///   - edges: undirected, each pair of different nodes at most once; both directions are stored.
  public init(nodes: Int, edges: [(Int, Int)]) {
    var degree = [UInt32](repeating: 0, count: nodes + 1)
    for (a, b) in edges {
      precondition(a != b && a >= 0 && b >= 0 && a < nodes && b < nodes, "edge \(a)-\(b)")
      degree[a] += 1
      degree[b] += 1
    }
    var starts = [UInt32](repeating: 0, count: nodes + 1)
    for i in 0..<nodes { starts[i + 1] = starts[i] + degree[i] }
    var next = starts
    var list = [UInt32](repeating: 0, count: edges.count * 2)
    for (a, b) in edges {
      list[Int(next[a])] = UInt32(b)
      next[a] += 1
      list[Int(next[b])] = UInt32(a)
      next[b] += 1
    }
    for i in 0..<nodes { list[Int(starts[i])..<Int(starts[i + 1])].sort() }
    offsets = starts
    neighbours = list
  }

  /// Number of nodes.
  public var count: Int { offsets.count - 1 }

  /// Indices into `neighbours` of the connections of `node`.
  @inline(__always)
  public func neighbours(of node: Int) -> Range<Int> {
    Int(offsets[node])..<Int(offsets[node + 1])
  }

  /// Every node connected with every other.
  public static func fullMesh(nodes: Int) -> Topology {
    var edges: [(Int, Int)] = []
    edges.reserveCapacity(nodes * max(nodes - 1, 0) / 2)
    for a in 0..<nodes { for b in a + 1..<max(nodes, a + 1) { edges.append((a, b)) } }
    return Topology(nodes: nodes, edges: edges)
  }
}
