import Consensus
import Foundation
import Kernel
import LeaderEcho
import Metrics
import Scenarios
import Testing

/// A protocol of one's own: one file, and one line in the registry.
@Suite("A protocol of one's own")
struct OwnProtocolTests {
  static let text = """
    tributary: 1
    name: echo
    replications: 2
    until: 3 s
    network: { delay: 1 ms, nodes: 5, uplink: 1 Gbit/s, downlink: 1 Gbit/s }
    machines: { cpu: { cores: { count: 2 } } }
    chains:
      - name: main
        consensus: { leader-echo: { batch: 50 } }
    workload: { arrivals: { poisson: 2000 /s }, transactions: { size: 200 B } }
    """

  static func read(_ text: String) throws -> [Scenario] {
    let protocols = registry + [.committee(LeaderEcho.self, "a toy")]
    let document = try ScenarioDocument(text: text, file: "echo.yaml")
    return try ScenarioDocument.read(try document.points()) {
      try Scenario($0, protocols: protocols)
    }
  }

  @Test("runs from a scenario file")
  func runs() throws {
    let outcome = try Self.read(Self.text)[0].makeOutcome(seed: 7)
    #expect(outcome.violations == [])
    #expect((outcome["main.throughput"] ?? 0) > 1800)
    let latency = try #require(outcome["main.latency_p50"])
    #expect(latency > 0.003 && latency < 0.1)
  }

  @Test("has its settings checked like any other's")
  func checks() {
    let bad = Self.text.replacingOccurrences(of: "batch: 50", with: "batsh: 50")
    #expect {
      try Self.read(bad)
    } throws: { error in
      let text = "\(error)"
      return text.contains("echo.yaml:9") && text.contains("batsh") && text.contains("'batch'")
    }
  }

  @Test("stands in README as it stands in its file")
  func readme() throws {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let file = try String(
      contentsOf: root.appendingPathComponent("Tests/Support/LeaderEcho/LeaderEcho.swift"),
      encoding: .utf8)
    let page = try String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
    #expect(page.contains("```swift\n" + file + "```"))
  }
}
