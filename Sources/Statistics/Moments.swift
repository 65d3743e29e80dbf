/// Count, mean, variance and extremes of a stream of values, in constant memory.
///
/// Welford's update (Technometrics 4(3), 1962) and the merge of Chan, Golub & LeVeque ("Updating
/// formulae and a pairwise algorithm for computing sample variances", 1979).
@frozen
public struct Moments: Sendable, Equatable, BitwiseCopyable {
  /// How many values were added.
  public private(set) var count = 0
  /// Their mean; 0 if there are none.
  public private(set) var mean = 0.0
  /// The smallest; +inf if there are none.
  public private(set) var min = Double.infinity
  /// The largest; -inf if there are none.
  public private(set) var max = -Double.infinity
  private var squares = 0.0  // of deviations from the mean

  /// No values.
  public init() {}

  /// These values.
  public init(_ values: some Sequence<Double>) {
    for value in values { add(value) }
  }

  /// Takes one more value; O(1).
  public mutating func add(_ value: Double) {
    count += 1
    let before = value - mean
    mean += before / Double(count)
    squares += before * (value - mean)
    min = Swift.min(min, value)
    max = Swift.max(max, value)
  }

  /// Takes all that another one has taken; O(1).
  public mutating func merge(_ other: Moments) {
    guard other.count > 0 else { return }
    guard count > 0 else {
      self = other
      return
    }
    let (n, m) = (Double(count), Double(other.count))
    let gap = other.mean - mean
    mean += gap * m / (n + m)
    squares += other.squares + gap * gap * n * m / (n + m)
    count += other.count
    min = Swift.min(min, other.min)
    max = Swift.max(max, other.max)
  }

  /// The unbiased sample variance (divisor n - 1); NaN below two values.
  public var variance: Double { count > 1 ? squares / Double(count - 1) : .nan }
  /// The square root of `variance`.
  public var standardDeviation: Double { variance.squareRoot() }
  /// The standard deviation of the mean, if the values are independent.
  public var standardError: Double { (variance / Double(count)).squareRoot() }
}
