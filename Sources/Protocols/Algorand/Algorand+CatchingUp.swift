import Consensus
import Kernel
import Ledger
import Machines

/// Messages ahead of their time, and what a replica does that has missed decisions.
extension Algorand {
  /// The highest round that others say to have decided, and whom to ask.
  struct Ahead: Sendable, BitwiseCopyable {
    var round: Slot
    var helper: ReplicaID
    /// Last block that was asked for.
    var asked = Slot(0)
  }

  /// What a replica without memory knows of how far the others are.
  struct Recovery: Sendable {
    var answers = Tally()
    /// Stake of those who answered.
    var stake = 0
    var highest = Slot(0)
    /// The last round in which it may have voted before it lost its memory.
    var point: Slot?
  }

  /// Blocks that one request brings.
  static var blocksPerRequest: UInt32 { 32 }
  var earlyRoom: Int { 8 * committee.n + 2 * Int(Self.blocksPerRequest) }

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
    guard message.round.number - round.number <= reach, early.count < earlyRoom else { return }
    early.append(Early(message: message, sender: i))
  }

  /// Takes the early messages whose time has come, until none of them brings another's.
  mutating func replayEarly(at now: LocalTime, _ effects: inout Effects<Self>) {
    guard !early.isEmpty, !isReplaying else { return }
    isReplaying = true
    var hasTaken = true
    while hasTaken {
      hasTaken = false
      var kept = 0
      var k = 0
      while k < early.count {
        let next = early[k]
        k += 1
        if next.message.round < round { continue }
        if next.message.round == round {
          handle(next.message, from: next.sender, at: now, &effects)
          hasTaken = true
        } else {
          early[kept] = next
          kept += 1
        }
      }
      early.removeLast(early.count - kept)
    }
    isReplaying = false
  }

  /// Says how far this replica is.
  private func tell(_ i: ReplicaID, _ effects: inout Effects<Self>) {
    effects.charge(settings.costs.sign)
    effects.send(.status(decided: last.round, isRecovering: false), to: i)
  }

  /// Notes that `i` has decided `r`, or knows of its certificate. It may be a moment ahead only; so
  /// the replica waits a little before it asks.
  mutating func noteAhead(_ r: Slot, of i: ReplicaID, _ effects: inout Effects<Self>) {
    guard r > last.round, r > ahead?.round ?? Slot(0) else { return }
    ahead = Ahead(round: r, helper: i, asked: ahead?.asked ?? Slot(0))
    guard !isSyncing else { return }
    isSyncing = true
    effects.arm(.sync, after: settings.syncTimeout)
  }

  /// Asks for what is missing: who is ahead first, then, as long as nothing comes, each in turn.
  mutating func catchUp(_ effects: inout Effects<Self>) {
    if recovery != nil, recovery?.point == nil {
      isSyncing = true
      sendStatus(&effects)
      effects.arm(.sync, after: settings.syncTimeout)
      return
    }
    guard var next = ahead, next.round > last.round else {
      isSyncing = false
      ahead = nil
      effects.disarm(slot: Timer.sync.slot)
      return
    }
    isSyncing = true
    let wanted = Slot(last.round.number + Self.blocksPerRequest)
    if next.asked >= wanted {
      repeat {
        next.helper = ReplicaID((Int(next.helper.index) + 1) % committee.n)
      } while next.helper == me
    }
    next.asked = wanted
    ahead = next
    effects.charge(settings.costs.sign)
    effects.send(.fetchBlocks(after: last.round), to: next.helper)
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
    let isRecovering = recovery != nil && recovery?.point == nil
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
      isReplaying = false
      isSyncing = false
    } else {
      self = Algorand(me: me, committee: committee, settings: settings)
      recovery = Recovery()
      enterRound(at: now, &effects)
    }
    if recovery != nil || ahead != nil { catchUp(&effects) }
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
    guard var known = recovery, known.point == nil else { return }
    if known.answers.add(i, for: Digest(0)) { known.stake += stakes[Int(i.index)] }
    known.highest = max(known.highest, decided)
    if known.stake * 3 >= settings.totalStake * 2 {
      known.point = Slot(known.highest.number + 2)
    }
    recovery = known
  }

  mutating func endRecovery() {
    if let point = recovery?.point, round > point { recovery = nil }
  }
}
