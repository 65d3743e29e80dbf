import Kernel
import Scenarios
import Statistics

extension Reproduction {
  /// What the samples of all jobs, in their order, say of the figure.
  public func compare(_ samples: [Sample]) throws(ScenarioErrors) -> FigureComparison {
    precondition(samples.count == jobs.count, "\(samples.count) samples of \(jobs.count) jobs")
    var byTarget: [[Sample]] = []
    var digest = RunDigest()
    for (job, sample) in zip(jobs, samples) {
      while byTarget.count <= job.target { byTarget.append([]) }
      byTarget[job.target].append(sample)
      digest.fold(sample.digest)
    }
    // Bonferroni: over all values that are judged by an interval.
    let judged = cells.count { cell in
      let quantity = pack.studies[cell.study].quantities[cell.quantity]
      guard case .statistical = quantity.tolerance else { return false }
      return !quantity.isContext
    }
    var rows: [ComparedValue] = []
    for cell in cells {
      rows.append(try value(of: cell, byTarget[cell.target], judged: max(judged, 1)))
    }
    rows = withFlatLines(rows)
    var violations: [String] = []
    for text in samples.flatMap(\.violations) where !violations.contains(text) {
      violations.append(text)
    }
    return FigureComparison(
      id: pack.id, title: pack.title, kind: pack.kind, size: size, rows: rows,
      digest: digest.value, violations: violations)
  }

  private func value(
    of cell: Cell, _ samples: [Sample], judged: Int
  ) throws(ScenarioErrors) -> ComparedValue {
    let study = pack.studies[cell.study]
    let quantity = study.quantities[cell.quantity]
    let row = pack.table.rows[cell.row]
    let published = try pack.table.number(quantity.column, of: row)
    let measured = Measured(
      samples.map { MetricExpression(cell.metric).value(in: $0) },
      trials: cell.trials.map { name in
        samples.map { MetricExpression(name).value(in: $0) }
      })
    let bottleneck = try quantity.bottleneck.map { name throws(ScenarioErrors) in
      try pack.table.number(name, of: row)
    }
    let deviation = try quantity.deviation.map { name throws(ScenarioErrors) in
      try pack.table.number(name, of: row)
    }
    let (isWithin, rule) = try judge(measured, published, quantity.tolerance, row, judged)
    return ComparedValue(
      labels: labels(of: row), x: Double(pack.table.text(pack.plot.x, of: row)),
      quantity: quantity.name, unit: quantity.unit, published: published,
      deviation: deviation ?? nil, simulated: measured.mean, low: measured.interval?.low,
      high: measured.interval?.high, replications: measured.count, trials: measured.trials,
      bottleneck: bottleneck ?? nil, flat: nil,
      isCalibrated: !quantity.calibrated.isEmpty && pack.row(row, isIn: quantity.calibrated),
      isContext: quantity.isContext,
      verdict: isWithin.map { $0 ? .within : .out } ?? .predicted, tolerance: rule)
  }

  private func labels(of row: PublishedTable.Row) -> [(column: String, text: String)] {
    var names: [String] = []
    for name in pack.plot.groups + [pack.plot.x] where !names.contains(name) { names.append(name) }
    return names.map { ($0, pack.table.text($0, of: row)) }
  }

  /// Whether the value is in tolerance, `nil` if nothing is published; and the rule in words.
  private func judge(
    _ measured: Measured, _ published: Double?, _ tolerance: Pack.Tolerance,
    _ row: PublishedTable.Row, _ judged: Int
  ) throws(ScenarioErrors) -> (Bool?, String) {
    switch tolerance {
    case .between(let low, let high):
      let least = try pack.table.number(low, of: row)
      let most = try pack.table.number(high, of: row)
      guard let least, let most else { return (nil, "") }
      let isBetween = measured.mean.map { least <= $0 && $0 <= most } ?? false
      return (isBetween, "\(short(least)) to \(short(most))")
    case .absolute(let bound):
      guard let published else { return (nil, "") }
      return (
        measured.mean.map { ($0 - published).magnitude <= bound } ?? false,
        bound == 0 ? "equal" : "within \(short(bound))"
      )
    case .relative(let bound):
      guard let published else { return (nil, "") }
      return (
        measured.mean.map { ($0 - published).magnitude <= bound * published.magnitude } ?? false,
        "within \(short(bound * 100)) %"
      )
    case .statistical(let confidence, let allowance, let resolution):
      guard let published else { return (nil, "") }
      let rule =
        "simultaneous \(short(confidence * 100)) % interval"
        + (allowance > 0 ? " and \(short(allowance * 100)) %" : "")
      let holds = measured.holds(
        published, confidence: 1 - (1 - confidence) / Double(judged), allowance: allowance)
      let halfWidth = measured.interval.map { ($0.high - $0.low) / 2 } ?? .infinity
      let isSharp = halfWidth <= resolution * published.magnitude
      return (holds && isSharp, rule + (isSharp ? "" : "; not resolved"))
    }
  }

  private func short(_ value: Double) -> String { shortNumber(value) }

  /// The mean of the published values that a quantity of a study was calibrated on, for all its
  /// rows.
  private func withFlatLines(_ rows: [ComparedValue]) -> [ComparedValue] {
    zip(rows, cells).map { row, cell in
      let points = zip(rows, cells).filter { other, place in
        place.study == cell.study && place.quantity == cell.quantity && other.isCalibrated
      }.compactMap(\.0.published)
      guard !points.isEmpty else { return row }
      return row.with(flat: points.reduce(0, +) / Double(points.count))
    }
  }
}

extension ComparedValue {
  fileprivate func with(flat: Double) -> ComparedValue {
    ComparedValue(
      labels: labels, x: x, quantity: quantity, unit: unit, published: published,
      deviation: deviation, simulated: simulated, low: low, high: high,
      replications: replications, trials: trials, bottleneck: bottleneck, flat: flat,
      isCalibrated: isCalibrated, isContext: isContext, verdict: verdict, tolerance: tolerance)
  }
}

/// Metrics added up, then divided or multiplied by a number, for another unit:
/// `main.message.prepare + main.message.commit / main.decisions`, `main.latency_mean * 1000`.
struct MetricExpression {
  private let sum: [String]
  private let divisor: String?
  private let factor: Double

  init(_ text: String) {
    let parts = text.split(separator: " * ", maxSplits: 1)
    factor = parts.count > 1 ? Double(PublishedTable.trimmed(parts[1])) ?? .nan : 1
    let halves = parts[0].split(separator: " / ", maxSplits: 1)
    sum = halves[0].split(separator: " + ").map { PublishedTable.trimmed($0) }
    divisor = halves.count > 1 ? PublishedTable.trimmed(halves[1]) : nil
  }

  /// `nil` if a metric is missing, or there is nothing to divide by.
  func value(in sample: Reproduction.Sample) -> Double? {
    func value(_ name: String) -> Double? { sample.values.first { $0.name == name }?.value }
    var total = 0.0
    for name in sum {
      guard let one = value(name) else { return nil }
      total += one
    }
    guard let divisor else { return total * factor }
    guard let count = value(divisor), count != 0 else { return nil }
    return total / count * factor
  }
}

/// A quantity over replications.
struct Measured {
  private let values: [Double]
  let mean: Double?
  /// Of all replications together; then `mean` is the share of them that succeeded.
  let trials: Int?
  private let successes: Int

  init(_ values: [Double?], trials: [Double?]?) {
    let pairs = values.indices.compactMap { k in values[k].map { (k, $0) } }
    self.values = pairs.map(\.1)
    guard let trials else {
      self.trials = nil
      successes = 0
      mean = self.values.isEmpty ? nil : self.values.reduce(0, +) / Double(self.values.count)
      return
    }
    var n = 0
    var won = 0
    for (k, share) in pairs {
      let count = trials[k] ?? 0
      n += Int(count)
      won += Int((share * count).rounded())
    }
    self.trials = n
    successes = won
    mean = n > 0 ? Double(won) / Double(n) : nil
  }

  var count: Int { values.count }

  /// 95 %: Wilson's for a share (JASA 22, 1927), Student's t over replications otherwise.
  var interval: (low: Double, high: Double)? {
    if let trials, let mean, trials > 0 {
      let n = Double(trials)
      let z = Quantile.normal(0.975)
      let middle = (mean + z * z / (2 * n)) / (1 + z * z / n)
      let half =
        z / (1 + z * z / n) * (mean * (1 - mean) / n + z * z / (4 * n * n)).squareRoot()
      return (middle - half, middle + half)
    }
    guard values.count > 1 else { return nil }
    let estimate = MeanEstimate(values)
    return (estimate.low, estimate.high)
  }

  /// Whether `truth` cannot be rejected: an exact binomial test of a share, a t interval otherwise.
  func holds(_ truth: Double, confidence: Double, allowance: Double) -> Bool {
    let margin = allowance * truth.magnitude
    if let trials {
      guard trials > 0 else { return false }
      let alpha = (1 - confidence) / 2
      let least = max(truth - margin, 0)
      let most = min(truth + margin, 1)
      // Too many even for the largest truth allowed, or too few even for the smallest.
      let tooMany = Tail.binomial(atLeast: successes, of: trials, most) < alpha
      let tooFew = 1 - Tail.binomial(atLeast: successes + 1, of: trials, least) < alpha
      return !tooMany && !tooFew
    }
    guard values.count > 1 else { return false }
    let estimate = MeanEstimate(values, confidence: confidence)
    return estimate.low - margin <= truth && truth <= estimate.high + margin
  }
}
