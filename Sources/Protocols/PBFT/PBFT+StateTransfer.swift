import Consensus
import Kernel
import Ledger
import Machines

/// State transfer to a replica that has fallen behind what the others keep (TOCS §4.6).
extension PBFT {
  /// A state that is being fetched, and the digest that a quorum certified for it.
  struct Transfer: Sendable, BitwiseCopyable {
    var slot: Slot
    var state: Digest
  }

  /// Fetches the state after `n`, whose digest `d` is certified.
  mutating func startTransfer(to n: Slot, _ d: Digest, _ effects: inout Effects<Self>) {
    guard n > lastExecuted, n > transfer?.slot ?? Slot(0) else { return }
    let isUnderWay = transfer != nil
    transfer = Transfer(slot: n, state: d)
    if !isUnderWay { askForState(&effects) }
  }

  /// Asks one replica, and after a timeout the next.
  mutating func askForState(_ effects: inout Effects<Self>) {
    guard let wanted = transfer, wanted.slot > lastExecuted else { return endTransfer(&effects) }
    effects.charge(authenticating)
    effects.send(.fetchState(n: wanted.slot, d: wanted.state), to: takeHelper())
    effects.arm(.transfer, after: settings.transferTimeout)
  }

  /// Whom to ask now: everybody else in turn.
  mutating func takeHelper() -> ReplicaID {
    defer { nextHelper = nextHelper.next(of: committee.n, but: me) }
    return nextHelper
  }

  mutating func endTransfer(_ effects: inout Effects<Self>) {
    guard transfer != nil else { return }
    transfer = nil
    effects.disarm(slot: Timer.transfer.slot)
  }

  /// Sends the state after `n`; if it is no longer there, says where the newer one is.
  mutating func sendState(_ n: Slot, to i: ReplicaID, _ effects: inout Effects<Self>) {
    if let snapshot = snapshot(at: n) {
      let body = effects.store(.state(snapshot))
      effects.charge(authenticating + settings.costs.hashing(bytes(of: snapshot)))
      effects.send(.state(n: n, body), to: i)
    } else if log.low > n {
      effects.charge(authenticating)
      effects.send(.checkpoint(n: log.low, d: stableState), to: i)
    }
  }

  /// Goes on from a fetched state, if it is the one that was certified.
  mutating func takeOver(_ n: Slot, _ body: BodyHandle, _ effects: inout Effects<Self>) {
    guard let wanted = transfer, wanted.slot == n, n > lastExecuted,
      case .state(let fetched) = effects.body(body), fetched.digest == wanted.state
    else { return }
    if settings.isDurable { effects.write(bytes(of: fetched)) }
    state.assign(fetched)
    noteTerm()
    lastExecuted = n
    mempool.forget(executed: state.executed)
    effects.caughtUp(to: n, transactions: state.transactions, state: state.digest)
    keepSnapshot(n)
    makeStable(n, wanted.state, votes: quorum, &effects)
    endTransfer(&effects)
    executeInOrder(&effects)
    executeClaims(&effects)
    propose(&effects)
    watchProgress(&effects)
  }
}

// MARK: - Coming up again

extension PBFT {
  public mutating func restart(
    keepsDisk: Bool, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    if keepsDisk {
      isBatchTiming = false
      isTiming = false
      awaited = nil
      if transfer != nil { askForState(&effects) }
    } else {
      self = PBFT(me: me, committee: committee, settings: settings)
      recovery = Recovery(from: Slot(0))
    }
    if !isActive, hasCompany { startProgressTimer(&effects) }
    sendStatus(&effects)
    effects.arm(.status, after: settings.statusInterval)
    propose(&effects)
    watchProgress(&effects)
  }

  /// Its votes of before it cannot contradict, because it does not know them; so it casts none
  /// until the log has passed all slots for which there may be any (recovery, thesis §4.3.2).
  ///
  /// Its former low water mark was executed by f + 1 correct replicas, of which a quorum's answers
  /// include one; its votes were at most a window higher.
  mutating func noteRecovery(_ status: Status, from i: ReplicaID) {
    guard Int(i.index) < committee.n else { return }
    let window = UInt32(settings.window)
    recovery?.count(status.executed, of: i, enough: quorum) { Slot($0.number + window) }
    endRecovery()
  }

  mutating func endRecovery() {
    if let point = recovery?.point, log.low >= point { recovery = nil }
  }
}
