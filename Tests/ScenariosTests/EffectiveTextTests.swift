import Scenarios
import Testing

@Suite("The scenario as it was run")
struct EffectiveTextTests {
  @Test("reads back to the same points, without the sweep of what was overridden")
  func readsBack() throws {
    let text = """
      tributary: 1
      name: "a: b"
      until: 1 s
      network: { nodes: 4, loss: 5 % }
      chains: [{ name: main, consensus: { pbft: { batch: 10 } } }]
      sweep: { network.nodes: [4, 7], until: [1 s, 2 s] }
      minimal: { until: 3 s }
      """
    let document = try ScenarioDocument(text: text, file: "a.yaml")
    for overrides in [[], ["network.nodes=10"], ["network.nodes=10", "until=5 s"]] {
      let effective = try document.effectiveText(overrides: overrides)
      let again = try ScenarioDocument(text: effective, file: "b.yaml").points()
      let points = try document.points(overrides: overrides)
      #expect(again.map(\.labels) == points.map(\.labels))
      #expect(again.map(\.root.canonicalText) == points.map(\.root.canonicalText))
    }
  }
}
