import Consensus
import Kernel
import Ledger
import Machines
import Metrics

/// An off-chain store of records whose digests are anchored on a chain, in batches under a Merkle
/// root.
///
/// Ingest nodes make records, hash them, and send each to `replicas` of the storage nodes, which
/// check it, write and flush it and acknowledge. Placement is rendezvous hashing (Thaler &
/// Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM ToN 6(1), 1998): the
/// nodes of highest weight for the record's number. With `acks` acknowledgements a record is stored
/// and its digest joins the batch of its ingest node; a batch closes by count or by time, its root
/// is computed and submitted to the chain as one transaction, whose number in the ingest node's
/// population is that of the batch. A record is anchored when that transaction is final.
///
/// A put without acknowledgement is repeated after a wait that doubles, then sent to the next node
/// in rendezvous order that has no copy under way. An anchoring transaction without its reply
/// quorum is sent to all replicas of the chain after a timeout, as clients do.
///
/// Records stored whole on the chain need no store: they are the transactions of a
/// `ClientPopulation` with their sizes.
///
/// Deviations from a deployed store: what a crash takes from a disk is not replicated anew (it is
/// counted as lost copies); nodes do not join or leave; records are never read back or deleted;
/// books of ingest nodes survive their crashes.
public final class RecordStore: Subsystem {
  var state: RecordStoreState

  public init(index: UInt16, name: String, settings: RecordStoreSettings, seed: UInt64) {
    state = RecordStoreState(index: index, name: name, settings: settings, seed: seed)
    super.init(index: index, name: name)
  }

  private init(copying other: RecordStore) {
    state = other.state
    super.init(index: other.index, name: other.name)
  }

  public override func copy() -> Subsystem { RecordStore(copying: self) }
  public override func branch(_ branch: UInt64) { state.branch(branch) }
  public override func start(_ world: inout World) { state.start(&world) }
  public override func handle(_ event: Event, _ world: inout World) { state.handle(event, &world) }
  public override func serve(_ event: Event, _ world: inout World) {
    state.execute(event, at: world.now, &world)
  }
  public override func nodeCrashed(_ node: NodeID, _ world: inout World) {}
  public override func nodeRestarted(_ node: NodeID, keepsDisk: Bool, _ world: inout World) {
    state.restart(node, keepsDisk: keepsDisk, &world)
  }
  public override func label(of event: Event) -> String { state.label(of: event) }
  public override var digest: Outcome.SubsystemDigest {
    Outcome.SubsystemDigest(subsystem: name, steps: state.steps, digest: state.stepDigest.value)
  }
  public override var occupancy: [Occupancy] { state.occupancy }
  public override var billedUnit: String { "record" }
  public override func report(to outcome: inout Outcome, _ world: borrowing World) {
    state.report(to: &outcome, world)
  }

  /// Why record `number` of `producer` stands on the chain; `nil` before its batch is closed.
  public func inclusion(of number: Int, producer: Int) -> Inclusion? {
    state.inclusion(of: number, producer: producer)
  }

  /// When records of `producer` passed each phase: hashed (ingested), stored (included), anchored
  /// (decided, final).
  public func log(of producer: Int) -> TransactionLog { state.producers[producer].log }

  /// A Merkle proof, as whoever reads a record gets it.
  public struct Inclusion: Sendable, Equatable {
    public var record: Digest
    public var index: Int
    public var count: Int
    public var proof: [Digest]
    public var root: Digest
    /// Number of the anchoring transaction in the producer's population.
    public var anchor: Int
  }
}

/// How an ingest node makes records.
public enum RecordArrivals: Sendable, Equatable {
  /// Open loop: a Poisson process of so many records per second.
  case poisson(rate: Double)
  /// Open loop: gaps in proportion to the record that ends them, exponential, so that bytes are
  /// made at this rate per second on average, whatever their sizes.
  case bytes(rate: Double)
  /// Closed loop: so many records are made or under way to storage at any time.
  case window(Int)
}

/// What a scenario says of a store.
public struct RecordStoreSettings: Sendable {
  /// An ingest node.
  public struct Producer: Sendable {
    public var node: NodeID
    /// Index into `Machines.lanes`: hashes records and batches.
    public var lane: Int
    /// Index into the run's populations: numbers its anchoring transactions.
    public var population: UInt32
    public var arrivals: RecordArrivals

    public init(node: NodeID, lane: Int, population: UInt32, arrivals: RecordArrivals) {
      self.node = node
      self.lane = lane
      self.population = population
      self.arrivals = arrivals
    }
  }

  /// A storage node.
  public struct Storage: Sendable {
    public var node: NodeID
    /// Index into `Machines.lanes`: takes and checks records.
    public var lane: Int

    public init(node: NodeID, lane: Int) {
      self.node = node
      self.lane = lane
    }
  }

  /// How a record comes to be stored.
  public struct Placement: Sendable {
    /// Copies of each record (r) and acknowledgements that make it stored (w), w <= r.
    public var replicas: Int
    public var acks: Int
    /// Bytes of a put apart from the record, and of an acknowledgement.
    public var header: Int
    public var acknowledgement: Int
    /// Wait for a node's acknowledgement, from when the put is handed to the uplink, where it may
    /// wait too; doubles with each try there.
    public var timeout: SimDuration
    /// Tries at one node before the next one has its turn.
    public var triesPerNode: Int

    public init(
      replicas: Int, acks: Int? = nil, header: Int, acknowledgement: Int, timeout: SimDuration,
      triesPerNode: Int
    ) {
      precondition(replicas >= 1 && (1...replicas).contains(acks ?? replicas), "copies, acks")
      precondition(triesPerNode >= 1 && timeout > .zero, "tries and timeout of a put")
      self.replicas = replicas
      self.acks = acks ?? replicas
      self.header = header
      self.acknowledgement = acknowledgement
      self.timeout = timeout
      self.triesPerNode = triesPerNode
    }
  }

  /// How batches are anchored.
  public struct Anchoring: Sendable {
    /// Records that close a batch, and time since its first one that does.
    public var batch: Int
    public var interval: SimDuration
    /// Bytes of a digest, in batches and proofs.
    public var digest: Int
    /// The chain, and the node of each of its replicas.
    public var chain: UInt16
    public var chainNodes: [NodeID]
    /// Equal replies that make an anchoring transaction final.
    public var replyQuorum: Int
    /// Bytes of a request apart from its transaction (root and metadata: `sizes` of the chain).
    public var header: Int
    public var timeout: SimDuration

    public init(
      batch: Int, interval: SimDuration, digest: Int, chain: UInt16, chainNodes: [NodeID],
      replyQuorum: Int, header: Int, timeout: SimDuration
    ) {
      precondition(batch >= 1, "batches of \(batch) records")
      self.batch = batch
      self.interval = interval
      self.digest = digest
      self.chain = chain
      self.chainNodes = chainNodes
      self.replyQuorum = replyQuorum
      self.header = header
      self.timeout = timeout
    }
  }

  public var producers: [Producer]
  /// At most 64 of them.
  public var storage: [Storage]
  public var placement: Placement
  public var anchoring: Anchoring
  /// Bytes of records, by producer and record number.
  public var records: TransactionSizes
  /// Bytes of the chain's transactions, by population: of anchoring transactions among them.
  public var transactions: TransactionSizes
  public var costs: CostSheet
  /// Make no record after this.
  public var until: SimTime

  public init(
    producers: [Producer], storage: [Storage], placement: Placement, anchoring: Anchoring,
    records: TransactionSizes, transactions: TransactionSizes, costs: CostSheet,
    until: SimTime = .never
  ) {
    precondition(storage.count <= 64, "\(storage.count) storage nodes, at most 64")
    precondition(placement.replicas <= storage.count, "more copies than storage nodes")
    precondition(records.populations == producers.count, "sizes of records, by producer")
    self.producers = producers
    self.storage = storage
    self.placement = placement
    self.anchoring = anchoring
    self.records = records
    self.transactions = transactions
    self.costs = costs
    self.until = until
  }

  /// Directed connections and senders to add the store to a run with.
  public var connections: Int {
    producers.count * (2 * storage.count + anchoring.chainNodes.count)
  }
  public var senders: Int { producers.count + storage.count }
}
