import Metrics
import Statistics

/// When a point has been run often enough: once the means of some metrics are known well enough.
///
/// It looks at replications in the order of their numbers, never in that of their ending, so that
/// how many there are depends neither on threads nor on interruptions.
public struct StoppingRule: Sendable, Equatable {
  public struct Goal: Sendable, Equatable {
    /// A metric's name, or what follows its subsystem's: `throughput` is that of every subsystem.
    public var metric: String
    /// Half of the 95 % interval, as a part of the mean; above 0.
    public var precision: Double

    public init(_ metric: String, precision: Double) {
      self.metric = metric
      self.precision = precision
    }

    func matches(_ name: String) -> Bool {
      guard name != metric else { return true }
      return name.hasSuffix("." + metric)
        && !name.dropLast(metric.count + 1).contains(".")
    }
  }

  /// All are to be reached.
  public var goals: [Goal]
  /// At least 2.
  public var atLeast: Int

  public init(_ goals: [Goal], atLeast: Int) {
    precondition(atLeast >= 2, "a spread of \(atLeast) values")
    self.goals = goals
    self.atLeast = atLeast
  }
}

/// The metrics of one point that decide how often it is run, so far.
struct PointPrecision {
  let rule: StoppingRule
  private(set) var runs = 0
  /// In the order of first appearance.
  private var means: [(name: String, goal: Int, mean: SequentialMean)] = []

  init(_ rule: StoppingRule) { self.rule = rule }

  /// Takes the next replication in order.
  mutating func add(_ outcome: Outcome) {
    runs += 1
    for metric in outcome.metrics {
      for (index, goal) in rule.goals.enumerated() where goal.matches(metric.name) {
        let known = means.firstIndex { $0.name == metric.name && $0.goal == index }
        let place = known ?? means.count
        if known == nil {
          means.append((metric.name, index, SequentialMean(target: goal.precision)))
        }
        if let value = metric.value, value.isFinite { means[place].mean.add(value) }
      }
    }
  }

  /// Whether no more replications are needed.
  var isReached: Bool { runs >= rule.atLeast && shortfalls.isEmpty && missing == nil }

  /// A goal that no metric has the name of; known after the first replication.
  var missing: StoppingRule.Goal? {
    guard runs > 0 else { return nil }
    let index = rule.goals.indices.first { goal in !means.contains { $0.goal == goal } }
    return index.map { rule.goals[$0] }
  }

  /// The metrics that are not known well enough, as a warning would say it.
  var shortfalls: [String] {
    means.compactMap { entry in
      let wanted = NumberText.compact(entry.mean.target * 100, 3)
      guard entry.mean.moments.count >= rule.atLeast else {
        return "\(entry.name): \(entry.mean.moments.count) of \(runs) replications have a value"
      }
      guard !entry.mean.isPrecise else { return nil }
      let half = entry.mean.relativeHalfWidth ?? .infinity
      let reached = half.isFinite ? "\(NumberText.significant(half * 100, 2)) %" : "more than all"
      return "\(entry.name): the interval's half is \(reached) of the mean after \(runs) "
        + "replications, where \(wanted) % was wanted"
    }
  }
}
