import Glibc
import Metrics
import Reporting
import Statistics
import Testing

@Suite("Sensitivity report") struct SensitivityReportTests {
  /// Two repetitions of a design of two inputs, and the trials before them, of a made-up output.
  private func report(
    points: Int = 64, repetitions: Int = 4, output: (Double, Double, UInt64) -> Double?
  ) -> SensitivityReport {
    let layout = SensitivityLayout(
      inputs: [
        .init(name: "a", unit: "ms", low: 0.25, middle: 0.5, high: 0.75),
        .init(name: "b", unit: "", low: 0.25, middle: 0.5, high: 0.75),
      ], outputs: ["latency"], points: points, repetitions: repetitions)
    var inputs = [[0.5, 0.5], [0.25, 0.5], [0.75, 0.5], [0.5, 0.25], [0.5, 0.75]]
    var seeds = inputs.map { _ in (0..<repetitions).map { UInt64($0) } }
    for repetition in 0..<repetitions {
      var bits = UInt32(2_654_435_761) &* UInt32(repetition + 1)
      let shift = (0..<4).map { _ -> UInt32 in
        bits = bits &* 1_664_525 &+ 1_013_904_223
        return bits
      }
      let design = SobolDesign(points: points, shift: shift)
      inputs += design.all
      seeds += design.all.map { _ in [UInt64(repetition)] }
    }
    var experiment = Fixture.experiment("s", inputs.indices.map { [("n", "\($0)")] }, 1)
    for index in inputs.indices { experiment.points[index].seeds = seeds[index] }
    let records = inputs.enumerated().map { index, input in
      seeds[index].enumerated().map { replication, seed in
        var outcome = Outcome()
        outcome.metrics = [.init("main.latency", "s", output(input[0], input[1], seed))]
        return RunRecord(RunID(point: index, replication: replication, seed: seed), outcome)
      }
    }
    return SensitivityReport(layout, SweepResult(experiment, records: records))
  }

  private func close(_ estimate: Estimate?, _ value: Double, _ tolerance: Double) -> Bool {
    estimate.map { abs($0.mean - value) <= tolerance } ?? false
  }

  @Test("a sum has the shares of its terms' variances, and no interactions") func additive() throws
  {
    // Variances 9/12 and 1/12; elasticities at the medians 3/4.5 and 1/4.5 of a half.
    let found = try #require(report { a, b, _ in 3 * a + b + 2.5 }.outputs.first)
    #expect(found.metric == "main.latency" && found.missing == 0)
    #expect(close(found.rows[0].first, 0.9, 0.03) && close(found.rows[1].first, 0.1, 0.03))
    #expect(close(found.rows[0].total, 0.9, 0.03) && close(found.rows[1].total, 0.1, 0.03))
    #expect(close(found.rows[0].elasticity, 1.5 / 4.5, 1e-12))
    #expect(close(found.rows[1].elasticity, 0.5 / 4.5, 1e-12))
    #expect(close(found.middle, 4.5, 1e-12))
    let predicted = try #require(found.predicted)
    // The sum's distribution function is a trapezoid: its 2.5 % point is 2.5 + sqrt(0.15).
    #expect(abs(predicted.lowerBound - (2.5 + 0.15.squareRoot())) < 0.05)
    #expect(abs(predicted.upperBound - (6.5 - 0.15.squareRoot())) < 0.05)
  }

  @Test("a product of centred inputs is interaction alone") func interaction() throws {
    let found = try #require(
      report(points: 1_024) { a, b, _ in (a - 0.5) * (b - 0.5) }.outputs.first)
    for row in found.rows {
      #expect(close(row.first, 0, 0.05) && close(row.total, 1, 0.05))
      #expect(row.elasticity == nil, "relative to a mean of zero there is none")
    }
  }

  @Test("a power has its exponent as its elasticity, and the seed's part widens the interval")
  func elasticity() throws {
    let found = try #require(
      report { a, _, seed in 100 * a * a + Double(seed) }.outputs.first)
    // (0.75^2 - 0.25^2) / 0.25 over 1, but for the seeds' share of the middle.
    #expect(close(found.rows[0].elasticity, 2, 0.15))
    #expect(try #require(found.rows[0].elasticity?.high) > found.rows[0].elasticity!.mean)
    #expect(close(found.rows[1].elasticity, 0, 1e-12))
  }

  @Test("runs without a value are counted, and no index is made up from the rest") func missing() {
    let found = report { a, _, _ in a > 0.9 ? nil : a }.outputs[0]
    #expect(found.missing > 0 && found.rows[0].first == nil)
    let text = report { a, _, _ in a > 0.9 ? nil : a }.text
    #expect(text.contains("runs have no value"))
  }

  @Test("text, table and JSON name every input, the most important first") func texts() {
    let found = report { a, b, _ in a + 5 * b }
    let lines = found.text.split(separator: "\n").map(String.init)
    #expect(
      lines[1].hasSuffix("first order          total  elasticity") || lines[1].contains("total"))
    #expect(lines[2].hasPrefix("  b ") && lines[3].hasPrefix("  a "))
    #expect(found.csv.split(separator: "\n").count == 3)
    #expect(found.json.contains("\"firstOrder\""))
  }
}
