import Foundation
import Scenarios
import Testing

/// What swarms have found, each mended since: the first line of a file says what was wrong.
@Suite("What swarms have found") struct FoundTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Found"
  static let files: [String] =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    .filter { $0.hasSuffix(".yaml") }.sorted()

  @Test("no monitor fires any more", arguments: files)
  func mended(file: String) throws {
    let text = try String(contentsOfFile: "\(Self.folder)/\(file)", encoding: .utf8)
    let scenario = try Scenario(text: text)
    let violations = scenario.violations(seed: scenario.seed(ofReplication: 0))
    #expect(violations.isEmpty, "\(file): \(violations)")
  }

  @Test("they are there") func present() {
    #expect(Self.files.count >= 15)
  }
}
