import Consensus
import Kernel
import Ledger
import Machines

/// Blocks and rounds: what a proposer makes, what a replica checks, and what it does with a
/// decision.
extension Algorand {
  /// A block of the transactions that have waited longest; empty if none wait.
  mutating func makeBlock(_ effects: inout Effects<Self>) -> Block {
    giveBackOwn(effects.batches)
    mempool.take(
      atMost: settings.blockTransactions, bytes: settings.blockBytes, sizes: effects.sizes,
      into: &effects.batches)
    let salt = UInt64(round.number) << 32 | UInt64(period) << 16 | UInt64(me.index)
    own = effects.batches.seal(salt: salt)
    effects.charge(settings.costs.hashing(effects.batches[own].bytes))
    var block = Block(
      digest: Digest(0), round: round, batch: own, proposer: UInt16(me.index), period: period)
    block.digest = digest(of: block, after: state.digest, effects.batches)
    return block
  }

  /// It commits to the chain so far, the state after the block, the header and the seed.
  private func digest(of block: Block, after state: Digest, _ batches: BatchArena) -> Digest {
    seal(
      of: state.followed(by: batches[block.batch].digest), block,
      seed(by: block.proposer, p: block.period))
  }

  func seal(of state: Digest, _ block: Block, _ seed: Digest) -> Digest {
    let header = UInt64(block.round.number) << 32 | UInt64(block.period) << 16
    return state.followed(by: Digest(header | UInt64(block.proposer))).followed(by: seed)
  }

  /// Its content is there and is what its digest says, by an account that was selected.
  func isWhole(_ block: Block, _ effects: borrowing Effects<Self>) -> Bool {
    let proposer = ReplicaID(Int(block.proposer))
    return block.round == round && Int(block.proposer) < committee.n
      && effects.batches.contains(block.batch)
      && digest(of: block, after: state.digest, effects.batches) == block.digest
      && weight(of: proposer, p: block.period, s: .propose) > 0
  }

  /// What stood in a block of its own that was not chosen waits again.
  private mutating func giveBackOwn(_ batches: BatchArena) {
    guard own != .none, batches.contains(own) else { return }
    for k in 0..<batches.rangeCount(of: own) { mempool.giveBack(batches.range(k, of: own)) }
    own = .none
  }

  /// A cert bundle has committed a block: executes it, and begins the next round.
  mutating func decide(_ block: Block, at now: LocalTime, _ effects: inout Effects<Self>) {
    let seed = seed(by: block.proposer, p: block.period)
    let fresh = state.execute(block.batch, from: effects.batches)
    for k in 0..<effects.batches.rangeCount(of: block.batch) {
      mempool.decided(effects.batches.range(k, of: block.batch))
    }
    giveBackOwn(effects.batches)
    effects.charge(settings.costs.execution * Int64(fresh))
    if settings.isDurable { effects.write(bytes(ofContent: block.batch, effects)) }
    if period == 0 { arrivals.close() }
    last = block
    seeds = AlgorandSeeds(older: seeds.newer, newer: seed)
    if block.round > blocks.high { blocks.advance(to: Slot(blocks.low.number + 1)) }
    blocks[block.round] = block
    effects.decide(
      Effects<Self>.Decision(
        slot: block.round, batch: block.batch, state: state.digest,
        transactions: state.transactions))
    enterRound(at: now, &effects)
  }

  /// The cert bundle of a block that is still kept.
  func bundle(of block: Block) -> Body.Bundle {
    let certificate = certificates[Int(block.round.number) % settings.window]
    return Body.Bundle(
      round: block.round, period: certificate.period, step: .cert, digest: block.digest,
      votes: certificate.votes)
  }

  private mutating func keep(_ bundle: Body.Bundle) {
    certificates[Int(bundle.round.number) % settings.window] = Certificate(
      period: bundle.period, votes: bundle.votes)
  }

  /// Takes a decided block with its cert bundle from another replica.
  mutating func append(
    _ handle: BodyHandle, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    guard case .certified(let block, let bundle) = effects.body(handle),
      bundle.step == .cert, bundle.digest == block.digest, isWhole(block, effects),
      isValid(bundle, r: round, seed: seeds.older)
    else { return }
    keep(bundle)
    decide(block, at: now, &effects)
    if fetch.isServed(with: block.round) { catchUp(&effects) }
  }

  /// Goes on from the state of another replica, if its last block is certified and has that state.
  ///
  /// The committee that certified it was drawn with a seed that this replica does not know; the
  /// header chain that would prove it is not modelled.
  mutating func takeOver(
    _ handle: BodyHandle, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    guard case .state(let block, let bundle, let fetchedSeeds, let fetched) = effects.body(handle),
      block.round > last.round, bundle.digest == block.digest, bundle.step == .cert,
      seal(of: fetched.digest, block, fetchedSeeds.newer) == block.digest,
      bundle.votes.reduce(0, { $0 + Int($1.weight) })
        >= settings.committees.of(.cert).threshold
    else { return }
    if settings.isDurable { effects.write(bytes(of: fetched)) }
    state.assign(fetched)
    last = block
    keep(bundle)
    seeds = fetchedSeeds
    blocks.advance(to: block.round)
    mempool.forget(executed: state.executed)
    giveBackOwn(effects.batches)
    mempool.forget(executed: state.executed)
    effects.caughtUp(to: block.round, transactions: state.transactions, state: state.digest)
    enterRound(at: now, &effects)
    if fetch.isUnderWay { catchUp(&effects) }
  }
}

// MARK: - Requests of clients

extension Algorand {
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
