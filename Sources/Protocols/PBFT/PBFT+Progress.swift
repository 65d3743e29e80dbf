import Consensus
import Kernel
import Ledger

/// How a backup notices that its primary does nothing (§4.4, §4.5.2).
extension PBFT {
  /// A request that a backup has received and not executed.
  struct Awaited: Sendable, BitwiseCopyable {
    var range: TxRange
    /// Where it is proposed; slot 0: nowhere, as far as the backup knows.
    var slot: Slot
  }

  /// T, doubled by each view change in a row that was in vain.
  var patience: SimDuration {
    settings.viewTimeout * (Int64(1) << Int64(min(max(futileChanges - 1, 0), 20)))
  }

  /// Starts the timer when there is a request to wait for and it does not run; stops it when that
  /// request is executed, or starts it for the next.
  mutating func watchProgress(_ effects: inout Effects<Self>) {
    guard isActive, !isPrimary, recovery == nil else { return }
    if let awaited, isAwaited(awaited) { return }
    awaited = oldestAwaited(effects)
    if awaited != nil {
      startProgressTimer(&effects)
    } else {
      stopProgressTimer(&effects)
    }
  }

  /// In a new view the timer that ran for its beginning runs on, until a request is executed that
  /// was not before (§4.5.2).
  mutating func watchNewView(_ effects: inout Effects<Self>) {
    awaited = isPrimary || recovery != nil ? nil : oldestAwaited(effects)
    if awaited == nil { return stopProgressTimer(&effects) }
    if !isTiming { startProgressTimer(&effects) }
  }

  mutating func startProgressTimer(_ effects: inout Effects<Self>) {
    isTiming = true
    effects.arm(.progress, after: patience)
  }

  mutating func stopProgressTimer(_ effects: inout Effects<Self>) {
    guard isTiming else { return }
    isTiming = false
    effects.disarm(slot: Timer.progress.slot)
  }

  private func isAwaited(_ request: Awaited) -> Bool {
    request.slot > Slot(0) ? request.slot > lastExecuted : mempool.contains(request.range)
  }

  /// What clients sent to this replica comes first, so that no primary can leave it out for good;
  /// then what is proposed.
  private func oldestAwaited(_ effects: borrowing Effects<Self>) -> Awaited? {
    if let range = mempool.oldest { return Awaited(range: range, slot: Slot(0)) }
    var n = lastExecuted.next
    while log.contains(n), n.number - lastExecuted.number <= settings.pipeline {
      let batch = log[n].batch
      if log[n].accepted != nil, batch != .none, hasContent(n),
        effects.batches.contains(batch), effects.batches.rangeCount(of: batch) > 0
      {
        return Awaited(range: effects.batches.range(0, of: batch), slot: n)
      }
      n = n.next
    }
    return nil
  }

  mutating func progressIsOverdue(_ effects: inout Effects<Self>) {
    isTiming = false
    guard recovery == nil else { return }
    if isActive {
      guard let request = awaited, isAwaited(request) else {
        awaited = nil  // evicted in the meantime
        return watchProgress(&effects)
      }
    }
    startViewChange(to: view.next, &effects)
  }
}
