import Kernel
import Ledger
import Machines
import Sharding

// MARK: - What a bundle asks of a member

extension ShardedLedgerState {
  /// Member `m` hands the operations of a bundle to its replica, or waits for further votes. What
  /// its own shard asks for is handed over by as many as hold a correct one; `again`, after a wait
  /// in vain, by all and as sent anew, for what a replica forwarded may be lost or censored.
  mutating func takeIn(
    _ b: Int, from source: Int, at m: Int, again: Bool = false, _ time: SimTime,
    _ world: inout World
  ) {
    let s = members[m].shard
    let bundle = shards[source].bundles[b]
    let population = population(ofShard: source)
    let book = book(population, of: s)
    let isOwn = source == s
    var first = -1
    let numbers = Int(bundle.firstOperation)..<Int(bundle.firstOperation + bundle.operations)
    for number in numbers {
      let entry = entries[book][number]
      let isOpen = entry.slot == 0 || Int(entry.slot) > members[m].position
      if entry.votes > 0 {
        if isOpen { expect(entry, population, number, at: m, &world) }
      } else if isOpen, !isOwn || again || members[m].rank < settings.receivers {
        if first < 0 { first = number }
        continue
      }
      if first >= 0 { submit(population, first..<number, at: m, again: again, time, &world) }
      first = -1
    }
    if first >= 0 {
      submit(population, first..<numbers.upperBound, at: m, again: again, time, &world)
    }
    for k in 0..<Int(bundle.votes) {
      count(shards[source].votes[Int(bundle.firstVote) + k], at: m, time, &world)
    }
    submitReady(at: m, again: again, time, &world)
  }

  /// Member `m` hands operations to the replica beside it at `time`.
  mutating func submit(
    _ population: Int, _ numbers: Range<Int>, at m: Int, again: Bool, _ time: SimTime,
    _ world: inout World
  ) {
    let range = TxRange(
      population: UInt32(population), first: UInt64(numbers.lowerBound),
      count: UInt32(numbers.count))
    // Nothing passes a link; what it takes to read them was paid with the bundle.
    var event = Submission(range: range, bytes: 0, isRetransmission: again)
      .event(to: settings.shards[members[m].shard].chain, role: members[m].rank)
    event.time = time
    world.schedule(event)
  }

  /// An operation waits for votes at member `m`.
  private mutating func expect(
    _ entry: Entry, _ population: Int, _ number: Int, at m: Int, _ world: inout World
  ) {
    let transfer = ledger.transfers.parts[Int(entry.operation.part)].transfer
    var ballot = members[m].ballots[transfer] ?? Ballot()
    ballot.population = UInt32(population)
    ballot.number = UInt32(number)
    ballot.needed = entry.votes
    ballot.needsAll = entry.needsAll
    members[m].ballots[transfer] = ballot
    if settings.commit.commit == .yank { look(after: transfer, at: m, &world) }
    tally(transfer, at: m)
  }

  private mutating func count(
    _ vote: CommitEffects.Vote, at m: Int, _ time: SimTime, _ world: inout World
  ) {
    let transfer = ledger.transfers.parts[Int(vote.part)].transfer
    if isOver(Int(transfer), at: members[m].shard, m) { return }
    let place = vote.part - ledger.transfers[Int(transfer)].firstPart
    var ballot = members[m].ballots[transfer] ?? Ballot()
    ballot.voted |= 1 << UInt64(place)
    if !vote.accepts { ballot.isRefused = true }
    members[m].ballots[transfer] = ballot
    if settings.commit.commit == .yank { look(after: transfer, at: m, &world) }
    tally(transfer, at: m)
  }

  /// What waited for the votes on `transfer` is ready if they are there.
  private mutating func tally(_ transfer: UInt32, at m: Int) {
    guard let ballot = members[m].ballots[transfer], ballot.population != .max else { return }
    let isReady =
      ballot.voted.nonzeroBitCount >= Int(ballot.needed)
      || (ballot.isRefused && !ballot.needsAll)
    guard isReady else { return }
    ready.append(UInt64(ballot.population) << 32 | UInt64(ballot.number))
  }

  /// Hands the operations of a bundle that have become ready to the replica, runs of them at once.
  mutating func submitReady(
    at m: Int, again: Bool, _ time: SimTime, _ world: inout World
  ) {
    guard !ready.isEmpty else { return }
    ready.sort()
    var first = 0
    for k in ready.indices {
      let isLast = k + 1 == ready.count || ready[k + 1] > ready[k] + 1
      guard isLast else { continue }
      let numbers = Int(ready[first] & 0xFFFF_FFFF)..<Int(ready[k] & 0xFFFF_FFFF) + 1
      submit(Int(ready[k] >> 32), numbers, at: m, again: again, time, &world)
      first = k + 1
    }
    ready.removeAll(keepingCapacity: true)
  }
}

// MARK: - Faults

extension ShardedLedgerState {
  mutating func crash(_ node: NodeID) {
    for m in members.indices where members[m].node == node {
      members[m].ballots.removeAll()
      members[m].owed.removeAll()
      members[m].orders = SlidingArray()
      members[m].gathered.removeAll()
      members[m].watching = .never
    }
  }

  mutating func restart(_ node: NodeID, keepsDisk: Bool, _ world: inout World) {
    for m in members.indices where members[m].node == node {
      if keepsDisk {
        remember(m, &world)
      } else {
        members[m].free = max(members[m].free, members[m].position)
        members[m].position = 0
        members[m].outstanding = SlidingArray()
      }
      resend(m, &world)
    }
    for h in hosts.indices where hosts[h].node == node { restart(host: h, &world) }
  }

  /// What a member's shard asks of itself and has not executed, from its state.
  mutating func remember(_ m: Int, _ world: inout World) {
    let s = members[m].shard
    let book = book(population(ofShard: s), of: s)
    for b in shards[s].bundles.startIndex..<shards[s].bundles.endIndex {
      let bundle = shards[s].bundles[b]
      guard Int(bundle.to) == s, Int(bundle.slot) <= members[m].position else { continue }
      let last = Int(bundle.firstOperation + bundle.operations) - 1
      if bundle.operations > 0, entries[book][last].slot == 0 {
        takeIn(b, from: s, at: m, world.now, &world)
      }
    }
  }
}
