import Consensus
import Kernel
import Ledger
import Machines

/// Client requests, and how the primary proposes them: as in PBFT. A request that reaches another
/// node goes up by way of its group's leader.
extension LayeredPBFT {
  public mutating func upon(
    requests: TxRange, _ arrival: RequestArrival, at now: LocalTime,
    _ effects: inout Effects<Self>
  ) {
    let cost = settings.ordering.costs.sign
    if effects.answers(requests, arrival, executed: state.executed, work: cost) { return }
    let added = mempool.add(requests, executed: state.executed)
    if !isPrimary, isActive, added > 0 || arrival == .retransmitted, nextUp != me {
      effects.forward(requests, to: nextUp)
    }
    propose(&effects)
    watchProgress(&effects)
  }

  mutating func batchIsDue(_ effects: inout Effects<Self>) {
    isBatchTiming = false
    isBatchDue = true
    propose(&effects)
  }

  /// The next slot in which nothing is proposed: a group's former leader may have been here.
  private var nextFree: Slot {
    var next = max(lastAssigned, lastExecuted).next
    while log.contains(next), log[next].accepted != nil { next = next.next }
    return next
  }

  /// Between the water marks, and in the pipeline.
  private var hasRoom: Bool {
    let next = nextFree
    return log.contains(next) && next.number - lastExecuted.number <= settings.ordering.pipeline
  }

  private func hasBatch(_ sizes: TransactionSizes) -> Bool {
    guard !mempool.isEmpty else { return false }
    return isBatchDue || settings.ordering.batchTimeout == .zero
      || mempool.count >= settings.ordering.batchRequests
      || mempool.holds(bytes: settings.ordering.batchBytes, sizes)
  }

  /// As primary, proposes batches as long as there are any and the window has room.
  mutating func propose(_ effects: inout Effects<Self>) {
    guard isPrimary, isActive else { return }
    while hasRoom, hasBatch(effects.sizes) {
      proposeBatch(&effects)
      isBatchDue = false
      stopBatchTimer(&effects)
    }
    if mempool.isEmpty {
      isBatchDue = false
      stopBatchTimer(&effects)
    } else if !isBatchTiming, !isBatchDue, settings.ordering.batchTimeout > .zero {
      isBatchTiming = true
      effects.arm(.batch, after: settings.ordering.batchTimeout)
    }
  }

  private mutating func proposeBatch(_ effects: inout Effects<Self>) {
    lastAssigned = nextFree
    mempool.take(
      atMost: settings.ordering.batchRequests, bytes: settings.ordering.batchBytes,
      sizes: effects.sizes, into: &effects.batches)
    let salt = (UInt64(me.index) << 24 | UInt64(view.number)) << 32 | UInt64(lastAssigned.number)
    let batch = effects.batches.seal(salt: salt)
    effects.charge(settings.ordering.costs.hashing(effects.batches[batch].bytes))
    log[lastAssigned].held = batch
    accept(lastAssigned, effects.batches[batch].digest, batch, &effects)
  }

  mutating func stopBatchTimer(_ effects: inout Effects<Self>) {
    guard isBatchTiming else { return }
    isBatchTiming = false
    effects.disarm(slot: Timer.batch.slot)
  }
}
