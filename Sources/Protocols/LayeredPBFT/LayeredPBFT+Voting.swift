import Consensus
import Kernel
import Ledger
import Machines

/// The normal case: a proposal goes down, votes rise from group to group, what the top committee
/// has prepared and decided goes down again.
extension LayeredPBFT {
  /// A leader's proposal in the committee of layer `s.k`.
  mutating func consider(_ s: Statement, from i: ReplicaID, _ effects: inout Effects<Self>) {
    let k = Int(s.k)
    guard log.contains(s.n), isProven(Int(s.votes), k, of: i) else { return }
    if k == layers.count {
      guard layers.group(at: k - 1, of: Int(i.index)) == primaryGroup else { return }
    } else {
      guard leader(of: group(k), at: k) == i else { return }
    }
    guard isGenuine(s, effects) else { return }
    hold(s.batch, at: s.n, effects)
    if let first = log[s.n].proposed, first.by == i {
      if first.digest != s.d { effects.accuse(i) }  // two proposals for one view and slot
    } else {
      log[s.n].proposed = Proposed(digest: s.d, by: i)
    }
    guard log[s.n].accepted ?? s.d == s.d else { return }
    votes[s.n, k, .prepare].add(ReplicaID(layers.position(at: k, of: Int(i.index))), for: s.d)
    if log[s.n].accepted == nil {
      accept(s.n, s.d, s.batch, &effects)
    } else {
      advance(s.n, &effects)
      executeInOrder(&effects)  // it may lack nothing but the content
    }
    watchProgress(&effects)
  }

  /// Whether the digest is that of the batch.
  private func isGenuine(_ s: Statement, _ effects: borrowing Effects<Self>) -> Bool {
    guard s.batch != .none else { return s.d == Digest(0) }
    return effects.batches.contains(s.batch) && effects.batches[s.batch].digest == s.d
  }

  /// A prepare or commit in the committee of layer `s.k`.
  mutating func count(
    _ s: Statement, _ phase: VoteBook.Phase, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    let k = Int(s.k)
    guard log.contains(s.n), isProven(Int(s.votes), k, of: i) else { return }
    votes[s.n, k, phase].add(ReplicaID(layers.position(at: k, of: Int(i.index))), for: s.d)
    advance(s.n, &effects)
  }

  /// Accepts that `d` is proposed at `n` in this view, and votes for it in its lowest group. There
  /// the leader's proposal is its vote.
  mutating func accept(
    _ n: Slot, _ d: Digest, _ batch: BatchHandle, _ effects: inout Effects<Self>
  ) {
    log[n].accepted = d
    log[n].batch = batch
    guard recovery == nil else { return }
    votes[n, 1, .prepare].add(ReplicaID(layers.position(at: 1, of: node)), for: d)
    log[n].prepares |= 1
    record(1, n, batch, effects: &effects)
    sayPrepare(1, 1, n, d, &effects)
    advance(n, &effects)
  }

  /// Says in the committee of layer `k` that this node's entity, `support` strong, is for `d`.
  private mutating func sayPrepare(
    _ k: Int, _ support: Int, _ n: Slot, _ d: Digest, _ effects: inout Effects<Self>
  ) {
    var s = Statement(
      d: d, v: view, n: n, batch: .none, k: UInt8(k), votes: UInt8(clamping: support))
    effects.charge(settings.ordering.costs.sign)
    if hasContent(n), leads(k) {
      s.batch = log[n].batch
      multicast(.prePrepare(s), k, &effects)
    } else {
      multicast(.prepare(s), k, &effects)
    }
  }

  /// Passes on what the votes for `n` suffice for, unless the view has been left: what is there was
  /// said in an earlier one.
  mutating func advance(_ n: Slot, _ effects: inout Effects<Self>) {
    guard isActive, let d = log[n].accepted, log[n].decided == nil else { return }
    raisePrepares(n, d, &effects)
    if !log[n].isPrepared, leads(layers.count - 1), hasContent(n) {
      let support = votes[n, layers.count, .prepare].count(for: d)
      if support >= topQuorum { prepare(n, d, support, below: layers.count, &effects) }
    }
    guard log[n].isPrepared else { return }
    raiseCommits(n, d, &effects)
    guard leads(layers.count - 1) else { return }
    let support = votes[n, layers.count, .commit].count(for: d)
    if support >= topQuorum { decide(n, d, support, below: layers.count, &effects) }
  }

  /// As leader of a group of layer `k` a quorum of which is for `d`, says so above.
  private mutating func raisePrepares(_ n: Slot, _ d: Digest, _ effects: inout Effects<Self>) {
    for k in 1..<layers.count {
      guard log[n].prepares & 1 << UInt8(k) == 0, leads(k), hasContent(n) else { continue }
      let support = votes[n, k, .prepare].count(for: d)
      guard support >= quorum(k) || settings.weakness.contains(.speaksAlone) else { return }
      log[n].prepares |= 1 << UInt8(k)
      if mayCount(support, k) {
        votes[n, k + 1, .prepare].add(ReplicaID(layers.position(at: k + 1, of: node)), for: d)
      }
      sayPrepare(k + 1, support, n, d, &effects)
    }
  }

  /// Whether `support` votes of its group of layer `k` make this node's word count above. Even one
  /// that lies cannot put a vote without its group's certificate into a certificate of the top.
  private func mayCount(_ support: Int, _ k: Int) -> Bool {
    support >= quorum(k) || settings.upward == .leader
  }

  private mutating func raiseCommits(_ n: Slot, _ d: Digest, _ effects: inout Effects<Self>) {
    for k in 1..<layers.count {
      guard log[n].commits & 1 << UInt8(k) == 0, leads(k) else { continue }
      let support = votes[n, k, .commit].count(for: d)
      guard support >= quorum(k) || settings.weakness.contains(.speaksAlone) else { return }
      log[n].commits |= 1 << UInt8(k)
      if mayCount(support, k) {
        votes[n, k + 1, .commit].add(ReplicaID(layers.position(at: k + 1, of: node)), for: d)
      }
      effects.charge(settings.ordering.costs.sign)
      multicast(
        .commit(
          Statement(
            d: d, v: view, n: n, batch: .none, k: UInt8(k + 1), votes: UInt8(clamping: support))),
        k + 1, &effects)
    }
  }

  /// A quorum of the top committee, `support` groups, has prepared `d`: tells the groups that this
  /// node leads below layer `k`, and commits.
  private mutating func prepare(
    _ n: Slot, _ d: Digest, _ support: Int, below k: Int, _ effects: inout Effects<Self>
  ) {
    log[n].isPrepared = true
    log[n].kept = log[n].batch
    log[n].certificate = Certificate(
      slot: n, view: view, digest: d, batch: log[n].batch, votes: UInt32(support), holder: me)
    tellBelow(k, &effects) { [batch = log[n].batch, view] in
      .prepared(
        Statement(
          d: d, v: view, n: n, batch: batch, k: UInt8($0), votes: UInt8(clamping: support)))
    }
    guard recovery == nil else { return }
    votes[n, 1, .commit].add(ReplicaID(layers.position(at: 1, of: node)), for: d)
    log[n].commits |= 1
    record(topQuorum, n, .none, effects: &effects)
    effects.charge(settings.ordering.costs.sign)
    multicast(
      .commit(Statement(d: d, v: view, n: n, batch: .none, k: 1, votes: 1)), 1, &effects)
  }

  /// Sends to the committees that this node leads below layer `k`, from the highest on.
  func tellBelow(
    _ k: Int, _ effects: inout Effects<Self>, _ message: (Int) -> Message
  ) {
    for j in stride(from: k - 1, to: 0, by: -1) where leads(j) {
      multicast(message(j), j, &effects)
    }
  }

  /// What a vote rests on is on the disk before it leaves.
  private func record(
    _ statements: Int, _ n: Slot, _ batch: BatchHandle, effects: inout Effects<Self>
  ) {
    guard settings.ordering.isDurable else { return }
    effects.write(statements * voteBytes + bytes(ofContent: batch, effects))
  }
}

// MARK: - From above

extension LayeredPBFT {
  /// A certificate that a quorum of the top committee has prepared. It is proof, whatever this node
  /// had accepted itself.
  mutating func learnPrepared(
    _ s: Statement, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard log.contains(s.n), s.votes >= topQuorum, !log[s.n].isPrepared,
      log[s.n].decided == nil
    else { return }
    if log[s.n].accepted != s.d { changeTo(s.d, s.batch, at: s.n) }
    guard hasContent(s.n) else { return ask(i, for: s.n, s.d, &effects) }
    prepare(s.n, s.d, Int(s.votes), below: Int(s.k), &effects)
    advance(s.n, &effects)
    watchProgress(&effects)
  }

  /// A certificate that a quorum of the top committee has committed, in whatever view.
  mutating func learnDecided(_ s: Decided, from i: ReplicaID, _ effects: inout Effects<Self>) {
    hint = s.primary
    if s.votes >= topQuorum { highestKnown = max(highestKnown, s.n) }
    guard log.contains(s.n), s.n > lastExecuted, s.votes >= topQuorum,
      log[s.n].decided == nil
    else { return }
    if log[s.n].accepted != s.d { changeTo(s.d, s.batch, at: s.n) }
    if !hasContent(s.n) { ask(i, for: s.n, s.d, &effects) }
    decide(s.n, s.d, Int(s.votes), below: Int(s.k), &effects)
  }

  /// Takes from a certificate what this node had not accepted. Its own vote, if it was for
  /// something else, is not said again.
  private mutating func changeTo(_ d: Digest, _ batch: BatchHandle, at n: Slot) {
    log[n].hasChanged = log[n].accepted != nil
    log[n].accepted = d
    log[n].batch = batch
  }

  private mutating func decide(
    _ n: Slot, _ d: Digest, _ support: Int, below k: Int, _ effects: inout Effects<Self>
  ) {
    log[n].decided = d
    let primary = proposer
    tellBelow(k, &effects) { [batch = log[n].batch] in
      .decided(
        Decided(
          d: d, n: n, batch: batch, primary: primary, k: UInt8($0),
          votes: UInt8(clamping: support)))
    }
    executeInOrder(&effects)
  }

  mutating func executeInOrder(_ effects: inout Effects<Self>) {
    let before = lastExecuted
    while log.contains(lastExecuted.next), log[lastExecuted.next].decided != nil,
      hasContent(lastExecuted.next)
    {
      execute(lastExecuted.next, log[lastExecuted.next].batch, &effects)
    }
    guard lastExecuted > before else { return }
    futileWaits = 0
    isNeglected = false
    propose(&effects)
    watchProgress(&effects)
  }

  /// Executes `batch` as slot `n`, the next in order, and replies to its clients.
  private mutating func execute(
    _ n: Slot, _ batch: BatchHandle, _ effects: inout Effects<Self>
  ) {
    lastExecuted = n
    let costs = settings.ordering.costs
    if batch == .none {
      state.executeNull()
    } else {
      let fresh = state.execute(batch, from: effects.batches)
      let ranges = effects.batches.rangeCount(of: batch)
      for k in 0..<ranges { mempool.decided(effects.batches.range(k, of: batch)) }
      effects.charge(costs.execution * Int64(fresh) + costs.sign * Int64(ranges))
      if fresh > 0 { futileChanges = 0 }
    }
    effects.decide(
      Effects<Self>.Decision(
        slot: n, batch: batch, state: state.digest, transactions: state.transactions))
    if Int(n.number) % settings.ordering.checkpointInterval == 0 { takeCheckpoint(n, &effects) }
  }
}

// MARK: - Batches that a certificate names

extension LayeredPBFT {
  /// Whether the batch proposed for `n` is there. A null request has none.
  func hasContent(_ n: Slot) -> Bool {
    log[n].batch == .none || log[n].held == log[n].batch || log[n].kept == log[n].batch
  }

  /// Notes that a message brought the content of `batch`, proposed for `n`.
  mutating func hold(_ batch: BatchHandle, at n: Slot, _ effects: borrowing Effects<Self>) {
    guard batch != .none, effects.batches.contains(batch) else { return }
    log[n].held = batch
  }

  /// The batch for `n` with digest `d`, if its content is there.
  func content(_ d: Digest, at n: Slot, _ effects: borrowing Effects<Self>) -> BatchHandle? {
    guard log.contains(n) else { return nil }
    for batch in [log[n].held, log[n].kept]
    where effects.batches.contains(batch) && effects.batches[batch].digest == d {
      return batch
    }
    return nil
  }

  func ask(_ i: ReplicaID, for n: Slot, _ d: Digest, _ effects: inout Effects<Self>) {
    guard i != me else { return }
    effects.charge(settings.ordering.costs.sign)
    effects.send(.fetchBatch(n: n, d: d), to: i)
  }

  mutating func sendBatch(
    _ n: Slot, _ d: Digest, to i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard let batch = content(d, at: n, effects) else { return }
    effects.charge(settings.ordering.costs.sign)
    effects.send(.batch(n: n, batch), to: i)
  }

  mutating func receive(_ batch: BatchHandle, at n: Slot, _ effects: inout Effects<Self>) {
    guard log.contains(n), effects.batches.contains(batch), !hasContent(n),
      log[n].accepted == effects.batches[batch].digest
    else { return }
    hold(batch, at: n, effects)
    if n > lastExecuted { markProposed(batch, effects) }
    advance(n, &effects)
    executeInOrder(&effects)
    watchProgress(&effects)
  }
}
