import Foundation
import Metrics
import Scenarios
import Testing

/// Every shipped scenario at its minimal size, and the digests that it has had so far.
@Suite("Shipped scenarios")
struct ShippedScenarioTests {
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  static let goldens = root.appendingPathComponent("Tests/ScenariosTests/Goldens/digests.txt")

  static let files: [String] = {
    let folder = root.appendingPathComponent("Scenarios").path
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".yaml") }.sorted()
  }()

  /// One line for each subsystem of replication 0 of each point.
  static func digests(of file: String) throws -> [String] {
    let folder = root.appendingPathComponent("Scenarios")
    let document = try ScenarioDocument(
      path: folder.appendingPathComponent(file).path, name: file)
    let points = try document.points(minimal: true)
    let scenarios = try ScenarioDocument.read(points) { try Scenario($0, folder: folder.path) }
    return zip(points, scenarios).flatMap { point, scenario in
      let outcome = scenario.makeOutcome(seed: scenario.seed(ofReplication: 0))
      let label = point.labels.map { "\($0.key)=\($0.text)" }.joined(separator: ",")
      return outcome.digests.map { part in
        let digest = String(part.digest, radix: 16)
        return "\(file) [\(label)] \(part.subsystem) \(part.steps) \(digest)"
      }
    }
  }

  @Test("runs at its minimal size and gives the digest it has always given", arguments: files)
  func golden(file: String) throws {
    let now = try Self.digests(of: file)
    #expect(!now.isEmpty)
    let known = try String(contentsOf: Self.goldens, encoding: .utf8)
      .split(separator: "\n").map(String.init).filter { $0.hasPrefix(file + " ") }
    #expect(
      now == known, "if it was meant to change: ./Scripts/goldens, and say so in Results/CHANGES.md"
    )
  }

  @Test("no monitor fires at the minimal size", arguments: files)
  func monitors(file: String) throws {
    let folder = Self.root.appendingPathComponent("Scenarios")
    let document = try ScenarioDocument(path: folder.appendingPathComponent(file).path)
    let points = try document.points(minimal: true)
    for scenario in try ScenarioDocument.read(points, { try Scenario($0, folder: folder.path) }) {
      let outcome = scenario.makeOutcome(seed: scenario.seed(ofReplication: 1))
      #expect(outcome.violations == [])
    }
  }

  @Test(
    "writes the digests anew when asked to",
    .enabled(if: ProcessInfo.processInfo.environment["TRIBUTARY_RECORD"] != nil))
  func record() throws {
    let lines = try Self.files.flatMap { try Self.digests(of: $0) }
    try FileManager.default.createDirectory(
      at: Self.goldens.deletingLastPathComponent(), withIntermediateDirectories: true)
    try (lines.joined(separator: "\n") + "\n").write(
      to: Self.goldens, atomically: true, encoding: .utf8)
  }
}
