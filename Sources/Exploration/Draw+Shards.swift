import Consensus
import Kernel
import Scenarios

/// Adversaries of committees that share a ledger: in each at most as many as its protocol
/// tolerates, or more beyond the assumptions.
extension Draw {
  mutating func drawAdversaries(of shards: ShardPlan) {
    let roles = swarm.entry.roles(with: swarm.values, nodes: shards.members)
    let tolerated = roles?.tolerated ?? (shards.members - 1) / 3
    let canLie = roles?.committee.faults == .byzantine
    for shard in 0..<shards.count {
      let most = swarm.isBeyond ? min(2 * tolerated + 1, shards.members - 1) : tolerated
      let count = random.range((swarm.isBeyond ? tolerated + 1 : 0)...max(most, tolerated + 1))
      if swarm.isBeyond, canLie, random.bernoulli(0.5) {
        let liars = random.sample(min(count, most), of: shards.members).sorted()
        disturbances += twoWorlds(
          of: liars, among: shards.members, chain: "\(shards.name)-\(shard)"
        ) { shard * shards.members + $0 }
        continue
      }
      for member in random.sample(min(count, most), of: shards.members).sorted() {
        if canLie {
          drawBehaviour(of: member, shard, shards)
        } else if !swarm.entry.spreads, random.bernoulli(0.3) {
          disturbances.append(
            .init(
              .faults,
              "{ at: \(text(share(of: calm, 0, 1))), crash: \(shard * shards.members + member) }"))
        }
      }
    }
  }

  private mutating func drawBehaviour(of member: Int, _ shard: Int, _ shards: ShardPlan) {
    let behaviour: String
    switch random.range(0..<6) {
    case 0: behaviour = "silent: {}"
    case 1: behaviour = "delay: \(text(share(of: calm, 0.001, 0.2)))"
    case 2: behaviour = "withhold: { reaches: \(random.range(10...90)) % }"
    case 3: behaviour = "censor: { share: \(random.range(10...90)) % }"
    case 4: behaviour = "twins: { hears: own, period: \(text(share(of: calm, 0.05, 0.5))) }"
    default:
      let (at, duration) = span()
      let node = shard * shards.members + member
      disturbances.append(
        .init(.faults, "{ at: \(at), crash: \(node), for: \(duration), keeps-disk: false }"))
      return
    }
    disturbances.append(
      .init(
        .adversaries,
        "{ chain: \(shards.name)-\(shard), nodes: \(list([member])), behaviour: { \(behaviour) } }"
      ))
  }
}
