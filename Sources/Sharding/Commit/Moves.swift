import Ledger

/// Accounts move between shards: the old shard lets an account go that nobody holds, with all that
/// is on it; the new one takes it in when the proof of that has come, as a relay is. Meanwhile
/// nothing can be paid from it. Two operations a move.
extension ShardLedger {
  mutating func leave(_ part: Int, _ effects: inout CommitEffects) -> Verdict {
    let account = movedAccount(of: part)
    let shard = transfers.parts[part].shard
    guard transfers.parts[part].state == .idle else { return .isStale }
    guard home[account] == shard else { return .hasMoved }
    guard holders[account] == 0 else {
      transfers.parts[part].state = .refused
      return .isLocked
    }
    let target = transfers.parts[part + 1].shard
    home[account] = Self.away
    destination[account] = target
    transfers.parts[part].state = .done
    effects.request(.enter, part + 1, at: target)
    return .accepted
  }

  mutating func enter(_ part: Int) -> Verdict {
    let account = movedAccount(of: part)
    guard transfers.parts[part].state == .idle, transfers.parts[part - 1].state == .done else {
      return .isStale
    }
    home[account] = transfers.parts[part].shard
    transfers.parts[part].state = .done
    if settings.weakness == .dropsState { balances[account] = 0 }
    monitor.moved += 1
    return .accepted
  }

  private func movedAccount(of part: Int) -> Int {
    Int(transfers.legs[Int(transfers.parts[part].firstLeg)].account.index)
  }
}
