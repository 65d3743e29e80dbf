import Consensus
import Kernel
import Ledger

/// Leaving a view of the top committee: nodes tell their group, a quorum of a group makes the
/// group's own view change, a quorum of groups lets the next primary begin.
extension LayeredPBFT {
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
    if settings.ordering.isDurable { effects.write(bytes(of: change)) }
    sayLeft(1, 1, body, &effects)
    watchGroup(&effects)
    raiseChanges(&effects)
  }

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

  private mutating func sayLeft(
    _ k: Int, _ support: Int, _ body: BodyHandle, _ effects: inout Effects<Self>
  ) {
    changes[k - 1][layers.position(at: k, of: node)] = Received(view: view, body: body)
    effects.charge(settings.ordering.costs.sign)
    multicast(
      .viewChange(k: UInt8(k), votes: UInt8(clamping: support), v: view, body), k, &effects)
  }

  mutating func collectViewChange(
    _ k: Int, _ support: Int, _ v: View, _ body: BodyHandle, from i: ReplicaID,
    _ effects: inout Effects<Self>
  ) {
    guard isProven(support, k, of: i), case .viewChange(let change) = effects.body(body),
      isValid(change, for: v)
    else { return }
    let place = layers.position(at: k, of: Int(i.index))
    if let last = changes[k - 1][place], last.view >= v { return }
    changes[k - 1][place] = Received(view: v, body: body)
    guard recovery == nil else { return }
    joinOthers(k, &effects)
    raiseChanges(&effects)
  }

  /// Each certificate is of an earlier view, after the stable checkpoint, and of a quorum on top.
  private func isValid(_ change: ViewChange, for v: View) -> Bool {
    guard change.view == v, change.stable == Slot(0) || change.checkpoints >= topQuorum else {
      return false
    }
    return change.prepared.allSatisfy {
      $0.view < v && $0.slot > change.stable
        && $0.slot.number - change.stable.number <= settings.ordering.window
        && Int($0.votes) >= topQuorum
    }
  }

  /// Members of a committee that have left for views above `v`, and the lowest of these.
  private func ahead(of v: View, _ k: Int) -> (count: Int, lowest: View?) {
    var count = 0
    var lowest: View?
    for case .some(let change) in changes[k - 1] where change.view > v {
      count += 1
      lowest = min(lowest ?? change.view, change.view)
    }
    return (count, lowest)
  }

  /// When f + 1 members of a committee have left for higher views, follows to the lowest of these:
  /// at least one of them is correct.
  private mutating func joinOthers(_ k: Int, _ effects: inout Effects<Self>) {
    let weak = layers.committee(of: group(k), at: k).weakQuorum
    while case (let count, .some(let lowest)) = ahead(of: view, k), count >= weak {
      startViewChange(to: lowest, &effects)
      if k == layers.count { tellLeft(count, lowest, &effects) }
    }
  }

  private func tellLeft(_ count: Int, _ v: View, _ effects: inout Effects<Self>) {
    tellBelow(layers.count, &effects) {
      .left(k: UInt8($0), votes: UInt8(clamping: count), v: v)
    }
  }

  /// So many groups have left for `v`.
  mutating func learnLeft(_ k: Int, _ support: Int, _ v: View, _ effects: inout Effects<Self>) {
    guard support >= layers.top.weakQuorum, v > view || v == view && !isActive && !hasCompany
    else { return }
    tellBelow(k, &effects) { .left(k: UInt8($0), votes: UInt8(clamping: support), v: v) }
    guard recovery == nil else { return }
    if v > view { startViewChange(to: v, &effects) }
    if support >= topQuorum { gainCompany(&effects) }
  }

  /// Once a quorum on top has left for this view, the timer for its beginning starts.
  private mutating func gainCompany(_ effects: inout Effects<Self>) {
    guard !hasCompany else { return }
    hasCompany = true
    startProgressTimer(&effects)
  }

  /// As leader, makes its group's view change out of those of a quorum of members; as primary,
  /// begins the view when a quorum of groups has left for it.
  mutating func raiseChanges(_ effects: inout Effects<Self>) {
    guard !isActive else { return }
    followStragglers(&effects)
    for k in 1..<layers.count where leads(k) {
      if changes[k][layers.position(at: k + 1, of: node)]?.view == view { continue }
      let own = changes[k - 1].filter { $0?.view == view }
      guard own.count >= quorum(k) else { return }
      let body = effects.store(.viewChange(merge(own, effects)))
      sayLeft(k + 1, own.count, body, &effects)
    }
    guard leads(layers.count - 1) else { return }
    // Who has gone further has left for this view as well.
    let left = changes[layers.count - 1].count { $0?.view ?? View(0) >= view }
    let here = changes[layers.count - 1].count { $0?.view == view }
    guard left >= topQuorum, !hasCompany || isPrimary else { return }
    if !hasCompany { tellLeft(left, view, &effects) }
    gainCompany(&effects)
    if isPrimary, here >= topQuorum { beginView(&effects) }
  }

  /// When some of its group have gone further, so that too few are left for the group's change, a
  /// node must not wait for company that cannot come: its time for this view starts.
  private mutating func followStragglers(_ effects: inout Effects<Self>) {
    guard !isTiming, recovery == nil else { return }
    for k in 1..<layers.count {
      let reached = changes[k - 1].count { $0?.view ?? View(0) >= view }
      let here = changes[k - 1].count { $0?.view == view }
      if reached >= quorum(k), here < quorum(k) { return startProgressTimer(&effects) }
    }
  }

  /// What a group has prepared is what any of its members has, in the highest view. Of two members'
  /// quorums one correct member is in both, so that nothing that was decided is missing.
  private func merge(_ own: [Received?], _ effects: borrowing Effects<Self>) -> ViewChange {
    var merged = makeViewChange()
    var all: [Certificate] = []
    for case .some(let received) in own {
      guard case .viewChange(let change) = effects.body(received.body) else { continue }
      if change.stable > merged.stable {
        merged.stable = change.stable
        merged.state = change.state
        merged.checkpoints = change.checkpoints
      }
      all += change.prepared
    }
    all.sort { ($0.slot, $1.view, $0.holder) < ($1.slot, $0.view, $1.holder) }
    merged.prepared = []
    for certificate in all
    where certificate.slot > merged.stable && certificate.slot != merged.prepared.last?.slot
      && certificate.slot.number - merged.stable.number <= settings.ordering.window
    {
      merged.prepared.append(certificate)
    }
    return merged
  }

  /// Keeps a vote for a view that has not begun here: its new view may be slower than the vote.
  mutating func keepEarly(_ message: Message, of v: View, from i: ReplicaID) {
    guard v > view || (v == view && !isActive) else { return }
    guard early.count < 4 * layers.nodes * settings.ordering.pipeline else { return }
    early.append(EarlyVote(sender: i, message: message))
  }

  /// Takes the votes that came before their view.
  mutating func replayEarly(_ effects: inout Effects<Self>) {
    guard !early.isEmpty else { return }
    let votes = early
    early.removeAll(keepingCapacity: true)
    for vote in votes { handle(vote.message, from: vote.sender, &effects) }
  }
}
