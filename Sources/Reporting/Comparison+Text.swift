import Statistics

extension Comparison {
  /// One sentence a metric, and below how it was come by.
  public var text: String {
    var text = ""
    var place: [SweepPoint.Label] = []
    for row in rows {
      if row.place != place {
        place = row.place
        text += place.map { "\($0.key) \($0.value)" }.joined(separator: ", ") + ":\n"
      }
      text += row.sentence + "\n    " + row.evidence + "\n"
    }
    let tests = rows.count
    text +=
      "95 % intervals; p adjusted after Holm for \(tests) test\(tests == 1 ? "" : "s"); "
      + "g is Hedges' effect size\n"
    return text
  }

  /// Everything, for machines.
  public var json: String {
    JSONText.object([
      ("notes", .strings(notes)),
      ("comparisons", .array(rows.map(\.json))),
    ]).text
  }
}

extension Comparison.Row {
  /// `hotstuff is 2.1x faster than pbft in main.latency_mean, 95 % interval 1.9 to 2.3`.
  public var sentence: String {
    guard isSignificant else { return indifference }
    guard let interval = ratio.interval, ratio.value > 0, interval.lowerBound > 0 else {
      let more = difference.mean > 0 ? "more" : "less"
      return "\(system) has \(amount(difference.mean.magnitude)) \(more) \(metric) than "
        + "\(baseline), " + Self.interval(differenceEnds.map(amount))
    }
    let isMore = ratio.value >= 1
    let factor = isMore ? ratio.value : 1 / ratio.value
    let ends = [interval.lowerBound, interval.upperBound].map { isMore ? $0 : 1 / $0 }.sorted()
    let range = Self.interval(ends.map { Self.number($0) })
    let times = Self.number(factor) + "x"
    switch kind {
    case .time:  // less time is faster
      return "\(system) is \(times) \(isMore ? "slower" : "faster") than \(baseline) in "
        + "\(metric), \(range)"
    case .rate:
      return "\(system) is \(times) \(isMore ? "faster" : "slower") than \(baseline) in "
        + "\(metric), \(range)"
    case .other:
      let (high, low) = isMore ? (system, baseline) : (baseline, system)
      return "\(high) has \(times) the \(metric) of \(low), \(range)"
    }
  }

  private enum Kind { case time, rate, other }

  private var kind: Kind {
    if unit == "s" { return .time }
    return unit.hasSuffix("/s") && !metric.hasSuffix("offered") ? .rate : .other
  }

  /// No difference that chance would not make.
  private var indifference: String {
    if difference.mean == 0, difference.low == 0, difference.high == 0 {
      return "\(system) and \(baseline) are equal in \(metric)"
    }
    let range: String
    if let interval = ratio.interval {
      let ends = [interval.lowerBound, interval.upperBound].map { Self.number($0) }
      range = "ratio \(Self.number(ratio.value)), " + Self.interval(ends)
    } else if difference.low.isFinite {
      range =
        "difference \(amount(difference.mean)), "
        + Self.interval(differenceEnds.map(amount))
    } else {
      range = "one replication has no interval"
    }
    return "\(system) and \(baseline) do not differ measurably in \(metric): \(range)"
  }

  /// `1.5 s against 3.2 s; paired, 10 replications; p < 0.001, g = -4.1`.
  public var evidence: String {
    let counts =
      isPaired
      ? "paired, \(replications[0]) replications"
      : "independent, \(replications[1]) and \(replications[0]) replications"
    let p = adjusted < 0.001 ? "p < 0.001" : "p = \(NumberText.fixed(adjusted, place: -3))"
    let size = effect.map { ", g = \(NumberText.significant($0, 2))" } ?? ""
    return "\(amount(systemMean)) against \(amount(baselineMean)); \(counts); \(p)\(size)"
  }

  private var differenceEnds: [Double] { [difference.low, difference.high] }

  private func amount(_ value: Double) -> String {
    NumberText.significant(value, 4) + (unit == "1" || unit.isEmpty ? "" : " \(unit)")
  }

  private static func number(_ value: Double) -> String { NumberText.compact(value, 3) }

  private static func interval(_ ends: [String]) -> String {
    "95 % interval \(ends[0]) to \(ends[1])"
  }

  fileprivate var json: JSONText {
    func ends(_ low: Double?, _ high: Double?) -> JSONText {
      .array([Self.derived(low), Self.derived(high)])
    }
    return .object([
      (
        "place",
        .array(
          place.map { .object([("key", .string($0.key)), ("value", .string($0.value))]) })
      ),
      ("baseline", .string(baseline)), ("system", .string(system)),
      ("metric", .string(metric)), ("unit", .string(unit)),
      ("baselineMean", Self.derived(baselineMean)), ("systemMean", Self.derived(systemMean)),
      ("replications", .array(replications.map { .integer($0) })),
      ("paired", .boolean(isPaired)),
      ("difference", Self.derived(difference.mean)),
      ("differenceInterval", ends(difference.low, difference.high)),
      ("ratio", Self.derived(ratio.value)),
      ("ratioInterval", ends(ratio.interval?.lowerBound, ratio.interval?.upperBound)),
      ("hedgesG", Self.derived(effect)), ("p", Self.derived(difference.pValue)),
      ("pHolm", Self.derived(adjusted)), ("sentence", .string(sentence)),
    ])
  }

  private static func derived(_ value: Double?) -> JSONText {
    guard let value, value.isFinite else { return .null }
    return .number(NumberText.rounded(value, significant: 12))
  }
}
