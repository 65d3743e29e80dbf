import Consensus
import Kernel
import Ledger
import Machines

/// Snowman: repeated random sampling on a chain of blocks, after Team Rocket, Yin, Sekniqi, van
/// Renesse & Sirer, "Scalable and Probabilistic Leaderless BFT Consensus through Metastability",
/// arXiv 1906.08936 (Snowball: figure 6), and the engine of avalanchego.
///
/// This file is the state of a replica and what it does with a message. The tree of undecided
/// blocks, polls, building and fetching have their own. `Snowman.md` lists the deviations.
public struct Snowman: ConsensusProtocol {
  public typealias Message = SnowmanMessage
  public typealias Timer = SnowmanTimer
  public typealias Body = SnowmanBody
  public typealias Settings = SnowmanSettings
  public typealias Weakness = SnowmanSettings.Weakness

  public static var name: String { "snowman" }

  let me: ReplicaID
  let committee: Committee
  let settings: SnowmanSettings
  let alphaPreference: Int
  let alphaConfidence: Int

  // The chain.
  public internal(set) var state: ReplicatedState
  /// The last accepted block, then the undecided ones, each after its parent.
  var tree: [Node]
  /// Accepted blocks of the last heights, by height.
  var accepted: SlotWindow<Accepted>
  var mempool: Mempool
  /// The block on which this replica built last, and the one on which it waits to build.
  var builtOn: Digest?
  var waitsOn: Digest?
  public internal(set) var viewChanges = 0

  // Polls.
  var polls: [Poll]
  /// Answers to poll `p`, at `p * sample`.
  var answers: [Answer]
  var lastPoll: UInt16 = 0
  /// The other replicas, in an order that sampling changes.
  var others: [UInt16]
  /// Polls that this replica began, and those that failed to move it towards a decision.
  public internal(set) var begun = 0
  public internal(set) var failed = 0

  // Fetching.
  var fetches: [Fetch] = []
  /// Queries that wait for the block which they are about.
  var deferred: [Query] = []
  /// The tree has grown, so that answers and queries may have what they waited for.
  var hasNews = false
  /// A replica without memory gives no opinion before it knows what the others know.
  public internal(set) var isBootstrapping = false
  var candidate: Candidate?
  var remap: [Int32] = []

  struct Accepted: Sendable, BitwiseCopyable {
    var block: SnowmanBlock
    var digest: Digest
  }

  struct Query: Sendable, BitwiseCopyable {
    var wanted: Digest
    var height: Slot
    var sender: ReplicaID
    var poll: UInt16
  }

  /// - Precondition: `problem(settings, n:)` is nil.
  public init(me: ReplicaID, committee: Committee, settings: SnowmanSettings) {
    if let problem = Self.problem(settings, n: committee.n) { preconditionFailure(problem) }
    self.me = me
    self.committee = committee
    self.settings = settings
    let isHalf = settings.weakness.contains(.alphaOfHalf)
    alphaPreference = isHalf ? max(1, settings.sample / 2) : settings.alphaPreference
    alphaConfidence = isHalf ? max(1, settings.sample / 2) : settings.alphaConfidence
    state = ReplicatedState(populations: settings.populations)
    let genesis = SnowmanBlock(parent: Digest(0), batch: .none, time: 0, maker: 0)
    tree = [Node(block: genesis, digest: Digest(0), state: Digest(0), height: Slot(0), parent: -1)]
    tree.reserveCapacity(64)
    accepted = SlotWindow(
      size: settings.retained, blank: Accepted(block: genesis, digest: Digest(0)))
    mempool = Mempool(
      capacity: settings.mempool, eviction: settings.eviction, populations: settings.populations)
    polls = Array(repeating: Poll(), count: settings.concurrency)
    answers = Array(repeating: Answer(), count: settings.concurrency * settings.sample)
    others = (0..<committee.n).filter { $0 != Int(me.index) }.map { UInt16($0) }
    fetches.reserveCapacity(32)
    deferred.reserveCapacity(4 * committee.n)
    remap.reserveCapacity(64)
  }

  public mutating func start(at now: LocalTime, _ effects: inout Effects<Self>) {
    effects.arm(.gossip, after: settings.gossipInterval)
  }

  public mutating func upon(
    _ message: Message, from i: ReplicaID, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    switch message {
    case .transactions(let range): mempool.add(range, executed: state.executed)
    case .pushQuery(let block, let poll):
      issue(block, from: i, at: now, &effects)
      // Where the chain to the block is missing, the answer does not wait for it.
      let node = tree.last { $0.block == block }
      let height = node?.height ?? tree[0].height.next
      answer(
        Query(wanted: node?.digest ?? Digest(0), height: height, sender: i, poll: poll), &effects)
    case .pullQuery(let wanted, let height, let poll):
      let query = Query(wanted: wanted, height: height, sender: i, poll: poll)
      // Who asks about a height that is accepted here is behind: its block can wait.
      if knows(wanted) || height <= tree[0].height {
        answer(query, &effects)
      } else {
        deferQuery(query, &effects)
      }
    case .chits(let preferred, let atHeight, let accepted, let poll):
      collect(
        Answer(
          replica: UInt16(i.index), status: .waiting, preferred: preferred, atHeight: atHeight,
          accepted: accepted), poll: poll, from: i, &effects)
    case .get(let d):
      if let block = block(d) { effects.send(.put(block), to: i) }
    case .getAncestors(let d, let above): sendAncestors(of: d, above: above, to: i, &effects)
    case .put(let block): receive(block, from: i, at: now, &effects)
    case .state(let body): consider(body, &effects)
    }
    settle(at: now, &effects)
  }

  public mutating func upon(
    timeout timer: Timer, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    switch timer {
    case .poll(let p): close(Int(p), &effects)
    case .build: waitsOn = nil
    case .gossip: askForFrontier(&effects)
    case .fetch: retryFetches(&effects)
    }
    settle(at: now, &effects)
  }

  /// Does what the step has made possible: takes answers that waited for a block, gives those
  /// that were waited for, opens polls while something is undecided, and builds.
  mutating func settle(at now: LocalTime, _ effects: inout Effects<Self>) {
    while hasNews {
      hasNews = false
      answerDeferred(&effects)
      takeWaiting(&effects)
    }
    openPolls(&effects)
    build(at: now, &effects)
  }
}

// MARK: - Coming up again, and what the observer sees

extension Snowman {
  public mutating func restart(
    keepsDisk: Bool, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    if keepsDisk {
      for p in polls.indices { polls[p].isOpen = false }
      fetches.removeAll(keepingCapacity: true)
      deferred.removeAll(keepingCapacity: true)
      waitsOn = nil
    } else {
      // Polls of before the crash may still be answered.
      let number = lastPoll
      self = Snowman(me: me, committee: committee, settings: settings)
      lastPoll = number &+ 1024
      isBootstrapping = true
    }
    effects.arm(.gossip, after: settings.gossipInterval)
    askForFrontier(&effects)
    settle(at: now, &effects)
  }

  /// First on the list of the next height; without lists, who made the last accepted block.
  public var proposer: ReplicaID {
    settings.window == .zero
      ? ReplicaID(Int(tree[0].block.maker)) : ReplicaID(firstProposer(at: tree[0].height.next))
  }
  public var waiting: Int { mempool.count }
  public var evicted: Int { mempool.evicted }
  public var retainedSlots: Int { settings.retained + settings.processing + 2 }
  /// The last height accepted here, and how many blocks are undecided.
  public var height: Slot { tree[0].height }
  public var undecided: Int { tree.count - 1 }
}
