import Consensus
import Kernel
import Ledger

/// Leaving a view (§4.4) in step with the others (§4.5.2).
extension PBFT {
  /// Stops taking part in the present view and asks all to move to `v`.
  mutating func startViewChange(to v: View, _ effects: inout Effects<Self>) {
    view = v
    isActive = false
    hasCompany = false
    newView = nil
    awaited = nil
    futileChanges += 1
    isBatchDue = false
    stopBatchTimer(&effects)
    stopProgressTimer(&effects)
    let change = makeViewChange()
    let body = effects.store(.viewChange(change))
    changes[Int(me.index)] = Received(sender: me, view: v, body: body)
    effects.charge(settings.costs.sign)
    if settings.isDurable { effects.write(bytes(of: change)) }
    effects.broadcast(.viewChange(v: v, body))
    countCompany(&effects)
  }

  /// ⟨VIEW-CHANGE, v, n, C, P, i⟩: the stable checkpoint, and what was prepared after it.
  private func makeViewChange() -> ViewChange {
    var prepared: [Certificate] = []
    var n = log.low.next
    while log.contains(n) {
      if let certificate = log[n].certificate { prepared.append(certificate) }
      n = n.next
    }
    return ViewChange(
      view: view, stable: log.low, state: stableState, checkpoints: stableVotes,
      prepared: prepared)
  }

  mutating func collectViewChange(
    _ v: View, _ body: BodyHandle, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard case .viewChange(let change) = effects.body(body), isValid(change, for: v) else { return }
    if let last = changes[Int(i.index)], last.view >= v { return }
    changes[Int(i.index)] = Received(sender: i, view: v, body: body)
    guard recovery == nil else { return }
    joinOthers(&effects)
    if v >= view, !isActive { countCompany(&effects) }
  }

  /// Each certificate is of an earlier view, after the stable checkpoint, and of a quorum.
  private func isValid(_ change: ViewChange, for v: View) -> Bool {
    guard change.view == v, change.stable == Slot(0) || change.checkpoints >= quorum else {
      return false
    }
    return change.prepared.allSatisfy {
      $0.view < v && $0.slot > change.stable
        && $0.slot.number - change.stable.number <= settings.window
        && Int($0.prepares) >= quorum - 1
    }
  }

  /// When f + 1 replicas have left for higher views, follows to the lowest of these, though the
  /// timer still runs: at least one of them is correct (§4.5.2).
  private mutating func joinOthers(_ effects: inout Effects<Self>) {
    while true {
      var count = 0
      var lowest: View?
      for case .some(let change) in changes where change.view > view {
        count += 1
        lowest = min(lowest ?? change.view, change.view)
      }
      guard count >= committee.weakQuorum, let lowest else { return }
      startViewChange(to: lowest, &effects)
    }
  }

  /// Once a quorum has left for this view, the timer for its beginning starts; its primary begins
  /// it. Who has gone further counts for the timer: its message for this view was overtaken, or
  /// never sent, and those that stay behind must be able to follow.
  private mutating func countCompany(_ effects: inout Effects<Self>) {
    var here = 0
    var beyond = 0
    for case .some(let change) in changes where change.view >= view {
      if change.view == view { here += 1 } else { beyond += 1 }
    }
    guard here + beyond >= quorum else { return }
    if !hasCompany {
      hasCompany = true
      startProgressTimer(&effects)
    }
    if isPrimary, here >= quorum { beginView(&effects) }
  }

  /// Keeps a vote for a view that has not begun here: its new view may be slower than the vote.
  mutating func keepEarly(_ message: Message, of v: View, from i: ReplicaID) {
    guard v > view || (v == view && !isActive) else { return }
    guard early.count < 4 * committee.n * settings.pipeline else { return }
    early.append(EarlyVote(sender: i, message: message))
  }

  struct EarlyVote: Sendable, BitwiseCopyable {
    var sender: ReplicaID
    var message: Message
  }

  /// Takes the votes that came before their view.
  mutating func replayEarly(_ effects: inout Effects<Self>) {
    guard !early.isEmpty else { return }
    let votes = early
    early.removeAll(keepingCapacity: true)
    for vote in votes { handle(vote.message, from: vote.sender, &effects) }
  }
}
