import Consensus
import Kernel
import Ledger

/// Checkpoints: votes for a state rise as commits do; that it is stable goes down again.
extension LayeredPBFT {
  struct CheckpointVotes: Sendable {
    var slot: Slot
    /// By layer - 1.
    var votes = InlineArray<4, Tally>(repeating: Tally())
    /// Layers in which this node has voted, as bits.
    var said: UInt8 = 0
    /// The digest of this node's own state there, once it has executed so far.
    var own: Digest?
  }

  mutating func takeCheckpoint(_ n: Slot, _ effects: inout Effects<Self>) {
    keepSnapshot(n)
    let c = checkpoint(at: n)
    checkpoints[c].own = state.digest
    if recovery == nil { sayCheckpoint(c, 1, 1, &effects) }
    if let ahead, ahead.slot == n {
      self.ahead = nil
      makeStable(n, ahead.state, votes: topQuorum, &effects)
    } else {
      raiseCheckpoints(&effects)
    }
  }

  private mutating func sayCheckpoint(
    _ c: Int, _ k: Int, _ support: Int, _ effects: inout Effects<Self>
  ) {
    guard let d = checkpoints[c].own else { return }
    checkpoints[c].said |= 1 << UInt8(k)
    checkpoints[c].votes[k - 1].add(ReplicaID(layers.position(at: k, of: node)), for: d)
    effects.charge(settings.ordering.costs.sign)
    multicast(
      .checkpoint(
        k: UInt8(k), votes: UInt8(clamping: support), n: checkpoints[c].slot, d: d), k, &effects)
  }

  mutating func keepSnapshot(_ n: Slot) {
    let interval = settings.ordering.checkpointInterval
    if snapshots.isEmpty {
      snapshots = Array(
        repeating: PBFT.Snapshot(slot: Slot(0), state: ReplicatedState(populations: 0)),
        count: settings.ordering.window / interval + 2)
    }
    let k = Int(n.number) / interval % snapshots.count
    snapshots[k].slot = n
    snapshots[k].state.assign(state)
  }

  mutating func collectCheckpoint(
    _ k: Int, _ support: Int, _ n: Slot, _ d: Digest, from i: ReplicaID,
    _ effects: inout Effects<Self>
  ) {
    if k == layers.count, isProven(support, k, of: i) {
      let place = layers.position(at: k, of: Int(i.index))
      heard[place] = max(heard[place], n)
    }
    guard n > log.low, n.number - log.low.number <= 2 * settings.ordering.window,
      Int(n.number) % settings.ordering.checkpointInterval == 0, isProven(support, k, of: i)
    else { return }
    let c = checkpoint(at: n)
    checkpoints[c].votes[k - 1].add(
      ReplicaID(layers.position(at: k, of: Int(i.index))), for: d)
    raiseCheckpoints(&effects)
  }

  /// Position of the votes for `n` in `checkpoints`.
  private mutating func checkpoint(at n: Slot) -> Int {
    var k = checkpoints.count
    while k > 0, checkpoints[k - 1].slot >= n { k -= 1 }
    if k < checkpoints.count, checkpoints[k].slot == n { return k }
    checkpoints.insert(CheckpointVotes(slot: n), at: k)
    return k
  }

  /// As leader of groups a quorum of which has reached a state, says so above; on top, the latest
  /// that a quorum of groups has reached is stable.
  mutating func raiseCheckpoints(_ effects: inout Effects<Self>) {
    var latest: (slot: Slot, state: Digest, votes: Int)?
    for c in checkpoints.indices {
      guard let own = checkpoints[c].own else { continue }
      for k in 1..<layers.count where leads(k) && checkpoints[c].said & 1 << UInt8(k + 1) == 0 {
        let support = checkpoints[c].votes[k - 1].count(for: own)
        guard support >= quorum(k) else { break }
        sayCheckpoint(c, k + 1, support, &effects)
      }
      let support = checkpoints[c].votes[layers.count - 1].count(for: own)
      if leads(layers.count - 1), support >= topQuorum {
        latest = (checkpoints[c].slot, own, support)
      }
    }
    guard let latest else { return }
    tellStable(below: layers.count, latest.slot, latest.state, latest.votes, &effects)
    if isPrimary { wake(at: latest.slot, latest.state, &effects) }
    makeStable(latest.slot, latest.state, votes: latest.votes, &effects)
  }

  /// A group that has missed a whole interval may have lost its leader without knowing that there
  /// is anything to wait for: the primary tells its members.
  private func wake(at n: Slot, _ d: Digest, _ effects: inout Effects<Self>) {
    let interval = UInt32(settings.ordering.checkpointInterval)
    for e in layers.children(of: 0, at: layers.count)
    where e != primaryGroup && heard[e].number + interval < n.number {
      for member in layers.nodes(of: e, at: layers.count - 1) {
        effects.charge(settings.ordering.costs.sign)
        effects.send(
          .stable(k: 0, votes: UInt8(clamping: topQuorum), n: n, d: d), to: ReplicaID(member))
      }
    }
  }

  private func tellStable(
    below k: Int, _ n: Slot, _ d: Digest, _ support: Int, _ effects: inout Effects<Self>
  ) {
    tellBelow(k, &effects) {
      .stable(k: UInt8($0), votes: UInt8(clamping: support), n: n, d: d)
    }
  }

  /// A certificate that a quorum on top has reached the state `d` after `n`.
  mutating func learnStable(
    _ k: Int, _ support: Int, _ n: Slot, _ d: Digest, from i: ReplicaID,
    _ effects: inout Effects<Self>
  ) {
    guard support >= topQuorum, n > log.low, n > ahead?.slot ?? Slot(0) else { return }
    tellStable(below: k, n, d, support, &effects)
    if n <= lastExecuted { return makeStable(n, d, votes: support, &effects) }
    ahead = PBFT.Transfer(slot: n, state: d)
    // Who answers keeps no more of what leads there, and beyond the window nobody here does: only
    // the state itself helps.
    if k == 0 {
      nextHelper = i
      if layers.group(at: 1, of: Int(i.index)) != group(1) { isNeglected = true }
      watchGroup(&effects)
    }
    if n > log.high || k == 0 { startTransfer(to: n, d, &effects) }
  }

  /// Raises the low water mark to `n`, up to which everything is executed.
  mutating func makeStable(
    _ n: Slot, _ d: Digest, votes support: Int, _ effects: inout Effects<Self>
  ) {
    guard n > log.low else { return }
    stableState = d
    stableVotes = min(support, topQuorum)
    var m = log.low.next
    while m <= n, log.contains(m) {
      votes.clear(m)
      m = m.next
    }
    log.advance(to: n)
    checkpoints.removeAll { $0.slot <= n }
    if let ahead, ahead.slot <= lastExecuted { self.ahead = nil }
    if let transfer, transfer.slot <= lastExecuted { endTransfer(&effects) }
    endRecovery()
    propose(&effects)
  }
}
