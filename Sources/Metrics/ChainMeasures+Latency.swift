import Kernel
import Ledger

extension ChainMeasures {
  /// Submission to final, of transactions decided in the window.
  var total: OrderStatistics {
    var values: [SimDuration] = []
    books.forEach(.final) { i, number, time in
      let log = books.logs[i].log
      if isMeasured(log, number) { values.append(time - log.submitted[number]) }
    }
    return OrderStatistics(values)
  }

  /// As `total`, with those that are not final yet as if they became so at the end: no quantile of
  /// the whole can be smaller.
  var latencyWithPending: OrderStatistics {
    var values: [SimDuration] = []
    for (_, log) in books.logs {
      for number in 0..<log.count {
        let final = log.time(.final, of: number)
        if final == .never {
          values.append(max(books.end - log.submitted[number], .zero))
        } else if isMeasured(log, number) {
          values.append(final - log.submitted[number])
        }
      }
    }
    return OrderStatistics(values)
  }

  /// The parts of the latency of the transactions that `total` is of: they sum to it.
  ///
  /// A part may be negative: a client may hold its reply quorum before a quorum of replicas has
  /// executed. A transaction with a phase that nobody noted is left out of the parts at both sides.
  var phases: [(name: String, values: OrderStatistics)] {
    let names = ["ingest", "include", "decide", "final"]
    return zip(names, TransactionLog.Phase.allCases).map { name, phase in
      var values: [SimDuration] = []
      books.forEach(.final) { i, number, _ in
        let log = books.logs[i].log
        guard isMeasured(log, number) else { return }
        let start =
          TransactionLog.Phase(rawValue: phase.rawValue - 1).map { log.time($0, of: number) }
          ?? log.submitted[number]
        let end = log.time(phase, of: number)
        if start != .never, end != .never { values.append(end - start) }
      }
      return (name, OrderStatistics(values))
    }
  }

  /// Proposal to decided, of decisions in the window.
  var decisionLatency: OrderStatistics {
    OrderStatistics(books.decisions.entries.filter { window.contains($0.time) }.map(\.age))
  }

  /// By the moment of decision; one that is final and was not seen to be decided counts by that.
  private func isMeasured(_ log: TransactionLog, _ number: Int) -> Bool {
    let decided = log.time(.decided, of: number)
    return window.contains(decided == .never ? log.time(.final, of: number) : decided)
  }
}

// MARK: - Over time

extension ChainMeasures {
  /// Offered load and throughput by the step in which transactions were submitted and decided,
  /// latency by the step of submission, pending at the end of each step; of the whole run.
  ///
  /// Latency of a transaction that is not final is what it has waited at the end, so a stall shows
  /// as a slope; it is 0 in a step without submissions.
  func series() -> [Outcome.Series] {
    let steps = measuring.steps
    guard books.end < .never else { return [] }
    let width = (books.end.nanoseconds + Int64(steps) - 1) / Int64(steps)
    guard width > 0 else { return [] }
    var submitted = [Int](repeating: 0, count: steps)
    var decided = submitted
    var final = submitted
    var waited = [Double](repeating: 0, count: steps)
    func step(_ time: SimTime) -> Int { min(Int(time.nanoseconds / width), steps - 1) }
    for (_, log) in books.logs {
      for number in 0..<log.count {
        let i = step(log.submitted[number])
        let time = log.time(.final, of: number)
        submitted[i] += 1
        waited[i] += ((time == .never ? books.end : time) - log.submitted[number]).seconds
        if time != .never { final[step(time)] += 1 }
        let decision = log.time(.decided, of: number)
        if decision != .never { decided[step(decision)] += 1 }
      }
    }
    let seconds = Double(width) / 1e9
    var open = 0
    let pending = zip(submitted, final).map { submitted, final in
      open += submitted - final
      return Double(open)
    }
    let latency = zip(waited, submitted).map { $1 > 0 ? $0 / Double($1) : 0 }
    return [
      series("offered", "\(books.unit)/s", seconds, submitted.map { Double($0) / seconds }),
      series("throughput", "\(books.unit)/s", seconds, decided.map { Double($0) / seconds }),
      series("latency", "s", seconds, latency), series("pending", "1", seconds, pending),
    ]
  }

  private func series(
    _ name: String, _ unit: String, _ step: Double, _ values: [Double]
  ) -> Outcome.Series {
    Outcome.Series("\(books.name).\(name)", unit, step: step, values: values)
  }
}

// MARK: - Warnings

extension ChainMeasures {
  /// Offered load above throughput by more than this factor is a sign of overload.
  private static var overload: Double { 1.05 }
  /// By Little's law, offered load times mean latency is what a stable system holds at any time.
  /// Where a backlog grows steadily from the start, pending is twice that product, whatever the
  /// load: the last transaction decided has waited twice the mean. Half way is the line.
  private static var backlog: Double { 1.5 }

  func warnings() -> [String] {
    [noSteadyState, nothingFinal, overloaded].compactMap(\.self)
  }

  private var noSteadyState: String? {
    guard window.isSuspicious else { return nil }
    if window.dropped == 0 {
      return "\(books.name): too few decisions to find a warm-up: \(window.decisions), "
        + "at least 50 are needed; nothing was dropped"
    }
    return "\(books.name): no steady state: \(window.dropped) of \(window.decisions) decisions "
      + "would be warm-up"
  }

  private var nothingFinal: String? {
    guard books.submitted > 0, books.final == 0 else { return nil }
    return "\(books.name): none of \(books.submitted) submitted transactions became final"
  }

  private var overloaded: String? {
    let seconds = books.end.seconds
    guard seconds > 0, books.final > 0 else { return nil }
    var waited = 0.0
    books.forEach(.final) { i, number, time in
      waited += (time - books.logs[i].log.submitted[number]).seconds
    }
    let mean = waited / Double(books.final)
    let offered = Double(books.submitted) / seconds
    let committed = Double(books.confirmed) / seconds
    let pending = Double(books.submitted - books.final)
    let explained = offered * mean
    guard offered > Self.overload * committed,
      pending > Self.backlog * explained + 4 * explained.squareRoot()
    else { return nil }
    return "\(books.name): overloaded: \(Int(pending)) transactions pending at the end, where the "
      + "latency explains \(Int(explained.rounded())); offered \(rounded(offered)) tx/s, "
      + "committed \(rounded(committed)) tx/s"
  }
}

/// `value` with at most three decimals, for sentences.
func rounded(_ value: Double) -> String {
  let thousandths = (value * 1_000).rounded() / 1_000
  return abs(thousandths) < 1e15 && thousandths == thousandths.rounded()
    ? "\(Int(thousandths))" : "\(thousandths)"
}
