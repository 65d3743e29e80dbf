import Kernel
import Statistics
import Testing

@Suite("estimates from samples")
struct SampleTests {
  @Test("moments of a stream")
  func moments() {
    let moments = Moments([2.5, 3.1, 4.7, 1.2, 9.8, 3.3])
    #expect(moments.count == 6)
    #expect(near(moments.mean, 4.1))
    #expect(near(moments.variance, 9.092))
    #expect(moments.min == 1.2 && moments.max == 9.8)
    #expect(Moments().variance.isNaN && Moments([1]).variance.isNaN)
    let shifted = Moments([1e9 + 1, 1e9 + 2, 1e9 + 3])
    #expect(shifted.variance == 1)
  }

  @Test("merging parts gives the moments of the whole")
  func merge() {
    var stream = RandomStream(seed: 1, purpose: "moments")
    let values = (0..<1_000).map { _ in 1e6 + stream.normal() }
    let whole = Moments(values)
    for cut in [0, 1, 500, 1_000] {
      var part = Moments(values[..<cut])
      part.merge(Moments(values[cut...]))
      #expect(part.count == 1_000)
      #expect(near(part.mean, whole.mean))
      #expect(near(part.variance, whole.variance, 1e-8))
      #expect(part.min == whole.min && part.max == whole.max)
    }
  }

  @Test("the interval of a mean is Student's")
  func mean() {
    let estimate = MeanEstimate([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    let half = 2.262157162798205 * (82.5 / 9 / 10).squareRoot()
    #expect(estimate.mean == 5.5)
    #expect(near(estimate.high - estimate.mean, half, 1e-9))
    #expect(near(estimate.mean - estimate.low, half, 1e-9))
    #expect(MeanEstimate([3]).low == -.infinity && MeanEstimate([3]).high == .infinity)
  }

  @Test(
    "the interval of a quantile lies between the tabulated order statistics",
    arguments: [
      (100, 0.5, 50, 40, 61), (1_000, 0.99, 990, 983, 997), (6, 0.5, 3, 1, 6),
      (50, 0.99, 50, 48, 51), (5, 0.5, 3, 0, 6),
    ])
  func quantile(n: Int, p: Double, rank: Int, low: Int, high: Int) {
    let estimate = QuantileEstimate((1...n).reversed().map(Double.init), p)
    #expect(estimate.value == Double(rank))
    #expect(estimate.low == (low == 0 ? -.infinity : Double(low)))
    #expect(estimate.high == (high > n ? .infinity : Double(high)))
  }

  @Test("a quantile's interval covers as often as stated, or a little more", arguments: [0.5, 0.9])
  func quantileCoverage(p: Double) {
    let truth = -Elementary.log1p(-p)
    let covered = (0..<2_000).filter { experiment in
      var stream = RandomStream(seed: UInt64(experiment), purpose: "quantile")
      let estimate = QuantileEstimate((0..<400).map { _ in stream.exponential() }, p)
      return estimate.low <= truth && truth <= estimate.high
    }
    #expect((1_880...1_970).contains(covered.count), "\(covered.count) of 2000")
  }

  @Test("batch means of independent values give the interval of their mean")
  func batchMeans() {
    let batches = BatchMeans([99, 1, 3, 2, 4, 5, 7], batches: 3)
    #expect(batches.batchSize == 2)
    #expect(near(batches.estimate.mean, 22 / 6.0))
    #expect(batches.estimate.count == 3)
    var stream = RandomStream(seed: 1, purpose: "batches")
    let independent = BatchMeans((0..<20_000).map { _ in stream.unit() }, batches: 100)
    #expect(abs(independent.lag1Correlation) < 0.3)
    var level = 0.0
    let walk = (0..<20_000).map { _ in
      level += stream.normal()
      return level
    }
    #expect(BatchMeans(walk, batches: 100).lag1Correlation > 0.8)
  }
}

@Suite("tests of fit")
struct TestOfFitTests {
  private let sample = [
    0.61, 0.29, 0.06, 0.59, -1.73, -0.74, 0.51, -0.56, 0.39, 1.64, 0.05, -0.06, 0.64, -0.82, 0.37,
    1.77, 1.09, -1.28, 2.36, 1.31, 1.05, -0.32, -0.40, 1.06, -2.47,
  ]

  @Test("Kolmogorov-Smirnov of one sample against an exact p-value")
  func oneSample() {
    let fit = TestOfFit.kolmogorovSmirnov(sample) { Cumulative.normal($0) }
    #expect(near(fit.statistic, 0.17409188119887736))
    #expect(near(fit.pValue, 0.38974117186791835, 0.03))
  }

  @Test("Kolmogorov-Smirnov of two samples against an exact p-value")
  func twoSamples() {
    let other = (1...30).map { Double($0) / 20 - 0.3 }
    let fit = TestOfFit.kolmogorovSmirnov(sample, other)
    #expect(near(fit.statistic, 0.32))
    #expect(near(fit.pValue, 0.09778141114722018, 0.1))
    #expect(TestOfFit.kolmogorovSmirnov(sample, sample).pValue == 1)
  }

  @Test("both series of Kolmogorov's distribution meet")
  func kolmogorov() {
    // Just below and above the change: D sqrt(n) near 1.18 with one value at each end.
    let below = TestOfFit.kolmogorovSmirnov([0.9435]) { $0 }
    let above = TestOfFit.kolmogorovSmirnov([0.9595]) { $0 }
    #expect(below.pValue > above.pValue)
    #expect(below.pValue - above.pValue < 0.02)
  }

  @Test("chi-square against a published value, pooling small cells")
  func chiSquare() {
    let plain = TestOfFit.chiSquare(
      observed: [16, 18, 16, 14, 12, 12], expected: [16, 16, 16, 16, 16, 8])
    #expect(near(plain.statistic, 3.5))
    #expect(near(plain.pValue, 0.6233876277495822, 1e-10))
    #expect(plain.degreesOfFreedom == 5)
    // 1+2+2 and 10 and 6+1: three pools.
    let pooled = TestOfFit.chiSquare(
      observed: [0, 3, 4, 8, 5, 2], expected: [1, 2, 2, 10, 6, 1])
    #expect(near(pooled.statistic, 4 / 5.0 + 4 / 10.0))
    #expect(pooled.degreesOfFreedom == 2)
    #expect(TestOfFit.chiSquare(observed: [3], expected: [3]).pValue == 1)
  }

  @Test("p-values are uniform under the hypothesis and small for a slightly wrong sampler")
  func calibration() {
    let fits = (0..<1_000).map { entity in
      var stream = RandomStream(seed: 1, purpose: "calibration", entity: UInt64(entity))
      let values = (0..<200).map { _ in stream.unit() }
      let right = TestOfFit.kolmogorovSmirnov(values) { $0 }.pValue
      let wrong = TestOfFit.kolmogorovSmirnov(values.map { $0 * (0.8 + 0.2 * $0) }) { $0 }.pValue
      return (right: right, wrong: wrong)
    }
    let uniform = TestOfFit.kolmogorovSmirnov(fits.map(\.right)) { $0 }
    #expect(uniform.pValue > 1e-4)
    #expect(fits.filter { $0.right < 0.05 }.count < 80)
    #expect(fits.filter { $0.wrong < 0.05 }.count > 150)
  }
}
