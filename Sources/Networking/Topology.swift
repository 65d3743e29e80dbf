import Kernel

/// Who is linked to whom: an undirected simple graph, each link stored as two directed connections.
///
/// Compressed rows: the neighbours of node `v` are `neighbours[offsets[v]..<offsets[v + 1]]`, in
/// the order in which their links were given. The index into `neighbours` names the directed
/// connection from `v`, so that per-connection state is a plain array.
public struct Topology: Sendable, Equatable {
  /// `nodeCount + 1` entries: where each node's connections begin, and where the last one's end.
  public let offsets: [UInt32]
  /// The node at the far end of each directed connection.
  public let neighbours: [UInt32]

  /// - Parameters:
  ///   - nodes: at least 1.
  ///   - edges: undirected links between different nodes below `nodes`, each given once.
  public init(nodes: Int, edges: [(Int, Int)]) {
    precondition(nodes >= 1 && nodes < Int(UInt32.max), "\(nodes) nodes")
    precondition(edges.count < Int(UInt32.max) / 2, "\(edges.count) links")
    var ends = [UInt32](repeating: 0, count: nodes + 1)
    for (a, b) in edges {
      precondition(
        a >= 0 && b >= 0 && a < nodes && b < nodes, "link \(a)-\(b) outside \(nodes) nodes")
      precondition(a != b, "node \(a) is linked to itself")
      ends[a + 1] += 1
      ends[b + 1] += 1
    }
    for v in 0..<nodes { ends[v + 1] += ends[v] }
    offsets = ends
    var row = [UInt32](repeating: 0, count: 2 * edges.count)
    for (a, b) in edges {
      row[Int(ends[a])] = UInt32(b)
      ends[a] += 1
      row[Int(ends[b])] = UInt32(a)
      ends[b] += 1
    }
    neighbours = row
    precondition(isSimple, "a link is given twice")
  }

  public var nodeCount: Int { offsets.count - 1 }

  /// Number of directed connections: twice the number of links.
  public var connectionCount: Int { neighbours.count }

  /// The directed connections out of `node`, as indices into `neighbours`.
  @inlinable
  public func neighbours(of node: Int) -> Range<Int> {
    Int(offsets[node])..<Int(offsets[node + 1])
  }

  /// How many neighbours `node` has.
  public func degree(of node: Int) -> Int { neighbours(of: node).count }

  /// The directed connection from `a` to `b`, if they are linked. O(degree of `a`).
  public func connection(from a: Int, to b: Int) -> Int? {
    neighbours(of: a).first { neighbours[$0] == UInt32(b) }
  }

  /// Number of nodes that can be reached from node 0, itself among them. O(connections).
  public var reachable: Int {
    var isReached = [Bool](repeating: false, count: nodeCount)
    isReached[0] = true
    var frontier: [Int] = [0]
    var count = 1
    while let node = frontier.popLast() {
      for connection in neighbours(of: node) {
        let next = Int(neighbours[connection])
        if isReached[next] { continue }
        isReached[next] = true
        count += 1
        frontier.append(next)
      }
    }
    return count
  }

  /// Every node can reach every other.
  public var isConnected: Bool { reachable == nodeCount }

  /// No node is twice in a row.
  private var isSimple: Bool {
    var seenBy = [UInt32](repeating: .max, count: nodeCount)
    for node in 0..<nodeCount {
      for connection in neighbours(of: node) {
        let next = Int(neighbours[connection])
        if seenBy[next] == UInt32(node) { return false }
        seenBy[next] = UInt32(node)
      }
    }
    return true
  }
}

/// What a user can get wrong about a topology. Lines count from 1.
public enum TopologyError: Error, Equatable, Sendable, CustomStringConvertible {
  case malformed(line: Int, text: String)
  case unknownNode(line: Int, node: Int, nodes: Int)
  case selfLoop(line: Int, node: Int)
  case duplicate(line: Int, first: Int, from: Int, to: Int)
  case disconnected(reached: Int, nodes: Int)
  /// No graph has these parameters; the text says why.
  case impossible(String)

  /// The line of the edge list it is about, if it is about one.
  public var line: Int? {
    switch self {
    case .malformed(let line, _), .unknownNode(let line, _, _), .selfLoop(let line, _),
      .duplicate(let line, _, _, _):
      line
    case .disconnected, .impossible: nil
    }
  }

  public var description: String {
    switch self {
    case .malformed(_, let text):
      "'\(text)' is not a link; expected two node numbers, as in 3,17"
    case .unknownNode(_, let node, let nodes): "node \(node): nodes are 0 to \(nodes - 1)"
    case .selfLoop(_, let node): "node \(node) is linked to itself"
    case .duplicate(_, let first, let a, let b):
      "the link \(a),\(b) was given in line \(first) already"
    case .disconnected(let reached, let nodes):
      "node 0 reaches only \(reached) of \(nodes) nodes"
    case .impossible(let reason): reason
    }
  }
}

// MARK: - An explicit list of links

extension Topology {
  /// Reads a list of links: one `from,to` a line, nodes numbered from 0. Blank lines, lines that
  /// start with `#`, and a first row `from,to` are skipped. The graph must be connected.
  public init(csv text: String, nodes: Int) throws(TopologyError) {
    guard nodes >= 1 else { throw .impossible("a network of \(nodes) nodes") }
    var edges: [(Int, Int)] = []
    var lines: [Int] = []
    let rows = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (i, row) in rows.enumerated() {
      let fields = row.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        .map { Self.trimmed($0) }
      let isBlank = fields.count == 1 && fields[0].isEmpty
      if isBlank || fields[0].hasPrefix("#") { continue }
      if edges.isEmpty, fields == ["from", "to"] { continue }
      guard fields.count == 2, let a = Int(fields[0]), let b = Int(fields[1]) else {
        throw .malformed(line: i + 1, text: Self.trimmed(row))
      }
      for node in [a, b] where node < 0 || node >= nodes {
        throw .unknownNode(line: i + 1, node: node, nodes: nodes)
      }
      if a == b { throw .selfLoop(line: i + 1, node: a) }
      edges.append((a, b))
      lines.append(i + 1)
    }
    if let (first, second) = Self.repeated(edges) {
      let (a, b) = edges[second]
      throw .duplicate(line: lines[second], first: lines[first], from: a, to: b)
    }
    self.init(nodes: nodes, edges: edges)
    let reached = reachable
    if reached < nodes { throw .disconnected(reached: reached, nodes: nodes) }
  }

  private static func trimmed(_ field: Substring.UTF8View) -> String {
    let blanks: [UInt8] = [UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r")]
    var part = field
    while let first = part.first, blanks.contains(first) { part = part.dropFirst() }
    while let last = part.last, blanks.contains(last) { part = part.dropLast() }
    return String(decoding: part, as: UTF8.self)
  }

  /// The first link that repeats another, in either direction, as positions of both in `edges`.
  private static func repeated(_ edges: [(Int, Int)]) -> (first: Int, second: Int)? {
    func key(_ i: Int) -> (Int, Int) { (min(edges[i].0, edges[i].1), max(edges[i].0, edges[i].1)) }
    let order = edges.indices.sorted { (key($0).0, key($0).1, $0) < (key($1).0, key($1).1, $1) }
    var found: (first: Int, second: Int)?
    for (a, b) in zip(order, order.dropFirst()) where key(a) == key(b) {
      if b < found?.second ?? .max { found = (a, b) }
    }
    return found
  }
}
