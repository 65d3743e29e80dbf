import Foundation
import Kernel
import Scenarios
import Simulation
import Testing

/// Shipped scenarios with something broken in them: never a crash, always a run or an explanation.
@Suite("Mutated scenarios")
struct ShippedMutationTests {
  private static let folder = ShippedScenarioTests.root.appendingPathComponent("Scenarios")

  /// Mutations of each file, so that there are 10,000 of all.
  private static let perFile = 10_000 / max(ShippedScenarioTests.files.count, 1) + 1

  /// What reading `bytes` at both sizes gives: a point that can be run, or the mistakes.
  private static func read(_ bytes: [UInt8], file: String) -> Result<Scenario, ScenarioErrors> {
    do throws(ScenarioErrors) {
      let document = try ScenarioDocument(bytes: bytes, file: file)
      var scenarios: [Scenario] = []
      for isMinimal in [false, true] {
        let points = try document.points(minimal: isMinimal)
        scenarios = try ScenarioDocument.read(Array(points.prefix(3))) {
          try Scenario($0, folder: folder.path)
        }
      }
      return .success(scenarios[0])
    } catch {
      return .failure(error)
    }
  }

  /// Runs the first events; a world that is too large for a test is left unbuilt.
  private static func start(_ scenario: Scenario) -> Bool {
    guard scenario.network.nodeCount <= 1_000 else { return false }
    let run = scenario.makeSimulation(seed: 1)
    run.start()
    var events = 0
    while events < 300, !run.world.isComplete, run.world.queue.nextTime <= scenario.end, run.step()
    {
      events += 1
    }
    return true
  }

  @Test("10,000 of them run or are explained with a line", arguments: ShippedScenarioTests.files)
  func mutations(file: String) throws {
    let text = try Data(contentsOf: Self.folder.appendingPathComponent(file))
    var mutator = Mutator(seed: 7)
    var refused = 0
    var started = 0
    for _ in 0..<Self.perFile {
      var broken = Array(text)
      for _ in 0...mutator.roll(3) { broken = mutator.mutated(broken) }
      switch Self.read(broken, file: file) {
      case .success(let scenario):
        if started < 40, Self.start(scenario) { started += 1 }
      case .failure(let errors):
        refused += 1
        for error in errors.errors {
          #expect(error.file == file && !error.message.isEmpty)
          // Only what no line can be held to blame for goes without one.
          let isWhole =
            ["not valid YAML", "is empty", "no minimal size"].contains {
              error.message.contains($0)
            }
          #expect(error.line != nil || isWhole, "\(error)")
        }
      }
    }
    #expect(refused > Self.perFile / 4 && started > 0, "\(refused) refused, \(started) started")
  }
}
