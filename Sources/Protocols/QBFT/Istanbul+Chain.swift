import Consensus
import Kernel
import Ledger
import Machines

/// Blocks and heights: what a proposer makes, what a replica checks, and what it does with a
/// decision.
extension Istanbul {
  /// The period after the last block, on the clocks that wrote its time.
  private var nextTime: Int64 {
    Int64(last.time) + settings.blockPeriod.nanoseconds / 1_000_000
  }

  /// A block of the transactions that have waited longest; empty if none wait.
  mutating func makeBlock(at now: LocalTime, _ effects: inout Effects<Self>) -> Block {
    if mempool.proposedCount > 0 { mempool.giveBackAll() }
    mempool.take(
      atMost: settings.blockRequests, bytes: settings.blockBytes, sizes: effects.sizes,
      into: &effects.batches)
    let salt = UInt64(height.number) << 32 | UInt64(round.number) << 16 | UInt64(me.index)
    let batch = effects.batches.seal(salt: salt)
    let time = max(now.nanoseconds / 1_000_000, nextTime)
    precondition(time <= Int64(UInt32.max), "block times reach 49 days, not \(time) ms")
    effects.charge(settings.costs.hashing(effects.batches[batch].bytes))
    var block = Block(
      digest: Digest(0), height: height, batch: batch, time: UInt32(time),
      creator: UInt16(me.index))
    block.digest = digest(of: block, after: state.digest, effects)
    return block
  }

  /// It commits to the chain so far, the state after the block, and the header.
  private func digest(
    of block: Block, after state: Digest, _ effects: borrowing Effects<Self>
  ) -> Digest {
    seal(of: state.followed(by: effects.batches[block.batch].digest), block)
  }

  private func seal(of state: Digest, _ block: Block) -> Digest {
    state.followed(by: Digest(UInt64(block.time) << 16 | UInt64(block.creator)))
  }

  /// Its content is there and is what its digest says, on top of this replica's chain.
  func isWhole(_ block: Block, _ effects: borrowing Effects<Self>) -> Bool {
    block.height == height && effects.batches.contains(block.batch)
      && digest(of: block, after: state.digest, effects) == block.digest
      && Int64(block.time) >= nextTime
  }

  /// A block that `i` has made now: no earlier than the period allows, nor from the future.
  func isFresh(
    _ block: Block, by i: ReplicaID, at now: LocalTime, _ effects: borrowing Effects<Self>
  ) -> Bool {
    let latest = (now.nanoseconds + settings.clockTolerance.nanoseconds) / 1_000_000
    return Int(block.creator) == Int(i.index) && Int64(block.time) <= latest
      && isWhole(block, effects)
  }

  /// A quorum has committed to `block`: executes it, and goes on to the next height.
  mutating func decide(
    _ block: Block, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    execute(block, &effects)
    if settings.pushesBlocks { effects.broadcast(.block(block)) }
    enterHeight(at: now, &effects)
  }

  private mutating func execute(_ block: Block, _ effects: inout Effects<Self>) {
    let fresh = state.execute(block.batch, from: effects.batches)
    for k in 0..<effects.batches.rangeCount(of: block.batch) {
      mempool.decided(effects.batches.range(k, of: block.batch))
    }
    // What stood in a block of its own that was not chosen waits again.
    if mempool.proposedCount > 0 { mempool.giveBackAll() }
    effects.charge(settings.costs.execution * Int64(fresh))
    last = block
    if block.height > blocks.high { blocks.advance(to: Slot(blocks.low.number + 1)) }
    blocks[block.height] = block
    effects.decide(
      Effects<Self>.Decision(
        slot: block.height, batch: block.batch, state: state.digest,
        transactions: state.transactions))
  }

  /// The instance of the next height begins, in round 0.
  mutating func enterHeight(at now: LocalTime, _ effects: inout Effects<Self>) {
    round = Round(0)
    lastBegun = Round(0)
    accepted = nil
    hasCommitted = false
    prepared = nil
    prepares.clear()
    commits.clear()
    lateCommits.clear()
    if hasChanges {
      for i in changes.indices { changes[i] = nil }
      hasChanges = false
    }
    endRecovery()
    startTimers(at: now, &effects)
  }

  /// Timers of round 0: the block is due a period after the last; in QBFT the round's time runs
  /// from then, in IBFT 2.0 from now.
  func startTimers(at now: LocalTime, _ effects: inout Effects<Self>) {
    let due = nextTime * 1_000_000 - now.nanoseconds
    effects.arm(.block, after: SimDuration(nanoseconds: max(due, 0)))
    if Rules.timesFromHead {
      effects.arm(.round, after: settings.requestTimeout)
    } else {
      effects.disarm(slot: Timer.round.slot)
    }
  }

  /// Takes a decided block with its seals from another replica.
  mutating func append(
    _ block: Block, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    guard isWhole(block, effects) else { return }
    if settings.isDurable { effects.write(bytes(ofBlock: block, effects)) }
    execute(block, &effects)
    enterHeight(at: now, &effects)
    if fetch.isServed(with: block.height) { catchUp(&effects) }
  }

  /// Goes on from the state of another replica, if a quorum has sealed a block with that state.
  mutating func takeOver(
    _ body: BodyHandle, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    guard case .state(let block, let fetched) = effects.body(body), block.height > last.height,
      seal(of: fetched.digest, block) == block.digest
    else { return }
    if settings.isDurable { effects.write(bytes(of: fetched)) }
    state.assign(fetched)
    last = block
    blocks.advance(to: block.height)
    mempool.forget(executed: state.executed)
    mempool.giveBackAll()
    effects.caughtUp(
      to: block.height, transactions: state.transactions, state: state.digest)
    enterHeight(at: now, &effects)
    if fetch.isUnderWay { catchUp(&effects) }
  }
}

// MARK: - Requests of clients

extension Istanbul {
  public mutating func upon(
    requests: TxRange, _ arrival: RequestArrival, at now: LocalTime,
    _ effects: inout Effects<Self>
  ) {
    let cost = settings.costs.sign
    if effects.answers(requests, arrival, executed: state.executed, work: cost) { return }
    let added = mempool.add(requests, executed: state.executed)
    // A client that sends again sends to all.
    if added > 0, arrival == .fromClient { effects.broadcast(.transactions(requests)) }
  }
}
