import Consensus
import Kernel
import Ledger

/// Retransmission: a node that does not get on tells its committees what it has, and each of their
/// members sends it again what it has said before and the node lacks.
extension LayeredPBFT {
  /// Slots of which one answer tells.
  private static var answered: UInt32 { 32 }

  mutating func lookAround(_ effects: inout Effects<Self>) {
    effects.arm(.status, after: settings.ordering.statusInterval)
    guard lastExecuted == executedAtTick || recovery != nil && recovery?.point == nil else {
      executedAtTick = lastExecuted
      return
    }
    guard isWaiting else { return }
    if let ahead { startTransfer(to: ahead.slot, ahead.state, &effects) }
    var n = lastExecuted.next
    while log.contains(n) {
      if let d = log[n].accepted, !hasContent(n) { ask(nextHelper, for: n, d, &effects) }
      n = n.next
    }
    _ = takeHelper()
    sendStatus(&effects)
  }

  /// Whether the node knows of anything that it has not executed, or is itself on the way back.
  private var isWaiting: Bool {
    if recovery != nil || !isActive || transfer != nil || ahead != nil { return true }
    if highestKnown > lastExecuted { return true }
    if !mempool.isEmpty || mempool.proposedCount > 0 || !early.isEmpty { return true }
    if checkpoints.contains(where: { $0.slot > log.low }) { return true }
    var n = lastExecuted.next
    while log.contains(n) {
      if log[n].accepted != nil || votes[n, 1, .prepare].count > 0
        || votes[n, 1, .commit].count > 0 || votes[n, layers.count, .prepare].count > 0
        || votes[n, layers.count, .commit].count > 0
      {
        return true
      }
      n = n.next
    }
    return false
  }

  /// To each committee in which this node speaks; one without memory asks everybody.
  mutating func sendStatus(_ effects: inout Effects<Self>) {
    effects.charge(settings.ordering.costs.sign)
    if recovery?.point == nil, recovery != nil {
      return effects.broadcast(.status(makeStatus(0, .recovering)))
    }
    announce(&effects)
    for k in 1...layers.count where leads(k - 1) {
      multicast(.status(makeStatus(k)), k, &effects)
    }
  }

  func makeStatus(_ k: Int) -> Status { makeStatus(k, isActive ? .active : .pending) }

  private func makeStatus(_ k: Int, _ phase: Status.Phase) -> Status {
    Status(
      view: view, stable: log.low, executed: lastExecuted,
      local: (1..<layers.count).contains(k) ? locals[k - 1][group(k)] : View(0),
      layer: UInt8(k), phase: phase)
  }

  mutating func answer(_ status: Status, from i: ReplicaID, _ effects: inout Effects<Self>) {
    if status.phase == .answer { return noteRecovery(status, from: i) }
    let k = max(Int(status.layer), 1)
    if status.phase == .recovering, recovery == nil {
      effects.charge(settings.ordering.costs.sign)
      effects.send(.status(makeStatus(k, .answer)), to: i)
    }
    guard layers.group(at: k, of: Int(i.index)) == group(k) else { return }
    effects.charge(settings.ordering.costs.sign)
    if k < layers.count, status.local < locals[k - 1][group(k)] {
      effects.send(leaderMessage(k), to: i)
    }
    if !leads(k - 1) { redirect(i, below: k, &effects) }
    resendCheckpoints(status, k, to: i, &effects)
    if isNear(i, k) || leads(k) { resendDecided(status, to: i, &effects) }
    if status.view < view || status.view == view && status.phase == .pending {
      resendView(status, k, to: i, &effects)
    } else if status.view == view, isActive {
      resendVotes(status, k, to: i, &effects)
    }
  }

  /// Whether this node's entity is one of the f + 1 that follow that of `i`.
  private func isNear(_ i: ReplicaID, _ k: Int) -> Bool {
    let committee = layers.committee(of: group(k), at: k)
    let distance =
      layers.position(at: k, of: node) + committee.n - layers.position(at: k, of: Int(i.index))
    return distance % committee.n <= committee.weakQuorum
  }

  private func resendCheckpoints(
    _ status: Status, _ k: Int, to i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    if log.low > status.stable {
      effects.send(
        .stable(k: 0, votes: UInt8(clamping: topQuorum), n: log.low, d: stableState), to: i)
    }
    for checkpoint in checkpoints where checkpoint.slot > status.stable {
      guard let own = checkpoint.own, checkpoint.said & 1 << UInt8(k) != 0 else { continue }
      let support = k > 1 ? quorum(k - 1) : 1
      effects.send(
        .checkpoint(k: UInt8(k), votes: UInt8(clamping: support), n: checkpoint.slot, d: own),
        to: i)
    }
  }

  private func resendDecided(
    _ status: Status, to i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    for j in 1...Self.answered {
      let n = Slot(status.executed.number + j)
      guard log.contains(n), let d = log[n].decided else { continue }
      effects.send(
        .decided(
          Decided(
            d: d, n: n, batch: log[n].batch, primary: proposer, k: status.layer,
            votes: UInt8(clamping: topQuorum))), to: i)
    }
  }

  /// The new view, if it has begun here; what this node's entity has to say of it otherwise.
  private func resendView(
    _ status: Status, _ k: Int, to i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    if isActive, let newView {
      effects.send(.newView(k: UInt8(k), v: view, newView), to: i)
    } else if !isActive {
      if let own = changes[k - 1][layers.position(at: k, of: node)], own.view == view {
        let support = k > 1 ? quorum(k - 1) : 1
        effects.send(
          .viewChange(k: UInt8(k), votes: UInt8(clamping: support), v: view, own.body), to: i)
      }
      if hasCompany {
        effects.send(
          .left(k: UInt8(k), votes: UInt8(clamping: topQuorum), v: view), to: i)
      }
    }
  }

  private func resendVotes(
    _ status: Status, _ k: Int, to i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    let mine = ReplicaID(layers.position(at: k, of: node))
    let support = UInt8(clamping: k > 1 ? quorum(k - 1) : 1)
    for j in 1...Self.answered {
      let n = Slot(status.executed.number + j)
      guard log.contains(n), let d = log[n].accepted else { continue }
      var s = Statement(d: d, v: view, n: n, batch: .none, k: UInt8(k), votes: support)
      if votes[n, k, .prepare].hasVoted(mine), !log[n].hasChanged {
        if hasContent(n), leads(k) {
          s.batch = log[n].batch
          effects.send(.prePrepare(s), to: i)
          s.batch = .none
        } else {
          effects.send(.prepare(s), to: i)
        }
      }
      if votes[n, k, .commit].hasVoted(mine) { effects.send(.commit(s), to: i) }
      if log[n].isPrepared {
        s.batch = log[n].batch
        s.votes = UInt8(clamping: topQuorum)
        effects.send(.prepared(s), to: i)
      }
    }
  }
}
