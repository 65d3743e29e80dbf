import Kernel

/// Which part of a run its figures are taken from, and how.
public struct Measuring: Sendable, Equatable {
  public enum Mode: String, Sendable, CaseIterable {
    /// The warm-up is found by MSER-5 and dropped.
    case steadyState = "steady-state"
    /// Everything is kept: for runs with faults, whose transients are the subject.
    case transient
  }

  public var mode: Mode
  /// A transaction that is final within this time counts for goodput; `nil`: whenever it is.
  public var deadline: SimDuration?
  /// Steps of a series over the whole run, at least 1.
  public var steps: Int

  public init(mode: Mode = .transient, deadline: SimDuration? = nil, steps: Int = 60) {
    precondition(steps >= 1, "a series of \(steps) steps")
    self.mode = mode
    self.deadline = deadline
    self.steps = steps
  }
}

/// The part of a run that is measured.
public struct MeasuredWindow: Sendable, Equatable {
  /// Not itself in the window, unless nothing was dropped.
  public let start: SimTime
  public let end: SimTime
  /// Decisions dropped as warm-up, and out of how many.
  public let dropped: Int
  public let decisions: Int
  /// MSER-5 would drop more than half, or there are fewer than fifty decisions.
  public let isSuspicious: Bool

  public var seconds: Double { (end - start).seconds }

  /// Whether something that happened at `time` counts.
  public func contains(_ time: SimTime) -> Bool {
    time <= end && (time > start || start == .zero)
  }
}
