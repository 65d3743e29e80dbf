import Consensus
import Kernel
import Ledger
import Machines

/// The Istanbul family of Byzantine agreement, one instance a block: QBFT, after the formal
/// specification of the Enterprise Ethereum Alliance (Saltini et al.) and Moniz (arXiv 2002.03613),
/// and IBFT 2.0, after Saltini & Hyland-Wood (arXiv 1909.10194).
///
/// This file is the state of a replica and a round: pre-prepare, prepare, commit. Round changes,
/// the chain of blocks and catching up have their own. Names are the papers': height `h`, round
/// `r`, digest `d`, sender `i`. `QBFT.md` lists the deviations.
public struct Istanbul<Rules: IstanbulRules>: ConsensusProtocol {
  public typealias Message = IstanbulMessage
  public typealias Timer = IstanbulTimer
  public typealias Body = IstanbulBody

  public static var name: String { Rules.name }

  let me: ReplicaID
  let committee: Committee
  let settings: IstanbulSettings
  let quorum: Int

  // The chain.
  public internal(set) var state: ReplicatedState
  /// The last blocks decided, for those who lack them.
  var blocks: SlotWindow<Block>
  /// The last block decided; before the first, genesis.
  var last: Block
  var mempool: Mempool

  // The instance: one height at a time.
  public internal(set) var round = Round(0)
  var accepted: Block?
  var prepares = Votes()
  var commits = Votes()
  var hasCommitted = false
  /// The last round of this height in which a block was prepared here, with that block, and the
  /// commits for it that come when the round is over.
  var prepared: Prepared?
  var lateCommits = Votes()
  /// The last round change of each replica, and the last round that this one began as proposer.
  var changes: [Received?]
  var hasChanges = false
  var lastBegun = Round(0)
  /// Rounds entered beyond the first of their heights.
  public internal(set) var viewChanges = 0

  // Messages for heights and rounds to come.
  var early: EarlyMessages<Message>

  // Catching up.
  var fetch = BlockFetch(span: Self.blocksPerRequest)
  var recovery: Recovery<Slot>?

  public typealias Block = IstanbulBlock

  struct Prepared: Sendable, BitwiseCopyable {
    var block: Block
    var round: Round
  }

  /// - Precondition: `problem(settings, n:)` is nil.
  public init(me: ReplicaID, committee: Committee, settings: IstanbulSettings) {
    if let problem = Self.problem(settings, n: committee.n) { preconditionFailure(problem) }
    self.me = me
    self.committee = committee
    self.settings = settings
    quorum =
      settings.weakness.contains(.quorumOfTwoF)
      ? 2 * committee.f
      : settings.weakness.contains(.quorumOfTwoFAndOne) ? 2 * committee.f + 1 : committee.quorum
    state = ReplicatedState(populations: settings.populations)
    last = Block(
      digest: Digest(0), height: Slot(0), batch: .none, time: 0,
      creator: UInt16(committee.n - 1))
    blocks = SlotWindow(size: settings.window, blank: last)
    mempool = Mempool(
      capacity: settings.mempool, eviction: settings.eviction, populations: settings.populations)
    changes = Array(repeating: nil, count: committee.n)
    early = EarlyMessages(room: Self.earlyRoom(n: committee.n))
  }

  public mutating func start(at now: LocalTime, _ effects: inout Effects<Self>) {
    enterHeight(at: now, &effects)
  }

  public mutating func upon(
    _ message: Message, from i: ReplicaID, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    switch message {
    case .transactions(let range): mempool.add(range, executed: state.executed)
    case .status(let decided, let isRecovering):
      answer(decided, isRecovering: isRecovering, from: i, &effects)
    case .fetchBlocks(let after): sendBlocks(after: after, to: i, &effects)
    case .state(_, let body): takeOver(body, at: now, &effects)
    case .prePrepare, .justified, .prepare, .commit, .roundChange, .block:
      if isTimely(message, from: i, &effects) { handle(message, from: i, at: now, &effects) }
    }
    replayEarly(at: now, &effects)
  }

  /// Takes a message of this height, and of this round unless its kind reaches further.
  mutating func handle(
    _ message: Message, from i: ReplicaID, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    switch message {
    case .prePrepare(let block, let r):
      guard isCurrent(r), r == Round(0), i == proposer(of: r) else { return }
      if let accepted {
        if r == round, accepted.digest != block.digest { effects.accuse(i) }
        return  // at most one a round
      }
      guard isFresh(block, by: i, at: now, effects) else { return }
      accept(block, in: r, at: now, &effects)

    case .justified(_, let r, let body): collectProposal(r, body, from: i, at: now, &effects)

    case .prepare(_, let r, let d):
      guard isCurrent(r), Rules.proposerPrepares || i != proposer(of: r) else { return }
      if prepares.add(i, for: d) == .contradicting, r == round { effects.accuse(i) }
      advance(at: now, &effects)

    case .commit(_, let r, let d):
      if let prepared, prepared.round == r, r < round {
        lateCommits.add(i, for: d)
        if lateCommits.count(for: prepared.block.digest) >= quorum {
          return decide(prepared.block, at: now, &effects)
        }
      }
      guard isCurrent(r) else { return }
      if commits.add(i, for: d) == .contradicting, r == round { effects.accuse(i) }
      advance(at: now, &effects)

    case .roundChange(_, let r, let body):
      collectRoundChange(r, body, from: i, at: now, &effects)
    case .block(let block): append(block, at: now, &effects)
    case .transactions, .status, .fetchBlocks, .state: break
    }
  }

  public mutating func upon(
    timeout timer: Timer, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    switch timer {
    case .block: blockIsDue(at: now, &effects)
    case .round: roundIsOverdue(at: now, &effects)
    case .sync: catchUp(&effects)
    }
    replayEarly(at: now, &effects)
  }
}

// MARK: - A round

extension Istanbul {
  /// The height being decided.
  public var height: Slot { last.height.next }

  /// Round robin from the replica after the one that made the last block.
  func proposer(of r: Round) -> ReplicaID {
    ReplicaID((Int(last.creator) + 1 + Int(r.number)) % committee.n)
  }

  func isCurrent(_ r: Round) -> Bool {
    r == round || (r < round && settings.weakness.contains(.acceptsStaleRounds))
  }

  /// Prepares that make a block prepared: of a quorum, or, where the proposer sends none because
  /// its pre-prepare stands for it, of a quorum without the proposer.
  var prepareQuorum: Int { Rules.proposerPrepares ? quorum : max(quorum - 1, 0) }

  /// The block period is over: the proposer of round 0 proposes, and in QBFT the round's time
  /// begins to run.
  mutating func blockIsDue(at now: LocalTime, _ effects: inout Effects<Self>) {
    guard round == Round(0) else { return }
    if !Rules.timesFromHead { armRoundTimer(&effects) }
    guard proposer(of: round) == me, accepted == nil, mayVote else { return }
    let block = makeBlock(at: now, &effects)
    effects.charge(settings.costs.sign)
    effects.broadcast(.prePrepare(block, r: round))
    accept(block, in: round, at: now, &effects)
  }

  /// Accepts that the proposer of this round proposes `block`, and says so to all.
  mutating func accept(
    _ block: Block, in r: Round, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    accepted = block
    if mayVote, Rules.proposerPrepares || proposer(of: r) != me {
      prepares.add(me, for: block.digest)
      if settings.isDurable { effects.write(voteBytes + bytes(ofContent: block.batch, effects)) }
      effects.charge(settings.costs.sign)
      effects.broadcast(.prepare(h: block.height, r: r, d: block.digest))
    }
    advance(at: now, &effects)
  }

  /// Commits to the accepted block once it is prepared, and appends it once a quorum has committed.
  mutating func advance(at now: LocalTime, _ effects: inout Effects<Self>) {
    guard let block = accepted else { return }
    let d = block.digest
    if !hasCommitted, mayVote, prepares.count(for: d) >= prepareQuorum {
      hasCommitted = true
      prepared = Prepared(block: block, round: round)
      lateCommits.clear()
      commits.add(me, for: d)
      if settings.isDurable { effects.write(prepareQuorum * voteBytes) }
      effects.charge(settings.costs.sign * 2)
      effects.broadcast(.commit(h: block.height, r: round, d: d))
    }
    if commits.count(for: d) >= quorum { decide(block, at: now, &effects) }
  }
}

// MARK: - What the observer sees

extension Istanbul {
  public var proposer: ReplicaID { proposer(of: round) }
  public var waiting: Int { mempool.count }
  public var evicted: Int { mempool.evicted }
  /// The last height decided here.
  public var decided: Slot { last.height }
}
