import Statistics
import Testing

@Suite("Reversals of deep blocks") struct ReversalTests {
  /// (2 + 2 sqrt(p / q)) (4 p q)^k, computed apart in IEEE doubles by Python 3.
  static let known: [(adversary: Double, blocks: Double, k: Int, bound: Double)] = [
    (0.1, 10.0 / 600, 6, 0.03418167094022807), (0.1, 10.0 / 600, 10, 0.0009353257312634869),
    (0.25, 10.0 / 600, 20, 0.032020893587375344), (0, 0.1, 6, 0.01363481716334266),
    (0.3, 0, 50, 0.0008273510044528025),
  ]

  @Test("the bound has its known values", arguments: known)
  func values(_ row: (adversary: Double, blocks: Double, k: Int, bound: Double)) {
    let bound = Reversal.bound(
      adversary: row.adversary, blocksInDelay: row.blocks, confirmations: row.k)
    #expect(abs(bound / row.bound - 1) < 1e-12)
  }

  @Test("it is above the paper's sharper bound: 0.35 % for Bitcoin's six confirmations at 10 %")
  func abovePublished() {
    let bound = Reversal.bound(adversary: 0.1, blocksInDelay: 10.0 / 600, confirmations: 6)
    #expect(bound > 0.0035)
  }

  @Test("it is above the exact race without delays, falls with k, and says nothing from 1/2 on")
  func consistency() {
    for q in [0.05, 0.1, 0.2, 0.3, 0.4] {
      var last = 1.0
      for k in 1...60 {
        let bound = Reversal.bound(adversary: q, blocksInDelay: 0, confirmations: k)
        #expect(bound >= DoubleSpend.exact(q: q, z: k))
        #expect(bound <= last)
        last = bound
        let delayed = Reversal.bound(adversary: q, blocksInDelay: 0.1, confirmations: k)
        #expect(delayed >= bound)
      }
    }
    #expect(Reversal.bound(adversary: 0.5, blocksInDelay: 0, confirmations: 1000) == 1)
    #expect(Reversal.bound(adversary: 0, blocksInDelay: 0, confirmations: 1) == 0)
  }
}
