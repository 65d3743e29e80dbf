import Consensus
import Kernel
import Ledger
import Machines

/// The pacemaker: when views begin and end.
///
/// A certificate for the block of a view ends it. Otherwise HotStuff's replicas leave it when their
/// timer runs out and tell the next leader; Jolteon's give it up to all, and leave it when a quorum
/// has.
extension ChainedHotStuff {
  /// Time for a view: doubled by each that failed since a block was last committed.
  private var patience: SimDuration {
    settings.viewTimeout * (Int64(1) << Int64(min(failures, settings.doublings)))
  }

  /// Begins view `v`.
  mutating func enter(_ v: View, _ effects: inout Effects<Self>) {
    view = v
    hasTimedOut = false
    stopWaiting(&effects)
    watchView(&effects)
  }

  /// Starts the time of this view. The timer itself is set again only when it runs out: one event
  /// in half a timeout, and not one in each view.
  mutating func watchView(_ effects: inout Effects<Self>) {
    let whole = patience
    isNudged = false
    halfway = clock + SimDuration(nanoseconds: whole.nanoseconds / 2)
    deadline = clock + whole
    if timerDue.map({ halfway < $0 }) ?? true { armView(for: halfway, &effects) }
  }

  private mutating func armView(for time: LocalTime, _ effects: inout Effects<Self>) {
    timerDue = time
    effects.arm(.view, after: max(time - clock, .nanoseconds(1)))
  }

  mutating func viewTimerIsUp(_ effects: inout Effects<Self>) {
    timerDue = nil
    if clock >= deadline {
      giveUp(&effects)
    } else if !isNudged, clock >= halfway {
      isNudged = true
      nudge(&effects)
      armView(for: deadline, &effects)
    } else {
      armView(for: isNudged ? deadline : halfway, &effects)
    }
  }

  /// Half the time is over: what this replica said in the view may be lost, or the proposal.
  private mutating func nudge(_ effects: inout Effects<Self>) {
    guard recovery == nil else { return }
    if let d = voting.vote, voting.lastVoted == view {
      let next = leader(of: view.next)
      if next != me { effects.send(.vote(v: view, d: d), to: next) }
    } else if leader(of: view) != me {
      if Rule.chains == 3, wishes[Int(me.index)].view == view {
        if failures > 1 {
          effects.broadcast(newView)
        } else {
          effects.send(newView, to: leader(of: view))
        }
      }
      effects.send(.fetchProposal(v: view), to: leader(of: view))
    }
  }

  private mutating func giveUp(_ effects: inout Effects<Self>) {
    if recovery != nil {
      askForStandings(&effects)
      return watchView(&effects)
    }
    if Rule.chains == 2 { return timeOut(&effects) }
    if wishes[Int(me.index)].view < view { return leave(for: view(after: view), &effects) }
    // This view was only wished for: it is left when it is known that a quorum is there, so that
    // nobody runs ahead of the others.
    hasTimedOut = true
    effects.charge(settings.costs.sign)
    effects.broadcast(newView)
    watchView(&effects)
    leaveTogether(&effects)
  }
}

// MARK: - HotStuff: new-view messages

extension ChainedHotStuff {
  /// Begins view `next` without a certificate for this one, and wishes for it: by a message to its
  /// leader; to all if the view before was one that was wished for.
  private mutating func leave(for next: View, _ effects: inout Effects<Self>) {
    timeouts += 1
    failures += 1
    enter(next, &effects)
    wishes[Int(me.index)] = Wish(view: view, high: voting.high.view)
    effects.charge(settings.costs.sign)
    if failures > 1 {
      effects.broadcast(newView)
    } else if leader(of: view) != me {
      effects.send(newView, to: leader(of: view))
    }
    propose(&effects)
  }

  private var newView: Message {
    let qc = voting.high
    return .newView(v: view, p: qc.block, w: qc.view, votes: qc.votes)
  }

  private mutating func leaveTogether(_ effects: inout Effects<Self>) {
    guard hasTimedOut, wishes(from: view) >= quorum else { return }
    leave(for: view(after: view), &effects)
  }

  mutating func collectNewView(
    _ v: View, _ qc: QuorumCertificate, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard Rule.chains == 3, isGenuine(qc) else { return }
    learn(qc, from: i, &effects)
    tell(qc, to: i, &effects)
    guard v > wishes[Int(i.index)].view else { return }
    wishes[Int(i.index)] = Wish(view: v, high: qc.view)
    guard recovery == nil else { return }
    // One of f + 1 is correct: what comes before the lowest of their wishes has failed indeed.
    if let next = wishOfMany { leave(for: next, &effects) }
    leaveTogether(&effects)
    propose(&effects)
  }

  /// The lowest view above this one that is wished for, if f + 1 replicas wish for such.
  private var wishOfMany: View? {
    var count = 0
    var lowest = View(.max)
    for wish in wishes where wish.view > view {
      count += 1
      lowest = min(lowest, wish.view)
    }
    return count >= committee.weakQuorum ? lowest : nil
  }

  /// A replica that lacks a certificate which would bring it on is sent it.
  private mutating func tell(
    _ qc: QuorumCertificate, to i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    let high = voting.high
    guard high.view > qc.view else { return }
    effects.send(.certificate(p: high.block, w: high.view, votes: high.votes), to: i)
  }
}

// MARK: - Jolteon: timeouts to all

extension ChainedHotStuff {
  /// Gives this view up, and says so again each time that its timer runs out.
  private mutating func timeOut(_ effects: inout Effects<Self>) {
    hasTimedOut = true
    if view > voting.lastVoted {
      voting.lastVoted = view
      voting.vote = nil
    }
    wishes[Int(me.index)] = Wish(view: view, high: voting.high.view)
    if settings.isDurable { effects.write(votingBytes) }
    effects.charge(settings.costs.sign)
    let qc = voting.high
    effects.broadcast(.timeout(v: view, p: qc.block, w: qc.view, votes: qc.votes))
    watchView(&effects)
    if settings.weakness.contains(.missingLock) {
      return learn(
        TimeoutCertificate(view: view, highest: View(0), votes: UInt16(quorum)), &effects)
    }
    closeView(&effects)
  }

  mutating func collectTimeout(
    _ v: View, _ qc: QuorumCertificate, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard Rule.chains == 2, isGenuine(qc) else { return }
    learn(qc, from: i, &effects)
    if v < view { return bringOn(i, from: v, &effects) }
    guard v >= wishes[Int(i.index)].view else { return }
    wishes[Int(i.index)] = Wish(view: v, high: qc.view)
    guard v == view else { return }
    if !hasTimedOut, recovery == nil, wishes(for: view) >= committee.weakQuorum {
      timeOut(&effects)
    } else {
      closeView(&effects)
    }
  }

  /// A quorum of timeouts for this view is the certificate that ends it.
  private mutating func closeView(_ effects: inout Effects<Self>) {
    let votes = wishes(for: view)
    guard votes >= quorum else { return }
    var highest = View(0)
    for wish in wishes where wish.view == view { highest = max(highest, wish.high) }
    let tc = TimeoutCertificate(view: view, highest: highest, votes: UInt16(votes))
    let next = leader(of: view(after: view))
    if next != me { effects.send(message(tc), to: next) }
    learn(tc, &effects)
  }

  mutating func learn(_ tc: TimeoutCertificate, _ effects: inout Effects<Self>) {
    guard Rule.chains == 2, Int(tc.votes) >= quorum, tc.view >= view else { return }
    timeoutCertificate = tc
    timeouts += 1
    failures += 1
    enter(view(after: tc.view), &effects)
    propose(&effects)
  }

  /// Sends a replica that is still in view `v` what ended it.
  private mutating func bringOn(
    _ i: ReplicaID, from v: View, _ effects: inout Effects<Self>
  ) {
    if voting.high.view >= v {
      let high = voting.high
      effects.send(.certificate(p: high.block, w: high.view, votes: high.votes), to: i)
    }
    if let tc = timeoutCertificate, tc.view >= v { effects.send(message(tc), to: i) }
  }

  private func message(_ tc: TimeoutCertificate) -> Message {
    let high = voting.high
    return .timeoutCertificate(
      p: high.block, v: tc.view, w: high.view, votes: high.votes, timeouts: tc.votes)
  }
}
