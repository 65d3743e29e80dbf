import Consensus
import Kernel
import Ledger
import Machines

/// Log replication (§5.3) and commitment (§5.4.2).
extension Raft {
  // MARK: - The leader

  /// Appends an entry to the leader's log and sends it to every follower that keeps up.
  mutating func append(_ batch: BatchHandle, _ effects: inout Effects<Self>) {
    log.append(Entry(term: currentTerm, batch: batch))
    if settings.isDurable { effects.write(bytes(ofEntry: batch, effects)) }
    let index = log.lastIndex
    for i in 0..<committee.n where i != Int(me.index) {
      if nextIndex[i] == index { sendNext(to: i, &effects) }
    }
  }

  /// Sends follower `i` what it lacks, as far as a message holds.
  mutating func sendNext(to i: Int, _ effects: inout Effects<Self>) {
    let next = nextIndex[i]
    guard next <= log.lastIndex else { return }
    guard let previous = log.term(at: next - 1), let entry = log.entry(next),
      isHeld(entry.batch, effects)
    else { return sendSnapshot(to: i, &effects) }
    let to = ReplicaID(i)
    if next == log.lastIndex, entry.term == currentTerm {
      nextIndex[i] = next + 1
      effects.send(
        .append(
          term: currentTerm, prevLogIndex: next - 1, prevLogTerm: previous, commit: commitIndex,
          batch: entry.batch), to: to)
      return
    }
    var entries: [Entry] = []
    var index = next
    while entries.count < settings.catchUpEntries, let entry = log.entry(index),
      isHeld(entry.batch, effects)
    {
      entries.append(entry)
      index += 1
    }
    nextIndex[i] = index
    effects.send(
      .appendMany(
        term: currentTerm, prevLogIndex: next - 1, prevLogTerm: previous, commit: commitIndex,
        effects.store(.entries(entries))), to: to)
  }

  private func isHeld(_ batch: BatchHandle, _ effects: borrowing Effects<Self>) -> Bool {
    batch == .none || effects.batches.contains(batch)
  }

  /// Heartbeats to all: each says where the leader thinks that the follower's log ends, so that a
  /// loss is noticed.
  mutating func beat(_ effects: inout Effects<Self>) {
    guard role == .leader else { return }
    for i in 0..<committee.n where i != Int(me.index) {
      let previous = nextIndex[i] - 1
      // What was asked last, or its answer, is lost.
      if !isHeard[i] { probe[i] = nil }
      isHeard[i] = false
      guard let term = log.term(at: previous) else {
        sendSnapshot(to: i, &effects)
        continue
      }
      effects.send(
        .heartbeat(
          term: currentTerm, prevLogIndex: previous, prevLogTerm: term, commit: commitIndex),
        to: ReplicaID(i))
    }
    effects.arm(.heartbeat, after: settings.heartbeatInterval)
  }

  mutating func upon(
    reply matches: Bool, _ index: UInt32, _ previous: UInt32, _ term: UInt32,
    from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    observe(term, &effects)
    guard role == .leader, term == currentTerm else { return }
    answered.add(i, for: Digest(0))
    let k = Int(i.index)
    guard matches else {
      // Of another question than the last: that one, or its answer, may be lost (see `beat`).
      guard probe[k] == nil || probe[k] == previous else { return }
      isHeard[k] = true
      // Look further back; never behind what is known to match, which only an old answer could say.
      nextIndex[k] = max(matchIndex[k] + 1, min(index, log.lastIndex + 1))
      probe[k] = nextIndex[k] - 1
      return sendNext(to: k, &effects)
    }
    isHeard[k] = true
    probe[k] = nil
    if index > matchIndex[k] {
      matchIndex[k] = index
      nextIndex[k] = max(nextIndex[k], index + 1)
      advanceCommit(&effects)
    }
    if nextIndex[k] <= log.lastIndex { sendNext(to: k, &effects) }
  }

  /// The highest index that a majority holds is committed, if it is of this term; what is before it
  /// then is too (§5.4.2).
  private mutating func advanceCommit(_ effects: inout Effects<Self>) {
    let start =
      settings.weakness.contains(.commitsEarlierTerms) ? commitIndex + 1 : termStart
    var index = log.lastIndex
    while index > commitIndex, index >= start {
      var holders = 1
      for i in 0..<committee.n where i != Int(me.index) && matchIndex[i] >= index { holders += 1 }
      if holders >= majority { break }
      index -= 1
    }
    guard index > commitIndex, index >= start else { return }
    commitIndex = index
    applyCommitted(&effects)
    propose(&effects)
  }

  // MARK: - Followers

  /// Whether the log holds an entry of term `previous` at `index`; if not, tells the leader where
  /// to look.
  func accepts(
    _ index: UInt32, _ previous: UInt32, from i: ReplicaID, _ effects: inout Effects<Self>
  ) -> Bool {
    // What a snapshot stands for is committed, and equal everywhere.
    if index < log.baseIndex { return true }
    if log.term(at: index) == previous { return true }
    let hint = index > log.lastIndex ? log.lastIndex + 1 : log.firstIndex(ofTermAt: index)
    effects.send(
      .appendReply(term: currentTerm, matches: false, index: hint, previous: index), to: i)
    return false
  }

  /// Takes an entry in, and what contradicts it out; false if it was there.
  mutating func take(
    _ entry: Entry, at index: UInt32, _ effects: inout Effects<Self>
  ) -> Bool {
    if index <= log.baseIndex { return false }
    if let term = log.term(at: index) {
      if term == entry.term { return false }
      log.truncate(from: index)
    }
    log.append(entry)
    return true
  }

  mutating func append(
    _ entries: [Entry], after index: UInt32, _ commit: UInt32, from i: ReplicaID,
    _ effects: inout Effects<Self>
  ) {
    var last = index
    for entry in entries {
      last += 1
      let isNew = take(entry, at: last, &effects)
      if isNew, settings.isDurable { effects.write(bytes(ofEntry: entry.batch, effects)) }
    }
    finishAppend(through: last, commit, from: i, &effects)
  }

  /// The log is equal to the leader's through `index`: says so, and applies what is committed.
  mutating func finishAppend(
    through index: UInt32, _ commit: UInt32, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    if min(commit, index) > commitIndex {
      commitIndex = min(commit, index)
      applyCommitted(&effects)
    }
    effects.send(
      .appendReply(term: currentTerm, matches: true, index: index, previous: index), to: i)
  }
}
