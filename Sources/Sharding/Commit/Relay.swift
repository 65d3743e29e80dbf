import Ledger

/// Monoxide's relay (Wang and Wang, NSDI '19, §4.3): the payer's shard takes the money, each
/// receiver's shard adds its part when the proof of that has come. A transfer has one paying part.
/// Work in operations: one for each part; it never aborts once the money is taken.
extension ShardLedger {
  mutating func withdraw(_ part: Int, _ effects: inout CommitEffects) -> Verdict {
    guard transfers.parts[part].state == .idle else { return .isStale }
    let verdict = problem(with: part)
    guard verdict == .accepted else {
      transfers.parts[part].state = .refused
      return verdict
    }
    apply(part)
    for other in transfers.receivingParts(of: Int(transfers.parts[part].transfer)) {
      effects.request(.deposit, other, at: transfers.parts[other].shard)
    }
    return .accepted
  }

  mutating func deposit(_ part: Int, _ effects: inout CommitEffects) -> Verdict {
    let transfer = Int(transfers.parts[part].transfer)
    if transfers.parts[part].state == .held {
      // Of a yanked input, whose money has been spent at the output committee.
      guard transfers.parts[outputPart(of: transfer)].state == .done else { return .lacksProof }
      finishHeld(part)
      return .accepted
    }
    guard
      settings.commit == .yank
        || transfers.payingParts(of: transfer).allSatisfy({ transfers.parts[$0].state == .done })
    else { return .lacksProof }
    if settings.commit == .yank, transfers.parts[outputPart(of: transfer)].state != .done {
      return .lacksProof
    }
    guard transfers.parts[part].state == .idle || settings.weakness == .appliesTwice else {
      return .isStale
    }
    if followMoved(part, &effects) { return .hasMoved }
    apply(part)
    return .accepted
  }

  /// If the account that `part` credits has left its shard, the deposit follows it there. An
  /// account on its way may be credited where it is going.
  private mutating func followMoved(_ part: Int, _ effects: inout CommitEffects) -> Bool {
    guard transfers.parts[part].legs == 1 else { return false }
    let account = Int(transfers.legs[Int(transfers.parts[part].firstLeg)].account.index)
    let shard = destination[account]
    guard shard != transfers.parts[part].shard else { return false }
    transfers.parts[part].shard = shard
    effects.request(.deposit, part, at: shard)
    return true
  }
}
