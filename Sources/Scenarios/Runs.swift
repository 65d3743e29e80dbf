import Kernel
import Metrics
import Simulation

extension Scenario {
  /// When a run ends at the latest.
  public var end: SimTime { .zero + horizon.atMost }

  /// Runs the scenario with `seed` and says what came of it.
  public func makeOutcome(seed: UInt64) -> Outcome {
    let run = makeSimulation(seed: seed)
    run.start()
    run.run(until: end)
    return run.outcome(until: end, measuring: Measuring(mode: measure))
  }
}
