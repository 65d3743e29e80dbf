import Kernel
import Ledger
import Machines
import Sharding

/// What RapidChain's yank adds: the client tells the output committee of its transfer, whose leader
/// asks the input committees for it, in one message for each of them. Members that know of a
/// transfer and do not see it end ask in the leader's place.
extension ShardedLedgerState {
  /// A transfer that a member looks after.
  struct OpenOrder: Sendable, BitwiseCopyable {
    var transfer: UInt32
    var tries: UInt16
    var deadline: SimTime
  }

  /// What a shard asks another for at a time: operations there, by number among those that it asks
  /// of it; they stand in `demanded`.
  struct Demand: Sendable, BitwiseCopyable {
    var to: UInt16
    var first: UInt32
    var count: UInt32
  }

  /// Of the message that brings an order.
  private static var isRepeated: UInt64 { 1 }
  private static var isPassedOn: UInt64 { 2 }

  /// Whether the client itself asks shards for the operations of `transfer`.
  func isDrivenByClient(_ transfer: Int) -> Bool {
    settings.commit.commit != .yank || !ledger.transfers.isCrossShard(transfer)
  }
}

// MARK: - Clients

extension ShardedLedgerState {
  /// Sends the orders in the effects, one message a shard and bundle.
  mutating func giveOrders(from h: Int, _ world: inout World) {
    guard !effects.orders.isEmpty else { return }
    for order in effects.orders {
      let to = Int(order.shard)
      touchRequests(of: to, UInt32(hosts[h].orders[to].count))
      hosts[h].orders[to].append(order.transfer)
    }
    touched.sort()
    for to in touched {
      let first = Int(buckets[to].firstOperation)
      let contact = firstMember[to] + Int(hosts[h].contacts[to])
      send(
        orders: first..<first + Int(buckets[to].operations), of: h, to: contact, from: h, flags: 0,
        &world)
      buckets[to].operations = 0
      buckets[to].isTouched = false
    }
    touched.removeAll(keepingCapacity: true)
    effects.orders.removeAll(keepingCapacity: true)
  }

  /// Tells all members of the output committee of `transfer` once more.
  mutating func repeatOrder(_ transfer: Int, from h: Int, _ world: inout World) {
    let to = Int(ledger.transfers.parts[ledger.outputPart(of: transfer)].shard)
    guard client.isOpen(ledger.outputPart(of: transfer), ledger) else { return }
    let place = hosts[h].orders[to].count
    hosts[h].orders[to].append(UInt32(transfer))
    for i in settings.shards[to].nodes.indices {
      send(
        orders: place..<place + 1, of: h, to: firstMember[to] + i, from: h,
        flags: Self.isRepeated, &world)
    }
  }

  private mutating func send(
    orders range: Range<Int>, of h: Int, to role: Int, from: Int, flags: UInt64,
    _ world: inout World
  ) {
    let shard = members[role - hostCount].shard
    var bytes = settings.sizes.header
    for k in range {
      let number = ledger.transfers[Int(hosts[h].orders[shard][k])].number
      bytes += settings.transactions.bytes(
        of: TxRange(population: hosts[h].population, first: UInt64(number), count: 1))
    }
    let type = from >= hostCount ? 8 : flags & Self.isRepeated == 0 ? 0 : 1
    transmit(
      .order,
      .init(
        UInt64(h) << 32 | UInt64(range.lowerBound), UInt64(range.count) << 32 | UInt64(bytes),
        flags,
        UInt64(from)),
      bytes: bytes, from: from, to: role, type: type, &world)
  }
}

// MARK: - The output committee

extension ShardedLedgerState {
  /// Member `m` is told of transfers. The leader sees them through; another passes them on to whom
  /// it takes for the leader, and looks after them.
  mutating func take(order event: Event, at m: Int, _ time: SimTime, _ world: inout World) {
    let s = members[m].shard
    let (h, first) = (Int(event.payload.a >> 32), Int(event.payload.a & 0xFFFF_FFFF))
    let range = first..<first + Int(event.payload.b >> 32)
    var isNew = false
    overdueOrders.removeAll(keepingCapacity: true)
    for k in range {
      let transfer = hosts[h].orders[s][k]
      guard !isOver(Int(transfer), at: s, m), look(after: transfer, at: m, &world) else { continue }
      isNew = true
      overdueOrders.append(transfer)
    }
    guard isNew else { return }
    let leader = members[m].proposer
    if members[m].rank == leader || event.payload.c & Self.isPassedOn != 0 {
      gather(by: m, &world)
    } else if event.payload.c & Self.isRepeated == 0 {
      send(
        orders: range, of: h, to: firstMember[s] + leader, from: hostCount + m,
        flags: Self.isPassedOn, &world)
    }
  }

  /// Member `m` looks after `transfer` from now on. Returns whether it did not already.
  @discardableResult
  mutating func look(after transfer: UInt32, at m: Int, _ world: inout World) -> Bool {
    var ballot = members[m].ballots[transfer] ?? Ballot()
    guard !ballot.isWatched else { return false }
    ballot.isWatched = true
    members[m].ballots[transfer] = ballot
    members[m].orders.append(
      OpenOrder(transfer: transfer, tries: 0, deadline: world.now + settings.retry))
    watch(m, &world)
    return true
  }

  /// The leader asks for `overdueOrders` at once, or together with what comes in the next while.
  private mutating func gather(by m: Int, _ world: inout World) {
    guard settings.gathering > .zero else { return drive(by: m, tries: 0, &world) }
    if members[m].gathered.isEmpty {
      world.schedule(
        Event(
          at: world.now + settings.gathering, subsystem: index, kind: Kind.asking.rawValue,
          target: UInt32(hostCount + m)))
    }
    members[m].gathered += overdueOrders
  }

  mutating func driveGathered(_ m: Int, _ world: inout World) {
    overdueOrders.removeAll(keepingCapacity: true)
    overdueOrders += members[m].gathered
    members[m].gathered.removeAll(keepingCapacity: true)
    if !overdueOrders.isEmpty { drive(by: m, tries: 0, &world) }
  }

  /// Asks the input committees of `overdueOrders` for what has not come, one message each.
  private mutating func drive(by m: Int, tries: Int, _ world: inout World) {
    let s = members[m].shard
    let population = population(ofShard: s)
    effects.removeAll()
    for transfer in overdueOrders {
      ledger.drive(
        Int(transfer), voted: members[m].ballots[transfer]?.voted ?? 0, &effects)
    }
    for k in effects.requests.indices {
      let request = effects.requests[k]
      let (part, to) = (Int(request.operation.part), Int(request.shard))
      // Whoever asks for an operation names it by what the client has signed.
      if news[part].book == .max {
        news[part].number = mint(request, population, at: world.now, &world)
        news[part].book = UInt32(book(population, of: to))
      }
      touchRequests(of: to, news[part].number)
      buckets[to].numbers.append(news[part].number)
    }
    effects.removeAll()
    touched.sort()
    for to in touched {
      let demand = Demand(
        to: UInt16(to), first: UInt32(shards[s].demanded.count),
        count: UInt32(buckets[to].numbers.count))
      shards[s].demanded += buckets[to].numbers
      shards[s].demands.append(demand)
      send(demand: shards[s].demands.count - 1, by: m, tries: tries, &world)
      buckets[to].numbers.removeAll(keepingCapacity: true)
      buckets[to].operations = 0
      buckets[to].isTouched = false
    }
    touched.removeAll(keepingCapacity: true)
  }

  private mutating func send(demand d: Int, by m: Int, tries: Int, _ world: inout World) {
    let s = members[m].shard
    let demand = shards[s].demands[d]
    let to = Int(demand.to)
    let n = settings.shards[to].nodes.count
    let bytes = settings.sizes.header + Int(demand.count) * settings.sizes.operation
    let turn = settings.shards[to].usesGateways ? d : 0
    for k in 0..<min(settings.receivers, n) {
      transmit(
        .demand,
        .init(
          UInt64(s) << 32 | UInt64(d), UInt64(hostCount + m) << 32 | UInt64(bytes),
          UInt64(tries)),
        bytes: bytes, from: hostCount + m,
        to: firstMember[to] + (turn + tries * settings.receivers + k) % n, &world)
    }
  }

  func earliestOrder(_ m: Int) -> SimTime {
    members[m].orders.isEmpty
      ? .never : members[m].orders[members[m].orders.startIndex].deadline
  }

  /// Asks in the leader's place for transfers that have not ended in time.
  mutating func driveOverdue(_ m: Int, _ world: inout World) {
    let s = members[m].shard
    overdueOrders.removeAll(keepingCapacity: true)
    var tries = 0
    while earliestOrder(m) <= world.now, var order = members[m].orders.popFirst() {
      guard !isOver(Int(order.transfer), at: s, m) else { continue }
      order.tries += 1
      order.deadline = world.now + settings.retry
      members[m].orders.append(order)
      tries = max(tries, Int(order.tries))
      overdueOrders.append(order.transfer)
    }
    if !overdueOrders.isEmpty { drive(by: m, tries: tries, &world) }
  }
}

// MARK: - Input committees, and those on the way

extension ShardedLedgerState {
  /// Member `m` hands what another committee asks for to its replica.
  mutating func take(demand event: Event, at m: Int, _ time: SimTime, _ world: inout World) {
    let source = Int(event.payload.a >> 32)
    let demand = shards[source].demands[Int(event.payload.a & 0xFFFF_FFFF)]
    let population = population(ofShard: source)
    let book = book(population, of: members[m].shard)
    for k in Int(demand.first)..<Int(demand.first + demand.count) {
      let number = Int(shards[source].demanded[k])
      let slot = Int(entries[book][number].slot)
      guard slot == 0 || slot > members[m].position else { continue }
      ready.append(UInt64(population) << 32 | UInt64(number))
    }
    submitReady(at: m, again: event.payload.c > 0, time, &world)
  }

  /// Sends a message of member `from` by way of the committee that its own knows, if need be.
  func address(_ event: inout Event, _ from: Int) {
    let goal = Int(event.target)
    let here = members[from - hostCount].shard
    let there = members[goal - hostCount].shard
    guard here != there else { return }
    let next = CommitteeRouting.next(from: here, to: there, of: shards.count)
    guard next != there else { return }
    event.payload.d = UInt64(event.kind) << 32 | UInt64(goal)
    event.kind = Kind.relayed.rawValue
    // Copies take ways of their own.
    let rank = members[goal - hostCount].rank % settings.shards[next].nodes.count
    event.target = UInt32(firstMember[next] + rank)
  }

  /// Member `m` sends a message on to where it goes.
  mutating func passOn(_ event: Event, at m: Int, _ world: inout World) {
    guard let kind = Kind(rawValue: UInt16(truncatingIfNeeded: event.payload.d >> 32)) else {
      preconditionFailure("a message of no kind on its way")
    }
    transmit(
      kind, event.payload, bytes: Int(event.payload.b & 0xFFFF_FFFF), from: hostCount + m,
      to: Int(event.payload.d & 0xFFFF_FFFF), &world)
  }
}
