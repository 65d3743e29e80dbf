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
    return run.outcome(
      until: end, measuring: Measuring(mode: measure), costs: costSettings(run))
  }

  /// The bill of a run: every node is the same kind of instance.
  private func costSettings(_ run: Simulation) -> CostSettings? {
    guard let costs else { return nil }
    var work: [(subsystem: Int, work: ProofOfWork)] = []
    if let mining = costs.mining {
      for (c, chain) in chains.enumerated() where chain.consensus.entry.mines {
        work.append(
          (
            c + 1,
            ProofOfWork(
              region: 0, hashesPerSecond: mining.hashesPerSecond,
              joulesPerHash: mining.joulesPerHash)
          ))
      }
    }
    return CostSettings(
      prices: costs.prices, energy: costs.energy, classes: [costs.instance],
      classOf: Array(repeating: 0, count: run.world.machines.count),
      retentionMonths: costs.retentionMonths, work: work)
  }
}
