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
      scenarios, what was calibrated, and the tolerance. Writes FIGURE.csv, FIGURE.svg and \
      FIGURE.html, at the small size FIGURE-small.csv and so on, and index.html over all that is \
      there. Exit status 1 if a figure is out of tolerance.
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
      try FigureFiles.writeIndex(of: out, packs: packs)
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
    let folders = FigureFiles.packs(in: packs)
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
    let file = "\(out)/\(figure.resultName).csv"
    try SavedFile.write(comparison.csv, to: file, makesFolders: true)
    let stored = try StoredFigure(comparison.csv, file: file)
    try FigureFiles.write(stored, figure.pack, named: figure.resultName, in: out)
    print(comparison.text)
    return comparison.isInTolerance
  }
}
