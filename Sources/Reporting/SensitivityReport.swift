import Metrics
import Statistics

/// How the runs of a sensitivity analysis are laid out: what their order means.
public struct SensitivityLayout: Sendable, Equatable {
  public struct Input: Sendable, Equatable {
    public var name: String
    public var unit: String
    /// At the quartiles and the median, in that unit.
    public var low: Double
    public var middle: Double
    public var high: Double

    public init(name: String, unit: String, low: Double, middle: Double, high: Double) {
      self.name = name
      self.unit = unit
      self.low = low
      self.middle = middle
      self.high = high
    }
  }

  public var inputs: [Input]
  /// Metrics, by full name or by what follows the subsystem's.
  public var outputs: [String]
  /// Of each set of a Sobol design.
  public var points: Int
  public var repetitions: Int

  public init(inputs: [Input], outputs: [String], points: Int, repetitions: Int) {
    self.inputs = inputs
    self.outputs = outputs
    self.points = points
    self.repetitions = repetitions
  }

  /// Points of the experiment that try one input at a time: the medians, then two an input.
  public var trials: Int { 1 + 2 * inputs.count }
  /// Points of one repetition's design.
  public var design: Int { points * (inputs.count + 2) }
}

/// On which inputs an output rests, and what it may be if the inputs are not known better.
public struct SensitivityReport: Sendable {
  /// What one input does to one output.
  public struct Row: Sendable, Equatable {
    public var input: String
    /// Relative change of the output over that of the input, between the input's quartiles, all
    /// others at their medians; over seeds. `nil` where a mean or a median is zero.
    public var elasticity: Estimate?
    /// Sobol's indices; over shifts and seeds. `nil` where runs gave no value.
    public var first: Estimate?
    public var total: Estimate?
  }

  public struct Output: Sendable, Equatable {
    public var metric: String
    public var unit: String
    /// At the medians of all inputs.
    public var middle: Estimate?
    /// Between these, 95 % of single runs lie whose inputs are drawn from their distributions.
    public var predicted: ClosedRange<Double>?
    public var rows: [Row]
    /// Runs without a value, of how many.
    public var missing: Int
    public var runs: Int
  }

  public let layout: SensitivityLayout
  public let outputs: [Output]

  /// - Parameter result: of the points that `layout` speaks of, in order: trials with as many
  ///   replications as there are repetitions, then each repetition's design with one.
  public init(_ layout: SensitivityLayout, _ result: SweepResult) {
    precondition(
      result.records.count == layout.trials + layout.repetitions * layout.design,
      "\(result.records.count) points")
    self.layout = layout
    let first = result.records[0][0].outcome.metrics
    let chosen = layout.outputs.flatMap { name in
      first.filter { StoppingRule.Goal(name, precision: 1).matches($0.name) }
    }
    outputs = chosen.map { Self.output($0, layout, result) }
  }

  private static func output(
    _ metric: Outcome.Metric, _ layout: SensitivityLayout, _ result: SweepResult
  ) -> Output {
    let values = result.records.map { runs in
      runs.map { run in run.outcome[metric.name].flatMap { $0.isFinite ? $0 : nil } }
    }
    let runs = values.joined()
    let trials = Array(values[..<layout.trials])
    let designs = (0..<layout.repetitions).map { repetition in
      let start = layout.trials + repetition * layout.design
      return values[start..<start + layout.design].map { $0[0] }
    }
    let indices = designs.compactMap { design -> SobolIndices? in
      let known = design.compactMap(\.self)
      guard known.count == design.count else { return nil }
      return SobolIndices(points: layout.points, inputs: layout.inputs.count, outputs: known)
    }
    // The two first sets of a design are independent draws of all inputs.
    let drawn = designs.flatMap { $0.prefix(2 * layout.points).compactMap(\.self) }.sorted()
    return Output(
      metric: metric.name, unit: metric.unit, middle: Estimate(of: trials[0].compactMap(\.self)),
      predicted: predicted(drawn),
      rows: layout.inputs.indices.map { k in
        Row(
          input: layout.inputs[k].name, elasticity: elasticity(k, layout, trials),
          first: Estimate(of: indices.map { $0.first[k] }),
          total: Estimate(of: indices.map { $0.total[k] }))
      },
      missing: runs.count { $0 == nil }, runs: runs.count)
  }

  private static func predicted(_ sorted: [Double]) -> ClosedRange<Double>? {
    // With fewer, the ends of the interval are beyond all that was seen.
    guard sorted.count >= 40 else { return nil }
    let low = QuantileEstimate(sorted: sorted, 0.025).value
    return low...QuantileEstimate(sorted: sorted, 0.975).value
  }

  private static func elasticity(
    _ k: Int, _ layout: SensitivityLayout, _ trials: [[Double?]]
  ) -> Estimate? {
    let input = layout.inputs[k]
    let step = (input.high - input.low) / input.middle
    guard step.isFinite, step != 0 else { return nil }
    let values = (0..<layout.repetitions).compactMap { seed -> Double? in
      guard let middle = trials[0][seed], let low = trials[1 + 2 * k][seed],
        let high = trials[2 + 2 * k][seed], middle != 0
      else { return nil }
      return (high - low) / middle / step
    }
    return Estimate(of: values)
  }
}

// MARK: - As text

extension SensitivityReport {
  /// A block an output: what it is, what it may be, and what it rests on, the most important first.
  public var text: String {
    var text = ""
    for output in outputs {
      text += output.metric
      if let middle = output.middle {
        text += ": \(NumberText.interval(middle)) \(output.unit) with all at their medians"
      }
      if let predicted = output.predicted {
        text +=
          "; 95 % of runs between \(NumberText.significant(predicted.lowerBound, 3)) and "
          + "\(NumberText.significant(predicted.upperBound, 3))"
      }
      text += "\n"
      if output.missing > 0 {
        text += "  \(output.missing) of \(output.runs) runs have no value\n"
      }
      let rows = output.rows.sorted { ($0.total?.mean ?? 0) > ($1.total?.mean ?? 0) }
      let cells = rows.map { row in
        [row.input] + [row.first, row.total, row.elasticity].map { $0.map(Self.cell) ?? "-" }
      }
      text += Self.aligned([["", "first order", "total", "elasticity"]] + cells)
    }
    return text + "± is half of a 95 % interval over \(layout.repetitions) repetitions\n"
  }

  private static func cell(_ estimate: Estimate) -> String {
    let mean = NumberText.fixed(estimate.mean, place: -3)
    return estimate.halfWidth.map { "\(mean) ± \(NumberText.fixed($0, place: -3))" } ?? mean
  }

  private static func aligned(_ rows: [[String]]) -> String {
    let widths = (0..<4).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let first = row[0] + String(repeating: " ", count: widths[0] - row[0].count)
      let rest = (1..<4).map {
        String(repeating: " ", count: widths[$0] - row[$0].count) + row[$0]
      }
      return "  " + ([first] + rest).joined(separator: "  ") + "\n"
    }.joined()
  }

  /// `sensitivity.csv`: a row an output and input.
  public var csv: String {
    func cells(_ estimate: Estimate?) -> [String] {
      [estimate?.mean, estimate?.low, estimate?.high].map { NumberText.derived($0) }
    }
    func columns(_ name: String) -> [String] {
      [name, name + "_ci95_low", name + "_ci95_high"]
    }
    var text = CSV.line(
      ["metric", "unit", "input", "input_unit", "input_q25", "input_median", "input_q75"]
        + columns("first_order") + columns("total") + columns("elasticity")
        + columns("at_medians") + ["predicted_low", "predicted_high", "missing"])
    for output in outputs {
      for (row, input) in zip(output.rows, layout.inputs) {
        text += CSV.line(
          [output.metric, output.unit, row.input, input.unit]
            + [input.low, input.middle, input.high].map { NumberText.derived($0) }
            + cells(row.first) + cells(row.total) + cells(row.elasticity)
            + cells(output.middle)
            + [output.predicted?.lowerBound, output.predicted?.upperBound].map {
              NumberText.derived($0)
            } + [String(output.missing)])
      }
    }
    return text
  }

  /// Everything, for machines.
  public var json: String {
    func value(_ estimate: Estimate?) -> JSONText {
      guard let estimate else { return .null }
      return .object([
        ("mean", .number(NumberText.rounded(estimate.mean, significant: 12))),
        ("low", .optional(estimate.low.map { NumberText.rounded($0, significant: 12) })),
        ("high", .optional(estimate.high.map { NumberText.rounded($0, significant: 12) })),
      ])
    }
    return JSONText.array(
      outputs.map { output in
        .object([
          ("metric", .string(output.metric)), ("unit", .string(output.unit)),
          ("atMedians", value(output.middle)),
          ("predictedLow", .optional(output.predicted?.lowerBound)),
          ("predictedHigh", .optional(output.predicted?.upperBound)),
          ("missing", .integer(output.missing)), ("runs", .integer(output.runs)),
          (
            "inputs",
            .array(
              output.rows.map {
                .object([
                  ("input", .string($0.input)), ("firstOrder", value($0.first)),
                  ("total", value($0.total)), ("elasticity", value($0.elasticity)),
                ])
              })
          ),
        ])
      }
    ).text
  }
}
