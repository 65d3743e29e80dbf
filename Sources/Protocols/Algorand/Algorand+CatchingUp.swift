import Consensus
import Kernel
import Ledger
import Machines

/// Messages ahead of their time, and what a replica does that has missed decisions.
extension Algorand {
  /// Blocks that one request brings.
  static var blocksPerRequest: UInt32 { 32 }
  static func earlyRoom(n: Int) -> Int { 8 * n + 2 * Int(blocksPerRequest) }

  /// Whether a message is of this round; what is early by one round is kept.
  mutating func isTimely(
    _ message: Message, from i: ReplicaID, _ effects: inout Effects<Self>
  ) -> Bool {
    let r = message.round
    if r < round {
      // Who still wants to end a period of it has missed the decision.
      if case .vote(_, _, _, _, let s) = message, s.endsPeriod { tell(i, &effects) }
      return false
    }
    if r > round {
      noteAhead(Slot(r.number - 1), of: i, &effects)
      keepEarly(message, from: i)
      return false
    }
    return true
  }

  /// The specification's rule for round r + 1: period 0 only, and no backing off.
  private mutating func keepEarly(_ message: Message, from i: ReplicaID) {
    var reach: UInt32 = 1
    switch message {
    case .block: reach = Self.blocksPerRequest
    case .propose(_, _, _, let p, _): if p > 0 { return }
    case .vote(_, _, _, let p, let s): if p > 0 || s.isBackoff { return }
    case .payload: break
    case .bundle, .transactions, .status, .fetchBlocks, .state: return
    }
    guard message.round.number - round.number <= reach else { return }
    early.keep(message, from: i)
  }

  /// Takes the early messages whose time has come, until none of them brings another's.
  mutating func replayEarly(at now: LocalTime, _ effects: inout Effects<Self>) {
    while let next = takeEarly() { handle(next.message, from: next.sender, at: now, &effects) }
  }

  private mutating func takeEarly() -> EarlyMessages<Message>.Entry? {
    let r = round
    return early.next { $0.round < r ? .past : $0.round == r ? .present : .future }
  }

  /// Says how far this replica is.
  private func tell(_ i: ReplicaID, _ effects: inout Effects<Self>) {
    effects.charge(settings.costs.sign)
    effects.send(.status(decided: last.round, isRecovering: false), to: i)
  }

  /// Notes that `i` has decided `r`, or knows of its certificate. It may be a moment ahead only; so
  /// the replica waits a little before it asks.
  mutating func noteAhead(_ r: Slot, of i: ReplicaID, _ effects: inout Effects<Self>) {
    if fetch.note(r, of: i, beyond: last.round) {
      effects.arm(.sync, after: settings.syncTimeout)
    }
  }

  /// Asks for what is missing: who is ahead first, then, as long as nothing comes, each in turn.
  mutating func catchUp(_ effects: inout Effects<Self>) {
    if recovery?.isAsking == true {
      fetch.inquire()
      sendStatus(&effects)
    } else if let helper = fetch.next(after: last.round, for: me, of: committee) {
      effects.charge(settings.costs.sign)
      effects.send(.fetchBlocks(after: last.round), to: helper)
    } else {
      return effects.disarm(slot: Timer.sync.slot)
    }
    effects.arm(.sync, after: settings.syncTimeout)
  }

  /// Sends the blocks after `r` with their cert bundles; if they are no longer kept, the state.
  mutating func sendBlocks(
    after r: Slot, to i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard r < last.round else { return }
    if r < blocks.low {
      let body = effects.store(.state(last, bundle(of: last), seeds, state))
      effects.charge(settings.costs.hashing(bytes(of: state)))
      effects.send(.state(r: last.round, body), to: i)
      return
    }
    var next = r.next
    while next <= last.round, next.number - r.number <= Self.blocksPerRequest {
      let block = blocks[next]
      effects.send(
        .block(r: next, effects.store(.certified(block, bundle(of: block)))), to: i)
      next = next.next
    }
  }

  mutating func sendStatus(_ effects: inout Effects<Self>) {
    effects.charge(settings.costs.sign)
    let isRecovering = recovery?.isAsking == true
    effects.broadcast(.status(decided: last.round, isRecovering: isRecovering))
  }

  mutating func answer(
    _ decided: Slot, isRecovering: Bool, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    if isRecovering || decided < last.round { tell(i, &effects) }
    if !isRecovering { noteRecovery(decided, from: i) }
    noteAhead(decided, of: i, &effects)
  }
}

// MARK: - Coming up again

extension Algorand {
  public mutating func restart(
    keepsDisk: Bool, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    if keepsDisk {
      // The period goes on from where it stood; votes that were cast are on the disk.
      effects.arm(.step, after: max(stepDue - now, .zero))
      effects.arm(.fast, after: max(fastDue - now, .zero))
      fetch.pause()
    } else {
      self = Algorand(me: me, committee: committee, settings: settings)
      recovery = Recovery(from: Slot(0))
      enterRound(at: now, &effects)
    }
    if recovery != nil || fetch.target != nil { catchUp(&effects) }
    if recovery == nil { sendStatus(&effects) }
  }

  /// A replica that lost its memory casts no vote until the chain has passed all rounds in which it
  /// may have voted: it cannot contradict what it does not know.
  ///
  /// It voted at most in the round after the last it had decided, which accounts with about three
  /// quarters of the stake had certified: they had decided all before it, and share a correct
  /// account with any two thirds that answer.
  var mayVote: Bool {
    guard let recovery else { return true }
    guard let point = recovery.point else { return false }
    return round > point
  }

  private mutating func noteRecovery(_ decided: Slot, from i: ReplicaID) {
    let twoThirds = (2 * settings.totalStake + 2) / 3
    recovery?.count(decided, of: i, weight: stakes[Int(i.index)], enough: twoThirds) {
      Slot($0.number + 2)
    }
  }

  mutating func endRecovery() {
    if let point = recovery?.point, round > point { recovery = nil }
  }
}
