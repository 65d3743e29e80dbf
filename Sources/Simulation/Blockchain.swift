import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Networking

/// A chain run by nodes that spread blocks: the nodes of one instance of protocol `P`.
public final class Blockchain<P: ChainProtocol>: Subsystem {
  var state: BlockchainState<P>
  /// How the state takes a step. A generic class has one method table for all `P`, whose entries
  /// are not specialised; functions that are taken where `P` is known are, and run four times as
  /// fast.
  private let handling: Step
  private let serving: Step

  typealias Step = @Sendable (inout BlockchainState<P>, Event, inout World) -> Void

  /// - Parameters:
  ///   - nodes: host of each node of the chain, in the order of the topology.
  ///   - lanes: lane of each, an index into `Machines.lanes`.
  ///   - genesis: the arena with the protocol's genesis block.
  public init(
    index: UInt16, name: String, nodes: [NodeID], lanes: [Int], protocols: [P],
    genesis: BlockArena, settings: BlockchainSettings, seed: UInt64
  ) {
    precondition(
      settings.topology.offsets.count == nodes.count + 1, "\(name): a topology of other nodes")
    state = BlockchainState(
      index: index, name: name, nodes: nodes, lanes: lanes, protocols: protocols,
      genesis: genesis, settings: settings, seed: seed)
    handling = { $0.handle($1, &$2) }
    serving = { $0.execute($1, at: $2.now, &$2) }
    super.init(index: index, name: name)
  }

  private init(copying other: Blockchain) {
    state = other.state
    handling = other.handling
    serving = other.serving
    super.init(index: other.index, name: other.name)
  }

  /// Directed connections that the chain needs: those of its topology, and one to each population.
  public static func connections(of topology: Topology, populations: Int) -> Int {
    topology.neighbours.count + populations
  }

  /// Senders of the chain: each node, and its interface for replies where they have one of their
  /// own, whose messages do not queue with the others.
  public static func senders(nodes: Int) -> Int { 2 * nodes }

  public override func copy() -> Subsystem { Blockchain(copying: self) }
  public override func branch(_ branch: UInt64) { state.branch(branch) }
  public override func renewLotteries(_ world: inout World) { state.renewLotteries(&world) }
  public override func start(_ world: inout World) { state.start(&world) }
  public override func handle(_ event: Event, _ world: inout World) {
    handling(&state, event, &world)
  }
  public override func serve(_ event: Event, _ world: inout World) {
    serving(&state, event, &world)
  }
  public override func nodeCrashed(_ node: NodeID, _ world: inout World) { state.crash(node) }
  public override func nodeRestarted(_ node: NodeID, keepsDisk: Bool, _ world: inout World) {
    state.restart(node, keepsDisk: keepsDisk, &world)
  }
  public override func label(of event: Event) -> String {
    event.kind == Boundary.submit
      ? "request" : ChainEvent.types[Int((event.kind & 255) - ChainEvent.inv)]
  }
  public override func progress(by measure: Milestone.Measure) -> Int? {
    switch measure {
    case .height: state.newestHeight
    case .view, .decisions: nil
    }
  }
  public override var digest: Outcome.SubsystemDigest { state.digest }
  public override var reversals: Int { state.books.reversals }
  public override var deepestReversal: Int {
    state.books.reorganisations.lastIndex { $0 > 0 } ?? 0
  }
  public override var contestedDepth: Int { state.contestedDepth }
  public override var occupancy: [Occupancy] { state.occupancy }
  public override var whole: UInt16? { state.settings.executor?.subsystem }
  public override func findings(_ world: borrowing World) -> [AgreementMonitor.Finding] {
    state.findings(world)
  }
  public override func report(to outcome: inout Outcome, _ world: borrowing World) {
    state.report(to: &outcome, world)
  }

  /// Makes room for `blocks` blocks of `parts` bundles in all, so that a run does not allocate.
  public func reserve(blocks: Int, parts: Int) {
    state.effects.blocks.reserve(blocks: blocks, parts: parts)
    state.books.reserve(blocks: blocks)
    state.known.reserve(blocks)
  }

  /// The nodes' protocol states as they are now, for tests and monitors.
  public var protocols: [P] { state.protocols }
  public var blocks: BlockArena { state.effects.blocks }
  /// What notes and blocks hold.
  public var content: P.Content { state.effects.content }
  public var traffic: Traffic { state.traffic }
  public var books: BlockchainBooks { state.books }
  /// Transactions in the mempool of `node`, and refused or evicted by all so far.
  public func waiting(at node: Int) -> Int { Int(state.nodes[node].waiting) }
  public var evicted: Int { state.evicted }
  /// What the observer says now of the chain that most nodes have adopted.
  public func summary() -> ChainSummary { state.summary() }
}

/// Events of a chain's own. Messages come first, in the order of `BlockchainTraffic.types`.
enum ChainEvent {
  static let inv: UInt16 = 16
  static let getData: UInt16 = 17
  static let block: UInt16 = 18
  static let compact: UInt16 = 19
  static let getTransactions: UInt16 = 20
  static let transactions: UInt16 = 21
  static let getBlocks: UInt16 = 22
  static let inventory: UInt16 = 23
  static let bundleInv: UInt16 = 24
  static let getBundle: UInt16 = 25
  static let bundle: UInt16 = 26
  /// A note; see `Blockchain+Notes`.
  static let note: UInt16 = 27
  /// One past the last message kind.
  static let messagesEnd: UInt16 = 28
  /// The lottery comes up. Payload: generation, template.
  static let lottery: UInt16 = 32
  /// A request may be overdue. Payload as of its message, then the attempt.
  static let blockOverdue: UInt16 = 33
  static let bundleOverdue: UInt16 = 34
  /// A step's outputs leave. Payload: epoch of the machine, number of outputs.
  static let departure: UInt16 = 35
  /// An upload that was lost would have arrived. Payload: generation.
  static let uploadEnd: UInt16 = 36
  /// What an adversary kept back leaves. Payload: epoch of the machine, handle.
  static let held: UInt16 = 37
  /// A node's timer runs out. Payload: generation.
  static let timer: UInt16 = 38
  /// Added to the kind of a message that waited for a busy downlink.
  static let received: UInt16 = 256

  static let types = [
    "inv", "getdata", "block", "cmpctblock", "getblocktxn", "blocktxn", "getblocks",
    "inventory", "inv_tx", "getdata_tx", "tx", "reply",
  ]
  static var reply: Int { types.count - 1 }
}

/// What a node asks of the engine at the completion of a step.
struct ChainOutput: Sendable, BitwiseCopyable {
  enum Kind: UInt8, BitwiseCopyable {
    /// Spread a block or a bundle to all peers but the one at `connection`; a block only to those
    /// whom `detail` names, unless it is 0.
    case spread, spreadBundle
    /// Send a message of kind `message` over `connection`.
    case send
    /// The node has received a block; has adopted a head; has a bundle that clients submitted.
    case know, adopt
    /// Gossip a note to those neighbours of its topic whom `detail` names, but the one whose place
    /// is `connection`.
    case gossip
  }
  var kind: Kind
  var message: UInt16 = 0
  var item: UInt32
  var connection: UInt32 = .max
  /// Fields of the message.
  var detail: UInt64 = 0
  var bytes = 0
}

/// The value that is the chain.
struct BlockchainState<P: ChainProtocol>: Sendable {
  /// A block message that waits for the node's upload.
  struct Upload: Sendable, BitwiseCopyable {
    var message: UInt16
    var item: UInt32
    var connection: UInt32
    var bytes: Int
  }

  /// What the engine keeps of a node.
  struct Node: Sendable {
    var machine: NodeID
    var lane: Int
    var digest = RunDigest()
    var steps: UInt64 = 0
    /// Messages that wait for a busy downlink; while there are any, none may pass them.
    var receiving: Int32 = 0
    /// Generations: what was scheduled under an older one is void.
    var lottery: UInt32 = 0
    var timer: UInt32 = 0
    /// Processor time of its steps, on the reference machine.
    var processor = SimDuration.zero
    /// The head as it is outside the node: what the lottery builds on, what peers are told.
    var template = BlockID.genesis
    /// The head that the mempool follows: as the node has it inside.
    var followed = BlockID.genesis
    /// The newest block that is deep enough at the node.
    var confirmed = BlockID.genesis
    /// The last block of an inventory whose continuation is to be asked for, and from whom.
    var syncUntil = BlockID.none
    var syncConnection = UInt32.max
    var isUploading = false
    var usesCompact = false
    var relayClass: UInt8 = 0
    var uploadGeneration: UInt32 = 0
    /// Transactions in the mempool; bundles before `cursor` are on the node's chain.
    var waiting: Int32 = 0
    var cursor: UInt32 = 0
    var outbox = SlidingArray<ChainOutput>()
    var uploads = SlidingArray<Upload>()
    var random: RandomStream
  }

  let index: UInt16
  let name: String
  let settings: BlockchainSettings
  let reverse: ReverseConnections
  /// Weights of missing shares, by class of compact relay.
  let missing: [AliasTable]
  let compact: CompactRelay?
  var protocols: [P]
  var nodes: [Node]
  var known: KnowledgeRows
  var bundles: BundleBook
  var knownBundles: KnowledgeRows
  var effects: ChainEffectsOf<P.Content>
  var notes = NoteBook()
  var outputs: [ChainOutput] = []
  var scratch: [BlockID] = []
  var traffic: Traffic
  var books: BlockchainBooks
  /// Node through which each population submits; -1 until it has.
  var gateways: [Int32]
  /// The links spare announcements that change nothing; see `foresees`.
  var foreseesDuplicates = false
  /// Some nodes are adversaries: the entries that name each node, what each draws, what they keep.
  let isAttacked: Bool
  let adversariesOf: [[Int]]
  var adversaryStreams: [RandomStream]
  var held = HeldOutputs<ChainOutput>()
  var evicted = 0

  init(
    index: UInt16, name: String, nodes machines: [NodeID], lanes: [Int], protocols: [P],
    genesis: BlockArena, settings: BlockchainSettings, seed: UInt64
  ) {
    self.index = index
    self.name = name
    self.settings = settings
    self.protocols = protocols
    reverse = ReverseConnections(settings.topology)
    nodes = machines.indices.map { i in
      Node(
        machine: machines[i], lane: lanes[i],
        random: RandomStream(seed: seed, purpose: "node of \(name)", entity: UInt64(i)))
    }
    let n = machines.count
    let asks = settings.requestTimeout != nil || settings.skipsAnnouncers
    let connections = settings.topology.neighbours.count
    known = KnowledgeRows(
      nodes: n, connections: asks && settings.blocks.announces ? connections : 0)
    knownBundles = KnowledgeRows(
      nodes: n, connections: asks && settings.transactions.announces ? connections : 0)
    let populations = settings.transactionSizes.populations
    bundles = BundleBook(populations: populations)
    effects = ChainEffectsOf(blocks: genesis, random: nodes[0].random)
    traffic = Traffic(types: ChainEvent.types + P.Content.noteKinds, roles: n)
    books = BlockchainBooks(nodes: n, populations: populations, genesis: genesis[.genesis].bytes)
    gateways = Array(repeating: -1, count: populations)
    if case .compact(let relay) = settings.blocks {
      compact = relay
      missing = relay.classes.map { AliasTable($0.missing) }
    } else {
      compact = nil
      missing = []
    }
    isAttacked = !settings.adversaries.isEmpty
    adversariesOf = isAttacked ? settings.adversaries.indices(of: n) : []
    adversaryStreams =
      isAttacked
      ? (0..<n).map {
        RandomStream(seed: seed, purpose: "adversary of \(name)", entity: UInt64($0))
      } : []
    outputs.reserveCapacity(256)
    scratch.reserveCapacity(1024)
    known.append()
    for i in 0..<n { known.set(.known, 0, i) }
    assignRelayClasses(seed: seed)
  }

  /// Deals out who uses compact blocks and who is in which class: exact shares, in random order.
  private mutating func assignRelayClasses(seed: UInt64) {
    guard let compact else { return }
    var stream = RandomStream(seed: seed, purpose: "relay classes of \(name)")
    var order = Array(nodes.indices)
    stream.shuffle(&order)
    for (k, i) in order.enumerated() {
      nodes[i].usesCompact = Double(k) < Double(nodes.count) * compact.users
    }
    stream.shuffle(&order)
    var next = 0
    var upTo = 0.0
    for (c, members) in compact.classes.enumerated() {
      upTo += members.share * Double(nodes.count)
      while next < nodes.count, Double(next) < upTo || c == compact.classes.count - 1 {
        nodes[order[next]].relayClass = UInt8(c)
        next += 1
      }
    }
  }
}
