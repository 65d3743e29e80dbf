import Foundation
import Reproduction
import Scenarios
import Testing

@Suite("Tables of figures, read back")
struct StoredFigureTests {
  @Test("every table that is kept is read back, with the verdict that it states")
  func kept() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: Shipped.results)
      .filter { $0.hasSuffix(".csv") && $0 != "frontier.csv" }.sorted()
    #expect(names.count > 20)
    for name in names {
      let text = try Shipped.kept(String(name.dropLast(4)))
      let stored = try StoredFigure(text, file: name)
      #expect(text.hasPrefix("# \(stored.id): \(stored.title)\n"))
      #expect(text.contains("\n# digest: \(stored.digest)\n"))
      #expect((stored.size == .small) == name.hasSuffix("-small.csv"))
      #expect(stored.rows.allSatisfy { $0.cells.count == stored.columns.count })
      let pack = try Shipped.pack(stored.id.lowercased())
      #expect(stored.labels.contains(pack.plot.x))
      // The notes of the file state the same errors.
      for quantity in stored.quantities {
        guard let errors = stored.errors(of: quantity) else { continue }
        let note = "# \(quantity): error median \(StoredFigure.percent(errors.median)), "
        #expect(text.contains(note), "\(name): \(note)")
      }
      let isOut = stored.rows.contains {
        $0.text("verdict") == "out of tolerance" && ["gate", "held out"].contains($0.text("role"))
      }
      if stored.verdict.hasPrefix("in tolerance") { #expect(!isOut && stored.isGood) }
      if stored.verdict.hasPrefix("out of tolerance") { #expect(isOut && !stored.isGood) }
    }
  }

  @Test(
    "what is no table of a figure is refused",
    arguments: [
      "", "a,b\n1,2\n", "# X: a\n# size: small; fine\n# digest: 1\n",
      "# X: a\n# size: huge; fine\n",
      "# X: a\n# size: full; fine\n# digest: 1\nx,y\n1,2\n",
      "# X: a\n# size: full; fine\n# digest: 1\nx,quantity\n1\n",
    ])
  func refused(text: String) {
    #expect(throws: ScenarioErrors.self) { _ = try StoredFigure(text, file: "x.csv") }
  }

  @Test("a cell in quotes may hold commas") func quotes() throws {
    let text =
      "# X: a: b\n# size: full; out of tolerance: 1 of 2\n# digest: 1\n"
      + "x,quantity,published\n\"1, 2\",q,3\n"
    let stored = try StoredFigure(text, file: "x.csv")
    #expect(stored.title == "a: b" && !stored.isGood)
    #expect(stored.rows[0].text("x") == "1, 2" && stored.rows[0].number("published") == 3)
  }
}
