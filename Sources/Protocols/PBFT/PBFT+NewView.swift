import Consensus
import Kernel
import Ledger

/// Beginning a view (§4.4).
extension PBFT {
  /// As its primary, begins the view for which a quorum of view changes is there.
  mutating func beginView(_ effects: inout Effects<Self>) {
    var v: [Received] = []
    for case .some(let change) in changes where change.view == view { v.append(change) }
    let (_, proposals) = makeProposals(from: v, effects)
    let body = effects.store(
      .newView(NewView(view: view, changes: v, proposals: proposals)))
    effects.charge(settings.costs.sign + verifying * Int64(proposals.count))
    effects.broadcast(.newView(v: view, body))
    enter(view, body, &effects)
  }

  /// O: for each slot between the latest stable checkpoint (min-s) and the highest prepared slot
  /// (max-s) in V, what was prepared there in the highest view, or a null request.
  private func makeProposals(
    from changes: [Received], _ effects: borrowing Effects<Self>
  ) -> (low: ViewChange?, proposals: [Proposal]) {
    var low: ViewChange?
    var best: [(certificate: Certificate, holder: ReplicaID)] = []
    for received in changes {
      guard case .viewChange(let change) = effects.body(received.body) else { continue }
      if change.stable >= low?.stable ?? Slot(0) { low = change }
      for certificate in change.prepared { best.append((certificate, received.sender)) }
    }
    let minS = low?.stable ?? Slot(0)
    best.removeAll { $0.certificate.slot <= minS }
    let maxS = best.map(\.certificate.slot).max() ?? minS
    guard maxS > minS, !settings.weakness.contains(.forgetsPrepared) else { return (low, []) }
    var proposals = (minS.number + 1...maxS.number).map {
      Proposal(slot: Slot($0), digest: Digest(0), batch: .none, holder: me)
    }
    var views = [View?](repeating: nil, count: proposals.count)
    for (certificate, holder) in best {
      let k = Int(certificate.slot.number - minS.number) - 1
      if let v = views[k], v >= certificate.view { continue }
      views[k] = certificate.view
      proposals[k].digest = certificate.digest
      proposals[k].batch = certificate.batch
      proposals[k].holder = holder
    }
    return (low, proposals)
  }

  /// Begins view `v` if its new-view message is right: V proves it, and O follows from V.
  mutating func begin(_ v: View, _ body: BodyHandle, _ effects: inout Effects<Self>) {
    guard v > view || (v == view && !isActive) else { return }
    guard case .newView(let newView) = effects.body(body), newView.view == v,
      newView.changes.count >= quorum, newView.changes.allSatisfy({ $0.view == v })
    else { return }
    let (_, proposals) = makeProposals(from: newView.changes, effects)
    guard proposals.map(\.slot) == newView.proposals.map(\.slot),
      proposals.map(\.digest) == newView.proposals.map(\.digest)
    else { return }
    enter(v, body, &effects)
  }

  private mutating func enter(
    _ v: View, _ body: BodyHandle, _ effects: inout Effects<Self>
  ) {
    guard case .newView(let newView) = effects.body(body) else { return }
    let (low, _) = makeProposals(from: newView.changes, effects)
    let proposals = newView.proposals
    view = v
    isActive = true
    self.newView = body
    isBatchDue = false
    stopBatchTimer(&effects)
    giveBackRequests(except: proposals, effects)
    var n = log.low.next
    while log.contains(n) {
      log[n].accepted = nil
      log[n].batch = .none
      log[n].prepares.clear()
      log[n].commits.clear()
      log[n].hasPrepared = false
      n = n.next
    }
    // Before anything may be proposed: the slots of O are taken.
    lastAssigned = proposals.last?.slot ?? low?.stable ?? Slot(0)
    if let low { reach(low.stable, low.state, votes: low.checkpoints, &effects) }
    for proposal in proposals where log.contains(proposal.slot) {
      accept(proposal.slot, proposal.digest, proposal.batch, &effects)
      if !hasContent(proposal.slot), proposal.holder != me {
        effects.charge(authenticating)
        effects.send(.fetchBatch(n: proposal.slot, d: proposal.digest), to: proposal.holder)
      }
    }
    watchNewView(&effects)
    relayAwaited(&effects)
    replayEarly(&effects)
    propose(&effects)
  }

  /// The new view begins at a stable checkpoint: makes it stable here, or asks for its state.
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
    except proposals: [Proposal], _ effects: borrowing Effects<Self>
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

  /// What a backup waits for and has from a client, the new primary may not know.
  private func relayAwaited(_ effects: inout Effects<Self>) {
    guard !isPrimary, let awaited, awaited.slot == Slot(0) else { return }
    effects.forward(awaited.range, to: primary)
  }
}
