import Consensus
import Kernel
import Ledger
import Machines

/// Messages ahead of their time, and what a replica does that has missed decisions.
extension Istanbul {
  /// The highest height that others say to have decided, and whom to ask.
  struct Ahead: Sendable, BitwiseCopyable {
    var height: Slot
    var helper: ReplicaID
    /// Last block that was asked for.
    var asked = Slot(0)
  }

  /// What a replica without memory knows of how far the others are.
  struct Recovery: Sendable {
    var answers = Tally()
    var highest = Slot(0)
    /// The last height at which it may have voted before it lost its memory.
    var point: Slot?
  }

  /// Blocks that one request brings.
  static var blocksPerRequest: UInt32 { 32 }
  /// Heights ahead of which messages are kept.
  static var heightsAhead: UInt32 { 8 }
  var earlyRoom: Int { 16 * committee.n + 2 * Int(Self.blocksPerRequest) }

  /// Whether a message is of this height, and of a round that has begun; what is early is kept.
  mutating func isTimely(
    _ message: Message, from i: ReplicaID, _ effects: inout Effects<Self>
  ) -> Bool {
    let h = message.height
    if h < height {
      if case .roundChange = message { tell(i, &effects) }  // it has missed the decision
      return false
    }
    if h > height {
      noteAhead(Slot(h.number - 1), of: i, &effects)
      keepEarly(message, from: i)
      return false
    }
    if isOfLaterRound(message) {
      keepEarly(message, from: i)
      return false
    }
    return true
  }

  /// Round changes and justified proposals speak for their round; votes wait until it begins.
  private func isOfLaterRound(_ message: Message) -> Bool {
    switch message {
    case .prepare(_, let r, _), .commit(_, let r, _): r > round
    default: false
    }
  }

  private mutating func keepEarly(_ message: Message, from i: ReplicaID) {
    var reach = Self.heightsAhead
    if case .block = message { reach = Self.blocksPerRequest }
    guard message.height.number - height.number <= reach, early.count < earlyRoom else { return }
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
        if next.message.height < height { continue }
        if next.message.height == height, !isOfLaterRound(next.message) {
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
    effects.send(.status(decided: last.height, isRecovering: false), to: i)
  }

  /// Notes that `i` has decided `h`. It may be a moment ahead only; so the replica waits a little
  /// before it asks.
  mutating func noteAhead(_ h: Slot, of i: ReplicaID, _ effects: inout Effects<Self>) {
    guard h > last.height, h > ahead?.height ?? Slot(0) else { return }
    ahead = Ahead(height: h, helper: i, asked: ahead?.asked ?? Slot(0))
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
    guard var next = ahead, next.height > last.height else {
      isSyncing = false
      ahead = nil
      effects.disarm(slot: Timer.sync.slot)
      return
    }
    isSyncing = true
    let wanted = Slot(last.height.number + Self.blocksPerRequest)
    if next.asked >= wanted {
      repeat {
        next.helper = ReplicaID((Int(next.helper.index) + 1) % committee.n)
      } while next.helper == me
    }
    next.asked = wanted
    ahead = next
    effects.charge(settings.costs.sign)
    effects.send(.fetchBlocks(after: last.height), to: next.helper)
    effects.arm(.sync, after: settings.syncTimeout)
  }

  /// Sends the blocks after `h`; if they are no longer kept, the state.
  mutating func sendBlocks(
    after h: Slot, to i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard h < last.height else { return }
    if h < blocks.low {
      let body = effects.store(.state(last, state))
      effects.charge(settings.costs.hashing(bytes(of: state)))
      effects.send(.state(h: last.height, body), to: i)
      return
    }
    var next = h.next
    while next <= last.height, next.number - h.number <= Self.blocksPerRequest {
      effects.send(.block(blocks[next]), to: i)
      next = next.next
    }
  }

  mutating func sendStatus(_ effects: inout Effects<Self>) {
    effects.charge(settings.costs.sign)
    let isRecovering = recovery != nil && recovery?.point == nil
    effects.broadcast(.status(decided: last.height, isRecovering: isRecovering))
  }

  mutating func answer(
    _ decided: Slot, isRecovering: Bool, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    if isRecovering || decided < last.height { tell(i, &effects) }
    if !isRecovering { noteRecovery(decided, from: i) }
    noteAhead(decided, of: i, &effects)
  }
}

// MARK: - Coming up again

extension Istanbul {
  public mutating func restart(
    keepsDisk: Bool, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    if keepsDisk {
      startTimers(at: now, &effects)
      if round > Round(0) { armRoundTimer(&effects) }
      isReplaying = false
      isSyncing = false
    } else {
      self = Istanbul(me: me, committee: committee, settings: settings)
      recovery = Recovery()
      startTimers(at: now, &effects)
    }
    if recovery != nil || ahead != nil { catchUp(&effects) }
    if recovery == nil { sendStatus(&effects) }
  }

  /// A replica that lost its memory casts no vote until the chain has passed all heights at which
  /// it may have voted: it cannot contradict what it does not know.
  ///
  /// It voted at most at the height after the last it had decided. That one was sealed by a quorum,
  /// so that every quorum of answers has a correct replica which had decided all before it.
  var mayVote: Bool {
    guard let recovery else { return true }
    guard let point = recovery.point else { return false }
    return height > point
  }

  private mutating func noteRecovery(_ decided: Slot, from i: ReplicaID) {
    guard var known = recovery, known.point == nil else { return }
    known.answers.add(i, for: Digest(0))
    known.highest = max(known.highest, decided)
    if known.answers.count >= quorum { known.point = Slot(known.highest.number + 2) }
    recovery = known
  }

  mutating func endRecovery() {
    if let point = recovery?.point, height > point { recovery = nil }
  }
}
