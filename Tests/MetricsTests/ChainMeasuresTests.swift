import Kernel
import Ledger
import Metrics
import Testing

private typealias Life = (submitted: Double, decided: Double?, final: Double?)

private func seconds(_ value: Double) -> SimTime { .zero + SimDuration(seconds: value) }

private func one(_ number: Int) -> TxRange {
  TxRange(population: 0, first: UInt64(number), count: 1)
}

/// Books of one population of 100-byte transactions. Times in seconds; `nil` is never.
private func books(
  _ transactions: [Life], end: Double
) -> ChainBooks {
  var log = TransactionLog()
  var decisions = DecisionLog()
  for (number, transaction) in transactions.enumerated() {
    log.submit(at: seconds(transaction.submitted))
    log.pass(.ingested, one(number), at: seconds(transaction.submitted + 0.125))
    if let decided = transaction.decided {
      log.pass(.included, one(number), at: seconds(decided - 0.25))
      log.pass(.decided, one(number), at: seconds(decided))
      decisions.decide(
        at: seconds(decided), transactions: 1, proposed: seconds(decided - 0.25), by: number % 3)
    }
    if let final = transaction.final { log.pass(.final, one(number), at: seconds(final)) }
  }
  return ChainBooks(
    name: "main", logs: [(0, log)], sizes: TransactionSizes(fixed: [100]), decisions: decisions,
    end: seconds(end))
}

private func outcome(_ books: ChainBooks, _ measuring: Measuring = Measuring()) -> Outcome {
  var outcome = Outcome()
  ChainMeasures(books, measuring).report(to: &outcome)
  return outcome
}

@Suite("the figures of a chain")
struct ChainMeasuresTests {
  @Test("a run small enough for a pencil")
  func byHand() {
    // Ten seconds: five submitted, four decided, three known to their client.
    let run = books(
      [(0, 1, 2), (1, 2, 4), (2, 6, 7), (3, 8, nil), (9, nil, nil)], end: 10)
    let result = outcome(run, Measuring(deadline: .seconds(3), steps: 5))
    let expected: [(String, Double)] = [
      ("offered", 0.5), ("throughput", 0.4), ("goodput", 0.2), ("throughput_bytes", 40),
      ("submitted", 5), ("confirmed", 4), ("confirmed_bytes", 400), ("pending", 2),
      ("latency_mean", 10 / 3.0), ("latency_p50", 3), ("latency_p99", 5), ("latency_max", 5),
      ("latency_p99_at_least", 7), ("decision_latency_mean", 0.25), ("decisions", 4),
      ("longest_stretch", 4), ("window", 10), ("ingest_mean", 0.125), ("decide_mean", 0.25),
      ("final_mean", 4 / 3.0), ("evicted", 0), ("retried", 0), ("lost", 0),
    ]
    for (name, value) in expected {
      #expect(abs((result["main.\(name)"] ?? .nan) - value) < 1e-12, "\(name)")
    }
    #expect(result.latencies.map(\.phase) == ["ingest", "include", "decide", "final", "total"])
    #expect(result.latencies.map(\.count) == [3, 3, 3, 3, 3])
    let parts = result.latencies.dropLast().reduce(0) { $0 + $1.mean }
    #expect(abs(parts - 10 / 3.0) < 1e-12)
    let series = result.series.map(\.values)
    #expect(series[0] == [1, 1, 0, 0, 0.5])
    #expect(series[1] == [0.5, 0.5, 0, 0.5, 0.5])
    #expect(series[2] == [2.5, 6, 0, 0, 1])
    #expect(series[3] == [2, 3, 2, 1, 2])
  }

  @Test("production is shared by those who may propose, idle ones included")
  func production() {
    var run = books([(0, 1, 2), (0, 2, 3), (0, 3, 4), (0, 4, 5)], end: 10)
    run.proposers = 4
    run.controlThreshold = 1 / 3.0
    // Shares 2, 1, 1, 0: sum over i of (2i - n - 1) x_i / (n total) = (0 - 1 + 1 + 6) / 16.
    #expect(outcome(run)["main.gini"] == 0.375)
    #expect(outcome(run)["main.nakamoto_coefficient"] == 1)
    run.controlThreshold = 0.5
    #expect(outcome(run)["main.nakamoto_coefficient"] == 2)
    run.proposers = 0
    #expect(outcome(run)["main.gini"] == nil)
  }

  @Test("what was given up, is not decided and waits nowhere is lost")
  func lost() {
    var run = books([(0, 1, 2), (0, nil, nil), (0, nil, nil), (0, nil, nil)], end: 10)
    run.logs[0].log.abandoned = 4
    #expect(outcome(run)["main.lost"] == 3)
    run.waiting = 1
    #expect(outcome(run)["main.lost"] == 2)
    run.logs[0].log.abandoned = 1
    #expect(outcome(run)["main.lost"] == 0)
  }

  @Test("a steady-state run drops its warm-up and measures from there on, a transient one does not")
  func steadyState() {
    // Twenty slow decisions, ten seconds each; then a hundred a second apart, 0.5 or 0.6 s each.
    var transactions: [Life] = []
    for i in 0..<20 {
      let start = Double(i) * 10
      transactions.append((start, start + 9, start + 9))
    }
    for i in 0..<100 {
      let start = 200 + Double(i)
      let done = start + (i % 2 == 0 ? 0.5 : 0.6)
      transactions.append((start, done, done))
    }
    let run = books(transactions, end: 300)
    let steady = outcome(run, Measuring(mode: .steadyState))
    #expect(steady["main.window_start"] == 199)
    #expect(abs((steady["main.throughput"] ?? 0) - 100 / 101.0) < 1e-12)
    #expect(abs((steady["main.latency_mean"] ?? 0) - 0.55) < 1e-12)
    #expect(steady["main.latency_max"] == 0.6)
    #expect(steady["main.decisions"] == 120)
    #expect(steady.warnings == [])
    let transient = outcome(run)
    #expect(transient["main.throughput"] == 0.4)
    #expect(transient["main.latency_max"] == 9)
  }

  @Test("a run without steady state says so, and a short one too")
  func noSteadyState() {
    let growing = (0..<200).map { i -> Life in
      let done = Double(i + i * i)
      return (submitted: Double(i), decided: done, final: done)
    }
    let warnings = outcome(books(growing, end: 40_000), Measuring(mode: .steadyState)).warnings
    #expect(warnings.contains { $0.hasPrefix("main: no steady state: ") }, "\(warnings)")
    let short = outcome(books([(0, 1, 1)], end: 2), Measuring(mode: .steadyState))
    #expect(
      short.warnings == [
        "main: too few decisions to find a warm-up: 1, at least 50 are needed; nothing was dropped"
      ])
    #expect(short["main.throughput"] == 0.5)
  }

  @Test(
    "a backlog that grows is reported as overload, at any load above capacity",
    arguments: [1.1, 1.5, 3, 10])
  func overload(load: Double) {
    // A server of one a second, offered `load`.
    let run = (0..<Int(10_000 * load)).map { i -> Life in
      let done: Double? = i < 10_000 ? Double(i + 1) : nil
      return (submitted: Double(i) / load, decided: done, final: done)
    }
    let warnings = outcome(books(run, end: 10_000)).warnings
    #expect(warnings.count == 1 && warnings[0].contains("overloaded: "), "\(warnings)")
  }

  @Test("a long pipeline is no overload, even if the run is hardly longer")
  func pipeline() {
    let run = (0..<100).map { i -> Life in
      let done: Double? = i < 40 ? Double(i + 60) : nil
      return (submitted: Double(i), decided: done, final: done)
    }
    #expect(outcome(books(run, end: 100)).warnings == [])
  }

  @Test("a run in which nothing becomes final says so and gives no latency")
  func nothing() {
    let result = outcome(books([(0, nil, nil), (1, nil, nil)], end: 10))
    #expect(result.warnings == ["main: none of 2 submitted transactions became final"])
    #expect(result["main.latency_mean"] == nil)
    #expect(result["main.latency_p99_at_least"] == 10)
    #expect(result["main.longest_stretch"] == 10)
    let empty = outcome(books([], end: 10))
    #expect(empty.warnings == [] && empty["main.throughput"] == 0)
  }

  @Test("quantiles are order statistics of rank ceil(n p)")
  func orderStatistics() {
    let values = OrderStatistics((1...200).reversed().map { .seconds(Int64($0)) })
    #expect(values.quantile(0.5) == 100 && values.quantile(0.99) == 198)
    #expect(values.quantile(0.991) == 199 && values.quantile(1) == 200)
    #expect(values.mean == 100.5 && values.max == 200)
    #expect(OrderStatistics([]).quantile(0.5) == nil && OrderStatistics([]).mean == nil)
  }
}

@Suite("the bottleneck law")
struct BottleneckTests {
  func use(_ lane: Double, _ uplink: Double) -> Bottleneck.Use {
    Bottleneck.Use(processor: 0.1, lane: lane, uplink: uplink, downlink: 0.2, disk: 0)
  }

  @Test("the busiest resource of the busiest node bounds the throughput")
  func bound() {
    let bottleneck = Bottleneck([use(0.3, 0.5), use(0.4, 0.8), use(0.8, 0.1)])
    #expect(bottleneck?.node == 1 && bottleneck?.resource == .uplink)
    // 4000 in 10 s at 80 %: 500 a second at 100 %.
    #expect(bottleneck?.bound(completed: 4_000, seconds: 10) == 500)
    #expect(bottleneck?.description == "the uplink of node 1, busy 80 % of the time")
  }

  @Test("ideal resources bound nothing")
  func ideal() {
    let idle = Bottleneck.Use(processor: 0, lane: 0, uplink: 0, downlink: 0, disk: 0)
    #expect(Bottleneck([idle, idle]) == nil)
    #expect(Bottleneck([]) == nil)
  }

  @Test("shares are given as mean and largest")
  func metrics() {
    let metrics = Bottleneck.metrics([use(0.3, 0.5), use(0.4, 0.75)])
    #expect(metrics.first { $0.name == "nodes.uplink_mean" }?.value == 0.625)
    #expect(metrics.first { $0.name == "nodes.uplink_max" }?.value == 0.75)
    #expect(metrics.first { $0.name == "nodes.lane_max" }?.value == 0.4)
  }
}
