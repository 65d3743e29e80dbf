import ArgumentParser
import Foundation
import Scenarios

struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the scenarios of a folder and the protocols that a scenario can name.")

  @Argument(help: "A folder of scenario files.")
  var folder = "Scenarios"

  func run() throws {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    print("Scenarios in \(folder):")
    for name in names.sorted() where name.hasSuffix(".yaml") {
      let path = "\(folder)/\(name)"
      guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { continue }
      print("  \(path)\n      \(Self.summary(of: text))")
    }
    print("Protocols:")
    for entry in registry { print("  \(entry.name)\n      \(entry.sentence)") }
  }

  /// The first paragraph of the comment that a scenario file begins with, on one line.
  private static func summary(of text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
      .prefix { $0.hasPrefix("# ") }
      .map { $0.drop { $0 == "#" || $0 == " " } }
      .joined(separator: " ")
  }
}
