import Consensus
import Kernel
import Ledger
import Machines

/// Catching up with those who are heights ahead: decided blocks with their commits (block sync),
/// and where a helper keeps those no longer, the state at a snapshot (state sync).
extension Tendermint {
  /// Blocks that are being fetched.
  struct Sync: Sendable, BitwiseCopyable {
    /// The highest height that somebody was seen at.
    var target: Height
  }

  /// A copy of the state after `height`, for those that lost theirs. Its storage is used again.
  struct KeptState: Sendable {
    var height: Height
    var state: ReplicatedState
  }

  /// `i` is at `h`, too far ahead for what it sends to help here.
  mutating func noteAhead(_ h: Height, from i: ReplicaID, _ effects: inout Effects<Self>) {
    guard h > height else { return }
    if let wanted = sync {
      sync = Sync(target: max(h, wanted.target))
      return
    }
    sync = Sync(target: h)
    effects.charge(settings.costs.sign)
    effects.send(.fetchBlocks(h: height), to: i)
    effects.arm(.sync, after: settings.syncTimeout)
  }

  /// Asks the next replica in turn.
  mutating func askForBlocks(_ effects: inout Effects<Self>) {
    guard let wanted = sync, wanted.target > height else { return endSync(&effects) }
    effects.charge(settings.costs.sign)
    effects.send(.fetchBlocks(h: height), to: takeHelper())
    effects.arm(.sync, after: settings.syncTimeout)
  }

  private mutating func endSync(_ effects: inout Effects<Self>) {
    guard sync != nil else { return }
    sync = nil
    effects.disarm(slot: Timer.sync.slot)
  }

  /// Whom to ask now: a neighbour under gossip, else every other voter in turn.
  private mutating func takeHelper() -> ReplicaID {
    if settings.dissemination == .gossip { return peers.takeHelper() }
    nextHelper = nextHelper.next(of: members, but: me)
    return nextHelper
  }

  /// The decided block of `h`, if it is kept.
  func decided(_ h: Height) -> DecidedBlock? {
    let k = Int(h.number) - 1 - historyOffset
    return history.contains(k) ? history[k] : nil
  }

  /// Sends what is kept from `h` on, a window of blocks at most; or a state.
  mutating func sendBlocks(from h: Height, to i: ReplicaID, _ effects: inout Effects<Self>) {
    guard h < height else { return }
    guard decided(h) != nil else { return sendState(after: h, to: i, &effects) }
    for k in 0..<UInt32(settings.syncWindow) {
      guard let block = decided(Height(h.number + k)), effects.batches.contains(block.batch)
      else { break }
      let body = effects.store(.block(block))
      effects.charge(settings.costs.sign)
      effects.send(.block(h: block.height, body), to: i)
    }
  }

  private mutating func sendState(
    after h: Height, to i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    var best: Int?
    for k in snapshots.indices where snapshots[k].height >= h {
      if snapshots[k].height > best.map({ snapshots[$0].height }) ?? Height(0),
        decided(snapshots[k].height.next) != nil
      {
        best = k
      }
    }
    guard let best, let next = decided(snapshots[best].height.next),
      effects.batches.contains(next.batch)
    else { return }
    let snapshot = Snapshot(
      height: snapshots[best].height, state: snapshots[best].state, next: next,
      content: effects.batches[next.batch].digest)
    let body = effects.store(.state(snapshot))
    effects.charge(settings.costs.sign + settings.costs.hashing(bytes(of: snapshot.state)))
    effects.send(.state(h: snapshot.height, body), to: i)
  }

  mutating func keepSnapshot() {
    if snapshots.isEmpty {
      snapshots = Array(
        repeating: KeptState(
          height: Height(0), state: ReplicatedState(populations: settings.populations)),
        count: 2)
    }
    let k = Int(height.number) / settings.snapshotInterval % snapshots.count
    snapshots[k].height = height
    snapshots[k].state.assign(state)
  }

  /// Whether a quorum's precommits are in `block`.
  private func isCommitted(_ block: DecidedBlock) -> Bool {
    var power: Int64 = 0
    for word in 0..<(committee.n + 63) / 64 {
      var bits = block.voters[word]
      while bits != 0 {
        power += powers[word * 64 + bits.trailingZeroBitCount]
        bits &= bits - 1
      }
    }
    return power >= quorum
  }

  /// A block that was asked for: it is next, or waits until it is.
  mutating func receiveBlock(_ body: BodyHandle, _ effects: inout Effects<Self>) {
    guard case .block(let block) = effects.body(body), block.height >= height,
      isCommitted(block), effects.batches.contains(block.batch)
    else { return }
    var k = ahead.count
    while k > 0, ahead[k - 1].height >= block.height { k -= 1 }
    if k < ahead.count, ahead[k].height == block.height { return }
    ahead.insert(block, at: k)
    takeAhead(&effects)
  }

  /// Executes the fetched blocks that are next in order.
  mutating func takeAhead(_ effects: inout Effects<Self>) {
    while let block = ahead.first, block.height <= height {
      ahead.removeFirst()
      let proposal = Proposal(digest: block.digest, batch: block.batch, validRound: .none)
      guard block.height == height, isValid(proposal, effects) else { continue }
      decide(block, &effects)
    }
    continueSync(&effects)
  }

  private mutating func continueSync(_ effects: inout Effects<Self>) {
    guard let wanted = sync, ahead.isEmpty else { return }
    // What was asked for is there: go on at once, with another helper.
    if wanted.target > height { askForBlocks(&effects) } else { endSync(&effects) }
  }

  /// Goes on from a fetched state: the header of the next block, which a quorum has committed,
  /// names its digest.
  mutating func takeOver(_ body: BodyHandle, _ effects: inout Effects<Self>) {
    guard case .state(let snapshot) = effects.body(body), snapshot.height >= height,
      snapshot.next.height == snapshot.height.next, isCommitted(snapshot.next),
      Self.identify(
        snapshot.next.height, content: snapshot.content, state: snapshot.state.digest)
        == snapshot.next.digest
    else { return }
    if settings.isDurable { effects.write(bytes(of: snapshot.state)) }
    state.assign(snapshot.state)
    mempool.forget(executed: state.executed)
    effects.caughtUp(
      to: snapshot.height, transactions: state.transactions, state: state.digest)
    leaveHeight(for: snapshot.height.next)
    ahead.removeAll { $0.height < height }
    beginHeight(&effects)
    if sync == nil { sync = Sync(target: height.next) }
    takeAhead(&effects)
  }
}

// MARK: - Coming up again

extension Tendermint {
  public mutating func restart(
    keepsDisk: Bool, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    if keepsDisk {
      sync = nil
      ahead.removeAll()
      peers.forgetConnections()
    } else {
      self = Tendermint(me: me, committee: committee, settings: settings, seed: peers.seed)
      // A replica that executes only has nothing to contradict.
      if me.index < committee.n { recovery = Recovery(from: Height(0)) }
    }
    effects.arm(.status, after: settings.statusInterval)
    startGossip(&effects)
    resume(&effects)
    isStalled = true
    sendStatus(&effects)
  }

  /// Runs again for what the replica waited for when it crashed (replay of the log).
  private mutating func resume(_ effects: inout Effects<Self>) {
    switch step {
    case .newHeight:
      if isIdle || height == Height(1) {
        beginHeight(&effects)
      } else {
        effects.arm(.commit(h: height), after: settings.commitTimeout)
      }
    case .propose: effects.arm(.propose(h: height, r: round), after: settings.propose.of(round))
    case .prevote, .precommit:
      guard let k = votes.find(round) else { return }
      if step == .prevote, votes[k].hasTimedPrevotes {
        effects.arm(.prevote(h: height, r: round), after: settings.prevote.of(round))
      }
      if votes[k].hasTimedPrecommits {
        effects.arm(.precommit(h: height, r: round), after: settings.precommit.of(round))
      }
    }
  }

  /// It was at height h when it crashed, because a quorum had precommitted h - 1. One of any quorum
  /// that answers is a correct member of that one, at h - 1 or later; so that with M the highest
  /// that a quorum reports, it has cast no vote above M + 1. Until M + 2 it casts none.
  mutating func noteRecovery(_ h: Height, from i: ReplicaID) {
    guard i.index < committee.n else { return }
    let power = Int(powers[Int(i.index)])
    recovery?.count(h, of: i, weight: power, enough: Int(quorum)) { $0.next }
    endRecovery()
  }

  mutating func endRecovery() {
    if let point = recovery?.point, height > point { recovery = nil }
  }
}
