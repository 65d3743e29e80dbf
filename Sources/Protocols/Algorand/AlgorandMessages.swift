import Consensus
import Kernel
import Ledger

/// A block without its transactions, which stand in `batch`. Its digest is the proposal-value v.
@frozen
public struct AlgorandBlock: Sendable, BitwiseCopyable, Equatable {
  /// Of the state after the block, its round, seed, proposer and original period.
  public var digest: Digest
  public var round: Slot
  public var batch: BatchHandle
  public var proposer: UInt16
  /// The period in which it was proposed first.
  public var period: UInt16

  @inlinable
  public init(digest: Digest, round: Slot, batch: BatchHandle, proposer: UInt16, period: UInt16) {
    self.digest = digest
    self.round = round
    self.batch = batch
    self.proposer = proposer
    self.period = period
  }
}

/// A step of a period, numbered as in the specification.
@frozen
public struct Step: Hashable, Comparable, Sendable, BitwiseCopyable {
  public var number: UInt8

  @inlinable public init(_ number: UInt8) { self.number = number }

  public static var propose: Step { Step(0) }
  public static var soft: Step { Step(1) }
  public static var cert: Step { Step(2) }
  public static var late: Step { Step(253) }
  public static var redo: Step { Step(254) }
  public static var down: Step { Step(255) }
  /// Next_k.
  public static func next(_ k: Int) -> Step { Step(UInt8(3 + k)) }

  /// It ends a period: next, late, redo, down.
  public var endsPeriod: Bool { number > 2 }
  /// Next_1 and later ones, of which only those near a replica's own step are taken.
  var isBackoff: Bool { number > 3 && number < 253 }

  @inlinable
  public static func < (a: Step, b: Step) -> Bool { a.number < b.number }
}

/// Messages between replicas. Names are the specification's: round `r`, period `p`, step `s`,
/// proposal-value `d` (0 is bottom); the sender comes with the envelope.
public enum AlgorandMessage: ConsensusMessage {
  /// Transactions that a client gave to the sender.
  case transactions(TxRange)
  /// Vote(I, r, p, propose, v) with its credential; `repeats`: v is of an earlier period.
  case propose(d: Digest, priority: UInt64, r: Slot, p: UInt16, repeats: Bool)
  /// Proposal(v): a block and its transactions.
  case payload(AlgorandBlock)
  /// Vote(I, r, p, s, v) with its credential, which shows its weight.
  case vote(d: Digest, r: Slot, weight: UInt32, p: UInt16, s: Step)
  /// Bundle(r, p, s, v).
  case bundle(r: Slot, BodyHandle)
  /// A decided block with its cert bundle.
  case block(r: Slot, BodyHandle)
  /// The last round that the sender has decided. Who recovers asks for the same.
  case status(decided: Slot, isRecovering: Bool)
  /// Asks for the blocks after this round.
  case fetchBlocks(after: Slot)
  /// The sender's state, for those who lack more blocks than are kept.
  case state(r: Slot, BodyHandle)
}

public enum AlgorandTimer: ConsensusTimer {
  /// The filter, deadline or next step of the period is due.
  case step
  /// Fast recovery is due.
  case fast
  /// What was missed should have come.
  case sync

  public static var slots: Int { 3 }
  public var slot: Int {
    switch self {
    case .step: 0
    case .fast: 1
    case .sync: 2
    }
  }
  public func fold(into digest: inout RunDigest) { digest.fold(UInt64(slot)) }
}

/// Contents of the large messages.
public enum AlgorandBody: Sendable {
  case bundle(Bundle)
  case certified(AlgorandBlock, Bundle)
  case state(AlgorandBlock, Bundle, AlgorandSeeds, ReplicatedState)

  /// Votes for `d` at (r, p, s) that reach the step's threshold.
  public struct Bundle: Sendable, Equatable {
    public var round: Slot
    public var period: UInt16
    public var step: Step
    public var digest: Digest
    public var votes: [AlgorandVote]

    public init(
      round: Slot, period: UInt16, step: Step, digest: Digest, votes: [AlgorandVote]
    ) {
      self.round = round
      self.period = period
      self.step = step
      self.digest = digest
      self.votes = votes
    }
  }
}

/// A vote in a bundle; with `second`, an equivocation, which counts for every value.
public struct AlgorandVote: Sendable, BitwiseCopyable, Equatable {
  public var digest: Digest
  public var second: Digest?
  public var weight: UInt32
  public var voter: UInt16

  public init(digest: Digest, second: Digest? = nil, weight: UInt32, voter: UInt16) {
    self.digest = digest
    self.second = second
    self.weight = weight
    self.voter = voter
  }
}

/// The seeds of the last two blocks. A round's committees are drawn with the older one.
public struct AlgorandSeeds: Sendable, BitwiseCopyable, Equatable {
  public var older: Digest
  public var newer: Digest

  public init(older: Digest, newer: Digest) {
    self.older = older
    self.newer = newer
  }
}

extension AlgorandMessage {
  public static var kinds: [String] {
    [
      "transactions", "propose", "payload", "soft-vote", "cert-vote", "next-vote",
      "recovery-vote", "bundle", "block", "status", "fetch-blocks", "state",
    ]
  }

  public var kind: Int {
    switch self {
    case .transactions: 0
    case .propose: 1
    case .payload: 2
    case .vote(_, _, _, _, let s):
      s == .soft ? 3 : s == .cert ? 4 : s < .late ? 5 : 6
    case .bundle: 7
    case .block: 8
    case .status: 9
    case .fetchBlocks: 10
    case .state: 11
    }
  }

  public static var proposalKinds: [Int] { [1, 2] }

  public var isUrgent: Bool {
    switch self {
    case .transactions, .payload, .block, .state: false
    case .propose, .vote, .bundle, .status, .fetchBlocks: true
    }
  }

  var round: Slot {
    switch self {
    case .propose(_, _, let r, _, _), .vote(_, let r, _, _, _), .bundle(let r, _),
      .block(let r, _), .status(let r, _), .fetchBlocks(let r), .state(let r, _):
      r
    case .payload(let block): block.round
    case .transactions: Slot(0)
    }
  }

  public func fold(into digest: inout RunDigest) {
    // Handles are left out: which is next depends on the order in which replicas are simulated.
    let kind = UInt64(kind)
    switch self {
    case .transactions(let range):
      digest.fold(kind << 32 | UInt64(range.population), range.first)
      digest.fold(UInt64(range.count))
    case .propose(let d, let priority, let r, let p, _):
      digest.fold(kind << 32 | UInt64(p), d.value ^ UInt64(r.number))
      digest.fold(priority)
    case .payload(let block):
      digest.fold(kind << 32 | UInt64(block.round.number), block.digest.value)
    case .vote(let d, let r, let weight, let p, let s):
      digest.fold(kind << 32 | UInt64(p) << 8 | UInt64(s.number), d.value)
      digest.fold(UInt64(r.number) << 32 | UInt64(weight))
    case .status(let r, let isRecovering):
      digest.fold(kind << 32 | UInt64(r.number), isRecovering ? 1 : 0)
    case .bundle(let r, _), .block(let r, _), .fetchBlocks(let r), .state(let r, _):
      digest.fold(kind << 32 | UInt64(r.number))
    }
  }
}
