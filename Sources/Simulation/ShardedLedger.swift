import Kernel
import Ledger
import Machines
import Metrics
import Sharding
import Workloads

/// A ledger whose accounts are spread over shards, each run by a chain of any protocol: the members
/// beside the chains' replicas, and the clients.
///
/// A shard meets its chain at the boundary only: clients and members submit operations to it, and
/// each member learns from its own replica what was executed, and acts on it. What one shard must
/// prove to another, or to a client, its members send as bundles, one for each slot and receiver.
public final class ShardedLedger: Subsystem {
  var state: ShardedLedgerState

  public init(index: UInt16, name: String, settings: ShardedLedgerSettings, seed: UInt64) {
    state = ShardedLedgerState(index: index, name: name, settings: settings, seed: seed)
    super.init(index: index, name: name)
  }

  private init(copying other: ShardedLedger) {
    state = other.state
    super.init(index: other.index, name: other.name)
  }

  public override func copy() -> Subsystem { ShardedLedger(copying: self) }
  public override func branch(_ branch: UInt64) { state.branch(branch) }
  public override func start(_ world: inout World) { state.start(&world) }
  public override func handle(_ event: Event, _ world: inout World) { state.handle(event, &world) }
  public override func serve(_ event: Event, _ world: inout World) {
    state.serve(event, at: world.now, &world)
  }
  public override func rehost(_ role: Int, on place: Rehosting.Place?, _ world: inout World) {
    state.rehost(role, on: place, &world)
  }
  public override func nodeCrashed(_ node: NodeID, _ world: inout World) { state.crash(node) }
  public override func nodeRestarted(_ node: NodeID, keepsDisk: Bool, _ world: inout World) {
    state.restart(node, keepsDisk: keepsDisk, &world)
  }
  public override func label(of event: Event) -> String {
    ShardedLedgerState.Kind(rawValue: event.kind).map { "\($0)" } ?? "request"
  }
  public override var digest: Outcome.SubsystemDigest {
    Outcome.SubsystemDigest(
      subsystem: name, steps: state.steps, digest: state.stepDigest.value)
  }
  public override var occupancy: [Occupancy] { state.occupancy }
  public override func report(to outcome: inout Outcome, _ world: borrowing World) {
    state.report(to: &outcome, world)
  }

  /// Transfers with which their clients were not done within `bound` of `start` or submission,
  /// whichever is later, but for those whose client has vanished; and when the first was submitted.
  public func overdue(
    after start: SimTime, bound: SimDuration, until end: SimTime, _ world: borrowing World
  ) -> (count: Int, first: SimTime) {
    state.overdue(after: start, bound: bound, until: end, world)
  }

  /// Accounts, transfers and what the monitors found, as the shards have it now.
  public var ledger: ShardLedger { state.ledger }
}

/// The value that is the ledger, its members and its clients.
struct ShardedLedgerState: Sendable {
  enum Kind: UInt16 {
    /// The last transaction of a bundle arrives at a host.
    case arrival = 16
    /// A host looks at what has not been answered; tries an aborted transfer again; goes on with
    /// one whose client is gone. Payload: the transfer's number.
    case overdue, tryAgain, takeOver
    /// Accounts are placed anew; the next transfers of a trace are due.
    case relocation, traced
    /// An epoch ends. A new member asks for a part of the state, gets it, has waited too long.
    /// Payload: part, bytes.
    case epoch, stateRequest, stateRequestReceived, statePart, statePartReceived, stateOverdue
    /// Clients have thought enough. Payload: how many.
    case thought
    /// Members' bundle for a shard; the same, all of it received. Payload: source << 32 | bundle,
    /// sender << 32 | bytes.
    case bundle, bundleReceived
    /// Members' receipts for a client.
    case receipts
    /// To a member: the operations of its bundle are executed. To whoever sent it.
    case acknowledgement
    /// A member looks at what has not been acknowledged.
    case unacknowledged
    /// A client asks a member what came of a part. Payload: part, host. The answer. Payload: as
    /// `Answer` has it.
    case query, answer
    /// A client's transfers, for a member of the committee that is to see them through; from one
    /// member to another. Payload: host << 32 | first, count << 32 | bytes, as `OrderFlags`.
    case order, orderReceived
    /// That committee asks another for operations. Payload: as of a bundle, and the try.
    case demand, demandReceived
    /// A message between committees on its way. Payload: as the message has it, and
    /// kind << 32 | target.
    case relayed, relayedReceived
    /// A leader has gathered transfers to ask other committees for.
    case asking
  }

  /// With the yank, committees pass on what clients order, and ask each other for it.
  static func messageTypes(_ commit: CommitProtocol) -> [String] {
    let types = [
      "request", "retransmission", "query", "bundle", "receipts", "acknowledgement",
      "state_request", "state",
    ]
    return commit == .yank ? types + ["order", "demand"] : types
  }

  /// The first of them, which clients send.
  static var clientTypes: Int { 3 }

  /// An operation under its identity.
  struct Entry: Sendable, BitwiseCopyable {
    var operation: Operation
    /// Slot in which its shard executed it first; 0: not yet.
    var slot: UInt32 = 0
    /// What came of it.
    var verdict = Verdict.accepted
    var state = Part.State.idle
    /// Votes that must have come before a member may submit it.
    var votes: UInt16 = 0
    var needsAll = true
  }

  /// What is known of a part beside its state.
  struct News: Sendable, BitwiseCopyable {
    /// The newest identity that its client gave an operation: an index into `entries`, a number.
    var book = UInt32.max
    var number: UInt32 = 0
    /// Slot of the last operation on it; 0: none yet.
    var slot: UInt32 = 0
    var last = CommitEffects.Receipt(
      operation: Operation(.whole, part: 0), verdict: .accepted, state: .idle)
  }

  /// What members of a shard tell one other shard, or one host, of one slot.
  struct Bundle: Sendable, BitwiseCopyable {
    var slot: UInt32
    /// The shard, or the number of shards plus the host.
    var to: UInt16
    /// Operations for it, by number among those that the shard asks of it.
    var firstOperation: UInt32
    var operations: UInt32
    var firstVote: UInt32
    var votes: UInt32
    var firstReceipt: UInt32
    var receipts: UInt32
    /// Senders, by rank, that have an acknowledgement.
    var acknowledged: UInt64 = 0
  }

  /// What the shards' state machine has done: the same at every member, as far as it has come.
  struct ShardBooks: Sendable {
    /// Slots carried out so far.
    var position = 0
    /// First bundle of each slot.
    var firstBundle = SlidingArray<UInt32>()
    var bundles = SlidingArray<Bundle>()
    var votes = SlidingArray<CommitEffects.Vote>()
    var receipts = SlidingArray<CommitEffects.Receipt>()
    /// Transfers whose vote is over, and the first of each slot.
    var firstClosed = SlidingArray<UInt32>()
    var closed = SlidingArray<UInt32>()
    /// The observer's: transfers that each slot has committed, and the first of each slot.
    var firstCommitted = SlidingArray<UInt32>()
    var committed = SlidingArray<UInt32>()
    /// Members that have executed each slot: the observer's.
    var executedBy = SlidingArray<UInt16>()
    /// What it asks other shards for on behalf of clients: numbers of operations there.
    var demands: [Demand] = []
    var demanded: [UInt32] = []
    /// Operations carried out, and those of cross-shard transfers among them.
    var operations = 0
    var crossShard = 0
  }

  /// What a member waits to have acknowledged.
  struct Outstanding: Sendable, BitwiseCopyable {
    var bundle: UInt32
    var rank: UInt16
    var tries: UInt16
    var deadline: SimTime
  }

  /// Whom a member owes an acknowledgement.
  struct Owed: Sendable, BitwiseCopyable {
    var source: UInt16
    var bundle: UInt32
    var sender: UInt32
  }

  /// A member's knowledge of an operation that waits for votes.
  struct Ballot: Sendable, BitwiseCopyable {
    var population: UInt32 = .max
    var number: UInt32 = 0
    var needed: UInt16 = 0
    var needsAll = true
    var voted: UInt64 = 0
    var isRefused = false
    /// The member looks after the transfer: see `OpenOrder`.
    var isWatched = false
  }

  struct Member: Sendable {
    var shard: Int
    /// Index in its shard, as of its replica.
    var rank: Int
    var node: NodeID
    var lane: Int
    /// Nobody has it now: it is between two nodes.
    var isVacant = false
    /// Slots that its replica has executed.
    var position = 0
    /// It sends no proofs of slots up to this: it had lost its disk.
    var free = 0
    var proposer = 0
    /// Bundles that wait for a busy downlink.
    var receiving = 0
    var outstanding = SlidingArray<Outstanding>()
    var watching = SimTime.never
    /// Transfers that it sees through if nobody else does.
    var orders = SlidingArray<OpenOrder>()
    /// Transfers that it will ask for, as leader.
    var gathered: [UInt32] = []
    var owed: [Owed] = []
    /// By transfer; looked up, never walked.
    var ballots: [UInt32: Ballot] = [:]
    var processor = SimDuration.zero
  }

  struct Host: Sendable {
    var node: NodeID
    var population: UInt32
    var arrivals: PoissonArrivals?
    var clients: Int
    var think: Distribution?
    var accounts: AccountChoice
    var communities: CommunityChoice?
    /// For amounts, thinking, pauses and who vanishes, by number of the transfer.
    var key: UInt64
    var random: RandomStream
    var sent: RequestBook
    var answered: TxSet
    var watching = SimTime.never
    /// By shard: the transfers that it was to see through.
    var orders: [[UInt32]]
    /// The newest attempt at each transfer.
    var newest: [UInt32] = []
    /// Whether the client of each is gone.
    var isGone: [Bool] = []
    /// Whether its newest attempt is over and the next one is yet to come.
    var isPausing: [Bool] = []
    /// How often the newest request of each has been sent.
    var tries: [UInt8] = []
    /// When its client was done with each; `.never` until then.
    var closed: [SimTime] = []
    /// Whom it takes for the proposer of each shard.
    var contacts: [UInt16]
    /// Clients who would have submitted while the host was down.
    var stalled = 0
  }

  let index: UInt16
  let name: String
  let settings: ShardedLedgerSettings
  var ledger: ShardLedger
  var client: TransferClient
  var shards: [ShardBooks]
  var members: [Member]
  /// First member of each shard.
  let firstMember: [Int]
  var hosts: [Host]
  /// Operations by population of the run, from `settings.firstPopulation` on.
  var entries: [SlidingArray<Entry>]
  /// What each part waits for, and what came of its last operation; by part.
  var news: [News] = []
  var effects = CommitEffects()
  var traffic: Traffic
  var stepDigest = RunDigest()
  var steps: UInt64 = 0
  var legs: [Leg] = []
  var chosen: [AccountID] = []
  var buckets: [Bucket]
  var touched: [Int] = []
  /// Operations of one bundle that have all their votes, as population << 32 | number.
  var ready: [UInt64] = []
  var overdueOrders: [UInt32] = []
  var counts = Counts()
  var epochs: EpochBook
  /// Transfers that the last placement has seen; rows of the trace that were submitted.
  var placed = 0
  var traced = 0

  /// Effects of a slot for one receiver.
  struct Bucket: Sendable {
    var votes: [CommitEffects.Vote] = []
    var receipts: [CommitEffects.Receipt] = []
    var firstOperation: UInt32 = 0
    var operations: UInt32 = 0
    var numbers: [UInt32] = []
    var isTouched = false
  }

  struct Counts: Sendable {
    var attempts = 0
    var givenUp = 0
    var relocations = 0
    var askedToMove = 0
    var forged = 0
    var refused = [Int](repeating: 0, count: Verdict.allCases.count)
    var resent = 0
  }

  init(index: UInt16, name: String, settings: ShardedLedgerSettings, seed: UInt64) {
    self.index = index
    self.name = name
    self.settings = settings
    ledger = ShardLedger(
      settings.commit,
      balances: Array(repeating: settings.money.balance, count: settings.money.accounts),
      home: settings.home)
    client = TransferClient(settings.commit)
    shards = settings.shards.map { _ in ShardBooks() }
    var members: [Member] = []
    var first: [Int] = []
    for (s, shard) in settings.shards.enumerated() {
      first.append(members.count + settings.clients.hosts.count)
      for i in shard.nodes.indices {
        members.append(Member(shard: s, rank: i, node: shard.nodes[i], lane: shard.lanes[i]))
      }
    }
    self.members = members
    firstMember = first
    let clients = settings.clients
    hosts = clients.hosts.map { Host($0, settings, name: name, seed: seed) }
    let populations =
      settings.shards.count
      * ShardedLedgerSettings.populations(
        hosts: clients.hosts.count, shards: settings.shards.count)
    entries = Array(repeating: SlidingArray(), count: populations)
    traffic = Traffic(
      types: Self.messageTypes(settings.commit.commit), roles: members.count + clients.hosts.count)
    buckets = Array(repeating: Bucket(), count: settings.shards.count + clients.hosts.count)
    epochs = EpochBook(settings, members: members.count, seed: seed)
    for s in shards.indices {
      shards[s].firstBundle.append(0)
      shards[s].firstClosed.append(0)
      shards[s].firstCommitted.append(0)
      shards[s].executedBy.append(0)
    }
  }
}

// MARK: - Identities

extension ShardedLedgerState {
  var hostCount: Int { hosts.count }

  /// Population, among those of the chain of `shard`, of what a host asks first (0) or later (1).
  func population(ofHost host: Int, isLater: Bool) -> Int { isLater ? hostCount + host : host }

  /// Population, among those of a shard's chain, of what shard `source` asks of it.
  func population(ofShard source: Int) -> Int { 2 * hostCount + source }

  /// Index into `entries` of population `population` of the chain of `shard`.
  func book(_ population: Int, of shard: Int) -> Int {
    shard * ShardedLedgerSettings.populations(hosts: hostCount, shards: shards.count) + population
  }

  /// Gives `request` its identity: the next number of `population` at its shard.
  mutating func mint(
    _ request: CommitEffects.Request, _ population: Int, at time: SimTime, _ world: inout World
  ) -> UInt32 {
    let book = book(population, of: Int(request.shard))
    let number = entries[book].append(
      Entry(operation: request.operation, votes: request.votes, needsAll: request.needsAll))
    world.logs[settings.firstPopulation + book].submit(at: time)
    return UInt32(number)
  }

  /// Member `i` of shard `s`, as an index into `members`.
  func member(_ i: Int, of s: Int) -> Int { firstMember[s] - hostCount + i }
}
