import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Workloads

/// The clients of one chain: they submit transactions, wait for replies, and try again.
///
/// Clients are gathered on hosts; a host numbers its transactions as a population of its own.
/// A host sends to the replica it takes for the proposer, as replies tell it, and after a timeout
/// to all (Castro & Liskov, OSDI '99, §4.1). A transaction is final for its client when
/// `replyQuorum` replicas have sent the same result.
public final class ClientPopulation: Subsystem {
  var state: ClientPopulationState

  public init(index: UInt16, name: String, settings: ClientSettings, seed: UInt64) {
    state = ClientPopulationState(index: index, name: name, settings: settings, seed: seed)
    super.init(index: index, name: name)
  }

  private init(copying other: ClientPopulation) {
    state = other.state
    super.init(index: other.index, name: other.name)
  }

  public override func copy() -> Subsystem { ClientPopulation(copying: self) }
  public override func branch(_ branch: UInt64) { state.branch(branch) }
  public override func start(_ world: inout World) { state.start(&world) }
  public override func handle(_ event: Event, _ world: inout World) { state.handle(event, &world) }
  public override func label(of event: Event) -> String { "reply" }
  public override func nodeRestarted(_ node: NodeID, keepsDisk: Bool, _ world: inout World) {
    state.restart(node, &world)
  }
  public override var digest: Outcome.SubsystemDigest {
    Outcome.SubsystemDigest(
      subsystem: name, steps: state.steps, digest: state.stepDigest.value)
  }
  public override func report(to outcome: inout Outcome, _ world: borrowing World) {
    outcome.messages += state.traffic.rows(subsystem: name)
  }
}

/// What a scenario says of the clients of a chain.
public struct ClientSettings: Sendable {
  /// To whom a host sends first; `contacts` are the replicas it may send to.
  public enum Target: Sendable, Equatable {
    /// Whoever it takes for the proposer.
    case proposer
    /// Every contact.
    case everyone
    /// The contact of its own: host h sends to number h modulo their count.
    case gateway
  }

  public struct Host: Sendable {
    public var node: NodeID
    /// Index into the run's populations.
    public var population: UInt32
    public var arrivals: Arrivals
    public init(node: NodeID, population: UInt32, arrivals: Arrivals) {
      self.node = node
      self.population = population
      self.arrivals = arrivals
    }
  }

  public var hosts: [Host]
  /// The chain, and the node of each of its replicas.
  public var chain: UInt16
  public var chainNodes: [NodeID]
  public var target: Target
  public var contacts: Range<Int>
  /// Equal results that make a transaction final.
  public var replyQuorum: Int
  /// After this long without them, a host tries again; the wait doubles each time.
  public var timeout: SimDuration
  /// Tries after which a host gives a request up; `nil`: never.
  public var attempts: Int?
  /// Transactions in a message.
  public var bundle: Int
  /// Bytes of a request message apart from its transactions.
  public var header: Int
  public var sizes: TransactionSizes
  /// Submit no transaction after this.
  public var until: SimTime

  public init(
    hosts: [Host], chain: UInt16, chainNodes: [NodeID], target: Target, replyQuorum: Int,
    timeout: SimDuration, bundle: Int, header: Int, sizes: TransactionSizes,
    until: SimTime = .never, attempts: Int? = nil, contacts: Range<Int>? = nil
  ) {
    precondition(attempts ?? 1 >= 1, "requests sent \(attempts ?? 0) times")
    self.hosts = hosts
    self.chain = chain
    self.chainNodes = chainNodes
    self.target = target
    self.contacts = contacts ?? chainNodes.indices
    self.replyQuorum = replyQuorum
    self.timeout = timeout
    self.bundle = bundle
    self.header = header
    self.sizes = sizes
    self.until = until
    self.attempts = attempts
  }
}

/// The value that is the population.
struct ClientPopulationState: Sendable {
  enum Kind: UInt16 {
    /// The last transaction of a bundle arrives.
    case arrival = 16
    /// A client has thought enough. Payload: how many.
    case thought
    /// An unanswered request may be overdue.
    case overdue
    /// A reply is there as a whole: it waited for a busy downlink.
    case received
  }

  struct Host: Sendable {
    var node: NodeID
    var population: UInt32
    var arrivals: PoissonArrivals?
    var think: Distribution?
    var clients: Int
    var random: RandomStream
    var proposer = 0
    var sent: RequestBook
    var answered: TxSet
    /// Replies by last transaction of their range, a ring of a power of two.
    var tallies: [Tally]
    /// All transactions before this are answered.
    var firstOpen: UInt64 = 0
    /// When the next look at what is overdue is scheduled.
    var watching = SimTime.never
    /// Clients who would have submitted while the host was down.
    var stalled = 0
  }

  let index: UInt16
  let name: String
  let settings: ClientSettings
  var hosts: [Host]
  var traffic: Traffic
  var stepDigest = RunDigest()
  var steps: UInt64 = 0

  init(index: UInt16, name: String, settings: ClientSettings, seed: UInt64) {
    self.index = index
    self.name = name
    self.settings = settings
    hosts = settings.hosts.map { host in
      let stream = RandomStream(
        seed: seed, purpose: "arrivals of \(name)", entity: UInt64(host.population))
      var arrivals: PoissonArrivals?
      var think: Distribution?
      var clients = 0
      switch host.arrivals {
      case .poisson(let rate):
        arrivals = PoissonArrivals(rate: rate, bundle: settings.bundle, stream: stream)
      case .closed(let n, let distribution): (clients, think) = (n, distribution)
      }
      return Host(
        node: host.node, population: host.population, arrivals: arrivals, think: think,
        clients: clients, random: stream, sent: RequestBook(timeout: settings.timeout),
        answered: TxSet(populations: settings.sizes.populations),
        tallies: Array(repeating: Tally(), count: 1024))
    }
    traffic = Traffic(types: ["request", "retransmission"], roles: hosts.count)
  }
}

extension ClientPopulationState {
  mutating func start(_ world: inout World) {
    for h in hosts.indices {
      if hosts[h].arrivals != nil {
        scheduleArrival(h, &world)
      } else {
        submit(hosts[h].clients, from: h, &world)
      }
    }
  }

  mutating func handle(_ event: Event, _ world: inout World) {
    let h = Int(event.target)
    let isUp = world.machines.isUp(hosts[h].node)
    if event.kind == Boundary.reply {
      if isUp { receive(event, at: h, &world) }
      return
    }
    foldStep(event, at: world.now)
    guard isUp else { return miss(event, at: h, &world) }
    switch event.kind {
    case Kind.received.rawValue: upon(Reply(event.payload), at: h, &world)
    case Kind.arrival.rawValue:
      let population = Int(hosts[h].population)
      let first = world.logs[population].count
      hosts[h].arrivals?.forEachArrival { world.logs[population].submit(at: $0) }
      send(h, first: first, count: world.logs[population].count - first, &world)
      scheduleArrival(h, &world)
    case Kind.thought.rawValue: submit(Int(event.payload.a), from: h, &world)
    default: retry(h, &world)
    }
  }

  private mutating func foldStep(_ event: Event, at time: SimTime) {
    steps += 1
    stepDigest.fold(UInt64(bitPattern: time.nanoseconds), UInt64(event.kind))
    stepDigest.fold(event.payload.a, event.payload.b)
  }

  /// Takes a reply in; it counts once its last bit is there.
  private mutating func receive(_ event: Event, at h: Int, _ world: inout World) {
    let reply = Reply(event.payload)
    let isLocal = settings.chainNodes[Int(reply.replica)] == hosts[h].node
    let ready =
      isLocal
      ? world.now
      : world.machines.receive(Int(reply.bytes), at: hosts[h].node, arrival: world.now)
    guard ready == world.now else {
      var later = event
      later.time = ready
      later.kind = Kind.received.rawValue
      world.schedule(later)
      return
    }
    foldStep(event, at: ready)
    upon(reply, at: h, &world)
  }

  /// An event of a host that is down: its transactions are not submitted, its clients wait.
  private mutating func miss(_ event: Event, at h: Int, _ world: inout World) {
    switch event.kind {
    case Kind.arrival.rawValue: scheduleArrival(h, &world)
    case Kind.thought.rawValue: hosts[h].stalled += Int(event.payload.a)
    default: break
    }
  }

  /// The hosts of `node` go on: their books are on disk.
  mutating func restart(_ node: NodeID, _ world: inout World) {
    for h in hosts.indices where hosts[h].node == node {
      hosts[h].watching = .never
      watch(h, &world)
      let stalled = hosts[h].stalled
      hosts[h].stalled = 0
      submit(stalled, from: h, &world)
    }
  }

  private mutating func scheduleArrival(_ h: Int, _ world: inout World) {
    guard let time = hosts[h].arrivals?.drawNext(), time <= settings.until else { return }
    world.schedule(
      Event(at: time, subsystem: index, kind: Kind.arrival.rawValue, target: UInt32(h)))
  }

  /// `count` clients of host `h` submit a transaction each, now.
  private mutating func submit(_ count: Int, from h: Int, _ world: inout World) {
    guard world.now <= settings.until else { return }
    let population = Int(hosts[h].population)
    var left = count
    while left > 0 {
      let n = min(left, settings.bundle)
      let first = world.logs[population].count
      for _ in 0..<n { world.logs[population].submit(at: world.now) }
      send(h, first: first, count: n, &world)
      left -= n
    }
  }

  private mutating func send(_ h: Int, first: Int, count: Int, _ world: inout World) {
    let range = TxRange(
      population: hosts[h].population, first: UInt64(first), count: UInt32(count))
    makeRoom(h, for: range.end)
    switch settings.target {
    case .proposer: transmit(range, from: h, to: hosts[h].proposer, isRetransmission: false, &world)
    case .gateway:
      let own = settings.contacts.lowerBound + h % settings.contacts.count
      transmit(range, from: h, to: own, isRetransmission: false, &world)
    case .everyone:
      for r in settings.contacts {
        transmit(range, from: h, to: r, isRetransmission: false, &world)
      }
    }
    hosts[h].sent.add(range, tries: 1, at: world.now)
    watch(h, &world)
  }

  private mutating func transmit(
    _ range: TxRange, from h: Int, to replica: Int, isRetransmission: Bool, _ world: inout World
  ) {
    let bytes = settings.header + settings.sizes.bytes(of: range)
    traffic.count(isRetransmission ? 1 : 0, from: h, bytes: bytes)
    let event = Submission(range: range, bytes: bytes, isRetransmission: isRetransmission)
      .event(to: settings.chain, role: replica)
    let n = settings.chainNodes.count
    world.transmit(
      event, bytes: bytes,
      over: Route(
        from: hosts[h].node, to: settings.chainNodes[replica], channel: index, sender: h,
        connection: h * n + replica))
  }
}

// MARK: - Replies and retries

extension ClientPopulationState {
  private mutating func upon(_ reply: Reply, at h: Int, _ world: inout World) {
    hosts[h].proposer = Int(reply.proposer)
    guard reply.range.end > hosts[h].firstOpen, !hosts[h].answered.contains(reply.range)
    else { return }
    let slot = Int(reply.range.end - 1) & (hosts[h].tallies.count - 1)
    hosts[h].tallies[slot].add(ReplicaID(Int(reply.replica)), for: reply.state)
    guard hosts[h].tallies[slot].count(for: reply.state) >= settings.replyQuorum else { return }
    // Also what was said of other ranges that end within: it would be in the way of later ones.
    clearTallies(h, of: reply.range)
    let fresh = hosts[h].answered.insert(reply.range)
    world.logs[Int(hosts[h].population)].pass(.final, reply.range, at: world.now)
    closeAnswered(h)
    resume(fresh, at: h, &world)
  }

  /// `count` clients of a closed loop have their reply, or have given it up.
  private mutating func resume(_ count: Int, at h: Int, _ world: inout World) {
    guard let think = hosts[h].think, count > 0 else { return }
    if think == .constant(0) {
      submit(count, from: h, &world)
      return
    }
    for _ in 0..<count {
      let pause = SimDuration(seconds: max(think.sample(using: &hosts[h].random), 0))
      world.schedule(
        Event(
          at: world.now + pause, subsystem: index, kind: Kind.thought.rawValue,
          target: UInt32(h), payload: .init(1)))
    }
  }

  /// Drops what is answered from the front of the books.
  private mutating func closeAnswered(_ h: Int) {
    hosts[h].sent.dropAnswered(hosts[h].answered)
    hosts[h].firstOpen = hosts[h].sent.firstOpen ?? hosts[h].firstOpen
  }

  private mutating func clearTallies(_ h: Int, of range: TxRange) {
    for number in range.first..<range.end {
      hosts[h].tallies[Int(number) & (hosts[h].tallies.count - 1)].clear()
    }
  }

  /// Doubles the ring of tallies until all open transactions up to `end` have a place.
  private mutating func makeRoom(_ h: Int, for end: UInt64) {
    let first = min(hosts[h].sent.firstOpen ?? end, end)
    let size = hosts[h].tallies.count
    guard Int(end - first) >= size else { return }
    var larger = [Tally](repeating: Tally(), count: size * 2)
    for number in first..<min(first + UInt64(size), end) {
      larger[Int(number) & (size * 2 - 1)] = hosts[h].tallies[Int(number) & (size - 1)]
    }
    hosts[h].tallies = larger
    makeRoom(h, for: end)
  }

  /// Sees to it that unanswered requests are asked after at the earliest deadline.
  private mutating func watch(_ h: Int, _ world: inout World) {
    let deadline = max(hosts[h].sent.earliestDeadline, world.now)
    guard deadline < hosts[h].watching else { return }
    hosts[h].watching = deadline
    world.schedule(
      Event(at: deadline, subsystem: index, kind: Kind.overdue.rawValue, target: UInt32(h)))
  }

  /// Sends what is overdue to every replica, or gives it up.
  private mutating func retry(_ h: Int, _ world: inout World) {
    if hosts[h].watching <= world.now { hosts[h].watching = .never }
    closeAnswered(h)
    while let (overdue, tries) = hosts[h].sent.popOverdue(at: world.now) {
      var rest = overdue
      while rest.count > 0, let gap = hosts[h].answered.firstGap(in: rest) {
        if let attempts = settings.attempts, tries >= attempts {
          world.logs[Int(hosts[h].population)].abandoned += Int(gap.count)
          resume(Int(gap.count), at: h, &world)
        } else {
          world.logs[Int(hosts[h].population)].retried += Int(gap.count)
          // The answers to this attempt are counted afresh: they may cover other ranges.
          clearTallies(h, of: gap)
          for r in settings.contacts {
            transmit(gap, from: h, to: r, isRetransmission: true, &world)
          }
          hosts[h].sent.add(gap, tries: tries + 1, at: world.now)
        }
        rest = TxRange(
          population: gap.population, first: gap.end, count: UInt32(overdue.end - gap.end))
      }
    }
    watch(h, &world)
  }
}
