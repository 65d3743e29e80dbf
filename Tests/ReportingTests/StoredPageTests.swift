import Foundation
import Metrics
import Reporting
import Testing

/// Pages made anew from result folders, and what they show beside tables.
@Suite("Pages of stored results") struct StoredPageTests {
  let scratch = Scratch()

  /// Writes a result and gives its folder.
  private func result(
    _ experiment: Experiment, edit: (inout Outcome) -> Void = { _ in }
  ) throws -> String {
    let path = scratch.path + "/\(experiment.name)"
    let folder = try ResultFolder(path, for: experiment)
    while let id = folder.take() {
      var outcome = Fixture.outcome(experiment.points[id.point], seed: id.seed)
      edit(&outcome)
      try folder.append(RunRecord(id, outcome))
    }
    _ = try folder.finish()
    return path
  }

  /// What no file of a usual result has.
  private static func odd(_ outcome: inout Outcome) {
    outcome.metrics.append(.init("main.huge", "1", 1.7e308))
    outcome.metrics.append(.init("main.nothing", "1", nil))
    outcome.metrics.append(.init("main.a,b\"c", "x,y", -0.0))
    outcome.series.append(.init("main.one", "1", step: 0.3, values: [1]))
    outcome.series.append(.init("main.none", "1", step: 0.3, values: []))
    outcome.series.append(.init("main.gaps", "1", step: 1.0 / 3, values: [.nan, 1, .infinity, 2]))
    outcome.latencies.append(
      .init(
        subsystem: "main", phase: "final", count: 0, mean: .nan, p50: .nan, p90: .nan, p95: .nan,
        p99: .nan, max: .nan))
    outcome.machines = Bottleneck.Resource.allCases.map {
      .init($0.rawValue, shares: [0.1, 1.0 / 3, 0])
    }
    outcome.warnings = ["odd", "odder"]
    outcome.violations = [.init(subsystem: "main", monitor: "order", time: 0.1, detail: "x")]
  }

  @Test("a page made from the files alone has the bytes of the one that the run wrote")
  func sameBytes() throws {
    var faulty = Fixture.experiment("faulty", [[("a", "1 s"), ("b", "x, y")], [("a", "2 s")]], 3)
    faulty.warnings = ["about the scenario"]
    for index in faulty.points.indices {
      faulty.points[index].faults = [
        .init("crash of node 1", start: 0.1, end: 1.0 / 3), .init("churn", start: nil, end: nil),
      ]
    }
    let folders = [
      try result(Fixture.comparison()), try result(Fixture.grid()),
      try result(faulty, edit: Self.odd),
      try result(Fixture.experiment("single", [[]], 1)),
      try result(Fixture.experiment("empty", [[]], 2)) { $0 = Outcome() },
    ]
    for folder in folders {
      let written = Scratch.read(folder + "/report.html")
      Scratch.write("lost", folder + "/report.html")
      _ = try Summary(reading: folder).writePage(in: folder)
      #expect(Scratch.read(folder + "/report.html") == written, "\(folder)")
    }
  }

  @Test(
    "a file that is not as it was written is refused, and named",
    arguments: [
      "latency.csv", "machines.csv", "messages.csv", "metrics.csv", "replications.csv",
      "scenario.yaml", "series.csv",
    ])
  func corrupt(file: String) throws {
    let folder = try result(Fixture.comparison(), edit: Self.odd)
    let text = Scratch.text(folder + "/" + file)
    let place = try #require(text.lastIndex { $0.isNumber })
    var changed = text
    changed.replaceSubrange(place...place, with: text[place] == "7" ? "3" : "7")
    for damage in [changed, String(text.dropLast(2)), text + text, "", "\u{0}"] {
      Scratch.write(damage, folder + "/" + file)
      let error = #expect(throws: OutputError.self) { _ = try Summary(reading: folder) }
      #expect(error?.description.contains(file) == true, "\(error?.description ?? "")")
    }
    #expect(remove(folder + "/" + file) == 0)
    #expect(throws: OutputError.self) { _ = try Summary(reading: folder) }
  }

  @Test("a manifest that is none, or speaks of points that are not there, is refused")
  func manifest() throws {
    let folder = try result(Fixture.comparison(), edit: Self.odd)
    let text = Scratch.text(folder + "/manifest.json")
    let damages = [
      "", "{}", String(text.dropLast(10)), text.replacing("\"point\": 2", with: "\"point\": 9"),
      text.replacing("\"seed\": \"42\"", with: "\"seed\": \"x\""),
    ]
    for damage in damages {
      #expect(damage != text)
      Scratch.write(damage, folder + "/manifest.json")
      #expect(throws: OutputError.self) { _ = try Summary(reading: folder) }
    }
    #expect(throws: OutputError.notResult(path: scratch.path)) {
      _ = try Summary(reading: scratch.path)
    }
    #expect(throws: OutputError.notResult(path: "/nowhere")) {
      _ = try Summary(reading: "/nowhere")
    }
  }

  @Test("faults are marked where their times are known, and named where they are not")
  func faults() throws {
    var experiment = Fixture.experiment("faults", [[]], 2)
    experiment.points[0].faults = [
      .init("crash of node <1>", start: 10, end: 20), .init("churn of nodes", start: nil, end: nil),
    ]
    let html = Scratch.text(try result(experiment) + "/report.html")
    #expect(html.contains("<li><b>A</b>crash of node &lt;1&gt;, 10 s to 20 s</li>"))
    #expect(html.contains("<li><b>B</b>churn of nodes</li>"))
    // The axis ends at 39.75 s, from 44 to 350: a quarter of the way to half of it.
    #expect(html.contains("<rect class=\"fault\" x=\"120.98\""))
    #expect(html.components(separatedBy: "class=\"fault\"").count == 2)
    // Points that differ in their faults share no figure that could show them.
    var two = Fixture.experiment("two", [[("a", "1")], [("a", "2")]], 2)
    two.points[0].faults = experiment.points[0].faults
    let both = Scratch.text(try result(two) + "/report.html")
    #expect(!both.contains("class=\"fault\"") && both.contains("Faults differ"))
  }

  @Test("the knee is the last load of which at least 98 % is decided") func knee() throws {
    // The fixture decides what is offered, up to 4300 tx/s; Nakamoto's 6.6 tx/s are too few.
    let html = Scratch.text(try result(Fixture.grid()) + "/report.html")
    #expect(html.contains("<h2>Latency against throughput</h2>"))
    #expect(html.contains("pbft: knee between 2\u{202f}0"))
    #expect(html.contains("nakamoto: does not keep up even with 1\u{202f}00"))
    #expect(html.components(separatedBy: "class=\"knee").count == 3, "one ring in each figure")
    let fast = try result(Fixture.grid()) { outcome in
      for k in outcome.metrics.indices where outcome.metrics[k].name == "main.throughput" {
        outcome.metrics[k].value = outcome["main.offered"]
      }
    }
    #expect(Scratch.text(fast + "/report.html").contains("pbft: keeps up with all loads"))
  }

  @Test("shards, machines and the parts of the cost are drawn from the tables") func parts() throws
  {
    let folder = try result(Fixture.experiment("parts", [[]], 2)) { outcome in
      for shard in 0..<3 {
        outcome.series.append(
          .init("main-\(shard).load", "op/s", step: 1, values: [0, 1, Double(shard)]))
      }
      outcome.machines = Bottleneck.Resource.allCases.enumerated().map { k, resource in
        .init(resource.rawValue, shares: (0..<20).map { Double($0 * (k + 1)) / 100 })
      }
      outcome.metrics += [
        .init("main.usd_compute_per_tx", "USD/tx", 3),
        .init("main.usd_storage_per_tx", "USD/tx", 1),
        .init("main.joule_network_high_per_tx", "J/tx", 9),
      ]
    }
    let html = Scratch.text(folder + "/report.html")
    #expect(html.contains("<h2>Load of the shards</h2>"))
    #expect(html.contains("<title>shard 2, from 2 s: 2.00 op/s</title>"))
    #expect(html.contains("The busiest 8 of 20 nodes"))
    #expect(html.contains(">node 19</text>") && !html.contains(">node 11</text>"))
    #expect(html.contains("compute: 3.00 USD/tx, 75.0 %"))
    #expect(!html.contains("network_high: "))
    let table = Scratch.text(folder + "/machines.csv").split(separator: "\n")
    #expect(table[0] == "node,cpu,lane,uplink,downlink,disk,replications")
    #expect(table.count == 21 && table[20] == "19,0.19,0.38,0.57,0.76,0.95,2")
  }
}
