import Consensus
import Kernel
import Ledger
import Machines
import Metrics

/// The value that is the store.
struct RecordStoreState: Sendable {
  enum Kind: UInt16 {
    /// An ingest node makes a record.
    case create = 16
    /// The lane of an ingest node hashes a record. Payload: record.
    case hash
    /// The record is hashed and may leave. Payload: record, epoch of the node.
    case hashed
    /// A copy reaches its storage node. Payload: record, place, epoch once it is there.
    case put
    /// The same, all of it received.
    case received
    /// A copy is on the disk.
    case stable
    /// An acknowledgement reaches the ingest node. Payload as of the put.
    case acknowledgement
    /// The same, all of it received. Payload with the epoch.
    case acknowledged
    /// A reply of the chain, all of it received. Payload as of the reply.
    case replied
    /// A put may be overdue. Payload: record, place, number of its tries.
    case overdue
    /// A batch has been open long enough. Payload: batch.
    case interval
    /// The lane of an ingest node hashes a batch. Payload: batch.
    case root
    /// The root of a batch may leave. Payload: batch, epoch of the node.
    case rooted
    /// An anchoring transaction may be overdue.
    case anchorOverdue
  }

  struct Record: Sendable, BitwiseCopyable {
    /// Sets of ranks in the record's rendezvous order. Known to the ingest node: nodes to which a
    /// copy was sent last, and nodes that acknowledged.
    var targeted: UInt64 = 0
    var acknowledged: UInt64 = 0
    /// Nodes whose disk holds it: each node knows of itself.
    var held: UInt64 = 0
    var wasSent = false
    var isStored = false
  }

  /// One of the r copies of a record, as its ingest node sees it.
  struct Copy: Sendable, BitwiseCopyable {
    var rank: UInt8
    var isDone = false
    /// Tries at the present node, and in all.
    var triesHere: UInt16 = 0
    var tries: UInt32 = 0
  }

  struct Batch: Sendable {
    /// Where its records stand in `members`.
    var first: Int
    var count = 0
    var root = Digest(0)
    var closed = SimTime.never
    var isSubmitted = false
    var isAnchored = false
    var replies = Tally()
  }

  struct Producer: Sendable {
    var random: RandomStream
    var log = TransactionLog()
    var records: [Record] = []
    /// `[record * replicas + copy]`.
    var copies: [Copy] = []
    /// Record numbers in order of storing, and the batches over them; the last batch is open.
    var members: [UInt32] = []
    var batches = [Batch(first: 0)]
    var anchors: RequestBook
    var answered: TxSet
    var watching = SimTime.never
    /// Whom it takes for the chain's proposer.
    var proposer = 0
    var processor = SimDuration.zero
  }

  struct Storage: Sendable {
    var bytes = 0
    var processor = SimDuration.zero
  }

  let index: UInt16
  let name: String
  let settings: RecordStoreSettings
  let seed: UInt64
  var producers: [Producer]
  var storage: [Storage]
  var traffic: Traffic
  var decisions = DecisionLog()
  /// Puts repeated to the same node, copies moved to another, and copies that disks lost.
  var repeatedPuts = 0
  var movedCopies = 0
  var lostCopies = 0
  var repeatedAnchors = 0
  /// The rendezvous order of the record last asked for.
  var order: [UInt8]
  var weights: [UInt64]
  var stepDigest = RunDigest()
  var steps: UInt64 = 0

  init(index: UInt16, name: String, settings: RecordStoreSettings, seed: UInt64) {
    self.index = index
    self.name = name
    self.settings = settings
    self.seed = seed
    producers = settings.producers.indices.map { p in
      Producer(
        random: RandomStream(seed: seed, purpose: "records of \(name)", entity: UInt64(p)),
        anchors: RequestBook(timeout: settings.anchoring.timeout),
        answered: TxSet(populations: settings.transactions.populations))
    }
    storage = settings.storage.map { _ in Storage() }
    order = settings.storage.indices.map { UInt8($0) }
    weights = Array(repeating: 0, count: settings.storage.count)
    traffic = Traffic(
      types: ["put", "acknowledgement", "anchor", "anchor-again"], roles: settings.senders)
  }
}

// MARK: - Events

extension RecordStoreState {
  mutating func start(_ world: inout World) {
    for p in producers.indices {
      if case .window(let size) = settings.producers[p].arrivals {
        for _ in 0..<size { create(p, &world) }
      } else {
        scheduleCreation(p, &world)
      }
    }
  }

  mutating func handle(_ event: Event, _ world: inout World) {
    steps += 1
    stepDigest.fold(
      UInt64(bitPattern: world.now.nanoseconds), UInt64(event.kind) << 32 | UInt64(event.target))
    stepDigest.fold(event.payload.a, event.payload.b)
    let target = Int(event.target)
    guard event.kind != Boundary.reply else {
      if isUp(producer: target, world) {
        let bytes = Int(Reply(event.payload).bytes)
        let replica = Int(Reply(event.payload).replica)
        takeIn(
          event, bytes: bytes, from: settings.anchoring.chainNodes[replica], as: .replied, target,
          &world)
      }
      return
    }
    guard let kind = Kind(rawValue: event.kind) else {
      preconditionFailure("\(name): event \(event.kind)")
    }
    switch kind {
    case .put, .received, .stable: handleAtStorage(kind, event, target, &world)
    default: handleAtProducer(kind, event, target, &world)
    }
  }

  private mutating func handleAtProducer(
    _ kind: Kind, _ event: Event, _ p: Int, _ world: inout World
  ) {
    if kind == .create { scheduleCreation(p, &world) }
    guard isUp(producer: p, world) else { return }
    let isCurrent = event.payload.c == UInt64(world.machines.epoch(of: settings.producers[p].node))
    switch kind {
    case .create: create(p, &world)
    case .hashed: if isCurrent { dispatch(Int(event.payload.a), p, &world) }
    case .acknowledgement:
      var whole = event
      whole.payload.c = UInt64(world.machines.epoch(of: settings.producers[p].node))
      let place = Place(event.payload)
      let s = node(at: place.rank, of: place.record, p)
      takeIn(
        whole, bytes: settings.placement.acknowledgement, from: settings.storage[s].node,
        as: .acknowledged, p, &world)
    case .acknowledged: if isCurrent { acknowledge(Place(event.payload), p, &world) }
    case .replied: upon(Reply(event.payload), at: p, &world)
    case .overdue: checkPut(Place(event.payload), tries: event.payload.d, p, &world)
    case .interval: if event.payload.a == producers[p].batches.count - 1 { close(p, &world) }
    case .rooted: if isCurrent { anchor(Int(event.payload.a), p, &world) }
    case .anchorOverdue: retryAnchors(p, &world)
    case .put, .received, .stable, .hash, .root:
      preconditionFailure("\(name): \(kind) at an ingest node")
    }
  }

  /// Receives what reaches an ingest node; it counts as `kind` once its last bit is there.
  private mutating func takeIn(
    _ event: Event, bytes: Int, from sender: NodeID, as kind: Kind, _ p: Int,
    _ world: inout World
  ) {
    let node = settings.producers[p].node
    var whole = event
    whole.kind = kind.rawValue
    // What comes from the node itself passes no link.
    whole.time =
      sender == node
      ? world.now : world.machines.receive(bytes, at: node, arrival: world.now)
    if whole.time > world.now {
      world.schedule(whole)
    } else {
      handleAtProducer(kind, whole, p, &world)
    }
  }

  func isUp(producer p: Int, _ world: borrowing World) -> Bool {
    world.machines.isUp(settings.producers[p].node)
  }
}

extension RecordStoreState {
  /// What a message is called in diagrams.
  func label(of event: Event) -> String {
    switch event.kind {
    case Kind.put.rawValue: "record"
    case Kind.acknowledgement.rawValue: "stored"
    default: "reply"
    }
  }
}

// MARK: - Making records

extension RecordStoreState {
  private mutating func scheduleCreation(_ p: Int, _ world: inout World) {
    var gap = producers[p].random.exponential()
    switch settings.producers[p].arrivals {
    case .poisson(let rate): gap /= rate
    case .bytes(let rate): gap *= Double(bytes(of: producers[p].records.count, p)) / rate
    case .window: return
    }
    let time = world.now + SimDuration(seconds: gap)
    guard time <= settings.until else { return }
    world.schedule(
      Event(at: time, subsystem: index, kind: Kind.create.rawValue, target: UInt32(p)))
  }

  func bytes(of record: Int, _ p: Int) -> Int {
    settings.records.bytes(of: UInt64(record), population: UInt32(p))
  }

  /// What stands for the content of a record.
  func digest(of record: Int, _ p: Int) -> Digest {
    var digest = RunDigest(seed)
    digest.fold(UInt64(p), UInt64(record))
    return Digest(digest.value)
  }

  mutating func create(_ p: Int, _ world: inout World) {
    guard world.now <= settings.until else { return }
    let record = producers[p].records.count
    producers[p].records.append(Record())
    for _ in 0..<settings.placement.replicas { producers[p].copies.append(Copy(rank: 0)) }
    producers[p].log.submit(at: world.now)
    takeUp(.hash, record, p, &world)
  }

  /// Gives the lane of an ingest node a record or a batch to hash.
  mutating func takeUp(_ kind: Kind, _ number: Int, _ p: Int, _ world: inout World) {
    let event = Event(
      at: world.now, subsystem: index, kind: kind.rawValue, target: UInt32(p),
      payload: .init(UInt64(number)))
    let work =
      kind == .hash
      ? settings.costs.request + settings.costs.hashing(bytes(of: number, p))
      : hashing(ofBatch: producers[p].batches[number].count)
    producers[p].processor += work
    let handled = world.admit(
      event, to: settings.producers[p].lane, of: settings.producers[p].node, ready: world.now,
      .zero, work)
    if let handled { execute(event, at: handled, &world) }
  }

  /// The lane has done the work of `event` at `time`: what follows comes up then.
  mutating func execute(_ event: Event, at time: SimTime, _ world: inout World) {
    let target = Int(event.target)
    if event.kind == Kind.received.rawValue {
      write(event, at: time, &world)
      return
    }
    var next = event
    next.time = time
    next.kind =
      event.kind == Kind.hash.rawValue ? Kind.hashed.rawValue : Kind.rooted.rawValue
    next.payload.c = UInt64(world.machines.epoch(of: settings.producers[target].node))
    world.schedule(next)
  }
}
