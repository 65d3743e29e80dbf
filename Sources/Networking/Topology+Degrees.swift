import Kernel

/// How many outbound links each node opens, as measured in a public network.
public struct OutboundDegrees: Sendable, Equatable {
  /// How the table becomes one number for each node.
  public enum Assignment: String, Sendable, CaseIterable {
    /// Each node draws from the table by itself.
    case drawn
    /// Shares are met as exactly as whole nodes allow, in random order.
    case quota
    /// As `quota`, with SimBlock's off-by-one: its loop fills a bin *while size <= N F(i)*, so that
    /// the first bin has one node more than its share, the list N + 1 entries, and one entry, at
    /// random, is not used (`makeRandomListFollowDistribution`, dsg-titech/simblock@5fc7f9f).
    case simBlockQuota = "simblock-quota"
  }

  /// Entry i: the probability of at most i + 1 links; rises to 1.
  public let cumulative: [Double]
  public let assignment: Assignment

  public init(cumulative: [Double], assignment: Assignment) throws(TopologyError) {
    guard let last = cumulative.last, abs(last - 1) < 1e-9 else {
      throw .impossible("the shares of outbound degrees must end at 1")
    }
    guard zip(cumulative, cumulative.dropFirst()).allSatisfy({ $0 <= $1 }), cumulative[0] >= 0
    else {
      throw .impossible("the shares of outbound degrees must not fall")
    }
    self.cumulative = cumulative
    self.assignment = assignment
  }

  /// One outbound degree, at least 1, for each of `nodes` nodes.
  public func degrees(of nodes: Int, using stream: inout RandomStream) -> [Int] {
    switch assignment {
    case .drawn:
      (0..<nodes).map { _ in
        let u = stream.unit()
        return (cumulative.firstIndex { u < $0 } ?? cumulative.count - 1) + 1
      }
    case .quota, .simBlockQuota:
      Self.quota(
        cumulative, of: nodes, isOffByOne: assignment == .simBlockQuota, using: &stream
      ).map { $0 + 1 }
    }
  }

  /// Positions in a table of rising shares, each in proportion to its share, in random order, for
  /// `count` nodes. SimBlock deals out regions by the same list as degrees.
  public static func quota(
    _ cumulative: [Double], of count: Int, isOffByOne: Bool, using stream: inout RandomStream
  ) -> [Int] {
    var list: [Int] = []
    for (i, share) in cumulative.enumerated() {
      let limit = Double(count) * share
      while isOffByOne ? Double(list.count) <= limit : Double(list.count) + 0.5 <= limit {
        list.append(i)
      }
    }
    while list.count < count { list.append(cumulative.count - (isOffByOne ? 0 : 1)) }
    stream.shuffle(&list)
    return Array(list.prefix(count))
  }
}

extension Topology {
  /// A network that its nodes made as Bitcoin's do: in order of number, each opens its outbound
  /// links to uniformly chosen nodes with which it has no link yet, in either direction. Inbound
  /// links are not limited.
  ///
  /// A node that has too few strangers left opens fewer. A node lists the links that lower nodes
  /// opened to it first, then its own, then those of higher nodes.
  public static func outbound(
    _ nodes: Int, degrees: OutboundDegrees, using stream: inout RandomStream
  ) throws(TopologyError) -> Topology {
    guard nodes >= 1 else { throw .impossible("a network of \(nodes) nodes") }
    let opens = degrees.degrees(of: nodes, using: &stream)
    var inbound = [[UInt32]](repeating: [], count: nodes)
    var edges: [(Int, Int)] = []
    var candidates = Array(0..<nodes)
    for node in 0..<nodes {
      var opened = 0
      var tried = 0
      let own = edges.count
      // A shuffle that stops when enough links are open.
      while opened < opens[node], tried < nodes {
        candidates.swapAt(tried, stream.range(tried..<nodes))
        let candidate = candidates[tried]
        tried += 1
        // Whom it has opened a link to in this loop cannot come up again.
        if candidate == node || inbound[node].contains(UInt32(candidate)) { continue }
        edges.append((node, candidate))
        opened += 1
      }
      for (_, target) in edges[own...] { inbound[target].append(UInt32(node)) }
    }
    let drawn = Topology(nodes: nodes, edges: edges)
    let reached = drawn.reachable
    if reached < nodes { throw .disconnected(reached: reached, nodes: nodes) }
    return drawn
  }
}
