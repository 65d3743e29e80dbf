import Glibc
import Kernel
import Statistics
import Testing

@Suite("sensitivity")
struct SensitivityTests {
  /// Ishigami and Homma (1990): strongly nonlinear, with an interaction, and indices in closed
  /// form.
  private func ishigami(_ u: [Double]) -> Double {
    let x = u.map { (2 * $0 - 1) * Double.pi }
    let third = 0.1 * x[2] * x[2] * x[2] * x[2]
    return sin(x[0]) + 7 * sin(x[1]) * sin(x[1]) + third * sin(x[0])
  }

  private var exact: (first: [Double], total: [Double], variance: Double) {
    let fourth = Double.pi * Double.pi * Double.pi * Double.pi
    let variance = 49.0 / 8 + 0.1 * fourth / 5 + 0.01 * fourth * fourth / 18 + 0.5
    let alone = (1 + 0.1 * fourth / 5) * (1 + 0.1 * fourth / 5) / 2 / variance
    let both = 8 * 0.01 * fourth * fourth / 225 / variance
    return ([alone, 49.0 / 8 / variance, 0], [alone + both, 49.0 / 8 / variance, both], variance)
  }

  private func indices(points: Int, seed: UInt64, repetition: Int) -> SobolIndices {
    var bits = RandomStream(seed: seed, purpose: "shift", entity: UInt64(repetition))
    let design = SobolDesign(
      points: points, shift: (0..<6).map { _ in UInt32(truncatingIfNeeded: bits.next()) })
    return SobolIndices(
      points: design.a.count, inputs: design.inputs, outputs: design.all.map(ishigami))
  }

  @Test("Ishigami's function has the indices that theory gives it")
  func closedForm() {
    let found = indices(points: 1 << 14, seed: 1, repetition: 0)
    for input in 0..<3 {
      #expect((found.first[input] - exact.first[input]).magnitude < 0.005, "\(found.first)")
      #expect((found.total[input] - exact.total[input]).magnitude < 0.005, "\(found.total)")
    }
    #expect((found.variance / exact.variance - 1).magnitude < 0.005)
  }

  @Test("intervals over eight shifts cover the indices in 92 to 98 % of 400 experiments")
  func coverage() {
    var hits = [Int](repeating: 0, count: 6)
    for experiment in 0..<400 {
      let runs = (0..<8).map { indices(points: 128, seed: UInt64(experiment), repetition: $0) }
      for input in 0..<3 {
        let first = MeanEstimate(runs.map { $0.first[input] })
        let total = MeanEstimate(runs.map { $0.total[input] })
        if first.low <= exact.first[input], exact.first[input] <= first.high { hits[input] += 1 }
        if total.low <= exact.total[input], exact.total[input] <= total.high {
          hits[3 + input] += 1
        }
      }
    }
    for count in hits { #expect((368...392).contains(count), "\(hits)") }
  }

  @Test("Sobol's points are a net: every interval of length 1/64 has one of 64, in every column")
  func net() {
    for seed in 1...20 {
      var bits = RandomStream(seed: UInt64(seed), purpose: "shift")
      let points = SobolSequence.points(
        64, shift: (0..<40).map { _ in UInt32(truncatingIfNeeded: bits.next()) })
      for column in 0..<40 {
        #expect(Set(points.map { Int($0[column] * 64) }).count == 64)
      }
      #expect(points.joined().allSatisfy { $0 > 0 && $0 < 1 })
    }
    let plain = SobolSequence.points(4, shift: [0])
    #expect(plain.map { ($0[0] * 4).rounded(.down) } == [0, 2, 3, 1])
  }

  @Test("an input that does nothing and an output that does not vary have indices of zero")
  func nothing() {
    var bits = RandomStream(seed: 1, purpose: "shift")
    let design = SobolDesign(
      points: 64, shift: (0..<4).map { _ in UInt32(truncatingIfNeeded: bits.next()) })
    let idle = SobolIndices(
      points: design.a.count, inputs: design.inputs, outputs: design.all.map { $0[0] })
    #expect(idle.total[1] == 0 && (idle.first[0] - 1).magnitude < 1e-12)
    let flat = SobolIndices(
      points: design.a.count, inputs: design.inputs, outputs: design.all.map { _ in 3 })
    #expect(flat.first == [0, 0] && flat.total == [0, 0])
  }
}
