import Consensus
import Kernel
import Ledger
import Machines
import Metrics

/// What replicas ask for, carried out.
extension ReplicaGroupState {
  /// Carries out what a step asked for. Timers count from the step's completion; messages and
  /// decisions leave then.
  mutating func finish(_ i: Int, handled: SimTime, _ world: inout World) {
    let node = seats[i].node
    var completed = handled
    if effects.charged > .zero {
      let work = world.machines.scaled(effects.charged, on: node)
      completed = world.machines.serve(seats[i].lane, ready: handled, work: work)
      seats[i].processor += effects.charged
      effects.charged = .zero
    }
    if effects.written > 0 {
      // The lane waits for its disk.
      let stable = world.machines.write(effects.written, to: node, ready: completed)
      world.machines.occupy(seats[i].lane, until: stable)
      completed = stable
      effects.written = 0
    }
    books.noteSealed(effects.batches, by: i < roles ? i : role(of: i), at: handled, &world)
    changeTimers(of: i, from: completed, &world)
    guard !effects.items.isEmpty else { return }
    let proposer = Self.proposer(of: &replicas[i])
    if completed == world.now, seats[i].outbox.isEmpty {
      for k in effects.items.indices {
        carryOut(Output(effect: effects.items[k], proposer: proposer), of: i, &world)
      }
    } else {
      for k in effects.items.indices {
        seats[i].outbox.append(Output(effect: effects.items[k], proposer: proposer))
      }
      world.schedule(
        Event(
          at: completed, subsystem: index, kind: Kind.departure.rawValue, target: UInt32(i),
          payload: .init(
            UInt64(world.machines.epoch(of: node)) | seats[i].moves << 32,
            UInt64(effects.items.count))))
    }
    effects.items.removeAll(keepingCapacity: true)
  }

  private mutating func changeTimers(of i: Int, from completed: SimTime, _ world: inout World) {
    guard !effects.timerChanges.isEmpty else { return }
    for change in effects.timerChanges.indices {
      switch effects.timerChanges[change] {
      case .disarm(let slot): timerGenerations[i * P.Timer.slots + slot] &+= 1
      case .arm(let timer, let delay):
        let k = i * P.Timer.slots + timer.slot
        timerGenerations[k] &+= 1
        let due = completed + world.machines.simulated(max(delay, .zero), on: seats[i].node)
        var event = Event(
          at: due, subsystem: index, kind: Kind.timer.rawValue, target: UInt32(i),
          payload: .init(UInt64(timerGenerations[k])))
        event.payload.store(timer)
        world.schedule(event)
      }
    }
    effects.timerChanges.removeAll(keepingCapacity: true)
  }

  mutating func depart(_ i: Int, count: Int, epoch: UInt64, _ world: inout World) {
    guard epoch == UInt64(world.machines.epoch(of: seats[i].node)) | seats[i].moves << 32 else {
      return
    }
    for _ in 0..<count {
      guard let output = seats[i].outbox.popFirst() else {
        preconditionFailure("\(name): replica \(i) has nothing to send")
      }
      carryOut(output, of: i, &world)
    }
  }

  mutating func carryOut(_ output: Output, of i: Int, _ world: inout World) {
    if isAttacked, isTampered(i) {
      tamper(output, of: i, &world)
    } else {
      perform(output, of: i, &world)
    }
  }

  /// Does what the replica at seat `i` asked for.
  @inline(__always)
  mutating func perform(_ output: Output, of i: Int, _ world: inout World) {
    switch output.effect {
    case .broadcast(let message):
      let bytes = Self.bytes(of: message, by: &replicas[i], effects)
      traffic.count(message.kind, from: i, bytes: bytes, copies: roles - 1)
      var event = makeEvent(message, from: i, bytes: bytes)
      // Each sender begins with its successor, so that nobody is always last.
      for k in 1..<max(roles, 1) {
        let j = i + k < roles ? i + k : i + k - roles
        event.target = UInt32(j)
        world.transmit(event, bytes: bytes, over: route(i, j, isUrgent: message.isUrgent))
      }
    case .send(let to, let message):
      let bytes = Self.bytes(of: message, by: &replicas[i], effects)
      traffic.count(message.kind, from: i, bytes: bytes)
      var event = makeEvent(message, from: i, bytes: bytes)
      event.target = to.index
      world.transmit(
        event, bytes: bytes, over: route(i, Int(to.index), isUrgent: message.isUrgent))
    case .forward(let range, let to):
      let bytes = settings.forwardHeader + settings.sizes.bytes(of: range)
      traffic.count(P.Message.kinds.count, from: i < roles ? i : role(of: i), bytes: bytes)
      var event = Submission(range: range, bytes: bytes, isRetransmission: false)
        .event(to: index, role: Int(to.index))
      event.kind = Kind.forwarded.rawValue
      world.transmit(event, bytes: bytes, over: route(i, Int(to.index), isUrgent: false))
    case .decide(let decision): decide(decision, by: i, naming: output.proposer, &world)
    case .replyAgain(let range, let state):
      reply(range, state, from: i, naming: output.proposer, &world)
    case .caughtUp(let slot, let transactions, let state):
      books.catchUp(
        replica: i, slot: slot, transactions: transactions, state: state, name: name,
        batches: effects.batches, &world, index: index)
      if let executor = settings.executor {
        world.schedule(
          executor.event(slot: slot, role: role(of: i), proposer: output.proposer, at: world.now))
      }
    case .accuse(let replica):
      if let finding = books.accuse(replica, by: i) { world.report(finding, of: name) }
    }
  }

  // An element of an array that is only read is copied first, a whole replica with all that it
  // refers to; what is passed inout stands where it is.

  private static func bytes(
    of message: P.Message, by replica: inout P, _ effects: borrowing Effects<P>
  ) -> Int {
    replica.bytes(of: message, effects)
  }

  private static func proposer(of replica: inout P) -> ReplicaID { replica.proposer }

  static func retainedSlots(of replica: inout P) -> Int { replica.retainedSlots }

  @inline(__always)
  func makeEvent(_ message: P.Message, from i: Int, bytes: Int) -> Event {
    var event = Event(
      at: .zero, subsystem: index, kind: Kind.message.rawValue, target: 0,
      payload: .init(UInt64(bytes) << 32 | UInt64(i)))
    event.payload.store(message)
    return event
  }

  /// From seat `i` to role `j`. Second copies have connections and a sender of their own.
  @inline(__always)
  func route(_ i: Int, _ j: Int, isUrgent: Bool) -> Route {
    var sender = i
    var connection = i * roles + j
    if i >= roles {
      sender = roles + i
      connection += roles * settings.sizes.populations
    }
    return Route(
      from: seats[i].node, to: seats[j].node, channel: index, sender: sender,
      connection: connection, isUrgent: isUrgent)
  }
}
