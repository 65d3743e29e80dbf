import Kernel
import Ledger
import Machines

/// What a replica asks of the world, collected in a buffer that is reused from step to step.
///
/// It also carries what a replica may use while it handles a step: its random stream, and the
/// arenas of its chain, of which it may open only handles that a message brought it.
public struct Effects<P: ConsensusProtocol>: Sendable {
  public enum Effect: Sendable, BitwiseCopyable {
    case send(to: ReplicaID, P.Message)
    /// To every other replica of the committee.
    case broadcast(P.Message)
    /// Passes client requests on to another replica.
    case forward(TxRange, to: ReplicaID)
    case decide(Decision)
    /// Sends the clients of `TxRange` the reply that they missed; it was executed before.
    case replyAgain(TxRange, state: Digest)
    /// Execution jumped to `slot` by state transfer.
    case caughtUp(slot: Slot, transactions: Int, state: Digest)
    /// The replica holds two signed messages of `ReplicaID` that contradict each other.
    case accuse(ReplicaID)
  }

  /// One executed slot of one replica.
  public struct Decision: Sendable, BitwiseCopyable {
    public var slot: Slot
    /// `.none` for a null request.
    public var batch: BatchHandle
    /// State after execution, which the replies carry.
    public var state: Digest
    /// Transactions this replica has executed so far.
    public var transactions: Int

    public init(slot: Slot, batch: BatchHandle, state: Digest, transactions: Int) {
      self.slot = slot
      self.batch = batch
      self.state = state
      self.transactions = transactions
    }
  }

  public enum TimerChange: Sendable, BitwiseCopyable {
    case arm(P.Timer, after: SimDuration)
    case disarm(slot: Int)
  }

  /// What the step asked for; the engine empties it.
  public var items: [Effect] = []
  public var timerChanges: [TimerChange] = []
  /// Processor time charged by the step beyond the message's own work.
  public var charged = SimDuration.zero
  /// Bytes to be written and flushed before the step's outputs leave.
  public var written = 0

  /// The replica's own stream: the engine exchanges it before each step.
  public var random: RandomStream
  public var batches = BatchArena()
  public var bodies: [P.Body] = []
  public let sizes: TransactionSizes

  public init(sizes: TransactionSizes, random: RandomStream) {
    self.sizes = sizes
    self.random = random
    items.reserveCapacity(64)
    timerChanges.reserveCapacity(64)
  }
}

extension Effects {
  public mutating func send(_ message: P.Message, to replica: ReplicaID) {
    items.append(.send(to: replica, message))
  }

  public mutating func broadcast(_ message: P.Message) { items.append(.broadcast(message)) }

  public mutating func forward(_ requests: TxRange, to replica: ReplicaID) {
    items.append(.forward(requests, to: replica))
  }

  public mutating func decide(_ decision: Decision) { items.append(.decide(decision)) }

  public mutating func replyAgain(_ requests: TxRange, state: Digest) {
    items.append(.replyAgain(requests, state: state))
  }

  /// The answer names the requests, so that it is the same at every replica; the result itself is
  /// not kept.
  public mutating func replyAgain(_ requests: TxRange) {
    var digest = RunDigest(requests.first)
    digest.fold(UInt64(requests.population), UInt64(requests.count))
    replyAgain(requests, state: Digest(digest.value))
  }

  /// Whether `requests` are among those `executed` already. Whose reply was lost sends again, and
  /// gets it.
  ///
  /// - Parameter work: of authenticating the reply.
  public mutating func answers(
    _ requests: TxRange, _ arrival: RequestArrival, executed: TxSet, work: SimDuration
  ) -> Bool {
    guard executed.contains(requests) else { return false }
    if arrival == .retransmitted {
      charge(work)
      replyAgain(requests)
    }
    return true
  }

  public mutating func caughtUp(to slot: Slot, transactions: Int, state: Digest) {
    items.append(.caughtUp(slot: slot, transactions: transactions, state: state))
  }

  /// Names `replica` as an equivocator: call only with proof in hand, signed statements of which a
  /// correct replica makes at most one.
  public mutating func accuse(_ replica: ReplicaID) { items.append(.accuse(replica)) }

  /// Runs `timer` out after `delay` on the replica's clock; what its slot held is disarmed.
  public mutating func arm(_ timer: P.Timer, after delay: SimDuration) {
    timerChanges.append(.arm(timer, after: delay))
  }

  public mutating func disarm(slot: Int) { timerChanges.append(.disarm(slot: slot)) }

  /// The step takes `work` longer; its outputs leave after it.
  public mutating func charge(_ work: SimDuration) { charged += work }

  /// The step's outputs leave only once `bytes` more are on the disk.
  public mutating func write(_ bytes: Int) { written += bytes }

  /// Stores the body of a message; the handle travels in the message.
  public mutating func store(_ body: P.Body) -> BodyHandle {
    bodies.append(body)
    return BodyHandle(index: UInt32(bodies.count - 1))
  }

  public func body(_ handle: BodyHandle) -> P.Body { bodies[Int(handle.index)] }
}

/// Names a stored body of a rare, large message.
@frozen
public struct BodyHandle: Hashable, Sendable, BitwiseCopyable {
  public var index: UInt32

  @inlinable public init(index: UInt32) { self.index = index }
}
