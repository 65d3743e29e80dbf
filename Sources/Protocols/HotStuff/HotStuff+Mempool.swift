import Consensus
import Kernel
import Ledger

/// Batches that are spread ahead of ordering, as the implementation of Jolteon does: each replica
/// collects its own clients' transactions and sends them to all; proposals name batches by digest.
extension ChainedHotStuff {
  // MARK: Making batches

  /// Seals what is full, and sees to it that the rest is sealed in time.
  mutating func sealBatches(_ effects: inout Effects<Self>) {
    guard settings.dissemination != .none else { return }
    while mempool.count >= settings.batchRequests
      || mempool.holds(bytes: settings.batchBytes, effects.sizes)
    {
      sealBatch(&effects)
    }
    guard !mempool.isEmpty, !spread.isSealTiming else { return }
    spread.isSealTiming = true
    effects.arm(.seal, after: settings.batchTimeout)
  }

  mutating func sealIsDue(_ effects: inout Effects<Self>) {
    spread.isSealTiming = false
    if !mempool.isEmpty { sealBatch(&effects) }
    sealBatches(&effects)
  }

  private mutating func sealBatch(_ effects: inout Effects<Self>) {
    mempool.take(
      atMost: settings.batchRequests, bytes: settings.batchBytes, sizes: effects.sizes,
      into: &effects.batches)
    let number = spread.nextNumber
    spread.nextNumber += 1
    let batch = effects.batches.seal(salt: UInt64(me.index) << 32 | UInt64(number))
    effects.charge(settings.costs.hashing(effects.batches[batch].bytes))
    if settings.isDurable { effects.write(effects.batches[batch].bytes) }
    spread.set(batch, .held)
    var own = OwnBatch(number: number, batch: batch)
    own.acknowledged.add(me, for: effects.batches[batch].digest)
    spread.own.append(own)
    effects.broadcast(.batch(number: number, batch))
    if settings.dissemination == .broadcast {
      spread.own[spread.own.count - 1].isAvailable = true
      offer(batch, &effects)
    }
    watchBatches(&effects)
  }

  mutating func collect(
    _ number: UInt32, _ d: Digest, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard let first = spread.own.first?.number, number >= first,
      Int(number - first) < spread.own.count
    else { return }
    let k = Int(number - first)
    let batch = spread.own[k].batch
    guard effects.batches.contains(batch), effects.batches[batch].digest == d,
      spread.own[k].acknowledged.add(i, for: d), !spread.own[k].isAvailable,
      spread.own[k].acknowledged.count >= quorum
    else { return }
    spread.own[k].isAvailable = true
    if spread[batch] == .held { offer(batch, &effects) }
  }

  mutating func watchBatches(_ effects: inout Effects<Self>) {
    guard !spread.own.isEmpty, !spread.isResending else { return }
    spread.isResending = true
    spread.resendBefore = spread.nextNumber
    effects.arm(.resend, after: settings.syncInterval)
  }

  /// Sends again what has not been acknowledged, or proposed, for an interval.
  mutating func resendBatches(_ effects: inout Effects<Self>) {
    spread.isResending = false
    for own in spread.own where own.number < spread.resendBefore {
      guard effects.batches.contains(own.batch) else { continue }
      let standing = spread[own.batch]
      guard standing == .held || standing == .available else { continue }
      let leader = leader(of: view)
      for r in 0..<committee.n where ReplicaID(r) != me {
        let isOwed = !own.isAvailable && !own.acknowledged.hasVoted(ReplicaID(r))
        if isOwed || ReplicaID(r) == leader {
          effects.send(.batch(number: own.number, own.batch), to: ReplicaID(r))
        }
      }
    }
    watchBatches(&effects)
  }

  // MARK: Holding batches

  mutating func receive(
    _ batch: BatchHandle, _ number: UInt32, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard effects.batches.contains(batch) else { return }
    if settings.isDurable { effects.write(effects.batches[batch].bytes) }
    if settings.dissemination == .acknowledged {
      effects.send(.acknowledge(number: number, d: effects.batches[batch].digest), to: i)
    }
    hold(batch, &effects)
  }

  /// A message brought the content of `batch`.
  mutating func hold(_ batch: BatchHandle, _ effects: inout Effects<Self>) {
    guard effects.batches.contains(batch) else { return }
    switch spread[batch] {
    case .unknown: offer(batch, &effects)
    case .missing:
      spread.set(batch, .proposed)
      completeBlocks(&effects)
    case .held, .available, .proposed, .done: break
    }
  }

  /// `batch` may be proposed from now on.
  private mutating func offer(_ batch: BatchHandle, _ effects: inout Effects<Self>) {
    spread.set(batch, .available)
    spread.available.append(batch)
    spread.availableCount += 1
    propose(&effects)
  }

  mutating func send(
    _ batch: BatchHandle, _ d: Digest, to i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard effects.batches.contains(batch), spread[batch] != .unknown, spread[batch] != .missing
    else { return }
    effects.send(.fetched(batch), to: i)
  }

  // MARK: Blocks that name batches

  /// Everything that may be proposed, as far as a block goes; `.none` if there is nothing.
  mutating func makePayload(_ effects: inout Effects<Self>) -> BatchHandle {
    var count = 0
    while count < settings.blockBatches, let batch = spread.available.popFirst() {
      guard spread[batch] == .available else { continue }
      spread.availableCount -= 1
      guard effects.batches.contains(batch) else {
        spread.set(batch, .done)
        continue
      }
      spread.set(batch, .proposed)
      effects.batches.add(part: batch)
      count += 1
    }
    guard count > 0 else { return .none }
    return effects.batches.seal(
      salt: 1 << 63 | UInt64(me.index) << 32 | UInt64(view.number))
  }

  /// Notes which batches `block` names, and asks for those that are missing. Returns whether there
  /// are none.
  mutating func takeIn(
    _ block: ChainBlock, from i: ReplicaID, _ effects: inout Effects<Self>
  ) -> Bool {
    guard settings.dissemination != .none, block.batch != .none else { return true }
    var isComplete = true
    for k in 0..<effects.batches.partCount(of: block.batch) {
      let part = effects.batches.part(k, of: block.batch)
      switch spread[part] {
      case .unknown, .missing:
        spread.set(part, .missing)
        isComplete = false
      case .available:
        spread.availableCount -= 1
        spread.set(part, .proposed)
      case .held: spread.set(part, .proposed)
      case .proposed, .done: break
      }
    }
    if !isComplete { requestContent(of: block, from: i, &effects) }
    return isComplete
  }

  /// Asks replica `i` for the batches of `block` that are missing.
  mutating func requestContent(
    of block: ChainBlock, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard block.batch != .none, effects.batches.contains(block.batch) else { return }
    for k in 0..<effects.batches.partCount(of: block.batch) {
      let part = effects.batches.part(k, of: block.batch)
      guard spread[part] == .missing, effects.batches.contains(part) else { continue }
      effects.send(.fetchBatch(d: effects.batches[part].digest, part), to: i)
    }
    startSync(&effects)
  }

  private func hasAllParts(_ block: ChainBlock, _ effects: borrowing Effects<Self>) -> Bool {
    for k in 0..<effects.batches.partCount(of: block.batch) {
      let standing = spread[effects.batches.part(k, of: block.batch)]
      if standing == .missing || standing == .unknown { return false }
    }
    return true
  }

  /// Goes on with the blocks whose last missing batch has come.
  private mutating func completeBlocks(_ effects: inout Effects<Self>) {
    while let k = pending.firstIndex(where: { !$0.isComplete && hasAllParts($0, effects) }) {
      pending[k].isComplete = true
      let block = pending[k]
      vote(for: block, &effects)
    }
    if let decided { commit(decided, &effects) }
  }

  // MARK: After the commit

  mutating func finish(_ batch: BatchHandle, _ effects: borrowing Effects<Self>) {
    for k in 0..<effects.batches.partCount(of: batch) {
      let part = effects.batches.part(k, of: batch)
      if spread[part] == .available { spread.availableCount -= 1 }
      spread.set(part, .done)
    }
    forgetOld(effects)
  }

  /// Drops what is done or so old that no replica keeps it. This replica's own transactions in such
  /// batches are collected again.
  mutating func forgetOld(_ effects: borrowing Effects<Self>) {
    guard settings.dissemination != .none else { return }
    spread.known.dropFirst(before: effects.batches.oldest)
    var count = 0
    var isLost = false
    while count < spread.own.count {
      let batch = spread.own[count].batch
      guard spread[batch] == .done else { break }
      if !effects.batches.contains(batch) { isLost = true }
      count += 1
    }
    spread.own.removeFirst(count)
    if isLost { mempool.giveBackAll() }
  }

  /// The batches of a block that will not be committed may be proposed again, unless another has
  /// them.
  mutating func giveBackParts(of block: ChainBlock, _ effects: borrowing Effects<Self>) {
    for k in 0..<effects.batches.partCount(of: block.batch) {
      let part = effects.batches.part(k, of: block.batch)
      let isElsewhere = pending.contains { other in
        other.batch != .none && effects.batches.contains(other.batch)
          && isOnWay(other, to: voting.high.block)
          && (0..<effects.batches.partCount(of: other.batch)).contains {
            effects.batches.part($0, of: other.batch) == part
          }
      }
      if isElsewhere { continue }
      switch spread[part] {
      case .proposed:
        spread.set(part, .available)
        spread.available.append(part)
        spread.availableCount += 1
      case .missing: spread.set(part, .unknown)
      case .unknown, .held, .available, .done: break
      }
    }
  }
}

extension ChainedHotStuff.Spread {
  /// Makes room for what is under way usually.
  mutating func reserve() {
    own.reserveCapacity(256)
    known.reserveCapacity(4096)
    available.reserveCapacity(1024)
  }

  /// What is known of `batch`; those that were dropped are done.
  subscript(batch: BatchHandle) -> ChainedHotStuff.Standing {
    let k = Int(batch.index)
    if k < known.startIndex { return .done }
    return known.contains(k) ? known[k] : .unknown
  }

  mutating func set(_ batch: BatchHandle, _ standing: ChainedHotStuff.Standing) {
    let k = Int(batch.index)
    guard k >= known.startIndex else { return }
    while known.endIndex <= k { known.append(.unknown) }
    known[k] = standing
  }
}
