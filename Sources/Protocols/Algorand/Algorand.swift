import Consensus
import Kernel
import Ledger
import Machines

/// Algorand's Byzantine agreement with cryptographic sortition, after the Algorand Byzantine Fault
/// Tolerance Protocol Specification (algorandfoundation/specs, abft.md); Gilad et al., SOSP 2017.
///
/// This file is a replica's state and a period: filtering, certifying, commitment. Rounds, periods
/// and recovery, the chain, and catching up have their own. Names are the specification's: round
/// `r`, period `p`, step `s`, proposal-value `d`. `Algorand.md` lists the deviations.
public struct Algorand: ConsensusProtocol {
  public typealias Message = AlgorandMessage
  public typealias Timer = AlgorandTimer
  public typealias Body = AlgorandBody
  public typealias Block = AlgorandBlock

  public static var name: String { "algorand" }
  /// The bottom proposal.
  public static var bottom: Digest { Digest(0) }

  let me: ReplicaID
  let committee: Committee
  let settings: AlgorandSettings
  /// Units of each account.
  let stakes: [Int]

  // The chain.
  public internal(set) var state: ReplicatedState
  var last: Block
  /// Of the last two blocks.
  public internal(set) var seeds: AlgorandSeeds
  /// The last blocks decided, for those who lack them, and at the same places their cert bundles.
  var blocks: SlotWindow<Block>
  var certificates: [Certificate]
  var mempool: Mempool
  /// The block that this replica proposes in this round, if it does.
  var own = BatchHandle.none

  // The period.
  public internal(set) var period: UInt16 = 0
  public internal(set) var step = Step.soft
  /// The last step of the period before.
  var lastConcluding = Step.soft
  /// When the period began, on the replica's clock.
  var began = LocalTime(nanoseconds: 0)
  /// Timeouts of fast recovery in this period so far.
  var fastRecoveries = 0
  /// When the next timeouts are due, on the replica's clock: a restart must know.
  var stepDue = LocalTime(nanoseconds: 0)
  var fastDue = LocalTime(nanoseconds: 0)
  /// Periods p - 1, p and p + 1, each at its number modulo 3.
  var observed: [PeriodVotes] = [PeriodVotes(0), PeriodVotes(1), PeriodVotes(2)]
  /// Valid blocks of this round.
  var payloads: [Block] = []
  /// Arrival of the least credential in the last rounds, after their begin, newest at the end.
  var arrivals = CredentialArrivals()
  /// Periods entered beyond the first of their rounds.
  public internal(set) var viewChanges = 0

  // Catching up.
  var early: EarlyMessages<Message>
  var fetch = BlockFetch(span: Self.blocksPerRequest)
  var recovery: Recovery<Slot>?

  /// The votes that certify a decided block.
  struct Certificate: Sendable {
    var period: UInt16 = 0
    var votes: [AlgorandVote] = []
  }

  /// - Precondition: `settings.problem(n:)` is nil.
  public init(me: ReplicaID, committee: Committee, settings: AlgorandSettings) {
    if let problem = settings.problem(n: committee.n) { preconditionFailure(problem) }
    self.me = me
    self.committee = committee
    var effective = settings
    if settings.weakness.contains(.quorumOfThird) {
      effective.committees = settings.committees.weakened
    }
    self.settings = effective
    stakes = settings.stakes(n: committee.n)
    state = ReplicatedState(populations: settings.populations)
    last = Block(digest: Digest(0), round: Slot(0), batch: .none, proposer: 0, period: 0)
    let genesis = Digest(settings.genesis)
    seeds = AlgorandSeeds(older: genesis, newer: genesis.followed(by: genesis))
    blocks = SlotWindow(size: settings.window, blank: last)
    certificates = Array(repeating: Certificate(), count: settings.window)
    mempool = Mempool(
      capacity: settings.mempool, eviction: settings.eviction, populations: settings.populations)
    early = EarlyMessages(room: Self.earlyRoom(n: committee.n))
    payloads.reserveCapacity(committee.n)
  }

  public mutating func start(at now: LocalTime, _ effects: inout Effects<Self>) {
    enterRound(at: now, &effects)
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
    case .propose, .payload, .vote, .bundle, .block:
      if isTimely(message, from: i, &effects) { handle(message, from: i, at: now, &effects) }
    }
    replayEarly(at: now, &effects)
  }

  /// Takes a message of this round.
  mutating func handle(
    _ message: Message, from i: ReplicaID, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    switch message {
    case .propose(let d, let priority, _, let p, let repeats):
      let weight = weight(of: i, p: p, s: .propose)
      guard isRelevant(p, .propose), weight > 0, d != Self.bottom, p > 0 || !repeats,
        priority == self.priority(of: i, p: p, weight: weight)
      else { return }
      propose(
        PeriodVotes.Proposal(priority: priority, digest: d, voter: i, repeats: repeats),
        p, at: now, &effects)
    case .payload(let block): keep(block, at: now, &effects)
    case .vote(let d, _, let weight, let p, let s):
      guard isRelevant(p, s), mayBe(d, at: s), weight > 0,
        Int(weight) == self.weight(of: i, p: p, s: s)
      else { return }
      count(i, d, p, s, weight: Int(weight), &effects)
      settle(p, s, from: i, at: now, &effects)
    case .bundle(_, let body): observe(body, from: i, at: now, &effects)
    case .block(_, let body): append(body, at: now, &effects)
    case .transactions, .status, .fetchBlocks, .state: break
    }
  }

  public mutating func upon(
    timeout timer: Timer, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    switch timer {
    case .step:
      switch step {
      case .soft: filter(at: now, &effects)
      case .cert: reachDeadline(at: now, &effects)
      default: backOff(at: now, &effects)
      }
    case .fast: recoverFast(at: now, &effects)
    case .sync: catchUp(&effects)
    }
    replayEarly(at: now, &effects)
  }
}

// MARK: - A period

extension Algorand {
  /// The round being decided.
  public var round: Slot { last.round.next }

  /// Period `p`, which is at most one from this one, or begins now.
  subscript(p: UInt16) -> PeriodVotes {
    _read { yield observed[Int(p % 3)] }
    _modify { yield &observed[Int(p % 3)] }
  }

  mutating func admit(_ p: UInt16) {
    if self[p].period != p { self[p].reset(to: p) }
  }

  /// What period p - 1 left behind; nil in period 0.
  func before(_ p: UInt16) -> PeriodVotes? {
    p > 0 && self[p - 1].period == p - 1 ? self[p - 1] : nil
  }

  /// The rules by which votes are relayed: those near the present period and step.
  func isRelevant(_ p: UInt16, _ s: Step) -> Bool {
    guard p + 1 >= period, p <= period + 1 else { return false }
    guard s.isBackoff else { return true }
    if p > period { return false }
    let near = p == period ? step : lastConcluding
    return s.number + 1 >= near.number && s.number <= near.number + 1
  }

  /// Only steps that end a period may vote for bottom, and down votes for nothing else.
  func mayBe(_ d: Digest, at s: Step) -> Bool {
    d == Self.bottom ? s.endsPeriod && s != .late && s != .redo : s != .down && s != .propose
  }

  mutating func propose(
    _ proposal: PeriodVotes.Proposal, _ p: UInt16, at now: LocalTime,
    _ effects: inout Effects<Self>
  ) {
    admit(p)
    if let known = self[p].propose(proposal) {
      if known != proposal.digest { effects.accuse(proposal.voter) }
    } else if p == 0, period == 0, self[0].lowest?.voter == proposal.voter {
      arrivals.current = now - began
    }
  }

  mutating func count(
    _ i: ReplicaID, _ d: Digest, _ p: UInt16, _ s: Step, weight: Int,
    _ effects: inout Effects<Self>
  ) {
    admit(p)
    let k = self[p].place(of: s)
    if self[p][k].add(i, for: d, weight: weight) == .contradicting { effects.accuse(i) }
  }

  /// Acts on a bundle that the last vote at (p, s) completed.
  mutating func settle(
    _ p: UInt16, _ s: Step, from i: ReplicaID, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    let k = self[p].place(of: s)
    guard let d = self[p][k].bundled(settings.committees.of(s).threshold) else { return }
    let isEnough = s == .cert || s == .soft && settings.weakness.contains(.skipsCert)
    if isEnough { return commit(p, d, helper: i, at: now, &effects) }
    if s == .soft {
      if self[p].soft == nil { self[p].soft = d }
      if p > period { return enterPeriod(p, at: now, &effects) }
      return certify(at: now, &effects)
    }
    if d == Self.bottom {
      if self[p].nextBottomStep == nil { self[p].nextBottomStep = s }
    } else if self[p].nextValue == nil {
      self[p].nextValue = d
      self[p].nextValueStep = s
    }
    if p >= period { enterPeriod(p + 1, at: now, &effects) }
  }

  /// The filter timeout: soft-votes the least credential's value, or what was carried over.
  mutating func filter(at now: LocalTime, _ effects: inout Effects<Self>) {
    step = .cert
    armStep(at: now, deadline, &effects)
    let carried = settings.weakness.contains(.ignoresStartingValue) ? nil : before(period)
    if let value = carried?.startingValue {
      vote(value, .soft, at: now, &effects)
    } else if let lowest = self[period].lowest,
      !lowest.repeats || carried?.nextValue == lowest.digest
    {
      vote(lowest.digest, .soft, at: now, &effects)
    }
    certify(at: now, &effects)
  }

  func payload(_ d: Digest) -> Block? {
    for block in payloads where block.digest == d { return block }
    return nil
  }

  /// sigma(S, r, p), if its block is there.
  var committable: Digest? {
    guard let d = self[period].soft, payload(d) != nil else { return nil }
    return d
  }

  /// Cert-votes what has become committable, before the deadline.
  mutating func certify(at now: LocalTime, _ effects: inout Effects<Self>) {
    guard step <= .cert, let d = committable else { return }
    vote(d, .cert, at: now, &effects)
  }

  /// Votes once at a step, if selected, and takes what follows from its own vote.
  mutating func vote(
    _ d: Digest, _ s: Step, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    guard mayVote, !self[period].has(me, at: s) else { return }
    effects.charge(settings.prove)
    let p = period
    let weight = weight(of: me, p: p, s: s)
    guard weight > 0 else { return }
    effects.charge(settings.costs.sign)
    if settings.isDurable { effects.write(voteBytes) }
    effects.broadcast(.vote(d: d, r: round, weight: UInt32(weight), p: p, s: s))
    count(me, d, p, s, weight: weight, &effects)
    settle(p, s, from: me, at: now, &effects)
  }

  /// Keeps a valid block of this round; it may be what was waited for.
  mutating func keep(_ block: Block, at now: LocalTime, _ effects: inout Effects<Self>) {
    guard payload(block.digest) == nil, isWhole(block, effects) else { return }
    payloads.append(block)
    for k in 0..<3 where isRelevant(observed[k].period, .cert) {
      let p = observed[k].period
      let k = self[p].place(of: .cert)
      let threshold = settings.committees.of(.cert).threshold
      if self[p][k].bundled(threshold) == block.digest {
        return commit(p, block.digest, helper: me, at: now, &effects)
      }
    }
    certify(at: now, &effects)
  }

  /// A cert bundle commits its value; who lacks the block asks for it.
  mutating func commit(
    _ p: UInt16, _ d: Digest, helper: ReplicaID, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    guard let block = payload(d) else {
      if helper != me { noteAhead(round, of: helper, &effects) }
      return
    }
    let k = self[p].place(of: .cert)
    let place = Int(round.number) % settings.window
    certificates[place].period = p
    self[p][k].copyBundle(for: d, into: &certificates[place].votes)
    decide(block, at: now, &effects)
  }
}

// MARK: - What the observer sees

extension Algorand {
  /// Who holds the least credential that has come; before one has, who made the last block.
  public var proposer: ReplicaID {
    self[period].lowest?.voter ?? ReplicaID(Int(last.proposer))
  }
  public var waiting: Int { mempool.count }
  public var evicted: Int { mempool.evicted }
  /// The last round decided here.
  public var decided: Slot { last.round }
}
