import Consensus
import Kernel
import Ledger

/// Retransmission (thesis §5.2): a replica that does not get on tells all what it has, and each
/// sends it again what it has sent before and the replica lacks.
extension PBFT {
  mutating func lookAround(_ effects: inout Effects<Self>) {
    effects.arm(.status, after: settings.statusInterval)
    guard lastExecuted == executedAtTick || recovery?.isAsking == true else {
      executedAtTick = lastExecuted
      return
    }
    // Who waits for nothing has nothing to ask for: an idle chain is silent.
    guard isWaiting else { return }
    if let ahead = certifiedAhead { startTransfer(to: ahead.slot, ahead.state, &effects) }
    fetchBatches(&effects)
    sendStatus(&effects)
  }

  /// Whether the replica knows of anything that it has not executed, or is itself on the way back.
  private var isWaiting: Bool {
    if recovery != nil || !isActive || transfer != nil || certifiedAhead != nil { return true }
    if !mempool.isEmpty || mempool.proposedCount > 0 || !early.isEmpty { return true }
    if term?.isBehind == true || !claims.isEmpty { return true }
    if checkpoints.contains(where: { $0.slot > log.low }) { return true }
    var n = lastExecuted.next
    while log.contains(n) {
      if log[n].accepted != nil || log[n].prepares.count > 0 || log[n].commits.count > 0 {
        return true
      }
      n = n.next
    }
    return false
  }

  /// Asks for the batches that a new view names and no message has brought.
  private mutating func fetchBatches(_ effects: inout Effects<Self>) {
    var n = lastExecuted.next
    while log.contains(n) {
      if let d = log[n].accepted, !hasContent(n) {
        effects.charge(authenticating)
        effects.send(.fetchBatch(n: n, d: d), to: nextHelper)
      }
      n = n.next
    }
    _ = takeHelper()
  }

  mutating func sendStatus(_ effects: inout Effects<Self>) {
    effects.charge(authenticatingForAll)
    effects.broadcast(.status(makeStatus()))
  }

  func makeStatus() -> Status {
    var status = Status(
      progress: 0, view: view, stable: log.low, executed: lastExecuted, settled: 0,
      phase: recovery != nil ? .recovering : isActive ? .active : .pending)
    guard isActive else {
      status.progress = .max
      for r in changes.indices where changes[r]?.view ?? View(0) < view {
        status.progress &= ~(1 << UInt64(r % 64))
      }
      return status
    }
    while log.contains(status.next), committedLocal(status.next) { status.settled += 1 }
    for k in 0..<Progress.slots {
      let n = Slot(status.next.number + UInt32(k))
      guard log.contains(n) else { break }
      status.progress |= progress(of: n).rawValue << UInt64(2 * k)
    }
    return status
  }

  private func progress(of n: Slot) -> Progress {
    if log[n].accepted == nil { return .nothing }
    if committedLocal(n) { return .committed }
    return log[n].hasPrepared ? .prepared : .accepted
  }

  mutating func answer(
    _ status: Status, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    noteRecovery(status, from: i)
    if status.phase == .recovering {
      effects.charge(authenticating)
      effects.send(.status(makeStatus()), to: i)
    }
    resendCheckpoints(after: status.stable, to: i, &effects)
    if status.view < view || (status.view == view && status.phase == .pending) {
      resendView(to: i, status, &effects)
    } else if status.view == view, isActive {
      resendVotes(to: i, status, &effects)
    } else if status.view > view,
      status.phase == .pending || (term != nil && status.phase == .recovering)
    {
      tellDecided(to: i, status, &effects)
    }
  }

  mutating func resendCheckpoints(
    after n: Slot, to i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    if log.low > n {
      effects.charge(authenticating)
      effects.send(.checkpoint(n: log.low, d: stableState), to: i)
    }
    for checkpoint in checkpoints where checkpoint.slot > n {
      guard let own = checkpoint.own else { continue }
      effects.charge(authenticating)
      effects.send(.checkpoint(n: checkpoint.slot, d: own), to: i)
    }
  }

  /// The new view, if it has begun here, from its primary and from the f + 1 replicas after the
  /// asker, one of which is correct; this replica's own view change otherwise.
  private mutating func resendView(
    to i: ReplicaID, _ status: Status, _ effects: inout Effects<Self>
  ) {
    if isActive, let newView {
      guard isPrimary || isNear(i) else { return }
      effects.send(.newView(v: view, newView), to: i)
    } else if !isActive, let own = changes[Int(me.index)], own.view == view {
      let isKnown =
        status.view == view && status.progress & (1 << UInt64(me.index % 64)) != 0
      if !isKnown { effects.send(.viewChange(v: view, own.body), to: i) }
    }
  }

  /// Whether this replica is one of the f + 1 that follow `i`.
  private func isNear(_ i: ReplicaID) -> Bool {
    let distance = (Int(me.index) + committee.n - Int(i.index) % committee.n) % committee.n
    return distance <= committee.weakQuorum
  }

  private mutating func resendVotes(
    to i: ReplicaID, _ status: Status, _ effects: inout Effects<Self>
  ) {
    for k in 0..<Progress.slots {
      let n = Slot(status.next.number + UInt32(k))
      guard log.contains(n), let d = log[n].accepted else { continue }
      let progress = status.progress >> UInt64(2 * k) & 3
      if progress < Progress.accepted.rawValue, isPrimary, hasContent(n) {
        effects.charge(authenticating)
        effects.send(.prePrepare(v: view, n: n, d: d, batch: log[n].batch), to: i)
      }
      if progress < Progress.prepared.rawValue, log[n].prepares.hasVoted(me) {
        effects.charge(authenticating)
        effects.send(.prepare(v: view, n: n, d: d), to: i)
      }
      if progress < Progress.committed.rawValue, log[n].commits.hasVoted(me) {
        effects.charge(authenticating)
        effects.send(.commit(v: view, n: n, d: d), to: i)
      }
    }
  }
}

extension PBFT.Status {
  /// The first slot after the stable checkpoint that is not decided in this view.
  var next: Slot { Slot(stable.number + UInt32(settled) + 1) }
}

// MARK: - Who left the view alone

extension PBFT {
  /// Votes of others that a slot is decided.
  struct Claim: Sendable {
    var slot: Slot
    var votes = Tally()
  }

  /// A replica that left the view alone hears no votes of it. It is told what was decided, and
  /// believes f + 1 who say the same.
  private mutating func tellDecided(
    to i: ReplicaID, _ status: Status, _ effects: inout Effects<Self>
  ) {
    for k in 1...UInt32(Progress.slots) {
      let n = Slot(status.executed.number + k)
      guard n <= lastExecuted, log.contains(n), let d = log[n].accepted else { continue }
      effects.charge(authenticating)
      let isWhole = isNear(i) && log[n].batch != .none
      effects.send(.decided(n: n, d: d, batch: log[n].batch, isWhole: isWhole), to: i)
    }
  }

  mutating func collectClaim(
    _ n: Slot, _ d: Digest, _ batch: BatchHandle, from i: ReplicaID,
    _ effects: inout Effects<Self>
  ) {
    makeRoomForRest()
    guard !isActive || term != nil, n > lastExecuted, log.contains(n) else { return }
    hold(batch, at: n, effects)
    var k = claims.firstIndex { $0.slot == n } ?? claims.count
    if k == claims.count {
      claims.append(Claim(slot: n))
      k = claims.count - 1
    }
    claims[k].votes.add(i, for: d)
    executeClaims(&effects)
  }

  mutating func executeClaims(_ effects: inout Effects<Self>) {
    guard !isActive || term != nil else { return claims.removeAll() }
    while !isOver, let claim = claims.first(where: { $0.slot == lastExecuted.next }) {
      guard let d = claim.votes.decided(by: believing ?? committee.weakQuorum) else { return }
      let batch: BatchHandle? =
        d == Digest(0) || isElection(d) ? BatchHandle.none : content(d, at: claim.slot, effects)
      guard let batch else { return }
      claims.removeAll { $0.slot <= claim.slot }
      execute(claim.slot, batch, of: d, &effects)
    }
  }
}

// MARK: - Batches that a new view names

extension PBFT {
  mutating func sendBatch(
    _ n: Slot, _ d: Digest, to i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard let batch = content(d, at: n, effects) else { return }
    effects.charge(authenticating)
    effects.send(.batch(n: n, batch), to: i)
  }

  mutating func receive(_ batch: BatchHandle, at n: Slot, _ effects: inout Effects<Self>) {
    guard log.contains(n), effects.batches.contains(batch), !hasContent(n),
      log[n].accepted == effects.batches[batch].digest
    else { return }
    hold(batch, at: n, effects)
    if n > lastExecuted { markProposed(batch, effects) }
    advance(n, &effects)
    watchProgress(&effects)
  }
}

// MARK: - Outside of the committee

extension PBFT {
  /// Makes this a follower: it waits for no view and votes for nothing, and executes what `count`
  /// replicas of the committee say was decided. To all of them it is one that left for a view that
  /// never comes, whom they tell what was decided.
  mutating func observe(_ count: Int, in view: View = View(.max)) {
    believing = count
    isActive = false
    self.view = view
  }
}
