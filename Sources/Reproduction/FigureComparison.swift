import Kernel
import Scenarios
import Statistics

/// A figure as published beside the same figure as simulated.
public struct FigureComparison: Sendable {
  public let id: String
  public let title: String
  public let kind: Pack.Kind
  public let size: Pack.Size
  public let rows: [ComparedValue]
  /// Of all runs: equal for equal packs and versions.
  public let digest: UInt64
  /// What the monitors of the runs had to say.
  public let violations: [String]

  /// A measured figure is judged at its full size only: the small one is another experiment.
  public var isJudged: Bool { kind != .measured || size == .full }

  /// Whether every value that counts is in tolerance and no monitor fired. A figure of which
  /// nothing is published, or that is not judged, is as far as anyone can tell.
  public var isInTolerance: Bool {
    guard isJudged else { return violations.isEmpty }
    return violations.isEmpty && !rows.contains { $0.decides && $0.verdict == .out }
  }

  /// How many values decide, and how many of them are in tolerance.
  public var score: (within: Int, of: Int) {
    let deciding = rows.filter { $0.decides && $0.verdict != .predicted }
    return (deciding.count { $0.verdict == .within }, deciding.count)
  }
}

/// One published value and its simulated counterpart.
public struct ComparedValue: Sendable {
  public enum Verdict: String, Sendable {
    case within = "in tolerance"
    case out = "out of tolerance"
    /// Nothing is published to compare with.
    case predicted
  }

  /// Values of the columns by which the row is known.
  public let labels: [(column: String, text: String)]
  public let x: Double?
  public let quantity: String
  public let unit: String
  public let published: Double?
  /// Published standard deviation.
  public let deviation: Double?
  /// `nil`: the runs gave no value.
  public let simulated: Double?
  /// 95 % interval, where there is one.
  public let low: Double?
  public let high: Double?
  public let replications: Int
  /// Trials of which the simulated value is the share that succeeded.
  public let trials: Int?
  /// What the bottleneck law, and a flat line through the calibration points, say.
  public let bottleneck: Double?
  public let flat: Double?
  public let isCalibrated: Bool
  public let isContext: Bool
  public let verdict: Verdict
  public let tolerance: String

  /// Counts for the verdict of the figure.
  public var decides: Bool { !isCalibrated && !isContext }

  /// Relative to the published value.
  public var error: Double? { Self.error(simulated, published) }
  public var bottleneckError: Double? { Self.error(bottleneck, published) }
  public var flatError: Double? { Self.error(flat, published) }

  private static func error(_ value: Double?, _ published: Double?) -> Double? {
    guard let value, let published, published != 0 else { return nil }
    let error = value / published - 1
    // What is equal but for the last digits of a sum is equal.
    return error.magnitude < 1e-12 ? 0 : error
  }
}

/// What a model says of all values that nothing was fitted on: relative errors.
public struct ErrorSummary: Sendable, Equatable {
  public let count: Int
  /// Median and largest, without their signs.
  public let median: Double
  public let largest: Double
  /// Root of the mean square.
  public let rms: Double

  init?(_ errors: [Double]) {
    guard !errors.isEmpty else { return nil }
    let sorted = errors.map(\.magnitude).sorted()
    count = sorted.count
    median = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    largest = sorted[sorted.count - 1]
    rms = (sorted.reduce(0) { $0 + $1 * $1 } / Double(sorted.count)).squareRoot()
  }
}

extension FigureComparison {
  /// Names of the quantities, in order.
  public var quantities: [String] {
    rows.reduce(into: [String]()) { names, row in
      if !names.contains(row.quantity) { names.append(row.quantity) }
    }
  }

  /// Errors over the values of `quantity` on which nothing was fitted and which the trivial models
  /// have too where they have any: ours, the bottleneck law's, and the flat line's.
  public func errors(
    of quantity: String
  ) -> (simulated: ErrorSummary?, bottleneck: ErrorSummary?, flat: ErrorSummary?) {
    let held = rows.filter { $0.quantity == quantity && $0.decides }
    return (
      ErrorSummary(held.compactMap(\.error)), ErrorSummary(held.compactMap(\.bottleneckError)),
      ErrorSummary(held.compactMap(\.flatError))
    )
  }
}
