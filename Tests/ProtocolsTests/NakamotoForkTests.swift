import Kernel
import Machines
import Networking
import Protocols
import Simulation
import Statistics
import Testing

@Suite("Nakamoto: forks")
struct NakamotoForkTests {
  /// Many equal miners, every block with all others after a constant delay d, T between blocks:
  /// x = d / T.
  ///
  /// The first block at a height is found when everybody knows the one before, since all but its
  /// maker learn of that only d later. From then on for d, all others work on the same height:
  /// 1 + Poisson(x) blocks a height, of which one stays. So naive counting is what the closed forms
  /// are for: a height forks with probability 1 - exp(-x), a share x / (1 + x) of all blocks is
  /// stale. Of n miners one does not work on the same height: what is counted is smaller by about
  /// 1 / n of itself.
  @Test(
    "stale blocks are x / (1 + x) of all, and 1 - exp(-x) of the heights fork",
    arguments: [(600, 2.0), (600, 12.6), (600, 60), (150, 40), (60, 30), (15, 8.7)])
  func forks(interval: Int, delay: Double) {
    let n = 500
    let x = delay / Double(interval)
    let blocks = 12_000
    var setup = ChainSetup(topology: mesh(n), blocks: .direct)
    setup.delay = .constant(delay * 1e9)
    setup.settings.madeBlocks = blocks
    let run = setup.makeRun(
      seed: 7, genesis: Nakamoto.genesis(),
      protocols: miners(n, interval: .seconds(Int64(interval))))
    run.simulation.run()
    let totals = run.chain.summary().totals
    let heights = Double(totals.blocks)
    let stale = Double(totals.stale) / (heights + Double(totals.stale))
    let forked = Double(totals.forkedHeights) / heights
    let expected = (stale: x / (1 + x), forked: 1 - exp(-x))
    // Stale blocks a height are Poisson(x); the share is a function of their mean.
    let staleError = (x / heights).squareRoot() / ((1 + x) * (1 + x))
    let forkedError = (expected.forked * (1 - expected.forked) / heights).squareRoot()
    #expect(abs(stale - expected.stale) < 4 * staleError, "\(stale), not \(expected.stale)")
    #expect(abs(forked - expected.forked) < 4 * forkedError, "\(forked), not \(expected.forked)")
    print(
      "x = \(x): stale \(stale) of \(expected.stale) +- \(staleError), forked \(forked) of "
        + "\(expected.forked) +- \(forkedError)")
    #expect(run.simulation.world.violations.isEmpty)
    // The chain grows at 1 / (T + d).
    let growth = heights / run.simulation.world.now.seconds * Double(interval)
    #expect(abs(growth - 1 / (1 + x)) < 4 / Double(blocks).squareRoot())
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
