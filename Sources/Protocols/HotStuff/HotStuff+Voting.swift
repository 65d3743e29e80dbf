import Consensus
import Kernel
import Ledger
import Machines

/// What a replica does with a proposal: the safety rules, votes and certificates (PODC '19,
/// Algorithms 4 and 5; FC '22, Figure 2).
extension ChainedHotStuff {
  /// Whether a quorum stands behind the certificate.
  @inline(__always)
  func isGenuine(_ qc: QuorumCertificate) -> Bool {
    if settings.weakness.contains(.uncheckedCertificates) { return true }
    return qc.view == View(0) ? qc.block == Digest(0) : Int(qc.votes) >= quorum
  }

  mutating func accept(
    view v: View, _ qc: QuorumCertificate, _ tc: TimeoutCertificate?, _ batch: BatchHandle,
    from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard i == leader(of: v), qc.view < v, isGenuine(qc), hasContentOrNone(batch, effects) else {
      return
    }
    if let tc {
      guard Int(tc.votes) >= quorum else { return }
      learn(tc, &effects)
    }
    learn(qc, from: i, &effects)
    let block = makeBlock(view: v, qc, tc, batch, effects)
    guard v > root.view else { return }
    if Rule.chains == 3, v > view { enter(v, &effects) }
    add(block, from: i, &effects)
  }

  /// A handle whose batch was dropped long ago brings nothing.
  @inline(__always)
  func hasContentOrNone(_ batch: BatchHandle, _ effects: borrowing Effects<Self>) -> Bool {
    batch == .none || effects.batches.contains(batch)
  }

  /// safeNode (PODC '19): the block extends the locked one, or its certificate is of a higher view;
  /// Jolteon's: it follows its certificate's view or a timeout certificate that names none higher.
  @inline(__always)
  func isSafe(_ block: ChainBlock) -> Bool {
    if settings.weakness.contains(.missingLock) { return true }
    guard block.isVotable else { return false }
    if Rule.chains == 2 { return true }
    return block.certificate.view > voting.locked.view || extends(block, voting.locked)
  }

  private func extends(_ block: ChainBlock, _ qc: QuorumCertificate) -> Bool {
    var ancestor = block
    while ancestor.view > qc.view {
      if ancestor.parent == qc.block { return true }
      guard let k = index(of: ancestor.parent) else { return ancestor.parent == qc.block }
      ancestor = pending[k]
    }
    return ancestor.digest == qc.block
  }

  /// Votes for `block` if it may: at most once in a view, in growing views.
  mutating func vote(for block: ChainBlock, _ effects: inout Effects<Self>) {
    let isFresh = settings.weakness.contains(.staleViews) || block.view > voting.lastVoted
    guard isFresh, recovery == nil, block.isComplete, isSafe(block) else { return }
    // What Jolteon gave up stays so; HotStuff's views are the pacemaker's alone.
    let mayLeave =
      Rule.chains == 3 || !settings.weakness.isDisjoint(with: [.staleViews, .missingLock])
    guard mayLeave || block.view == view else { return }
    if block.view != view { enter(block.view, &effects) }
    if block.view >= voting.lastVoted {
      voting.lastVoted = block.view
      voting.vote = block.digest
    }
    if settings.isDurable { effects.write(votingBytes) }
    effects.charge(settings.costs.sign)
    let next = leader(of: block.view.next)
    if next == me {
      count(block.view, block.digest, from: me, &effects)
    } else {
      effects.send(.vote(v: block.view, d: block.digest), to: next)
    }
  }

  mutating func collectVote(
    _ v: View, _ d: Digest, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard leader(of: v.next) == me else { return }
    count(v, d, from: i, &effects)
  }

  /// Counts a vote; a quorum of them is a certificate.
  private mutating func count(
    _ v: View, _ d: Digest, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    let k = Int(v.number) % ballots.count
    guard v >= ballots[k].view else { return }
    if v > ballots[k].view {
      ballots[k].view = v
      ballots[k].tally.clear()
    }
    guard ballots[k].tally.add(i, for: d) else {
      // Two votes in a view: proof against their sender.
      if ballots[k].tally.vote(of: i) != d { effects.accuse(i) }
      return
    }
    guard v > voting.high.view, ballots[k].tally.count(for: d) >= quorum else { return }
    let votes = UInt16(ballots[k].tally.count(for: d))
    learn(QuorumCertificate(block: d, view: v, votes: votes), from: i, &effects)
  }

  /// Takes in a certificate: it may open a view, lock, and decide.
  mutating func learn(
    _ qc: QuorumCertificate, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard qc.view > voting.high.view, isGenuine(qc) else { return }
    voting.high = qc
    endRecovery(with: qc)
    if qc.view.next > view { enter(qc.view.next, &effects) }
    // Its block may be on the way: only if it does not come is it asked for.
    if isMissing(qc.block, of: qc.view) { startSync(&effects) }
    follow(qc, &effects)
    propose(&effects)
  }
}

// MARK: - The chain

extension ChainedHotStuff {
  /// Where a block above the root stands; searched from the end, where the new ones are.
  @inline(__always)
  func index(of digest: Digest) -> Int? {
    var k = pending.count - 1
    while k >= 0 {
      if pending[k].digest == digest { return k }
      k -= 1
    }
    return nil
  }

  /// Adds a block to the chain if its parent is there; otherwise asks for that.
  mutating func add(_ new: ChainBlock, from i: ReplicaID, _ effects: inout Effects<Self>) {
    guard new.view > root.view, index(of: new.digest) == nil else { return }
    var block = new
    if block.parent == root.digest {
      block.height = root.height + 1
    } else if let k = index(of: block.parent) {
      block.height = pending[k].height + 1
    } else {
      keepOrphan(block)
      return fetch(block.parent, block.certificate.view, from: i, &effects)
    }
    var place = pending.count
    while place > 0, pending[place - 1].view > block.view { place -= 1 }
    if place > 0, pending[place - 1].view == block.view {
      // Two blocks of one view, both signed by its leader.
      effects.accuse(leader(of: block.view))
    }
    if !block.isComplete {
      block.isComplete = takeIn(block, from: i, &effects)
    }
    pending.insert(block, at: place)
    if settings.dissemination == .none, !mempool.isEmpty { markProposed(block, effects) }
    if wanted?.block == block.digest { wanted = nil }
    // The certificate of its parent may only now lead to something; so may its own.
    follow(block.certificate, &effects)
    if voting.high.block == block.digest { follow(voting.high, &effects) }
    if let k = index(of: block.digest), pending[k].isComplete { vote(for: pending[k], &effects) }
    if voting.high.block == block.digest { propose(&effects) }
    adoptOrphans(of: block.digest, from: i, &effects)
  }

  /// The update of Algorithm 5: `qc` certifies b1; b2 and b3 are its parent and grandparent.
  ///
  /// HotStuff locks b2 and decides b3 if the views of the three follow each other; Jolteon decides
  /// b2 if those of the two do.
  mutating func follow(_ qc: QuorumCertificate, _ effects: inout Effects<Self>) {
    guard let k1 = index(of: qc.block) else { return }
    let b1 = pending[k1]
    if b1.certificate.view > voting.locked.view { voting.locked = b1.certificate }
    guard let k2 = index(of: b1.parent) else { return }
    let b2 = pending[k2]
    let hasGaps = settings.weakness.contains(.gapsInChains)
    guard hasGaps || b2.view.next == b1.view else { return }
    if Rule.chains == 2 { return commit(b2.digest, &effects) }
    guard let k3 = index(of: b2.parent) else { return }
    let b3 = pending[k3]
    guard hasGaps || b3.view.next == b2.view else { return }
    commit(b3.digest, &effects)
  }
}
