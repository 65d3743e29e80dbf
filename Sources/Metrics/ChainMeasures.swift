import Kernel
import Ledger
import Statistics

/// What the observer knows of a chain when a run is over.
public struct ChainBooks: Sendable {
  public var name: String
  /// The logs of the populations that submit to the chain, with the populations' indices.
  public var logs: [(population: UInt32, log: TransactionLog)]
  public var sizes: TransactionSizes
  public var decisions: DecisionLog
  public var end: SimTime
  /// What is counted: `tx`, or `record` of a store.
  public var unit = "tx"
  /// Transactions refused or evicted by mempools, summed over them.
  public var evicted = 0
  /// Transactions that wait in the fullest mempool.
  public var waiting = 0
  /// Replicas or miners that may propose: over whom shares of proposals are taken.
  public var proposers = 0
  /// Share of proposals beyond which whoever holds it controls the chain: one third for Byzantine
  /// agreement, one half for longest chains.
  public var controlThreshold = 0.5

  public init(
    name: String, logs: [(population: UInt32, log: TransactionLog)], sizes: TransactionSizes,
    decisions: DecisionLog, end: SimTime
  ) {
    self.name = name
    self.logs = logs
    self.sizes = sizes
    self.decisions = decisions
    self.end = end
  }

  public var submitted: Int { logs.reduce(0) { $0 + $1.log.count } }
  /// Distinct transactions decided in the whole run.
  public var confirmed: Int { logs.reduce(0) { $0 + $1.log.count(.decided) } }
  public var final: Int { logs.reduce(0) { $0 + $1.log.count(.final) } }
  public var retried: Int { logs.reduce(0) { $0 + $1.log.retried } }

  /// At least so many transactions will never be decided: their client has given them up, and no
  /// mempool holds them.
  public var lost: Int {
    let hopeless = logs.reduce(0) {
      $0 + min($1.log.abandoned, $1.log.count - $1.log.count(.decided))
    }
    return max(hopeless - waiting, 0)
  }

  /// Calls `body` with number and time for every transaction that has passed `phase`.
  func forEach(
    _ phase: TransactionLog.Phase,
    _ body: (_ log: Int, _ number: Int, _ time: SimTime) -> Void
  ) {
    for i in logs.indices {
      for number in 0..<logs[i].log.count {
        let time = logs[i].log.time(phase, of: number)
        if time != .never { body(i, number, time) }
      }
    }
  }
}

/// The figures of a chain, from the observer's books.
///
/// - Throughput counts distinct transactions by the moment they were decided, goodput by the moment
///   their client knew, if that was within the deadline; both over the measured window.
/// - Latency is from submission, so a stalled system shows its queueing; of transactions decided in
///   the window. A transaction that is never final counts as pending, and `latency_p99_at_least`
///   counts it with the time it has waited.
/// - The window starts, in steady-state mode, after the last decision of the warm-up: MSER-5 over
///   the mean latency of the transactions of each decision.
public struct ChainMeasures: Sendable {
  public let books: ChainBooks
  public let measuring: Measuring
  public let window: MeasuredWindow

  public init(_ books: ChainBooks, _ measuring: Measuring) {
    self.books = books
    self.measuring = measuring
    window = Self.window(books, measuring)
  }

  /// Finds the warm-up. Transactions decided at the same moment are one decision's.
  private static func window(_ books: ChainBooks, _ measuring: Measuring) -> MeasuredWindow {
    guard measuring.mode == .steadyState else {
      return MeasuredWindow(
        start: .zero, end: books.end, dropped: 0, decisions: books.decisions.entries.count,
        isSuspicious: false)
    }
    var settled: [(decided: Int64, latency: Int64)] = []
    books.forEach(.decided) { i, number, time in
      let final = books.logs[i].log.time(.final, of: number)
      guard final != .never else { return }
      settled.append(
        (time.nanoseconds, (final - books.logs[i].log.submitted[number]).nanoseconds))
    }
    settled.sort { ($0.decided, $0.latency) < ($1.decided, $1.latency) }
    var times: [Int64] = []
    var latencies: [Double] = []
    var first = 0
    while first < settled.count {
      var end = first
      var sum = 0.0
      while end < settled.count, settled[end].decided == settled[first].decided {
        sum += Double(settled[end].latency)
        end += 1
      }
      times.append(settled[first].decided)
      latencies.append(sum / Double(end - first) / 1e9)
      first = end
    }
    let warmUp = WarmUp(mser5: latencies)
    let start = warmUp.deleted == 0 ? 0 : times[warmUp.deleted - 1]
    return MeasuredWindow(
      start: SimTime(nanoseconds: start), end: books.end, dropped: warmUp.deleted,
      decisions: times.count, isSuspicious: warmUp.isSuspicious)
  }

  /// Writes metrics, latency rows, series and warnings, each named after the chain.
  public func report(to outcome: inout Outcome) {
    let latency = total
    outcome.metrics += rates() + counts() + latency.metrics("\(books.name).latency")
    outcome.metrics.append(
      .init("\(books.name).latency_p99_at_least", "s", latencyWithPending.quantile(0.99)))
    outcome.metrics += decisionLatency.metrics("\(books.name).decision_latency")
    for (phase, values) in phases {
      outcome.metrics.append(.init("\(books.name).\(phase)_mean", "s", values.mean))
      outcome.metrics.append(.init("\(books.name).\(phase)_p99", "s", values.quantile(0.99)))
      if let row = values.row(subsystem: books.name, phase: phase) { outcome.latencies.append(row) }
    }
    if let row = latency.row(subsystem: books.name, phase: "total") {
      outcome.latencies.append(row)
    }
    outcome.metrics += production()
    outcome.series += series()
    outcome.warnings += warnings()
  }
}

// MARK: - Rates and counts

extension ChainMeasures {
  /// Per second of the measured window, in transactions and bytes.
  func rates() -> [Outcome.Metric] {
    let name = books.name
    var offered = 0
    for (_, log) in books.logs {
      for time in log.submitted where window.contains(time) { offered += 1 }
    }
    var decided = 0
    var bytes = 0
    books.forEach(.decided) { i, number, time in
      guard window.contains(time) else { return }
      decided += 1
      bytes += books.sizes.bytes(of: UInt64(number), population: books.logs[i].population)
    }
    var inTime = 0
    books.forEach(.final) { i, number, time in
      let latency = time - books.logs[i].log.submitted[number]
      if window.contains(time), measuring.deadline.map({ latency <= $0 }) ?? true { inTime += 1 }
    }
    func rate(_ count: Int) -> Double? {
      window.seconds > 0 ? Double(count) / window.seconds : nil
    }
    return [
      .init("\(name).offered", "\(books.unit)/s", rate(offered)),
      .init("\(name).throughput", "\(books.unit)/s", rate(decided)),
      .init("\(name).goodput", "\(books.unit)/s", rate(inTime)),
      .init("\(name).throughput_bytes", "B/s", rate(bytes)),
    ]
  }

  /// Of the whole run, whatever is measured.
  func counts() -> [Outcome.Metric] {
    let name = books.name
    var bytes = 0
    books.forEach(.decided) { i, number, _ in
      bytes += books.sizes.bytes(of: UInt64(number), population: books.logs[i].population)
    }
    return [
      .init("\(name).submitted", "1", Double(books.submitted)),
      .init("\(name).confirmed", "1", Double(books.confirmed)),
      .init("\(name).confirmed_bytes", "B", Double(bytes)),
      .init("\(name).pending", "1", Double(books.submitted - books.final)),
      .init("\(name).evicted", "1", Double(books.evicted)),
      .init("\(name).retried", "1", Double(books.retried)),
      .init("\(name).lost", "1", Double(books.lost)),
      .init("\(name).decisions", "1", Double(books.decisions.entries.count)),
      .init("\(name).longest_stretch", "s", longestStretch),
      .init("\(name).window_start", "s", window.start.seconds),
      .init("\(name).window", "s", window.seconds),
    ]
  }

  /// Longest time without a decision, from the start of the run to its end.
  var longestStretch: Double {
    var last = SimTime.zero
    var longest = SimDuration.zero
    for entry in books.decisions.entries {
      longest = max(longest, entry.time - last)
      last = entry.time
    }
    return max(longest, books.end - last).seconds
  }

  /// How evenly the proposals that were decided are spread over those who may propose.
  func production() -> [Outcome.Metric] {
    guard books.proposers > 0 else { return [] }
    guard books.proposers > 0 else { return [] }
    var shares = [Double](repeating: 0, count: books.proposers)
    for entry in books.decisions.entries {
      guard let proposer = entry.proposer, proposer < shares.count else { continue }
      shares[proposer] += 1
    }
    let isKnown = shares.contains { $0 > 0 }
    let nakamoto =
      isKnown
      ? Double(
        Concentration.nakamotoCoefficient(shares, threshold: books.controlThreshold)) : nil
    return [
      .init("\(books.name).nakamoto_coefficient", "1", nakamoto),
      .init("\(books.name).gini", "1", isKnown ? Concentration.gini(shares) : nil),
    ]
  }
}
