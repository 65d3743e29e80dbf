import Consensus
import Kernel
import Ledger

/// Beginning a view of the top committee.
extension LayeredPBFT {
  /// As its primary, begins the view for which a quorum of groups' view changes is there.
  mutating func beginView(_ effects: inout Effects<Self>) {
    let proof = changes[layers.count - 1].compactMap { $0 }.filter { $0.view == view }
    let (_, proposals) = makeProposals(from: proof, effects)
    let body = effects.store(
      .newView(NewView(view: view, changes: proof, proposals: proposals)))
    effects.charge(settings.ordering.costs.sign)
    multicast(.newView(k: UInt8(layers.count), v: view, body), layers.count, &effects)
    enter(view, body, from: layers.count, &effects)
  }

  /// For each slot between the latest stable checkpoint and the highest prepared one, what was
  /// prepared there in the highest view, or a null request.
  private func makeProposals(
    from proof: [Received], _ effects: borrowing Effects<Self>
  ) -> (low: ViewChange?, proposals: [Certificate]) {
    var low: ViewChange?
    var best: [Certificate] = []
    for received in proof {
      guard case .viewChange(let change) = effects.body(received.body) else { continue }
      if change.stable >= low?.stable ?? Slot(0) { low = change }
      best += change.prepared
    }
    let minS = low?.stable ?? Slot(0)
    best.removeAll { $0.slot <= minS }
    let maxS = best.map(\.slot).max() ?? minS
    guard maxS > minS, !settings.weakness.contains(.forgetsPrepared) else { return (low, []) }
    var proposals = (minS.number + 1...maxS.number).map {
      Certificate(
        slot: Slot($0), view: View(0), digest: Digest(0), batch: .none, votes: 0, holder: me)
    }
    for certificate in best {
      let k = Int(certificate.slot.number - minS.number) - 1
      if proposals[k].votes > 0, proposals[k].view >= certificate.view { continue }
      proposals[k] = certificate
    }
    return (low, proposals)
  }

  /// Begins view `v` if its new-view message is right: view changes of a quorum of groups prove it,
  /// and what it proposes follows from them.
  mutating func begin(
    _ v: View, _ body: BodyHandle, from k: Int, _ effects: inout Effects<Self>
  ) {
    guard v > view || (v == view && !isActive) else { return }
    guard case .newView(let newView) = effects.body(body), newView.view == v,
      newView.changes.count >= topQuorum, newView.changes.allSatisfy({ $0.view == v })
    else { return }
    let (_, proposals) = makeProposals(from: newView.changes, effects)
    guard proposals.map(\.slot) == newView.proposals.map(\.slot),
      proposals.map(\.digest) == newView.proposals.map(\.digest)
    else { return }
    enter(v, body, from: k, &effects)
  }

  private mutating func enter(
    _ v: View, _ body: BodyHandle, from k: Int, _ effects: inout Effects<Self>
  ) {
    guard case .newView(let newView) = effects.body(body) else { return }
    let (low, _) = makeProposals(from: newView.changes, effects)
    view = v
    isActive = true
    self.newView = body
    isBatchDue = false
    stopBatchTimer(&effects)
    tellBelow(k, &effects) { .newView(k: UInt8($0), v: v, body) }
    giveBackRequests(except: newView.proposals, effects)
    forgetVotes()
    // Before anything may be proposed: the slots of O are taken.
    lastAssigned = newView.proposals.last?.slot ?? low?.stable ?? Slot(0)
    if let low { reach(low.stable, low.state, votes: low.checkpoints, &effects) }
    for proposal in newView.proposals where log.contains(proposal.slot) {
      if let d = log[proposal.slot].decided, d != proposal.digest { continue }
      accept(proposal.slot, proposal.digest, proposal.batch, &effects)
      if !hasContent(proposal.slot) {
        ask(proposal.holder, for: proposal.slot, proposal.digest, &effects)
      }
    }
    watchNewView(&effects)
    relayAwaited(&effects)
    replayEarly(&effects)
    propose(&effects)
  }

  /// Votes of earlier views count no more. What is decided stays so.
  private mutating func forgetVotes() {
    var n = log.low.next
    while log.contains(n) {
      votes.clear(n)
      if log[n].decided == nil {
        log[n].accepted = nil
        log[n].batch = .none
      }
      log[n].proposed = nil
      log[n].prepares = 0
      log[n].commits = 0
      log[n].isPrepared = false
      log[n].hasChanged = false
      n = n.next
    }
  }

  private mutating func reach(
    _ n: Slot, _ d: Digest, votes: Int, _ effects: inout Effects<Self>
  ) {
    guard n > log.low else { return }
    if n <= lastExecuted {
      makeStable(n, d, votes: votes, &effects)
    } else {
      startTransfer(to: n, d, &effects)
    }
  }

  /// Requests proposed in earlier views that the new one does not propose again wait once more.
  private mutating func giveBackRequests(
    except proposals: [Certificate], _ effects: borrowing Effects<Self>
  ) {
    var n = lastExecuted.next
    while log.contains(n) {
      for batch in [log[n].held, log[n].kept] where effects.batches.contains(batch) {
        for k in 0..<effects.batches.rangeCount(of: batch) {
          mempool.add(effects.batches.range(k, of: batch), executed: state.executed)
        }
      }
      n = n.next
    }
    mempool.giveBackAll()
    for proposal in proposals where proposal.slot > lastExecuted && log.contains(proposal.slot) {
      if content(proposal.digest, at: proposal.slot, effects) != nil {
        markProposed(proposal.batch, effects)
      }
    }
  }

  /// The requests of `batch` have their place in the log: they are not to be proposed again.
  mutating func markProposed(_ batch: BatchHandle, _ effects: borrowing Effects<Self>) {
    guard batch != .none, effects.batches.contains(batch) else { return }
    for k in 0..<effects.batches.rangeCount(of: batch) {
      mempool.markProposed(effects.batches.range(k, of: batch), executed: state.executed)
    }
  }

  /// What a node waits for and has from a client, the new primary may not know.
  private func relayAwaited(_ effects: inout Effects<Self>) {
    guard !isPrimary, let awaited, awaited.slot == Slot(0) else { return }
    effects.forward(awaited.range, to: nextUp)
  }
}
