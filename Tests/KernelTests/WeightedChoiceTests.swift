import Kernel
import Statistics
import Testing

@Suite("weighted choice")
struct WeightedChoiceTests {
  private func fit(_ weights: [Double], seed: UInt64 = 1) -> TestOfFit {
    let table = AliasTable(weights)
    var stream = RandomStream(seed: seed, purpose: "alias")
    var counts = [Int](repeating: 0, count: weights.count)
    for _ in 0..<100_000 { counts[table.sample(using: &stream)] += 1 }
    for (weight, count) in zip(weights, counts) where weight == 0 { #expect(count == 0) }
    let total = weights.reduce(0, +)
    return TestOfFit.chiSquare(observed: counts, expected: weights.map { $0 / total * 100_000 })
  }

  @Test("the alias table follows its weights")
  func alias() {
    #expect(fit([1]).pValue > 1e-4)
    #expect(fit([1, 1, 1, 1]).pValue > 1e-4)
    #expect(fit([0.1, 0, 5, 0, 3, 0.01, 0]).pValue > 1e-4)
    #expect(fit((1...500).map { 1 / Double($0) }).pValue > 1e-4)
    #expect(fit((1...500).map { Double($0) * 1e300 }).pValue > 1e-4)
  }

  @Test("an outcome of weight zero is never drawn, whatever the rounding")
  func zeroWeights() {
    var stream = RandomStream(seed: 2, purpose: "weights")
    for round in 0..<200 {
      let weights = (0..<30).map { _ in stream.bernoulli(0.5) ? stream.unit() : 0 } + [0.1]
      let table = AliasTable(weights)
      let drawn = (0..<2_000).map { _ in table.sample(using: &stream) }
      #expect(drawn.allSatisfy { weights[$0] > 0 }, "round \(round)")
    }
  }

  @Test("zipf ranks follow rank^-exponent", arguments: [0, 0.5, 0.99, 1, 1.000001, 1.5, 3])
  func zipf(exponent: Double) {
    for count in [1, 2, 10, 1_000] {
      let zipf = Zipf(count: count, exponent: exponent)
      var stream = RandomStream(seed: 3, purpose: "zipf", entity: UInt64(count))
      var counts = [Int](repeating: 0, count: count)
      for _ in 0..<100_000 { counts[zipf.sample(using: &stream) - 1] += 1 }
      let weights = (1...count).map { Elementary.pow(Double($0), -exponent) }
      let total = weights.reduce(0, +)
      let fit = TestOfFit.chiSquare(
        observed: counts, expected: weights.map { $0 / total * 100_000 })
      #expect(fit.pValue > 1e-4, "\(count) ranks")
    }
  }

  @Test("zipf holds over a thousand million ranks", arguments: [0.0, 0.8, 1, 1.2])
  func hugeZipf(exponent: Double) {
    let count = 1_000_000_000
    let zipf = Zipf(count: count, exponent: exponent)
    var stream = RandomStream(seed: 4, purpose: "zipf")
    // Decades; the sums above a thousand are Euler-Maclaurin's to far more digits than needed.
    func integral(_ a: Double, _ b: Double) -> Double {
      let (l, h) = (a - 0.5, b + 0.5)
      let e = 1 - exponent
      return e == 0
        ? Elementary.log(h / l) : (Elementary.pow(h, e) - Elementary.pow(l, e)) / e
    }
    let edges = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, count + 1]
    let weights = zip(edges, edges.dropFirst()).map { low, high in
      high <= 10_000
        ? (low..<high).reduce(0) { $0 + Elementary.pow(Double($1), -exponent) }
        : integral(Double(low), Double(high - 1))
    }
    var counts = [Int](repeating: 0, count: weights.count)
    for _ in 0..<100_000 {
      let rank = zipf.sample(using: &stream)
      #expect(rank >= 1 && rank <= count)
      counts[edges.lastIndex { $0 <= rank }!] += 1
    }
    let total = weights.reduce(0, +)
    let fit = TestOfFit.chiSquare(
      observed: counts, expected: weights.map { $0 / total * 100_000 })
    #expect(fit.pValue > 1e-4)
  }
}
