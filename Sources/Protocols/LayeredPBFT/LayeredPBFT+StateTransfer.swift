import Consensus
import Kernel
import Ledger
import Machines

/// State transfer to a node that has fallen behind what the others keep, and coming up again.
extension LayeredPBFT {
  /// Fetches the state after `n`, whose digest `d` is certified.
  mutating func startTransfer(to n: Slot, _ d: Digest, _ effects: inout Effects<Self>) {
    guard n > lastExecuted, n > transfer?.slot ?? Slot(0) else { return }
    let isUnderWay = transfer != nil
    transfer = PBFT.Transfer(slot: n, state: d)
    if !isUnderWay { askForState(&effects) }
  }

  /// Asks one node, and after a timeout the next.
  mutating func askForState(_ effects: inout Effects<Self>) {
    guard let wanted = transfer, wanted.slot > lastExecuted else { return endTransfer(&effects) }
    effects.charge(settings.ordering.costs.sign)
    effects.send(.fetchState(n: wanted.slot), to: takeHelper())
    effects.arm(.transfer, after: settings.ordering.transferTimeout)
  }

  /// Whom to ask now: everybody else in turn, its own group first.
  mutating func takeHelper() -> ReplicaID {
    defer { nextHelper = nextHelper.next(of: layers.nodes, but: me) }
    return nextHelper
  }

  mutating func endTransfer(_ effects: inout Effects<Self>) {
    guard transfer != nil else { return }
    transfer = nil
    effects.disarm(slot: Timer.transfer.slot)
  }

  /// Sends the state after `n`; if it is no longer there, says where the newer one is.
  mutating func sendState(_ n: Slot, to i: ReplicaID, _ effects: inout Effects<Self>) {
    let costs = settings.ordering.costs
    if let snapshot = snapshots.first(where: { $0.slot == n && n > Slot(0) })?.state {
      let body = effects.store(.state(snapshot))
      effects.charge(costs.sign + costs.hashing(bytes(of: snapshot)))
      effects.send(.state(n: n, body), to: i)
    } else if log.low > n {
      effects.charge(costs.sign)
      effects.send(
        .stable(k: 0, votes: UInt8(clamping: topQuorum), n: log.low, d: stableState), to: i)
    }
  }

  /// Goes on from a fetched state, if it is the one that was certified.
  mutating func takeOver(_ n: Slot, _ body: BodyHandle, _ effects: inout Effects<Self>) {
    guard let wanted = transfer, wanted.slot == n, n > lastExecuted,
      case .state(let fetched) = effects.body(body), fetched.digest == wanted.state
    else { return }
    if settings.ordering.isDurable { effects.write(bytes(of: fetched)) }
    state.assign(fetched)
    lastExecuted = n
    mempool.forget(executed: state.executed)
    effects.caughtUp(to: n, transactions: state.transactions, state: state.digest)
    keepSnapshot(n)
    makeStable(n, wanted.state, votes: topQuorum, &effects)
    endTransfer(&effects)
    sendStatus(&effects)  // what came beyond the window is gone
    executeInOrder(&effects)
    propose(&effects)
    watchProgress(&effects)
  }
}

// MARK: - Coming up again

extension LayeredPBFT {
  /// What a node without memory knows of how far the others are.
  struct Recovery: Sendable {
    var answers: [Bool]
    var highest = Slot(0)
    /// Above all slots for which it may have voted before it lost its memory.
    var point: Slot?
  }

  public mutating func restart(
    keepsDisk: Bool, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    if keepsDisk {
      isBatchTiming = false
      isTiming = false
      isWatchingGroup = false
      awaited = nil
      if transfer != nil { askForState(&effects) }
    } else {
      self = LayeredPBFT(me: me, settings: settings)
      recovery = Recovery(answers: Array(repeating: false, count: layers.nodes))
    }
    if !isActive {
      if hasCompany { startProgressTimer(&effects) }
      watchGroup(&effects)
    }
    sendStatus(&effects)
    effects.arm(.status, after: settings.ordering.statusInterval)
    propose(&effects)
    watchProgress(&effects)
  }

  /// It casts no vote until the log has passed all slots for which it may have voted. Its former
  /// low water mark was executed by a quorum of members in each of a quorum of groups; the same
  /// many answers share a correct node with them. Its votes were at most a window higher.
  mutating func noteRecovery(_ status: Status, from i: ReplicaID) {
    guard var known = recovery, known.point == nil else { return }
    known.answers[Int(i.index)] = true
    known.highest = max(known.highest, status.executed)
    if isAnswered(0, at: layers.count, known.answers) {
      known.point = Slot(known.highest.number + UInt32(settings.ordering.window))
    }
    recovery = known
    endRecovery()
  }

  private func isAnswered(_ g: Int, at k: Int, _ answers: [Bool]) -> Bool {
    guard k > 0 else { return answers[g] }
    let count = layers.children(of: g, at: k).count { isAnswered($0, at: k - 1, answers) }
    return count >= layers.committee(of: g, at: k).quorum
  }

  mutating func endRecovery() {
    if let point = recovery?.point, log.low >= point { recovery = nil }
  }
}
