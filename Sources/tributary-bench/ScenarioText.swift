import Scenarios
import Simulation

/// Scenarios that the benches run, as text: what users do.
enum ScenarioText {
  static func scenario(_ text: String, protocols: [ProtocolEntry] = registry) -> Scenario {
    do {
      let document = try ScenarioDocument(text: text, file: "bench.yaml")
      return try ScenarioDocument.read(try document.points()) {
        try Scenario($0, protocols: protocols)
      }[0]
    } catch {
      preconditionFailure("\(error)")
    }
  }

  static func simulation(_ text: String, protocols: [ProtocolEntry] = registry) -> Simulation {
    let scenario = scenario(text, protocols: protocols)
    return scenario.makeSimulation(seed: scenario.seed)
  }
}
