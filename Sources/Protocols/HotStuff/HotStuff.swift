import Consensus
import Kernel
import Ledger
import Machines

/// How many certified blocks in a row decide the first of them, and how views are changed.
public protocol ChainRule: Sendable {
  static var name: String { get }
  /// 3: HotStuff. 2: Jolteon, which pays for the shorter chain with a quadratic view change.
  static var chains: Int { get }
}

/// Chained HotStuff after Yin et al., PODC '19: three chains, a linear view change.
public enum ThreeChain: ChainRule {
  public static var name: String { "hotstuff" }
  public static var chains: Int { 3 }
}

/// Jolteon after Gelashvili et al., FC '22: two chains, a quadratic view change.
public enum TwoChain: ChainRule {
  public static var name: String { "jolteon" }
  public static var chains: Int { 2 }
}

public typealias HotStuff = ChainedHotStuff<ThreeChain>
public typealias Jolteon = ChainedHotStuff<TwoChain>

/// A replica of the HotStuff family: blocks form a chain, each names the certificate of its parent,
/// and one kind of vote serves all phases.
///
/// This file is the state. Proposing, voting, committing, the pacemaker, catching up and the
/// dissemination of batches have their own. `HotStuff.md` lists sources and deviations.
public struct ChainedHotStuff<Rule: ChainRule>: ConsensusProtocol {
  public typealias Message = HotStuffMessage
  public typealias Timer = HotStuffTimer
  public typealias Body = HotStuffBody
  public static var name: String { Rule.name }

  let me: ReplicaID
  let committee: Committee
  let settings: HotStuffSettings
  let quorum: Int

  /// What no crash may take from a replica that votes again; see `VotingState`.
  var voting = VotingState()
  public internal(set) var view = View(1)
  /// The certificate of the last timed-out view, and how often views ended without one for a block.
  var timeoutCertificate: TimeoutCertificate?
  var timeouts = 0

  // The chain: the last committed block, what is above it in order of views, what was committed.
  var root = ChainBlock.genesis
  var pending: [ChainBlock] = []
  var log: SlotWindow<ChainBlock>
  public internal(set) var state: ReplicatedState
  var mempool: Mempool
  /// To be committed as soon as its content and that of its ancestors is there.
  var decided: Digest?
  /// Blocks of other branches, while what they carried is given back.
  var forks: [ChainBlock] = []

  // Votes for the views whose blocks this replica certifies, by view modulo the size.
  var ballots: [Ballot]
  var verified: [VerifiedBallot]

  // Pacemaker.
  var clock = LocalTime(nanoseconds: 0)
  var deadline = LocalTime(nanoseconds: 0)
  var halfway = LocalTime(nanoseconds: 0)
  var isNudged = false
  /// When the view timer runs out; `nil`: it does not run.
  var timerDue: LocalTime?
  /// Views in a row that ended by timeout, since a block was last committed.
  var failures = 0
  /// Last view each replica asked for (new-view) or gave up (timeout), and the certificate it sent.
  var wishes: [Wish]
  var hasTimedOut = false

  // Proposing.
  var isBatchTiming = false
  var isBatchDue = false
  var isIdleTiming = false
  var isIdleOver = false
  /// As leader, it has committed requests by a certificate that the others do not know yet.
  var hasNews = false

  // Catching up.
  var orphans: [ChainBlock] = []
  var wanted: Wanted?
  var isSyncing = false
  var nextHelper: ReplicaID
  var checkpoints: [Checkpoint] = []
  var snapshots: [Snapshot] = []
  var transfer: Transfer?
  var recovery: Recovery<View>?

  // Batches that are spread ahead of ordering.
  var spread: Spread

  /// - Precondition: `settings.problem(n:)` is nil.
  public init(me: ReplicaID, committee: Committee, settings: HotStuffSettings) {
    if let problem = settings.problem(n: committee.n) { preconditionFailure(problem) }
    self.me = me
    self.committee = committee
    self.settings = settings
    quorum =
      settings.weakness.contains(.quorumOfTwoF)
      ? 2 * committee.f
      : settings.weakness.contains(.quorumOfTwoFPlusOne)
        ? 2 * committee.f + 1 : committee.quorum
    log = SlotWindow(size: settings.window, blank: ChainBlock.genesis)
    state = ReplicatedState(populations: settings.populations)
    mempool = Mempool(
      capacity: settings.mempool, eviction: settings.eviction, populations: settings.populations)
    ballots = Array(repeating: Ballot(), count: 8)
    verified = Array(repeating: VerifiedBallot(), count: 8)
    wishes = Array(repeating: Wish(), count: committee.n)
    nextHelper = ReplicaID((Int(me.index) + 1) % committee.n)
    spread = Spread()
    pending.reserveCapacity(64)
    orphans.reserveCapacity(64)
    forks.reserveCapacity(16)
    if settings.dissemination != .none { spread.reserve() }
  }

  public mutating func start(at now: LocalTime, _ effects: inout Effects<Self>) {
    clock = now
    watchView(&effects)
    propose(&effects)
  }

  public mutating func upon(
    _ message: Message, from i: ReplicaID, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    clock = now
    switch message {
    case .proposal(let p, let w, let v, let batch, let votes):
      let qc = QuorumCertificate(block: p, view: w, votes: votes)
      accept(view: v, qc, nil, batch, from: i, &effects)
    case .proposalAfterTimeout(let v, let batch, let body):
      guard case .justification(let qc, let tc) = effects.body(body) else { return }
      accept(view: v, qc, tc, batch, from: i, &effects)
    case .vote(let v, let d): collectVote(v, d, from: i, &effects)
    case .newView(let v, let p, let w, let votes):
      let qc = QuorumCertificate(block: p, view: w, votes: votes)
      collectNewView(v, qc, from: i, &effects)
    case .timeout(let v, let p, let w, let votes):
      let qc = QuorumCertificate(block: p, view: w, votes: votes)
      collectTimeout(v, qc, from: i, &effects)
    case .timeoutCertificate(let p, let v, let w, let votes, let timeouts):
      learn(QuorumCertificate(block: p, view: w, votes: votes), from: i, &effects)
      learn(TimeoutCertificate(view: v, highest: w, votes: timeouts), &effects)
    case .certificate(let p, let w, let votes):
      learn(QuorumCertificate(block: p, view: w, votes: votes), from: i, &effects)
    case .fetchProposal(let v): sendProposal(of: v, to: i, &effects)
    case .fetchBlocks(let n, let d): sendBlocks(after: n, to: d, i, &effects)
    case .block(let p, let w, let v, let batch, let votes):
      let qc = QuorumCertificate(block: p, view: w, votes: votes)
      receive(view: v, qc, batch, from: i, &effects)
    case .batch(let number, let batch): receive(batch, number, from: i, &effects)
    case .acknowledge(let number, let d): collect(number, d, from: i, &effects)
    case .fetchBatch(let d, let batch): send(batch, d, to: i, &effects)
    case .fetched(let batch): hold(batch, &effects)
    case .fetchCheckpoints: sendCheckpoints(to: i, &effects)
    case .checkpoint(let n, let d): collectCheckpoint(n, d, from: i, &effects)
    case .fetchState(let n): sendState(n, to: i, &effects)
    case .state(let n, let body): takeOver(n, body, &effects)
    case .inquire: effects.send(standing, to: i)
    case .standing(let v, let p, let w, let votes):
      let qc = QuorumCertificate(block: p, view: w, votes: votes)
      noteStanding(v, qc, from: i, &effects)
    }
  }

  public mutating func upon(
    timeout timer: Timer, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    clock = now
    switch timer {
    case .view: viewTimerIsUp(&effects)
    case .batch:
      isBatchTiming = false
      isBatchDue = true
      propose(&effects)
    case .idle:
      isIdleTiming = false
      isIdleOver = true
      propose(&effects)
    case .sync: keepSyncing(&effects)
    case .seal: sealIsDue(&effects)
    case .resend: resendBatches(&effects)
    }
  }
}

// MARK: - Views and their leaders

extension ChainedHotStuff {
  /// The leader of `view`: each replica in turn for as many views as it leads in a row.
  @inline(__always)
  func leader(of view: View) -> ReplicaID {
    // Divisions of 32 bits: each message asks several times.
    ReplicaID(Int(view.number / UInt32(settings.leaderViews) % UInt32(committee.n)))
  }

  /// The view that follows `view` when it has failed: the first of the next leader.
  func view(after view: View) -> View {
    View((view.number / UInt32(settings.leaderViews) + 1) * UInt32(settings.leaderViews))
  }

  /// How many of all have last wished for `view` or a later one.
  @inline(__always)
  func wishes(from view: View) -> Int {
    var count = 0
    for wish in wishes where wish.view >= view { count += 1 }
    return count
  }

  /// How many of all have last given up `view`.
  func wishes(for view: View) -> Int {
    var count = 0
    for wish in wishes where wish.view == view { count += 1 }
    return count
  }
}

// MARK: - What the observer sees

extension ChainedHotStuff {
  public var proposer: ReplicaID { leader(of: view) }
  /// Views that ended by timeout; those that ended in a certificate are no changes.
  public var viewChanges: Int { timeouts }
  public var waiting: Int { mempool.count }
  public var evicted: Int { mempool.evicted }
  /// Height of the last committed block.
  public var lastExecuted: Slot { Slot(root.height) }
  /// The certificate of the highest view that this replica knows.
  public var highView: View { voting.high.view }
  public var lockedView: View { voting.locked.view }
  public var lastVoted: View { voting.lastVoted }
  /// False after a crash without disk, until no vote of before can be contradicted.
  public var mayVote: Bool { recovery == nil }
}
