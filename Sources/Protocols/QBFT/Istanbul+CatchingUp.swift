import Consensus
import Kernel
import Ledger
import Machines

/// Messages ahead of their time, and what a replica does that has missed decisions.
extension Istanbul {
  /// Blocks that one request brings.
  static var blocksPerRequest: UInt32 { 32 }
  /// Heights ahead of which messages are kept.
  static var heightsAhead: UInt32 { 8 }
  static func earlyRoom(n: Int) -> Int { 16 * n + 2 * Int(blocksPerRequest) }

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
    if message.isVote(after: round) {
      keepEarly(message, from: i)
      return false
    }
    return true
  }

  private mutating func keepEarly(_ message: Message, from i: ReplicaID) {
    var reach = Self.heightsAhead
    if case .block = message { reach = Self.blocksPerRequest }
    guard message.height.number - height.number <= reach else { return }
    early.keep(message, from: i)
  }

  /// Takes the early messages whose time has come, until none of them brings another's.
  mutating func replayEarly(at now: LocalTime, _ effects: inout Effects<Self>) {
    while let next = takeEarly() { handle(next.message, from: next.sender, at: now, &effects) }
  }

  private mutating func takeEarly() -> EarlyMessages<Message>.Entry? {
    let (h, r) = (height, round)
    return early.next { message in
      if message.height < h { return .past }
      return message.height == h && !message.isVote(after: r) ? .present : .future
    }
  }

  /// Says how far this replica is.
  private func tell(_ i: ReplicaID, _ effects: inout Effects<Self>) {
    effects.charge(settings.costs.sign)
    effects.send(.status(decided: last.height, isRecovering: false), to: i)
  }

  /// Notes that `i` has decided `h`. It may be a moment ahead only; so the replica waits a little
  /// before it asks.
  mutating func noteAhead(_ h: Slot, of i: ReplicaID, _ effects: inout Effects<Self>) {
    if fetch.note(h, of: i, beyond: last.height) {
      effects.arm(.sync, after: settings.syncTimeout)
    }
  }

  /// Asks for what is missing: who is ahead first, then, as long as nothing comes, each in turn.
  mutating func catchUp(_ effects: inout Effects<Self>) {
    if recovery?.isAsking == true {
      fetch.inquire()
      sendStatus(&effects)
    } else if let helper = fetch.next(after: last.height, for: me, of: committee) {
      effects.charge(settings.costs.sign)
      effects.send(.fetchBlocks(after: last.height), to: helper)
    } else {
      return effects.disarm(slot: Timer.sync.slot)
    }
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
    let isRecovering = recovery?.isAsking == true
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
      fetch.pause()
    } else {
      self = Istanbul(me: me, committee: committee, settings: settings)
      recovery = Recovery(from: Slot(0))
      startTimers(at: now, &effects)
    }
    if recovery != nil || fetch.target != nil { catchUp(&effects) }
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
    recovery?.count(decided, of: i, enough: quorum) { Slot($0.number + 2) }
  }

  mutating func endRecovery() {
    if let point = recovery?.point, height > point { recovery = nil }
  }
}
