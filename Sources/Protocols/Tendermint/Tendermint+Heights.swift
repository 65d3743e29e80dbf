import Consensus
import Kernel
import Ledger
import Machines

/// From one height to the next: proposing, deciding, and the wait in between.
extension Tendermint {
  /// A new height: waits for late precommits (timeout-commit), then begins round 0.
  mutating func beginHeight(_ effects: inout Effects<Self>) {
    step = .newHeight
    round = Round(0)
    if height > Height(1), settings.commitTimeout > .zero {
      tellStep(&effects)
      effects.arm(.commit(h: height), after: settings.commitTimeout)
    } else {
      beginRoundZero(&effects)
    }
  }

  mutating func beginRoundZero(_ effects: inout Effects<Self>) {
    // Without empty blocks a height begins when there is something to propose or proposed.
    isIdle =
      !settings.proposesEmpty && mempool.isEmpty && votes[0].proposal == nil
      && votes.rounds.count == 1
    if isIdle { tellStep(&effects) } else { startRound(Round(0), &effects) }
  }

  /// Transactions have come.
  mutating func wake(_ effects: inout Effects<Self>) {
    if isIdle, step == .newHeight, !mempool.isEmpty { startRound(Round(0), &effects) }
  }

  /// Lines 14 to 19: proposes the valid value, or a new block.
  mutating func propose(_ effects: inout Effects<Self>) {
    let k = votes.place(round)
    guard votes[k].proposal == nil else { return }
    let proposal: Proposal
    if validRound > .none {
      proposal = Proposal(digest: validValue, batch: validBatch, validRound: validRound)
    } else {
      let batch = makeBlock(&effects)
      let d = Self.identify(
        height, content: effects.batches[batch].digest, state: state.digest)
      proposal = Proposal(digest: d, batch: batch, validRound: .none)
      effects.charge(settings.costs.hashing(effects.batches[batch].bytes))
    }
    votes[k].proposal = proposal
    effects.charge(settings.costs.sign)
    if settings.isDurable { effects.write(voteBytes + bytes(ofContent: proposal.batch, effects)) }
    switch settings.dissemination {
    case .direct:
      effects.broadcast(
        .proposal(
          h: height, r: round, vr: proposal.validRound, d: proposal.digest,
          batch: proposal.batch))
    case .gossip: offer(proposal, effects)
    }
  }

  /// getValue(): the transactions that waited longest.
  private mutating func makeBlock(_ effects: inout Effects<Self>) -> BatchHandle {
    if mempool.proposedCount > 0 { mempool.giveBackAll() }
    mempool.take(
      atMost: settings.blockTransactions, bytes: settings.blockBytes, sizes: effects.sizes,
      into: &effects.batches)
    let number = UInt64(height.number) << 16 | UInt64(UInt16(bitPattern: round.number))
    return effects.batches.seal(salt: number << 16 | UInt64(me.index))
  }

  /// Lines 51 to 54: decides `block`, executes it and goes to the next height.
  mutating func decide(_ block: DecidedBlock, _ effects: inout Effects<Self>) {
    execute(block.batch, &effects)
    effects.decide(
      Effects<Self>.Decision(
        slot: height, batch: block.batch, state: state.digest,
        transactions: state.transactions))
    if settings.isDurable { effects.write(bytes(ofContent: block.batch, effects)) }
    remember(block)
    if Int(height.number) % settings.snapshotInterval == 0 { keepSnapshot() }
    leaveHeight(for: height.next)
    beginHeight(&effects)
    if !ahead.isEmpty { takeAhead(&effects) }
  }

  private mutating func execute(_ batch: BatchHandle, _ effects: inout Effects<Self>) {
    let fresh = state.execute(batch, from: effects.batches)
    let ranges = effects.batches.rangeCount(of: batch)
    for k in 0..<ranges { mempool.decided(effects.batches.range(k, of: batch)) }
    // What this replica proposed and others did not decide waits again.
    if mempool.proposedCount > 0 { mempool.giveBackAll() }
    effects.charge(settings.costs.execution * Int64(fresh))
  }

  /// Forgets what was of the height, for `next`.
  mutating func leaveHeight(for next: Height) {
    schedule.advance(to: next)
    height = next
    round = Round(0)
    lockedValue = Self.nilVote
    lockedRound = .none
    validValue = Self.nilVote
    validRound = .none
    validBatch = .none
    shiftVotes(to: next)
    isStalled = false
    endRecovery()
  }

  private mutating func shiftVotes(to next: Height) {
    while votes.height < next {
      swap(&past, &votes)
      swap(&votes, &early[0])
      for k in 1..<early.count { early.swapAt(k - 1, k) }
      early[early.count - 1].reset(to: Height(votes.height.number + UInt32(early.count)))
    }
  }

  /// Position in `early` of what is known of `h`, if that is among the next heights.
  func ahead(_ h: Height) -> Int? {
    guard h > height, h.number - height.number <= early.count else { return nil }
    return Int(h.number - height.number) - 1
  }

  /// Keeps `block` for those who fall behind.
  mutating func remember(_ block: DecidedBlock) {
    if history.endIndex + historyOffset != Int(block.height.number) - 1 {
      restartHistory(at: block.height)
    }
    history.append(block)
    history.dropFirst(before: history.endIndex - settings.retained)
  }

  private mutating func restartHistory(at h: Height) {
    history = SlidingArray()
    history.reserveCapacity(2 * settings.retained)
    historyOffset = Int(h.number) - 1
  }
}
