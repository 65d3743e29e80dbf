/// Which runs of an experiment are still to be done, and when a point has had enough of them.
///
/// Without a stopping rule every planned run is done. With one, the replications of a point are
/// counted in order until the rule is met; runs beyond that were done ahead of the decision, to
/// keep all threads busy, and are no part of the result.
struct Schedule {
  private struct Point {
    let seeds: [UInt64]
    var records: [RunRecord?]
    /// Handed out or finished.
    private(set) var isTaken: [Bool]
    /// How many from the first on are taken without a gap, and how many of all.
    private(set) var takenPrefix = 0
    private(set) var taken = 0
    private(set) var done = 0
    var precision: PointPrecision?
    /// Replications from the first on that are there without a gap.
    var prefix = 0
    /// How many count, once that is known.
    var needed: Int?

    /// So many are needed in any case.
    var certain: Int {
      if let needed { return needed }
      guard let precision else { return seeds.count }
      return min(max(precision.rule.atLeast, prefix + 1), seeds.count)
    }

    init(_ plan: SweepPoint, _ records: [RunRecord?], _ rule: StoppingRule?) {
      seeds = plan.seeds
      self.records = records.map { _ in nil }
      isTaken = records.map { _ in false }
      precision = rule.map { PointPrecision($0) }
      for case let record? in records { keep(record) }
    }

    mutating func take(_ replication: Int) {
      guard !isTaken[replication] else { return }
      isTaken[replication] = true
      taken += 1
      while takenPrefix < isTaken.count, isTaken[takenPrefix] { takenPrefix += 1 }
    }

    mutating func keep(_ record: RunRecord) {
      let replication = record.id.replication
      take(replication)
      if records[replication] == nil { done += 1 }
      records[replication] = record
      advance()
    }

    /// Goes on as far as records are there without a gap.
    private mutating func advance() {
      while needed == nil, prefix < records.count, let record = records[prefix] {
        prefix += 1
        precision?.add(record.outcome)
        if precision?.isReached ?? false || prefix == seeds.count { needed = prefix }
      }
    }
  }

  private var points: [Point]

  init(_ experiment: Experiment, records: [[RunRecord?]]) {
    points = zip(experiment.points, records).map { Point($0, $1, experiment.stopping) }
  }

  /// The runs that are known to be needed and not there, in the plan's order.
  var pending: [RunID] {
    points.enumerated().flatMap { index, point in
      (0..<point.certain).filter { point.records[$0] == nil }
        .map { RunID(point: index, replication: $0, seed: point.seeds[$0]) }
    }
  }

  /// Runs that count and are there, and how many there will be as far as is known.
  var progress: (done: Int, total: Int) {
    points.reduce((0, 0)) { ($0.0 + min($1.done, $1.certain), $0.1 + $1.certain) }
  }

  /// The next run to do: first what is needed in any case, then what may be, of the point with the
  /// fewest runs ahead of its decision. O(points).
  mutating func take() -> RunID? {
    if let index = points.firstIndex(where: { $0.takenPrefix < $0.certain }) {
      return take(from: index)
    }
    let ahead = points.indices
      .filter { points[$0].needed == nil && points[$0].takenPrefix < points[$0].seeds.count }
      .min {
        (points[$0].taken - points[$0].prefix, $0) < (points[$1].taken - points[$1].prefix, $1)
      }
    return ahead.map { take(from: $0) }
  }

  private mutating func take(from index: Int) -> RunID {
    let replication = points[index].takenPrefix
    points[index].take(replication)
    return RunID(
      point: index, replication: replication, seed: points[index].seeds[replication])
  }

  mutating func keep(_ record: RunRecord) { points[record.id.point].keep(record) }

  /// A goal of the rule that no metric of some point has the name of.
  var missingGoal: StoppingRule.Goal? { points.lazy.compactMap { $0.precision?.missing }.first }

  /// The records that count, if all are there.
  var result: [[RunRecord]]? {
    var result: [[RunRecord]] = []
    for point in points {
      guard let needed = point.needed else { return nil }
      result.append(point.records.prefix(needed).compactMap(\.self))
      guard result[result.count - 1].count == needed else { return nil }
    }
    return result
  }
}
