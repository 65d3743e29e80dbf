import Consensus
import Kernel
import Ledger
import Machines

/// The order that the DAG implies: leaders, their causal histories, and execution (Tusk §5,
/// Bullshark §5).
extension Narwhal {
  /// Votes that commit a leader: so many that every quorum of the next round holds one of them, and
  /// one of a correct validator. f + 1 for n = 3f + 1 and 3f + 2; f + 2 for n = 3f + 3.
  var commitVotes: Int {
    let sound = max(committee.weakQuorum, n - committee.quorum + 1)
    return settings.weakness.contains(.commitsEarly) ? sound - 1 : sound
  }

  /// Commits the leader of `round`, if it is known, here, and has the votes.
  mutating func commit(_ round: DagRound, _ effects: inout Effects<Self>) {
    guard round > lastLeader, dag.contains(round), dag.contains(round.next) else { return }
    if Rule.revealDepth > 0 {
      // The coin is not known before.
      let reveal = round + Rule.revealDepth
      guard dag.contains(reveal), dag[reveal].deliveries >= quorum else { return }
    }
    let leader = Rule.leader(of: round, n: n, seed: settings.seed)
    guard dag[round].delivered.contains(leader),
      dag.votes(for: leader, in: round) >= commitVotes
    else { return }
    statistics.direct += 1
    orderLeaders(upTo: round, leader, &effects)
  }

  /// Orders the leaders since the last one to which each later one leads, the oldest first: whoever
  /// committed one of them by votes has done the same.
  private mutating func orderLeaders(
    upTo round: DagRound, _ leader: Int, _ effects: inout Effects<Self>
  ) {
    let depth = round + Rule.commitDepth
    chain.removeAll(keepingCapacity: true)
    chain.append(Leader(round: round, author: leader))
    if !settings.weakness.contains(.forgetsLeaders) {
      var reached = AuthorSet()
      reached.insert(leader)
      var below = round
      while below > lastLeader + 1 {
        reached = parents(of: reached, in: below, effects)
        below = below - 1
        guard Rule.leads(below), below > lastLeader else { continue }
        let earlier = Rule.leader(of: below, n: n, seed: settings.seed)
        guard reached.contains(earlier) else { continue }
        chain.append(Leader(round: below, author: earlier))
        reached = AuthorSet()
        reached.insert(earlier)
      }
    }
    while let next = chain.popLast() {
      order(next.round, next.author, committedIn: depth, &effects)
    }
    collect(effects)
  }

  /// All parents of the vertices of `authors` in `round`.
  @inline(__always)
  private func parents(
    of authors: AuthorSet, in round: DagRound, _ effects: borrowing Effects<Self>
  ) -> AuthorSet {
    var all = AuthorSet()
    for author in authors where dag[round, author].hasBody {
      all.formUnion(header(dag[round, author].body, effects).parents)
    }
    return all
  }

  /// Puts what `leader` leads to and is not ordered yet into the order, round by round. Rounds that
  /// lie `gcDepth` behind the leader are left out, by everybody.
  private mutating func order(
    _ round: DagRound, _ leader: Int, committedIn depth: DagRound,
    _ effects: inout Effects<Self>
  ) {
    var reached = AuthorSet()
    reached.insert(leader)
    var low = round
    var k = 0
    while true {
      reached = reached.subtracting(dag[low].ordered)
      history[k] = reached
      let isLowest = low.number == 1 || k + 1 == settings.gcDepth
      if reached.isEmpty || isLowest { break }
      reached = parents(of: reached, in: low, effects)
      low = low - 1
      k += 1
    }
    while k >= 0 {
      dag[low].ordered.formUnion(history[k])
      for author in history[k] {
        statistics.vertices += 1
        statistics.rounds += depth - low + 1
        let body = dag[low, author].body
        if header(body, effects).payload.batches > 0 {
          ordered.append(Ordered(body: body, round: low, isCheckpoint: false))
        }
      }
      low = low.next
      k -= 1
    }
    statistics.leaders += 1
    statistics.skipped += max((round - lastLeader) / 2 - 1, 0)
    let isCheckpoint =
      Int(round.number) / checkpointInterval > Int(lastLeader.number) / checkpointInterval
    lastLeader = round
    if isCheckpoint { stageCheckpoint(round) }
  }

  /// Forgets rounds that cannot be ordered any more (§3.3), some time after they can't, for those
  /// who lag. What its own headers there listed in vain is proposed again.
  mutating func collect(_ effects: borrowing Effects<Self>) {
    let floor = lastLeader - settings.gcDepth
    guard floor > collected else { return }
    var round = collected.next
    while round <= floor {
      if dag.contains(round), dag[round].certified.contains(validator),
        !dag[round].ordered.contains(validator), round != proposed
      {
        giveBack(round, effects)
      }
      round = round.next
    }
    collected = floor
    dag.advance(to: lastLeader - 2 * settings.gcDepth)
  }

  // MARK: Execution

  /// Executes what is ordered, in order, as far as its batches are here.
  mutating func execute(_ effects: inout Effects<Self>) {
    isAwaitingPayload = false
    while !ordered.isEmpty {
      let next = ordered[ordered.startIndex]
      if next.isCheckpoint {
        takeCheckpoint(next.round)
      } else {
        let header = header(next.body, effects)
        guard hasPayload(of: header, effects) else {
          isAwaitingPayload = true
          if !isPayloadRequested { fetchPayload(of: header, isAgain: false, &effects) }
          isPayloadRequested = true
          return
        }
        execute(header, &effects)
      }
      isPayloadRequested = false
      ticksAwaiting = 0
      _ = ordered.popFirst()
    }
  }

  private mutating func execute(_ header: DagHeader, _ effects: inout Effects<Self>) {
    for w in 0..<settings.workers where header.payload.count[w] > 0 {
      let first = header.payload.first[w]
      for number in first..<first + UInt32(header.payload.count[w]) {
        let name = BatchName(
          number: number, author: UInt16(header.author.index), worker: UInt8(w))
        if let batch = store[name] { execute(batch, name, &effects) }
      }
    }
  }

  /// Each batch is a slot of the log. Transactions that an earlier one held are skipped.
  private mutating func execute(
    _ batch: BatchHandle, _ name: BatchName, _ effects: inout Effects<Self>
  ) {
    lastExecuted = lastExecuted.next
    let fresh = state.execute(batch, from: effects.batches)
    // One reply to each host of clients.
    let replies = Int64(effects.batches.rangeCount(of: batch))
    effects.charge(settings.costs.execution * Int64(fresh) + settings.costs.sign * replies)
    effects.decide(
      Effects<Self>.Decision(
        slot: lastExecuted, batch: batch, state: state.digest,
        transactions: state.transactions))
    if isSplit {
      effects.send(.executed(name), to: role(ofWorker: Int(name.worker), at: validator))
    } else {
      settle(batch, name, &effects)
    }
  }
}
