import Kernel
import Ledger
import Machines
import Metrics
import Sharding

// MARK: - Events

extension ShardedLedgerState {
  mutating func handle(_ event: Event, _ world: inout World) {
    let role = Int(event.target)
    if event.kind >= Kind.epoch.rawValue, event.kind <= Kind.stateOverdue.rawValue {
      fold(event, at: world.now)
      return upon(epochEvent: event, &world)
    }
    let isUp =
      world.machines.isUp(node(of: role))
      && (role < hostCount || !members[role - hostCount].isVacant)
    fold(event, at: world.now)
    guard isUp else { return miss(event, &world) }
    if event.kind == Boundary.executed {
      return upon(executed: event, at: role - hostCount, &world)
    }
    guard let kind = Kind(rawValue: event.kind) else {
      preconditionFailure("event \(event.kind) of a sharded ledger")
    }
    switch kind {
    case .arrival: arrive(role, &world)
    case .overdue: retry(host: role, &world)
    case .tryAgain: tryAgain(Int(event.payload.a), at: role, &world)
    case .takeOver:
      let number = Int(event.payload.a)
      hosts[role].isGone[number] = false
      ask(number, tries: 0, at: role, &world)
    case .relocation: relocate(&world)
    case .traced: replay(&world)
    case .epoch, .stateRequest, .stateRequestReceived, .statePart, .statePartReceived,
      .stateOverdue:
      preconditionFailure("an event of an epoch")
    case .thought: submit(Int(event.payload.a), from: role, &world)
    case .bundle, .bundleReceived: receive(event, at: role - hostCount, &world)
    case .receipts: upon(receipts: event, at: role, &world)
    case .acknowledgement:
      if role >= hostCount { upon(acknowledgement: event, at: role - hostCount) }
    case .unacknowledged: resend(role - hostCount, &world)
    case .order, .orderReceived, .demand, .demandReceived, .relayed, .relayedReceived:
      receive(event, at: role - hostCount, &world)
    case .asking: driveGathered(role - hostCount, &world)
    case .query: upon(query: event, at: role - hostCount, &world)
    case .answer: upon(answer: event, at: role, &world)
    }
  }

  private mutating func fold(_ event: Event, at time: SimTime) {
    steps += 1
    stepDigest.fold(
      UInt64(bitPattern: time.nanoseconds), UInt64(event.kind) << 32 | UInt64(event.target))
    stepDigest.fold(event.payload.a, event.payload.b)
  }

  /// An event of a node that is down: its clients do not submit.
  private mutating func miss(_ event: Event, _ world: inout World) {
    switch Kind(rawValue: event.kind) {
    case .arrival: scheduleArrival(Int(event.target), &world)
    case .thought: hosts[Int(event.target)].stalled += Int(event.payload.a)
    default: break
    }
  }
}

// MARK: - The observer's books

extension ShardedLedgerState {
  /// An operation that was asked for on its client's behalf has been executed: it was taken in and
  /// included.
  func noteIncluded(_ transfer: Int, _ number: Int, _ book: Int, _ world: inout World) {
    let isYank = entries[book][number].operation.kind == .yank
    let own = ShardedLedgerSettings.populations(hosts: hostCount, shards: shards.count)
    guard isYank || book % own < hostCount, !ledger.transfers[transfer].isMove else { return }
    let log = settings.firstPopulation + book
    let user = TxRange(
      population: 0, first: UInt64(ledger.transfers[transfer].number), count: 1)
    let host = hosts[Int(ledger.transfers[transfer].host)]
    let ingested = world.logs[log].time(.ingested, of: number)
    world.logs[Int(host.population)].pass(.ingested, user, at: ingested)
    let included = world.logs[log].time(.included, of: number)
    world.logs[Int(host.population)].pass(.included, user, at: included)
  }

  /// A further member of shard `s` has executed slot `slot`. What the slot committed is decided
  /// when as many have as the shard's chain asks for.
  mutating func noteExecuted(_ slot: Int, of s: Int, _ world: inout World) {
    shards[s].executedBy[slot] += 1
    guard Int(shards[s].executedBy[slot]) == settings.shards[s].executions else { return }
    let first = Int(shards[s].firstCommitted[slot])
    let end =
      slot + 1 < shards[s].firstCommitted.endIndex
      ? Int(shards[s].firstCommitted[slot + 1]) : shards[s].committed.endIndex
    guard end > first else { return }
    var fresh = 0
    var oldest = world.now
    for k in first..<end {
      let transfer = ledger.transfers[Int(shards[s].committed[k])]
      let log = Int(hosts[Int(transfer.host)].population)
      let user = TxRange(population: 0, first: UInt64(transfer.number), count: 1)
      fresh += world.logs[log].pass(.decided, user, at: world.now)
      oldest = min(oldest, world.logs[log].time(.included, of: Int(transfer.number)))
    }
    world.decisions[Int(index)] += 1
    world.decisionLogs[Int(index)].decide(at: world.now, transactions: fresh, proposed: oldest)
  }

  func overdue(
    after start: SimTime, bound: SimDuration, until end: SimTime, _ world: borrowing World
  ) -> (count: Int, first: SimTime) {
    var late = 0
    var first = SimTime.never
    for host in hosts {
      for number in host.closed.indices where !host.isGone[number] {
        let submitted = world.logs[Int(host.population)].submitted[number]
        let due = max(submitted, start) + bound
        guard due <= end, host.closed[number] > due else { continue }
        late += 1
        first = min(first, submitted)
      }
    }
    return (late, first)
  }

  /// What members take of their nodes: the work of checking proofs, and the accounts they keep.
  var occupancy: [Occupancy] {
    var accounts = [Int](repeating: 0, count: shards.count)
    for shard in ledger.home { accounts[Int(shard)] += 1 }
    return members.map {
      Occupancy(
        node: $0.node, processor: $0.processor,
        stored: accounts[$0.shard] * settings.sizes.account)
    }
  }

  func report(to outcome: inout Outcome, _ world: borrowing World) {
    // What clients send is theirs, not the shards'.
    let rows = traffic.rows(subsystem: name)
    outcome.messages += rows.enumerated().map { type, row in
      var row = row
      if type < Self.clientTypes { row.subsystem = "\(name).clients" }
      return row
    }
    for finding in ledger.monitor.audit(ledger) {
      outcome.violations.append(
        Outcome.Violation(
          subsystem: name, monitor: finding.monitor, time: world.now.seconds,
          detail: finding.detail))
    }
    var books = world.books(of: index, name: name, sizes: settings.transactions)
    books.proposers = 0
    let measures = ChainMeasures(books, world.measuring)
    measures.report(to: &outcome)
    func add(_ metric: String, _ unit: String, _ value: Double?) {
      outcome.metrics.append(.init("\(name).\(metric)", unit, value))
    }
    reportTransfers(add)
    reportLoad(add)
    outcome.series += loadSeries(until: books.end, world)
    reportLatency(measures.window, world, add)
  }

  private func reportTransfers(_ add: (String, String, Double?) -> Void) {
    let own = (0..<ledger.transfers.count).filter { !ledger.transfers[$0].isMove }
    let all = own.count
    let crossShard = own.count { ledger.transfers.isCrossShard($0) }
    add("cross_shard_share", "1", all > 0 ? Double(crossShard) / Double(all) : nil)
    add("attempts", "1", Double(counts.attempts))
    add("aborts", "1", Double(ledger.monitor.aborted))
    add("abort_share", "1", all > 0 ? Double(ledger.monitor.aborted) / Double(all) : nil)
    add("given_up", "1", Double(counts.givenUp))
    add("refused_for_lock", "1", Double(counts.refused[Int(Verdict.isLocked.rawValue)]))
    add("refused_for_funds", "1", Double(counts.refused[Int(Verdict.lacksFunds.rawValue)]))
    add("refused_without_proof", "1", Double(counts.refused[Int(Verdict.lacksProof.rawValue)]))
    add("holds_outstanding", "1", Double(ledger.monitor.held))
    add("money_in_flight", "1", Double(ledger.monitor.inFlight))
    add("accounts_moved", "1", Double(ledger.monitor.moved))
    add("moved_bytes", "B", Double(ledger.monitor.moved * settings.sizes.account))
    if settings.epochs != nil { reportEpochs(add) }
    add("proofs_resent", "1", Double(counts.resent))
  }

  private func reportLoad(_ add: (String, String, Double?) -> Void) {
    let operations = shards.map { Double($0.operations) }
    let sum = operations.reduce(0, +)
    let mean = sum / Double(max(shards.count, 1))
    let committed = Double(ledger.monitor.committed)
    add("operations", "1", sum)
    add("operations_per_transfer", "1", committed > 0 ? sum / committed : nil)
    add("load_max_over_mean", "1", mean > 0 ? (operations.max() ?? 0) / mean : nil)
    let stored = occupancy.map { Double($0.stored) }
    add("state_bytes_per_member", "B", stored.max())
    add("state_bytes_unsharded", "B", Double(ledger.balances.count * settings.sizes.account))
  }

  /// Operations that the chain of each shard decided, per second, by the step of their decision.
  private func loadSeries(
    until end: SimTime, _ world: borrowing World
  ) -> [Outcome.Series] {
    let steps = world.measuring.steps
    guard end > .zero, end < .never else { return [] }
    let width = (end.nanoseconds + Int64(steps) - 1) / Int64(steps)
    let seconds = Double(width) / 1e9
    return settings.shards.enumerated().map { s, shard in
      var counts = [Int](repeating: 0, count: steps)
      for decision in world.decisionLogs[Int(shard.chain)].entries where decision.time <= end {
        counts[min(Int(decision.time.nanoseconds / width), steps - 1)] += Int(decision.transactions)
      }
      return Outcome.Series(
        "\(name)-\(s).load", "op/s", step: seconds, values: counts.map { Double($0) / seconds })
    }
  }

  /// In-shard and cross-shard latency apart, of what was final in the measured window.
  private func reportLatency(
    _ window: MeasuredWindow, _ world: borrowing World,
    _ add: (String, String, Double?) -> Void
  ) {
    var inShard: [SimDuration] = []
    var crossShard: [SimDuration] = []
    for h in hosts.indices {
      let population = Int(hosts[h].population)
      for number in hosts[h].newest.indices {
        let decided = world.logs[population].time(.decided, of: number)
        let final = world.logs[population].time(.final, of: number)
        guard final != .never, decided != .never, decided >= window.start else { continue }
        let latency = final - world.logs[population].submitted[number]
        if ledger.transfers.isCrossShard(Int(hosts[h].newest[number])) {
          crossShard.append(latency)
        } else {
          inShard.append(latency)
        }
      }
    }
    for (name, values) in [("in_shard", inShard), ("cross_shard", crossShard)] {
      let order = OrderStatistics(values)
      add("\(name)_latency_mean", "s", order.mean)
      add("\(name)_latency_p50", "s", order.quantile(0.5))
      add("\(name)_latency_p99", "s", order.quantile(0.99))
    }
  }
}
