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
    var isTaken: [Bool]
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

    /// Goes on as far as records are there without a gap.
    mutating func advance() {
      while needed == nil, prefix < records.count, let record = records[prefix] {
        prefix += 1
        precision?.add(record.outcome)
        if precision?.isReached ?? false || prefix == seeds.count { needed = prefix }
      }
    }
  }

  private var points: [Point]

  init(_ experiment: Experiment, records: [[RunRecord?]]) {
    points = zip(experiment.points, records).map { plan, records in
      var point = Point(
        seeds: plan.seeds, records: records, isTaken: records.map { $0 != nil },
        precision: experiment.stopping.map { PointPrecision($0) })
      point.advance()
      return point
    }
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
    points.reduce((0, 0)) { sum, point in
      let done = point.records.prefix(point.certain).count { $0 != nil }
      return (sum.0 + done, sum.1 + point.certain)
    }
  }

  /// The next run to do: first what is needed in any case, then what may be, of the point with the
  /// fewest runs ahead of its decision.
  mutating func take() -> RunID? {
    for index in points.indices {
      if let id = take(from: index, below: points[index].certain) { return id }
    }
    let open = points.indices.filter { points[$0].needed == nil }
    let ahead = open.filter { points[$0].isTaken.contains(false) }
      .min { a, b in
        (points[a].isTaken.count { $0 } - points[a].prefix, a)
          < (points[b].isTaken.count { $0 } - points[b].prefix, b)
      }
    return ahead.flatMap { take(from: $0, below: points[$0].seeds.count) }
  }

  private mutating func take(from index: Int, below limit: Int) -> RunID? {
    guard let replication = points[index].isTaken[..<limit].firstIndex(of: false) else {
      return nil
    }
    points[index].isTaken[replication] = true
    return RunID(
      point: index, replication: replication, seed: points[index].seeds[replication])
  }

  mutating func keep(_ record: RunRecord) {
    points[record.id.point].records[record.id.replication] = record
    points[record.id.point].isTaken[record.id.replication] = true
    points[record.id.point].advance()
  }

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
