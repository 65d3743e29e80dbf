import Consensus
import Kernel
import Ledger
import Machines

/// Raft, after Ongaro & Ousterhout, USENIX ATC '14 (extended version), with pre-vote and the
/// leader's check of its quorum from Ongaro's thesis (Stanford 2014, §6.2, §9.6).
///
/// This file is the state of a server and what holds for all (figure 2, Rules for Servers).
/// Elections (§5.2), replication (§5.3, §5.4), snapshots (§7) and clients (§8) have their own.
/// Servers may stop and come back with their disk; none lies. `Raft.md` lists the deviations.
public struct Raft: ConsensusProtocol {
  public static var name: String { "raft" }

  enum Role: Sendable { case follower, preCandidate, candidate, leader }

  let me: ReplicaID
  let committee: Committee
  let settings: Settings
  let majority: Int

  // Persistent on all servers.
  public internal(set) var currentTerm: UInt32 = 0
  var votedFor: ReplicaID?
  var log: Log

  // Volatile on all servers.
  var role = Role.follower
  public internal(set) var leader: ReplicaID?
  public internal(set) var commitIndex: UInt32 = 0
  public internal(set) var lastApplied: UInt32 = 0
  /// When a leader was last heard of; before the first, long ago.
  var heard: LocalTime?
  /// Who would vote for this server, or does.
  var votes = Tally()

  // On leaders, by server.
  var nextIndex: [UInt32]
  var matchIndex: [UInt32]
  /// Where a follower that refused is asked now, entry before the message's; nil: it keeps up. One
  /// question at a time, or each refusal of what was under way would ask the same again.
  var probe: [UInt32?]
  /// Whether a follower has answered since the last heartbeat.
  var isHeard: [Bool]
  /// Who has answered since the election timer was last armed.
  var answered = Tally()
  /// First index of the leader's own term: what is before it commits with it (§5.4.2).
  var termStart: UInt32 = 0

  // The machine, and the last snapshot of it.
  public internal(set) var state: ReplicatedState
  var snapshot: Snapshot
  var mempool: Mempool
  var isBatchTiming = false
  var isBatchDue = false

  /// The state after an entry, from which a log may begin.
  struct Snapshot: Sendable {
    var index: UInt32
    var term: UInt32
    var state: ReplicatedState
  }

  /// - Precondition: `settings.problem(n:)` is nil.
  public init(me: ReplicaID, committee: Committee, settings: Settings) {
    if let problem = settings.problem(n: committee.n) { preconditionFailure(problem) }
    self.me = me
    self.committee = committee
    self.settings = settings
    majority = settings.weakness.contains(.quorumOfHalf) ? committee.n / 2 : committee.quorum
    log = Log()
    nextIndex = Array(repeating: 1, count: committee.n)
    matchIndex = Array(repeating: 0, count: committee.n)
    probe = Array(repeating: nil, count: committee.n)
    isHeard = Array(repeating: true, count: committee.n)
    mempool = settings.mempool
    state = ReplicatedState(populations: settings.mempool.populations)
    snapshot = Snapshot(index: 0, term: 0, state: state)
  }

  public mutating func start(at now: LocalTime, _ effects: inout Effects<Self>) {
    awaitLeader(&effects)
  }

  public mutating func upon(
    _ message: Message, from i: ReplicaID, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    switch message {
    case .preVote(let term, let index, let last):
      answerPreVote(term, index, last, from: i, at: now, &effects)
    case .preVoteReply(let term, let granted): count(preVote: granted, term, from: i, &effects)
    case .requestVote(let term, let index, let last):
      answerVote(term, index, last, from: i, at: now, &effects)
    case .requestVoteReply(let term, let granted): count(vote: granted, term, from: i, &effects)
    case .heartbeat(let term, let index, let previous, let commit):
      guard follow(i, in: term, at: now, &effects) else { return }
      guard accepts(index, previous, from: i, &effects) else { return }
      finishAppend(through: index, commit, from: i, &effects)
    case .append(let term, let index, let previous, let commit, let batch):
      guard follow(i, in: term, at: now, &effects) else { return }
      guard accepts(index, previous, from: i, &effects) else { return }
      let isNew = take(Entry(term: term, batch: batch), at: index + 1, &effects)
      if isNew, settings.isDurable { effects.write(bytes(ofEntry: batch, effects)) }
      finishAppend(through: index + 1, commit, from: i, &effects)
    case .appendMany(let term, let index, let previous, let commit, let body):
      guard follow(i, in: term, at: now, &effects) else { return }
      guard case .entries(let entries) = effects.body(body) else { return }
      guard accepts(index, previous, from: i, &effects) else { return }
      append(entries, after: index, commit, from: i, &effects)
    case .appendReply(let term, let matches, let index, let previous):
      upon(reply: matches, index, previous, term, from: i, &effects)
    case .installSnapshot(let term, let index, let last, let body):
      guard follow(i, in: term, at: now, &effects) else { return }
      install(body, index, last, from: i, &effects)
    }
  }

  public mutating func upon(
    timeout timer: Timer, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    switch timer {
    case .election: role == .leader ? checkQuorum(&effects) : beginElection(&effects)
    case .heartbeat: beat(&effects)
    case .batch:
      isBatchTiming = false
      isBatchDue = true
      propose(&effects)
    }
  }

  public mutating func restart(
    keepsDisk: Bool, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    if !keepsDisk { self = Raft(me: me, committee: committee, settings: settings) }
    role = .follower
    leader = nil
    heard = nil
    isBatchTiming = false
    isBatchDue = false
    votes.clear()
    mempool.giveBackAll()
    awaitLeader(&effects)
  }
}

// MARK: - Rules for all servers

extension Raft {
  /// Enters `term` as a follower of nobody, if it is newer.
  mutating func observe(_ term: UInt32, _ effects: inout Effects<Self>) {
    guard term > currentTerm else { return }
    currentTerm = term
    votedFor = nil
    if settings.isDurable { effects.write(settings.sizes.number * 2) }
    stepDown(&effects)
  }

  /// Becomes a follower that waits for a leader.
  mutating func stepDown(_ effects: inout Effects<Self>) {
    if role == .leader {
      effects.disarm(slot: Timer.heartbeat.slot)
      stopBatchTimer(&effects)
      mempool.giveBackAll()
    }
    role = .follower
    leader = nil
    votes.clear()
    awaitLeader(&effects)
  }

  /// Takes `i` for the leader of `term`, of which a message of it has come; false if it is old.
  mutating func follow(
    _ i: ReplicaID, in term: UInt32, at now: LocalTime, _ effects: inout Effects<Self>
  ) -> Bool {
    guard term >= currentTerm else {
      effects.send(
        .appendReply(term: currentTerm, matches: false, index: 0, previous: 0), to: i)
      return false
    }
    observe(term, &effects)
    // Only a candidate of the same term can hear of its leader and not yet follow it.
    role = .follower
    heard = now
    awaitLeader(&effects)
    if leader != i {
      leader = i
      forwardAll(&effects)
    }
    return true
  }

  /// Arms the election timer: T to 2T from now.
  mutating func awaitLeader(_ effects: inout Effects<Self>) {
    let t = settings.electionTimeout.nanoseconds
    let drawn = Int64(effects.random.below(UInt64(max(t, 1))))
    effects.arm(.election, after: SimDuration(nanoseconds: t + drawn))
  }

  /// Applies what is committed, in order.
  mutating func applyCommitted(_ effects: inout Effects<Self>) {
    while lastApplied < commitIndex {
      let index = lastApplied + 1
      guard let entry = log.entry(index) else { return }
      lastApplied = index
      apply(entry.batch, &effects)
      effects.decide(
        Effects<Self>.Decision(
          slot: Slot(index), batch: entry.batch, state: state.digest,
          transactions: state.transactions))
      if Int(index) - Int(snapshot.index) >= settings.snapshotCount {
        takeSnapshot(index, entry.term)
      }
    }
  }

  private mutating func apply(_ batch: BatchHandle, _ effects: inout Effects<Self>) {
    guard batch != .none else { return state.executeNull() }
    let fresh = state.execute(batch, from: effects.batches)
    for k in 0..<effects.batches.rangeCount(of: batch) {
      mempool.decided(effects.batches.range(k, of: batch))
    }
    effects.charge(settings.costs.execution * Int64(fresh))
  }
}

// MARK: - What the observer sees

extension Raft {
  /// Who it takes for the leader; nobody's successor in name while there is none.
  public var proposer: ReplicaID { leader ?? ReplicaID(Int(currentTerm) % committee.n) }
  public var viewChanges: Int { max(Int(currentTerm) - 1, 0) }
  public var waiting: Int { mempool.count }
  public var evicted: Int { mempool.evicted }
  public var retainedSlots: Int { 2 * settings.snapshotCount + settings.pipeline }
  /// Whether it leads its term.
  public var isLeader: Bool { role == .leader }
  /// Index of the last entry of the log.
  public var lastLogIndex: UInt32 { log.lastIndex }
}
