import Consensus
import Kernel
import Ledger

/// A block without its transactions, which stand in `batch`. Its digest follows from it and from
/// the chain that it extends.
@frozen
public struct SnowmanBlock: Sendable, BitwiseCopyable, Equatable {
  /// Digest of the block that it extends.
  public var parent: Digest
  public var batch: BatchHandle
  /// Milliseconds since the start of the run, on the maker's clock.
  public var time: UInt32
  public var maker: UInt16

  @inlinable
  public init(parent: Digest, batch: BatchHandle, time: UInt32, maker: UInt16) {
    self.parent = parent
    self.batch = batch
    self.time = time
    self.maker = maker
  }
}

/// Messages between replicas, named as in avalanchego. `poll` numbers the polls of the asker; 0 is
/// the question for the frontier, which is no poll.
public enum SnowmanMessage: ConsensusMessage {
  /// Transactions that a client gave to the sender.
  case transactions(TxRange)
  /// What do you prefer, now that you have this block?
  case pushQuery(SnowmanBlock, poll: UInt16)
  /// What do you prefer, on the whole and at this height, now that you have block `wanted`?
  case pullQuery(wanted: Digest, height: Slot, poll: UInt16)
  /// The end of the preferred branch, what is preferred at the height asked for (0: nothing), and
  /// the last height accepted.
  case chits(preferred: Digest, atHeight: Digest, accepted: Slot, poll: UInt16)
  case get(Digest)
  /// Asks for the blocks that lead to this one, from above a height.
  case getAncestors(Digest, above: Slot)
  case put(SnowmanBlock)
  /// The last accepted block and the state after it, for those who lack more than is kept.
  case state(BodyHandle)
}

public enum SnowmanTimer: ConsensusTimer {
  /// A poll should have had its answers.
  case poll(UInt8)
  /// It is this replica's turn to build.
  case build
  /// Time to ask somebody for his frontier.
  case gossip
  /// A block should have come.
  case fetch

  /// Polls that may be open at a time.
  static var polls: Int { 16 }
  public static var slots: Int { polls + 3 }
  public var slot: Int {
    switch self {
    case .poll(let k): Int(k)
    case .build: Self.polls
    case .gossip: Self.polls + 1
    case .fetch: Self.polls + 2
    }
  }
  public func fold(into digest: inout RunDigest) { digest.fold(UInt64(slot)) }
}

/// The content of a `state` message: an accepted block, the state after it, and its height.
public struct SnowmanBody: Sendable {
  public var block: SnowmanBlock
  public var height: Slot
  public var state: ReplicatedState

  public init(block: SnowmanBlock, height: Slot, state: ReplicatedState) {
    self.block = block
    self.height = height
    self.state = state
  }
}

extension SnowmanMessage {
  public static var kinds: [String] {
    [
      "transactions", "push-query", "pull-query", "chits", "get", "get-ancestors", "put", "state",
    ]
  }

  public var kind: Int {
    switch self {
    case .transactions: 0
    case .pushQuery: 1
    case .pullQuery: 2
    case .chits: 3
    case .get: 4
    case .getAncestors: 5
    case .put: 6
    case .state: 7
    }
  }

  /// A push query carries a new block, and so does what answers a `get`.
  public static var proposalKinds: [Int] { [1, 6] }

  public var isUrgent: Bool {
    switch self {
    case .transactions, .pushQuery, .put, .state: false
    case .pullQuery, .chits, .get, .getAncestors: true
    }
  }

  public func fold(into digest: inout RunDigest) {
    // Handles are left out: which is next depends on the order in which replicas are simulated.
    let kind = UInt64(kind)
    switch self {
    case .transactions(let range):
      digest.fold(kind << 32 | UInt64(range.population), range.first)
      digest.fold(UInt64(range.count))
    case .pushQuery(let block, let poll):
      digest.fold(kind << 32 | UInt64(poll), block.parent.value)
      digest.fold(UInt64(block.time) << 16 | UInt64(block.maker))
    case .pullQuery(let wanted, let height, let poll):
      digest.fold(kind << 32 | UInt64(height.number), wanted.value ^ UInt64(poll))
    case .chits(let preferred, let atHeight, let accepted, let poll):
      digest.fold(kind << 32 | UInt64(accepted.number), preferred.value)
      digest.fold(atHeight.value, UInt64(poll))
    case .get(let d): digest.fold(kind, d.value)
    case .getAncestors(let d, let above):
      digest.fold(kind << 32 | UInt64(above.number), d.value)
    case .put(let block):
      digest.fold(kind << 32 | UInt64(block.time), block.parent.value ^ UInt64(block.maker))
    case .state: digest.fold(kind)
    }
  }
}
