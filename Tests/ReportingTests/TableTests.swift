import Metrics
import Reporting
import Testing

@Suite("Tables") struct TableTests {
  let scratch = Scratch()

  private func single(
    _ values: [Double?], labels: [(String, String)] = [("n", "4")],
    edit: (inout Outcome, Int) -> Void = { _, _ in }
  ) -> SweepResult {
    let experiment = Fixture.experiment("one", [labels], values.count)
    let records = experiment.points[0].seeds.enumerated().map { index, seed in
      var outcome = Outcome()
      outcome.metrics = [.init("main.throughput", "tx/s", values[index])]
      edit(&outcome, index)
      return RunRecord(RunID(point: 0, replication: index, seed: seed), outcome)
    }
    return SweepResult(experiment, records: [records])
  }

  private func files(_ result: SweepResult) throws -> String {
    let folder = try ResultFolder(scratch.path + "/a", for: result.experiment)
    for record in result.records.joined() { try folder.append(record) }
    _ = try folder.finish()
    return scratch.path + "/a/"
  }

  @Test("an interval is the one that is computed by hand") func interval() throws {
    // Mean 5, standard deviation sqrt(20/3), t(0.975, 3) = 3.182446305284263.
    let path = try files(single([2, 4, 6, 8]))
    let lines = Scratch.text(path + "metrics.csv").split(separator: "\n")
    #expect(lines[0] == "n,metric,unit,mean,ci95_low,ci95_high,replications")
    let cells = lines[1].split(separator: ",")
    #expect(cells[..<4] == ["4", "main.throughput", "tx/s", "5"])
    let half = 3.182446305284263 * (20.0 / 3 / 4).squareRoot()
    #expect(abs(try #require(Double(cells[4])) - (5 - half)) < 1e-9)
    #expect(abs(try #require(Double(cells[5])) - (5 + half)) < 1e-9)
    #expect(cells[6] == "4")
  }

  @Test("a metric missing in some replications is averaged over the others") func missing() throws {
    let path = try files(single([10, nil, 20]))
    let row = Scratch.text(path + "metrics.csv").split(separator: "\n")[1]
    #expect(row.hasPrefix("4,main.throughput,tx/s,15,"))
    #expect(row.hasSuffix(",2"))
    #expect(Scratch.text(path + "replications.csv").contains("main.throughput,tx/s,\n"))
  }

  @Test("one replication has a mean and no interval; none has neither") func few() throws {
    #expect(
      Scratch.text(try files(single([10])) + "metrics.csv").hasSuffix("tx/s,10,,,1\n"))
    #expect(
      Scratch.text(try files(single([nil, nil])) + "metrics.csv").hasSuffix("tx/s,,,,0\n"))
  }

  @Test("fields with commas, quotes and line breaks are quoted") func quoting() throws {
    let result = single([1], labels: [("a,b", "{x: \"1\"}\n2")])
    let text = Scratch.text(try files(result) + "metrics.csv")
    #expect(
      text == """
        "a,b",metric,unit,mean,ci95_low,ci95_high,replications
        "{x: ""1""}
        2",main.throughput,tx/s,1,,,1

        """)
  }

  @Test("a message type that a replication did not send counts as zero") func silence() throws {
    let result = single([1, 1]) { outcome, index in
      guard index == 0 else { return }
      outcome.messages = [
        .init(
          subsystem: "main", type: "new-view", count: 6, bytes: 600, duplicates: 2,
          nodeMeanBytes: 150, nodeMaxBytes: 300)
      ]
    }
    let row = Scratch.text(try files(result) + "messages.csv").split(separator: "\n")[1]
      .split(separator: ",")
    #expect(row[1...3] == ["main", "new-view", "3"])
    #expect(row.suffix(4) == ["1", "75", "150", "2"])
  }

  @Test("a run digest stands in every row of its replication") func digest() throws {
    let result = single([1, 2]) { outcome, index in
      outcome.digests = [.init(subsystem: "main", steps: 3, digest: UInt64(index))]
    }
    let digests = result.records[0].map(\.digest)
    #expect(digests[0] != digests[1])
    #expect(digests.allSatisfy { $0.count == 16 })
    let lines = Scratch.text(try files(result) + "replications.csv").split(separator: "\n")
    #expect(lines[0] == "n,replication,seed,digest,metric,unit,value")
    #expect(lines[1] == "4,0,1099511627776,\(digests[0]),main.throughput,tx/s,1")
  }

  @Test("series are averaged step by step, over those that reach the step") func series() throws {
    let result = single([1, 1]) { outcome, index in
      outcome.series = [
        .init("main.load", "1", step: 0.1, values: index == 0 ? [1, 2, 3, 4] : [3, .nan])
      ]
    }
    let lines = Scratch.text(try files(result) + "series.csv").split(separator: "\n")
    #expect(lines[1].hasPrefix("4,main.load,1,0,2,"))
    #expect(lines[2] == "4,main.load,1,0.1,2,,,1")
    #expect(lines[4] == "4,main.load,1,0.3,4,,,1")
  }

  @Test("a terminal table is aligned and shows as many digits as the interval allows")
  func text() {
    let table = TextTable(Summary(single([1234.4, 1244.9, 1223.2, 1239.1]))).text()
    #expect(
      table
        == """
                                 4
        Throughput  tx/s  1 235 ± 15
        ± is half of a 95 % interval over replications

        """.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
        .map { $0.offset == 0 ? String(repeating: " ", count: 27) + "4" : String($0.element) }
        .joined(separator: "\n"))
  }

  @Test(
    "numbers are grouped and rounded to two digits of the interval",
    arguments: [
      ([0.0123, 0.0125, 0.0127], "0.01250 ± 0.00050"), ([5, 5, 5], "5.000 ± 0"),
      ([3e6, 3.3e6, 3.6e6], "3 300 000 ± 750 000"),
      ([1e-9, 2e-9, 3e-9], "(2.0 ± 2.5)e-9"),
      ([7, 7.000_000_1, 7.000_000_2], "7.00000 ± <0.00001"),
      ([-10, 0, 10], "0 ± 25"), ([99.96, 99.98], "99.97 ± 0.13"),
    ])
  func digits(values: [Double], expected: String) {
    let result = single(values) { outcome, index in
      outcome.metrics = [.init("main.stale_rate", "widgets", values[index])]
    }
    #expect(TextTable(Summary(result)).text().contains("Stale rate  widgets  \(expected)\n"))
  }

  @Test("a narrow terminal gets further blocks, not longer lines") func narrow() {
    let summary = Summary(Fixture.result(Fixture.grid()))
    for width in [60, 80, 120, 200] {
      let lines = TextTable(summary).text(width: width).split(separator: "\n")
      #expect(lines.allSatisfy { $0.count <= width })
      #expect(lines.filter { $0.hasPrefix("Throughput") }.count >= (width < 200 ? 2 : 1))
    }
  }

  @Test("metrics without a known name are shown too") func unknown() {
    let result = single([1, 2]) { outcome, _ in
      outcome.metrics = [.init("main.anything", "1", 3)]
    }
    #expect(TextTable(Summary(result)).text().contains("anything"))
  }

  @Test("the summary for machines has every metric and sorted keys") func json() {
    let json = Summary(single([2, 4])).json
    #expect(json.contains("\"mean\": 3,"))
    #expect(json.contains("\"name\": \"main.throughput\""))
    #expect(json.hasPrefix("{\n  \"name\": \"one\",\n  \"points\""))
  }

  @Test("progress tells how much is left, not counting what was resumed") func progress() {
    #expect(Progress.line(total: 10, done: 0, initial: 0, elapsed: 0) == "0/10 runs, 0 %")
    #expect(
      Progress.line(total: 10, done: 6, initial: 4, elapsed: 60)
        == "6/10 runs, 60 %, about 2 min 0 s left")
    #expect(Progress.line(total: 10, done: 10, initial: 0, elapsed: 9) == "10/10 runs, 100 %")
  }
}
