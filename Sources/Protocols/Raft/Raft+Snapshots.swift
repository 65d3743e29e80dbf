import Consensus
import Kernel
import Ledger

/// Log compaction (§7).
extension Raft {
  /// The state after `index` stands for the log up to there.
  mutating func takeSnapshot(_ index: UInt32, _ term: UInt32) {
    snapshot.index = index
    snapshot.term = term
    snapshot.state.assign(state)
    log.compact(to: index, term)
  }

  /// The follower needs entries that the log does not hold any more.
  mutating func sendSnapshot(to i: Int, _ effects: inout Effects<Self>) {
    // A log that is too old for what its own entries need begins anew behind what is applied.
    if nextIndex[i] > snapshot.index, let term = log.term(at: lastApplied) {
      takeSnapshot(lastApplied, term)
    }
    nextIndex[i] = snapshot.index + 1
    effects.send(
      .installSnapshot(
        term: currentTerm, lastIndex: snapshot.index, lastTerm: snapshot.term,
        effects.store(.snapshot(snapshot.state))), to: ReplicaID(i))
  }

  mutating func install(
    _ body: BodyHandle, _ index: UInt32, _ term: UInt32, from i: ReplicaID,
    _ effects: inout Effects<Self>
  ) {
    guard case .snapshot(let received) = effects.body(body) else { return }
    guard index > lastApplied else {
      // It is behind what is applied here, and so what it stands for is equal.
      effects.send(
        .appendReply(term: currentTerm, matches: true, index: index, previous: index), to: i)
      return
    }
    if settings.isDurable { effects.write(bytes(of: received)) }
    if log.term(at: index) == term {
      // What follows the snapshot is kept (figure 13, rule 6).
      log.compact(to: index, term)
    } else {
      log.restart(at: index, term)
    }
    state.assign(received)
    snapshot = Snapshot(index: index, term: term, state: received)
    lastApplied = index
    commitIndex = max(commitIndex, index)
    mempool.forget(executed: state.executed)
    effects.caughtUp(
      to: Slot(index), transactions: state.transactions, state: state.digest)
    applyCommitted(&effects)
    effects.send(
      .appendReply(term: currentTerm, matches: true, index: index, previous: index), to: i)
  }
}
