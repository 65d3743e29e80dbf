import Consensus
import Kernel
import Ledger
import Machines

/// Client requests (§4.1) and how the primary proposes them: in batches (§5.1), by number, bytes or
/// time, with at most w slots under way.
extension PBFT {
  public mutating func upon(
    requests: TxRange, _ arrival: RequestArrival, at now: LocalTime,
    _ effects: inout Effects<Self>
  ) {
    let cost = authenticating
    if effects.answers(requests, arrival, executed: state.executed, work: cost) { return }
    let added = mempool.add(requests, executed: state.executed)
    if !isPrimary, isActive, added > 0 || arrival == .retransmitted {
      // Also a known request is relayed when its client sends it again: the relay may be lost.
      effects.forward(requests, to: primary)
    }
    propose(&effects)
    watchProgress(&effects)
  }

  mutating func batchIsDue(_ effects: inout Effects<Self>) {
    isBatchTiming = false
    isBatchDue = true
    propose(&effects)
  }

  /// Between the water marks, and in the pipeline.
  private var hasRoom: Bool {
    let next = max(lastAssigned, lastExecuted).next
    return log.contains(next) && next.number - lastExecuted.number <= settings.pipeline
  }

  private func hasBatch(_ sizes: TransactionSizes) -> Bool {
    guard !mempool.isEmpty else { return false }
    return isBatchDue || settings.batchTimeout == .zero
      || mempool.count >= settings.batchRequests
      || mempool.holds(bytes: settings.batchBytes, sizes)
  }

  /// As primary, proposes batches as long as there are any and the window has room.
  mutating func propose(_ effects: inout Effects<Self>) {
    guard isPrimary, isActive, recovery == nil, !isOver else { return }
    while hasRoom, !proposesElection(&effects), hasBatch(effects.sizes) {
      proposeBatch(&effects)
      isBatchDue = false
      stopBatchTimer(&effects)
    }
    if mempool.isEmpty {
      isBatchDue = false
      stopBatchTimer(&effects)
    } else if !isBatchTiming, !isBatchDue, settings.batchTimeout > .zero {
      isBatchTiming = true
      effects.arm(.batch, after: settings.batchTimeout)
    }
  }

  private mutating func proposeBatch(_ effects: inout Effects<Self>) {
    lastAssigned = max(lastAssigned, lastExecuted).next
    mempool.take(
      atMost: settings.batchRequests, bytes: settings.batchBytes, sizes: effects.sizes,
      into: &effects.batches)
    let salt = UInt64(view.number) << 32 | UInt64(lastAssigned.number)
    let batch = effects.batches.seal(salt: salt)
    let d = effects.batches[batch].digest
    effects.charge(settings.costs.hashing(effects.batches[batch].bytes) + authenticatingForAll)
    if settings.isDurable { effects.write(voteBytes + bytes(ofContent: batch, effects)) }
    log[lastAssigned].held = batch
    effects.broadcast(.prePrepare(v: view, n: lastAssigned, d: d, batch: batch))
    accept(lastAssigned, d, batch, &effects)
  }

  mutating func stopBatchTimer(_ effects: inout Effects<Self>) {
    guard isBatchTiming else { return }
    isBatchTiming = false
    effects.disarm(slot: Timer.batch.slot)
  }
}
