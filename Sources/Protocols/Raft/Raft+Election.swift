import Consensus
import Kernel
import Ledger
import Machines

/// Leader election (§5.2, §5.4.1) with pre-vote and check of the quorum (thesis §6.2, §9.6).
extension Raft {
  /// No leader was heard of: asks whether an election could be won, or holds it at once.
  mutating func beginElection(_ effects: inout Effects<Self>) {
    leader = nil
    votes.clear()
    awaitLeader(&effects)
    guard settings.asksBeforeVoting else { return stand(&effects) }
    role = .preCandidate
    votes.add(me, for: Digest(0))
    effects.broadcast(
      .preVote(term: currentTerm + 1, lastLogIndex: log.lastIndex, lastLogTerm: log.lastTerm))
    standIfAssured(&effects)
  }

  private mutating func standIfAssured(_ effects: inout Effects<Self>) {
    if votes.count >= majority { stand(&effects) }
  }

  /// Begins a term as its candidate.
  private mutating func stand(_ effects: inout Effects<Self>) {
    role = .candidate
    currentTerm += 1
    votedFor = me
    if settings.isDurable { effects.write(settings.sizes.number * 2) }
    votes.clear()
    votes.add(me, for: Digest(0))
    awaitLeader(&effects)
    effects.broadcast(
      .requestVote(term: currentTerm, lastLogIndex: log.lastIndex, lastLogTerm: log.lastTerm))
    leadIfElected(&effects)
  }

  /// At least as up-to-date as this server's log: by last term, then by length (§5.4.1).
  private func isCurrent(_ index: UInt32, _ term: UInt32) -> Bool {
    if settings.weakness.contains(.votesForAnyLog) { return true }
    return term > log.lastTerm || (term == log.lastTerm && index >= log.lastIndex)
  }

  /// Whether a leader was heard of within the shortest election timeout: then nobody needs another
  /// (§6, thesis §4.2.3).
  private func hasLeader(at now: LocalTime) -> Bool {
    if role == .leader { return true }
    guard settings.asksBeforeVoting, let heard else { return false }
    return now - heard < settings.electionTimeout
  }

  mutating func answerPreVote(
    _ term: UInt32, _ index: UInt32, _ last: UInt32, from i: ReplicaID, at now: LocalTime,
    _ effects: inout Effects<Self>
  ) {
    let granted = term > currentTerm && isCurrent(index, last) && !hasLeader(at: now)
    effects.send(.preVoteReply(term: granted ? term : currentTerm, granted: granted), to: i)
  }

  mutating func count(
    preVote granted: Bool, _ term: UInt32, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard granted else { return observe(term, &effects) }
    guard role == .preCandidate, term == currentTerm + 1 else { return }
    votes.add(i, for: Digest(0))
    standIfAssured(&effects)
  }

  mutating func answerVote(
    _ term: UInt32, _ index: UInt32, _ last: UInt32, from i: ReplicaID, at now: LocalTime,
    _ effects: inout Effects<Self>
  ) {
    // A server that was away must not depose a leader whom the others hear.
    if term > currentTerm, settings.asksBeforeVoting, hasLeader(at: now) { return }
    observe(term, &effects)
    let isFree =
      votedFor == nil || votedFor == i || settings.weakness.contains(.votesTwice)
    let granted = term == currentTerm && isFree && role != .leader && isCurrent(index, last)
    if granted {
      votedFor = i
      if settings.isDurable { effects.write(settings.sizes.number * 2) }
      awaitLeader(&effects)
    }
    effects.send(.requestVoteReply(term: currentTerm, granted: granted), to: i)
  }

  mutating func count(
    vote granted: Bool, _ term: UInt32, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    observe(term, &effects)
    guard granted, role == .candidate, term == currentTerm else { return }
    votes.add(i, for: Digest(0))
    leadIfElected(&effects)
  }

  private mutating func leadIfElected(_ effects: inout Effects<Self>) {
    guard votes.count >= majority else { return }
    role = .leader
    leader = me
    votes.clear()
    answered.clear()
    for i in 0..<committee.n {
      nextIndex[i] = log.lastIndex + 1
      matchIndex[i] = 0
      probe[i] = nil
    }
    claimLog(effects)
    termStart = log.lastIndex + 1
    // An entry of its own, by which it learns what is committed (§8).
    append(.none, &effects)
    beat(&effects)
    effects.arm(.election, after: settings.electionTimeout)
    propose(&effects)
  }

  /// A leader that has not heard from a majority for an election timeout is none any more.
  mutating func checkQuorum(_ effects: inout Effects<Self>) {
    guard answered.count + 1 >= majority else { return stepDown(&effects) }
    answered.clear()
    effects.arm(.election, after: settings.electionTimeout)
  }

  /// What is in the log is proposed already.
  private mutating func claimLog(_ effects: borrowing Effects<Self>) {
    var index = lastApplied + 1
    while let entry = log.entry(index) {
      if entry.batch != .none, effects.batches.contains(entry.batch) {
        for k in 0..<effects.batches.rangeCount(of: entry.batch) {
          mempool.markProposed(
            effects.batches.range(k, of: entry.batch), executed: state.executed)
        }
      }
      index += 1
    }
  }
}
