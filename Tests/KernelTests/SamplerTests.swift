import Kernel
import Statistics
import Testing

/// All p-values here must exceed 1e-4. Seeds are fixed, so a pass is a pass for good; `plantedBugs`
/// shows how wrong a sampler must be to be rejected.
private let threshold = 1e-4
private let size = 100_000

private func stream(_ purpose: String) -> RandomStream { RandomStream(seed: 1, purpose: purpose) }

private func values(
  _ purpose: String, draws: Int = size, _ draw: (inout RandomStream) -> Double
) -> [Double] {
  var stream = stream(purpose)
  return (0..<draws).map { _ in draw(&stream) }
}

/// Fit of counts to a mass function over first ... last, with everything outside in the end cells.
private func discreteFit(
  _ purpose: String, _ support: ClosedRange<Int>, mass: (Int) -> Double,
  draw: (inout RandomStream) -> Int, draws: Int = size
) -> TestOfFit {
  var stream = stream(purpose)
  var counts = [Int](repeating: 0, count: support.count + 1)
  for _ in 0..<draws {
    let value = draw(&stream)
    precondition(value >= support.lowerBound)
    counts[min(value - support.lowerBound, support.count)] += 1
  }
  var expected = support.map { mass($0) * Double(draws) }
  expected.append(max(0, Double(draws) - expected.reduce(0, +)))
  return TestOfFit.chiSquare(observed: counts, expected: expected)
}

@Suite("samplers against their distribution functions")
struct SamplerTests {
  @Test("exponential")
  func exponential() {
    let fit = TestOfFit.kolmogorovSmirnov(values("exponential") { $0.exponential() }) {
      Cumulative.exponential($0, mean: 1)
    }
    #expect(fit.pValue > threshold)
  }

  @Test("normal")
  func normal() {
    let fit = TestOfFit.kolmogorovSmirnov(values("normal") { $0.normal() }) {
      Cumulative.normal($0)
    }
    #expect(fit.pValue > threshold)
  }

  @Test("the tails of normal and exponential beyond the last layer have their weight and shape")
  func tails() {
    var stream = stream("tails")
    let draws = 20_000_000
    var normals: [Double] = []
    var exponentials: [Double] = []
    for _ in 0..<draws {
      let z = abs(stream.normal())
      if z > 3.6541528853610088 { normals.append(z) }
      let x = stream.exponential()
      if x > 7.69711747013105 { exponentials.append(x) }
    }
    let weight = 2 * Cumulative.normal(-3.6541528853610088)
    let expected = weight * Double(draws)
    #expect(abs(Double(normals.count) - expected) < 4 * expected.squareRoot())
    let normalFit = TestOfFit.kolmogorovSmirnov(normals) {
      1 - 2 * Cumulative.normal(-$0) / weight
    }
    #expect(normalFit.pValue > threshold)
    let exponentialFit = TestOfFit.kolmogorovSmirnov(exponentials) {
      Cumulative.exponential($0 - 7.69711747013105, mean: 1)
    }
    #expect(exponentialFit.pValue > threshold)
  }

  @Test("the normal's bulk fits in 2000 cells, where a faulty layer would show")
  func layers() {
    var stream = stream("layers")
    let draws = 10_000_000
    let cells = 2_000
    var counts = [Int](repeating: 0, count: cells)
    var exponentials = counts
    for _ in 0..<draws {
      let z = stream.normal()
      if abs(z) < 4 { counts[Int((z + 4) / 8 * Double(cells))] += 1 }
      let x = stream.exponential()
      if x < 8 { exponentials[Int(x / 8 * Double(cells))] += 1 }
    }
    let expected = (0..<cells).map { cell in
      let low = -4 + 8 * Double(cell) / Double(cells)
      return Double(draws)
        * (Cumulative.normal(low + 8 / Double(cells)) - Cumulative.normal(low))
    }
    #expect(TestOfFit.chiSquare(observed: counts, expected: expected).pValue > threshold)
    let expectedExponentials = (0..<cells).map { cell in
      let low = 8 * Double(cell) / Double(cells)
      return Double(draws)
        * (Cumulative.exponential(low + 8 / Double(cells), mean: 1)
          - Cumulative.exponential(low, mean: 1))
    }
    let fit = TestOfFit.chiSquare(observed: exponentials, expected: expectedExponentials)
    #expect(fit.pValue > threshold)
  }

  @Test("lognormal")
  func lognormal() {
    let fit = TestOfFit.kolmogorovSmirnov(
      values("lognormal") { $0.lognormal(mu: 1.5, sigma: 0.7) }
    ) { Cumulative.lognormal($0, mu: 1.5, sigma: 0.7) }
    #expect(fit.pValue > threshold)
  }

  @Test("pareto", arguments: [0.5, 1.2, 3])
  func pareto(shape: Double) {
    let fit = TestOfFit.kolmogorovSmirnov(
      values("pareto") { $0.pareto(scale: 2, shape: shape) }
    ) { Cumulative.pareto($0, scale: 2, shape: shape) }
    #expect(fit.pValue > threshold)
  }

  @Test("gamma", arguments: [0.1, 0.5, 1, 1.7, 20, 1_000])
  func gamma(shape: Double) {
    let fit = TestOfFit.kolmogorovSmirnov(values("gamma") { $0.gamma(shape: shape) }) {
      Cumulative.gamma($0, shape: shape)
    }
    #expect(fit.pValue > threshold)
  }

  @Test("truncated normal", arguments: [-3, 0, 0.4, 0.6, 2, 6])
  func truncatedNormal(bound: Double) {
    let fit = TestOfFit.kolmogorovSmirnov(
      values("truncated") { $0.normal(atLeast: bound) }
    ) { 1 - Cumulative.normal(-$0) / Cumulative.normal(-bound) }
    #expect(fit.pValue > threshold)
  }

  @Test(
    "poisson, on both sides of the change of method", arguments: [0, 0.1, 3, 9.99, 10, 50, 1e4])
  func poisson(mean: Double) {
    let reach = Int(mean + 6 * mean.squareRoot() + 10)
    let fit = discreteFit(
      "poisson", 0...reach, mass: { Mass.poisson($0, mean: mean) }, draw: { $0.poisson(mean: mean) }
    )
    #expect(fit.pValue > threshold)
  }

  @Test("the rejection methods hold at five million draws, where a wrong hat would show")
  func rejection() {
    let poisson = discreteFit(
      "hat", 0...60, mass: { Mass.poisson($0, mean: 10) }, draw: { $0.poisson(mean: 10) },
      draws: 5_000_000)
    #expect(poisson.pValue > threshold)
    let binomial = discreteFit(
      "hat", 0...100, mass: { Mass.binomial($0, of: 100, 0.1) },
      draw: { $0.binomial(n: 100, p: 0.1) }, draws: 5_000_000)
    #expect(binomial.pValue > threshold)
    let gamma = values("hat", draws: 2_000_000) { $0.gamma(shape: 1) }
    let fit = TestOfFit.kolmogorovSmirnov(gamma) { Cumulative.exponential($0, mean: 1) }
    #expect(fit.pValue > threshold)
  }

  @Test("a huge Poisson mean keeps mean and variance", arguments: [1e9, 1e15])
  func hugePoisson(mean: Double) {
    let moments = Moments(
      values("huge") { (Double($0.poisson(mean: mean)) - mean) / mean.squareRoot() })
    #expect(abs(moments.mean) < 4 / Double(size).squareRoot())
    #expect(abs(moments.variance - 1) < 4 * (2 / Double(size)).squareRoot())
  }

  @Test(
    "binomial, on both sides of the change of method",
    arguments: [
      (0, 0.5), (1, 0.3), (20, 0), (20, 1), (20, 0.5), (100, 0.03), (100, 0.1), (1_000, 0.3),
      (1_000, 0.8), (100_000, 0.001), (1_000_000, 1e-6), (50, 0.99),
    ])
  func binomial(n: Int, p: Double) {
    let fit = discreteFit(
      "binomial", 0...n, mass: { Mass.binomial($0, of: n, p) }, draw: { $0.binomial(n: n, p: p) })
    #expect(fit.pValue > threshold)
  }

  @Test("geometric counts trials up to the first success", arguments: [1, 0.9, 0.5, 0.01])
  func geometric(p: Double) {
    let fit = discreteFit(
      "geometric", 1...2_000, mass: { Mass.geometric($0, p) }, draw: { $0.geometric(p: p) })
    #expect(fit.pValue > threshold)
  }

  @Test("geometric holds for the probability of one hash, and never overflows")
  func tinyGeometric() {
    let p = 1e-15
    let fit = TestOfFit.kolmogorovSmirnov(values("hash") { Double($0.geometric(p: p)) * p }) {
      Cumulative.exponential($0, mean: 1)
    }
    #expect(fit.pValue > threshold)
    var stream = stream("never")
    #expect((0..<1_000).allSatisfy { _ in stream.geometric(p: 1e-300) == .max })
    #expect(stream.geometric(hazard: 0) == .max)
  }

  @Test("a slightly wrong sampler is rejected")
  func plantedBugs() {
    let stretched = values("bug") { $0.exponential() * 1.02 }
    #expect(
      TestOfFit.kolmogorovSmirnov(stretched) { Cumulative.exponential($0, mean: 1) }.pValue
        < threshold)
    let heavy = values("bug") { $0.bernoulli(0.05) ? 3 * $0.normal() : $0.normal() }
    #expect(TestOfFit.kolmogorovSmirnov(heavy) { Cumulative.normal($0) }.pValue < threshold)
    let fit = discreteFit(
      "bug", 0...60, mass: { Mass.poisson($0, mean: 20) }, draw: { $0.poisson(mean: 20.15) })
    #expect(fit.pValue < threshold)
  }

  @Test("draws of every sampler have these bits on every machine")
  func golden() {
    var stream = stream("golden")
    var hash: UInt64 = 0
    func absorb(_ bits: UInt64) { hash = (hash ^ bits) &* 0x9e37_79b9_7f4a_7c15 ^ hash >> 29 }
    let zipf = Zipf(count: 1_000_000, exponent: 0.99)
    for _ in 0..<50_000 {
      absorb(stream.exponential().bitPattern)
      absorb(stream.normal().bitPattern)
      absorb(stream.lognormal(mu: 0, sigma: 1).bitPattern)
      absorb(stream.pareto(scale: 1, shape: 1.5).bitPattern)
      absorb(stream.gamma(shape: 0.7).bitPattern)
      absorb(stream.normal(atLeast: 1).bitPattern)
      absorb(UInt64(stream.poisson(mean: 30)))
      absorb(UInt64(stream.binomial(n: 1_000, p: 0.2)))
      absorb(UInt64(stream.geometric(p: 0.001)))
      absorb(UInt64(zipf.sample(using: &stream)))
    }
    #expect(hash == 761_152_086_720_046_337)
  }
}
