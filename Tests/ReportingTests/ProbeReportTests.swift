import Reporting
import Testing

@Suite("What probes and frontiers write")
struct ProbeReportTests {
  private let source = ProbeSource(
    name: "a", scenario: "tributary: 1\n", version: "0.1.0", seed: 7)

  @Test("a stage that nobody reached has no share; without an interval there is null")
  func rare() {
    let report = RareReport(
      source, event: "double-spend", effort: 10, probability: 0.05, low: 0, high: .infinity,
      plainEvents: nil,
      repetitions: [
        .init(seed: 1, probability: 0.1, shares: [0.2, 0.5], events: 30),
        .init(seed: 2, probability: 0, shares: [0], events: 12),
      ])
    #expect(
      report.csv == """
        repetition,seed,probability,events,share_0,share_1
        0,1,0.1,30,0.2,0.5
        1,2,0,12,0,

        """)
    #expect(report.json.contains("\"events\": 42") && report.json.contains("\"plainEvents\": null"))
    #expect(report.json.contains("0,\n    null"), "\(report.json)")
  }

  @Test("a load at which nothing was decided has no latency")
  func knee() {
    let report = KneeReport(
      source, path: "workload.arrivals.poisson", knee: 5, low: .nan, high: .nan, limit: "backlog",
      replications: [
        .init(
          seed: 1, knee: 5, limit: "backlog",
          trials: [.init(load: 4, offered: 4, served: 0, latency: nil)])
      ])
    #expect(report.csv.hasSuffix("0,1,5,backlog,4,4,0,\n"))
    #expect(report.json.contains("\"interval\": [\n    null,\n    null\n  ]"), "\(report.json)")
  }

  private func row(
    _ system: String, _ throughput: Estimate?, _ latency: Estimate?, place: String = "4"
  ) -> FrontierReport.Row {
    FrontierReport.Row(
      place: [.init("network.nodes", place)], system: system, throughput: throughput,
      latency: latency, confirmations: 0, reversal: 0, basis: "test")
  }

  @Test("who has less throughput at more latency is beaten, at the same place only")
  func frontier() throws {
    // Estimates as a summary makes them, of made-up runs.
    let scratch = Scratch()
    let folder = try ResultFolder(scratch.path + "/f", for: Fixture.comparison(replications: 2))
    while let id = folder.take() {
      let point = folder.experiment.points[id.point]
      try folder.append(RunRecord(id, Fixture.outcome(point, seed: id.seed)))
    }
    let points = Summary(try folder.finish()).points
    func rate(_ index: Int) -> Estimate? { points[index]["main.throughput"]?.estimate }
    // Throughput 2,000, 6.6 and 240; it stands for seconds too, so that larger is worse.
    let report = FrontierReport(
      title: "t", adversary: 0.1, error: 1e-6,
      rows: [
        row("fast", rate(0), rate(1)), row("slow", rate(1), rate(2)),
        row("late", rate(0), rate(0)), row("never", rate(0), nil),
        row("elsewhere", rate(1), rate(2), place: "7"),
      ])
    #expect(report.rows.map(\.isUnbeaten) == [true, false, false, false, true])
    #expect(report.csv.split(separator: "\n").count == 6)
    #expect(report.text.contains("network.nodes 7:") && report.text.contains("* fast"))
    #expect(report.svg.contains("seconds until settled"))
  }
}
