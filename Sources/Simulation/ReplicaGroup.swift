import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Networking

/// A chain run by a committee: the replicas of one instance of protocol `P` on their nodes.
public final class ReplicaGroup<P: ConsensusProtocol>: Subsystem {
  var state: ReplicaGroupState<P>
  /// How the state takes a step. A generic class has one method table for all `P`, whose entries
  /// are not specialised; functions that are taken where `P` is known are (four times as fast).
  private let handling: Step
  private let serving: Step

  typealias Step = @Sendable (inout ReplicaGroupState<P>, Event, inout World) -> Void

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
    handling = { $0.handle($1, &$2) }
    serving = { $0.execute($1, at: $2.now, &$2) }
    super.init(index: index, name: name)
  }

  private init(copying other: ReplicaGroup) {
    state = other.state
    handling = other.handling
    serving = other.serving
    super.init(index: other.index, name: other.name)
  }

  /// Directed connections that the chain needs: each replica to each, and to each population; then
  /// those of second copies of twins.
  public static func connections(replicas: Int, populations: Int, twins: Int = 0) -> Int {
    replicas * replicas + replicas * populations + twins * replicas
  }

  /// Latency streams that it draws from: one a replica, and one for its replies where they have an
  /// interface of their own and leave in another order than the rest; then one a second copy.
  public static func senders(replicas: Int, twins: Int = 0) -> Int { 2 * replicas + twins }

  public override func copy() -> Subsystem { ReplicaGroup(copying: self) }
  public override func branch(_ branch: UInt64) { state.branch(branch) }
  public override func start(_ world: inout World) { state.start(&world) }
  public override func handle(_ event: Event, _ world: inout World) {
    handling(&state, event, &world)
  }
  public override func serve(_ event: Event, _ world: inout World) {
    serving(&state, event, &world)
  }
  public override func nodeCrashed(_ node: NodeID, _ world: inout World) { state.crash(node) }
  public override var plannedCrashes: Int { state.plannedCrashes }
  public override func progress(by measure: Milestone.Measure) -> Int? {
    state.progress(by: measure)
  }
  public override func nodeRestarted(_ node: NodeID, keepsDisk: Bool, _ world: inout World) {
    state.restart(node, keepsDisk: keepsDisk, &world)
  }
  public override func proposerNode(_ world: borrowing World) -> NodeID? {
    state.proposerNode(world)
  }
  public override func rehost(_ role: Int, on place: Rehosting.Place?, _ world: inout World) {
    state.rehost(role, on: place, &world)
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
  public override var whole: UInt16? { state.settings.executor?.subsystem }
  public override func report(to outcome: inout Outcome, _ world: borrowing World) {
    state.report(to: &outcome, world)
  }

  /// Makes room for `decisions` in the observer's books, as many bodies of messages, and bursts of
  /// outputs, so that a run in steady state does not allocate.
  public func reserve(_ decisions: Int) {
    state.books.reserve(decisions)
    state.effects.bodies.reserveCapacity(decisions)
    for i in state.seats.indices { state.seats[i].outbox.reserveCapacity(512) }
  }

  /// The replicas as they are now, for tests and monitors; second copies of twins stand last.
  public var replicas: [P] { state.replicas }
  public var traffic: Traffic { state.traffic }
  /// Roles that were shown to have contradicted themselves, in order of their numbers.
  public var equivocators: [ReplicaID] { state.books.equivocators }
}

/// What a scenario says of a chain beside its protocol.
public struct ReplicaGroupSettings: Sendable {
  public var replies: Replies
  /// Bytes of a message that passes requests on, apart from them.
  public var forwardHeader: Int
  public var sizes: TransactionSizes
  /// Stop the run after so many decisions; `nil`: the horizon is elsewhere.
  public var decisions: Int?
  /// Who executes, and what counts as decided; `nil`: as `Roles` says of all replicas.
  public var roles: Roles?
  /// Byzantine replicas; their second copies need connections and senders.
  public var adversaries: [Adversary]
  /// The chain numbers its populations from 0; population p of it is `firstPopulation` + p of the
  /// run.
  public var firstPopulation: Int
  /// Roles beside the replicas that act on what is decided, in place of clients that get replies.
  public var executor: Executor?

  public init(
    replies: Replies, forwardHeader: Int, sizes: TransactionSizes, decisions: Int? = nil,
    roles: Roles? = nil, adversaries: [Adversary] = [], firstPopulation: Int = 0,
    executor: Executor? = nil
  ) {
    self.adversaries = adversaries
    self.firstPopulation = firstPopulation
    self.executor = executor
    self.replies = replies
    self.forwardHeader = forwardHeader
    self.sizes = sizes
    self.decisions = decisions
    self.roles = roles
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
    /// An output leaves that an adversary kept back. Payload: epoch of the node, handle.
    case held
  }

  /// What the engine keeps of a replica.
  struct Seat: Sendable {
    var node: NodeID
    var lane: Int
    /// Times that it went to another node: what a former host had to send is void.
    var moves: UInt64 = 0
    /// Nobody has it now; `node` is where it was.
    var isVacant = false
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
  /// Number of roles. Seats beyond are second copies of twins.
  let roles: Int
  var replicas: [P]
  var seats: [Seat]
  /// Generation of each timer slot, `[replica * P.Timer.slots + slot]`.
  var timerGenerations: [UInt32]
  var effects: Effects<P>
  var traffic: Traffic
  var books: ReplicaGroupBooks
  let settings: ReplicaGroupSettings
  /// As `Roles` says.
  let repliesFromProposer: Bool
  /// Somebody is not what it seems: what leaves and arrives is looked at.
  let isAttacked: Bool
  var adversaries: AdversaryBook<Output>

  init(
    index: UInt16, name: String, nodes: [NodeID], lanes: [Int], replicas: [P],
    settings: ReplicaGroupSettings, seed: UInt64
  ) {
    self.index = index
    self.name = name
    roles = replicas.count
    isAttacked = !settings.adversaries.isEmpty
    adversaries = AdversaryBook(
      settings.adversaries, roles: replicas.count, name: name, seed: seed)
    self.replicas = replicas + adversaries.twins.map { replicas[$0] }
    seats = nodes.indices.map { i in
      Seat(
        node: nodes[i], lane: lanes[i],
        random: RandomStream(seed: seed, purpose: "replica of \(name)", entity: UInt64(i)))
    }
    seats += adversaries.twins.map { i in
      Seat(
        node: nodes[i], lane: lanes[i],
        random: RandomStream(seed: seed, purpose: "twin of \(name)", entity: UInt64(i)))
    }
    timerGenerations = Array(repeating: 0, count: seats.count * P.Timer.slots)
    effects = Effects(sizes: settings.sizes, random: seats[0].random)
    traffic = Traffic(types: P.Message.kinds + ["forward", "reply"], roles: replicas.count)
    books = ReplicaGroupBooks(
      replicas: replicas.count, roles: settings.roles ?? Roles(Committee(n: replicas.count)),
      populations: settings.sizes.populations, adversaries: settings.adversaries,
      firstPopulation: settings.firstPopulation)
    self.settings = settings
    repliesFromProposer = settings.roles?.onlyProposerReplies ?? false
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
    if isAttacked, event.kind == Kind.held.rawValue { return release(event, &world) }
    guard world.machines.isUp(seats[i].node), !seats[i].isVacant else {
      if isWaitingReception(event) { seats[i].receiving -= 1 }
      return
    }
    if isAttacked, isDiverted(event, at: i) { return divert(event, at: i, &world) }
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

  @inline(__always)
  private func isWaitingReception(_ event: Event) -> Bool {
    event.kind == Kind.received.rawValue || event.kind == Kind.receivedRequests.rawValue
  }

  mutating func receive(
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
  @inline(__always)
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

  @inline(__always)
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
      let sender = ReplicaID(Int(UInt32(truncatingIfNeeded: event.payload.a) & 0x7FFF_FFFF))
      foldStep(i, time, UInt64(sender.index))
      message.fold(into: &seats[i].digest)
      replicas[i].upon(message, from: sender, at: local, &effects)
    case Kind.timer.rawValue:
      if isStale(event) {
        swap(&effects.random, &seats[i].random)
        return
      }
      let timer = event.payload.load(as: P.Timer.self)
      foldStep(i, time, 1 << 32)
      timer.fold(into: &seats[i].digest)
      timerGenerations[i * P.Timer.slots + timer.slot] &+= 1
      replicas[i].upon(timeout: timer, at: local, &effects)
    default:
      let requests = Submission(event.payload)
      foldStep(i, time, requests.isRetransmission ? 3 << 32 : 2 << 32)
      seats[i].digest.fold(requests.range.first, UInt64(requests.range.count))
      world.logs[settings.firstPopulation + Int(requests.range.population)].pass(
        .ingested, requests.range, at: time)
      replicas[i].upon(
        requests: requests.range,
        requests.isRetransmission ? .retransmitted : .fromClient, at: local, &effects)
    }
    swap(&effects.random, &seats[i].random)
    finish(i, handled: time, &world)
  }

  @inline(__always)
  private mutating func foldStep(_ i: Int, _ time: SimTime, _ word: UInt64) {
    seats[i].steps += 1
    seats[i].digest.fold(UInt64(bitPattern: time.nanoseconds), word)
  }
}
