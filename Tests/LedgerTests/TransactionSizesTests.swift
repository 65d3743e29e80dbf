import Kernel
import Ledger
import Statistics
import Testing

@Suite("transaction sizes")
struct TransactionSizesTests {
  let drawn = TransactionSizes(
    [
      .fixed(512), .drawn(.lognormal(median: 300, sigma: 1), atMost: 2_000),
      .drawn(.lognormal(median: 300, sigma: 1), atMost: 2_000), .drawn(.constant(7.4), atMost: 9),
    ], seed: 11)

  func range(_ population: UInt32, _ first: UInt64, _ count: UInt32) -> TxRange {
    TxRange(population: population, first: first, count: count)
  }

  @Test("the size of a range is the sum of the sizes of its transactions, however it is split")
  func additive() {
    for population: UInt32 in 0..<4 {
      let whole = drawn.bytes(of: range(population, 40, 100))
      let each = (40..<140).map { drawn.bytes(of: UInt64($0), population: population) }
      #expect(whole == each.reduce(0, +))
      #expect(
        whole == drawn.bytes(of: range(population, 40, 33))
          + drawn.bytes(of: range(population, 73, 67)))
      #expect(each.allSatisfy { (1...2_000).contains($0) })
    }
  }

  @Test("a prefix is the longest that fits")
  func prefix() {
    for population: UInt32 in 0..<4 {
      let all = range(population, 5, 50)
      for room in stride(from: -1, through: drawn.bytes(of: all) + 500, by: 97) {
        let n = drawn.prefix(of: all, within: room)
        #expect(n == 0 || drawn.bytes(of: all.prefix(n)) <= room)
        #expect(n == 50 || drawn.bytes(of: all.prefix(n + 1)) > room)
      }
    }
  }

  @Test("drawn sizes follow the distribution up to the truncation, and the cap above it")
  func distribution() {
    let n = 200_000
    let sizes = (0..<n).map { drawn.bytes(of: UInt64($0), population: 1) }
    let cut = [0, 100, 200, 300, 400, 600, 900, 1_300, 1_999]
    func below(_ x: Double) -> Double {
      Cumulative.lognormal(x, mu: Elementary.log(300), sigma: 1)
    }
    var observed = zip(cut, cut.dropFirst()).map { low, high in
      sizes.count { $0 > low && $0 <= high }
    }
    // A whole number k stands for the draws from k - 1/2 to k + 1/2; 1 for all below too.
    var expected = zip(cut, cut.dropFirst()).map { low, high in
      Double(n) * (below(Double(high) + 0.5) - (low == 0 ? 0 : below(Double(low) + 0.5)))
    }
    observed.append(sizes.count { $0 == 2_000 })
    expected.append(Double(n) * (1 - below(1_999.5)))
    #expect(TestOfFit.chiSquare(observed: observed, expected: expected).pValue > 1e-4)
  }

  @Test("populations and seeds have sizes of their own; equal ones agree")
  func streams() {
    let first = (0..<50).map { drawn.bytes(of: UInt64($0), population: 1) }
    #expect(first != (0..<50).map { drawn.bytes(of: UInt64($0), population: 2) })
    let size = TransactionSizes.Size.drawn(.lognormal(median: 300, sigma: 1), atMost: 2_000)
    let again = TransactionSizes([.fixed(1), size], seed: 11)
    #expect(first == (0..<50).map { again.bytes(of: UInt64($0), population: 1) })
    let other = TransactionSizes([.fixed(1), size], seed: 12)
    #expect(first != (0..<50).map { other.bytes(of: UInt64($0), population: 1) })
  }

  @Test("a heavy tail is cut at the maximum")
  func heavyTail() {
    let sizes = TransactionSizes([.drawn(.pareto(scale: 1, shape: 0.01), atMost: 1_000)], seed: 3)
    let values = (0..<1_000).map { sizes.bytes(of: UInt64($0), population: 0) }
    #expect(values.max() == 1_000)
    #expect(values.allSatisfy { $0 >= 1 })
  }
}
