import Scenarios

/// A published figure as something that can be run: what was published, the scenarios that should
/// show the same, and how near they must come.
public struct Pack: Sendable {
  /// What a reader may conclude from the figure.
  public enum Kind: String, CaseIterable, Sendable {
    /// The target is a closed form or an exact computation: a gate.
    case exact
    /// The target was measured on real machines: errors are reported, most of all where nothing was
    /// calibrated.
    case measured
    /// Nothing to compare with is in the pack: what is simulated is a prediction.
    case prediction
  }

  public enum Size: String, CaseIterable, Sendable {
    /// Seconds; runs in the tests.
    case small
    case full
  }

  public let id: String
  /// Folder of the pack.
  public let folder: String
  public let title: String
  public let citation: String
  /// What is published, and where in the source.
  public let published: String
  /// What was calibrated, and on what.
  public let calibration: String
  /// What is left out or differs, and why.
  public let deviations: String
  public let kind: Kind
  public let table: PublishedTable
  public let plot: Plot
  public let studies: [Study]
  public let small: Change
  public let full: Change

  /// What the drawing shows.
  public struct Plot: Sendable {
    /// Column of the horizontal axis.
    public let x: String
    /// Columns whose values tell curves apart.
    public let groups: [String]
    public let isLogarithmic: Bool
  }

  /// How one size differs from the scenarios as they stand.
  public struct Change: Sendable {
    /// As `--set` takes them; `{column}` stands for the row's value.
    public let set: [String]
    /// Rows that are run: those whose column holds one of the values, for each column named.
    public let rows: [(column: String, values: [String])]
  }

  /// What is run for each row, and what is read from it.
  public struct Study: Sendable {
    public let source: Source
    /// As `--set` takes them; `{column}` stands for the row's value.
    public let set: [String]
    /// Rows that it is for; all, if empty.
    public let rows: [(column: String, values: [String])]
    public let quantities: [Quantity]
  }

  public enum Source: Sendable {
    /// A scenario file, relative to the pack; `probe` looks into its runs.
    case scenario(String, probe: Probe?)
    /// Something that is no run of a network: draws of a committee, say.
    case experiment(Experiment)
  }

  /// One published column and what is compared with it.
  public struct Quantity: Sendable {
    public let name: String
    public let unit: String
    /// Column of the published values; an empty cell is a prediction.
    public let column: String
    /// Metric of the runs; `{column}` stands for the row's value.
    public let metric: String
    /// Metric with the number of trials of which `metric` is the share that succeeded.
    public let trials: String?
    /// Published standard deviation, if a column has it.
    public let deviation: String?
    /// Column with the bottleneck law's value.
    public let bottleneck: String?
    /// Rows that something was fitted on: they do not count as evidence.
    public let calibrated: [(column: String, values: [String])]
    public let tolerance: Tolerance
    /// Shown, but decides nothing.
    public let isContext: Bool
  }

  public enum Tolerance: Sendable, Equatable {
    /// |simulated - published| at most this.
    case absolute(Double)
    /// |simulated / published - 1| at most this.
    case relative(Double)
    /// The published value lies in the interval of the simulated one at this confidence, for all
    /// values of the figure together, widened by `allowance` of the value; and the interval is not
    /// wider than `resolution` of the value on either side.
    case statistical(confidence: Double, allowance: Double, resolution: Double)
    /// Between the values of two columns.
    case between(low: String, high: String)
  }
}

extension Pack {
  /// Packs stand under this folder of the repository, a folder each.
  public static let home = "Scenarios/figures"

  /// The row's values in place of `{column}`.
  func filled(_ template: String, _ row: PublishedTable.Row) throws(ScenarioErrors) -> String {
    guard template.contains("{") else { return template }
    var text = template
    for (name, cell) in zip(table.columns, row.cells) {
      text = text.replacing("{\(name)}", with: cell)
    }
    guard !text.contains("{") || text.contains("{ ") || text.contains("{}") else {
      throw PublishedTable.failure("no column is called as in '\(template)'", table.file)
    }
    return text
  }

  /// Whether `row` has one of the values in each of the columns.
  func row(
    _ row: PublishedTable.Row, isIn filter: [(column: String, values: [String])]
  ) -> Bool {
    filter.allSatisfy { $0.values.contains(table.text($0.column, of: row)) }
  }
}
