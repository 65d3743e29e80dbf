import Consensus
import Kernel
import Protocols
import Simulation
import Testing

@Suite("Layered PBFT, the normal case")
struct LayeredPBFTNormalCaseTests {
  static let trees: [Layers] = [
    Layers(nodes: 16, groups: 4), Layers(nodes: 28, groups: 7), Layers(nodes: 40, groups: 10),
    Layers(nodes: 20, groups: 5), Layers(nodes: 23, groups: 4), Layers(nodes: 9, groups: 4),
    Layers(sizes: [[4, 7, 1, 5, 10]]), Layers(nodes: 100, groups: 17),
    Layers(nodes: 64, size: 4, layers: 3), Layers(nodes: 50, size: 3, layers: 3),
    Layers(sizes: [[4, 4, 1, 3, 5, 2, 4, 6], [2, 1, 3, 2]]),
  ]

  @Test(
    "sends the closed form's messages a decision, checkpoints, status and replies apart",
    arguments: trees.indices)
  func messageCount(tree: Int) {
    let layers = Self.trees[tree]
    var run = LayeredPBFTRun(layers)
    run.arrivals = .closed(clients: 1, think: .constant(0))
    run.settings.ordering.checkpointInterval = 4
    run.settings.ordering.window = 8
    run.until = SimTime(nanoseconds: 300_000_000)
    let simulation = run.start()
    simulation.run(until: .zero + .seconds(1))
    let decisions = simulation.world.decisions[1]
    #expect(decisions > 8)
    let kinds = ["pre-prepare", "prepare", "commit", "prepared", "decided"]
    let sent = simulation.sent(kinds, of: LayeredPBFT.self)
    #expect(sent == decisions * layers.messages)
    #expect(simulation.sent(["reply"], of: LayeredPBFT.self) == decisions * layers.nodes)
    let rest = ["leader-change", "leader", "view-change", "left", "new-view", "status"]
    let others = ["fetch-batch", "batch", "fetch-state", "state", "forward"]
    #expect(simulation.sent(rest + others, of: LayeredPBFT.self) == 0)
    #expect(simulation.final == simulation.submitted)
    #expect(simulation.world.violations.isEmpty)
  }

  @Test("two layers: 2Z(Z-1), the groups' 2m(m-1) each, and 2(N-Z) on the way down")
  func twoLayers() {
    for (z, m) in [(4, 4), (7, 4), (10, 10), (17, 6), (5, 1)] {
      let expected = 2 * z * (z - 1) + z * 2 * m * (m - 1) + 2 * (z * m - z)
      #expect(Layers(nodes: z * m, groups: z).messages == expected)
    }
    // A tree of L layers with m children everywhere: 2m(N-1) for the committees.
    for (m, depth) in [(4, 3), (5, 3), (4, 4)] {
      let n = (0..<depth).reduce(1) { total, _ in total * m }
      let tree = Layers(nodes: n, size: m, layers: depth)
      #expect(tree.messages == 2 * m * (n - 1) + 2 * (n - m))
    }
  }

  @Test("N^2 becomes N^(4/3): at best 3.78 N^(4/3) - 4 Z messages, with Z = 0.794 N^(2/3)")
  func scaling() {
    for n in [64, 100, 200, 400, 512] {
      let best = Layers.cheapest(nodes: n, layers: 2)
      let root = Self.cubeRoot(Double(n))
      // 2Z(Z-1) + 2N(N/Z - 1) + 2(N - Z) = 2Z^2 + 2N^2/Z - 4Z; its first two terms are least at
      // Z = (N^2/2)^(1/3), the third moves that by one group.
      let z = 0.7937 * root * root
      #expect(abs(Double(best.top.n) - z) <= 1.5 + 0.05 * z, "\(best.top.n) groups, \(z)")
      let law = 3.78 * root * root * root * root - 4 * z
      #expect(abs(Double(best.messages) - law) < 0.02 * law, "\(best.messages), \(law)")
    }
    // Without what goes down, N = 100 takes 1,520 in place of 19,800, but for whole groups.
    let hundred = Layers.cheapest(nodes: 100, layers: 2)
    let voting = Double(hundred.messages - 2 * (100 - hundred.top.n))
    #expect(abs(voting - 1520) < 0.01 * 1520, "\(voting)")
  }

  private static func cubeRoot(_ x: Double) -> Double {
    var y = x
    for _ in 0..<100 { y -= (y * y * y - x) / (3 * y * y) }
    return y
  }

  @Test(
    "every node has executed after 10 delays with two layers, 21 with three", arguments: [2, 3])
  func timing(depth: Int) {
    let layers =
      depth == 2 ? Layers(nodes: 20, groups: 4) : Layers(nodes: 64, size: 4, layers: 3)
    #expect(layers.delays == (depth == 2 ? 10 : 21))
    var run = LayeredPBFTRun(layers)
    run.arrivals = .closed(clients: 1, think: .constant(0))
    run.decisions = 5
    run.setup.roles?.executions = layers.nodes
    let simulation = run.start()
    simulation.run(until: .zero + .seconds(1))
    let entries = simulation.world.decisionLogs[1].entries
    #expect(entries.count == 5)
    for entry in entries { #expect(entry.age == .milliseconds(Int64(layers.delays))) }
  }
}
