import Consensus

/// How the nodes of a chain form groups, groups of groups, and the committee on top.
///
/// An entity of layer 0 is a node; one of layer k is a group of neighbouring entities of layer
/// k - 1, which form a committee with an f and a quorum of its own. The only group of layer
/// `count` is the top committee.
public struct Layers: Sendable, Equatable {
  /// First child of each group, and the end: `starts[k - 1]` for layer k.
  private let starts: [[Int]]
  /// Which group of layer k a node is in: `groupOf[k][node]`, `groupOf[0][node]` is the node.
  private let groupOf: [[Int]]

  /// Layers of committees that a tree may have.
  public static let allowed = 2...4
  /// Members of one committee, at most: as many as a certificate names.
  public static let largestCommittee = 255

  /// - Parameter sizes: for each layer from the lowest up, the number of children of each of its
  ///   groups; the top committee takes all groups of the last.
  public init(sizes: [[Int]]) {
    precondition(Layers.allowed.contains(sizes.count + 1), "\(sizes.count + 1) layers")
    var starts: [[Int]] = []
    var groupOf = [Array(0..<sizes[0].reduce(0, +))]
    for layer in sizes {
      precondition(layer.allSatisfy { $0 >= 1 }, "an empty group")
      var ends = [0]
      for size in layer { ends.append(ends[ends.count - 1] + size) }
      let parents = layer.indices.flatMap { Array(repeating: $0, count: layer[$0]) }
      groupOf.append(groupOf[groupOf.count - 1].map { parents[$0] })
      starts.append(ends)
    }
    starts.append([0, sizes[sizes.count - 1].count])
    groupOf.append(Array(repeating: 0, count: groupOf[0].count))
    self.starts = starts
    self.groupOf = groupOf
  }

  /// `nodes` nodes in `groups` groups, whose sizes differ by at most one, below one committee.
  public init(nodes: Int, groups: Int) {
    self.init(sizes: [Layers.split(nodes, into: groups)])
  }

  /// A tree of `layers` layers, whose groups have `size` members, or one less where nodes lack.
  public init(nodes: Int, size: Int, layers: Int) {
    var sizes: [[Int]] = []
    var below = nodes
    for _ in 1..<layers {
      let groups = (below + size - 1) / size
      sizes.append(Layers.split(below, into: groups))
      below = groups
    }
    self.init(sizes: sizes)
  }

  private static func split(_ count: Int, into groups: Int) -> [Int] {
    (0..<groups).map { (count * ($0 + 1)) / groups - (count * $0) / groups }
  }
}

extension Layers {
  /// Layers of committees, the top one counted.
  public var count: Int { starts.count }
  public var nodes: Int { groupOf[0].count }
  /// Groups of layer `k`, 1...`count`.
  public func groups(at k: Int) -> Int { starts[k - 1].count - 1 }
  /// The entity of layer `k` that `node` is in, 0...`count`.
  public func group(at k: Int, of node: Int) -> Int { groupOf[k][node] }
  /// The entities of layer k - 1 that form group `g` of layer `k`.
  public func children(of g: Int, at k: Int) -> Range<Int> {
    starts[k - 1][g]..<starts[k - 1][g + 1]
  }
  /// The nodes in group `g` of layer `k`.
  func nodes(of g: Int, at k: Int) -> Range<Int> {
    var range = g..<g + 1
    for j in stride(from: k, to: 0, by: -1) {
      range = starts[j - 1][range.lowerBound]..<starts[j - 1][range.upperBound]
    }
    return range
  }
  /// The committee that group `g` of layer `k` forms.
  public func committee(of g: Int, at k: Int) -> Committee {
    Committee(n: children(of: g, at: k).count)
  }
  /// The place of the entity of `node` in its committee of layer `k`.
  public func position(at k: Int, of node: Int) -> Int {
    groupOf[k - 1][node] - children(of: groupOf[k][node], at: k).lowerBound
  }
  public var top: Committee { committee(of: 0, at: count) }

  /// The fewest nodes with which somebody who chooses them holds group `g` of layer `k`: the f + 1
  /// cheapest of its children.
  func price(of g: Int, at k: Int) -> Int {
    guard k > 0 else { return 1 }
    let prices = children(of: g, at: k).map { price(of: $0, at: k - 1) }.sorted()
    return prices.prefix(committee(of: g, at: k).weakQuorum).reduce(0, +)
  }

  /// Faulty nodes that are tolerated wherever they are: one fewer than what holds the top
  /// committee, which is (f_top + 1)(f_sub + 1) with two layers of equal groups.
  public var tolerated: Int { price(of: 0, at: count) - 1 }

  /// Nodes of group `g` of layer `k` that are sure to go on, whoever the tolerated faulty ones are:
  /// f children may be gone, with all that is below them.
  private func surviving(in g: Int, at k: Int) -> Int {
    guard k > 0 else { return 1 }
    let below = children(of: g, at: k).map { surviving(in: $0, at: k - 1) }.sorted()
    return below.prefix(below.count - committee(of: g, at: k).f).reduce(0, +)
  }

  public var surviving: Int { surviving(in: 0, at: count) }

  /// Messages of a decision in the normal case, without loss: 2 m(m - 1) in each committee, and
  /// two on the way down to each member of a lower committee but its leader.
  public var messages: Int {
    var total = 0
    for k in 1...count {
      for g in 0..<groups(at: k) {
        let m = children(of: g, at: k).count
        total += 2 * m * (m - 1) + (k < count ? 2 * (m - 1) : 0)
      }
    }
    return total
  }

  /// One-way delays until every node has executed a proposal; see the page.
  public var delays: Int {
    var certifying = 2
    for _ in 2..<count { certifying = 2 * certifying + 2 }
    return 2 * certifying + 3 * count
  }
}
