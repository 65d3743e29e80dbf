import Kernel
import Networking
import Statistics
import Testing

@Suite("Topologies")
struct TopologyTests {
  func stream(_ seed: UInt64 = 1) -> RandomStream { RandomStream(seed: seed, purpose: "topology") }

  func degrees(_ graph: Topology) -> [Int] {
    (0..<graph.nodeCount).map { graph.degree(of: $0) }
  }

  /// Share of pairs of a node's neighbours that are linked, mean over nodes (Watts & Strogatz).
  func clustering(_ graph: Topology) -> Double {
    var total = 0.0
    for node in 0..<graph.nodeCount {
      let around = graph.neighbours(of: node).map { Int(graph.neighbours[$0]) }
      var linked = 0
      for (i, a) in around.enumerated() {
        for b in around[..<i] where graph.connection(from: a, to: b) != nil { linked += 1 }
      }
      let pairs = around.count * (around.count - 1) / 2
      total += pairs == 0 ? 0 : Double(linked) / Double(pairs)
    }
    return total / Double(graph.nodeCount)
  }

  @Test("each link is stored in both directions, in the order given")
  func rows() {
    let graph = Topology(nodes: 4, edges: [(2, 0), (0, 1), (3, 2)])
    #expect(graph.nodeCount == 4 && graph.connectionCount == 6)
    #expect(graph.offsets == [0, 2, 3, 5, 6])
    #expect(graph.neighbours == [2, 1, 0, 0, 3, 2])
    #expect(graph.neighbours(of: 2) == 3..<5)
    #expect(graph.connection(from: 2, to: 3) == 4 && graph.connection(from: 1, to: 3) == nil)
    #expect(graph.isConnected)
  }

  @Test("a graph in two parts is not connected")
  func parts() {
    let graph = Topology(nodes: 5, edges: [(0, 1), (2, 3), (3, 4)])
    #expect(!graph.isConnected && graph.reachable == 2)
  }

  @Test("in a full mesh everybody knows everybody, in order", arguments: [1, 2, 5, 64])
  func fullMesh(n: Int) {
    let graph = Topology.fullMesh(n)
    #expect(graph.connectionCount == n * (n - 1) && graph.isConnected)
    for node in 0..<n {
      let others = (0..<n).filter { $0 != node }
      #expect(graph.neighbours(of: node).map { Int(graph.neighbours[$0]) } == others)
    }
  }

  @Test(
    "a random regular graph is regular, simple and connected",
    arguments: [(1, 0), (2, 1), (3, 2), (9, 2), (6, 3), (7, 4), (8, 5), (10, 8), (20, 13), (50, 3)])
  func regular(n: Int, d: Int) throws {
    for seed in 0..<20 as Range<UInt64> {
      var stream = stream(seed)
      let graph = try Topology.randomRegular(n, degree: d, using: &stream)
      #expect(degrees(graph).allSatisfy { $0 == d } && graph.isConnected)
    }
  }

  @Test("a large random regular graph is drawn too")
  func largeRegular() throws {
    var stream = stream()
    let graph = try Topology.randomRegular(10_000, degree: 8, using: &stream)
    #expect(degrees(graph).allSatisfy { $0 == 8 } && graph.isConnected)
    // The number of triangles is Poisson with mean (d - 1)^3 / 6, whatever n (Bollobás '80); each
    // closes three of the 10,000 x 28 pairs.
    let triangles = clustering(graph) * 10_000 * 28 / 3
    #expect(abs(triangles - 343.0 / 6) < 4 * (343.0 / 6).squareRoot())
  }

  @Test("all 70 labelled cubic graphs of six nodes are equally likely, at the 0.1 % level")
  func uniform() throws {
    // 60 prisms and 10 complete bipartite graphs, by enumeration; all are connected.
    var counts: [[UInt32]: Int] = [:]
    var stream = stream()
    for _ in 0..<14_000 {
      let graph = try Topology.randomRegular(6, degree: 3, using: &stream)
      let rows = (0..<6).flatMap { graph.neighbours[graph.neighbours(of: $0)].sorted() }
      counts[rows, default: 0] += 1
    }
    #expect(counts.count == 70)
    let statistic = counts.values.reduce(0.0) { $0 + Double(($1 - 200) * ($1 - 200)) / 200 }
    #expect(statistic < Quantile.chiSquare(0.999, degreesOfFreedom: 69))
  }

  @Test("all 19355 labelled cubic graphs of eight nodes come up alike")
  func uniformByPairing() throws {
    // Small enough that the graph itself, not its complement, is paired. The 35 disconnected ones
    // (two complete graphs of four) are thrown away. OEIS A002829.
    var counts: [[UInt32]: Int] = [:]
    var stream = stream()
    let draws = 193_200
    for _ in 0..<draws {
      let graph = try Topology.randomRegular(8, degree: 3, using: &stream)
      let rows = (0..<8).flatMap { graph.neighbours[graph.neighbours(of: $0)].sorted() }
      counts[rows, default: 0] += 1
    }
    let expected = Double(draws) / 19_320
    let seen = counts.values.reduce(0.0) {
      $0 + (Double($1) - expected) * (Double($1) - expected) / expected
    }
    let statistic = seen + Double(19_320 - counts.count) * expected
    #expect(statistic < Quantile.chiSquare(0.999, degreesOfFreedom: 19_319))
  }

  @Test("a small world goes from a lattice's clustering to a random graph's")
  func smallWorld() throws {
    var stream = stream()
    let lattice = try Topology.smallWorld(1000, k: 10, beta: 0, using: &stream)
    // 3 (k - 2) / (4 (k - 1)): Barrat & Weigt, Eur. Phys. J. B 13 (2000).
    #expect(abs(clustering(lattice) - 2.0 / 3) < 1e-12)
    let little = try Topology.smallWorld(1000, k: 10, beta: 0.1, using: &stream)
    // Times (1 - beta)^3, plus a term of order 1 / n.
    #expect(abs(clustering(little) - 2.0 / 3 * 0.729) < 0.03)
    let random = try Topology.smallWorld(1000, k: 10, beta: 1, using: &stream)
    #expect(clustering(random) < 0.03)
    for graph in [lattice, little, random] {
      #expect(graph.connectionCount == 10_000 && graph.isConnected)
      #expect(degrees(graph).min() ?? 0 >= 5)
    }
  }

  @Test("equal streams draw equal graphs, others do not")
  func deterministic() throws {
    func draw(_ seed: UInt64) throws -> [Topology] {
      var stream = stream(seed)
      let table = try OutboundDegrees(cumulative: [0, 0, 0, 0.5, 1], assignment: .drawn)
      return [
        try .randomRegular(100, degree: 6, using: &stream),
        try .smallWorld(100, k: 6, beta: 0.3, using: &stream),
        try .outbound(100, degrees: table, using: &stream),
      ]
    }
    #expect(try draw(7) == draw(7))
    #expect(try zip(draw(7), draw(8)).allSatisfy { $0 != $1 })
  }

  @Test("parameters without a graph are refused")
  func impossible() {
    var stream = stream()
    func refused(_ body: () throws -> Topology) -> Bool {
      do {
        _ = try body()
        return false
      } catch { return (error as? TopologyError).map { "\($0)".isEmpty } == false }
    }
    #expect(refused { try .randomRegular(5, degree: 3, using: &stream) })
    #expect(refused { try .randomRegular(5, degree: 5, using: &stream) })
    #expect(refused { try .randomRegular(4, degree: 1, using: &stream) })
    #expect(refused { try .smallWorld(10, k: 3, beta: 0.1, using: &stream) })
    #expect(refused { try .smallWorld(10, k: 10, beta: 0.1, using: &stream) })
    #expect(refused { try .smallWorld(10, k: 4, beta: 1.5, using: &stream) })
    #expect(throws: TopologyError.self) {
      _ = try OutboundDegrees(cumulative: [0.5, 0.4, 1], assignment: .drawn)
    }
    #expect(throws: TopologyError.self) {
      _ = try OutboundDegrees(cumulative: [0.5, 0.9], assignment: .drawn)
    }
  }
}

@Suite("Networks whose nodes open outbound links")
struct OutboundTests {
  let table = [0.025, 0.05, 0.075, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1]

  func stream() -> RandomStream { RandomStream(seed: 2, purpose: "topology") }

  @Test("each node opens what the table says, and mean degree is twice that")
  func degrees() throws {
    for assignment in OutboundDegrees.Assignment.allCases {
      var first = stream()
      let degrees = try OutboundDegrees(cumulative: table, assignment: assignment)
      let opens = degrees.degrees(of: 600, using: &first)
      var second = stream()
      let graph = try Topology.outbound(600, degrees: degrees, using: &second)
      #expect(graph.isConnected)
      #expect(graph.connectionCount == 2 * opens.reduce(0, +))
      #expect((0..<600).allSatisfy { graph.degree(of: $0) >= opens[$0] })
    }
  }

  @Test("quotas meet the shares; SimBlock's first bin has one more")
  func quotas() {
    func bins(_ isOffByOne: Bool, of n: Int) -> [Int] {
      var stream = stream()
      let list = OutboundDegrees.quota(
        [0.1, 0.3, 1], of: n, isOffByOne: isOffByOne, using: &stream)
      #expect(list.count == n)
      return (0...3).map { value in list.count { $0 == value } }
    }
    #expect(bins(false, of: 100) == [10, 20, 70, 0])
    // 11, 20 and 70 entries, of which one is left out.
    let quirk = bins(true, of: 100)
    #expect(quirk[0] + quirk[1] + quirk[2] == 100 && quirk[3] == 0)
    #expect((quirk[0] == 11 || quirk[0] == 10) && quirk[1] >= 19 && quirk[2] >= 69)
  }

  @Test("drawn degrees follow the table")
  func drawn() throws {
    var stream = stream()
    let degrees = try OutboundDegrees(cumulative: table, assignment: .drawn)
      .degrees(of: 100_000, using: &stream)
    let observed = (1...15).map { k in degrees.count { $0 == k } }
    let shares = zip(table, [0] + table).map { $0 - $1 }
    let statistic = zip(observed, shares).reduce(0.0) { sum, pair in
      let expected = 100_000 * pair.1
      return sum + (Double(pair.0) - expected) * (Double(pair.0) - expected) / expected
    }
    #expect(statistic < Quantile.chiSquare(0.999, degreesOfFreedom: 14))
  }
}

@Suite("Lists of links")
struct EdgeListTests {
  @Test("a list is read, with its comments, blanks and header")
  func reads() throws {
    let text = "# a ring\r\nfrom,to\n0,1\n\n 1 , 2 \r\n2,0\n"
    let graph = try Topology(csv: text, nodes: 3)
    #expect(graph == Topology(nodes: 3, edges: [(0, 1), (1, 2), (2, 0)]))
  }

  @Test(
    "what is wrong is told with its line",
    arguments: [
      ("0,1\n1;2\n", TopologyError.malformed(line: 2, text: "1;2")),
      ("0,1\n1,2,3\n", .malformed(line: 2, text: "1,2,3")),
      ("0,one\n", .malformed(line: 1, text: "0,one")),
      ("0,1\n,\n", .malformed(line: 2, text: ",")),
      ("# x\n0,1\n1,3\n", .unknownNode(line: 3, node: 3, nodes: 3)),
      ("0,1\n-1,2\n", .unknownNode(line: 2, node: -1, nodes: 3)),
      ("0,1\n2,2\n", .selfLoop(line: 2, node: 2)),
      ("0,1\n1,2\n\n1,0\n2,1\n", .duplicate(line: 4, first: 1, from: 1, to: 0)),
      ("0,1\n", .disconnected(reached: 2, nodes: 3)),
      ("", .disconnected(reached: 1, nodes: 3)),
    ])
  func errors(text: String, expected: TopologyError) {
    #expect(throws: expected) { _ = try Topology(csv: text, nodes: 3) }
    #expect(!expected.description.isEmpty)
  }
}
