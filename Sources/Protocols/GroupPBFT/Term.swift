import Consensus
import Kernel
import Ledger

/// What PBFT does of itself where its committee is elected: the slot that ends an era.
///
/// Its proposal has no batch; its digest names the view of the era in which it was proposed, from
/// which, and from the state, the next committee follows.
extension PBFT {
  struct Term: Sendable {
    var roster: Roster
    /// Slots of the era, the one that ends it counted, unless a view change ends it before.
    var length: Int
    var isOver = false
    /// A later era has been heard of, and from which of this era's committee.
    var isBehind = false
    var gone = Tally()
    /// An ablation: who accepts that the era ends has ended it, whatever is under way.
    var forgetsHandover = false
    /// What was executed lately, also in former eras.
    var history: [Decided]

    struct Decided: Sendable, BitwiseCopyable {
      var slot = Slot(0)
      var digest = Digest(0)
      var batch = BatchHandle.none
    }

    mutating func note(_ n: Slot, _ d: Digest, _ batch: BatchHandle) {
      history[Int(n.number) % history.count] = Decided(slot: n, digest: d, batch: batch)
    }

    func decided(_ n: Slot) -> Decided? {
      let entry = history[Int(n.number) % history.count]
      return entry.slot == n && n > Slot(0) ? entry : nil
    }
  }

  var isOver: Bool { term?.isOver ?? false }

  private static var electionTag: UInt64 { 0x656C_6563_7400_0000 }

  private func election(in v: View) -> Digest {
    Digest(Self.electionTag | UInt64(v.number & (1 << Roster.viewBits - 1)))
  }

  func isElection(_ d: Digest) -> Bool {
    term != nil && d.value >> Roster.viewBits == Self.electionTag >> Roster.viewBits
  }

  /// Whether the era may end at `n`: it is as long as it should be, or has seen a view change.
  private func mayEnd(_ n: Slot, _ v: View, _ term: Term) -> Bool {
    Int(n.number) - Int(term.roster.base.number) >= term.length || v > term.roster.firstView
  }

  /// Whether the primary of `v` may propose it at `n`.
  func isTimely(_ n: Slot, _ d: Digest, _ batch: BatchHandle, _ v: View) -> Bool {
    guard let term else { return true }
    if batch == .none, isElection(d) { return d == election(in: v) && mayEnd(n, v, term) }
    return Int(n.number) - Int(term.roster.base.number) < term.length
  }

  /// As primary, ends the era if it is time to. Whether it has, so that nothing follows.
  mutating func proposesElection(_ effects: inout Effects<Self>) -> Bool {
    guard let term else { return false }
    let last = max(lastAssigned, lastExecuted)
    var n = lastExecuted.next
    while n <= last {
      if log.contains(n), log[n].batch == .none, let d = log[n].accepted, isElection(d) {
        return true
      }
      n = n.next
    }
    guard mayEnd(last.next, view, term) else { return false }
    lastAssigned = last.next
    effects.charge(authenticatingForAll)
    if settings.isDurable { effects.write(voteBytes) }
    let d = election(in: view)
    effects.broadcast(.prePrepare(v: view, n: lastAssigned, d: d, batch: .none))
    accept(lastAssigned, d, .none, &effects)
    return true
  }

  /// Slot `n` is executed: if it ends the era, the state names the next committee.
  mutating func elect(_ n: Slot, _ d: Digest) {
    guard isElection(d), var next = term?.roster else { return }
    next.elect(after: Int(d.value & (1 << UInt64(Roster.viewBits) - 1)), at: n)
    state.configure(next.words)
    term?.isOver = true
  }

  /// A fetched state may be of a later era.
  mutating func noteTerm() {
    guard let roster = term?.roster, !state.configuration.isEmpty else { return }
    term?.isOver = state.configuration[0] > UInt64(roster.era)
  }

  /// With the ablation, ends the era without what is under way.
  mutating func endsHastily(
    _ n: Slot, _ d: Digest, _ batch: BatchHandle, _ effects: inout Effects<Self>
  ) -> Bool {
    guard term?.forgetsHandover == true, batch == .none, isElection(d), !isOver else {
      return false
    }
    execute(lastExecuted.next, .none, of: d, &effects)
    return true
  }

  /// Answers one of another era, to which it was a member of the committee: what was executed, or
  /// where the state is.
  mutating func answerAcross(
    _ status: Status, to i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    if status.phase == .recovering {
      effects.charge(authenticating)
      effects.send(.status(makeStatus()), to: i)
    }
    guard status.executed < lastExecuted else { return }
    guard term?.decided(status.executed.next) != nil else {
      return resendCheckpoints(after: status.executed, to: i, &effects)
    }
    for k in 1...UInt32(Progress.slots) {
      guard let entry = term?.decided(Slot(status.executed.number + k)) else { return }
      let isWhole = effects.batches.contains(entry.batch)
      if !isWhole, entry.batch != .none { return }
      effects.charge(authenticating)
      effects.send(
        .decided(n: entry.slot, d: entry.digest, batch: entry.batch, isWhole: isWhole), to: i)
    }
  }

  /// When f + 1 of the committee are in later eras, this one is over: all of it is decided, and no
  /// view of it needs what was prepared. A window that is full, because nobody is left to make its
  /// checkpoints stable, must not keep this replica from learning the rest.
  mutating func makeRoomForRest() {
    guard let term, term.gone.count >= committee.weakQuorum, lastExecuted == log.high else {
      return
    }
    log.advance(to: lastExecuted)
    checkpoints.removeAll { $0.slot <= lastExecuted }
    stableState = state.digest
    stableVotes = quorum
    keepSnapshot(lastExecuted)
  }

  /// The replica `me` of the era that `roster` opens, which goes on from the state of this one.
  ///
  /// - Parameter believing: of a node that does not endorse, how many endorsers it believes.
  func successor(_ roster: Roster, me: ReplicaID, believing: Int) -> PBFT {
    var next = PBFT(me: me, committee: committee, settings: settings)
    next.term = term
    next.term?.roster = roster
    next.term?.isOver = false
    next.term?.isBehind = false
    next.term?.gone.clear()
    next.state = state
    next.mempool = mempool
    next.mempool.giveBackAll()
    next.mempool.forget(executed: state.executed)
    next.lastExecuted = lastExecuted
    next.lastAssigned = lastExecuted
    next.executedAtTick = executedAtTick
    next.view = roster.firstView
    next.log.advance(to: lastExecuted)
    // A quorum's commits of the slot that ended the era stand behind it.
    next.stableState = state.digest
    next.stableVotes = quorum
    next.keepSnapshot(lastExecuted)
    next.recovery = recovery
    next.endRecovery()
    if Int(me.index) >= committee.n {
      next.observe(believing, in: View((roster.era + 1) << Roster.viewBits - 1))
    }
    return next
  }
}
