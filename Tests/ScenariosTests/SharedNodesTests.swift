import Metrics
import Scenarios
import Testing

/// Two chains on the same nodes: they compete for cores and links, and only then.
@Suite("Two chains on the same nodes")
struct SharedNodesTests {
  /// A scenario of four nodes with the given resources and chains.
  static func outcome(cpu: String, uplink: String, chains: [String]) throws -> Outcome {
    let text = """
      tributary: 1
      name: shared
      until: 4 s
      network:
        delay: { normal: { mean: 1 ms, sd: 100 us, min: 500 us } }
        nodes: 4
        uplink: \(uplink)
        downlink: ideal
      machines: { cpu: \(cpu) }
      chains: [\(chains.joined(separator: ", "))]
      """
    let document = try ScenarioDocument(text: text, file: "shared.yaml")
    let scenario = try ScenarioDocument.read(try document.points()) { try Scenario($0) }[0]
    let outcome = scenario.makeOutcome(seed: 11)
    #expect(outcome.violations == [])
    return outcome
  }

  /// Closed-loop clients that saturate whatever is slowest.
  static let greedy = chain("main", "{ closed: { clients: 4000 } }", bundle: 50)
  /// A second chain that takes a part and no more.
  static func modest(_ rate: String) -> String {
    chain("side", "{ poisson: \(rate) }", bundle: 10)
  }
  static let idle = "{ name: side, consensus: pbft }"

  static func chain(_ name: String, _ arrivals: String, bundle: Int) -> String {
    """
    { name: \(name), consensus: { pbft: { batch: 200, batch-timeout: 5 ms, view-timeout: 20 s } },
      workload: { arrivals: \(arrivals), transactions: { size: 1 KiB },
                  clients: { bundle: \(bundle), timeout: 100 s } } }
    """
  }

  @Test("an idle second chain changes neither digest nor metrics of the first")
  func idleChain() throws {
    let cpu = "{ cores: { count: 4 } }"
    let alone = try Self.outcome(cpu: cpu, uplink: "1 Gbit/s", chains: [Self.greedy])
    let both = try Self.outcome(cpu: cpu, uplink: "1 Gbit/s", chains: [Self.greedy, Self.idle])
    for name in ["main", "main.clients"] {
      #expect(
        alone.digests.first { $0.subsystem == name } == both.digests.first { $0.subsystem == name })
    }
    for metric in alone.metrics where metric.name.hasPrefix("main.") {
      // The bill is shared with the second chain, idle or not: it stands on the node.
      if metric.name.contains("usd") || metric.name.contains("joule") { continue }
      if metric.name.contains("gco2e") { continue }
      #expect(both[metric.name] == metric.value, "\(metric.name)")
    }
  }

  /// A resource that the second chain keeps busy for a share of the time leaves the rest to the
  /// first, which is greedy: X = (1 - rho) X alone.
  @Test(
    "a busy second chain takes its share of a saturated resource",
    arguments: [
      ("{ cores: { count: 1 } }", "ideal", "nodes.cpu_max", "30000 /s"),
      ("ideal", "400 Mbit/s", "nodes.uplink_max", "6000 /s"),
    ])
  func busyChain(cpu: String, uplink: String, resource: String, rate: String) throws {
    let alone = try Self.outcome(cpu: cpu, uplink: uplink, chains: [Self.greedy])
    let side = try Self.outcome(cpu: cpu, uplink: uplink, chains: [Self.modest(rate)])
    let both = try Self.outcome(cpu: cpu, uplink: uplink, chains: [Self.greedy, Self.modest(rate)])
    let saturated = try #require(alone[resource])
    #expect(saturated > 0.97)
    let share = try #require(side[resource])
    #expect(share > 0.1 && share < 0.9)
    let before = try #require(alone["main.throughput"])
    let after = try #require(both["main.throughput"])
    #expect(abs(after / before - (1 - share)) < 0.03, "\(after / before) against \(1 - share)")
  }
}
