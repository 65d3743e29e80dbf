import Exploration
import Foundation
import Scenarios
import Testing

@Suite("Swarms") struct SwarmTests {
  /// Bases of all swarms that are shipped.
  static let files: [String] = {
    let folder = root + "/Scenarios/swarm"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".yaml") }.sorted()
  }()

  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  static func swarm(_ file: String, _ overrides: [String] = [], isBeyond: Bool = false) throws
    -> Swarm
  {
    let document = try ScenarioDocument(path: "\(root)/Scenarios/swarm/\(file)", name: file)
    return try Swarm(try document.points(overrides: overrides)[0], isBeyond: isBeyond)
  }

  @Test("inside the assumptions of a protocol no monitor fires", arguments: files)
  func sound(file: String) throws {
    let swarm = try Self.swarm(file)
    var decisions = 0
    for seed in 1...12 as ClosedRange<UInt64> {
      let verdict = try swarm.run(swarm.trial(seed: seed))
      #expect(verdict.findings == [], "\(file), seed \(seed)")
      decisions += verdict.decisions
    }
    #expect(decisions > 0)
  }

  @Test("a trial is the same whenever it is drawn and run") func determinism() throws {
    let swarm = try Self.swarm("pbft.yaml")
    for seed in 1...5 as ClosedRange<UInt64> {
      let (a, b) = (swarm.trial(seed: seed), swarm.trial(seed: seed))
      #expect(swarm.text(of: a) == swarm.text(of: b))
      #expect(try swarm.run(a) == swarm.run(b))
    }
    #expect(swarm.text(of: swarm.trial(seed: 1)) != swarm.text(of: swarm.trial(seed: 2)))
  }

  @Test("draws every kind of disturbance") func kinds() throws {
    let swarm = try Self.swarm("pbft.yaml")
    let all = (1...300 as ClosedRange<UInt64>).flatMap { swarm.trial(seed: $0).disturbances }
    for word in [
      "crash: leader", "crash: ", "keeps-disk: false", "partition", "one-way: true", "clock",
      "links", "gst", "silent", "delay", "withhold", "censor", "twins",
    ] {
      #expect(all.contains { $0.text.contains(word) }, "\(word)")
    }
  }

  @Test("a scenario that says nothing of a swarm is refused, as are nodes that cannot be")
  func refusals() throws {
    #expect {
      try Self.swarm("pbft.yaml", ["explore.nodes.to=3", "explore.nodes.from=2"])
    } throws: {
      "\($0)".contains("explore.nodes")
    }
    let text = """
      tributary: 1
      name: plain
      until: 1 s
      network: { nodes: 4, delay: 1 ms }
      chains: [{ name: main, consensus: { pbft: {} } }]
      """
    let document = try ScenarioDocument(text: text, file: "plain.yaml")
    let point = try document.points()[0]
    #expect { try Swarm(point, isBeyond: false) } throws: { "\($0)".contains("explore") }
  }
}
