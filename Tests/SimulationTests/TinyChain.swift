import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Networking
import Simulation
import Workloads

/// Leader echo, the least that is a chain: replica 0 puts each message of requests into a batch,
/// decides it and tells the others, who execute what they are told, in order.
///
/// It tolerates no fault of the leader. `deafness` makes the leader overlook requests.
struct TinyChain: ConsensusProtocol {
  enum Message: ConsensusMessage {
    case propose(slot: Slot, batch: BatchHandle)

    static var kinds: [String] { ["propose"] }
    var kind: Int { 0 }
    var isUrgent: Bool { false }
    func fold(into digest: inout RunDigest) {
      switch self {
      case .propose(let slot, let batch): digest.fold(UInt64(slot.number), UInt64(batch.index))
      }
    }
  }

  enum Timer: ConsensusTimer {
    case none
    static var slots: Int { 1 }
    var slot: Int { 0 }
    func fold(into digest: inout RunDigest) {}
  }

  typealias Body = NoBody

  /// Transactions with lower numbers than `below` are overlooked until `until`.
  struct Deafness: Sendable {
    var below: UInt64 = 0
    var until = LocalTime(nanoseconds: 0)
  }

  static var name: String { "tiny" }

  let me: ReplicaID
  let request: SimDuration
  let deafness: Deafness
  var state: ReplicatedState
  var position = Slot(0)

  init(me: Int, populations: Int, request: SimDuration = .zero, deafness: Deafness = Deafness()) {
    self.me = ReplicaID(me)
    self.request = request
    self.deafness = deafness
    state = ReplicatedState(populations: populations)
  }

  mutating func start(at now: LocalTime, _ effects: inout Effects<Self>) {}
  mutating func upon(
    timeout timer: Timer, at now: LocalTime, _ effects: inout Effects<Self>
  ) {}
  mutating func restart(
    keepsDisk: Bool, at now: LocalTime, _ effects: inout Effects<Self>
  ) {}

  mutating func upon(
    _ message: Message, from sender: ReplicaID, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    switch message {
    case .propose(let slot, let batch):
      guard slot == position.next else { return }
      execute(batch, &effects)
    }
  }

  mutating func upon(
    requests: TxRange, _ arrival: RequestArrival, at now: LocalTime,
    _ effects: inout Effects<Self>
  ) {
    if let known = state.executed.firstPart(of: requests), arrival == .retransmitted {
      effects.replyAgain(known, state: state.digest)
    }
    guard me.index == 0 else { return }
    if requests.first < deafness.below, now < deafness.until { return }
    var rest = requests
    while rest.count > 0, let fresh = state.executed.firstGap(in: rest) {
      effects.batches.add(fresh, bytes: effects.sizes.bytes(of: fresh))
      let batch = effects.batches.seal(salt: UInt64(position.number))
      effects.broadcast(.propose(slot: position.next, batch: batch))
      execute(batch, &effects)
      rest = TxRange(
        population: rest.population, first: fresh.end, count: UInt32(rest.end - fresh.end))
    }
  }

  private mutating func execute(_ batch: BatchHandle, _ effects: inout Effects<Self>) {
    position = position.next
    _ = state.execute(batch, from: effects.batches)
    effects.decide(
      .init(
        slot: position, batch: batch, state: state.digest, transactions: state.transactions))
  }

  func bytes(of message: Message, _ effects: borrowing Effects<Self>) -> Int { 100 }
  func work(upon message: Message, bytes: Int, _ effects: borrowing Effects<Self>) -> Work {
    .none
  }
  func work(uponRequests count: Int, bytes: Int) -> Work {
    Work(verification: .zero, handling: request * Int64(count))
  }
  var retainedSlots: Int { 1_000 }
  var proposer: ReplicaID { ReplicaID(0) }
  var viewChanges: Int { 0 }
  var waiting: Int { 0 }
  var evicted: Int { 0 }
}

/// Nodes 0..<replicas run the chain; the others are for clients and stores.
struct TinyWorld {
  var replicas = 1
  var nodes: Int
  var spec: (Int) -> MachineSpec = { _ in .ideal }
  /// One-way delay in milliseconds, by pair of nodes.
  var delay: (Int, Int) -> Double = { _, _ in 10 }
  var loss = 0.0
  var faults: [Fault] = []
  var request = SimDuration.zero
  var deafness = TinyChain.Deafness()

  /// The chain is subsystem 1, without the populations that the caller adds.
  func simulation(_ sizes: TransactionSizes, seed: UInt64 = 1) -> Simulation {
    let pairs = (0..<nodes * nodes).map {
      Distribution.constant(delay($0 / nodes, $0 % nodes) * 1e6)
    }
    var network = Network(
      regionOf: (0..<nodes).map { UInt16($0) }, regions: nodes, delays: pairs)
    network.loss = loss
    let machines = Machines((0..<nodes).map(spec))
    let simulation = Simulation(
      world: World(seed: seed, machines: machines, network: network, uplink: UplinkDiscipline()),
      faults: faults)
    let seats = (0..<replicas).map { NodeID($0) }
    let lanes = seats.map { simulation.world.machines.lane(of: $0, role: 0) }
    let chain = ReplicaGroup(
      index: simulation.nextIndex, name: "main", nodes: seats, lanes: lanes,
      replicas: (0..<replicas).map {
        TinyChain(me: $0, populations: sizes.populations, request: request, deafness: deafness)
      },
      settings: ReplicaGroupSettings(
        replies: Replies(path: .shared, header: 40, result: 10), forwardHeader: 20, sizes: sizes),
      seed: seed)
    simulation.add(
      chain, connections: replicas * (replicas + sizes.populations), senders: replicas)
    return simulation
  }

  /// A run of the chain with one host of clients on node `replicas`, started.
  func clients(
    _ arrivals: Arrivals, replyQuorum: Int = 1, timeout: SimDuration = .seconds(1_000),
    bundle: Int = 1, until: SimTime = .never, attempts: Int? = nil, seed: UInt64 = 1
  ) -> Simulation {
    let sizes = TransactionSizes(fixed: [200])
    let simulation = simulation(sizes, seed: seed)
    let node = NodeID(replicas)
    simulation.world.addPopulation(
      PopulationAddress(subsystem: 2, role: 0, node: node, chain: 1))
    simulation.add(
      ClientPopulation(
        index: 2, name: "clients",
        settings: ClientSettings(
          hosts: [.init(node: node, population: 0, arrivals: arrivals)], chain: 1,
          chainNodes: (0..<replicas).map { NodeID($0) }, target: .proposer,
          replyQuorum: replyQuorum, timeout: timeout, bundle: bundle, header: 50, sizes: sizes,
          until: until, attempts: attempts),
        seed: seed),
      connections: replicas, senders: 1)
    simulation.start()
    return simulation
  }
}

extension Simulation {
  /// Runs to `end` and says what came of it.
  func result(at end: SimTime) -> Outcome {
    run(until: end)
    return outcome(until: end, measuring: Measuring())
  }
}

func seconds(_ value: Double) -> SimTime { .zero + SimDuration(seconds: value) }
