import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Networking

/// A chain run by a committee: the replicas of one instance of protocol `P` on their nodes.
public final class ReplicaGroup<P: ConsensusProtocol>: Subsystem {
  typealias Step = (ReplicaGroup, Event, inout World) -> Void

  var state: ReplicaGroupState<P>
  /// What `handle` and `serve` do. A method of a generic class that is reached by dynamic dispatch
  /// is never specialised, which costs a factor of five; a closure is, where the group is made.
  private let handling: Step
  private let serving: Step

  /// - Parameters:
  ///   - nodes: host of each replica; a node hosts at most one.
  ///   - lanes: lane of each replica, an index into `Machines.lanes`.
  public init(
    index: UInt16, name: String, nodes: [NodeID], lanes: [Int], replicas: [P],
    settings: ReplicaGroupSettings, seed: UInt64
  ) {
    precondition(
      Event.Payload.holds(P.Message.self) && MemoryLayout<P.Timer>.size <= 16,
      "\(P.name): a message has at most 24 bytes, a timer at most 16")
    state = ReplicaGroupState(
      index: index, name: name, nodes: nodes, lanes: lanes, replicas: replicas,
      settings: settings, seed: seed)
    handling = { group, event, world in group.state.handle(event, &world) }
    serving = { group, event, world in group.state.execute(event, at: world.now, &world) }
    super.init(index: index, name: name)
  }

  private init(copying other: ReplicaGroup) {
    state = other.state
    handling = other.handling
    serving = other.serving
    super.init(index: other.index, name: other.name)
  }

  public override func copy() -> Subsystem { ReplicaGroup(copying: self) }
  public override func start(_ world: inout World) { state.start(&world) }
  public override func handle(_ event: Event, _ world: inout World) {
    handling(self, event, &world)
  }
  public override func serve(_ event: Event, _ world: inout World) { serving(self, event, &world) }
  public override func nodeCrashed(_ node: NodeID, _ world: inout World) { state.crash(node) }
  public override func nodeRestarted(_ node: NodeID, keepsDisk: Bool, _ world: inout World) {
    state.restart(node, keepsDisk: keepsDisk, &world)
  }
  public override func proposerNode(_ world: borrowing World) -> NodeID? {
    state.proposerNode(world)
  }
  public override func label(of event: Event) -> String {
    switch event.kind {
    case Boundary.submit: "request"
    case ReplicaGroupState<P>.Kind.message.rawValue:
      P.Message.kinds[event.payload.load(as: P.Message.self).kind]
    default: "forward"
    }
  }
  public override var digest: Outcome.SubsystemDigest { state.digest }
  public override var occupancy: [Occupancy] { state.occupancy }
  public override func report(to outcome: inout Outcome, _ world: borrowing World) {
    state.report(to: &outcome, world)
  }

  /// Makes room for `decisions` in the observer's books, so that a run does not allocate.
  public func reserve(_ decisions: Int) { state.books.reserve(decisions) }

  /// The replicas as they are now, for tests and monitors.
  public var replicas: [P] { state.replicas }
  public var traffic: Traffic { state.traffic }
}

/// What a scenario says of a chain beside its protocol.
public struct ReplicaGroupSettings: Sendable {
  public var replies: Replies
  /// Bytes of a message that passes requests on, apart from them.
  public var forwardHeader: Int
  public var sizes: TransactionSizes
  /// Stop the run after so many decisions; `nil`: the horizon is elsewhere.
  public var decisions: Int?

  public init(
    replies: Replies, forwardHeader: Int, sizes: TransactionSizes, decisions: Int? = nil
  ) {
    self.replies = replies
    self.forwardHeader = forwardHeader
    self.sizes = sizes
    self.decisions = decisions
  }
}

/// The value that is the chain.
struct ReplicaGroupState<P: ConsensusProtocol>: Sendable {
  /// Events of a chain's own.
  enum Kind: UInt16 {
    /// A replica's message reaches another. Payload: sender | bytes << 32, then the message.
    case message = 16
    /// The same, all of it received: it waited for a busy downlink.
    case received
    /// Requests that a replica passes on. Payload as of a submission.
    case forwarded
    /// Submitted or forwarded requests, all of them received.
    case receivedRequests
    /// A timer runs out. Payload: generation, then the timer.
    case timer
    /// A step's outputs leave. Payload: epoch of the node, number of outputs.
    case departure
  }

  /// What the engine keeps of a replica.
  struct Seat: Sendable {
    var node: NodeID
    var lane: Int
    var digest = RunDigest()
    var steps: UInt64 = 0
    /// Messages that wait for a busy downlink; while there are any, none may pass them.
    var receiving: Int32 = 0
    /// Processor time of its steps, as on the reference machine.
    var processor = SimDuration.zero
    /// Outputs of steps that are done, waiting for the step's completion.
    var outbox = SlidingArray<Output>()
    var random: RandomStream
  }

  /// An output, and whom its replica took for the proposer when it made it: by the time it leaves,
  /// the replica may have handled later steps ahead of their time.
  struct Output: Sendable, BitwiseCopyable {
    var effect: Effects<P>.Effect
    var proposer: ReplicaID
  }

  let index: UInt16
  let name: String
  var replicas: [P]
  var seats: [Seat]
  /// Generation of each timer slot, `[replica * P.Timer.slots + slot]`.
  var timerGenerations: [UInt32]
  var effects: Effects<P>
  var traffic: Traffic
  var books: ReplicaGroupBooks
  let settings: ReplicaGroupSettings

  init(
    index: UInt16, name: String, nodes: [NodeID], lanes: [Int], replicas: [P],
    settings: ReplicaGroupSettings, seed: UInt64
  ) {
    self.index = index
    self.name = name
    self.replicas = replicas
    seats = nodes.indices.map { i in
      Seat(
        node: nodes[i], lane: lanes[i],
        random: RandomStream(seed: seed, purpose: "replica of \(name)", entity: UInt64(i)))
    }
    timerGenerations = Array(repeating: 0, count: replicas.count * P.Timer.slots)
    effects = Effects(sizes: settings.sizes, random: seats[0].random)
    traffic = Traffic(types: P.Message.kinds + ["forward", "reply"], roles: replicas.count)
    books = ReplicaGroupBooks(
      replicas: replicas.count, populations: settings.sizes.populations)
    self.settings = settings
  }
}

// MARK: - Events

/// A downlink that keeps a message waiting longer is waited for by an event of its own, so that
/// timers need not stand behind bytes that are not there yet. Shorter waits are part of the one.
let receptionPatience = SimDuration.milliseconds(1)

extension ReplicaGroupState {
  mutating func start(_ world: inout World) {
    for i in replicas.indices {
      let local = world.machines.localTime(of: seats[i].node, at: world.now)
      swap(&effects.random, &seats[i].random)
      replicas[i].start(at: local, &effects)
      swap(&effects.random, &seats[i].random)
      finish(i, handled: world.now, &world)
    }
  }

  mutating func handle(_ event: Event, _ world: inout World) {
    let i = Int(event.target)
    if event.kind == Kind.departure.rawValue {
      depart(i, count: Int(event.payload.b), epoch: event.payload.a, &world)
      return
    }
    guard world.machines.isUp(seats[i].node) else {
      if isWaitingReception(event) { seats[i].receiving -= 1 }
      return
    }
    switch event.kind {
    case Boundary.submit, Kind.forwarded.rawValue:
      let bytes = Int(Submission(event.payload).bytes)
      receive(event, at: i, bytes: bytes, waitingAs: .receivedRequests, &world)
    case Kind.message.rawValue:
      let bytes = Int(event.payload.a >> 32)
      receive(event, at: i, bytes: bytes, waitingAs: .received, &world)
    case Kind.received.rawValue, Kind.receivedRequests.rawValue:
      seats[i].receiving -= 1
      admit(event, at: i, ready: world.now, &world)
    default:
      if isStale(event) { return }
      admit(event, at: i, ready: world.now, &world)
    }
  }

  private func isWaitingReception(_ event: Event) -> Bool {
    event.kind == Kind.received.rawValue || event.kind == Kind.receivedRequests.rawValue
  }

  private mutating func receive(
    _ event: Event, at i: Int, bytes: Int, waitingAs kind: Kind, _ world: inout World
  ) {
    let ready = world.machines.receive(bytes, at: seats[i].node, arrival: world.now)
    if ready - world.now <= receptionPatience, seats[i].receiving == 0 {
      admit(event, at: i, ready: ready, &world)
    } else {
      seats[i].receiving += 1
      var later = event
      later.time = ready
      later.kind = kind.rawValue
      world.schedule(later)
    }
  }

  /// Whether a timer was disarmed or armed again since `event` was scheduled.
  private func isStale(_ event: Event) -> Bool {
    let timer = event.payload.load(as: P.Timer.self)
    let generation = timerGenerations[Int(event.target) * P.Timer.slots + timer.slot]
    return event.payload.a != UInt64(generation)
  }

  /// Passes a step to the replica's lane, and takes it at once where that is the same.
  private mutating func admit(
    _ event: Event, at i: Int, ready: SimTime, _ world: inout World
  ) {
    let work = self.work(of: event, at: i)
    seats[i].processor += work.verification + work.handling
    let handled = world.admit(
      event, to: seats[i].lane, of: seats[i].node, ready: ready, work.verification, work.handling)
    if let handled { execute(event, at: handled, &world) }
  }

  private mutating func work(of event: Event, at i: Int) -> Work {
    switch event.kind {
    case Kind.message.rawValue, Kind.received.rawValue:
      let message = event.payload.load(as: P.Message.self)
      return replicas[i].work(upon: message, bytes: Int(event.payload.a >> 32), effects)
    case Kind.timer.rawValue: return .none
    default:
      let requests = Submission(event.payload)
      return replicas[i].work(
        uponRequests: Int(requests.range.count), bytes: Int(requests.bytes))
    }
  }

  /// Lets replica `event.target` take the step; its lane has handled the message at `time`.
  mutating func execute(_ event: Event, at time: SimTime, _ world: inout World) {
    let i = Int(event.target)
    let local = world.machines.localTime(of: seats[i].node, at: time)
    swap(&effects.random, &seats[i].random)
    switch event.kind {
    case Kind.message.rawValue, Kind.received.rawValue:
      let message = event.payload.load(as: P.Message.self)
      let sender = ReplicaID(Int(UInt32(truncatingIfNeeded: event.payload.a)))
      seats[i].note(message, from: sender, at: time)
      replicas[i].upon(message, from: sender, at: local, &effects)
    case Kind.timer.rawValue:
      if isStale(event) {
        swap(&effects.random, &seats[i].random)
        return
      }
      let timer = event.payload.load(as: P.Timer.self)
      seats[i].foldStep(time, 1 << 32)
      timer.fold(into: &seats[i].digest)
      timerGenerations[i * P.Timer.slots + timer.slot] &+= 1
      replicas[i].upon(timeout: timer, at: local, &effects)
    default:
      let requests = Submission(event.payload)
      seats[i].foldStep(time, requests.isRetransmission ? 3 << 32 : 2 << 32)
      seats[i].digest.fold(requests.range.first, UInt64(requests.range.count))
      world.logs[Int(requests.range.population)].pass(.ingested, requests.range, at: time)
      replicas[i].upon(
        requests: requests.range,
        requests.isRetransmission ? .retransmitted : .fromClient, at: local, &effects)
    }
    swap(&effects.random, &seats[i].random)
    finish(i, handled: time, &world)
  }
}

// MARK: - Outputs

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
    books.noteSealed(effects.batches, by: i, at: handled, &world)
    changeTimers(of: i, from: completed, &world)
    guard !effects.items.isEmpty else { return }
    let proposer = self.proposer(inTheEyesOf: i)
    if completed == world.now, seats[i].outbox.isEmpty {
      for k in effects.items.indices {
        carryOut(Output(effect: effects.items[k], proposer: proposer), of: i, &world)
      }
    } else {
      for item in effects.items {
        seats[i].outbox.append(Output(effect: item, proposer: proposer))
      }
      world.schedule(
        Event(
          at: completed, subsystem: index, kind: Kind.departure.rawValue, target: UInt32(i),
          payload: .init(
            UInt64(world.machines.epoch(of: node)), UInt64(effects.items.count))))
    }
    effects.items.removeAll(keepingCapacity: true)
  }

  private mutating func changeTimers(of i: Int, from completed: SimTime, _ world: inout World) {
    guard !effects.timerChanges.isEmpty else { return }
    for change in effects.timerChanges {
      switch change {
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

  private mutating func depart(_ i: Int, count: Int, epoch: UInt64, _ world: inout World) {
    guard epoch == UInt64(world.machines.epoch(of: seats[i].node)) else { return }
    for _ in 0..<count {
      guard let output = seats[i].outbox.popFirst() else {
        preconditionFailure("\(name): replica \(i) has nothing to send")
      }
      carryOut(output, of: i, &world)
    }
  }

  mutating func carryOut(_ output: Output, of i: Int, _ world: inout World) {
    switch output.effect {
    case .broadcast(let message):
      let bytes = self.bytes(of: message, from: i)
      traffic.count(message.kind, from: i, bytes: bytes, copies: replicas.count - 1)
      var event = makeEvent(message, from: i, bytes: bytes)
      // Each sender begins with its successor, so that nobody is always last.
      for k in 1..<max(replicas.count, 1) {
        let j = i + k < replicas.count ? i + k : i + k - replicas.count
        event.target = UInt32(j)
        world.transmit(event, bytes: bytes, over: route(i, j, isUrgent: message.isUrgent))
      }
    case .send(let to, let message):
      let bytes = self.bytes(of: message, from: i)
      traffic.count(message.kind, from: i, bytes: bytes)
      var event = makeEvent(message, from: i, bytes: bytes)
      event.target = to.index
      world.transmit(
        event, bytes: bytes, over: route(i, Int(to.index), isUrgent: message.isUrgent))
    case .forward(let range, let to):
      let bytes = settings.forwardHeader + settings.sizes.bytes(of: range)
      traffic.count(P.Message.kinds.count, from: i, bytes: bytes)
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
    }
  }

  private func makeEvent(_ message: P.Message, from i: Int, bytes: Int) -> Event {
    var event = Event(
      at: .zero, subsystem: index, kind: Kind.message.rawValue, target: 0,
      payload: .init(UInt64(bytes) << 32 | UInt64(i)))
    event.payload.store(message)
    return event
  }

  private func route(_ i: Int, _ j: Int, isUrgent: Bool) -> Route {
    Route(
      from: seats[i].node, to: seats[j].node, channel: index, sender: i,
      connection: i * replicas.count + j, isUrgent: isUrgent)
  }
}
