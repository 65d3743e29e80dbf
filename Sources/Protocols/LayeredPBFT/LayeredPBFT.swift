import Consensus
import Kernel
import Ledger
import Machines

/// PBFT in layers: groups of nodes agree, and what a quorum of a group has signed counts as one
/// vote in the committee above. After Li et al., A Scalable Multi-Layer PBFT Consensus for
/// Blockchain, IEEE TPDS 32(5), 2021; certificates of groups as in Steward, Amir et al., DSN 2006.
///
/// This file is the state of a node and how it takes messages. `+Voting` is the normal case,
/// `+Groups` replaces leaders of groups, `+ViewChange` and `+NewView` the primary. Names are
/// PBFT's: view `v`, sequence number `n`, digest `d`. `LayeredPBFT.md` lists the deviations.
public struct LayeredPBFT: ConsensusProtocol {
  public static var name: String { "layered-pbft" }

  let me: ReplicaID
  let settings: Settings
  let layers: Layers
  /// Of the committees that this node's entities are in, by layer - 1.
  let quorums: [Int]

  /// Of the top committee.
  public internal(set) var view = View(0)
  /// Whether the view has begun: false between a view change and its new view.
  public internal(set) var isActive = true
  var lastAssigned = Slot(0)
  public internal(set) var lastExecuted = Slot(0)
  public internal(set) var state: ReplicatedState
  var log: SlotWindow<LogEntry>
  var votes: VoteBook
  var mempool: Mempool

  // Leaders of groups: the local view of each group, as far as known, and what the members of this
  // node's committees want; by layer - 1.
  var locals: [[View]]
  var wanted: [[View]]
  /// Local timeouts in a row without an execution.
  var futileWaits = 0
  /// Who leads, as the last decision from above says.
  var hint = ReplicaID(0)

  // Batching.
  var isBatchTiming = false
  var isBatchDue = false

  // Checkpoints after the last stable one, in order of slots.
  var checkpoints: [CheckpointVotes] = []
  var snapshots: [PBFT.Snapshot] = []
  var stableState = Digest(0)
  var stableVotes = 0
  /// The latest stable checkpoint that this node has not reached.
  var ahead: PBFT.Transfer?
  /// The latest checkpoint of each group on top that this node has heard of.
  var heard: [Slot]
  /// Others had to tell this node what its group's leader should have.
  var isNeglected = false

  // View changes: the last of each child of this node's committees, by layer - 1.
  var changes: [[Received?]]
  var newView: BodyHandle?
  var futileChanges = 0
  var hasCompany = false
  var awaited: PBFT.Awaited?
  var isTiming = false
  var isWatchingGroup = false
  var early: [EarlyVote] = []

  // Catching up.
  var transfer: PBFT.Transfer?
  var recovery: Recovery?
  var executedAtTick = Slot(0)
  /// The highest slot that a certificate showed to be decided, in the window or not.
  var highestKnown = Slot(0)
  var nextHelper: ReplicaID

  /// What a node knows of a slot.
  struct LogEntry: Sendable {
    /// Named by the pre-prepare accepted in this view, or by a certificate that this is prepared.
    var accepted: Digest?
    var batch = BatchHandle.none
    /// What the last leader from whom one came proposed here in this view, whatever was accepted.
    /// Of two different proposals of one node, one is a lie.
    var proposed: Proposed?
    /// The last batch whose content a message brought, and the one of `certificate`.
    var held = BatchHandle.none
    var kept = BatchHandle.none
    /// Groups of layer k of this node for which it has spoken, as bit k.
    var prepares: UInt8 = 0
    var commits: UInt8 = 0
    var isPrepared = false
    /// `accepted` came with a certificate, after a vote for something else.
    var hasChanged = false
    /// Of the latest view in which it was prepared.
    var certificate: Certificate?
    /// Shown by a certificate of the top committee, whatever the view.
    var decided: Digest?
  }

  struct Proposed: Sendable, BitwiseCopyable {
    var digest: Digest
    var by: ReplicaID
  }

  struct EarlyVote: Sendable, BitwiseCopyable {
    var sender: ReplicaID
    var message: Message
  }

  /// - Precondition: `settings.problem(nodes:)` is nil for the nodes of its layers.
  public init(me: ReplicaID, settings: Settings) {
    if let problem = settings.problem(nodes: settings.layers.nodes) { preconditionFailure(problem) }
    self.me = me
    self.settings = settings
    let layers = settings.layers
    self.layers = layers
    let node = Int(me.index)
    let committees = (1...layers.count).map {
      layers.committee(of: layers.group(at: $0, of: node), at: $0)
    }
    quorums = committees.map { settings.quorum(of: $0) }
    let ordering = settings.ordering
    state = ReplicatedState(populations: ordering.populations)
    log = SlotWindow(size: ordering.window, blank: LogEntry())
    votes = VoteBook(window: ordering.window, layers: layers.count)
    mempool = Mempool(
      capacity: ordering.mempool, eviction: ordering.eviction, populations: ordering.populations)
    locals = (1..<layers.count).map { Array(repeating: View(0), count: layers.groups(at: $0)) }
    wanted = committees.dropLast().map { Array(repeating: View(0), count: $0.n) }
    heard = Array(repeating: Slot(0), count: committees[layers.count - 1].n)
    changes = committees.map { Array(repeating: nil, count: $0.n) }
    nextHelper = ReplicaID((node + 1) % layers.nodes)
    checkpoints.reserveCapacity(ordering.window / ordering.checkpointInterval + 2)
  }

  public func start(at now: LocalTime, _ effects: inout Effects<Self>) {
    effects.arm(.status, after: settings.ordering.statusInterval)
  }

  public mutating func upon(
    _ message: Message, from i: ReplicaID, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    handle(message, from: i, &effects)
  }

  mutating func handle(_ message: Message, from i: ReplicaID, _ effects: inout Effects<Self>) {
    switch message {
    case .prePrepare(let s):
      guard s.v == view, isActive else { return keepEarly(message, of: s.v, from: i) }
      consider(s, from: i, &effects)
    case .prepare(let s):
      guard s.v == view, isActive else { return keepEarly(message, of: s.v, from: i) }
      count(s, .prepare, from: i, &effects)
    case .commit(let s):
      guard s.v == view, isActive else { return keepEarly(message, of: s.v, from: i) }
      count(s, .commit, from: i, &effects)
    case .prepared(let s):
      guard s.v == view, isActive else { return keepEarly(message, of: s.v, from: i) }
      learnPrepared(s, from: i, &effects)
    case .decided(let s): learnDecided(s, from: i, &effects)
    case .checkpoint(let k, let votes, let n, let d):
      collectCheckpoint(Int(k), Int(votes), n, d, from: i, &effects)
    case .stable(let k, let votes, let n, let d):
      learnStable(Int(k), Int(votes), n, d, from: i, &effects)
    case .leaderChange(let k, let w): collectLeaderChange(Int(k), w, from: i, &effects)
    case .leader(let k, let votes, let group, let w):
      learnLeader(Int(k), Int(votes), Int(group), w, from: i, &effects)
    case .viewChange(let k, let votes, let v, let body):
      collectViewChange(Int(k), Int(votes), v, body, from: i, &effects)
    case .left(let k, let votes, let v): learnLeft(Int(k), Int(votes), v, &effects)
    case .newView(let k, let v, let body): begin(v, body, from: Int(k), &effects)
    case .status(let status): answer(status, from: i, &effects)
    case .fetchBatch(let n, let d): sendBatch(n, d, to: i, &effects)
    case .batch(let n, let batch): receive(batch, at: n, &effects)
    case .fetchState(let n): sendState(n, to: i, &effects)
    case .state(let n, let body): takeOver(n, body, &effects)
    }
  }

  public mutating func upon(
    timeout timer: Timer, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    switch timer {
    case .batch: batchIsDue(&effects)
    case .progress: progressIsOverdue(&effects)
    case .group: leaderIsOverdue(&effects)
    case .status: lookAround(&effects)
    case .transfer: askForState(&effects)
    }
  }
}

// MARK: - Who speaks for whom

extension LayeredPBFT {
  var node: Int { Int(me.index) }
  /// This node's group of layer `k`.
  func group(_ k: Int) -> Int { layers.group(at: k, of: node) }
  func quorum(_ k: Int) -> Int { quorums[k - 1] }
  var topQuorum: Int { quorums[layers.count - 1] }

  /// The node that speaks for entity `e` of layer `k`, as far as known: the leader of the child
  /// that leads it.
  func leader(of e: Int, at k: Int) -> ReplicaID {
    var e = e
    for j in stride(from: k, to: 0, by: -1) {
      let children = layers.children(of: e, at: j)
      e = children.lowerBound + Int(locals[j - 1][e].number) % children.count
    }
    return ReplicaID(e)
  }

  /// Whether this node speaks for its entity of layer `k`, or leads the top committee. Without
  /// memory it does not.
  func leads(_ k: Int) -> Bool {
    if k == layers.count { return isPrimary }
    return k == 0 || leader(of: group(k), at: k) == me && recovery == nil
  }

  /// The group on top whose leader is the primary of the view: v mod Z.
  var primaryGroup: Int { Int(layers.top.primary(of: view).index) }
  var primary: ReplicaID { leader(of: primaryGroup, at: layers.count - 1) }
  var isPrimary: Bool { group(layers.count - 1) == primaryGroup && leads(layers.count - 1) }

  /// Whom this node passes requests on to: the first above it on the way to the primary.
  var nextUp: ReplicaID {
    for k in 1..<layers.count where !leads(k) { return leader(of: group(k), at: k) }
    return primary
  }

  /// Sends to the other members of its committee of layer `k`.
  func multicast(_ message: Message, _ k: Int, _ effects: inout Effects<Self>) {
    for e in layers.children(of: group(k), at: k) where e != group(k - 1) {
      effects.send(message, to: leader(of: e, at: k - 1))
    }
  }

  /// Whether what node `i` says in the committee of layer `k` counts for its entity: `votes` of its
  /// group stand behind it; or, where leaders' words are enough, it is that leader.
  func isProven(_ votes: Int, _ k: Int, of i: ReplicaID) -> Bool {
    let sender = Int(i.index)
    guard layers.group(at: k, of: sender) == group(k) else { return false }
    guard k > 1 else { return true }
    let e = layers.group(at: k - 1, of: sender)
    guard settings.upward == .certificate else { return leader(of: e, at: k - 1) == i }
    return settings.weakness.contains(.believesAnyone)
      || votes >= settings.quorum(of: layers.committee(of: e, at: k - 1))
  }
}

// MARK: - What the observer sees

extension LayeredPBFT {
  public var proposer: ReplicaID { leads(layers.count - 1) ? primary : hint }
  public var viewChanges: Int { Int(view.number) }
  public var waiting: Int { mempool.count }
  public var evicted: Int { mempool.evicted }
  /// The low water mark: the last stable checkpoint.
  public var stable: Slot { log.low }
  /// Times that this node's own group has replaced its leader.
  public var leaderChanges: Int { Int(locals[0][group(1)].number) }
}

/// Votes of the window's slots, in each layer's committee of a node.
struct VoteBook: Sendable {
  enum Phase: Int { case prepare, commit }

  private var tallies: [Tally]
  private let window: Int
  private let layers: Int

  init(window: Int, layers: Int) {
    self.window = window
    self.layers = layers
    tallies = Array(repeating: Tally(), count: 2 * window * layers)
  }

  subscript(n: Slot, k: Int, phase: Phase) -> Tally {
    _read { yield tallies[((Int(n.number) % window) * layers + k - 1) * 2 + phase.rawValue] }
    _modify { yield &tallies[((Int(n.number) % window) * layers + k - 1) * 2 + phase.rawValue] }
  }

  mutating func clear(_ n: Slot) {
    let first = (Int(n.number) % window) * layers * 2
    for t in first..<first + layers * 2 { tallies[t].clear() }
  }
}
