/// Simulated time: whole nanoseconds, so that sums are exact and order is total.
///
/// `SimTime` is an instant since the start of the run, `SimDuration` a difference of two. The range
/// of `Int64` is 292 years either way.

/// An instant of simulated time, in nanoseconds since the start of the run.
@frozen
public struct SimTime: Comparable, Hashable, Sendable, BitwiseCopyable {
  public var nanoseconds: Int64

  @inlinable
  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// The start of the run.
  public static var zero: SimTime { SimTime(nanoseconds: 0) }
  /// Later than every event: "not scheduled".
  public static var never: SimTime { SimTime(nanoseconds: .max) }

  @inlinable
  public var seconds: Double { Double(nanoseconds) / 1e9 }

  @inlinable
  public static func < (a: SimTime, b: SimTime) -> Bool { a.nanoseconds < b.nanoseconds }
  @inlinable
  public static func + (a: SimTime, d: SimDuration) -> SimTime {
    SimTime(nanoseconds: a.nanoseconds + d.nanoseconds)
  }
  @inlinable
  public static func - (a: SimTime, d: SimDuration) -> SimTime {
    SimTime(nanoseconds: a.nanoseconds - d.nanoseconds)
  }
  @inlinable
  public static func - (a: SimTime, b: SimTime) -> SimDuration {
    SimDuration(nanoseconds: a.nanoseconds - b.nanoseconds)
  }
  @inlinable
  public static func += (a: inout SimTime, d: SimDuration) { a.nanoseconds += d.nanoseconds }
}

/// A span of simulated time, in nanoseconds; may be negative.
@frozen
public struct SimDuration: Comparable, Hashable, Sendable, BitwiseCopyable {
  public var nanoseconds: Int64

  @inlinable
  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// The nearest whole number of nanoseconds; `seconds` must be within ±9.2e9 (292 years).
  @inlinable
  public init(seconds: Double) {
    nanoseconds = Int64((seconds * 1e9).rounded(.toNearestOrAwayFromZero))
  }

  public static var zero: SimDuration { SimDuration(nanoseconds: 0) }
  @inlinable
  public static func nanoseconds(_ n: Int64) -> SimDuration { SimDuration(nanoseconds: n) }
  @inlinable
  public static func microseconds(_ n: Int64) -> SimDuration { SimDuration(nanoseconds: n * 1_000) }
  @inlinable
  public static func milliseconds(_ n: Int64) -> SimDuration {
    SimDuration(nanoseconds: n * 1_000_000)
  }
  @inlinable
  public static func seconds(_ n: Int64) -> SimDuration {
    SimDuration(nanoseconds: n * 1_000_000_000)
  }

  @inlinable
  public var seconds: Double { Double(nanoseconds) / 1e9 }

  @inlinable
  public static func < (a: SimDuration, b: SimDuration) -> Bool { a.nanoseconds < b.nanoseconds }
  @inlinable
  public static func + (a: SimDuration, b: SimDuration) -> SimDuration {
    SimDuration(nanoseconds: a.nanoseconds + b.nanoseconds)
  }
  @inlinable
  public static func - (a: SimDuration, b: SimDuration) -> SimDuration {
    SimDuration(nanoseconds: a.nanoseconds - b.nanoseconds)
  }
  @inlinable
  public static func * (a: SimDuration, n: Int64) -> SimDuration {
    SimDuration(nanoseconds: a.nanoseconds * n)
  }
  @inlinable
  public static func += (a: inout SimDuration, b: SimDuration) { a.nanoseconds += b.nanoseconds }
}
