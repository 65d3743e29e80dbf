import Kernel
import Ledger
import Machines
import Sharding
import Workloads

// MARK: - Transfers begin

extension ShardedLedgerState {
  mutating func start(_ world: inout World) {
    startEpochs(&world)
    if let (every, _) = settings.relocation {
      world.schedule(
        Event(at: world.now + every, subsystem: index, kind: Kind.relocation.rawValue, target: 0))
    }
    if let first = settings.money.trace.first {
      return world.schedule(
        Event(at: first.time, subsystem: index, kind: Kind.traced.rawValue, target: 0))
    }
    for h in hosts.indices {
      if hosts[h].arrivals != nil {
        scheduleArrival(h, &world)
      } else {
        submit(hosts[h].clients, from: h, &world)
      }
    }
  }

  mutating func scheduleArrival(_ h: Int, _ world: inout World) {
    guard let time = hosts[h].arrivals?.drawNext(), time <= settings.clients.until else { return }
    world.schedule(
      Event(at: time, subsystem: index, kind: Kind.arrival.rawValue, target: UInt32(h)))
  }

  /// The pending bundle of host `h` has arrived.
  mutating func arrive(_ h: Int, _ world: inout World) {
    let population = Int(hosts[h].population)
    let first = world.logs[population].count
    hosts[h].arrivals?.forEachArrival { world.logs[population].submit(at: $0) }
    begin(first..<world.logs[population].count, from: h, &world)
    scheduleArrival(h, &world)
  }

  /// `count` clients of a closed loop at host `h` submit a transfer each, now.
  mutating func submit(_ count: Int, from h: Int, _ world: inout World) {
    guard world.now <= settings.clients.until else { return }
    let population = Int(hosts[h].population)
    var left = count
    while left > 0 {
      let n = min(left, settings.clients.bundle)
      let first = world.logs[population].count
      for _ in 0..<n { world.logs[population].submit(at: world.now) }
      begin(first..<first + n, from: h, &world)
      left -= n
    }
  }

  /// Sends the first requests of the transfers with these numbers.
  mutating func begin(_ numbers: Range<Int>, from h: Int, _ world: inout World) {
    effects.removeAll()
    for number in numbers {
      let isGone =
        settings.clients.vanishing > 0
        && isDrawn(h, number, "vanishing", settings.clients.vanishing)
      hosts[h].newest.append(0)
      hosts[h].isGone.append(isGone)
      hosts[h].closed.append(.never)
      hosts[h].isPausing.append(false)
      hosts[h].tries.append(1)
      open(number, from: h, attempt: 1)
      if isGone, let wait = settings.clients.takeover {
        world.schedule(
          Event(
            at: world.now + wait, subsystem: index, kind: Kind.takeOver.rawValue,
            target: UInt32(h), payload: .init(UInt64(number))))
      }
    }
    sendRequests(from: h, isLater: false, &world)
    for number in numbers where settings.clients.forging > 0 { forge(number, from: h, &world) }
    hosts[h].sent.add(
      TxRange(population: 0, first: UInt64(numbers.lowerBound), count: UInt32(numbers.count)),
      tries: 1, at: world.now)
    watch(host: h, &world)
  }

  private func draw(_ h: Int, _ number: Int, _ purpose: String) -> RandomStream {
    RandomStream(seed: hosts[h].key, purpose: purpose, entity: UInt64(number))
  }

  private func isDrawn(_ h: Int, _ number: Int, _ purpose: String, _ share: Double) -> Bool {
    var stream = draw(h, number, purpose)
    return stream.bernoulli(share)
  }

  /// The accounts of transfer `number` of host `h`.
  private mutating func chooseAccounts(_ number: Int, _ h: Int) {
    let money = settings.money
    chosen.removeAll(keepingCapacity: true)
    if !money.trace.isEmpty {
      let row = money.trace[number]
      chosen.append(row.sender)
      // Paid to oneself, as a trace may have it: nothing changes but the order of operations.
      if row.receiver != row.sender { chosen.append(row.receiver) }
    } else if let transfer = hosts[h].communities?.transfer(UInt64(number)) {
      chosen.append(transfer.sender)
      chosen.append(transfer.receiver)
    } else {
      hosts[h].accounts.accounts(
        UInt64(number), count: money.payers + money.receivers, into: &chosen)
    }
  }

  /// Makes attempt `attempt` at a transfer; its requests are added to the effects.
  private mutating func open(_ number: Int, from h: Int, attempt: Int) {
    let money = settings.money
    chooseAccounts(number, h)
    legs.removeAll(keepingCapacity: true)
    var stream = draw(h, number, "amount")
    var sum: Int64 = 0
    for account in chosen.prefix(money.payers) {
      let amount =
        chosen.count == money.payers ? 0 : Int64(stream.range(0..<Int(money.largest))) + 1
      legs.append(Leg(account: account, amount: -amount))
      sum += amount
    }
    for (k, account) in chosen.dropFirst(money.payers).enumerated() {
      // Equal parts; the first takes what is left over.
      let share = sum / Int64(money.receivers)
      let rest = k == 0 ? sum - share * Int64(money.receivers) : 0
      legs.append(Leg(account: account, amount: share + rest))
    }
    let home = ledger.destination
    let transfer = ledger.transfers.add(
      legs, host: h, number: number, attempt: attempt, home: { Int(home[Int($0.index)]) })
    hosts[h].newest[number] = UInt32(transfer)
    while news.count < ledger.transfers.parts.count { news.append(News()) }
    counts.attempts += 1
    client.begin(transfer, ledger, &effects)
  }

  /// Gives the requests in the effects their identities and sends them, one message a shard and
  /// bundle.
  mutating func sendRequests(from h: Int, isLater: Bool, _ world: inout World) {
    giveOrders(from: h, &world)
    let population = population(ofHost: h, isLater: isLater)
    for k in effects.requests.indices {
      let request = effects.requests[k]
      let to = Int(request.shard)
      let number = mint(request, population, at: world.now, &world)
      let part = Int(request.operation.part)
      news[part].book = UInt32(book(population, of: to))
      news[part].number = number
      touchRequests(of: to, number)
    }
    touched.sort()
    for to in touched {
      send(
        TxRange(
          population: UInt32(population), first: UInt64(buckets[to].firstOperation),
          count: buckets[to].operations),
        to: to, member: Int(hosts[h].contacts[to]), from: h, isRetransmission: false, &world)
      buckets[to].operations = 0
      buckets[to].isTouched = false
    }
    touched.removeAll(keepingCapacity: true)
    effects.removeAll()
  }

  mutating func touchRequests(of to: Int, _ number: UInt32) {
    if !buckets[to].isTouched {
      buckets[to].isTouched = true
      buckets[to].firstOperation = number
      touched.append(to)
    }
    buckets[to].operations += 1
  }

  private mutating func send(
    _ range: TxRange, to shard: Int, member i: Int, from h: Int, isRetransmission: Bool,
    _ world: inout World
  ) {
    let bytes = settings.sizes.header + settings.operations.bytes(of: range)
    traffic.count(isRetransmission ? 1 : 0, from: h, bytes: bytes)
    world.transmit(
      Submission(range: range, bytes: bytes, isRetransmission: isRetransmission)
        .event(to: settings.shards[shard].chain, role: i),
      bytes: bytes,
      over: Route(
        from: hosts[h].node, to: settings.shards[shard].nodes[i], channel: index, sender: h,
        connection: Route.unordered))
  }

  /// A client that has no proofs asks for the money all the same.
  private mutating func forge(_ number: Int, from h: Int, _ world: inout World) {
    guard isDrawn(h, number, "forging", settings.clients.forging) else { return }
    let transfer = Int(hosts[h].newest[number])
    guard settings.commit.commit == .atomix, ledger.transfers.isCrossShard(transfer) else {
      return
    }
    let population = population(ofHost: h, isLater: true)
    for part in ledger.transfers.receivingParts(of: transfer) {
      let to = ledger.transfers.parts[part].shard
      let number = mint(
        .init(operation: Operation(.commit, part: part), shard: to), population, at: world.now,
        &world)
      counts.forged += 1
      send(
        TxRange(population: UInt32(population), first: UInt64(number), count: 1), to: Int(to),
        member: Int(hosts[h].contacts[Int(to)]), from: h, isRetransmission: false, &world)
    }
  }
}

// MARK: - Receipts

extension ShardedLedgerState {
  /// Receipts of a bundle have come to host `h`.
  mutating func upon(receipts event: Event, at h: Int, _ world: inout World) {
    let source = Int(event.payload.a >> 32)
    let b = Int(event.payload.a & 0xFFFF_FFFF)
    let bundle = shards[source].bundles[b]
    if !settings.shards[source].usesGateways {
      hosts[h].contacts[source] = UInt16(event.payload.c)
    }
    for k in 0..<Int(bundle.receipts) {
      upon(shards[source].receipts[Int(bundle.firstReceipt) + k], at: h, &world)
    }
    let owed = Owed(
      source: UInt16(source), bundle: UInt32(b), sender: UInt32(event.payload.b >> 32))
    transmit(
      .acknowledgement, .init(UInt64(owed.source) << 32 | UInt64(owed.bundle)),
      bytes: settings.sizes.acknowledgement, from: h, to: Int(owed.sender), &world)
    closeAnswered(h)
  }

  /// A client learns what came of an operation.
  mutating func upon(_ receipt: CommitEffects.Receipt, at h: Int, _ world: inout World) {
    let transfer = Int(ledger.transfers.parts[Int(receipt.operation.part)].transfer)
    let number = Int(ledger.transfers[transfer].number)
    guard !hosts[h].isGone[number], !hosts[h].isPausing[number],
      Int(hosts[h].newest[number]) == transfer
    else { return }
    let range = TxRange(population: 0, first: UInt64(number), count: 1)
    guard !hosts[h].answered.contains(range) else { return }
    effects.removeAll()
    let fate = client.upon(receipt, ledger, &effects)
    if !effects.requests.isEmpty {
      sendRequests(from: h, isLater: true, &world)
      waitAnew(number, at: h, &world)
    }
    switch fate {
    case .open: break
    case .committed:
      world.logs[Int(hosts[h].population)].pass(
        .final, TxRange(population: 0, first: UInt64(number), count: 1), at: world.now)
      close(number, at: h, &world)
    case .aborted:
      if Int(ledger.transfers[transfer].attempt) < settings.clients.attempts {
        hosts[h].isPausing[number] = true
        let pause = SimDuration(
          seconds: settings.clients.pause.seconds * hosts[h].random.exponential())
        world.schedule(
          Event(
            at: world.now + pause, subsystem: index, kind: Kind.tryAgain.rawValue,
            target: UInt32(h), payload: .init(UInt64(number))))
      } else {
        counts.givenUp += 1
        world.logs[Int(hosts[h].population)].abandoned += 1
        close(number, at: h, &world)
      }
    }
  }

  /// The client of transfer `number` is done with it.
  private mutating func close(_ number: Int, at h: Int, _ world: inout World) {
    hosts[h].answered.insert(TxRange(population: 0, first: UInt64(number), count: 1))
    hosts[h].closed[number] = world.now
    guard let think = hosts[h].think else { return }
    let pause = SimDuration(seconds: max(think.sample(using: &hosts[h].random), 0))
    world.schedule(
      Event(
        at: world.now + pause, subsystem: index, kind: Kind.thought.rawValue, target: UInt32(h),
        payload: .init(1)))
  }

  private mutating func closeAnswered(_ h: Int) { hosts[h].sent.dropAnswered(hosts[h].answered) }

  /// Tries an aborted transfer again, on the shards where its accounts are now.
  mutating func tryAgain(_ number: Int, at h: Int, _ world: inout World) {
    hosts[h].isPausing[number] = false
    effects.removeAll()
    let attempt = Int(ledger.transfers[Int(hosts[h].newest[number])].attempt)
    open(number, from: h, attempt: attempt + 1)
    world.logs[Int(hosts[h].population)].retried += 1
    sendRequests(from: h, isLater: false, &world)
    waitAnew(number, at: h, &world)
  }

  /// A new request of transfer `number` has been sent: the wait for its receipt begins anew,
  /// however often earlier ones had to be repeated.
  private mutating func waitAnew(_ number: Int, at h: Int, _ world: inout World) {
    guard hosts[h].tries[number] > 1 else { return }
    hosts[h].tries[number] = 1
    hosts[h].sent.add(
      TxRange(population: 0, first: UInt64(number), count: 1), tries: 1, at: world.now)
    watch(host: h, &world)
  }

  mutating func watch(host h: Int, _ world: inout World) {
    let deadline = max(hosts[h].sent.earliestDeadline, world.now)
    guard deadline < hosts[h].watching else { return }
    hosts[h].watching = deadline
    world.schedule(
      Event(at: deadline, subsystem: index, kind: Kind.overdue.rawValue, target: UInt32(h)))
  }

  /// Asks again after transfers whose receipts have not come: every shard that has not said the
  /// last word is sent the request again, and some of its members are asked.
  mutating func retry(host h: Int, _ world: inout World) {
    if hosts[h].watching <= world.now { hosts[h].watching = .never }
    closeAnswered(h)
    while let (overdue, tries) = hosts[h].sent.popOverdue(at: world.now) {
      for number in overdue.first..<overdue.end {
        let range = TxRange(population: 0, first: number, count: 1)
        guard !hosts[h].answered.contains(range) else { continue }
        // Overtaken by a later request of the same transfer, which is waited for instead.
        guard Int(hosts[h].tries[Int(number)]) == tries else { continue }
        if !hosts[h].isGone[Int(number)], !hosts[h].isPausing[Int(number)] {
          ask(Int(number), tries: tries, at: h, &world)
        }
        hosts[h].tries[Int(number)] += 1
        hosts[h].sent.add(range, tries: tries + 1, at: world.now)
      }
    }
    watch(host: h, &world)
  }

  /// Asks all shards of a transfer that are not at its end.
  mutating func ask(_ number: Int, tries: Int, at h: Int, _ world: inout World) {
    let transfer = Int(hosts[h].newest[number])
    if !isDrivenByClient(transfer) { repeatOrder(transfer, from: h, &world) }
    for part in ledger.transfers.parts(of: transfer)
    where client.isOpen(part, ledger) {
      let to = Int(ledger.transfers.parts[part].shard)
      let n = settings.shards[to].nodes.count
      if isDrivenByClient(transfer), news[part].book != .max {
        let population = Int(news[part].book) - book(0, of: to)
        let range = TxRange(
          population: UInt32(population), first: UInt64(news[part].number), count: 1)
        for i in 0..<n { send(range, to: to, member: i, from: h, isRetransmission: true, &world) }
      }
      // As many as hold a correct one, others each time.
      for k in 0..<min(settings.receivers, n) {
        transmit(
          .query, .init(UInt64(part), UInt64(h)), bytes: settings.sizes.acknowledgement, from: h,
          to: firstMember[to] + (Int(hosts[h].contacts[to]) + tries * settings.receivers + k) % n,
          &world)
      }
    }
  }

  /// Member `m` is asked what came of a part.
  mutating func upon(query event: Event, at m: Int, _ world: inout World) {
    let part = Int(event.payload.a)
    let news = news[part]
    guard news.slot > 0, Int(news.slot) <= members[m].position else { return }
    let last = news.last
    let kind = UInt64(last.operation.kind.rawValue)
    let verdict = UInt64(last.verdict.rawValue)
    let state = UInt64(last.state.rawValue)
    transmit(
      .answer, .init(UInt64(part), kind << 16 | verdict << 8 | state),
      bytes: settings.sizes.header + settings.sizes.proof + settings.sizes.receipt,
      from: hostCount + m, to: Int(event.payload.b), &world)
  }

  mutating func upon(answer event: Event, at h: Int, _ world: inout World) {
    let bits = event.payload.b
    guard let kind = Operation.Kind(rawValue: UInt8(bits >> 16 & 255)),
      let verdict = Verdict(rawValue: UInt8(bits >> 8 & 255)),
      let state = Part.State(rawValue: UInt8(bits & 255))
    else { preconditionFailure("an answer that nobody gives") }
    let operation = Operation(kind, part: Int(event.payload.a))
    upon(.init(operation: operation, verdict: verdict, state: state), at: h, &world)
    closeAnswered(h)
  }

  mutating func restart(host h: Int, _ world: inout World) {
    hosts[h].watching = .never
    watch(host: h, &world)
    let stalled = hosts[h].stalled
    hosts[h].stalled = 0
    submit(stalled, from: h, &world)
  }
}
