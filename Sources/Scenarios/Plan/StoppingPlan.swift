/// When a point of a sweep has been run often enough.
public struct StoppingPlan: Sendable, Equatable {
  /// A metric and how well its mean is to be known.
  public struct Goal: Sendable, Equatable {
    /// Half of the 95 % interval, as a part of the mean.
    public var precision: Double
    /// Its name, or what follows the subsystem's: `throughput` is that of every subsystem.
    public var metric: String
  }

  /// All of them are to be reached.
  public var goals: [Goal]
  /// No point is left with fewer runs.
  public var atLeast: Int
}

extension StoppingPlan {
  /// `replications: 10`, or
  /// `replications: { until: 5 % of throughput and 10 % of main.latency_p99, at-most: 100 }`.
  static func read(_ section: Section) -> (atMost: Int, StoppingPlan?) {
    let most = 100_000
    return section.either(
      "replications",
      value: { section, key in
        let count = section.count(
          key, default: 10, in: 1...most,
          "independent runs of each point, each with its own seed",
          source: "ten give a Student-t interval with 9 degrees of freedom")
        return (count, nil)
      },
      section: { section in
        let goals = section.precision(
          "until", "each point is run until the means of these metrics are so well known")
        let atLeast = section.count(
          "at-least", default: 10, in: 2...most, "runs of each point before it may end",
          source: "with fewer, chance agreement ends many too early: see Statistics.md")
        let atMost = section.count(
          "at-most", default: 100, in: 2...most, "runs after which a point ends in any case",
          source: "one tenth of the half-width of one takes a hundred times the runs")
        section.require(atLeast <= atMost, "at-most", "is less than at-least, \(atLeast)")
        return (max(atLeast, atMost), StoppingPlan(goals: goals, atLeast: atLeast))
      })
  }
}

extension Section {
  /// `5 % of throughput`, several joined by `and`.
  fileprivate func precision(_ key: String, _ sentence: String) -> [StoppingPlan.Goal] {
    let example = "5 % of throughput"
    let facts = KeyFacts(
      type: "precision", allowed: "such as '\(example)', several joined by 'and'",
      sentence: sentence)
    return scalar(key, facts, default: nil, standIn: []) { scalar throws(QuantityError) in
      var goals: [StoppingPlan.Goal] = []
      for part in scalar.text.split(separator: " and ", omittingEmptySubsequences: false) {
        let sides = part.split(separator: " of ", maxSplits: 1)
        guard sides.count == 2, !sides[1].contains(" ") else {
          throw QuantityError("must be a fraction of a metric", allowed: "such as '\(example)'")
        }
        let fraction = try UnitFamily.fraction.quantity(String(sides[0])).amount
        guard (1e-6...1).contains(fraction) else {
          throw QuantityError("is out of range", allowed: "1 ppm to 100 % of a metric")
        }
        goals.append(.init(precision: fraction, metric: String(sides[1])))
      }
      return goals
    }
  }
}
