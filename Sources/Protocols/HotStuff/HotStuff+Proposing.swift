import Consensus
import Kernel
import Ledger
import Machines

/// Client requests, and how a leader proposes them.
extension ChainedHotStuff {
  public mutating func upon(
    requests: TxRange, _ arrival: RequestArrival, at now: LocalTime,
    _ effects: inout Effects<Self>
  ) {
    clock = now
    let cost = settings.costs.sign
    if effects.answers(requests, arrival, executed: state.executed, work: cost) { return }
    let added = mempool.add(requests, executed: state.executed)
    if arrival == .retransmitted { markPending(effects) }
    if settings.dissemination != .none { return sealBatches(&effects) }
    if leader(of: view) != me, !settings.usesGateways, added > 0 || arrival == .retransmitted {
      effects.forward(requests, to: leader(of: view))
    }
    propose(&effects)
  }

  /// What pending blocks hold is not proposed twice.
  private mutating func markPending(_ effects: borrowing Effects<Self>) {
    guard settings.dissemination == .none else { return }
    for block in pending { markProposed(block, effects) }
  }

  mutating func markProposed(_ block: ChainBlock, _ effects: borrowing Effects<Self>) {
    guard block.batch != .none, effects.batches.contains(block.batch) else { return }
    for k in 0..<effects.batches.rangeCount(of: block.batch) {
      mempool.markProposed(effects.batches.range(k, of: block.batch), executed: state.executed)
    }
  }
}

// MARK: - The leader

extension ChainedHotStuff {
  /// Whether this replica may propose in its view: it leads it, has not done so, and holds what the
  /// others will ask for.
  @inline(__always)
  private var mayPropose: Bool {
    guard leader(of: view) == me, view > voting.lastProposed, recovery == nil else { return false }
    if voting.high.view.next == view { return true }
    if settings.weakness.contains(.missingLock) { return true }
    if Rule.chains == 3 {
      return wishes[Int(me.index)].view >= view && wishes(from: view) >= quorum
    }
    return timeoutCertificate.map { view(after: $0.view) == view } ?? false
  }

  /// As leader, proposes a block on the highest certificate, unless it should wait for requests.
  mutating func propose(_ effects: inout Effects<Self>) {
    guard mayPropose else { return }
    guard voting.high.block == root.digest || index(of: voting.high.block) != nil else {
      return fetch(voting.high.block, voting.high.view, from: nextHelper, &effects)
    }
    guard hasReason(&effects) else { return }
    stopWaiting(&effects)
    releaseForks(effects)
    let batch = makeContent(&effects)
    propose(batch, &effects)
  }

  /// Whether there is something to propose now; if not, sees to it that it is asked again.
  private mutating func hasReason(_ effects: inout Effects<Self>) -> Bool {
    let isUnderWay = hasNews || pending.contains { $0.batch != .none }
    if settings.dissemination != .none {
      if spread.availableCount > 0 || isUnderWay { return true }
    } else {
      let mayWait = settings.batchTimeout > .zero && !isBatchDue
      let isFull =
        mempool.count >= settings.batchRequests
        || (mayWait && !mempool.isEmpty
          && mempool.holds(bytes: settings.batchBytes, effects.sizes))
      if isFull { return true }
      if !mayWait, !mempool.isEmpty || isUnderWay { return true }
      if mayWait, !mempool.isEmpty || isUnderWay {
        if !isBatchTiming {
          isBatchTiming = true
          effects.arm(.batch, after: settings.batchTimeout)
        }
        return false
      }
    }
    if isIdleOver || settings.idleInterval == .zero { return true }
    if !isIdleTiming {
      isIdleTiming = true
      effects.arm(.idle, after: settings.idleInterval)
    }
    return false
  }

  /// Forgets what the leader waited for.
  mutating func stopWaiting(_ effects: inout Effects<Self>) {
    if isBatchTiming { effects.disarm(slot: Timer.batch.slot) }
    if isIdleTiming { effects.disarm(slot: Timer.idle.slot) }
    isBatchTiming = false
    isIdleTiming = false
    isBatchDue = false
    isIdleOver = false
    hasNews = false
  }

  private mutating func makeContent(_ effects: inout Effects<Self>) -> BatchHandle {
    if settings.dissemination != .none { return makePayload(&effects) }
    guard !mempool.isEmpty else { return .none }
    mempool.take(
      atMost: settings.batchRequests, bytes: settings.batchBytes, sizes: effects.sizes,
      into: &effects.batches)
    return effects.batches.seal(salt: UInt64(me.index) << 32 | UInt64(view.number))
  }

  private mutating func propose(_ batch: BatchHandle, _ effects: inout Effects<Self>) {
    voting.lastProposed = view
    let qc = voting.high
    let block = makeBlock(view: view, qc, nil, batch, effects)
    effects.charge(settings.costs.hashing(proposalBytes(batch, effects)) + settings.costs.sign)
    if settings.isDurable { effects.write(proposalBytes(batch, effects)) }
    effects.broadcast(proposal(block, &effects))
    var own = block
    own.isComplete = true
    own.isVotable = true
    add(own, from: me, &effects)
  }

  /// The message that proposes `block`, of this view.
  @inline(__always)
  private func proposal(_ block: ChainBlock, _ effects: inout Effects<Self>) -> Message {
    let qc = block.certificate
    if Rule.chains == 2, qc.view.next != block.view, let tc = timeoutCertificate {
      let body = effects.store(.justification(qc, tc))
      return .proposalAfterTimeout(v: block.view, batch: block.batch, body)
    }
    return .proposal(
      p: qc.block, w: qc.view, v: block.view, batch: block.batch, votes: qc.votes)
  }

  /// Sends the proposal of `v` again to a replica that has not received it.
  mutating func sendProposal(of v: View, to i: ReplicaID, _ effects: inout Effects<Self>) {
    guard v == view, leader(of: v) == me, v == voting.lastProposed,
      let block = pending.last(where: { $0.view == v })
    else { return }
    effects.send(proposal(block, &effects), to: i)
  }

  @inline(__always)
  func makeBlock(
    view v: View, _ qc: QuorumCertificate, _ tc: TimeoutCertificate?, _ batch: BatchHandle,
    _ effects: borrowing Effects<Self>
  ) -> ChainBlock {
    var digest = RunDigest(UInt64(v.number))
    digest.fold(qc.block.value)
    if batch != .none, effects.batches.contains(batch) {
      digest.fold(effects.batches[batch].digest.value)
    }
    let isVotable =
      Rule.chains == 3 || v == qc.view.next
      || tc.map { view(after: $0.view) == v && qc.view >= $0.highest } ?? false
    return ChainBlock(
      digest: Digest(digest.value), view: v, height: 0, certificate: qc, batch: batch,
      isComplete: false, isVotable: isVotable)
  }

  public static var hasInvalidProposals: Bool { true }

  /// A proposal whose certificate is one vote short; on genesis, of a block that is not genesis.
  public func invalidated(_ message: Message, _ effects: inout Effects<Self>) -> Message? {
    func short(_ qc: QuorumCertificate) -> QuorumCertificate {
      guard qc.view > View(0) else {
        return QuorumCertificate(block: Digest(1), view: qc.view, votes: qc.votes)
      }
      return QuorumCertificate(block: qc.block, view: qc.view, votes: UInt16(quorum - 1))
    }
    switch message {
    case .proposal(let p, let w, let v, let batch, let votes):
      let qc = short(QuorumCertificate(block: p, view: w, votes: votes))
      return .proposal(p: qc.block, w: w, v: v, batch: batch, votes: qc.votes)
    case .proposalAfterTimeout(let v, let batch, let body):
      guard case .justification(let qc, let tc) = effects.body(body) else { return nil }
      let other = effects.store(.justification(short(qc), tc))
      return .proposalAfterTimeout(v: v, batch: batch, other)
    case .vote, .newView, .timeout, .timeoutCertificate, .certificate, .fetchProposal,
      .fetchBlocks, .block, .batch, .acknowledge, .fetchBatch, .fetched, .fetchCheckpoints,
      .checkpoint, .fetchState, .state, .inquire, .standing:
      return nil
    }
  }
}
