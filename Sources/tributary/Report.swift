import ArgumentParser
import Foundation
import Reporting
import Reproduction
import Scenarios

struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make the pages of finished results anew, from their files alone.",
    discussion: """
      The page of a result folder has the same bytes as the one that the run wrote. Files that are \
      not as they were written are refused. A folder of figures gets their drawings, pages and \
      index.
      """)

  @Argument(help: "Result folders, or folders of figures.")
  var folders: [String]

  @Option(help: "Folder of the packs, for figures.")
  var packs = Pack.home

  func validate() throws {
    guard !folders.isEmpty else { throw ValidationError("Name at least one result folder.") }
  }

  func run() throws {
    for folder in folders {
      let isResult = FileManager.default.fileExists(atPath: folder + "/manifest.json")
      let page = isResult ? nil : try figures(in: folder)
      print("Page: \(try page ?? result(folder))")
    }
  }

  private func result(_ folder: String) throws -> String {
    let summary: Summary
    do throws(OutputError) {
      summary = try Summary(reading: folder)
    } catch {
      complain("tributary: \(error)")
      throw ExitCode.badInput
    }
    return try reportingFailures { try summary.writePage(in: folder) }
  }

  /// The index of the figures in `folder`; `nil` if there are none.
  private func figures(in folder: String) throws -> String? {
    try reportingFailures {
      let all = try FigureFiles.stored(in: folder, packs: packs)
      guard !all.isEmpty else { return nil }
      for (name, stored, pack) in all {
        try FigureFiles.write(stored, pack, named: name, in: folder)
      }
      try FigureFiles.writeIndex(of: folder, packs: packs)
      return "\(folder)/index.html"
    }
  }
}
