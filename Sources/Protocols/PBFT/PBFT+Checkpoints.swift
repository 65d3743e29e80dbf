import Consensus
import Kernel
import Ledger

/// Checkpoints and garbage collection (§4.3).
extension PBFT {
  /// Votes for a checkpoint that is not stable yet.
  struct CheckpointVotes: Sendable {
    var slot: Slot
    var votes = Tally()
    /// The digest of this replica's own state there, once it has executed so far.
    var own: Digest?
  }

  /// A copy of the state at a checkpoint, for those that lag behind. Its storage is used again.
  struct Snapshot: Sendable {
    var slot: Slot
    var state: ReplicatedState
  }

  /// Multicasts a checkpoint of the state after `n`.
  mutating func takeCheckpoint(_ n: Slot, _ effects: inout Effects<Self>) {
    if believing != nil { return makeStable(n, state.digest, votes: quorum, &effects) }
    keepSnapshot(n)
    let k = votes(for: n)
    checkpoints[k].own = state.digest
    checkpoints[k].votes.add(me, for: state.digest)
    effects.charge(authenticatingForAll)
    effects.broadcast(.checkpoint(n: n, d: state.digest))
    stabilise(&effects)
  }

  /// Checkpoints between the water marks are at most L / K; one more is the last stable one.
  mutating func keepSnapshot(_ n: Slot) {
    if snapshots.isEmpty {
      let count = settings.window / settings.checkpointInterval + 2
      snapshots = Array(
        repeating: Snapshot(slot: Slot(0), state: ReplicatedState(populations: 0)), count: count)
    }
    let k = Int(n.number) / settings.checkpointInterval % snapshots.count
    snapshots[k].slot = n
    snapshots[k].state.assign(state)
  }

  /// The replica's copy of the state after `n`, if it has kept one.
  func snapshot(at n: Slot) -> ReplicatedState? {
    snapshots.first { $0.slot == n && n > Slot(0) }?.state
  }

  mutating func collectCheckpoint(
    _ n: Slot, _ d: Digest, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard n > log.low, term != nil || Int(n.number) % settings.checkpointInterval == 0
    else { return }
    let k = votes(for: n)
    checkpoints[k].votes.add(i, for: d)
    guard checkpoints[k].votes.count(for: d) >= quorum else { return }
    stabilise(&effects)
    // Beyond the window, what leads there was not kept: only the state itself helps.
    if n > log.high { startTransfer(to: n, d, &effects) }
  }

  /// Position of the votes for `n` in `checkpoints`. Those beyond the window are few: a lagging
  /// replica keeps the latest.
  private mutating func votes(for n: Slot) -> Int {
    var k = checkpoints.count
    while k > 0, checkpoints[k - 1].slot >= n { k -= 1 }
    if k < checkpoints.count, checkpoints[k].slot == n { return k }
    let room = settings.window / settings.checkpointInterval + 2
    if checkpoints.count >= room, let beyond = checkpoints.firstIndex(where: { $0.slot > log.high })
    {
      checkpoints.remove(at: beyond)
      if beyond < k { k -= 1 }
    }
    checkpoints.insert(CheckpointVotes(slot: n), at: k)
    return k
  }

  /// Makes the latest checkpoint stable for which there is a quorum, its own vote among them.
  mutating func stabilise(_ effects: inout Effects<Self>) {
    var k = checkpoints.count - 1
    while k >= 0 {
      if let own = checkpoints[k].own, checkpoints[k].votes.count(for: own) >= quorum {
        makeStable(
          checkpoints[k].slot, own, votes: checkpoints[k].votes.count(for: own), &effects)
        return
      }
      k -= 1
    }
  }

  /// Raises the low water mark to `n`, up to which everything is executed.
  mutating func makeStable(
    _ n: Slot, _ d: Digest, votes: Int, _ effects: inout Effects<Self>
  ) {
    guard n > log.low else { return }
    stableState = d
    stableVotes = min(votes, quorum)
    log.advance(to: n)
    checkpoints.removeAll { $0.slot <= n }
    claims.removeAll { $0.slot <= n }
    if let wanted = transfer, wanted.slot <= lastExecuted { endTransfer(&effects) }
    endRecovery()
    propose(&effects)
  }

  /// The latest checkpoint that a quorum vouches for and this replica has not reached.
  var certifiedAhead: (slot: Slot, state: Digest)? {
    for checkpoint in checkpoints.reversed() where checkpoint.slot > lastExecuted {
      if let d = checkpoint.votes.decided(by: quorum) { return (checkpoint.slot, d) }
    }
    return nil
  }
}
