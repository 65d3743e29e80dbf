import Consensus
import Kernel
import Ledger
import Machines

/// The consensus inside a RapidChain committee, after Zamani, Movahedi and Raykova, CCS 2018 (IACR
/// ePrint 2018/460), section 4.2, which rests on Ren, Nayak, Abraham and Devadas, 2017.
///
/// Up to f = floor((n - 1) / 2) of n members may lie, because messages between correct members take
/// at most Delta. This file is the state of a member and its clock. How blocks spread (IDA-gossip),
/// the rounds, the chain, and catching up have their own. `RapidChain.md` lists the deviations.
public struct RapidChain: ConsensusProtocol {
  public static var name: String { "rapidchain" }

  let me: ReplicaID
  let committee: Committee
  let settings: Settings
  /// Echoes that prove a header: the paper's m f + 1.
  let quorum: Int
  let neighbours: [ReplicaID]
  /// With `announce`, by attempt and set: the neighbours that have it.
  var announced: [UInt64]

  // Rounds. The iteration whose rounds run, or ran last, and the round that has begun.
  public internal(set) var iteration: UInt32 = 0
  var phase: UInt8 = 4
  /// The last iteration that began to gossip its block.
  var gossiping: UInt32 = 0
  var attempts: [Attempt]
  /// Iterations in which there was something to accept and this member accepted nothing.
  var failed = 0

  // The chain.
  /// The last header executed.
  var tip = Header.genesis
  public internal(set) var state: ReplicatedState
  /// The header of the latest iteration of which this member holds f + 1 echoes.
  var lock = Header.genesis
  /// Accepted, and not yet executed for lack of a block or header before it.
  var accepted: Header?
  /// Headers behind the tip.
  var candidates: [Candidate] = []
  var contents: [Content] = []
  /// Executed headers, by height modulo their number.
  var history: [Header]
  var snapshots: [Snapshot] = []
  var mempool: Mempool

  // Catching up.
  /// Came up again, and may not know of what was certified before: it proposes and echoes nothing.
  var isRecovering = false
  var isBehind = false
  var answers: [(from: ReplicaID, body: BodyHandle)] = []
  var nextHelper: ReplicaID
  var arrivals: [Arrival]

  /// What a member knows of an iteration.
  struct Attempt: Sendable {
    var iteration: UInt32 = 0
    var leader = ReplicaID(0)
    var pieces = (Pieces(), Pieces())
    /// The leader's header, the first that was seen, and a message body that has it.
    var header: Header?
    var id = Digest(0)
    var body = BodyHandle(index: 0)
    /// It came from the leader, before the second round.
    var isTimely = false
    /// The leader signed two headers, or roots.
    var contradiction: (Digest, Digest)?
    var echoes = Tally()
    var accepts = Tally()
    var isAccepted = false
    /// With `announce`: sets that were asked for, and how often those that lacked were again.
    var asked: UInt64 = 0
    var fetches = 0
  }

  struct Candidate: Sendable, BitwiseCopyable {
    var header: Header
    var id: Digest
    /// Its leader signed another for the same iteration: only a proof makes it worth a proposal.
    var isDoubtful = false
  }

  /// A copy of the state for those that lag behind. Its storage is used again.
  struct Snapshot: Sendable {
    var tip: Header
    var state: ReplicatedState
  }

  /// Iterations, counted back from now, of which late blocks are kept.
  static var memory: Int { 8 }
  static var ring: Int { 4 }

  /// - Precondition: `settings.problem(n:)` is nil.
  public init(me: ReplicaID, committee: Committee, settings: Settings) {
    if let problem = settings.problem(n: committee.n) { preconditionFailure(problem) }
    self.me = me
    self.committee = committee
    self.settings = settings
    quorum = settings.weakness.contains(.quorumOfF) ? committee.f : committee.quorum
    neighbours = CommitteeGraph.neighbours(
      of: me, n: committee.n, degree: settings.gossip.degree, seed: settings.seed)
    announced = Array(
      repeating: 0,
      count: settings.gossip.spread == .announce ? Self.ring * neighbours.count : 0)
    attempts = Array(repeating: Attempt(), count: Self.ring)
    arrivals = Array(repeating: Arrival(), count: Self.ring)
    state = ReplicatedState(populations: settings.mempool.populations)
    history = Array(repeating: .genesis, count: settings.retained)
    mempool = settings.mempool
    nextHelper = ReplicaID((Int(me.index) + 1) % committee.n)
    candidates.reserveCapacity(16)
    contents.reserveCapacity(16)
  }

  public mutating func start(at now: LocalTime, _ effects: inout Effects<Self>) {
    join(at: now, &effects)
  }

  public mutating func upon(
    _ message: Message, from i: ReplicaID, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    switch message {
    case .piece(let k, let batch, let group): collect(k, batch, Int(group), from: i, &effects)
    case .propose(let k, let body): hear(proposal: body, k, from: i, &effects)
    case .echo(let id, let body, let k): hear(echo: id, body, k, from: i, &effects)
    case .pending(let first, let second, let k):
      guard let a = place(k) else { return }
      expose(a, first, second, &effects)
    case .accept(let id, let body, let k): hear(accept: id, body, k, from: i, &effects)
    case .certified(_, let body, _): learnCertified(body, &effects)
    case .want(let root, let batch): sendBlock(root, batch, to: i, &effects)
    case .block(let batch): receive(batch, &effects)
    case .ask(let height, let helper):
      answer(height, isHelper: Int(helper) == me.index, i, &effects)
    case .answer(let body): collect(answer: body, from: i, &effects)
    case .have(let k, let batch, let group): hear(have: Int(group), of: batch, k, from: i, &effects)
    case .fetch(let k, let batch, let group): serve(k, batch, Int(group), to: i, &effects)
    }
  }

  public mutating func upon(
    timeout timer: Timer, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    switch timer {
    case .iteration(let k):
      gossiping = k
      effects.arm(.iteration(k: k + 1), after: start(of: k + 1) - now)
      disseminate(k, &effects)
    case .round(let k, let phase):
      begin(phase, of: k, &effects)
      if phase < 4 {
        let next = rounds(of: k) + settings.delta * Int64(phase + 1)
        effects.arm(.round(k: k, phase: phase + 1), after: next - now)
      } else {
        effects.arm(.round(k: k + 1, phase: 0), after: rounds(of: k + 1) - now)
      }
    case .catchUp: ask(&effects)
    case .fetch(let k): fetchAgain(k, &effects)
    }
  }
}

// MARK: - Time and leaders

extension RapidChain {
  /// When the leader of `k` begins to gossip its block, on every member's clock.
  func start(of k: UInt32) -> LocalTime {
    LocalTime(nanoseconds: settings.period.nanoseconds * Int64(k))
  }

  /// When the first round of `k` begins.
  func rounds(of k: UInt32) -> LocalTime { start(of: k) + max(settings.gossipTime, settings.delta) }

  /// Drawn from the epoch randomness, independently for each iteration.
  public func leader(of k: UInt32) -> ReplicaID {
    var stream = RandomStream(seed: settings.seed, purpose: "leader", entity: UInt64(k))
    return ReplicaID(Int(stream.below(UInt64(committee.n))))
  }

  /// Takes part from the next iteration on that begins on this clock.
  mutating func join(at now: LocalTime, _ effects: inout Effects<Self>) {
    let period = settings.period.nanoseconds
    let next = UInt32(max(now.nanoseconds, 0) / period) + 1
    let k = max(next, gossiping + 1)
    iteration = k - 1
    phase = 4
    effects.arm(.iteration(k: k), after: start(of: k) - now)
    effects.arm(.round(k: k, phase: 0), after: rounds(of: k) - now)
  }

  /// Where the attempt of iteration `k` stands; nil if it is past, or far ahead.
  mutating func place(_ k: UInt32) -> Int? {
    guard k >= 1, k + 1 >= iteration, k <= iteration + 2 else { return nil }
    let a = Int(k) % Self.ring
    if attempts[a].iteration == k { return a }
    attempts[a].iteration = k
    attempts[a].leader = leader(of: k)
    attempts[a].pieces = (Pieces(), Pieces())
    attempts[a].header = nil
    attempts[a].isTimely = false
    attempts[a].contradiction = nil
    attempts[a].echoes.clear()
    attempts[a].accepts.clear()
    attempts[a].isAccepted = false
    if !announced.isEmpty { forgetAnnounced(a) }
    return a
  }
}

// MARK: - Invalid proposals

extension RapidChain {
  /// Whether the root in `header` is that of the block it stands for.
  func isGenuine(_ header: Header, _ effects: borrowing Effects<Self>) -> Bool {
    if header.batch == .none { return header.root == Digest(0) }
    return !effects.batches.contains(header.batch)
      || effects.batches[header.batch].digest == header.root
  }

  public static var hasInvalidProposals: Bool { true }

  /// A header whose root is not that of the chunks.
  public func invalidated(_ message: Message, _ effects: inout Effects<Self>) -> Message? {
    guard case .propose(let k, let body) = message,
      case .proposal(var proposal) = effects.body(body)
    else { return nil }
    proposal.header.root = Digest(~proposal.header.root.value)
    return .propose(k: k, effects.store(.proposal(proposal)))
  }
}

// MARK: - What the observer sees

extension RapidChain {
  /// The leader whose block is gossiped, or was last.
  public var proposer: ReplicaID { leader(of: max(gossiping, 1)) }
  public var viewChanges: Int { failed }
  public var waiting: Int { mempool.count }
  public var evicted: Int { mempool.evicted }
  public var retainedSlots: Int { settings.retained }
  /// Blocks executed.
  public var height: Int { Int(tip.height) }
}
