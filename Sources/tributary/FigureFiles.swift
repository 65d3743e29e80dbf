import Foundation
import Reporting
import Reproduction
import Scenarios

/// What is written of a figure beside its table: made from the table alone, so that it can be made
/// again without the runs.
enum FigureFiles {
  /// Names of the packs in a folder, sorted.
  static func packs(in folder: String) -> [String] {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    return names.filter { FileManager.default.fileExists(atPath: "\(folder)/\($0)/pack.yaml") }
  }

  /// The drawing and the page.
  static func write(
    _ stored: StoredFigure, _ pack: Pack, named name: String, in folder: String
  ) throws(OutputError) {
    let figure = ReproducedFigure(stored, pack)
    try SavedFile.write(figure.svg, to: "\(folder)/\(name).svg", makesFolders: true)
    try SavedFile.write(
      ReproductionPage(stored, pack, figure, named: name).text, to: "\(folder)/\(name).html")
  }

  /// The tables of figures in a folder, by name, each with its pack.
  static func stored(
    in folder: String, packs: String
  ) throws -> [(name: String, stored: StoredFigure, pack: Pack)] {
    let known = self.packs(in: packs)
    let files = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    var found: [(String, StoredFigure, Pack)] = []
    for file in files where file.hasSuffix(".csv") {
      let name = String(file.dropLast(4))
      let id = name.hasSuffix("-small") ? String(name.dropLast(6)) : name
      guard known.contains(id) else { continue }
      let path = "\(folder)/\(file)"
      guard let data = FileManager.default.contents(atPath: path) else { continue }
      let stored = try StoredFigure(String(decoding: data, as: UTF8.self), file: path)
      found.append((name, stored, try Pack(folder: "\(packs)/\(id)")))
    }
    return found
  }

  /// `index.html`, over all figures that are there.
  static func writeIndex(of folder: String, packs: String) throws {
    let entries = try stored(in: folder, packs: packs).map { name, stored, pack in
      FigureIndexPage.Entry(
        id: stored.id, title: stored.title, kind: pack.kind.rawValue, size: stored.size.rawValue,
        verdict: stored.verdict, isGood: stored.isGood,
        errors: stored.quantities.compactMap { quantity in
          stored.errors(of: quantity).map {
            "\(quantity) \(StoredFigure.percent($0.median)), \(StoredFigure.percent($0.largest))"
          }
        }.joined(separator: "; "), digest: stored.digest, page: name + ".html")
    }
    try SavedFile.write(FigureIndexPage(entries).text, to: "\(folder)/index.html")
  }
}

extension ReproducedFigure {
  /// A panel for each quantity, a curve for each group of rows.
  init(_ stored: StoredFigure, _ pack: Pack) {
    let x = stored.labels.last ?? ""
    let panels = stored.quantities.map { quantity -> Panel in
      let rows = stored.rows.filter { $0.text("quantity") == quantity }
      let isNumeric = rows.allSatisfy { $0.number(x) != nil }
      let places = rows.reduce(into: [String]()) { names, row in
        if !names.contains(row.text(x)) { names.append(row.text(x)) }
      }
      func group(_ row: StoredFigure.Row) -> String {
        stored.labels.dropLast().map { "\($0) \(row.text($0))" }.joined(separator: ", ")
      }
      let groups = rows.reduce(into: [String]()) { names, row in
        if !names.contains(group(row)) { names.append(group(row)) }
      }
      return Panel(
        title: quantity, unit: rows.first?.text("unit") ?? "1", xTitle: pack.plot.x,
        categories: isNumeric ? [] : places, isLogarithmic: pack.plot.isLogarithmic,
        curves: groups.map { name in
          Self.curve(rows.filter { group($0) == name }, name) { row in
            isNumeric
              ? row.number(x) ?? 0 : Double(places.firstIndex(of: row.text(x)) ?? 0)
          }
        })
    }
    self.init(
      title: "\(stored.id): \(stored.title)",
      note: "\(stored.verdict). Diamonds and lines: published. Filled: simulated, 95 %.",
      panels: panels)
  }

  private static func curve(
    _ rows: [StoredFigure.Row], _ name: String, x: (StoredFigure.Row) -> Double
  ) -> Curve {
    Curve(
      label: name,
      published: rows.compactMap { row in
        row.number("published").map { value in
          let deviation = row.number("published_sd")
          return Point(
            x: x(row), value: value, low: deviation.map { value - $0 },
            high: deviation.map { value + $0 })
        }
      },
      simulated: rows.compactMap { row in
        row.number("simulated").map {
          Point(x: x(row), value: $0, low: row.number("ci95_low"), high: row.number("ci95_high"))
        }
      })
  }
}

extension ReproductionPage {
  init(_ stored: StoredFigure, _ pack: Pack, _ figure: ReproducedFigure, named name: String) {
    // Columns that say nothing are left out.
    let kept = stored.columns.indices.filter { column in
      stored.rows.contains { !$0.cells[column].isEmpty }
    }
    let words = stored.labels + ["quantity", "unit", "role", "tolerance", "verdict"]
    self.init(
      id: stored.id, title: stored.title, verdict: stored.verdict, isGood: stored.isGood,
      facts: [pack.kind.rawValue, "\(stored.size.rawValue) size", "\(stored.rows.count) values"],
      origins: [
        ("Source", pack.citation), ("Published", pack.published),
        ("Calibrated", pack.calibration), ("Left out", pack.deviations),
      ], figure: figure, errors: Self.errors(stored),
      columns: kept.map { stored.columns[$0].replacing("_", with: " ") },
      rows: stored.rows.map { row in kept.map { row.cells[$0] } },
      numbers: Set(kept.indices.filter { !words.contains(stored.columns[kept[$0]]) }),
      digest: stored.digest,
      command: "tributary reproduce \(stored.id)" + (stored.size == .small ? " --small" : ""),
      files: ["\(name).csv", "\(name).svg", "index.html"])
  }

  private static func errors(_ stored: StoredFigure) -> [Errors] {
    let models = [
      ("simulation", "error"), ("bottleneck law", "bottleneck_error"),
      ("flat line", "flat_error"),
    ]
    return stored.quantities.flatMap { quantity in
      models.compactMap { model, column -> Errors? in
        guard let errors = stored.errors(of: quantity, column) else { return nil }
        return Errors(
          quantity: quantity, model: model, values: errors.count,
          median: StoredFigure.percent(errors.median), rms: StoredFigure.percent(errors.rms),
          largest: StoredFigure.percent(errors.largest),
          skill: column == "error" ? "–" : skill(stored, quantity, over: column))
      }
    }
  }

  /// Over the values that both the simulation and the model have.
  private static func skill(
    _ stored: StoredFigure, _ quantity: String, over column: String
  ) -> String {
    var own = 0.0
    var theirs = 0.0
    for row in stored.rows where row.text("quantity") == quantity && row.text("role") == "held out"
    {
      guard let a = row.number("error"), let b = row.number(column) else { continue }
      own += a * a
      theirs += b * b
    }
    guard theirs > 0 else { return "none: the model has no error" }
    let skill = 1 - (own / theirs).squareRoot()
    return "\((skill * 100).rounded() / 100)"
  }
}
