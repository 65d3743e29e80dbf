import Consensus
import Kernel
import Ledger

/// An attempt to decide a height, from 0 on.
@frozen
public struct Round: Hashable, Comparable, Sendable, BitwiseCopyable {
  public var number: UInt8

  @inlinable public init(_ number: UInt8) { self.number = number }
  /// The last round has no next: its time is 2^20 of the first's, or more.
  @inlinable public var next: Round { Round(number == .max ? number : number + 1) }

  @inlinable
  public static func < (a: Round, b: Round) -> Bool { a.number < b.number }
}

/// A block without its transactions, which stand in `batch`, and without seals.
@frozen
public struct IstanbulBlock: Sendable, BitwiseCopyable, Equatable {
  /// Of the state after the block, its time and its creator.
  public var digest: Digest
  public var height: Slot
  public var batch: BatchHandle
  /// Milliseconds since the start of the run, on the creator's clock.
  public var time: UInt32
  /// The proposer who made it; a later round may propose it again.
  public var creator: UInt16

  @inlinable
  public init(digest: Digest, height: Slot, batch: BatchHandle, time: UInt32, creator: UInt16) {
    self.digest = digest
    self.height = height
    self.batch = batch
    self.time = time
    self.creator = creator
  }
}

/// Messages between replicas. Names are the papers': height `h`, round `r`, digest `d`; the sender
/// `i` comes with the envelope.
public enum IstanbulMessage: ConsensusMessage {
  /// Transactions that a client gave to the sender.
  case transactions(TxRange)
  /// ⟨PRE-PREPARE, h, 0, B⟩: the first proposal for its height needs no justification.
  case prePrepare(IstanbulBlock, r: Round)
  /// ⟨PRE-PREPARE, h, r, B⟩ with the round changes and prepares that justify it.
  case justified(h: Slot, r: Round, BodyHandle)
  /// ⟨PREPARE, h, r, d⟩
  case prepare(h: Slot, r: Round, d: Digest)
  /// ⟨COMMIT, h, r, d⟩ with a seal, which ends up in the block.
  case commit(h: Slot, r: Round, d: Digest)
  /// ⟨ROUND-CHANGE, h, r, pr, pB⟩ with the prepares that show that pB was prepared in round pr.
  case roundChange(h: Slot, r: Round, BodyHandle)
  /// A decided block with the seals of a quorum.
  case block(IstanbulBlock)
  /// The last height that the sender has decided. Who recovers asks for the same.
  case status(decided: Slot, isRecovering: Bool)
  /// Asks for the blocks after this height.
  case fetchBlocks(after: Slot)
  /// The sender's state, for those who lack more blocks than are kept.
  case state(h: Slot, BodyHandle)
}

public enum IstanbulTimer: ConsensusTimer {
  /// The block period is over.
  case block
  /// The round should have decided.
  case round
  /// What was missed should have come.
  case sync

  public static var slots: Int { 3 }
  public var slot: Int {
    switch self {
    case .block: 0
    case .round: 1
    case .sync: 2
    }
  }
  public func fold(into digest: inout RunDigest) { digest.fold(UInt64(slot)) }
}

/// Contents of the large messages.
public enum IstanbulBody: Sendable {
  case roundChange(RoundChange)
  case proposal(Proposal)
  case state(IstanbulBlock, ReplicatedState)

  /// What a replica brings into a round.
  public struct RoundChange: Sendable, BitwiseCopyable {
    public var height: Slot
    public var round: Round
    /// The block last prepared at this height, in which round, and how many prepares prove it.
    public var prepared: IstanbulBlock?
    public var preparedRound: Round
    public var prepares: Int

    public init(
      height: Slot, round: Round, prepared: IstanbulBlock?, preparedRound: Round, prepares: Int
    ) {
      self.height = height
      self.round = round
      self.prepared = prepared
      self.preparedRound = preparedRound
      self.prepares = prepares
    }
  }

  /// How a later round begins.
  public struct Proposal: Sendable {
    public var block: IstanbulBlock
    /// The round changes that justify it, with their senders.
    public var changes: [IstanbulReceived]
    /// How many prepares prove the highest certificate among them; 0 if there is none.
    public var prepares: Int

    public init(block: IstanbulBlock, changes: [IstanbulReceived], prepares: Int) {
      self.block = block
      self.changes = changes
      self.prepares = prepares
    }
  }
}

/// A round change as it was received.
public struct IstanbulReceived: Sendable, BitwiseCopyable, Equatable {
  public var sender: ReplicaID
  public var round: Round
  public var body: BodyHandle

  public init(sender: ReplicaID, round: Round, body: BodyHandle) {
    self.sender = sender
    self.round = round
    self.body = body
  }
}

extension IstanbulMessage {
  public static var kinds: [String] {
    [
      "transactions", "pre-prepare", "justified-pre-prepare", "prepare", "commit", "round-change",
      "block", "status", "fetch-blocks", "state",
    ]
  }

  public var kind: Int {
    switch self {
    case .transactions: 0
    case .prePrepare: 1
    case .justified: 2
    case .prepare: 3
    case .commit: 4
    case .roundChange: 5
    case .block: 6
    case .status: 7
    case .fetchBlocks: 8
    case .state: 9
    }
  }

  public static var proposalKinds: [Int] { [1, 2] }

  public var isUrgent: Bool {
    switch self {
    case .transactions, .prePrepare, .justified, .block, .state: false
    case .prepare, .commit, .roundChange, .status, .fetchBlocks: true
    }
  }

  /// The height it is about, of those that decide one.
  var height: Slot {
    switch self {
    case .prePrepare(let block, _), .block(let block): block.height
    case .justified(let h, _, _), .prepare(let h, _, _), .commit(let h, _, _),
      .roundChange(let h, _, _):
      h
    case .status(let h, _), .fetchBlocks(let h), .state(let h, _): h
    case .transactions: Slot(0)
    }
  }

  /// Round changes and justified proposals speak for their round; votes wait until it begins.
  func isVote(after round: Round) -> Bool {
    switch self {
    case .prepare(_, let r, _), .commit(_, let r, _): r > round
    case .transactions, .prePrepare, .justified, .roundChange, .block, .status, .fetchBlocks,
      .state:
      false
    }
  }

  public func fold(into digest: inout RunDigest) {
    // Handles are left out: which is next depends on the order in which replicas are simulated.
    let kind = UInt64(kind)
    switch self {
    case .transactions(let range):
      digest.fold(kind << 32 | UInt64(range.population), range.first)
      digest.fold(UInt64(range.count))
    case .prePrepare(let block, let r):
      digest.fold(kind << 32 | UInt64(r.number), block.digest.value)
      digest.fold(UInt64(block.height.number) << 32 | UInt64(block.time))
    case .block(let block):
      digest.fold(kind << 32 | UInt64(block.height.number), block.digest.value)
    case .prepare(let h, let r, let d), .commit(let h, let r, let d):
      digest.fold(kind << 32 | UInt64(r.number), UInt64(h.number) ^ d.value)
    case .justified(let h, let r, _), .roundChange(let h, let r, _):
      digest.fold(kind << 32 | UInt64(r.number), UInt64(h.number))
    case .status(let h, let isRecovering):
      digest.fold(kind << 32 | UInt64(h.number), isRecovering ? 1 : 0)
    case .fetchBlocks(let h), .state(let h, _): digest.fold(kind << 32 | UInt64(h.number))
    }
  }
}

/// Votes of one round, and for what each replica voted: two different votes convict.
struct Votes: Sendable {
  enum Outcome: Sendable { case counted, repeated, contradicting }

  private var tally = Tally()
  /// First vote of each replica that has voted.
  private var first: [Digest] = []

  @discardableResult
  mutating func add(_ voter: ReplicaID, for digest: Digest) -> Outcome {
    let k = Int(voter.index)
    while first.count <= k { first.append(Digest(0)) }
    guard tally.add(voter, for: digest) else {
      return first[k] == digest ? .repeated : .contradicting
    }
    first[k] = digest
    return .counted
  }

  func count(for digest: Digest) -> Int { tally.count(for: digest) }

  mutating func clear() { tally.clear() }
}
