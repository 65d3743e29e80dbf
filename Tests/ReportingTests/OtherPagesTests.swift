import Foundation
import Metrics
import Reporting
import Testing

/// Pages that are of no single run.
@Suite("Pages of comparisons and figures") struct OtherPagesTests {
  let scratch = Scratch()

  @Test("a comparison's page has every sentence, a row of ratios and where they come from")
  func comparison() throws {
    let folder = scratch.path + "/bft-load"
    try Fixture.complete(folder, Fixture.grid(replications: 5))
    let found = try Comparison([folder], by: "chains.main.consensus", isAnyway: true)
    let html = found.page
    #expect(found.pageName == "bft-load-by-consensus.html")
    #expect(html == (try Comparison([folder], by: "chains.main.consensus", isAnyway: true)).page)
    for row in found.rows { #expect(html.contains(row.sentence), "\(row.sentence)") }
    #expect(html.contains("Ratios of main.throughput with 95 % intervals"))
    #expect(html.contains("tributary compare bft-load --by chains.main.consensus"))
    #expect(!html.contains(scratch.path), "no path of this machine")
    #expect(html.contains("compared anyway") == !found.notes.isEmpty)
    #expect(html.components(separatedBy: "<script").count == 2)
  }

  private static func figure(_ text: String) -> ReproducedFigure {
    ReproducedFigure(
      title: text, note: text,
      panels: [
        .init(
          title: text, unit: "s", xTitle: text, categories: [], isLogarithmic: false,
          curves: [
            .init(
              label: text,
              published: [
                .init(x: 3, value: 2, low: 1.5, high: 2.5), .init(x: 1, value: 1),
                .init(x: 2, value: 4),
              ], simulated: [.init(x: 1, value: 1.1, low: 1, high: 1.2)])
          ])
      ])
  }

  @Test("a drawing for a paper has sizes, plain colours and its points in order") func drawing() {
    let svg = Self.figure("a").svg
    #expect(svg == Self.figure("a").svg)
    #expect(svg.hasPrefix("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox="))
    #expect(svg.contains("width=\"560\""))
    for unknown in ["var(", "@media", "<script", "data-"] { #expect(!svg.contains(unknown)) }
    // The published line runs from left to right.
    let path = svg.components(separatedBy: " d=\"M").dropFirst().map {
      $0.prefix { $0 != "\"" }.split(separator: "L").compactMap {
        $0.split(separator: " ").first.flatMap { Double($0) }
      }
    }.first { $0.count == 3 }
    #expect(path == path?.sorted() && path != nil)
    // One open marker for each published value, one bar of three strokes, one filled marker.
    #expect(svg.components(separatedBy: "class=\"open c0\"").count == 4)
    #expect(svg.components(separatedBy: "class=\"stroke thin c0\"").count == 4)
    #expect(svg.components(separatedBy: "class=\"stroke c0\"").count == 4)
  }

  @Test("a reproduction's page has its source, errors and skill, whatever the texts hold")
  func reproduction() {
    let evil = "<script>&\""
    let page = ReproductionPage(
      id: "X", title: evil, verdict: evil, isGood: false, facts: [evil],
      origins: [("Source", evil)], figure: Self.figure(evil),
      errors: [
        .init(
          quantity: evil, model: "flat line", values: 3, median: "1 %", rms: "2 %",
          largest: "3 %", skill: "0.5")
      ], columns: ["x", "published"], rows: [["1", evil]], numbers: [1], digest: "abc",
      command: "tributary reproduce X", files: ["x.csv"])
    let html = page.text
    #expect(html == page.text)
    #expect(html.components(separatedBy: "<script").count == 2)
    #expect(html.components(separatedBy: "&lt;script&gt;&amp;&quot;").count > 10)
    for part in ["<td class=\"n\">0.5</td>", "tributary reproduce X", "<dd>abc</dd>"] {
      #expect(html.contains(part), "\(part)")
    }
    let index = FigureIndexPage([
      .init(
        id: "X", title: evil, kind: "exact", size: "full", verdict: evil, isGood: false,
        errors: evil, digest: "abc", page: "x.html")
    ]).text
    #expect(index.contains("<a href=\"x.html\">X</a>"))
    #expect(index.components(separatedBy: "<script").count == 2)
  }
}
