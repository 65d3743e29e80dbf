import Ledger

/// Chainspace's S-BAC (Al-Bassam et al., NDSS '18, §IV): two-phase commit in which each phase is
/// ordered by the shards' own consensus. Every input shard prepares (checks and locks) and sends
/// its vote to all others; with all votes each accepts or aborts; shards that only receive create
/// their part when the accept has come. Work in operations: 2p + q.
extension ShardLedger {
  mutating func prepare(_ part: Int, _ effects: inout CommitEffects) -> Verdict {
    guard transfers.parts[part].state == .idle else { return .isStale }
    let verdict = problem(with: part)
    if verdict == .accepted { hold(part) } else { transfers.parts[part].state = .refused }
    let paying = transfers.payingParts(of: Int(transfers.parts[part].transfer))
    for other in paying where other != part {
      effects.votes.append(
        .init(
          shard: transfers.parts[other].shard, part: UInt32(part), accepts: verdict == .accepted))
    }
    if verdict == .accepted {
      effects.request(
        .accept, part, at: transfers.parts[part].shard,
        votes: settings.weakness == .unlocksWithoutProof ? 0 : paying.count - 1,
        needsAll: false)
    }
    return verdict
  }

  /// All votes are there, or one against; what they say is in the proofs that come with it.
  mutating func accept(_ part: Int, _ effects: inout CommitEffects) -> Verdict {
    guard transfers.parts[part].state == .held else { return .isStale }
    let transfer = Int(transfers.parts[part].transfer)
    let paying = transfers.payingParts(of: transfer)
    if paying.contains(where: { transfers.parts[$0].state == .refused }) {
      release(part)
      return .accepted
    }
    let haveAll = paying.allSatisfy {
      transfers.parts[$0].state == .held || transfers.parts[$0].state == .done
    }
    guard haveAll || settings.weakness == .unlocksWithoutProof else { return .lacksProof }
    finishHeld(part)
    if part == paying.lowerBound {
      for other in transfers.receivingParts(of: transfer) {
        effects.request(.create, other, at: transfers.parts[other].shard)
      }
    }
    return .accepted
  }

  mutating func create(_ part: Int) -> Verdict {
    let first = Int(transfers[Int(transfers.parts[part].transfer)].firstPart)
    guard transfers.parts[first].state == .done else { return .lacksProof }
    guard transfers.parts[part].state == .idle || settings.weakness == .appliesTwice else {
      return .isStale
    }
    apply(part)
    return .accepted
  }
}
