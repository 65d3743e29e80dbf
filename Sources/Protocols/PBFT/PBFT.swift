import Consensus
import Kernel
import Ledger
import Machines

/// Practical Byzantine Fault Tolerance, after Castro & Liskov, OSDI '99; where that is brief, after
/// their TOCS 2002 article and Castro's thesis (MIT 2001).
///
/// This file is the state of a replica and the normal case (§4.2). Batching, checkpoints (§4.3),
/// view changes (§4.4), state transfer (§4.6 of TOCS) and retransmission (thesis §5.2) have their
/// own. Names are the paper's: view `v`, sequence number `n`, digest `d`, sender `i`. `PBFT.md`
/// lists the deviations.
public struct PBFT: ConsensusProtocol {
  public static var name: String { "pbft" }

  let me: ReplicaID
  let committee: Committee
  let settings: Settings
  let quorum: Int

  public internal(set) var view = View(0)
  /// Whether the view has begun: false between a view change and its new view.
  public internal(set) var isActive = true
  /// Not in the committee: votes for nothing, and executes what so many of its replicas say was
  /// decided. nil for a replica.
  var believing: Int?
  /// Where the committee is elected: who it is now, and until when; see `GroupPBFT`.
  var term: Term?
  /// Last slot this replica assigned, as primary.
  var lastAssigned = Slot(0)
  public internal(set) var lastExecuted = Slot(0)
  public internal(set) var state: ReplicatedState
  var log: SlotWindow<LogEntry>
  var mempool: Mempool
  /// Used where late votes are not verified.
  var verified: VerifiedVotes

  // Batching.
  var isBatchTiming = false
  var isBatchDue = false

  // Checkpoints: votes for those after the last stable one, in order of slots.
  var checkpoints: [CheckpointVotes] = []
  var snapshots: [Snapshot] = []
  /// Of the state at the low water mark, and how many votes made it stable.
  var stableState = Digest(0)
  var stableVotes = 0

  // View changes. The last one of each replica; the view's own beginning.
  var changes: [Received?]
  var newView: BodyHandle?
  /// View changes in a row in which nothing new was executed.
  var futileChanges = 0
  /// A quorum has left for the view that this replica waits for.
  var hasCompany = false
  /// What the progress timer runs for.
  var awaited: Awaited?
  var isTiming = false
  /// Votes for a view that has not begun here.
  var early: [EarlyVote] = []

  // Catching up.
  var transfer: Transfer?
  var claims: [Claim] = []
  var recovery: Recovery<Slot>?
  /// `lastExecuted` at the last status tick.
  var executedAtTick = Slot(0)
  /// Whom to ask next.
  var nextHelper: ReplicaID

  /// What a replica knows of a slot.
  struct LogEntry: Sendable {
    /// Named by the pre-prepare accepted in this view.
    var accepted: Digest?
    var batch = BatchHandle.none
    /// The last batch for this slot whose content a message brought, and the one of `certificate`:
    /// who has prepared a batch keeps it, so that no later view lacks it.
    var held = BatchHandle.none
    var kept = BatchHandle.none
    var prepares = Tally()
    var commits = Tally()
    /// Was prepared in this view; the commit was sent.
    var hasPrepared = false
    /// Of the latest view in which it was prepared: what a view change carries on.
    var certificate: Certificate?
  }

  /// - Precondition: `settings.problem(n:)` is nil.
  public init(me: ReplicaID, committee: Committee, settings: Settings) {
    if let problem = settings.problem(n: committee.n) { preconditionFailure(problem) }
    self.me = me
    self.committee = committee
    self.settings = settings
    quorum = settings.weakness.contains(.quorumOfTwoF) ? 2 * committee.f : committee.quorum
    state = ReplicatedState(populations: settings.populations)
    log = SlotWindow(size: settings.window, blank: LogEntry())
    mempool = Mempool(
      capacity: settings.mempool, eviction: settings.eviction, populations: settings.populations)
    verified = VerifiedVotes(window: settings.skipsLateVotes ? settings.window : 1)
    changes = Array(repeating: nil, count: committee.n)
    nextHelper = ReplicaID((Int(me.index) + 1) % committee.n)
    checkpoints.reserveCapacity(settings.window / settings.checkpointInterval + 2)
  }

  public func start(at now: LocalTime, _ effects: inout Effects<Self>) {
    effects.arm(.status, after: settings.statusInterval)
  }

  public mutating func upon(
    _ message: Message, from i: ReplicaID, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    handle(message, from: i, &effects)
  }

  mutating func handle(
    _ message: Message, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    switch message {
    case .prePrepare(let v, let n, let d, let batch):
      guard v == view, isActive else { return keepEarly(message, of: v, from: i) }
      guard i == primary, log.contains(n), isGenuine(d, batch, effects), isTimely(n, d, batch, v)
      else { return }
      hold(batch, at: n, effects)
      if let accepted = log[n].accepted {  // at most one per view and slot
        if accepted != d, settings.authentication == .signatures { effects.accuse(i) }
        return
      }
      accept(n, d, batch, &effects)
      watchProgress(&effects)

    case .prepare(let v, let n, let d):
      guard v == view, isActive else { return keepEarly(message, of: v, from: i) }
      guard i != primary, log.contains(n) else { return }
      log[n].prepares.add(i, for: d)
      advance(n, &effects)

    case .commit(let v, let n, let d):
      guard v == view, isActive else { return keepEarly(message, of: v, from: i) }
      guard log.contains(n) else { return }
      log[n].commits.add(i, for: d)
      advance(n, &effects)

    case .checkpoint(let n, let d): collectCheckpoint(n, d, from: i, &effects)
    case .viewChange(let v, let body): collectViewChange(v, body, from: i, &effects)
    case .newView(let v, let body): begin(v, body, &effects)
    case .status(let status): answer(status, from: i, &effects)
    case .fetchBatch(let n, let d): sendBatch(n, d, to: i, &effects)
    case .batch(let n, let batch): receive(batch, at: n, &effects)
    case .decided(let n, let d, let batch, let isWhole):
      collectClaim(n, d, isWhole ? batch : .none, from: i, &effects)
    case .fetchState(let n, _): sendState(n, to: i, &effects)
    case .state(let n, let body): takeOver(n, body, &effects)
    }
  }

  public mutating func upon(
    timeout timer: Timer, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    switch timer {
    case .batch: batchIsDue(&effects)
    case .progress: progressIsOverdue(&effects)
    case .status: lookAround(&effects)
    case .transfer: askForState(&effects)
    }
  }
}

// MARK: - The normal case, §4.2

extension PBFT {
  var primary: ReplicaID { committee.primary(of: view) }
  var isPrimary: Bool { me == primary }

  /// prepared(m, v, n, i): the batch itself, a pre-prepare, and matching prepares from different
  /// backups, which support it with its primary as a quorum: 2f of them for n = 3f + 1.
  func prepared(_ n: Slot) -> Bool {
    guard let d = log[n].accepted else { return false }
    return log[n].prepares.count(for: d) >= quorum - 1 && hasContent(n)
  }

  /// committed-local(m, v, n, i): prepared, and a quorum of matching commits, its own among them.
  func committedLocal(_ n: Slot) -> Bool {
    guard log[n].hasPrepared, let d = log[n].accepted else { return false }
    return log[n].commits.count(for: d) >= quorum
  }

  /// Whether the batch proposed for `n` is there. A null request has none.
  func hasContent(_ n: Slot) -> Bool {
    log[n].batch == .none || log[n].held == log[n].batch || log[n].kept == log[n].batch
  }

  /// Accepts that the primary proposes `d` at `n` in this view, and says so to all.
  mutating func accept(
    _ n: Slot, _ d: Digest, _ batch: BatchHandle, _ effects: inout Effects<Self>
  ) {
    log[n].accepted = d
    log[n].batch = batch
    if endsHastily(n, d, batch, &effects) { return }
    guard !isPrimary, recovery == nil else { return advance(n, &effects) }
    log[n].prepares.add(me, for: d)
    if settings.isDurable { effects.write(voteBytes + bytes(ofContent: log[n].held, effects)) }
    effects.charge(authenticatingForAll)
    effects.broadcast(.prepare(v: view, n: n, d: d))
    advance(n, &effects)
  }

  /// Multicasts a commit for `n` once it is prepared, then executes whatever is next in order.
  ///
  /// Nothing is prepared between views. `view` is then the one to come, while the log's votes are
  /// of the one that was left: when the batch they name comes as late as that, a certificate of
  /// them would bear a view in which nobody voted, and outdo one of a view in between.
  mutating func advance(_ n: Slot, _ effects: inout Effects<Self>) {
    if isActive, !log[n].hasPrepared, prepared(n) { commit(n, &effects) }
    if n == lastExecuted.next { executeInOrder(&effects) }
  }

  private mutating func commit(_ n: Slot, _ effects: inout Effects<Self>) {
    guard let d = log[n].accepted else { return }
    log[n].hasPrepared = true
    log[n].kept = log[n].batch
    log[n].certificate = Certificate(
      slot: n, view: view, digest: d, batch: log[n].batch, prepares: UInt32(max(quorum - 1, 0)))
    guard recovery == nil else { return }
    log[n].commits.add(me, for: d)
    if settings.isDurable { effects.write(quorum * voteBytes) }
    effects.charge(authenticatingForAll)
    effects.broadcast(.commit(v: view, n: n, d: d))
  }

  mutating func executeInOrder(_ effects: inout Effects<Self>) {
    let before = lastExecuted
    while !isOver, log.contains(lastExecuted.next), committedLocal(lastExecuted.next) {
      let n = lastExecuted.next
      execute(n, log[n].batch, of: log[n].accepted ?? Digest(0), &effects)
    }
    guard lastExecuted > before else { return }
    propose(&effects)
    watchProgress(&effects)
  }

  /// Executes `batch` of digest `d` as slot `n`, the next in order, and replies to its clients.
  mutating func execute(
    _ n: Slot, _ batch: BatchHandle, of d: Digest, _ effects: inout Effects<Self>
  ) {
    lastExecuted = n
    term?.note(n, d, batch)
    if batch == .none {
      state.executeNull()
      elect(n, d)
    } else {
      let fresh = state.execute(batch, from: effects.batches)
      let ranges = effects.batches.rangeCount(of: batch)
      for k in 0..<ranges { mempool.decided(effects.batches.range(k, of: batch)) }
      effects.charge(settings.costs.execution * Int64(fresh) + authenticating * Int64(ranges))
      if fresh > 0 { futileChanges = 0 }
    }
    effects.decide(
      Effects<Self>.Decision(
        slot: n, batch: batch, state: state.digest, transactions: state.transactions))
    if Int(n.number) % settings.checkpointInterval == 0, !isOver { takeCheckpoint(n, &effects) }
  }

  /// Notes that a message brought the content of `batch`, proposed for `n`.
  mutating func hold(_ batch: BatchHandle, at n: Slot, _ effects: borrowing Effects<Self>) {
    guard batch != .none, effects.batches.contains(batch) else { return }
    log[n].held = batch
  }

  /// The batch for `n` with digest `d`, if its content is there.
  func content(_ d: Digest, at n: Slot, _ effects: borrowing Effects<Self>) -> BatchHandle? {
    guard log.contains(n) else { return nil }
    for batch in [log[n].held, log[n].kept]
    where effects.batches.contains(batch) && effects.batches[batch].digest == d {
      return batch
    }
    return nil
  }
}

// MARK: - Invalid proposals

extension PBFT {
  /// Whether `d` is the digest of the batch that came with it; without one, that of a null request
  /// or of an election.
  func isGenuine(_ d: Digest, _ batch: BatchHandle, _ effects: borrowing Effects<Self>) -> Bool {
    if batch == .none { return d == Digest(0) || isElection(d) }
    return !effects.batches.contains(batch) || effects.batches[batch].digest == d
  }

  public static var hasInvalidProposals: Bool { true }

  /// A pre-prepare whose digest is not its batch's.
  public func invalidated(_ message: Message, _ effects: inout Effects<Self>) -> Message? {
    guard case .prePrepare(let v, let n, let d, let batch) = message else { return nil }
    return .prePrepare(v: v, n: n, d: Digest(~d.value), batch: batch)
  }
}

// MARK: - What the observer sees

extension PBFT {
  public var proposer: ReplicaID { primary }
  public var viewChanges: Int { Int(view.number) }
  public var waiting: Int { mempool.count }
  public var evicted: Int { mempool.evicted }
  /// The low water mark: the last stable checkpoint.
  public var stable: Slot { log.low }
}
