import Consensus
import Kernel
import Ledger

/// Committing and executing in the order of the chain; snapshots for those far behind.
extension ChainedHotStuff {
  /// Commits the block `target` and its ancestors, as far as their content is there.
  mutating func commit(_ target: Digest, _ effects: inout Effects<Self>) {
    decided = target
    let before = root.height
    while root.digest != target, let k = firstStep(to: target) {
      guard pending[k].isComplete else {
        requestContent(of: pending[k], from: nextHelper, &effects)
        break
      }
      execute(pending[k], &effects)
    }
    if root.digest == target { decided = nil }
    guard root.height > before else { return }
    failures = 0
    propose(&effects)
  }

  /// The ancestor of `target` that stands on the root.
  private func firstStep(to target: Digest) -> Int? {
    var step = index(of: target)
    while let k = step, pending[k].parent != root.digest { step = index(of: pending[k].parent) }
    return step
  }

  private mutating func execute(_ block: ChainBlock, _ effects: inout Effects<Self>) {
    root = block
    let slot = Slot(block.height)
    if block.batch == .none {
      state.executeNull()
    } else {
      hasNews = hasNews || (leader(of: view) == me && view > voting.lastProposed)
      let fresh = state.execute(block.batch, from: effects.batches)
      let ranges = effects.batches.rangeCount(of: block.batch)
      for k in 0..<ranges { mempool.decided(effects.batches.range(k, of: block.batch)) }
      if settings.dissemination != .none { finish(block.batch, effects) }
      effects.charge(
        settings.costs.execution * Int64(fresh) + settings.costs.sign * Int64(ranges))
    }
    if log.high < slot { log.advance(to: Slot(slot.number - UInt32(log.size))) }
    log[slot] = block
    dropForks(effects)
    effects.decide(
      Effects<Self>.Decision(
        slot: slot, batch: block.batch, state: state.digest, transactions: state.transactions))
    if Int(slot.number) % settings.checkpointInterval == 0 { keepSnapshot() }
  }

  /// Forgets the blocks that can no longer be committed; what they carried waits again.
  private mutating func dropForks(_ effects: borrowing Effects<Self>) {
    var count = 0
    while count < pending.count, pending[count].view <= root.view {
      if pending[count].digest != root.digest { forks.append(pending[count]) }
      count += 1
    }
    pending.removeFirst(count)
    if !forks.isEmpty { giveBackForks(effects) }
    if !orphans.isEmpty { orphans.removeAll { $0.view <= root.view } }
  }

  /// Before this replica extends its highest certificate: what only other branches carry waits
  /// again, or the requests of a leader whose successor is down would be nobody's for good.
  mutating func releaseForks(_ effects: borrowing Effects<Self>) {
    var length = 0
    var step = index(of: voting.high.block)
    while let k = step {
      length += 1
      step = index(of: pending[k].parent)
    }
    guard length < pending.count else { return }
    for block in pending where !isOnWay(block, to: voting.high.block) { forks.append(block) }
    giveBackForks(effects)
  }

  /// What `forks` carried waits again, unless a block on the way to the highest certificate has it.
  private mutating func giveBackForks(_ effects: borrowing Effects<Self>) {
    for block in forks where block.batch != .none && effects.batches.contains(block.batch) {
      if settings.dissemination != .none {
        giveBackParts(of: block, effects)
      } else {
        for k in 0..<effects.batches.rangeCount(of: block.batch) {
          mempool.giveBack(effects.batches.range(k, of: block.batch))
        }
      }
    }
    forks.removeAll(keepingCapacity: true)
    guard settings.dissemination == .none else { return }
    for block in pending where isOnWay(block, to: voting.high.block) {
      markProposed(block, effects)
    }
    mempool.forget(executed: state.executed)
  }

  mutating func keepSnapshot() {
    if snapshots.count < 2 {
      snapshots.append(Snapshot(block: root, state: state))
    } else {
      snapshots.swapAt(0, 1)
      snapshots[1].block = root
      snapshots[1].state.assign(state)
    }
  }

  public var retainedSlots: Int { 2 * settings.window }
}
