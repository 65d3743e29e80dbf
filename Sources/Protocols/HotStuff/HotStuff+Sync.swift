import Consensus
import Kernel
import Ledger
import Machines

/// Blocks that a replica lacks: it asks whoever named them, then the others in turn.
extension ChainedHotStuff {
  /// Blocks in an answer, at most.
  private var syncLength: UInt32 { 32 }

  /// Asks for the block `digest` of `view` and all between it and the root.
  mutating func fetch(
    _ digest: Digest, _ view: View, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    if let wanted, wanted.block == digest || wanted.view > view { return }
    wanted = Wanted(block: digest, view: view, left: syncLength)
    effects.send(.fetchBlocks(n: lastExecuted, d: digest), to: i == me ? takeHelper() : i)
    startSync(&effects)
  }

  @inline(__always)
  func isMissing(_ digest: Digest, of view: View) -> Bool {
    view > root.view && index(of: digest) == nil
  }

  mutating func startSync(_ effects: inout Effects<Self>) {
    guard !isSyncing else { return }
    isSyncing = true
    effects.arm(.sync, after: settings.syncInterval)
  }

  /// Asks again, of the next replica, for whatever has not come.
  mutating func keepSyncing(_ effects: inout Effects<Self>) {
    isSyncing = false
    if let missing = wanted {
      wanted = nil
      if isMissing(missing.block, of: missing.view) {
        fetch(missing.block, missing.view, from: takeHelper(), &effects)
      }
    } else if isMissing(voting.high.block, of: voting.high.view) {
      fetch(voting.high.block, voting.high.view, from: takeHelper(), &effects)
    }
    for block in pending where !block.isComplete {
      requestContent(of: block, from: takeHelper(), &effects)
    }
    if let transfer {
      effects.send(.fetchState(n: transfer.slot), to: takeHelper())
      startSync(&effects)
    }
    if recovery?.isAsking == true { askForStandings(&effects) }
  }

  /// Whom to ask now: everybody else in turn.
  mutating func takeHelper() -> ReplicaID {
    defer { nextHelper = nextHelper.next(of: committee.n, but: me) }
    return nextHelper
  }

  /// Sends the blocks above height `n` in order, as far as one answer goes, towards block `d`.
  mutating func sendBlocks(
    after n: Slot, to d: Digest, _ i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    if n < log.low { return sendCheckpoints(to: i, &effects) }
    var left = syncLength
    var slot = n.next
    while left > 0, slot <= lastExecuted, log.contains(slot) {
      send(log[slot], to: i, &effects)
      left -= 1
      slot = slot.next
    }
    // Then those that are not committed, on the way to the one that is wanted.
    for block in pending where left > 0 && block.height > n.number && isOnWay(block, to: d) {
      send(block, to: i, &effects)
      left -= 1
    }
  }

  @inline(__always)
  func isOnWay(_ block: ChainBlock, to d: Digest) -> Bool {
    var step = index(of: d)
    while let k = step {
      if pending[k].digest == block.digest { return true }
      step = index(of: pending[k].parent)
    }
    return false
  }

  private func send(_ block: ChainBlock, to i: ReplicaID, _ effects: inout Effects<Self>) {
    let qc = block.certificate
    effects.send(
      .block(p: qc.block, w: qc.view, v: block.view, batch: block.batch, votes: qc.votes), to: i)
  }

  /// A block that was asked for. It is signed by its leader, like a proposal.
  mutating func receive(
    view v: View, _ qc: QuorumCertificate, _ batch: BatchHandle, from i: ReplicaID,
    _ effects: inout Effects<Self>
  ) {
    guard qc.view < v, isGenuine(qc), hasContentOrNone(batch, effects) else { return }
    var block = makeBlock(view: v, qc, nil, batch, effects)
    block.isVotable = false
    learn(qc, from: i, &effects)
    if v > root.view { add(block, from: i, &effects) }
    guard var wanted else { return }
    wanted.left -= 1
    self.wanted = wanted
    if wanted.left == 0 {
      self.wanted = nil
      fetch(wanted.block, wanted.view, from: i, &effects)
    }
  }

  // MARK: Blocks whose parent is missing

  mutating func keepOrphan(_ block: ChainBlock) {
    guard !orphans.contains(where: { $0.digest == block.digest }) else { return }
    if orphans.count >= 2 * Int(syncLength) {
      // The farthest ahead is the easiest to get again.
      guard let last = orphans.indices.max(by: { orphans[$0].view < orphans[$1].view }) else {
        return
      }
      if orphans[last].view < block.view { return }
      orphans.remove(at: last)
    }
    orphans.append(block)
  }

  mutating func adoptOrphans(
    of parent: Digest, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    while let k = orphans.firstIndex(where: { $0.parent == parent }) {
      add(orphans.remove(at: k), from: i, &effects)
    }
  }
}

// MARK: - A state that others have left behind

extension ChainedHotStuff {
  mutating func sendCheckpoints(to i: ReplicaID, _ effects: inout Effects<Self>) {
    for snapshot in snapshots {
      effects.charge(settings.costs.sign)
      effects.send(.checkpoint(n: Slot(snapshot.block.height), d: snapshot.digest), to: i)
    }
  }

  /// f + 1 replicas with the same snapshot: one of them is correct.
  mutating func collectCheckpoint(
    _ n: Slot, _ d: Digest, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard n > lastExecuted, n > transfer?.slot ?? Slot(0) else { return }
    let executed = lastExecuted
    checkpoints.removeAll { $0.slot <= executed }
    if checkpoints.isEmpty { effects.broadcast(.fetchCheckpoints) }
    var k = checkpoints.firstIndex { $0.slot == n } ?? checkpoints.count
    if k == checkpoints.count {
      checkpoints.append(Checkpoint(slot: n))
      k = checkpoints.count - 1
    }
    checkpoints[k].votes.add(i, for: d)
    guard checkpoints[k].votes.count(for: d) >= committee.weakQuorum else { return }
    transfer = Transfer(slot: n, digest: d)
    effects.send(.fetchState(n: n), to: i)
    startSync(&effects)
  }

  mutating func sendState(_ n: Slot, to i: ReplicaID, _ effects: inout Effects<Self>) {
    guard let snapshot = snapshots.first(where: { $0.block.height == n.number }) else {
      return sendCheckpoints(to: i, &effects)
    }
    let body = effects.store(.state(snapshot))
    effects.charge(settings.costs.sign + settings.costs.hashing(bytes(of: snapshot.state)))
    effects.send(.state(n: n, body), to: i)
  }

  mutating func takeOver(_ n: Slot, _ body: BodyHandle, _ effects: inout Effects<Self>) {
    guard let transfer, transfer.slot == n, n > lastExecuted,
      case .state(let snapshot) = effects.body(body), snapshot.digest == transfer.digest
    else { return }
    if settings.isDurable { effects.write(bytes(of: snapshot.state)) }
    self.transfer = nil
    checkpoints.removeAll()
    state.assign(snapshot.state)
    root = snapshot.block
    log.advance(to: n)
    pending.removeAll { $0.view <= root.view }
    mempool.forget(executed: state.executed)
    forgetOld(effects)
    effects.caughtUp(to: n, transactions: state.transactions, state: state.digest)
    keepSnapshot()
    // What was above a hole may now stand on something.
    let rest = pending + orphans
    pending.removeAll(keepingCapacity: true)
    orphans.removeAll(keepingCapacity: true)
    for block in rest { add(block, from: nextHelper, &effects) }
    if isMissing(voting.high.block, of: voting.high.view) {
      fetch(voting.high.block, voting.high.view, from: takeHelper(), &effects)
    }
    propose(&effects)
  }
}

// MARK: - Coming up again

extension ChainedHotStuff {
  public mutating func restart(
    keepsDisk: Bool, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    if keepsDisk {
      isBatchTiming = false
      isIdleTiming = false
      timerDue = nil
      isSyncing = false
      wanted = nil
      spread.isSealTiming = false
      spread.isResending = false
    } else {
      self = ChainedHotStuff(me: me, committee: committee, settings: settings)
      recovery = Recovery(from: View(0))
    }
    clock = now
    watchView(&effects)
    if recovery != nil { askForStandings(&effects) } else { startSync(&effects) }
    sealBatches(&effects)
    watchBatches(&effects)
    propose(&effects)
  }

  mutating func askForStandings(_ effects: inout Effects<Self>) {
    if recovery?.point == nil { effects.broadcast(.inquire) }
    startSync(&effects)
  }

  /// The highest view of which this replica can know that others may be in it.
  var standing: Message {
    var reach = max(view, max(voting.lastVoted, wishes[Int(me.index)].view))
    if hasTimedOut { reach = max(reach, self.view(after: view)) }
    let high = voting.high
    return .standing(v: reach, p: high.block, w: high.view, votes: high.votes)
  }

  /// A view in which this replica may have voted was opened by a quorum: all but its last vote's
  /// view is at most the highest reach among any quorum's answers.
  mutating func noteStanding(
    _ v: View, _ qc: QuorumCertificate, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    recovery?.count(v, of: i, enough: quorum) { $0.next }
    learn(qc, from: i, &effects)
  }

  /// A certificate above all views of its former votes extends whatever they helped to decide; the
  /// replica is bound to it and may vote again.
  mutating func endRecovery(with qc: QuorumCertificate) {
    guard let point = recovery?.point, qc.view > point else { return }
    recovery = nil
    voting.locked = qc
    voting.lastVoted = qc.view
    voting.lastProposed = max(voting.lastProposed, qc.view)
  }
}
