import ArgumentParser
import Reporting

struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make the page of finished results anew, from their files alone.",
    discussion: """
      The page of a result folder has the same bytes as the one that the run wrote. Files that are \
      not as they were written are refused.
      """)

  @Argument(help: "Result folders.")
  var folders: [String]

  func validate() throws {
    guard !folders.isEmpty else { throw ValidationError("Name at least one result folder.") }
  }

  func run() throws {
    for folder in folders {
      let summary: Summary
      do throws(OutputError) {
        summary = try Summary(reading: folder)
      } catch {
        complain("tributary: \(error)")
        throw ExitCode.badInput
      }
      let page = try reportingFailures { try summary.writePage(in: folder) }
      print("Page: \(page)")
    }
  }
}
