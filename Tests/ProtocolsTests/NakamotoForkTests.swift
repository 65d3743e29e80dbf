import Kernel
import Machines
import Networking
import Protocols
import Simulation
import Statistics
import Testing

@Suite("Nakamoto: forks")
struct NakamotoForkTests {
  /// The grid of published comparisons: Bitcoin, Litecoin, Dogecoin and Ethereum under proof of
  /// work
  /// by their intervals in seconds, and delays in seconds from 0.1 to 60.
  static let intervals = [600, 150, 60, 13]
  static let delays = [0.1, 0.25, 0.5, 1, 2, 5, 8.7, 10, 12.6, 15, 20, 30, 40, 60]

  /// Many equal miners, every block with all others after a constant delay d, T between blocks:
  /// x = d / T.
  ///
  /// The first block at a height is found when everybody knows the one before, since all but its
  /// maker learn of that only d later. From then on for d, all others work on the same height:
  /// 1 + Poisson(x) blocks a height, of which one stays. So naive counting is what the closed forms
  /// are for: a height forks with probability 1 - exp(-x) (Decker & Wattenhofer, P2P 2013, with all
  /// nodes informed at once), a share x / (1 + x) of all blocks is stale and the chain grows at
  /// 1 / (T + d) (Sompolinsky & Zohar, FC 2015, Lemma 5). Of n miners one does not work on the same
  /// height: what is counted is smaller by about 1 / n of itself, and a miner that finds two blocks
  /// within d (n pairs with (x / n)^2 / 2 each) adds to the growth; n grows with x accordingly.
  @Test(
    "stale blocks are x / (1 + x) of all, and 1 - exp(-x) of the heights fork, over 56 points",
    arguments: intervals)
  func forks(interval: Int) {
    for (k, delay) in Self.delays.enumerated() {
      let x = delay / Double(interval)
      // Rare forks need many blocks; in a mesh a block is n events.
      let (n, blocks) = Self.size(x)
      let result = Self.run(
        n, interval: interval, delay: delay, blocks: blocks, seed: UInt64(100 * interval + k))
      let heights = result.heights
      let expected = (stale: x / (1 + x), forked: 1 - exp(-x))
      // Stale blocks a height are Poisson(x); the share is a function of their mean.
      let staleError = (x / heights).squareRoot() / ((1 + x) * (1 + x))
      let forkedError = (expected.forked * (1 - expected.forked) / heights).squareRoot()
      let growthError = 1 / Double(blocks).squareRoot()
      print(
        "x = \(x), n = \(n): stale \(result.stale) of \(expected.stale) +- \(staleError), forked "
          + "\(result.forked) of \(expected.forked) +- \(forkedError)")
      #expect(abs(result.stale - expected.stale) < 4 * staleError, "x = \(x)")
      #expect(abs(result.forked - expected.forked) < 4 * forkedError, "x = \(x)")
      #expect(abs(result.growth * (1 + x) - 1) < 4 * growthError, "x = \(x)")
    }
  }

  /// Miners and blocks for x: 1 / n stays well below four standard errors.
  static func size(_ x: Double) -> (miners: Int, blocks: Int) {
    switch x {
    case ..<0.02: (40, 40_000)
    case ..<0.4: (100, 12_000)
    case ..<2: (500, 3_000)
    default: (2_000, 1_200)
    }
  }

  /// - Returns: heights of the chain, share of stale blocks, share of heights with several blocks,
  ///   blocks of the chain an interval.
  static func run(
    _ n: Int, interval: Int, delay: Double, blocks: Int, seed: UInt64
  ) -> (heights: Double, stale: Double, forked: Double, growth: Double) {
    var setup = ChainSetup(topology: mesh(n), blocks: .direct)
    setup.delay = .constant(delay * 1e9)
    setup.settings.madeBlocks = blocks
    let run = setup.makeRun(
      seed: seed, genesis: Nakamoto.genesis(),
      protocols: miners(n, interval: .seconds(Int64(interval))))
    run.simulation.run()
    #expect(run.simulation.world.violations.isEmpty)
    let totals = run.chain.summary().totals
    let heights = Double(totals.blocks)
    return (
      heights, Double(totals.stale) / (heights + Double(totals.stale)),
      Double(totals.forkedHeights) / heights,
      heights / run.simulation.world.now.seconds * Double(interval)
    )
  }

  private func exp(_ x: Double) -> Double {
    var term = 1.0
    var sum = 1.0
    for k in 1...60 {
      term *= x / Double(k)
      sum += term
    }
    return sum
  }
}
