import ArgumentParser
import Foundation
import Reporting
import Reproduction
import Scenarios

struct Reproduce: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run published figures again, and compare.",
    discussion: """
      A figure is a pack under Scenarios/figures: the published values with their source, the \
      scenarios, what was calibrated, and the tolerance. Writes FIGURE.csv and FIGURE.svg; at the \
      small size FIGURE-small.csv and FIGURE-small.svg. Exit status 1 if a figure is out of \
      tolerance.
      """)

  @Argument(help: "Figures, such as SELFISH-ES.")
  var figures: [String] = []

  @Flag(help: "Every figure that has a pack.")
  var all = false

  @Flag(help: "List the figures, and run none.")
  var list = false

  @Flag(help: "The size that the tests run: seconds.")
  var small = false

  @Option(help: "Folder for the results.")
  var out = "Results/figures"

  @Option(help: "Folder of the packs.")
  var packs = Pack.home

  @OptionGroup var jobs: JobOptions

  func validate() throws {
    guard all || list || !figures.isEmpty else {
      throw ValidationError("Name a figure, or give --all or --list.")
    }
  }

  func run() throws {
    Interruption.listen()
    do {
      let chosen = try choose()
      if list {
        for pack in chosen { print("\(pack.id)\n    \(pack.title) (\(pack.kind.rawValue))") }
        return
      }
      var isGood = true
      // All packs are read before any is run.
      let ready = try chosen.map { try Reproduction($0, small ? .small : .full) }
      for one in ready { isGood = try reproduce(one) && isGood }
      if !isGood { throw ExitCode.badAnswer }
    } catch let errors as ScenarioErrors {
      complain("\(errors)")
      throw ExitCode.badInput
    } catch let error as OutputError {
      complain("tributary: \(error)")
      throw ExitCode.cannotWrite
    }
  }

  /// The packs that are asked for, in the order of their names.
  private func choose() throws -> [Pack] {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: packs)) ?? []).sorted()
    let folders = names.filter {
      FileManager.default.fileExists(atPath: "\(packs)/\($0)/pack.yaml")
    }
    guard !folders.isEmpty else {
      complain("tributary: \(packs): no packs here; --packs names their folder")
      throw ExitCode.badInput
    }
    let wanted = figures.map { $0.lowercased() }
    for name in wanted where !folders.contains(name) {
      let nearest = nearestName(to: name, among: folders)
      complain(
        "tributary: \(name): no such figure"
          + (nearest.map { "; did you mean '\($0)'?" } ?? " (--list names them)"))
      throw ExitCode.badInput
    }
    let chosen = all || wanted.isEmpty ? folders : folders.filter { wanted.contains($0) }
    return try chosen.map { try Pack(folder: "\(packs)/\($0)") }
  }

  /// Runs one figure and writes what came out; whether it is in tolerance.
  private func reproduce(_ figure: Reproduction) throws -> Bool {
    let samples = ParallelJobs(figure.jobs.count, threads: jobs.threads) {
      figure.run($0)
    }.run()
    let comparison = try figure.compare(samples)
    let stem = "\(out)/\(figure.resultName)"
    try SavedFile.write(comparison.csv, to: "\(stem).csv", makesFolders: true)
    try SavedFile.write(
      ReproducedFigure(comparison, figure.pack).svg, to: "\(stem).svg", makesFolders: true)
    print(comparison.text)
    return comparison.isInTolerance
  }
}

extension ReproducedFigure {
  /// A panel for each quantity, a curve for each group of rows.
  init(_ comparison: FigureComparison, _ pack: Pack) {
    let panels = comparison.quantities.map { quantity -> Panel in
      let rows = comparison.rows.filter { $0.quantity == quantity }
      let isNumeric = rows.allSatisfy { $0.x != nil }
      let places = rows.reduce(into: [String]()) { names, row in
        let text = row.labels.last?.text ?? ""
        if !names.contains(text) { names.append(text) }
      }
      let groups = rows.reduce(into: [String]()) { names, row in
        let name = Self.group(row)
        if !names.contains(name) { names.append(name) }
      }
      return Panel(
        title: quantity, unit: rows.first?.unit ?? "1", xTitle: pack.plot.x,
        categories: isNumeric ? [] : places, isLogarithmic: pack.plot.isLogarithmic,
        curves: groups.map { group in
          Self.curve(
            rows.filter { Self.group($0) == group }, group,
            places: isNumeric ? nil : places)
        })
    }
    self.init(
      title: "\(comparison.id): \(comparison.title)",
      note: "\(comparison.verdict). Diamonds and lines: published. Filled: simulated, 95 %.",
      panels: panels)
  }

  private static func group(_ row: ComparedValue) -> String {
    row.labels.dropLast().map { "\($0.column) \($0.text)" }.joined(separator: ", ")
  }

  private static func curve(
    _ rows: [ComparedValue], _ name: String, places: [String]?
  ) -> Curve {
    func x(_ row: ComparedValue) -> Double {
      guard let places else { return row.x ?? 0 }
      return Double(places.firstIndex(of: row.labels.last?.text ?? "") ?? 0)
    }
    return Curve(
      label: name,
      published: rows.compactMap { row in
        row.published.map { value in
          Point(
            x: x(row), value: value, low: row.deviation.map { value - $0 },
            high: row.deviation.map { value + $0 })
        }
      },
      simulated: rows.compactMap { row in
        row.simulated.map { Point(x: x(row), value: $0, low: row.low, high: row.high) }
      })
  }
}
