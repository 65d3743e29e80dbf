import Consensus
import Kernel
import Ledger

/// Replacing the leader of a group, who speaks for it in the committee above. It changes who
/// passes votes on, never what was voted for, so that safety does not rest on it.
extension LayeredPBFT {
  /// Local timeouts until the committee of layer `k` is suspected: those below come first, and may
  /// replace all of their faulty leaders in between.
  private func waits(_ k: Int) -> Int {
    (1..<k).reduce(1) { $0 * (layers.committee(of: group($1), at: $1).weakQuorum + 1) }
  }

  /// While this node waits for something it also waits for its group's leader. The time grows with
  /// that for a view, so that as many leaders fit into each.
  mutating func watchGroup(_ effects: inout Effects<Self>) {
    guard !isWatchingGroup, recovery == nil else { return }
    isWatchingGroup = true
    effects.arm(.group, after: settings.groupTimeout * growth)
  }

  mutating func stopWatchingGroup(_ effects: inout Effects<Self>) {
    guard isWatchingGroup, !isNeglected else { return }
    isWatchingGroup = false
    effects.disarm(slot: Timer.group.slot)
  }

  mutating func leaderIsOverdue(_ effects: inout Effects<Self>) {
    isWatchingGroup = false
    guard recovery == nil, awaited != nil || isNeglected || !isActive else { return }
    futileWaits += 1
    for k in 1..<layers.count where leads(k - 1) && futileWaits % waits(k) == 0 {
      let w = locals[k - 1][group(k)].next
      want(max(w, wanted[k - 1][layers.position(at: k, of: node)]), k, &effects)
    }
    watchGroup(&effects)
  }

  /// Asks the committee of layer `k` to be led by its member w mod m.
  private mutating func want(_ w: View, _ k: Int, _ effects: inout Effects<Self>) {
    wanted[k - 1][layers.position(at: k, of: node)] = w
    effects.charge(settings.ordering.costs.sign)
    multicast(.leaderChange(k: UInt8(k), w: w), k, &effects)
    settle(k, &effects)
  }

  mutating func collectLeaderChange(
    _ k: Int, _ w: View, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    let sender = Int(i.index)
    guard k < layers.count, layers.group(at: k, of: sender) == group(k),
      leader(of: layers.group(at: k - 1, of: sender), at: k - 1) == i
    else { return }
    let place = layers.position(at: k, of: sender)
    guard w > wanted[k - 1][place] else { return }
    wanted[k - 1][place] = w
    let mine = layers.position(at: k, of: node)
    // As many want it as include a correct one: joins them.
    let higher = wanted[k - 1].count { $0 > wanted[k - 1][mine] }
    if leads(k - 1), higher >= layers.committee(of: group(k), at: k).weakQuorum,
      let lowest = wanted[k - 1].filter({ $0 > wanted[k - 1][mine] }).min(),
      lowest > locals[k - 1][group(k)]
    {
      want(lowest, k, &effects)
    } else {
      settle(k, &effects)
    }
  }

  /// Makes the highest change that a quorum of the committee wants.
  private mutating func settle(_ k: Int, _ effects: inout Effects<Self>) {
    var agreed = locals[k - 1][group(k)]
    for w in wanted[k - 1] where w > agreed {
      if wanted[k - 1].count(where: { $0 >= w }) >= quorum(k) { agreed = w }
    }
    guard agreed > locals[k - 1][group(k)] else { return }
    adopt(agreed, of: group(k), at: k, &effects)
  }

  /// Group `g` of layer `k` is in local view `w`. A new leader gets its full time.
  private mutating func adopt(
    _ w: View, of g: Int, at k: Int, _ effects: inout Effects<Self>
  ) {
    locals[k - 1][g] = w
    if g == group(k) {
      if isWatchingGroup {
        stopWatchingGroup(&effects)
        watchGroup(&effects)
      }
      if leads(k) { takeLead(&effects) }
    } else if layers.group(at: k + 1, of: layers.nodes(of: g, at: k).lowerBound) == group(k + 1),
      leads(k), !isActive || awaited != nil
    {
      // What its predecessor was told, or had to tell, may be lost.
      send(makeStatus(k + 1), to: leader(of: g, at: k), &effects)
    }
  }

  private func send(_ status: Status, to i: ReplicaID, _ effects: inout Effects<Self>) {
    effects.charge(settings.ordering.costs.sign)
    effects.send(.status(status), to: i)
  }

  /// A quorum of group `g` of layer `k` has changed its leader.
  mutating func learnLeader(
    _ k: Int, _ votes: Int, _ g: Int, _ w: View, from i: ReplicaID,
    _ effects: inout Effects<Self>
  ) {
    guard k < layers.count, g < layers.groups(at: k), w > locals[k - 1][g],
      votes >= layers.committee(of: g, at: k).quorum
    else { return }
    adopt(w, of: g, at: k, &effects)
  }

  /// Speaks for its group from now on: tells those above, asks them for what they have told the
  /// former leader, and says what the group's votes suffice for.
  private mutating func takeLead(_ effects: inout Effects<Self>) {
    // To everybody: the leaders that it knows of other groups may be gone too.
    for k in 1..<layers.count where leads(k) && locals[k - 1][group(k)] > View(0) {
      effects.charge(settings.ordering.costs.sign)
      effects.broadcast(leaderMessage(k))
    }
    sendStatus(&effects)
    var n = log.low.next
    while log.contains(n) {
      advance(n, &effects)
      n = n.next
    }
    raiseCheckpoints(&effects)
    raiseChanges(&effects)
    propose(&effects)
  }

  /// Tells the committees above who speaks for this node's groups.
  func announce(_ effects: inout Effects<Self>) {
    for k in 1..<layers.count where leads(k) && locals[k - 1][group(k)] > View(0) {
      for j in k + 1...layers.count where leads(j - 1) {
        multicast(leaderMessage(k), j, &effects)
      }
    }
  }

  /// Who was taken for the leader of groups below layer `k`, and is not, says who is.
  func redirect(_ i: ReplicaID, below k: Int, _ effects: inout Effects<Self>) {
    for j in 1..<k where locals[j - 1][group(j)] > View(0) {
      effects.send(leaderMessage(j), to: i)
    }
  }

  func leaderMessage(_ k: Int) -> Message {
    .leader(
      k: UInt8(k), votes: UInt8(clamping: quorum(k)), group: UInt16(group(k)),
      w: locals[k - 1][group(k)])
  }
}

// MARK: - How a node notices that nothing happens

extension LayeredPBFT {
  /// Timeouts double with each view change in a row that was in vain.
  private var growth: Int64 { Int64(1) << Int64(min(max(futileChanges - 1, 0), 20)) }

  /// T, as it has grown.
  private var patience: SimDuration { settings.ordering.viewTimeout * growth }

  /// Starts the timers when there is a request to wait for and they do not run; stops them when
  /// that request is executed, or starts them for the next.
  mutating func watchProgress(_ effects: inout Effects<Self>) {
    guard isActive, recovery == nil else { return }
    if let awaited, isAwaited(awaited) { return }
    awaited = oldestAwaited(effects)
    stopWatchingGroup(&effects)
    if awaited != nil {
      startProgressTimer(&effects)
    } else {
      stopProgressTimer(&effects)
    }
  }

  /// In a new view the timer that ran for its beginning runs on, until a request is executed that
  /// was not before.
  mutating func watchNewView(_ effects: inout Effects<Self>) {
    stopWatchingGroup(&effects)
    awaited = recovery != nil ? nil : oldestAwaited(effects)
    if awaited == nil { return stopProgressTimer(&effects) }
    watchGroup(&effects)
    if !isTiming { startProgressTimer(&effects) }
  }

  mutating func startProgressTimer(_ effects: inout Effects<Self>) {
    isTiming = true
    effects.arm(.progress, after: patience)
    watchGroup(&effects)
  }

  mutating func stopProgressTimer(_ effects: inout Effects<Self>) {
    stopWatchingGroup(&effects)
    guard isTiming else { return }
    isTiming = false
    effects.disarm(slot: Timer.progress.slot)
  }

  private func isAwaited(_ request: PBFT.Awaited) -> Bool {
    request.slot > Slot(0) ? request.slot > lastExecuted : mempool.contains(request.range)
  }

  /// What clients sent to this node comes first; then what is proposed.
  private func oldestAwaited(_ effects: borrowing Effects<Self>) -> PBFT.Awaited? {
    if let range = mempool.oldest { return PBFT.Awaited(range: range, slot: Slot(0)) }
    var n = lastExecuted.next
    while log.contains(n), n.number - lastExecuted.number <= settings.ordering.pipeline {
      let batch = log[n].batch
      if log[n].accepted != nil, batch != .none, hasContent(n),
        effects.batches.contains(batch), effects.batches.rangeCount(of: batch) > 0
      {
        return PBFT.Awaited(range: effects.batches.range(0, of: batch), slot: n)
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
