import Kernel
import Statistics
import Testing

@Suite("distributions as scenarios name them")
struct DistributionTests {
  static let all: [Distribution] = [
    .constant(5), .uniform(low: 2, high: 6), .exponential(mean: 3),
    .normal(mean: 4, deviation: 2, min: -.infinity), .normal(mean: 4, deviation: 2, min: 0),
    .normal(mean: 1, deviation: 2, min: 3), .normal(mean: 0, deviation: 1, min: 8),
    .normal(mean: 4, deviation: 0, min: 0), .lognormal(median: 30, sigma: 0.4),
    .pareto(scale: 2, shape: 4), .gamma(mean: 3, shape: 0.6), .gamma(mean: 3, shape: 5),
  ]

  @Test("the mean of a million samples is the stated mean", arguments: all)
  func mean(distribution: Distribution) {
    var stream = RandomStream(seed: 1, purpose: "distribution")
    var moments = Moments()
    for _ in 0..<1_000_000 { moments.add(distribution.sample(using: &stream)) }
    #expect(abs(moments.mean - distribution.mean) <= 4 * moments.standardError)
    #expect(distribution.problem == nil)
  }

  @Test("samples have the stated shape")
  func shapes() {
    let cases: [(Distribution, (Double) -> Double)] = [
      (.uniform(low: 2, high: 6), { Cumulative.uniform($0, low: 2, high: 6) }),
      (.exponential(mean: 3), { Cumulative.exponential($0, mean: 3) }),
      (
        .normal(mean: 4, deviation: 2, min: -.infinity),
        { Cumulative.normal($0, mean: 4, deviation: 2) }
      ),
      (
        .normal(mean: 4, deviation: 2, min: 3),
        { 1 - Cumulative.normal(-$0, mean: -4, deviation: 2) / Cumulative.normal(0.5) }
      ),
      (
        .lognormal(median: 30, sigma: 0.4),
        { Cumulative.lognormal($0, mu: Elementary.log(30), sigma: 0.4) }
      ),
      (.pareto(scale: 2, shape: 4), { Cumulative.pareto($0, scale: 2, shape: 4) }),
      (.gamma(mean: 3, shape: 0.6), { Cumulative.gamma($0, shape: 0.6, scale: 5) }),
    ]
    for (distribution, cdf) in cases {
      var stream = RandomStream(seed: 2, purpose: "distribution")
      let values = (0..<100_000).map { _ in distribution.sample(using: &stream) }
      #expect(
        TestOfFit.kolmogorovSmirnov(values, cdf: cdf).pValue > 1e-4, "\(distribution)")
    }
  }

  @Test(
    "the mean of a truncated normal is density over tail, from one end to the other",
    arguments: [
      (-40.0, 0.0), (-9.5, 1.007793539430001e-20), (-1, 0.2875999709391784),
      (0, 0.7978845608028654), (2.9, 3.190315139542982), (3, 3.2830986549304364),
      (10, 10.09809323396251), (40, 40.02496884720726),
    ])
  func truncatedMean(bound: Double, expected: Double) {
    let mean = Distribution.normal(mean: 0, deviation: 1, min: bound).mean
    #expect(abs(mean - expected) <= 1e-10 * expected)
  }

  @Test("what cannot be sampled is named")
  func problems() {
    let wrong: [Distribution] = [
      .constant(.nan), .uniform(low: 2, high: 1), .exponential(mean: -1),
      .normal(mean: 0, deviation: -1, min: 0), .normal(mean: 0, deviation: 0, min: 1),
      .normal(mean: 0, deviation: 1, min: .infinity), .lognormal(median: 0, sigma: 1),
      .pareto(scale: 1, shape: 0), .gamma(mean: 1, shape: 0), .gamma(mean: .infinity, shape: 1),
    ]
    for distribution in wrong { #expect(distribution.problem != nil, "\(distribution)") }
    #expect(Distribution.pareto(scale: 1, shape: 1).mean == .infinity)
  }
}
