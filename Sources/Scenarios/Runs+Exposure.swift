import Kernel
import Machines
import Metrics
import Sharding
import Statistics

extension Scenario {
  /// How safe the committees of shards are from the stated adversary: exact probabilities of a
  /// drawing, and an attack by joining and leaving that is drawn from `seed`.
  func reportExposure(_ seed: UInt64, _ outcome: inout Outcome) {
    guard let shards, let exposure = shards.exposure else { return }
    func add(_ metric: String, _ unit: String, _ value: Double?) {
      outcome.metrics.append(.init("\(shards.name).\(metric)", unit, value))
    }
    let (faulty, population) = (exposure.faulty, exposure.population)
    let limit = CommitteeFailure.Limit.moreThan(exposure.tolerated)
    let one = CommitteeFailure.one(
      size: shards.members, faulty: faulty, population: population, limit)
    let any = CommitteeFailure.any(
      sizes: Array(repeating: shards.members, count: shards.count), faulty: faulty,
      population: population, limit)
    let endless = CommitteeFailure.unionBound(
      CommitteeFailure.one(size: shards.members, faultyShare: exposure.adversary, limit),
      committees: shards.count)
    add("committee_tolerates", "1", Double(exposure.tolerated))
    add("committee_failure", "1", rounded(one))
    add("any_committee_failure", "1", rounded(any))
    add("years_to_failure", "1", years(any, exposure))
    add("years_to_failure_binomial", "1", years(endless, exposure))
    if let attack = exposure.joinLeave { report(attack, exposure, shards, seed, add) }
  }

  private func report(
    _ attack: ExposurePlan.JoinLeave, _ exposure: ExposurePlan, _ shards: ShardPlan,
    _ seed: UInt64, _ add: (String, String, Double?) -> Void
  ) {
    var run = JoinLeaveAttack(
      .init(
        nodes: exposure.population, shards: shards.count, faulty: exposure.faulty,
        rejoins: attack.rejoins, honestChurn: attack.honestChurn, rule: attack.rule), seed: seed)
    let faulty = (0..<exposure.population).map { $0 < exposure.faulty }
    var (worst, sum, target, moved) = (0.0, 0.0, 0.0, 0)
    var broken = 0
    for _ in 0..<attack.epochs {
      let state = run.next()
      worst = max(worst, state.worstShare)
      sum += state.worstShare
      target = state.targetShare
      moved += state.moved
      // Sizes vary with joins: as many of a committee are too many as of one of the stated size.
      let tolerated = Double(exposure.tolerated) / Double(shards.members)
      let isBroken = (0..<shards.count).contains {
        let s = ShardID($0)
        return Double(run.assignment.marked(in: s, faulty))
          > tolerated * Double(run.assignment.size(of: s))
      }
      broken += isBroken ? 1 : 0
    }
    let epochs = Double(attack.epochs)
    add("join_leave_worst_share", "1", worst)
    add("join_leave_mean_worst_share", "1", sum / epochs)
    add("join_leave_target_share", "1", target)
    add("join_leave_broken_epochs", "1", Double(broken) / epochs)
    add("join_leave_moves_per_epoch", "1", Double(moved) / epochs)
  }

  /// Mean years until a drawing fails, `nil` where none can.
  private func years(_ p: Double, _ exposure: ExposurePlan) -> Double? {
    let year = 365.0 * 86_400
    return p > 0
      ? rounded(
        CommitteeFailure.years(perEpoch: p, epochsPerYear: year / exposure.redrawn.seconds)) : nil
  }

  /// With nine digits: the last ones of a special function differ between processors.
  private func rounded(_ value: Double) -> Double {
    guard value.isNormal else { return 0 }
    let digits = (value.significand * 0x1p30).rounded() / 0x1p30
    return Double(sign: value.sign, exponent: value.exponent, significand: digits)
  }
}
