import Kernel
import Metrics
import Sharding
import Simulation
import Statistics
import Workloads

extension Scenario {
  /// When a run ends at the latest.
  public var end: SimTime { .zero + horizon.atMost }

  /// Reads the text of a scenario without a sweep: a run from code, as an explorer needs it.
  ///
  /// - Parameter overrides: as `--set` takes them, `key=value`.
  public init(
    text: String, file: String = "scenario", overrides: [String] = [], folder: String = "."
  ) throws(ScenarioErrors) {
    let document = try ScenarioDocument(text: text, file: file)
    let points = try document.points(overrides: overrides)
    guard points.count == 1 else {
      throw ScenarioErrors(
        ScenarioError("is one run, not a sweep of \(points.count)", at: Origin(file), path: "sweep")
      )
    }
    self = try ScenarioDocument.read(points) { try Scenario($0, folder: folder) }[0]
  }

  /// What the monitors of `run`, which ended at `end`, have to say.
  public func violations(of run: Simulation, until end: SimTime) -> [Outcome.Violation] {
    run.world.violations + chainViolations(run, until: end) + ledgerViolations(run, until: end)
      + livenessViolations(run, until: end)
  }

  /// What the monitors of chains that look at all nodes find at `end`, as their reports have it.
  private func chainViolations(_ run: Simulation, until end: SimTime) -> [Outcome.Violation] {
    run.subsystems.flatMap { subsystem in
      subsystem.findings(run.world).map {
        Outcome.Violation(
          subsystem: subsystem.name, monitor: $0.monitor, time: end.seconds, detail: $0.detail)
      }
    }
  }

  /// What the audits of ledgers over shards find at `end`, as their reports have it.
  private func ledgerViolations(_ run: Simulation, until end: SimTime) -> [Outcome.Violation] {
    run.subsystems.compactMap { $0 as? ShardedLedger }.flatMap { sharded in
      sharded.ledger.monitor.audit(sharded.ledger).map {
        Outcome.Violation(
          subsystem: sharded.name, monitor: $0.monitor, time: end.seconds, detail: $0.detail)
      }
    }
  }

  /// What the monitors have to say of the run with `seed`: agreement, order, validity,
  /// double-execution, accountability, and liveness where it is asked for.
  public func violations(seed: UInt64) -> [Outcome.Violation] {
    makeOutcome(seed: seed).violations
  }

  /// What is allowed, and what a user should still know before trusting the results: of each chain.
  public var warnings: [String] {
    chains.flatMap { chain in
      var warnings: [String] = []
      if case .choice(let rule) = chain.consensus.values["weakness"], rule != "none" {
        warnings.append("\(chain.name): weakened on purpose: \(rule)")
      }
      let entry = chain.consensus.entry
      if let warning = entry.warning(on: chain.consensus.values, nodes: chain.nodes) {
        warnings.append("\(chain.name): \(warning)")
      }
      return warnings
    }
  }

  /// Runs the scenario with `seed` and says what came of it.
  public func makeOutcome(seed: UInt64) -> Outcome {
    let run = makeSimulation(seed: seed)
    run.start()
    run.run(until: end)
    var outcome = run.outcome(
      until: end, measuring: Measuring(mode: measure), costs: costSettings(run))
    let finish = run.world.isComplete ? run.world.now : end
    outcome.violations += livenessViolations(run, until: finish)
    outcome.warnings += warnings
    reportRecordsOnChain(&outcome)
    reportAccounts(run, seed, &outcome)
    reportDoubleSpends(&outcome)
    reportSettlement(&outcome)
    reportExposure(seed, &outcome)
    reportScaleOut(seed, &outcome)
    return outcome
  }

  /// Records that are a chain's transactions have its figures, under their store's name, so that
  /// they stand beside those of a store that only anchors.
  private func reportRecordsOnChain(_ outcome: inout Outcome) {
    for store in stores {
      guard case .onChain = store.keep else { continue }
      for metric in outcome.metrics where metric.name.hasPrefix(store.chain + ".") {
        let part = metric.name.dropFirst(store.chain.count)
        outcome.metrics.append(.init(store.name + part, metric.unit, metric.value))
      }
      let bytes = outcome["\(store.name).throughput_bytes"] ?? 0
      outcome.metrics.append(.init("\(store.name).throughput_mb", "MB/s", bytes / 1e6))
    }
  }

  /// The closed forms beside what an attacker has measured: the exact one, and Nakamoto's, which
  /// takes a Poisson for the attacker's progress and is too low.
  private func reportDoubleSpends(_ outcome: inout Outcome) {
    for chain in chains where outcome["\(chain.name).double_spend_attempts"] != nil {
      let values = chain.consensus.values
      let q = values.fraction("attacker-share")
      let z = values.count("attacker-confirmations")
      outcome.metrics += [
        .init(
          "\(chain.name).double_spend_exact", "1", steadied(DoubleSpend.exact(q: q, z: z))),
        .init(
          "\(chain.name).double_spend_nakamoto", "1", steadied(DoubleSpend.nakamoto(q: q, z: z))),
      ]
    }
  }

  /// Without the last digits of a special function, which differ between processors.
  private func steadied(_ value: Double) -> Double { (value * 1e13).rounded() / 1e13 }

  /// How the accounts that a chain's transactions name are spread.
  private func reportAccounts(_ run: Simulation, _ seed: UInt64, _ outcome: inout Outcome) {
    for source in planSources().sources {
      guard case .clients(let plan) = source.kind else { continue }
      let p = source.populations.lowerBound
      let choice = AccountChoice(
        accounts: plan.accounts, skew: plan.skew > 0 ? .zipf(exponent: plan.skew) : .uniform,
        seed: seed,
        population: UInt32(p))
      let submitted = min(run.world.logs[p].count, 100_000)
      guard submitted > 0 else { continue }
      let spread = choice.concentration(of: 0..<UInt64(submitted))
      let name = chains[source.chain].name
      outcome.metrics.append(
        .init("\(name).hottest_account_share", "1", spread.hottestShare))
    }
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
