import Kernel
import Metrics
import Simulation

/// What a run is checked for, beside the monitors that are always on.
public struct ChecksPlan: Sendable, Equatable {
  /// Within `bound` after it is submitted, but not before `after`, a transaction is final. Chains
  /// without clients decide something in every stretch of `bound`.
  public struct Liveness: Sendable, Equatable {
    /// From here on all faults are healed and GST has passed.
    public var after: SimTime
    public var bound: SimDuration
  }

  public var liveness: Liveness?
}

extension ChecksPlan {
  init(_ section: Section) {
    liveness = section.optionalSection(
      "liveness", "after a time without faults, what is submitted becomes final soon"
    ) {
      Liveness(
        after: .zero
          + $0.duration(
            "after", in: .zero...FaultPlan.longest,
            "from when on: not before GST and the ends of all faults"),
        bound: $0.duration(
          "within", in: .nanoseconds(1)...FaultPlan.longest,
          "how soon a transaction is final, or a chain without clients decides"))
    }
  }
}

extension Scenario {
  /// Whether the check can be kept by what the scenario says of faults with a set time.
  func checkLiveness(_ section: Section) {
    guard let liveness = checks.liveness else { return }
    if let gst = network.stabilisation?.gst, gst > liveness.after {
      section.fail("checks", "liveness.after is before GST")
    }
    for fault in faults where fault.healed.map({ $0 > liveness.after }) ?? false {
      section.fail("checks", "liveness.after is before the end of a fault")
    }
    for plan in adversaries where plan.adversary.until < .never {
      if plan.adversary.until > liveness.after {
        section.fail("checks", "liveness.after is before the end of an adversary")
      }
    }
    if liveness.after + liveness.bound > end {
      section.fail("checks", "liveness.after and within are longer than the run")
    }
  }

  /// Violations of the liveness that the scenario asks for; at most one a chain.
  func livenessViolations(_ run: Simulation, until end: SimTime) -> [Outcome.Violation] {
    guard let liveness = checks.liveness else { return [] }
    let ofShards = run.subsystems.compactMap { $0 as? ShardedLedger }.compactMap { ledger in
      let late = ledger.overdue(
        after: liveness.after, bound: liveness.bound, until: end, run.world)
      return late.count == 0
        ? nil
        : Outcome.Violation(
          subsystem: ledger.name, monitor: "liveness", time: end.seconds,
          detail: "\(late.count) transfers, the first submitted at \(late.first.seconds) s, were "
            + "not settled in time")
    }
    return ofShards
      + chains.indices.filter { chains[$0].shard == nil }.compactMap { c in
        let populations = run.world.populations.indices.filter {
          Int(run.world.populations[$0].chain) == c + 1
        }
        let detail =
          populations.isEmpty
          ? gap(in: run.world.decisionLogs[c + 1], liveness, until: end)
          : overdue(populations.map { run.world.logs[$0] }, liveness, until: end)
        return detail.map {
          Outcome.Violation(
            subsystem: chains[c].name, monitor: "liveness", time: end.seconds, detail: $0)
        }
      }
  }

  private func overdue(
    _ logs: [TransactionLog], _ liveness: ChecksPlan.Liveness, until end: SimTime
  ) -> String? {
    var late = 0
    var first = SimTime.never
    for log in logs {
      for number in 0..<log.count {
        let due = max(log.submitted[number], liveness.after) + liveness.bound
        guard due <= end, log.time(.final, of: number) > due else { continue }
        late += 1
        first = min(first, log.submitted[number])
      }
    }
    guard late > 0 else { return nil }
    return "\(late) transactions, the first submitted at \(first.seconds) s, were not final in time"
  }

  private func gap(
    in log: DecisionLog, _ liveness: ChecksPlan.Liveness, until end: SimTime
  ) -> String? {
    var last = liveness.after
    for time in log.entries.map(\.time) where time > liveness.after {
      if time - last > liveness.bound { break }
      last = time
    }
    guard end - last > liveness.bound else { return nil }
    return "nothing was decided for longer than \(liveness.bound.seconds) s from \(last.seconds) s"
  }
}
