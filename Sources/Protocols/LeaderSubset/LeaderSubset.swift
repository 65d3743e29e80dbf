import Consensus
import Kernel
import Ledger
import Machines

/// Leader-subset PBFT: l = ceil(N phi) trusted leaders run PBFT, the other nodes learn the result.
/// After Min, A Study on Modified Consensus Algorithm Considering Private Blockchain
/// Environment-based User Environment, 2020.
///
/// A leader is a replica of PBFT in a committee of l; a follower is one outside of it, which
/// executes what leaders say was decided, and asks them for what it lacks. Messages are PBFT's.
public struct LeaderSubset: PBFTHost {
  public typealias Message = PBFT.Message
  public typealias Timer = PBFT.Timer
  public typealias Body = PBFT.Body
  public static var name: String { "leader-subset-pbft" }

  /// What a follower believes.
  public enum Learning: String, Sendable, CaseIterable {
    /// One leader: the primary tells it.
    case one
    /// f + 1 leaders that say the same, one of whom is correct: as many tell it.
    case weakQuorum = "weak-quorum"
  }

  let me: ReplicaID
  let nodes: Int
  let leaders: Committee
  let learning: Learning
  public internal(set) var core: PBFT
  var inner: Effects<PBFT>?

  /// - Precondition: `settings.problem(n: leaders)` is nil.
  public init(
    me: ReplicaID, nodes: Int, leaders: Int, learning: Learning, settings: PBFT.Settings
  ) {
    self.me = me
    self.nodes = nodes
    self.leaders = Committee(n: leaders)
    self.learning = learning
    core = PBFT(me: me, committee: self.leaders, settings: settings)
    if !isLeader { core.observe(self.believing) }
  }

  public var isLeader: Bool { Int(me.index) < leaders.n }

  /// Leaders who say the same before a follower believes it; as many tell it.
  private var believing: Int {
    switch learning {
    case .one: 1
    case .weakQuorum: leaders.weakQuorum
    }
  }

  public func start(at now: LocalTime, _ effects: inout Effects<Self>) {
    effects.arm(.status, after: core.settings.statusInterval)
  }

  public mutating func upon(
    _ message: Message, from i: ReplicaID, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    pass(&effects) { $0.upon(message, from: i, at: now, &$1) }
  }

  public mutating func upon(
    timeout timer: Timer, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    pass(&effects) { $0.upon(timeout: timer, at: now, &$1) }
  }

  public mutating func upon(
    requests: TxRange, _ arrival: RequestArrival, at now: LocalTime,
    _ effects: inout Effects<Self>
  ) {
    pass(&effects) { $0.upon(requests: requests, arrival, at: now, &$1) }
  }

  public mutating func restart(
    keepsDisk: Bool, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    if !keepsDisk, !isLeader {
      core = PBFT(me: me, committee: leaders, settings: core.settings)
      core.observe(believing)
    }
    let keeps = keepsDisk || !isLeader  // a follower has no vote that it could contradict
    pass(&effects) { $0.restart(keepsDisk: keeps, at: now, &$1) }
  }

  public func bytes(of message: Message, _ effects: borrowing Effects<Self>) -> Int {
    core.bytes(of: message, in: effects)
  }

  public mutating func work(
    upon message: Message, bytes: Int, _ effects: borrowing Effects<Self>
  ) -> Work {
    core.work(upon: message, bytes: bytes, in: effects)
  }

  public func work(uponRequests count: Int, bytes: Int) -> Work {
    core.work(uponRequests: count, bytes: bytes)
  }

  public var retainedSlots: Int { core.retainedSlots }
  public var proposer: ReplicaID { core.believing == nil ? core.proposer : ReplicaID(0) }
  public var viewChanges: Int { core.believing == nil ? core.viewChanges : 0 }
  public var waiting: Int { core.waiting }
  public var evicted: Int { core.evicted }
  public var state: ReplicatedState { core.state }
  public var lastExecuted: Slot { core.lastExecuted }

  /// Messages of a decision in the normal case: PBFT's among the leaders, and what followers learn
  /// it from.
  public static func messages(nodes: Int, leaders: Int, learning: Learning) -> Int {
    let committee = Committee(n: leaders)
    let tellers = learning == .one ? 1 : committee.weakQuorum
    return 2 * leaders * (leaders - 1) + tellers * (nodes - leaders)
  }
}

// MARK: - PBFT inside

extension LeaderSubset {
  /// Leaders are the first nodes, in PBFT's order.
  func node(_ replica: ReplicaID) -> ReplicaID { replica }

  /// To the leaders, each beginning with its successor.
  func broadcast(_ message: Message, _ effects: inout Effects<Self>) {
    for k in 1...leaders.n {
      let to = ReplicaID((Int(me.index) + k) % leaders.n)
      if to != me { effects.send(message, to: to) }
    }
  }

  /// The primary, and the leaders after it as far as followers need them, tell what was decided;
  /// the primary with the batch.
  func tell(_ decision: Effects<PBFT>.Decision, _ effects: inout Effects<Self>) {
    guard isLeader else { return }
    let rank = (Int(me.index) + leaders.n - Int(core.primary.index)) % leaders.n
    guard rank < believing, nodes > leaders.n else { return }
    let isNull = decision.batch == .none
    let d = isNull ? Digest(0) : effects.batches[decision.batch].digest
    effects.charge(core.authenticating * Int64(nodes - leaders.n))
    for follower in leaders.n..<nodes {
      effects.send(
        .decided(n: decision.slot, d: d, batch: decision.batch, isWhole: rank == 0 && !isNull),
        to: ReplicaID(follower))
    }
  }
}
