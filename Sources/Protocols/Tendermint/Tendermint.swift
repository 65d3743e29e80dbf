import Consensus
import Kernel
import Ledger
import Machines

/// Tendermint, after Buchman, Kwon and Milosevic, "The latest gossip on BFT consensus" (arXiv
/// 1807.04938), and CometBFT v0.34.
///
/// This file is the state of a replica and Algorithm 1. Names are the paper's: height `h`, round
/// `r`, value id `d` = id(v), step, locked and valid value and round; line numbers are those of
/// Algorithm 1. `Tendermint.md` lists the deviations.
public struct Tendermint: ConsensusProtocol {
  public static var name: String { "tendermint" }

  let me: ReplicaID
  let committee: Committee
  /// Voters first, then those who only execute.
  let members: Int
  let settings: Settings
  /// Voting power of each voter; what makes a quorum, and what holds a correct replica.
  let powers: [Int64]
  let quorum: Int64
  let weakQuorum: Int64

  // Lines 2 to 8.
  public internal(set) var height = Height(1)
  public internal(set) var round = Round(0)
  public internal(set) var step = Step.newHeight
  public internal(set) var lockedValue = nilVote
  public internal(set) var lockedRound = Round.none
  public internal(set) var validValue = nilVote
  public internal(set) var validRound = Round.none
  var validBatch = BatchHandle.none

  public internal(set) var state: ReplicatedState
  var mempool: Mempool
  var schedule: ProposerSchedule
  /// Votes for this height, and for the next ones, which others may have begun before; and for the
  /// last, for those who are not here yet.
  var votes = HeightVotes(Height(1))
  var early: [HeightVotes]
  var past = HeightVotes(Height(0))
  /// Who was shown to have contradicted itself.
  var accused = InlineArray<8, UInt64>(repeating: 0)
  /// Rounds entered beyond the first of each height.
  var roundChanges = 0
  /// Waits for transactions before it begins round 0 (no empty blocks).
  var isIdle = false

  // Catching up.
  var history = SlidingArray<DecidedBlock>()
  /// Heights before the first that this replica ever kept.
  var historyOffset = 0
  var ahead: [DecidedBlock] = []
  var snapshots: [KeptState] = []
  var sync: Sync?
  var recovery: Recovery<Height>?
  var isStalled = false
  var heightAtTick = Height(0)
  /// Whom to ask next.
  var nextHelper: ReplicaID

  // Gossip.
  var peers: Peers

  /// - Precondition: `settings.problem(n:)` is nil.
  public init(me: ReplicaID, committee: Committee, settings: Settings, seed: UInt64) {
    if let problem = settings.problem(n: committee.n) { preconditionFailure(problem) }
    self.me = me
    self.committee = committee
    self.settings = settings
    members = committee.n + settings.fullNodes
    powers = settings.powers(n: committee.n)
    let total = powers.reduce(0, +)
    let faulty = (total - 1) / 3
    quorum = settings.weakened(quorum: (total + faulty + 2) / 2, faulty: faulty)
    weakQuorum = faulty + 1
    state = ReplicatedState(populations: settings.populations)
    mempool = Mempool(
      capacity: settings.mempool, eviction: settings.eviction, populations: settings.populations)
    schedule = ProposerSchedule(powers)
    early = (2...5).map { HeightVotes(Height($0)) }
    history.reserveCapacity(2 * settings.retained)
    nextHelper = ReplicaID((Int(me.index) + 1) % committee.n)
    peers = Peers(me, members: members, settings, seed: seed)
  }

  public mutating func start(at now: LocalTime, _ effects: inout Effects<Self>) {
    effects.arm(.status, after: settings.statusInterval)
    startGossip(&effects)
    // The chain begins when all nodes know that it does: at the genesis time.
    beginHeight(&effects)
  }

  public mutating func upon(
    _ message: Message, from i: ReplicaID, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    switch message {
    case .prevote(let h, let r, let d): collect(.prevote, h, r, d, of: i, from: i, &effects)
    case .precommit(let h, let r, let d): collect(.precommit, h, r, d, of: i, from: i, &effects)
    case .proposal(let h, let r, let vr, let d, let batch):
      let proposal = Proposal(digest: d, batch: batch, validRound: vr)
      receive(proposal, h, r, from: i, &effects)
    case .transactions(let range): receive(range, from: i, &effects)
    case .status(let status): note(status, from: i, &effects)
    case .votes(let d, let word): collect(word, d, from: i, &effects)
    case .hasVotes(let low, let high, let h, let r, let kindAndPair):
      peers.note(low, high, h, r, kindAndPair, of: i)
    case .part(let h, let r, let index, let d, let batch):
      receivePart(h, r, Int(index), d, batch, from: i, &effects)
    case .hasBlock(let h, let d): peers.noteBlock(h, d, of: i)
    case .fetchBlocks(let h): sendBlocks(from: h, to: i, &effects)
    case .block(_, let body): receiveBlock(body, &effects)
    case .state(_, let body): takeOver(body, &effects)
    }
  }

  public mutating func upon(
    timeout timer: Timer, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    switch timer {
    case .propose(let h, let r): timeoutPropose(h, r, &effects)
    case .prevote(let h, let r): timeoutPrevote(h, r, &effects)
    case .precommit(let h, let r): timeoutPrecommit(h, r, &effects)
    case .commit(let h):
      if h == height, step == .newHeight { beginRoundZero(&effects) }
    case .status: lookAround(&effects)
    case .sync: askForBlocks(&effects)
    case .gossip: gossip(at: now, &effects)
    case .announce: announce(&effects)
    }
  }
}

// MARK: - Algorithm 1, one function a rule

extension Tendermint {
  /// Lines 11 to 21.
  mutating func startRound(_ r: Round, _ effects: inout Effects<Self>) {
    if r > Round(0) { roundChanges += 1 }
    isIdle = false
    round = r
    step = .propose
    let k = votes.place(r)
    expectBlock(k, effects)
    tellStep(&effects)
    if proposerOf(height, r) == me, mayVote {
      propose(&effects)
    } else if votes[k].proposal == nil || content(of: votes[k].proposal) == nil {
      effects.arm(.propose(h: height, r: r), after: settings.propose.of(r))
    }
    advance(&effects)
  }

  /// Lines 22 to 33: prevotes for the proposal of the round, or for nil.
  private mutating func prevoteProposal(_ k: Int, _ effects: inout Effects<Self>) {
    guard step == .propose, let proposal = votes[k].proposal, content(of: proposal) != nil
    else { return }
    let d = proposal.digest
    let vr = proposal.validRound
    if vr == .none {
      let isFree = lockedRound == .none || lockedValue == d
      prevote(isValid(proposal, effects) && isFree ? d : Self.nilVote, &effects)
    } else if vr > .none, vr < round {
      let isUnchecked = settings.weakness.contains(.ignoresProofOfLock)
      guard isUnchecked || hasPolka(vr, d) else { return }
      let isStaleProofEnough = settings.weakness.contains(.acceptsStaleRounds)
      let isFree =
        isUnchecked || isStaleProofEnough || lockedRound <= vr || lockedValue == d
      prevote(isValid(proposal, effects) && isFree ? d : Self.nilVote, &effects)
    }
  }

  /// Lines 34 to 35.
  private mutating func timePrevotes(_ k: Int, _ effects: inout Effects<Self>) {
    guard step == .prevote, !votes[k].hasTimedPrevotes, votes[k].prevotes.power >= quorum
    else { return }
    votes[k].hasTimedPrevotes = true
    effects.arm(.prevote(h: height, r: round), after: settings.prevote.of(round))
  }

  /// Lines 36 to 43: locks what a quorum prevoted.
  private mutating func handlePolka(_ k: Int, _ effects: inout Effects<Self>) {
    guard step.rawValue >= Step.prevote.rawValue, !votes[k].hasHandledPolka,
      let d = votes[k].prevotes.majority(quorum), let batch = content(d, votes[k].proposal),
      isValid(Proposal(digest: d, batch: batch, validRound: .none), effects)
    else { return }
    votes[k].hasHandledPolka = true
    if step == .prevote {
      if !settings.weakness.contains(.forgetsLock) {
        lockedValue = d
        lockedRound = round
      }
      precommit(d, &effects)
    }
    validValue = d
    validRound = round
    validBatch = batch
    tellBlock(d, &effects)
  }

  /// Lines 44 to 46.
  private mutating func handleNilPolka(_ k: Int, _ effects: inout Effects<Self>) {
    guard step == .prevote, votes[k].prevotes.power(for: Self.nilVote) >= quorum else { return }
    precommit(Self.nilVote, &effects)
  }

  /// Lines 47 to 48.
  private mutating func timePrecommits(_ k: Int, _ effects: inout Effects<Self>) {
    guard !votes[k].hasTimedPrecommits, votes[k].precommits.power >= quorum else { return }
    votes[k].hasTimedPrecommits = true
    effects.arm(.precommit(h: height, r: round), after: settings.precommit.of(round))
  }

  /// Lines 49 to 54, for the round at position `k`. Whether it decided.
  private mutating func decideIfCommitted(_ k: Int, _ effects: inout Effects<Self>) -> Bool {
    guard let d = votes[k].precommits.majority(quorum),
      let batch = content(d, votes[k].proposal),
      isValid(Proposal(digest: d, batch: batch, validRound: .none), effects)
    else { return false }
    decide(
      DecidedBlock(
        height: height, digest: d, batch: batch, round: votes[k].round,
        voters: voters(of: d, votes[k].precommits)), &effects)
    return true
  }

  /// Lines 55 to 56.
  private mutating func skipAhead(_ k: Int, _ effects: inout Effects<Self>) -> Bool {
    let r = votes[k].round
    guard r > round, step != .newHeight, supporters(k) >= weakQuorum else { return false }
    startRound(r, &effects)
    return true
  }

  /// Lines 57 to 60.
  private mutating func timeoutPropose(_ h: Height, _ r: Round, _ effects: inout Effects<Self>) {
    guard h == height, r == round, step == .propose else { return }
    prevote(Self.nilVote, &effects)
    advance(&effects)
  }

  /// Lines 61 to 64.
  private mutating func timeoutPrevote(_ h: Height, _ r: Round, _ effects: inout Effects<Self>) {
    guard h == height, r == round, step == .prevote else { return }
    precommit(Self.nilVote, &effects)
    advance(&effects)
  }

  /// Lines 65 to 67.
  private mutating func timeoutPrecommit(_ h: Height, _ r: Round, _ effects: inout Effects<Self>) {
    guard h == height, r == round, step != .newHeight else { return }
    startRound(round.next, &effects)
  }

  /// Applies every rule whose condition may hold now, in the paper's order, until none does.
  mutating func advance(_ effects: inout Effects<Self>) {
    for k in votes.rounds.indices.reversed() where decideIfCommitted(k, &effects) { return }
    guard step != .newHeight else { return }
    for k in votes.rounds.indices.reversed() where skipAhead(k, &effects) { return }
    advanceRound(&effects)
  }

  /// The rules of the current round.
  private mutating func advanceRound(_ effects: inout Effects<Self>) {
    guard let k = votes.find(round) else { return }
    prevoteProposal(k, &effects)
    handlePolka(k, &effects)
    handleNilPolka(k, &effects)
    timePrevotes(k, &effects)
    timePrecommits(k, &effects)
    // A replica's own precommit may be the last that was missing.
    if votes[k].precommits.power >= quorum { _ = decideIfCommitted(k, &effects) }
  }

  /// A vote of round `r` was counted at position `k`: only its rules can have come to hold.
  mutating func advance(after kind: VoteKind, at k: Int, _ effects: inout Effects<Self>) {
    let r = votes[k].round
    if kind == .precommit, votes[k].precommits.power >= quorum, decideIfCommitted(k, &effects) {
      return
    }
    guard step != .newHeight else { return }
    if r > round {
      _ = skipAhead(k, &effects)
    } else if r < round {
      // A proof of lock may have become whole.
      if kind == .prevote, step == .propose { advanceRound(&effects) }
    } else if kind == .prevote {
      guard step != .propose, votes[k].prevotes.power >= quorum else { return }
      advanceRound(&effects)
    } else {
      timePrecommits(k, &effects)
    }
  }
}

// MARK: - What the observer sees

extension Tendermint {
  public var proposer: ReplicaID { schedule.peek(height, round) }
  public var viewChanges: Int { roundChanges }
  public var waiting: Int { mempool.count }
  public var evicted: Int { mempool.evicted }
  public var retainedSlots: Int { settings.retained }
}
