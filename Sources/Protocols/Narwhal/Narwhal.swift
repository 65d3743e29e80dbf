import Consensus
import Kernel
import Ledger
import Machines

/// Narwhal, a mempool that spreads batches and certifies their availability in a DAG of rounds, and
/// the DAG ordered by `Rule`: Tusk or Bullshark.
///
/// After Danezis et al., EuroSys '22, and Spiegelman et al., CCS '22. This file is the state of a
/// replica and its messages. Names are the papers': author, round, header, vote, certificate,
/// worker, leader. `Narwhal.md` lists the deviations.
public struct Narwhal<Rule: OrderingRule>: ConsensusProtocol {
  public typealias Message = NarwhalMessage
  public typealias Timer = NarwhalTimer
  public typealias Body = NarwhalBody

  public static var name: String { Rule.name }

  let me: ReplicaID
  let committee: Committee
  let settings: NarwhalSettings
  let quorum: Int
  /// The validator that this role belongs to, and which worker it is, if it is one alone.
  let validator: Int
  let loneWorker: Int?

  // The DAG, §3.1.
  var dag: DagWindow
  /// Round of its last header; who voted for it; whether that made a certificate.
  public internal(set) var proposed = DagRound(0)
  var voters = AuthorSet()
  var isCertified = false
  var isHeaderDue = false
  var isLeaderOverdue = false
  /// The highest round of which a quorum of certificates is delivered, and of which one was seen.
  public internal(set) var quorumRound = DagRound(0)
  var highest = DagRound(0)
  /// By author: round of a header that waits for parents or payload; 0 if none does.
  var pending: [DagRound]
  var pendingCount = 0

  // Batches, §4.2.
  var store: BatchStore
  var workers: [Worker]
  /// By own worker: the last batch that a quorum has stored, and the last in a header.
  var available: [UInt32]
  var included: [UInt32]
  /// Payload of headers of its own that came to nothing.
  var returned: [Returned] = []

  // The order.
  /// Round of the last leader in the order.
  public internal(set) var lastLeader = DagRound(0) {
    didSet { lastAuthor = Rule.leader(of: lastLeader, n: n, seed: settings.seed) }
  }
  /// Whose vertex that was; drawing it again takes longer than most steps.
  private var lastAuthor = 0
  /// Rounds up to here are collected: not ordered any more (§3.3).
  public internal(set) var collected = DagRound(0)
  var ordered = SlidingArray<Ordered>()
  var isAwaitingPayload = false
  var isPayloadRequested = false
  /// Ticks for which the payload that is next has been missing.
  var ticksAwaiting = 0
  public internal(set) var state: ReplicatedState
  public internal(set) var lastExecuted = Slot(0)
  /// By round from the leader down: what is to be ordered with it.
  var history: [AuthorSet]
  /// Leaders to be ordered, the last first.
  var chain: [Leader] = []

  // Catching up.
  var snapshots: [Snapshot] = []
  var checkpoints: [CheckpointClaim] = []
  var hasAskedForCheckpoint = false
  var wanted: CheckpointName?
  var catchUp = DagRound(0)
  var recovery: Recovery?
  /// It may have voted up to this round before it lost its memory.
  var votingFloor = DagRound(0)
  /// `proposed` at the last tick of the retry timer.
  var proposedAtTick = DagRound(0)

  /// The other header of a liar, and who voted for it.
  var rival: Rival?

  public internal(set) var statistics = Statistics()

  /// What an observer may want to know of one replica.
  public struct Statistics: Sendable, BitwiseCopyable, Equatable {
    /// Vertices in the order, and the sum of rounds from each to the one that committed it, both
    /// counted.
    public var vertices = 0
    public var rounds = 0
    /// Leaders in the order, of which so many were committed by votes, not by a later leader.
    public var leaders = 0
    public var direct = 0
    /// Leaders that never came into the order.
    public var skipped = 0
    /// Messages refused because they are not what they claim to be.
    public var refused = 0
  }

  /// A vertex in the order whose payload is to be executed, or the mark of a checkpoint.
  struct Ordered: Sendable, BitwiseCopyable {
    var body: BodyHandle
    var round: DagRound
    var isCheckpoint: Bool
  }

  struct Leader: Sendable, BitwiseCopyable {
    var round: DagRound
    var author: Int
  }

  /// Batches of a header that came to nothing.
  struct Returned: Sendable, BitwiseCopyable {
    var worker: Int
    var first: UInt32
    var count: UInt16
  }

  /// - Precondition: `settings.problem(n:)` is nil.
  public init(me: ReplicaID, committee: Committee, settings: NarwhalSettings) {
    if let problem = settings.problem(n: committee.n) { preconditionFailure(problem) }
    let n = committee.n
    let role = Int(me.index)
    self.me = me
    self.committee = committee
    self.settings = settings
    quorum = settings.weakness.contains(.quorumOfTwoF) ? 2 * committee.f : committee.quorum
    validator = role < n ? role : (role - n) % n
    loneWorker = role < n ? nil : (role - n) / n
    let rounds = role < n ? 4 * settings.gcDepth : 1
    dag = DagWindow(n: n, size: Self.powerOfTwo(atLeast: rounds))
    pending = Array(repeating: DagRound(0), count: n)
    let own = loneWorker.map { $0..<$0 + 1 } ?? 0..<settings.workers
    store = BatchStore(n: n, workers: own)
    let hasWorkers = settings.placement == .collocated || loneWorker != nil
    workers = (hasWorkers ? own : 0..<0).map { Worker(id: $0, settings) }
    available = Array(repeating: 0, count: settings.workers)
    included = available
    state = ReplicatedState(populations: settings.populations)
    history = Array(repeating: AuthorSet(), count: settings.gcDepth)
    ordered.reserveCapacity(16 * n)
    chain.reserveCapacity(settings.gcDepth)
  }

  private static func powerOfTwo(atLeast count: Int) -> Int {
    var size = 1
    while size < count { size *= 2 }
    return size
  }

  public mutating func start(at now: LocalTime, _ effects: inout Effects<Self>) {
    effects.arm(.retry, after: settings.retryDelay)
    if isPrimary { effects.arm(.header, after: settings.headerDelay) }
  }

  public mutating func upon(
    _ message: NarwhalMessage, from sender: ReplicaID, at now: LocalTime,
    _ effects: inout Effects<Self>
  ) {
    switch message {
    case .batch(let name, let handle): receive(name, handle, from: sender, &effects)
    case .stored(let name): acknowledge(name, from: sender, &effects)
    case .fetchBatch(let name): sendBatch(name, to: sender, &effects)
    case .executed(let name): noteExecuted(name, from: sender, &effects)
    case .fetchPosition: sendPosition(to: sender, &effects)
    case .position(let round, let number): notePosition(round, number, from: sender, &effects)
    case .available(let name, let handle):
      guard isPrimary, isOwnWorker(sender) else { return }
      noteAvailable(name, handle, &effects)
    case .header, .vote, .certificate, .fetchCertificate, .fetchRounds, .fetchCheckpoint,
      .checkpoint, .fetchState, .state:
      guard isPrimary, Int(sender.index) < committee.n else { return }
      uponPrimary(message, from: sender, &effects)
    }
  }

  /// Messages from primary to primary.
  @inline(__always)
  private mutating func uponPrimary(
    _ message: NarwhalMessage, from sender: ReplicaID, _ effects: inout Effects<Self>
  ) {
    switch message {
    case .header(let round, let d, let body): receive(header: round, d, body, sender, &effects)
    case .vote(let round, let d): collectVote(round, d, from: sender, &effects)
    case .certificate(let certificate): receive(certificate, from: sender, &effects)
    case .fetchCertificate(let round, let author):
      sendCertificate(round, Int(author), to: sender, &effects)
    case .fetchRounds(let from, let through):
      sendRounds(from, through, to: sender, &effects)
    case .fetchCheckpoint: sendCheckpoints(to: sender, &effects)
    case .checkpoint(let round, let slot, let d):
      collectCheckpoint(round, slot, d, from: sender, &effects)
    case .fetchState(let round, let d): sendState(round, d, to: sender, &effects)
    case .state(let round, let body): takeOver(round, body, &effects)
    case .batch, .stored, .available, .executed, .fetchBatch, .fetchPosition, .position: return
    }
  }

  public mutating func upon(
    timeout timer: NarwhalTimer, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    switch timer {
    case .header:
      isHeaderDue = true
      propose(&effects)
    case .leader:
      isLeaderOverdue = true
      propose(&effects)
    case .retry:
      retry(&effects)
      effects.arm(.retry, after: settings.retryDelay)
    case .batch(let id):
      let w = Int(id) - (loneWorker ?? 0)
      workers[w].isTiming = false
      workers[w].isDue = true
      seal(w, &effects)
    }
  }
}

// MARK: - Who is who

extension Narwhal {
  var n: Int { committee.n }
  var isPrimary: Bool { loneWorker == nil }
  /// Its workers run elsewhere, or it is one itself.
  var isSplit: Bool { settings.placement == .ownMachines }

  func validator(of role: ReplicaID) -> Int {
    let k = Int(role.index)
    return k < n ? k : (k - n) % n
  }

  /// The role of worker `worker` at `validator`.
  func role(ofWorker worker: Int, at validator: Int) -> ReplicaID {
    ReplicaID(isSplit ? n + worker * n + validator : validator)
  }

  func isOwnWorker(_ role: ReplicaID) -> Bool {
    Int(role.index) >= n && validator(of: role) == validator
  }

  /// To every other primary, the next first, so that nobody is always last.
  @inline(__always)
  func sendToPrimaries(_ message: NarwhalMessage, _ effects: inout Effects<Self>) {
    guard isSplit else { return effects.broadcast(message) }
    for k in 1..<n { effects.send(message, to: ReplicaID((validator + k) % n)) }
  }

  /// To the workers of the same id at the other validators.
  func sendToPeers(
    _ message: NarwhalMessage, of worker: Int, _ effects: inout Effects<Self>
  ) {
    guard isSplit else { return effects.broadcast(message) }
    for k in 1..<n {
      effects.send(message, to: role(ofWorker: worker, at: (validator + k) % n))
    }
  }

  /// Another validator, drawn.
  func drawOther(_ effects: inout Effects<Self>) -> Int {
    let k = 1 + Int(effects.random.below(UInt64(n - 1)))
    return (validator + k) % n
  }

  @inline(__always)
  func header(_ body: BodyHandle, _ effects: borrowing Effects<Self>) -> DagHeader {
    effects.bodies[Int(body.index)].header
  }
}

// MARK: - What the observer sees

extension Narwhal {
  public var proposer: ReplicaID {
    guard Rule.revealDepth == 0 else {
      let last = lastLeader.number > 0
      return ReplicaID(last ? lastAuthor : validator)
    }
    let next = Rule.leads(quorumRound) ? quorumRound : quorumRound.next
    return ReplicaID(Rule.leader(of: next, n: n, seed: settings.seed))
  }
  /// Leaders that were passed over.
  public var viewChanges: Int { statistics.skipped }
  public var waiting: Int { workers.reduce(0) { $0 + $1.mempool.count } }
  public var evicted: Int { workers.reduce(0) { $0 + $1.mempool.evicted } }
  public var retainedSlots: Int {
    NarwhalSettings.batchWindow * n * settings.workers
  }
}
