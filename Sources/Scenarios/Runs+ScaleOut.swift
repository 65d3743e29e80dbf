import Metrics
import Sharding

extension Scenario {
  /// How many times one shard's throughput these shards can have at most: what the busiest one has
  /// to do for a transfer, by where its accounts really live, how popular they are, and the
  /// operations of the commit protocol. `nil` where accounts move or partners are not independent.
  func reportScaleOut(_ seed: UInt64, _ outcome: inout Outcome) {
    guard let shards else { return }
    outcome.metrics.append(
      .init("\(shards.name).scale_out_cap", "1", scaleOutCap(shards, seed: seed)))
  }

  private func scaleOutCap(_ shards: ShardPlan, seed: UInt64) -> Double? {
    if case .labels = shards.placement { return nil }
    guard shards.payers == 1, shards.receiversOfMoney <= 1, shards.communities == nil,
      shards.trace.isEmpty, shards.workload.accounts > 1
    else { return nil }
    let home = shards.home(seed: seed)
    let popularity = AccessShares.zipf(
      accounts: shards.workload.accounts, exponent: shards.workload.skew)
    let shares = AccessShares(popularity: popularity, shards: shards.count) { home[$0] }
    return shards.receiversOfMoney == 0 ? shares.capOfOne : shares.cap(shards.commit.units)
  }
}
