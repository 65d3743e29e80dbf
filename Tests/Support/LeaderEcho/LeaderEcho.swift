import Consensus
import Kernel
import Ledger
import Machines

/// Leader echo: a toy. Replica 0 sends each batch to all; a replica executes what it is sent once a
/// majority has echoed it. It tolerates no crash of the leader and no liar: it is here to show the
/// least that a protocol has to say.
public struct LeaderEcho: ScenarioProtocol {
  public enum Message: ConsensusMessage {
    case propose(n: Slot, batch: BatchHandle)
    case echo(n: Slot)

    public static let kinds = ["propose", "echo"]
    public var kind: Int { if case .propose = self { 0 } else { 1 } }
    public var isUrgent: Bool { kind == 1 }

    public func fold(into digest: inout RunDigest) {
      switch self {
      case .propose(let n, let batch): digest.fold(UInt64(n.number), UInt64(batch.index))
      case .echo(let n): digest.fold(UInt64(n.number), .max)
      }
    }
  }

  public enum Timer: ConsensusTimer {
    case batch
    public static let slots = 1
    public var slot: Int { 0 }
    public func fold(into digest: inout RunDigest) {}
  }

  struct Entry: Sendable {
    var batch: BatchHandle?
    var echoes = Tally()
  }

  public typealias Body = NoBody

  public static let name = "leader-echo"
  public static let parameters = [
    Parameter(
      "batch", .count(100, in: 1...100_000), "Requests in a proposal at most.",
      source: "an example"),
    Parameter(
      "batch-timeout", .duration(.milliseconds(10), in: .milliseconds(1) ... .seconds(10)),
      "The leader proposes what it has after this long.", source: "an example"),
    Parameter("header", .bytes(100, in: 1...10_000), "Bytes of a message.", source: "an example"),
  ]

  let context: ReplicaContext
  let batchSize: Int
  let batchTimeout: SimDuration
  let header: Int
  var mempool: Mempool
  var log: SlotWindow<Entry>
  var lastProposed = Slot(0)
  var lastExecuted = Slot(0)
  var state: ReplicatedState

  public init(_ values: ParameterValues, _ context: ReplicaContext) {
    self.context = context
    batchSize = values.count("batch")
    batchTimeout = values.duration("batch-timeout")
    header = values.bytes("header")
    mempool = context.mempool
    log = SlotWindow(size: 128, blank: Entry())
    state = ReplicatedState(populations: context.mempool.populations)
  }

  var isLeader: Bool { context.me == ReplicaID(0) }

  public mutating func start(at now: LocalTime, _ effects: inout Effects<LeaderEcho>) {
    if isLeader { effects.arm(.batch, after: batchTimeout) }
  }

  public mutating func upon(
    requests: TxRange, _ arrival: RequestArrival, at now: LocalTime,
    _ effects: inout Effects<LeaderEcho>
  ) {
    guard isLeader else { return }
    mempool.add(requests, executed: state.executed)
    if mempool.count >= batchSize { propose(&effects) }
  }

  public mutating func upon(
    timeout timer: Timer, at now: LocalTime, _ effects: inout Effects<LeaderEcho>
  ) {
    if !mempool.isEmpty { propose(&effects) }
    effects.arm(.batch, after: batchTimeout)
  }

  mutating func propose(_ effects: inout Effects<LeaderEcho>) {
    guard log.contains(lastProposed.next) else { return }
    lastProposed = lastProposed.next
    mempool.take(
      atMost: batchSize, bytes: .max, sizes: effects.sizes, into: &effects.batches)
    let batch = effects.batches.seal(salt: UInt64(lastProposed.number))
    log[lastProposed].batch = batch
    effects.broadcast(.propose(n: lastProposed, batch: batch))
    echo(lastProposed, &effects)
  }

  public mutating func upon(
    _ message: Message, from sender: ReplicaID, at now: LocalTime,
    _ effects: inout Effects<LeaderEcho>
  ) {
    switch message {
    case .propose(let n, let batch):
      guard sender == ReplicaID(0), log.contains(n), log[n].batch == nil else { return }
      log[n].batch = batch
      echo(n, &effects)
    case .echo(let n):
      guard log.contains(n) else { return }
      log[n].echoes.add(sender, for: Digest(0))
      execute(&effects)
    }
  }

  mutating func echo(_ n: Slot, _ effects: inout Effects<LeaderEcho>) {
    log[n].echoes.add(context.me, for: Digest(0))
    effects.broadcast(.echo(n: n))
    execute(&effects)
  }

  /// Executes, in order, whatever a majority has echoed.
  mutating func execute(_ effects: inout Effects<LeaderEcho>) {
    while log.contains(lastExecuted.next), let batch = log[lastExecuted.next].batch,
      log[lastExecuted.next].echoes.count > context.committee.n / 2
    {
      lastExecuted = lastExecuted.next
      let fresh = state.execute(batch, from: effects.batches)
      effects.charge(context.costs.execution * Int64(fresh))
      for k in 0..<effects.batches.rangeCount(of: batch) {
        mempool.decided(effects.batches.range(k, of: batch))
      }
      effects.decide(
        .init(
          slot: lastExecuted, batch: batch, state: state.digest, transactions: state.transactions))
      log.advance(to: lastExecuted)
    }
  }

  public mutating func restart(
    keepsDisk: Bool, at now: LocalTime, _ effects: inout Effects<LeaderEcho>
  ) {
    start(at: now, &effects)
  }

  public func bytes(of message: Message, _ effects: borrowing Effects<LeaderEcho>) -> Int {
    guard case .propose(_, let batch) = message else { return header }
    return header + effects.batches[batch].bytes
  }

  public func work(
    upon message: Message, bytes: Int, _ effects: borrowing Effects<LeaderEcho>
  ) -> Work {
    Work(verification: context.costs.mac, handling: context.costs.handling(bytes: bytes))
  }

  public func work(uponRequests count: Int, bytes: Int) -> Work {
    Work(verification: .zero, handling: context.costs.handling(bytes: bytes, requests: count))
  }

  public var retainedSlots: Int { log.size }
  public var proposer: ReplicaID { ReplicaID(0) }
  public var viewChanges: Int { 0 }
  public var waiting: Int { mempool.count }
  public var evicted: Int { mempool.evicted }
}
