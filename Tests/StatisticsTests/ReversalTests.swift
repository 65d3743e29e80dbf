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

  /// Theorem 2, computed apart in IEEE doubles by Python 3.
  static let sharp: [(adversary: Double, blocks: Double, k: Int, bound: Double)] = [
    (0.1, 10.0 / 600, 6, 0.0035256342371160244), (0.1, 10.0 / 600, 10, 8.290395610455921e-05),
    (0.25, 10.0 / 600, 20, 0.003776708569020886), (0, 0.1, 6, 0.001285796159387916),
    (0.3, 0, 50, 8.036585987390647e-05),
  ]

  @Test("the sharper bound has its known values, and is below the closed one", arguments: sharp)
  func sharpValues(_ row: (adversary: Double, blocks: Double, k: Int, bound: Double)) {
    let bound = Reversal.sharpBound(
      adversary: row.adversary, blocksInDelay: row.blocks, confirmations: row.k)
    #expect(abs(bound / row.bound - 1) < 1e-10)
    let closed = Reversal.bound(
      adversary: row.adversary, blocksInDelay: row.blocks, confirmations: row.k)
    #expect(bound < closed)
  }

  @Test("it is as published: 0.35 % for Bitcoin's six confirmations and a tenth of the hash rate")
  func published() {
    let bound = Reversal.sharpBound(adversary: 0.1, blocksInDelay: 10.0 / 600, confirmations: 6)
    #expect((bound * 10_000).rounded() == 35)
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
        let sharp = Reversal.sharpBound(adversary: q, blocksInDelay: 0, confirmations: k)
        #expect(sharp >= DoubleSpend.exact(q: q, z: k))
        #expect(sharp <= bound)
        let delayed = Reversal.bound(adversary: q, blocksInDelay: 0.1, confirmations: k)
        #expect(delayed >= bound)
      }
    }
    #expect(Reversal.bound(adversary: 0.5, blocksInDelay: 0, confirmations: 1000) == 1)
    #expect(Reversal.sharpBound(adversary: 0.5, blocksInDelay: 0, confirmations: 100) == 1)
    #expect(Reversal.sharpBound(adversary: 0, blocksInDelay: 0, confirmations: 1) == 0)
    #expect(Reversal.bound(adversary: 0, blocksInDelay: 0, confirmations: 1) == 0)
  }
}
