import Consensus
import Kernel
import Ledger
import Machines
import Metrics

/// What the observer notes of a committee's decisions. No replica reads it.
struct ReplicaGroupBooks: Sendable {
  var monitor: AgreementMonitor
  /// When each batch was sealed, and by which proposer, by batch index.
  private var seals = SlidingArray<Seal>()
  /// Batch of each slot that was decided by somebody; slot 0 holds none.
  private var batchOf = SlidingArray<BatchHandle>()
  /// Replicas that execute, and how many executions by correct ones decide a slot: as many as
  /// without adversaries, or all correct ones if there are fewer.
  private let replicas: Int
  private let executions: Int
  /// Whether each role is Byzantine: what it says binds nobody.
  let isByzantine: [Bool]
  /// A replica may still look at any batch: a second copy, or who gets what was kept back.
  private let keepsBatches: Bool
  /// Where the chain's populations begin among those of the run.
  private let firstPopulation: Int
  /// Whether each role was shown to have contradicted itself.
  private var isAccused: [Bool]
  var storedBytes: [Int]
  private var sinceDrop = 0

  private struct Seal: Sendable, BitwiseCopyable {
    var time: SimTime
    var proposer: Int32
  }

  /// - Parameter count: roles of the chain, those that only help too.
  init(
    replicas count: Int, roles: Roles, populations: Int, adversaries: [Adversary],
    firstPopulation: Int
  ) {
    self.firstPopulation = firstPopulation
    isByzantine = adversaries.byzantine(of: count)
    replicas = roles.members
    executions = min(roles.executions, isByzantine.prefix(roles.members).count { !$0 })
    keepsBatches = adversaries.contains {
      switch $0.behaviour {
      case .twins, .delay, .invalid: true
      case .silent, .withhold, .censor, .crash: false
      }
    }
    isAccused = Array(repeating: false, count: count)
    monitor = AgreementMonitor(replicas: replicas, populations: populations)
    batchOf.append(.none)
    storedBytes = Array(repeating: 0, count: count)
  }

  /// Correct replica `accuser` holds proof against `replica`; it can have none against a correct
  /// one.
  mutating func accuse(_ replica: ReplicaID, by accuser: Int) -> AgreementMonitor.Finding? {
    isAccused[Int(replica.index)] = true
    if isByzantine[Int(replica.index)] { return nil }
    return AgreementMonitor.Finding(
      monitor: "accountability",
      detail: "replica \(accuser) accuses replica \(replica.index), which is correct")
  }

  /// Byzantine replica `role` says that it has executed up to `slot`.
  mutating func overlook(_ role: Int, at slot: Slot) {
    guard role < replicas else { return }
    monitor.overlook(replica: role, at: Int(slot.number))
  }

  var equivocators: [ReplicaID] { isAccused.indices.filter { isAccused[$0] }.map { ReplicaID($0) } }

  mutating func reserve(_ decisions: Int) {
    monitor.reserve(decisions)
    seals.reserveCapacity(decisions)
    batchOf.reserveCapacity(decisions)
  }

  /// Notes the batches that the last step, of `proposer`, sealed: their transactions are included
  /// now.
  mutating func noteSealed(
    _ batches: BatchArena, by proposer: Int, at time: SimTime, _ world: inout World
  ) {
    while seals.endIndex < batches.sealed {
      let seal = Seal(time: time, proposer: Int32(proposer))
      let handle = BatchHandle(index: UInt32(seals.append(seal)))
      for k in 0..<batches.rangeCount(of: handle) {
        let range = batches.range(k, of: handle)
        world.logs[firstPopulation + Int(range.population)].pass(.included, range, at: time)
      }
    }
  }

  /// Notes a decision of `replica`; returns whether a quorum has now executed the slot.
  mutating func decide(
    _ slot: Slot, _ handle: BatchHandle, state: Digest, transactions: Int, by replica: Int,
    _ batches: BatchArena, _ name: String, _ world: inout World, index: UInt16
  ) {
    let isNull = handle == .none
    let (executed, finding) = monitor.decide(
      replica: replica, slot: Int(slot.number), batch: isNull ? Digest(0) : batches[handle].digest,
      ranges: isNull ? 0 : batches.rangeCount(of: handle),
      range: { batches.range($0, of: handle) }, state: state, transactions: transactions,
      submitted: { [firstPopulation] in world.logs[firstPopulation + $0].count })
    if let finding { world.report(finding, of: name) }
    if Int(slot.number) == batchOf.endIndex { batchOf.append(handle) }
    if !isNull { storedBytes[replica] += batches[handle].bytes }
    if executed == executions {
      settle(Int(slot.number), batches, &world, index: index)
    }
  }

  /// A quorum has executed `slot`: its transactions are decided.
  private mutating func settle(
    _ slot: Int, _ batches: BatchArena, _ world: inout World, index: UInt16
  ) {
    let handle = batchOf[slot]
    guard handle != .none else { return }
    let now = world.now
    for k in 0..<batches.rangeCount(of: handle) {
      let range = batches.range(k, of: handle)
      world.logs[firstPopulation + Int(range.population)].pass(.decided, range, at: now)
    }
    world.decisions[Int(index)] += 1
    world.decisionLogs[Int(index)].decide(
      at: now, transactions: monitor.transactions(in: slot),
      proposed: seals[Int(handle.index)].time, by: Int(seals[Int(handle.index)].proposer))
  }

  mutating func catchUp(
    replica: Int, slot: Slot, transactions: Int, state: Digest, name: String,
    batches: BatchArena, _ world: inout World, index: UInt16
  ) {
    var settled: [Int] = []
    let finding = monitor.catchUp(
      replica: replica, slot: Int(slot.number), state: state, transactions: transactions
    ) { [executions] slot, executed in
      if executed == executions { settled.append(slot) }
    }
    if let finding { world.report(finding, of: name) }
    for slot in settled { settle(slot, batches, &world, index: index) }
  }

  /// Index of the oldest batch that a replica may still have to execute or propose again; `nil` if
  /// it is not time to ask.
  mutating func oldestNeeded(retaining slots: Int, _ batches: BatchArena) -> Int? {
    sinceDrop += 1
    guard !keepsBatches else { return nil }
    guard sinceDrop >= 64 * replicas else { return nil }
    sinceDrop = 0
    let slot = (monitor.position.min() ?? 0) - slots
    guard slot > batchOf.startIndex else { return nil }
    batchOf.dropFirst(before: slot)
    var oldest = Int.max
    for n in slot..<min(slot + slots, batchOf.endIndex) where batchOf[n] != .none {
      oldest = min(oldest, batches.oldestIndex(of: batchOf[n]))
    }
    guard oldest < .max else { return nil }
    seals.dropFirst(before: oldest)
    return oldest
  }
}

extension World {
  /// Notes that a monitor fired; the first hundred of a run are kept.
  public mutating func report(_ finding: AgreementMonitor.Finding, of subsystem: String) {
    guard violations.count < 100 else { return }
    violations.append(
      Outcome.Violation(
        subsystem: subsystem, monitor: finding.monitor, time: now.seconds,
        detail: finding.detail))
  }
}

extension ReplicaGroupState {
  /// Replica `i` has executed a slot: the observer notes it, and its clients are told.
  mutating func decide(
    _ decision: Effects<P>.Decision, by i: Int, naming proposer: ReplicaID, _ world: inout World
  ) {
    note(decision, by: i, &world)
    if world.trace != nil {
      let now = world.now
      world.trace?.mark(.decision, "slot \(decision.slot.number)", at: seats[i].node, now)
    }
    if let executor = settings.executor {
      tell(executor, decision, by: i, naming: proposer, &world)
    } else {
      replyToAll(decision, from: i, naming: proposer, &world)
    }
    let retained = Self.retainedSlots(of: &replicas[i])
    if let oldest = books.oldestNeeded(retaining: retained, effects.batches) {
      effects.batches.drop(before: oldest)
    }
    if let target = settings.decisions, world.decisions[Int(index)] >= target {
      world.isComplete = true
    }
  }

  /// Tells the executor beside replica `i` what it has executed; of slots for which it has no
  /// batch, only that.
  private func tell(
    _ executor: Executor, _ decision: Effects<P>.Decision, by i: Int,
    naming proposer: ReplicaID, _ world: inout World
  ) {
    let isNull = decision.batch == .none
    let finding = world.execute(
      Int(decision.slot.number), of: index,
      key: isNull ? Digest(0) : effects.batches[decision.batch].digest,
      parts: isNull ? 0 : effects.batches.rangeCount(of: decision.batch)
    ) { effects.batches.range($0, of: decision.batch) }
    if let finding { world.report(finding, of: name) }
    world.schedule(
      executor.event(slot: decision.slot, role: role(of: i), proposer: proposer, at: world.now))
  }

  /// Tells the clients of everything in the batch.
  mutating func replyToAll(
    _ decision: Effects<P>.Decision, from i: Int, naming proposer: ReplicaID,
    _ world: inout World
  ) {
    guard decision.batch != .none, !repliesFromProposer || Int(proposer.index) == role(of: i)
    else { return }
    for k in 0..<effects.batches.rangeCount(of: decision.batch) {
      let range = effects.batches.range(k, of: decision.batch)
      reply(range, decision.state, from: i, naming: proposer, &world)
    }
  }

  private mutating func note(
    _ decision: Effects<P>.Decision, by i: Int, _ world: inout World
  ) {
    books.decide(
      decision.slot, decision.batch, state: decision.state, transactions: decision.transactions,
      by: i, effects.batches, name, &world, index: index)
  }

  mutating func reply(
    _ range: TxRange, _ state: Digest, from seat: Int, naming proposer: ReplicaID,
    _ world: inout World
  ) {
    // What an executor asks again it has seen executed.
    guard settings.executor == nil else { return }
    let i = seat < roles ? seat : role(of: seat)
    let bytes = settings.replies.header + settings.replies.result * Int(range.count)
    traffic.count(P.Message.kinds.count + 1, from: i, bytes: bytes)
    let client = world.populations[settings.firstPopulation + Int(range.population)]
    let event = Reply(
      range: range, state: state, replica: i, proposer: Int(proposer.index),
      bytes: bytes
    ).event(to: client)
    let n = roles
    let route = Route(
      from: seats[i].node, to: client.node, channel: index,
      sender: settings.replies.path == .separate ? n + i : seat < n ? seat : n + seat,
      connection: n * n + i * settings.sizes.populations + Int(range.population))
    if settings.replies.path == .separate, route.from != route.to {
      world.propagate(event, bytes: bytes, over: route, sent: world.now)
    } else {
      world.transmit(event, bytes: bytes, over: route)
    }
  }
}

// MARK: - Faults and results

extension ReplicaGroupState {
  mutating func crash(_ node: NodeID) {
    for i in seats.indices where seats[i].node == node {
      for slot in 0..<P.Timer.slots { timerGenerations[i * P.Timer.slots + slot] &+= 1 }
      if isAttacked { adversaries.isCrashing[role(of: i)] = false }
    }
  }

  mutating func restart(_ node: NodeID, keepsDisk: Bool, _ world: inout World) {
    for i in seats.indices where seats[i].node == node && !seats[i].isVacant {
      let local = world.machines.localTime(of: node, at: world.now)
      noteUnsent(of: i, keepsDisk: keepsDisk, &world)
      swap(&effects.random, &seats[i].random)
      replicas[i].restart(keepsDisk: keepsDisk, at: local, &effects)
      swap(&effects.random, &seats[i].random)
      finish(i, handled: world.now, &world)
    }
  }

  /// Replica `i` goes to another node, or has no node for now. It goes on there with what it had on
  /// disk, as after a crash; what its former node still had to send for it is void.
  mutating func rehost(_ i: Int, on place: Rehosting.Place?, _ world: inout World) {
    for slot in 0..<P.Timer.slots { timerGenerations[i * P.Timer.slots + slot] &+= 1 }
    world.withdraw(index, role: i, from: seats[i].lane)
    seats[i].moves += 1
    seats[i].isVacant = place == nil
    guard let place else { return }
    seats[i].node = place.node
    seats[i].lane = place.lane
    let local = world.machines.localTime(of: place.node, at: world.now)
    noteUnsent(of: i, keepsDisk: true, &world)
    swap(&effects.random, &seats[i].random)
    replicas[i].restart(keepsDisk: true, at: local, &effects)
    swap(&effects.random, &seats[i].random)
    finish(i, handled: world.now, &world)
  }

  /// Replica `i` comes up again. What it had executed when it crashed, though no reply left, is in
  /// its state if that was kept.
  private mutating func noteUnsent(of i: Int, keepsDisk: Bool, _ world: inout World) {
    let role = role(of: i)
    // Helpers execute nothing.
    if !keepsDisk, role < books.monitor.position.count { books.monitor.loseState(of: role) }
    while let output = seats[i].outbox.popFirst() {
      guard keepsDisk, !books.isByzantine[role] else { continue }
      switch output.effect {
      case .decide(let decision): note(decision, by: i, &world)
      case .caughtUp: carryOut(output, of: i, &world)
      case .send, .broadcast, .forward, .replyAgain, .accuse: break
      }
    }
  }

  /// The proposer in the eyes of most replicas that are up.
  func proposerNode(_ world: borrowing World) -> NodeID? {
    var votes = [Int](repeating: 0, count: roles)
    for i in 0..<roles where world.machines.isUp(seats[i].node) {
      votes[Int(replicas[i].proposer.index)] += 1
    }
    let most = votes.max() ?? 0
    return most > 0 ? votes.firstIndex(of: most).map { seats[$0].node } : nil
  }

  /// Each replica's steps are folded in its own order, and the replicas by index: the digest does
  /// not depend on how steps of different replicas at different nodes interleave in the queue.
  var digest: Outcome.SubsystemDigest {
    var total = RunDigest()
    var steps: UInt64 = 0
    for seat in seats {
      total.fold(seat.digest.value)
      steps += seat.steps
    }
    return Outcome.SubsystemDigest(subsystem: name, steps: steps, digest: total.value)
  }
}

extension ReplicaGroupState {
  func report(to outcome: inout Outcome, _ world: borrowing World) {
    outcome.messages += traffic.rows(subsystem: name)
    let changes = viewChanges
    outcome.metrics.append(.init("\(name).view_changes", "1", Double(changes)))
    let equivocators = Double(books.equivocators.count)
    outcome.metrics.append(.init("\(name).equivocators", "1", equivocators))
    // What its transactions are parts of is for the executor's subsystem to say.
    guard settings.executor == nil else { return }
    var chain = world.books(of: index, name: name, sizes: settings.sizes)
    chain.evicted = replicas.prefix(roles).reduce(0) { $0 + $1.evicted }
    chain.waiting = replicas.prefix(roles).map(\.waiting).max() ?? 0
    chain.proposers = roles
    chain.controlThreshold = 1 / 3.0
    ChainMeasures(chain, world.measuring).report(to: &outcome)
  }

  /// A node hosts at most one replica.
  var occupancy: [Occupancy] {
    (0..<roles).map {
      Occupancy(
        node: seats[$0].node, processor: seats[$0].processor, stored: books.storedBytes[$0])
    }
  }

  /// Of the correct replica that is farthest ahead.
  private var viewChanges: Int {
    (0..<roles).reduce(0) {
      books.isByzantine[$1] ? $0 : max($0, replicas[$1].viewChanges)
    }
  }

  /// What more than half of the correct replicas have reached.
  private var commonViewChanges: Int {
    let entered = (0..<roles).filter { !books.isByzantine[$0] }
      .map { replicas[$0].viewChanges }.sorted()
    return entered[(entered.count - 1) / 2]
  }

  func progress(by measure: Milestone.Measure) -> Int? {
    switch measure {
    case .view: commonViewChanges
    case .decisions, .height: nil
    }
  }

  var plannedCrashes: Int {
    adversaries.plans.reduce(0) { sum, plan in
      if case .crash = plan.behaviour { sum + plan.roles.count } else { sum }
    }
  }
}
