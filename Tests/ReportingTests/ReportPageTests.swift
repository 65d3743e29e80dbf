import Foundation
import Metrics
import Reporting
import Testing

@Suite("Report page") struct ReportPageTests {
  let scratch = Scratch()

  private func page(_ experiment: Experiment, edit: (inout Outcome) -> Void = { _ in }) throws
    -> String
  {
    let folder = try ResultFolder(scratch.path + "/a", for: experiment)
    for var record in Fixture.records(experiment) {
      edit(&record.outcome)
      try folder.append(record)
    }
    _ = try folder.finish()
    return Scratch.text(scratch.path + "/a/report.html")
  }

  /// Tags that are not closed, or closed in the wrong order.
  private func faults(_ html: String) -> [String] {
    var open: [Substring] = []
    var faults: [String] = []
    // What stands in a script is no markup.
    var rest = html[...]
    if let script = html.range(of: "<script>"), let end = html.range(of: "</script>") {
      rest = (html[..<script.upperBound] + html[end.lowerBound...])[...]
    }
    while let start = rest.firstIndex(of: "<") {
      guard let end = rest[start...].firstIndex(of: ">") else { return faults + ["open tag"] }
      let tag = rest[rest.index(after: start)..<end]
      rest = rest[rest.index(after: end)...]
      let name = tag.prefix { $0 != " " && $0 != "\n" }
      if tag.contains("<") { faults.append("< in \(tag)") }
      if tag.filter({ $0 == "\"" }).count % 2 != 0 { faults.append("quotes in \(tag)") }
      if name.hasPrefix("!") || tag.hasSuffix("/") { continue }
      if name.hasPrefix("/") {
        if open.popLast() != name.dropFirst() { faults.append("closing \(name)") }
      } else {
        open.append(name)
      }
    }
    return faults + open.map { "not closed: \($0)" }
  }

  @Test("the page is well formed, whatever is swept") func wellFormed() throws {
    #expect(faults(try page(Fixture.comparison())) == [])
    #expect(faults(try page(Fixture.comparison(replications: 1))) == [])
    #expect(faults(try page(Fixture.grid())) == [])
    #expect(faults(try page(Fixture.experiment("plain", [[]], 3))) == [])
    #expect(faults(try page(Fixture.grid()) { $0 = Outcome() }) == [])
  }

  /// Nine protocols at two sizes, each with a length of run of its own.
  private static let families = Fixture.experiment(
    "families",
    ["16", "32"].flatMap { nodes in
      (1...9).map {
        [("network.nodes", nodes), ("consensus", "p\($0)"), ("until", "\($0 / 5) s")]
      }
    }, 2)

  @Test("many curves are rows with a marker for each value; run lengths name none")
  func manyCurves() throws {
    let html = try page(Self.families)
    #expect(faults(html) == [])
    #expect(html.contains("Throughput by case and nodes, with 95 % intervals"))
    for label in (1...9).map({ "p\($0)" }) {
      #expect(html.contains("text-anchor=\"end\">\(label)</text>"), "\(label)")
      for nodes in ["16", "32"] {
        #expect(html.contains("<title>\(label), nodes \(nodes): "), "\(label) at \(nodes)")
      }
    }
    #expect(!html.contains("text-anchor=\"end\">p1 · 0 s"))
    // Where lengths are all that differs, they are the names.
    let lengths = Fixture.experiment("lengths", [[("until", "1 s")], [("until", "2 s")]], 2)
    #expect(try page(lengths).contains(">until<"))
  }

  @Test("text from outside is escaped") func escaping() throws {
    let evil = "<script>alert('1')</script>&\"\u{1}"
    var experiment = Fixture.experiment(evil, [[(evil, evil)], [(evil, "b")]], 2)
    experiment.warnings = [evil]
    let html = try page(experiment) { outcome in
      outcome.metrics.append(.init("main." + evil, evil, 1))
      outcome.metrics.append(.init(evil + ".throughput", evil, 1))
      outcome.series.append(.init("main." + evil, evil, step: 1, values: [1, 2]))
      outcome.messages.append(
        .init(
          subsystem: "main", type: evil, count: 1, bytes: 1, duplicates: 0, nodeMeanBytes: 1,
          nodeMaxBytes: 1))
      outcome.violations = [.init(subsystem: evil, monitor: evil, time: 1, detail: evil)]
      outcome.warnings = [evil]
    }
    #expect(html.components(separatedBy: "<script").count == 2, "the page's own script only")
    #expect(!html.contains("\u{1}"))
    #expect(html.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;"))
    #expect(faults(html) == [])
  }

  @Test("the page asks for nothing from outside") func selfContained() throws {
    let html = try page(Fixture.grid())
    for forbidden in ["http:", "https:", "<script ", "<link", "<img", "@import", "url(", "src="] {
      #expect(!html.contains(forbidden))
    }
    #expect(html.contains("default-src 'none'"))
    #expect(html.contains("prefers-color-scheme:dark"))
  }

  @Test("the policy of the page lets its own script run, and no other") func policy() throws {
    let html = try page(Fixture.comparison())
    let script = try #require(html.components(separatedBy: "<script>").last)
      .components(separatedBy: "</script>")[0]
    let file = scratch.path + "/script.js"
    Scratch.write(script, file)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
    process.arguments = [file]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let digits = Array(said.prefix(64))
    let bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
      UInt8(String(digits[$0...($0 + 1)]), radix: 16)
    }
    try #require(bytes.count == 32, "\(said)")
    let checksum = Data(bytes).base64EncodedString()
    #expect(html.contains("script-src 'sha256-\(checksum)'"), "it should be \(checksum)")
  }

  @Test("numbers that are not finite or far apart do not reach the drawings") func extremes() throws
  {
    let html = try page(Fixture.grid()) { outcome in
      for index in outcome.metrics.indices { outcome.metrics[index].value? *= 1e290 }
      outcome.series.append(.init("main.x", "s", step: 1, values: [.nan, 0, 1e308, -1e308]))
      outcome.series.append(.init("main.empty", "s", step: 1, values: []))
    }
    #expect(faults(html) == [])
    for attribute in ["\"nan\"", "\"inf\"", "\"-inf\"", "Lnan", "Linf"] {
      #expect(!html.contains(attribute))
    }
  }

  @Test("violations and warnings are shown with what replays them") func alerts() throws {
    let html = try page(Fixture.comparison(replications: 2)) { outcome in
      outcome.warnings = ["The load is above the bound."]
      outcome.violations = [
        .init(subsystem: "main", monitor: "agreement", time: 12.5, detail: "two digests at slot 7")
      ]
    }
    #expect(html.contains("6 violations"))
    #expect(html.contains("two digests at slot 7"))
    #expect(html.contains("2 of 2 runs"))
    #expect(html.contains("<td>1099511627776</td>"))
  }

  @Test("warnings that differ in numbers and places stand under the first of them")
  func manyAlike() throws {
    let html = try page(Fixture.grid(replications: 1)) { outcome in
      let offered = outcome.metrics[0].value ?? 0
      outcome.warnings = ["busy for \(offered) % of the time", "no steady state"]
    }
    // Eight points, each with both.
    #expect(html.components(separatedBy: "<li>busy for ").count - 1 == 8)
    #expect(html.components(separatedBy: "<li>no steady state").count - 1 == 8)
    #expect(html.components(separatedBy: "<summary>7 more like it</summary>").count - 1 == 2)
    let few = try page(Fixture.comparison(replications: 1)) { $0.warnings = ["no steady state"] }
    #expect(few.components(separatedBy: "<li>no steady state").count - 1 == 3)
    #expect(!few.contains("more like it"))
  }
}
