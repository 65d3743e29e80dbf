import Kernel
import Statistics

/// Something random that can be copied while it goes on, such as a run.
public protocol Splittable {
  /// How near it is to the rare event: the larger, the nearer.
  var importance: Double { get }
  /// Whether the event has come, or never will; `nil` while both are possible.
  var outcome: Bool? { get }
  /// Goes one step on.
  mutating func advance()
  /// An independent one in the same state, which draws from streams of its own, named `branch`.
  func branched(_ branch: UInt64) -> Self
}

/// Multilevel splitting with fixed effort: the probability of a rare event as a product of
/// probabilities that are not rare.
///
/// Levels of importance lie between the beginning and the event. A stage starts `effort` trials in
/// the states in which trials of the stage before reached its level, each as often as the others,
/// the remainder drawn; those that reach the next level before it is too late make the next stage.
/// The product of the shares that did is an unbiased estimate of the probability, whatever the
/// levels and the importance are (Garvels, Kroese and Van Ommeren, "On the importance function in
/// splitting simulation", ETT 13(4), 2002; L'Ecuyer, Le Gland, Lezaud and Tuffin, "Splitting
/// techniques", in Rare Event Simulation using Monte Carlo Methods, Wiley 2009, §3.2): only its
/// variance depends on them.
public struct Splitting: Sendable {
  /// Increasing; the event itself comes after the last.
  public let levels: [Double]
  /// Trials of a stage.
  public let effort: Int

  public init(levels: [Double], effort: Int) {
    precondition(effort >= 1, "stages of \(effort) trials")
    precondition(zip(levels, levels.dropFirst()).allSatisfy { $0 < $1 }, "levels out of order")
    self.levels = levels
    self.effort = effort
  }

  /// One estimate.
  public struct Repetition: Sendable, Equatable {
    /// The product of `shares`.
    public var probability: Double
    /// Of each stage, the trials that reached its level; stages after one of zero are not run.
    public var shares: [Double]
    /// Steps of all trials.
    public var steps: Int
  }

  /// One estimate of the probability that the event comes after `start`.
  ///
  /// - Parameter seed: two repetitions with different ones are independent.
  public func estimate<Process: Splittable>(_ start: Process, seed: UInt64) -> Repetition {
    var choice = RandomStream(seed: seed, purpose: "splitting")
    var entrances = [start]
    var result = Repetition(probability: 1, shares: [], steps: 0)
    for stage in 0...levels.count {
      let level = stage < levels.count ? levels[stage] : .infinity
      var reached: [Process] = []
      for origin in origins(entrances.count, &choice) {
        var trial = entrances[origin].branched(choice.next())
        while trial.outcome == nil, trial.importance < level {
          trial.advance()
          result.steps += 1
        }
        if trial.outcome ?? true { reached.append(trial) }
      }
      let share = Double(reached.count) / Double(effort)
      result.shares.append(share)
      result.probability *= share
      guard !reached.isEmpty else { break }
      entrances = reached
    }
    return result
  }

  /// Which of `count` states each trial starts in: all equally often, the rest at random without
  /// replacement.
  private func origins(_ count: Int, _ choice: inout RandomStream) -> [Int] {
    let whole = effort / count
    var origins: [Int] = []
    origins.reserveCapacity(effort)
    for state in 0..<count {
      for _ in 0..<whole { origins.append(state) }
    }
    let rest = effort - origins.count
    return origins + choice.sample(rest, of: count).sorted()
  }
}

/// Repetitions of an estimate, taken together.
public struct RareEstimate: Sendable {
  public let repetitions: [Splitting.Repetition]
  /// Mean of the repetitions, which are independent and unbiased, with its 95 % interval.
  ///
  /// Products of shares are skewed: where one of them is large, so is the spread, and an interval
  /// that is symmetric lies too low. So it is taken on the scale of logarithms (delta method).
  public let probability: MeanEstimate

  /// - Parameter repetitions: at least one.
  public init(_ repetitions: [Splitting.Repetition]) {
    self.repetitions = repetitions
    probability = MeanEstimate(skewed: repetitions.map(\.probability))
  }

  /// Steps of all repetitions.
  public var steps: Int { repetitions.reduce(0) { $0 + $1.steps } }

  /// Mean share of each stage that reached its level.
  public var shares: [Double] {
    let stages = repetitions.map(\.shares.count).max() ?? 0
    return (0..<stages).map { stage in
      let known = repetitions.filter { stage < $0.shares.count }.map { $0.shares[stage] }
      return known.reduce(0, +) / Double(known.count)
    }
  }

  /// Half the width of the interval over the estimate; `nil` where there is none.
  public var relativeHalfWidth: Double? {
    guard probability.mean > 0, probability.high.isFinite else { return nil }
    return (probability.high - probability.low) / 2 / probability.mean
  }

  /// Trials from the beginning that plain simulation needs for an interval as narrow:
  /// 1.96² (1 - p) / (p r²).
  public var plainTrials: Double? {
    guard let r = relativeHalfWidth, r > 0 else { return nil }
    let p = probability.mean
    return 1.96 * 1.96 * (1 - p) / (p * r * r)
  }
}
