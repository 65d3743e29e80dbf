import Consensus
import Kernel
import Ledger
import Machines

/// Client interaction (§8) and how the leader gathers commands into entries.
extension Raft {
  public mutating func upon(
    requests: TxRange, _ arrival: RequestArrival, at now: LocalTime,
    _ effects: inout Effects<Self>
  ) {
    if state.executed.contains(requests) {
      // Whose reply was lost sends again; only the leader answers.
      if arrival == .retransmitted, role == .leader {
        effects.replyAgain(requests)
      }
      return
    }
    if role != .leader, let leader {
      // Every server has a retransmission, the leader too.
      if arrival == .fromClient { effects.forward(requests, to: leader) }
      return
    }
    mempool.add(requests, executed: state.executed)
    propose(&effects)
  }

  /// Passes on what waited for a leader.
  mutating func forwardAll(_ effects: inout Effects<Self>) {
    guard let leader, leader != me else { return }
    while let range = mempool.oldest {
      mempool.decided(range)
      effects.forward(range, to: leader)
    }
  }

  private func hasBatch(_ sizes: TransactionSizes) -> Bool {
    guard !mempool.isEmpty else { return false }
    return isBatchDue || settings.batchTimeout == .zero || mempool.count >= settings.batch
      || mempool.holds(bytes: settings.batchBytes, sizes)
  }

  /// As leader, appends batches as long as there are any and the pipeline has room.
  mutating func propose(_ effects: inout Effects<Self>) {
    guard role == .leader else { return }
    while Int(log.lastIndex) - Int(commitIndex) < settings.pipeline, hasBatch(effects.sizes) {
      isBatchDue = false
      stopBatchTimer(&effects)
      mempool.take(
        atMost: settings.batch, bytes: settings.batchBytes, sizes: effects.sizes,
        into: &effects.batches)
      let salt = UInt64(currentTerm) << 32 | UInt64(log.lastIndex + 1)
      append(effects.batches.seal(salt: salt), &effects)
    }
    if mempool.isEmpty {
      isBatchDue = false
      stopBatchTimer(&effects)
    } else if !isBatchTiming, !isBatchDue, settings.batchTimeout > .zero {
      isBatchTiming = true
      effects.arm(.batch, after: settings.batchTimeout)
    }
  }

  mutating func stopBatchTimer(_ effects: inout Effects<Self>) {
    guard isBatchTiming else { return }
    isBatchTiming = false
    effects.disarm(slot: Timer.batch.slot)
  }
}
