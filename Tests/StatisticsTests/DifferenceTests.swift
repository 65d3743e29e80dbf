import Kernel
import Statistics
import Testing

@Suite("differences and ratios")
struct DifferenceTests {
  private func close(_ a: Double?, _ b: Double, _ tolerance: Double = 1e-9) -> Bool {
    a.map { ($0 - b).magnitude <= tolerance * max(b.magnitude, 1) } ?? false
  }

  @Test("a paired difference has the t test's interval and probability")
  func paired() {
    // Differences 1, 2, 3: t = 2 sqrt(3) with two degrees of freedom, whose tail is closed.
    let found = MeanDifference.paired([10, 20, 30], [11, 22, 33])
    #expect(found.mean == 2 && found.degreesOfFreedom == 2)
    let t = 2 * 3.0.squareRoot()
    #expect(close(found.pValue, 1 - t / (t * t + 2).squareRoot()))
    // The quantile of that distribution at 0.975 is 0.95 sqrt(2 / (1 - 0.95^2)).
    let half = 0.95 * (2 / (1 - 0.95 * 0.95)).squareRoot() / 3.0.squareRoot()
    #expect(close(found.low, 2 - half) && close(found.high, 2 + half))
  }

  @Test("samples of equal size and spread have Welch's degrees of freedom of both together")
  func welch() {
    let found = MeanDifference.independent([1, 2, 3, 4], [6, 7, 8, 9])
    #expect(found.mean == 5 && close(found.degreesOfFreedom, 6))
    #expect(close(found.high - found.mean, 2.446_911_851_1 * (2 * 5.0 / 12).squareRoot(), 1e-8))
  }

  @Test("what does not vary is known, what has one value is not")
  func corners() {
    #expect(MeanDifference.paired([1, 1], [1, 1]).pValue == 1)
    let sure = MeanDifference.paired([1, 2], [3, 4])
    #expect(sure.pValue == 0 && sure.low == 2 && sure.high == 2)
    let one = MeanDifference.paired([1], [3])
    #expect(one.mean == 2 && one.low == -.infinity && one.pValue == 1)
    #expect(MeanDifference.independent([1], [3, 4]).high == .infinity)
    #expect(MeanRatio.paired([1], [3]).interval == nil)
    #expect(MeanRatio.paired([2, 2], [3, 3]).interval == 1.5...1.5)
    #expect(MeanRatio.paired([0, 0], [3, 3]).interval == nil)
    #expect(MeanRatio.paired([-1, 1.1], [3, 4]).interval == nil, "a mean that may be zero")
    #expect(EffectSize.hedges([1, 1], [2, 2]) == nil)
  }

  @Test("Holm's steps are as published, and monotone")
  func holm() {
    let adjusted = Holm.adjusted([0.01, 0.04, 0.03, 0.005])
    #expect(zip(adjusted, [0.03, 0.06, 0.06, 0.02]).allSatisfy { close($0, $1) })
    #expect(Holm.adjusted([0.6, 0.7]) == [1, 1])
    #expect(Holm.adjusted([]) == [])
  }

  @Test("Hedges' g is the difference in standard deviations, corrected")
  func hedges() { #expect(close(EffectSize.hedges([1, 2, 3], [3, 4, 5]), 1.6)) }

  /// How many of 1000 intervals have the truth in them, and the pairs' correlation is as said.
  private func covered(
    count: Int = 10, correlation: Double, _ hits: ([Double], [Double]) -> Bool
  ) -> Int {
    (0..<1_000).count { experiment in
      var stream = RandomStream(seed: UInt64(experiment), purpose: "differences")
      var a: [Double] = []
      var b: [Double] = []
      for _ in 0..<count {
        let common = stream.normal() * correlation.squareRoot()
        let rest = (1 - correlation).squareRoot()
        a.append(10 + common + rest * stream.normal())
        b.append(25 + 3 * (common + rest * stream.normal()))
      }
      return hits(a, b)
    }
  }

  private func holds(_ difference: MeanDifference) -> Bool {
    difference.low <= 15 && 15 <= difference.high
  }

  @Test("intervals of differences and ratios cover 93 to 97 % of 1000 experiments")
  func coverage() {
    let counts = [
      covered(correlation: 0) { holds(.independent($0, $1)) },
      covered(correlation: 0.6) { holds(.paired($0, $1)) },
      covered(correlation: 0) { MeanRatio.independent($0, $1).interval?.contains(2.5) ?? true },
      covered(correlation: 0.6) { MeanRatio.paired($0, $1).interval?.contains(2.5) ?? true },
    ]
    for count in counts { #expect((930...970).contains(count), "\(counts)") }
    // Pairs that are taken apart waste what they share, and the interval is too wide.
    let apart = covered(correlation: 0.9) { holds(.independent($0, $1)) }
    #expect(apart > 970, "\(apart)")
  }

  @Test("Holm errs anywhere among ten tests in at most 5 % of experiments, plain tests in more")
  func familywise() {
    var errs = (plain: 0, holm: 0)
    for experiment in 0..<1_000 {
      var stream = RandomStream(seed: UInt64(experiment), purpose: "families")
      let pValues = (0..<10).map { _ in
        MeanDifference.paired(
          (0..<8).map { _ in stream.normal() }, (0..<8).map { _ in stream.normal() }
        ).pValue
      }
      if pValues.contains(where: { $0 < 0.05 }) { errs.plain += 1 }
      if Holm.adjusted(pValues).contains(where: { $0 < 0.05 }) { errs.holm += 1 }
    }
    // 1 - 0.95^10 is 401 of 1000; three standard deviations of 50 are 21.
    #expect((350...450).contains(errs.plain), "\(errs)")
    #expect((29...71).contains(errs.holm), "\(errs)")
  }
}
