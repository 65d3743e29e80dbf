import Consensus
import Kernel
import Ledger
import Machines

/// Group PBFT: of N nodes at most `cap` endorsers run PBFT, and who they are is elected again and
/// again. After Lao et al., G-PBFT: A Location-based and Scalable Consensus Protocol for
/// IoT-Blockchain Applications, IPDPS 2020, and PBFT with reputation.
///
/// An era is PBFT among its endorsers; its last slot, which PBFT decides like any other, names the
/// next endorsers. Slots are numbered through all eras, and a view's number holds its era, so that
/// each message of PBFT says of which era it is.
public struct GroupPBFT: PBFTHost {
  public typealias Message = PBFT.Message
  public typealias Timer = PBFT.Timer
  public typealias Body = PBFT.Body
  public static var name: String { "group-pbft" }

  let me: ReplicaID
  let settings: Settings
  /// What all nodes know at the beginning.
  let genesis: Roster
  public internal(set) var core: PBFT
  /// Endorsers of the era, in the order of PBFT's replicas; and the place of each node among them.
  private var members: [UInt32]
  private var places: [Int32]
  /// Views left in former eras.
  private var formerChanges = 0
  /// What came of the next era before it began here.
  private var early: [(sender: ReplicaID, message: Message)] = []
  var inner: Effects<PBFT>?

  /// - Precondition: `settings.problem` is nil.
  public init(me: ReplicaID, settings: Settings) {
    if let problem = settings.problem { preconditionFailure(problem) }
    self.me = me
    self.settings = settings
    let roster = settings.genesis
    genesis = roster
    members = roster.members
    places = Self.places(members, nodes: settings.nodes)
    core = PBFT(
      me: ReplicaID(0), committee: Committee(n: members.count), settings: settings.ordering)
    core = makeFirst()
  }

  private static func places(_ members: [UInt32], nodes: Int) -> [Int32] {
    var places = [Int32](repeating: -1, count: nodes)
    for (k, node) in members.enumerated() { places[Int(node)] = Int32(k) }
    return places
  }

  private func makeFirst() -> PBFT {
    var first = PBFT(
      me: local(me), committee: Committee(n: members.count), settings: settings.ordering)
    first.term = PBFT.Term(
      roster: genesis, length: settings.era,
      forgetsHandover: settings.forgetsHandover,
      history: Array(repeating: .init(), count: 2 * settings.ordering.window))
    if !isEndorser { first.observe(believing, in: View(1 << Roster.viewBits - 1)) }
    return first
  }

  public var isEndorser: Bool { places[Int(me.index)] >= 0 }
  public var era: Int { Int(core.term?.roster.era ?? 0) }
  /// Nodes that endorse in this node's era, by seat.
  public var endorsers: [Int] { core.term?.roster.seats.map { Int($0) } ?? [] }
  /// Of all nodes, at the end of the last era.
  public var scores: [Int] { core.term?.roster.scores.map { Int($0) } ?? [] }

  /// Endorsers who say the same before another node believes it; as many tell it.
  private var believing: Int {
    settings.learning == .one ? 1 : core.committee.weakQuorum
  }

  /// PBFT's number of a node: of those outside of the committee, behind it.
  private func local(_ node: ReplicaID) -> ReplicaID {
    let place = places[Int(node.index)]
    return ReplicaID(place >= 0 ? Int(place) : members.count + Int(node.index))
  }

  func node(_ replica: ReplicaID) -> ReplicaID {
    let k = Int(replica.index)
    return ReplicaID(k < members.count ? Int(members[k]) : k - members.count)
  }

  public func start(at now: LocalTime, _ effects: inout Effects<Self>) {
    effects.arm(.status, after: core.settings.statusInterval)
  }

  public mutating func upon(
    _ message: Message, from i: ReplicaID, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    take(message, from: i, &effects)
  }

  private mutating func take(
    _ message: Message, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    let isMember = places[Int(i.index)] >= 0
    if let view = message.view {
      let (era, own) = (view.number >> Roster.viewBits, UInt32(era))
      if case .status(let status) = message, era != own || !isEndorser {
        let to = local(i)
        if era > own {
          core.term?.isBehind = true
          if isMember { core.term?.gone.add(to, for: Digest(0)) }
        }
        step(&effects) { core, inner in
          core.noteRecovery(status, from: to)
          if era <= own { core.answerAcross(status, to: to, &inner) }
        }
        return
      }
      if era > own { return keep(message, from: i) }
      guard era == own, isMember || message.isOpen else { return }
    } else {
      guard isMember || message.isOpen else { return }
    }
    let from = local(i)
    step(&effects) { $0.handle(message, from: from, &$1) }
  }

  private mutating func keep(_ message: Message, from i: ReplicaID) {
    core.term?.isBehind = true
    guard early.count < 4 * members.count * settings.ordering.pipeline else { return }
    early.append((i, message))
  }

  public mutating func upon(
    timeout timer: Timer, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    step(&effects) { $0.upon(timeout: timer, at: now, &$1) }
  }

  public mutating func upon(
    requests: TxRange, _ arrival: RequestArrival, at now: LocalTime,
    _ effects: inout Effects<Self>
  ) {
    let before = core.waiting
    step(&effects) { $0.upon(requests: requests, arrival, at: now, &$1) }
    // Whom the clients took for the primary may endorse no more.
    if !isEndorser, core.waiting > before, proposer != me {
      effects.forward(requests, to: proposer)
    }
  }

  public mutating func restart(
    keepsDisk: Bool, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    early.removeAll()
    if !keepsDisk {
      members = genesis.members
      places = Self.places(members, nodes: settings.nodes)
      core = makeFirst()
      // It may have endorsed in any era.
      core.recovery = Recovery(from: Slot(0))
    }
    step(&effects) { $0.restart(keepsDisk: true, at: now, &$1) }
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

  public var retainedSlots: Int { 2 * core.retainedSlots }
  /// The primary of its view; who does not endorse takes the first of the era for it.
  public var proposer: ReplicaID {
    isEndorser
      ? node(core.primary) : ReplicaID(Int(core.term?.roster.primary(0) ?? members[0]))
  }
  /// Views left in this era and in those before: an era is no view.
  public var viewChanges: Int { formerChanges + changes }
  private var changes: Int {
    isEndorser ? Int(core.view.number & (1 << Roster.viewBits - 1)) : 0
  }
  public var waiting: Int { core.waiting }
  public var evicted: Int { core.evicted }
  public var state: ReplicatedState { core.state }
  public var lastExecuted: Slot { core.lastExecuted }

  public static var hasInvalidProposals: Bool { true }

  /// A pre-prepare whose digest is not its batch's.
  public func invalidated(_ message: Message, _ effects: inout Effects<Self>) -> Message? {
    guard case .prePrepare(let v, let n, let d, let batch) = message else { return nil }
    return .prePrepare(v: v, n: n, d: Digest(~d.value), batch: batch)
  }

  /// Messages of a decision in the normal case: PBFT's among `endorsers`, and what the others learn
  /// it from. The slot that ends an era takes as many.
  public static func messages(nodes: Int, endorsers: Int, learning: LeaderSubset.Learning) -> Int {
    let tellers = learning == .one ? 1 : Committee(n: endorsers).weakQuorum
    return 2 * endorsers * (endorsers - 1) + tellers * (nodes - endorsers)
  }
}

extension PBFT.Message {
  /// The view that it names, if it does.
  fileprivate var view: View? {
    switch self {
    case .prePrepare(let v, _, _, _), .prepare(let v, _, _), .commit(let v, _, _): v
    case .viewChange(let v, _), .newView(let v, _): v
    case .status(let status): status.view
    case .checkpoint, .fetchBatch, .batch, .decided, .fetchState, .state: nil
    }
  }

  /// Taken from any node, not only from endorsers: it asks for something, or proves itself.
  fileprivate var isOpen: Bool {
    switch self {
    case .status, .fetchBatch, .fetchState, .state, .batch: true
    default: false
    }
  }
}

// MARK: - PBFT inside, and from era to era

extension GroupPBFT {
  private mutating func step(
    _ effects: inout Effects<Self>, _ body: (inout PBFT, inout Effects<PBFT>) -> Void
  ) {
    pass(&effects, body)
    while core.isOver { beginEra(&effects) }
  }

  /// Goes on with the committee that the state names.
  private mutating func beginEra(_ effects: inout Effects<Self>) {
    let wasPrimary = isEndorser && core.isPrimary
    formerChanges += changes
    let roster = genesis.read(core.state.configuration)
    members = roster.members
    places = Self.places(members, nodes: settings.nodes)
    core = core.successor(roster, me: local(me), believing: believing)
    for timer in [Timer.batch, .progress, .transfer] { effects.disarm(slot: timer.slot) }
    if wasPrimary, proposer != me {
      for range in core.mempool.waitingRanges { effects.forward(range, to: proposer) }
    }
    let before = early
    early.removeAll(keepingCapacity: true)
    pass(&effects) { core, inner in
      core.propose(&inner)
      core.watchProgress(&inner)
    }
    for (sender, message) in before { take(message, from: sender, &effects) }
  }

  /// To the endorsers, each beginning with its successor.
  func broadcast(_ message: Message, _ effects: inout Effects<Self>) {
    let first = Int(local(me).index) % members.count
    for k in 1...members.count {
      let to = ReplicaID(Int(members[(first + k) % members.count]))
      if to != me { effects.send(message, to: to) }
    }
  }

  /// The primary, and the endorsers after it as far as others need them, tell what was decided; the
  /// primary with the batch.
  func tell(_ decision: Effects<PBFT>.Decision, _ effects: inout Effects<Self>) {
    guard isEndorser else { return }
    let c = members.count
    let rank = (Int(core.me.index) + c - Int(core.primary.index)) % c
    guard rank < believing, settings.nodes > c, let entry = core.term?.decided(decision.slot)
    else { return }
    effects.charge(core.authenticating * Int64(settings.nodes - c))
    for node in places.indices where places[node] < 0 {
      effects.send(
        .decided(
          n: entry.slot, d: entry.digest, batch: entry.batch,
          isWhole: rank == 0 && entry.batch != .none), to: ReplicaID(node))
    }
  }
}
