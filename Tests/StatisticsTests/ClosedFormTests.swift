import Statistics
import Testing

@Suite("closed forms")
struct ClosedFormTests {
  @Test("double spending: Nakamoto's table of 2008 and the exact probability")
  func doubleSpend() {
    // q = 0.1, as printed in the paper.
    let printed = [
      1, 0.2045873, 0.0509779, 0.0131722, 0.0034552, 0.0009137, 0.0002428, 0.0000647, 0.0000173,
      0.0000046, 0.0000012,
    ]
    for (z, expected) in printed.enumerated() {
      #expect(abs(DoubleSpend.nakamoto(q: 0.1, z: z) - expected) <= 0.5e-7, "z = \(z)")
    }
    let exact = [1, 0.2, 0.056, 0.01712, 0.005456]
    for (z, expected) in exact.enumerated() {
      #expect(near(DoubleSpend.exact(q: 0.1, z: z), expected), "z = \(z)")
    }
    #expect(DoubleSpend.exact(q: 0.5, z: 100) == 1)
    #expect(DoubleSpend.exact(q: 0, z: 1) == 0)
    #expect(DoubleSpend.nakamoto(q: 0.7, z: 3) == 1)
    #expect(DoubleSpend.nakamoto(q: 0, z: 1) == 0)
  }

  @Test("the exact probability is Rosenfeld's sum", arguments: [0.05, 0.25, 0.4, 0.49])
  func rosenfeld(q: Double) {
    let p = 1 - q
    for z in 1...30 {
      // 1 - sum over m = 0 ... z of C(m + z - 1, m) (p^z q^m - p^m q^z)
      var choose = 1.0
      var sum = 0.0
      for m in 0...z {
        if m > 0 { choose *= Double(m + z - 1) / Double(m) }
        sum += choose * (power(p, z) * power(q, m) - power(p, m) * power(q, z))
      }
      #expect(abs(DoubleSpend.exact(q: q, z: z) - (1 - sum)) < 1e-12, "z = \(z)")
    }
  }

  @Test("double spending by slots: small cases by hand, and the race by hashing as their limit")
  func bySlots() {
    // One confirmation: the attacker is level after it unless it made nothing, and then catches up.
    for (a, h) in [(0.01, 0.04), (0.2, 0.3), (0.3, 0.9)] {
      let forward = a * (1 - h)
      let ratio = forward / (h * (1 - a))
      let nothing = h / (h + forward) * (1 - a)
      let expected = 1 - nothing * (1 - ratio)
      #expect(near(DoubleSpend.bySlots(adversary: a, honest: h, z: 1), expected), "\(a), \(h)")
    }
    // If the others make a block in every slot, z blocks take z slots, and all must be matched.
    #expect(near(DoubleSpend.bySlots(adversary: 0.25, honest: 1, z: 3), 0.015625))
    #expect(DoubleSpend.bySlots(adversary: 0.3, honest: 0.3, z: 50) == 1)
    #expect(DoubleSpend.bySlots(adversary: 0, honest: 0.3, z: 2) == 0)
    #expect(DoubleSpend.bySlots(adversary: 0.1, honest: 0.3, z: 0) == 1)
    for q in [0.1, 0.25, 0.4] {
      for z in [1, 2, 6, 20] {
        let rare = DoubleSpend.bySlots(adversary: 1e-9 * q, honest: 1e-9 * (1 - q), z: z)
        let limit = DoubleSpend.exact(q: q, z: z)
        #expect(abs(rare - limit) < 1e-6 * limit, "q = \(q), z = \(z)")
      }
    }
  }

  @Test("double spending by slots is the sum over what the attacker makes, term by term")
  func bySlotsTermByTerm() {
    let (a, h, z) = (0.12, 0.35, 7)
    let forward = a * (1 - h)
    let ratio = forward / (h * (1 - a))
    var sum = 0.0
    for i in 0...z {
      for j in 0...400 {
        let lead =
          Mass.binomial(i, of: z, a)
          * Mass.negativeBinomial(j, successes: z, h / (h + forward))
        sum += lead * power(ratio, max(z - i - j, 0))
      }
    }
    #expect(near(DoubleSpend.bySlots(adversary: a, honest: h, z: z), sum))
  }

  @Test("the fewest confirmations are those of the tables")
  func confirmations() {
    func needed(_ q: Double, _ error: Double) -> Int? {
      DoubleSpend.confirmations(atMost: error) { DoubleSpend.exact(q: q, z: $0) }
    }
    // Nakamoto's approximation needs 5, 15 and 24 blocks for 0.1 % (2008, section 11).
    #expect(
      [0.10, 0.25, 0.30].map { q in
        DoubleSpend.confirmations(atMost: 0.001) { DoubleSpend.nakamoto(q: q, z: $0) }
      } == [5, 15, 24])
    #expect(needed(0.1, 0.001) == 6)
    for q in [0.1, 0.25, 0.4] {
      let linear = (1...10_000).first { DoubleSpend.exact(q: q, z: $0) <= 1e-6 }
      #expect(needed(q, 1e-6) == linear)
    }
    #expect(needed(0.5, 0.1) == nil)
  }

  @Test("the negative-binomial tail is one less its masses")
  func negativeBinomial() {
    var left = 1.0
    for k in 0...20 {
      #expect(abs(Tail.negativeBinomial(atLeast: k, successes: 3, 0.4) - left) < 1e-12)
      left -= Mass.negativeBinomial(k, successes: 3, 0.4)
    }
    #expect(near(Mass.negativeBinomial(2, successes: 3, 0.4), 6 * 0.064 * 0.36))
  }

  private func power(_ x: Double, _ n: Int) -> Double { (0..<n).reduce(1) { y, _ in y * x } }

  @Test(
    "both double-spend columns as tabulated",
    .enabled(if: PublishedFigures.has("nakamoto2008_s11_catchup")))
  func doubleSpendTable() throws {
    for row in try PublishedFigures.rows("nakamoto2008_s11_catchup") {
      let (q, z) = (row[0], Int(row[1]))
      #expect(abs(DoubleSpend.nakamoto(q: q, z: z) - row[2]) <= 0.5001e-7, "\(row)")
      #expect(near(DoubleSpend.exact(q: q, z: z), row[4], 1e-8), "\(row)")
    }
  }

  @Test(
    "Rosenfeld's table 1", .enabled(if: PublishedFigures.has("rosenfeld2014_table1")))
  func rosenfeldTable() throws {
    for row in try PublishedFigures.rows("rosenfeld2014_table1") {
      for z in 1...10 {
        let percent = 100 * DoubleSpend.exact(q: row[0], z: z)
        #expect(abs(percent - row[z]) <= 0.5001e-3, "q = \(row[0]), n = \(z)")
      }
    }
  }

  @Test("mean waits of M/M/1 and M/D/1")
  func waits() {
    #expect(MeanWait.mm1(load: 0.5) == 1)
    #expect(MeanWait.md1(load: 0.5) == 0.5)
    #expect(near(MeanWait.mm1(load: 0.9), 9))
    #expect(near(MeanWait.mg1(load: 0.8, squaredVariation: 4), 10))
    #expect(MeanWait.mm1(load: 0) == 0)
    #expect(MeanWait.md1(load: 1) == .infinity)
  }

  @Test("mean waits as tabulated", .enabled(if: PublishedFigures.has("queue_md1_mm1")))
  func waitTable() throws {
    for row in try PublishedFigures.rows("queue_md1_mm1") {
      #expect(abs(MeanWait.md1(load: row[0]) - row[1]) <= 0.5001e-6)
      #expect(abs(MeanWait.mm1(load: row[0]) - row[2]) <= 0.5001e-6)
      #expect(abs(MeanWait.md1(load: row[0]) + 1 - row[3]) <= 0.5001e-6)
      #expect(abs(MeanWait.mm1(load: row[0]) + 1 - row[4]) <= 0.5001e-6)
    }
  }

  @Test("the Gini coefficient of equal, sole and graded holders")
  func gini() {
    #expect(Concentration.gini([3, 3, 3, 3]) == 0)
    #expect(near(Concentration.gini([0, 0, 0, 8]), 0.75))
    #expect(near(Concentration.gini([4, 1, 3, 2]), 0.25))
    #expect(Concentration.gini([7]) == 0)
  }

  @Test("the Nakamoto coefficient needs strictly more than the threshold")
  func nakamotoCoefficient() {
    #expect(Concentration.nakamotoCoefficient([1, 1, 1, 1]) == 3)
    #expect(Concentration.nakamotoCoefficient([10, 60, 30]) == 1)
    #expect(Concentration.nakamotoCoefficient([30, 30, 20, 20]) == 2)
    #expect(Concentration.nakamotoCoefficient([1, 1, 1, 1], threshold: 1 / 3.0) == 2)
    #expect(Concentration.nakamotoCoefficient([5]) == 1)
  }
}
