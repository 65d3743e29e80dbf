/// The few quantities that answer "how good is it": what tables and plots show first.
struct KeyMetric: Sendable, Equatable {
  enum Better: Sendable { case higher, lower }

  let title: String
  /// Names without the subsystem, the first one found counts; `.` and `-` read as `_`.
  let names: [String]
  let better: Better
  /// Statistic of the latency phase `total` that stands in where no metric has the name.
  let latency: String?

  init(_ title: String, _ names: [String], _ better: Better, latency: String? = nil) {
    self.title = title
    self.names = names
    self.better = better
    self.latency = latency
  }

  static let offered = KeyMetric("Offered load", ["offered", "offered_load"], .higher)
  static let throughput = KeyMetric("Throughput", ["throughput", "committed", "decided"], .higher)
  static let median = KeyMetric(
    "Median latency", ["latency_p50", "latency_total_p50"], .lower, latency: "p50")
  static let tail = KeyMetric(
    "99 % latency", ["latency_p99", "latency_total_p99"], .lower, latency: "p99")
  static let money = KeyMetric("Money", ["usd_per_tx", "usd_per_record"], .lower)
  static let energy = KeyMetric("Energy", ["joule_per_tx", "joule_per_record"], .lower)
  static let settlement = KeyMetric("Settlement", ["settlement_latency"], .lower)
  static let messages = KeyMetric("Messages", ["messages_per_tx", "messages_per_record"], .lower)
  static let bytes = KeyMetric("Bytes sent", ["bytes_per_tx", "bytes_per_record"], .lower)
  static let carbon = KeyMetric("Carbon", ["gco2e_per_tx", "gco2e_per_record"], .lower)

  static let unsafety = KeyMetric("A committee fails", ["any_committee_failure"], .lower)
  static let gathering = KeyMetric("Worst shard's share", ["join_leave_worst_share"], .lower)

  /// In the order of the tables.
  static let all = [
    offered,
    throughput,
    KeyMetric("Volume", ["throughput_mb"], .higher),
    median,
    tail,
    settlement,
    messages,
    bytes,
    money,
    energy,
    carbon,
    KeyMetric("Money per GB", ["usd_per_gb"], .lower),
    KeyMetric("Stale rate", ["stale_rate", "stale"], .lower),
    KeyMetric("Forked heights", ["forked_heights"], .lower),
    KeyMetric("Block to 50 %", ["propagation_half"], .lower),
    KeyMetric("Block to 90 %", ["propagation_most"], .lower),
    KeyMetric("Double spends", ["double_spend_success"], .lower),
    KeyMetric("  exactly", ["double_spend_exact"], .lower),
    KeyMetric("  by Nakamoto", ["double_spend_nakamoto"], .lower),
    KeyMetric("Longest stall", ["longest_stretch"], .lower),
    KeyMetric("Cross-shard", ["cross_shard_latency_mean"], .lower),
    unsafety,
    gathering,
  ]

  /// In a comparison: the means of latency too, and not what is the same for all.
  static let compared =
    [
      throughput, KeyMetric("Mean latency", ["latency_mean"], .lower), median, tail,
      KeyMetric("Mean decision latency", ["decision_latency_mean"], .lower),
    ] + all.dropFirst(5).filter { !$0.title.hasPrefix(" ") }

  /// Those that a reader compares first.
  static let headline = [
    throughput, median, tail, money, energy, carbon, unsafety, gathering,
  ]
  static let costs = [money, energy, carbon]
}

/// What is compared with what: one subsystem at one sweep point.
struct Case: Sendable, Equatable {
  var point: Int
  var subsystem: String
  /// One line a swept parameter, and one for the subsystem where there are several.
  var labels: [SweepPoint.Label]

  /// For plots and tables: the values alone say enough where one parameter is swept.
  var title: String {
    switch labels.count {
    case 0: "result"
    case 1: labels[0].value
    default: labels.map(\.value).joined(separator: " · ")
    }
  }
}

extension Summary {
  /// A metric of a case, with its unit.
  struct Value: Sendable, Equatable {
    var unit: String
    var estimate: Estimate
  }

  /// The cases of the experiment: subsystems that have a key metric, at each point.
  var cases: [Case] {
    let subsystems = self.subsystems
    let isApart = telltaleKeys
    return points.enumerated().flatMap { index, point in
      subsystems.filter { has(point, $0) }.map { subsystem in
        var labels = point.labels.filter { isApart($0.key) }
        if subsystems.count > 1 || labels.isEmpty {
          labels.append(.init("subsystem", subsystem.isEmpty ? "run" : subsystem))
        }
        return Case(point: index, subsystem: subsystem, labels: labels)
      }
    }
  }

  /// The swept keys that name cases. How long a run is, is not what is compared: `until` is left
  /// out where the others tell the points apart.
  private var telltaleKeys: (String) -> Bool {
    let others = points.map { $0.labels.filter { $0.key != "until" }.map(\.value) }
    let isEnough = Set(others).count == points.count
    return { $0 != "until" || !isEnough }
  }

  /// Subsystems with a key metric, or all if there is none of these, in order of appearance.
  private var subsystems: [String] {
    var all: [String] = []
    for point in points {
      let names = point.metrics.map(\.subsystem) + point.latencies.map(\.subsystem)
      for name in names where !all.contains(name) { all.append(name) }
    }
    let key = all.filter { name in
      KeyMetric.all.contains { metric in
        points.contains { value(metric, in: $0, of: name) != nil }
      }
    }
    return key.isEmpty ? all : key
  }

  private func has(_ point: PointSummary, _ subsystem: String) -> Bool {
    point.metrics.contains { $0.subsystem == subsystem }
      || point.latencies.contains { $0.subsystem == subsystem }
  }

  func value(_ metric: KeyMetric, of item: Case) -> Value? {
    value(metric, in: points[item.point], of: item.subsystem)
  }

  private func value(_ metric: KeyMetric, in point: PointSummary, of subsystem: String) -> Value? {
    for name in metric.names {
      for candidate in point.metrics where candidate.subsystem == subsystem {
        let plain = String(candidate.shortName.map { $0 == "." || $0 == "-" ? "_" : $0 })
        if plain == name, let estimate = candidate.estimate {
          return Value(unit: candidate.unit, estimate: estimate)
        }
      }
    }
    guard let statistic = metric.latency else { return nil }
    let total = point.latencies.first { $0.subsystem == subsystem && $0.phase == "total" }
    return total?[statistic].map { Value(unit: "s", estimate: $0) }
  }
}
