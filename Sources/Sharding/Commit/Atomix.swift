import Ledger

/// OmniLedger's Atomix (Kokoris-Kogias et al., S&P '18, §IV-B): the client has every input shard
/// lock and say so by a proof of acceptance or rejection; with all acceptances it has the output
/// shards commit, with one rejection it has the locked shards give back.
///
/// Work in operations for p input and q output shards that are not inputs: p + q if amounts are
/// held, as an unspent output is spent by its lock; 2p + q if accounts are locked, whose locks an
/// operation must end. An input shard with something to receive takes a second one in any case.
extension ShardLedger {
  mutating func lock(_ part: Int) -> Verdict {
    guard transfers.parts[part].state == .idle else { return .isStale }
    let verdict = problem(with: part)
    guard verdict == .accepted else {
      transfers.parts[part].state = .refused
      return verdict
    }
    hold(part)
    return .accepted
  }

  mutating func commit(_ part: Int) -> Verdict {
    let transfer = Int(transfers.parts[part].transfer)
    let state = transfers.parts[part].state
    guard state == (transfers.parts[part].pays ? .held : .idle) else { return .isStale }
    guard isAccepted(transfer) || settings.weakness == .unlocksWithoutProof else {
      return .lacksProof
    }
    if state == .held { finishHeld(part) } else { apply(part) }
    if settings.locks == .amounts { spendHolds(of: transfer) }
    return .accepted
  }

  mutating func abort(_ part: Int) -> Verdict {
    guard transfers.parts[part].state == .held else { return .isStale }
    let transfer = Int(transfers.parts[part].transfer)
    let isRejected = transfers.payingParts(of: transfer).contains {
      transfers.parts[$0].state == .refused
    }
    guard isRejected || settings.weakness == .unlocksWithoutProof else { return .lacksProof }
    release(part)
    return .accepted
  }

  /// Whether there is a proof of acceptance of every input shard.
  private func isAccepted(_ transfer: Int) -> Bool {
    transfers.payingParts(of: transfer).allSatisfy {
      transfers.parts[$0].state == .held || transfers.parts[$0].state == .done
    }
  }

  /// Held amounts with nothing to receive are spent as soon as the transfer commits anywhere.
  private mutating func spendHolds(of transfer: Int) {
    for part in transfers.payingParts(of: transfer)
    where transfers.parts[part].state == .held
      && transfers.legs(of: part).allSatisfy({ transfers.legs[$0].amount < 0 })
    {
      finishHeld(part)
    }
  }
}
