import Kernel
import Ledger
import Machines
import Sharding

// MARK: - What a shard has executed

extension ShardedLedgerState {
  /// The replica beside member `m` has executed all slots up to one.
  mutating func upon(executed event: Event, at m: Int, _ world: inout World) {
    let s = members[m].shard
    // Beyond its assumptions a committee may come to slots that nobody has executed; its own
    // monitor says so.
    let chain = Int(settings.shards[s].chain)
    let slot = min(Int(event.payload.a), world.executions[chain].endIndex - 1)
    members[m].proposer = Int(event.payload.b)
    advance(s, to: slot, &world)
    guard slot > members[m].position else { return }
    for x in members[m].position + 1...slot {
      if x > members[m].free { noteExecuted(x, of: s, &world) }
      act(on: x, m, &world)
    }
    members[m].position = slot
    if !epochs.settling.isEmpty { settle(m, &world) }
    payOwed(m, &world)
  }

  /// Carries out what the chain of shard `s` has executed, once for all members.
  private mutating func advance(_ s: Int, to slot: Int, _ world: inout World) {
    let chain = Int(settings.shards[s].chain)
    while shards[s].position < slot {
      shards[s].position += 1
      let x = shards[s].position
      shards[s].firstBundle.append(UInt32(shards[s].bundles.endIndex))
      shards[s].firstClosed.append(UInt32(shards[s].closed.endIndex))
      shards[s].firstCommitted.append(UInt32(shards[s].committed.endIndex))
      shards[s].executedBy.append(0)
      for k in world.executions[chain].parts(of: x) {
        let range = world.executions[chain].part(k)
        let book = book(Int(range.population), of: s)
        for number in Int(range.first)..<Int(range.end) {
          carryOut(number, book, of: s, in: x, &world)
        }
      }
      seal(s, x)
    }
  }

  /// Carries out operation `number` of book `book`, if it has not been.
  private mutating func carryOut(
    _ number: Int, _ book: Int, of s: Int, in slot: Int, _ world: inout World
  ) {
    guard entries[book][number].slot == 0 else { return }
    entries[book][number].slot = UInt32(slot)
    let operation = entries[book][number].operation
    effects.removeAll()
    let part = Int(operation.part)
    let transfer = Int(ledger.transfers.parts[part].transfer)
    let wasOpen = ledger.transfers[transfer].fate == .open
    ledger.execute(operation, at: s, &effects)
    if wasOpen, ledger.transfers[transfer].fate == .committed {
      shards[s].committed.append(UInt32(transfer))
    }
    noteIncluded(transfer, number, book, &world)
    if operation.kind == .accept || operation.kind == .complete {
      shards[s].closed.append(UInt32(transfer))
    }
    shards[s].operations += 1
    if ledger.transfers.isCrossShard(transfer) { shards[s].crossShard += 1 }
    for k in effects.requests.indices {
      let request = effects.requests[k]
      let number = mint(request, population(ofShard: s), at: world.now, &world)
      let to = Int(request.shard)
      touch(to)
      if buckets[to].operations == 0 { buckets[to].firstOperation = number }
      buckets[to].operations += 1
    }
    for k in effects.votes.indices {
      touch(Int(effects.votes[k].shard))
      buckets[Int(effects.votes[k].shard)].votes.append(effects.votes[k])
    }
    let host = shards.count + Int(ledger.transfers[transfer].host)
    for k in effects.receipts.indices where !ledger.transfers[transfer].isMove {
      let receipt = effects.receipts[k]
      counts.refused[Int(receipt.verdict.rawValue)] += 1
      news[part].slot = UInt32(slot)
      news[part].last = receipt
      // The output committee tells the client what came of its inputs.
      if operation.kind == .yank || operation.kind == .refund { continue }
      touch(host)
      buckets[host].receipts.append(receipt)
    }
  }

  private mutating func touch(_ to: Int) {
    guard !buckets[to].isTouched else { return }
    buckets[to].isTouched = true
    touched.append(to)
  }

  /// Makes the bundles of slot `slot`, in order of their receivers.
  private mutating func seal(_ s: Int, _ slot: Int) {
    touched.sort()
    for to in touched {
      let bundle = Bundle(
        slot: UInt32(slot), to: UInt16(to), firstOperation: buckets[to].firstOperation,
        operations: buckets[to].operations, firstVote: UInt32(shards[s].votes.endIndex),
        votes: UInt32(buckets[to].votes.count),
        firstReceipt: UInt32(shards[s].receipts.endIndex),
        receipts: UInt32(buckets[to].receipts.count))
      shards[s].bundles.append(bundle)
      for vote in buckets[to].votes { shards[s].votes.append(vote) }
      for receipt in buckets[to].receipts { shards[s].receipts.append(receipt) }
      buckets[to].votes.removeAll(keepingCapacity: true)
      buckets[to].receipts.removeAll(keepingCapacity: true)
      buckets[to].operations = 0
      buckets[to].isTouched = false
    }
    touched.removeAll(keepingCapacity: true)
  }

  /// Transfers whose vote is over with slot `slot`.
  private func closed(in slot: Int, _ s: Int) -> Range<Int> {
    let first = Int(shards[s].firstClosed[slot])
    let end =
      slot + 1 < shards[s].firstClosed.endIndex
      ? Int(shards[s].firstClosed[slot + 1]) : shards[s].closed.endIndex
    return first..<end
  }

  private func bundles(of slot: Int, _ s: Int) -> Range<Int> {
    let first = Int(shards[s].firstBundle[slot])
    let end =
      slot + 1 < shards[s].firstBundle.endIndex
      ? Int(shards[s].firstBundle[slot + 1]) : shards[s].bundles.endIndex
    return first..<end
  }

  /// What member `m` does about a slot that it has executed: it sends proofs if it is its turn,
  /// and takes up what the shard asks of itself.
  private mutating func act(on slot: Int, _ m: Int, _ world: inout World) {
    let s = members[m].shard
    let n = settings.shards[s].nodes.count
    let rank = (members[m].rank + n - slot % n) % n
    let isSender = rank < settings.senders && slot > members[m].free
    if !members[m].ballots.isEmpty {
      for k in closed(in: slot, s) { members[m].ballots[shards[s].closed[k]] = nil }
    }
    for b in bundles(of: slot, s) {
      if Int(shards[s].bundles[b].to) == s {
        takeIn(b, from: s, at: m, world.now, &world)
        expectDone(b, rank: 0, tries: 0, by: m, &world)
      } else if isSender {
        send(b, by: m, rank: rank, tries: 0, &world)
      }
    }
  }
}

// MARK: - Bundles

extension ShardedLedgerState {
  private func bytes(of bundle: Bundle) -> Int {
    let sizes = settings.sizes
    return sizes.header + sizes.proof + Int(bundle.operations) * sizes.operation
      + Int(bundle.votes) * sizes.vote + Int(bundle.receipts) * sizes.receipt
  }

  /// Sends bundle `b` of its shard to the receivers of try `tries`, from 0.
  mutating func send(_ b: Int, by m: Int, rank: Int, tries: Int, _ world: inout World) {
    let s = members[m].shard
    if tries > 0, settings.commit.weakness == .appliesTwice { repeatUnderNewNames(b, s, &world) }
    let bundle = shards[s].bundles[b]
    let bytes = bytes(of: bundle)
    let to = Int(bundle.to)
    let isForHost = to >= shards.count
    let n = isForHost ? 1 : settings.shards[to].nodes.count
    let copies = min(isForHost ? 1 : settings.receivers, n)
    for k in 0..<copies {
      // Where clients have gateways, every member is one in turn.
      let turn = !isForHost && settings.shards[to].usesGateways ? Int(bundle.slot) : 0
      let target =
        isForHost
        ? to - shards.count : firstMember[to] + (turn + tries * settings.receivers + k) % n
      transmit(
        isForHost ? .receipts : .bundle,
        .init(
          UInt64(s) << 32 | UInt64(b), UInt64(hostCount + m) << 32 | UInt64(bytes),
          UInt64(members[m].proposer)),
        bytes: bytes, from: hostCount + m, to: target, &world)
    }
    if tries > 0 { counts.resent += 1 }
    expectDone(b, rank: rank, tries: tries, by: m, &world)
  }

  /// The planted bug of a relay that is applied twice: what is sent again gets a new identity.
  private mutating func repeatUnderNewNames(_ b: Int, _ s: Int, _ world: inout World) {
    let to = Int(shards[s].bundles[b].to)
    guard to < shards.count, shards[s].bundles[b].operations > 0 else { return }
    let book = book(population(ofShard: s), of: to)
    let first = Int(shards[s].bundles[b].firstOperation)
    for k in 0..<Int(shards[s].bundles[b].operations) {
      let entry = entries[book][first + k]
      let number = mint(
        .init(operation: entry.operation, shard: UInt16(to), votes: entry.votes),
        population(ofShard: s), at: world.now, &world)
      if k == 0 { shards[s].bundles[b].firstOperation = number }
    }
  }

  /// Member `m` will look whether bundle `b` has had its effect.
  private mutating func expectDone(
    _ b: Int, rank: Int, tries: Int, by m: Int, _ world: inout World
  ) {
    members[m].outstanding.append(
      Outstanding(
        bundle: UInt32(b), rank: UInt16(rank), tries: UInt16(tries),
        deadline: world.now + settings.retry))
    watch(m, &world)
  }

  /// Member takes a checked bundle in.
  mutating func take(_ event: Event, at time: SimTime, _ world: inout World) {
    let m = Int(event.target) - hostCount
    let source = Int(event.payload.a >> 32)
    let b = Int(event.payload.a & 0xFFFF_FFFF)
    takeIn(b, from: source, at: m, time, &world)
    let owed = Owed(
      source: UInt16(source), bundle: UInt32(b), sender: UInt32(event.payload.b >> 32))
    if isDone(owed, at: m) {
      acknowledge(owed, by: m, &world)
    } else {
      members[m].owed.append(owed)
    }
  }

  /// Whether member `m` has seen all that bundle asks for executed.
  private func isDone(_ owed: Owed, at m: Int) -> Bool {
    let source = Int(owed.source)
    let bundle = shards[source].bundles[Int(owed.bundle)]
    let s = members[m].shard
    let book = book(population(ofShard: source), of: s)
    for k in 0..<Int(bundle.operations) {
      let slot = Int(entries[book][Int(bundle.firstOperation) + k].slot)
      if slot == 0 || slot > members[m].position { return false }
    }
    for k in 0..<Int(bundle.votes) {
      let voter = Int(shards[source].votes[Int(bundle.firstVote) + k].part)
      if !isOver(Int(ledger.transfers.parts[voter].transfer), at: s, m) { return false }
    }
    return true
  }

  /// Whether the part of `transfer` at shard `s` has come to its end, as member `m` knows.
  func isOver(_ transfer: Int, at s: Int, _ m: Int) -> Bool {
    for part in ledger.transfers.parts(of: transfer)
    where Int(ledger.transfers.parts[part].shard) == s {
      if Int(news[part].slot) > members[m].position { return false }
      switch ledger.transfers.parts[part].state {
      case .idle, .held: return false
      case .done, .refused, .released: break
      }
    }
    return true
  }

  private mutating func acknowledge(_ owed: Owed, by m: Int, _ world: inout World) {
    transmit(
      .acknowledgement, .init(UInt64(owed.source) << 32 | UInt64(owed.bundle)),
      bytes: settings.sizes.acknowledgement, from: hostCount + m, to: Int(owed.sender), &world)
  }

  private mutating func payOwed(_ m: Int, _ world: inout World) {
    var kept = 0
    for k in members[m].owed.indices {
      let owed = members[m].owed[k]
      if isDone(owed, at: m) {
        acknowledge(owed, by: m, &world)
      } else {
        members[m].owed[kept] = owed
        kept += 1
      }
    }
    members[m].owed.removeLast(members[m].owed.count - kept)
  }

  /// The bundle that member `m` sent is acknowledged.
  mutating func upon(acknowledgement event: Event, at m: Int) {
    let s = members[m].shard
    let b = Int(event.payload.a & 0xFFFF_FFFF)
    let n = settings.shards[s].nodes.count
    let rank = (members[m].rank + n - Int(shards[s].bundles[b].slot) % n) % n
    shards[s].bundles[b].acknowledged |= 1 << UInt64(rank)
  }

  private func earliestProof(_ m: Int) -> SimTime {
    members[m].outstanding.isEmpty
      ? .never : members[m].outstanding[members[m].outstanding.startIndex].deadline
  }

  mutating func watch(_ m: Int, _ world: inout World) {
    let deadline = min(earliestProof(m), earliestOrder(m))
    guard deadline < members[m].watching else { return }
    members[m].watching = deadline
    world.schedule(
      Event(
        at: max(deadline, world.now), subsystem: index, kind: Kind.unacknowledged.rawValue,
        target: UInt32(hostCount + m)))
  }

  /// Sends again what has not been acknowledged in time.
  mutating func resend(_ m: Int, _ world: inout World) {
    if members[m].watching <= world.now { members[m].watching = .never }
    let s = members[m].shard
    while !members[m].outstanding.isEmpty {
      let first = members[m].outstanding[members[m].outstanding.startIndex]
      let bundle = shards[s].bundles[Int(first.bundle)]
      let isAcknowledged =
        Int(bundle.to) == s
        ? isDone(
          Owed(source: UInt16(s), bundle: first.bundle, sender: 0), at: m)
        : bundle.acknowledged >> UInt64(first.rank) & 1 == 1
      guard isAcknowledged || first.deadline <= world.now else { break }
      _ = members[m].outstanding.popFirst()
      let tries = Int(first.tries) + 1
      let isForHost = Int(bundle.to) >= shards.count
      if isAcknowledged || (isForHost && tries >= settings.receiptAttempts) { continue }
      if Int(bundle.to) == s {
        takeIn(Int(first.bundle), from: s, at: m, again: true, world.now, &world)
        expectDone(Int(first.bundle), rank: 0, tries: tries, by: m, &world)
      } else {
        send(Int(first.bundle), by: m, rank: Int(first.rank), tries: tries, &world)
      }
    }
    driveOverdue(m, &world)
    watch(m, &world)
  }
}
