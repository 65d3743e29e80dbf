import Consensus
import Kernel
import Ledger

extension Tendermint {
  /// Position in the chain of decided blocks, from 1 on; a replica executes height h as slot h.
  public typealias Height = Slot

  /// An attempt within a height, from 0 on.
  @frozen
  public struct Round: Hashable, Comparable, Sendable, BitwiseCopyable {
    public var number: Int16

    @inlinable public init(_ number: Int16) { self.number = number }
    /// -1: no round.
    @inlinable public static var none: Round { Round(-1) }
    @inlinable public var next: Round { Round(number &+ 1) }
    @inlinable
    public static func < (a: Round, b: Round) -> Bool { a.number < b.number }
  }

  /// `step_p` of the paper, and the wait before a height begins.
  public enum Step: UInt8, BitwiseCopyable, Sendable {
    case newHeight, propose, prevote, precommit
  }

  public enum VoteKind: UInt8, BitwiseCopyable, Sendable { case prevote, precommit }

  /// Messages between replicas. Names are the paper's: height `h`, round `r`, valid round `vr`,
  /// value id `d`; `d` is `nilVote` in a vote for nil.
  public enum Message: ConsensusMessage {
    /// ⟨PROPOSAL, h, r, v, vr⟩. Under direct dissemination it brings the block.
    case proposal(h: Height, r: Round, vr: Round, d: Digest, batch: BatchHandle)
    /// ⟨PREVOTE, h, r, id(v)⟩.
    case prevote(h: Height, r: Round, d: Digest)
    /// ⟨PRECOMMIT, h, r, id(v)⟩.
    case precommit(h: Height, r: Round, d: Digest)
    /// Client transactions for the other mempools.
    case transactions(TxRange)
    /// Where the sender stands; `isStalled` asks for what it may have missed.
    case status(Status)
    /// Signed votes of up to 64 replicas for one value, passed on.
    case votes(d: Digest, VoteWord)
    /// Votes that the sender has, for its peers not to send them: of replicas 128 k ... 128 k + 127
    /// for pair k, and of the kind as in `VoteWord`.
    case hasVotes(low: UInt64, high: UInt64, h: Height, r: Round, kindAndPair: UInt8)
    /// A part of the block proposed in a round.
    case part(h: Height, r: Round, index: UInt16, d: Digest, batch: BatchHandle)
    /// The sender has all parts of the block `d`.
    case hasBlock(h: Height, d: Digest)
    /// Asks for decided blocks from `h` on.
    case fetchBlocks(h: Height)
    /// A decided block with its commit.
    case block(h: Height, BodyHandle)
    /// The state after `h`, with the block that certifies it.
    case state(h: Height, BodyHandle)
  }

  /// Votes of replicas 64 `word` ... 64 `word` + 63.
  @frozen
  public struct VoteWord: BitwiseCopyable, Sendable {
    public var voters: UInt64
    public var height: Height
    public var round: Round
    public var kindAndWord: UInt8

    init(_ h: Height, _ r: Round, _ kind: VoteKind, word: Int, voters: UInt64) {
      height = h
      round = r
      kindAndWord = kind.rawValue << 4 | UInt8(word)
      self.voters = voters
    }

    public var kind: VoteKind { kindAndWord >> 4 == 0 ? .prevote : .precommit }
    public var word: Int { Int(kindAndWord & 15) }
  }

  /// CometBFT's NewRoundStep.
  @frozen
  public struct Status: BitwiseCopyable, Sendable {
    public var height: Height
    public var round: Round
    public var step: Step
    /// Nothing was decided for a status interval.
    public var isStalled: Bool
    /// Holds the proposal of its round, with its block.
    public var hasProposal: Bool
    /// Lost its memory: asks how far the others are.
    public var isRecovering: Bool
  }

  public enum Timer: ConsensusTimer {
    /// OnTimeoutPropose, OnTimeoutPrevote and OnTimeoutPrecommit of the paper.
    case propose(h: Height, r: Round)
    case prevote(h: Height, r: Round)
    case precommit(h: Height, r: Round)
    /// The wait after a decision, for late precommits.
    case commit(h: Height)
    /// Time to look whether something was missed.
    case status
    /// Blocks that were asked for should have come.
    case sync
    /// The gossip routines of some peers wake up.
    case gossip
    /// Time to tell peers of votes received.
    case announce

    public static var slots: Int { 8 }
    public var slot: Int {
      switch self {
      case .propose: 0
      case .prevote: 1
      case .precommit: 2
      case .commit: 3
      case .status: 4
      case .sync: 5
      case .gossip: 6
      case .announce: 7
      }
    }

    public func fold(into digest: inout RunDigest) {
      switch self {
      case .propose(let h, let r), .prevote(let h, let r), .precommit(let h, let r):
        digest.fold(
          UInt64(slot) << 48 | UInt64(UInt16(bitPattern: r.number)) << 32 | UInt64(h.number))
      case .commit(let h): digest.fold(UInt64(slot) << 48 | UInt64(h.number))
      case .status, .sync, .gossip, .announce: digest.fold(UInt64(slot))
      }
    }
  }

  /// Contents of the large messages.
  public enum Body: Sendable {
    case block(DecidedBlock)
    case state(Snapshot)
  }

  /// A decided block and the precommits that decided it.
  public struct DecidedBlock: Sendable, BitwiseCopyable {
    public var height: Height
    /// id(v).
    public var digest: Digest
    public var batch: BatchHandle
    /// Round of the commit.
    public var round: Round
    public var voters: InlineArray<8, UInt64>
  }

  /// The state after a height, certified by the next block, whose id covers its digest.
  public struct Snapshot: Sendable {
    public var height: Height
    public var state: ReplicatedState
    public var next: DecidedBlock
    /// Digest of the next block's transactions, as in its header.
    public var content: Digest
  }

  /// id(nil).
  public static var nilVote: Digest { Digest(0) }
}

extension Tendermint.Message {
  public static var proposalKinds: [Int] { [0] }

  public static var kinds: [String] {
    [
      "proposal", "prevote", "precommit", "transactions", "status", "votes", "has-votes", "part",
      "has-block", "fetch-blocks", "block", "state",
    ]
  }

  public var kind: Int {
    switch self {
    case .proposal: 0
    case .prevote: 1
    case .precommit: 2
    case .transactions: 3
    case .status: 4
    case .votes: 5
    case .hasVotes: 6
    case .part: 7
    case .hasBlock: 8
    case .fetchBlocks: 9
    case .block: 10
    case .state: 11
    }
  }

  public var isUrgent: Bool {
    switch self {
    case .proposal, .transactions, .part, .block, .state: false
    case .prevote, .precommit, .status, .votes, .hasVotes, .hasBlock, .fetchBlocks: true
    }
  }

  public func fold(into digest: inout RunDigest) {
    // Handles are left out: which is next depends on the order in which replicas are simulated.
    func head(_ h: Tendermint.Height, _ r: Tendermint.Round, _ more: UInt64 = 0) -> UInt64 {
      let round = UInt64(UInt16(bitPattern: r.number))
      return UInt64(kind) << 56 | more << 48 | round << 32 | UInt64(h.number)
    }
    switch self {
    case .proposal(let h, let r, let vr, let d, _):
      digest.fold(head(h, r), UInt64(UInt16(bitPattern: vr.number)) ^ d.value)
    case .prevote(let h, let r, let d), .precommit(let h, let r, let d):
      digest.fold(head(h, r), d.value)
    case .transactions(let range):
      digest.fold(UInt64(kind) << 56 | UInt64(range.population), range.first)
      digest.fold(UInt64(range.count))
    case .status(let status):
      let flags =
        UInt64(status.step.rawValue) << 3 | (status.isStalled ? 4 : 0)
        | (status.hasProposal ? 2 : 0) | (status.isRecovering ? 1 : 0)
      digest.fold(head(status.height, status.round, flags))
    case .votes(let d, let word):
      digest.fold(head(word.height, word.round, UInt64(word.kindAndWord)), d.value)
      digest.fold(word.voters)
    case .hasVotes(let low, let high, let h, let r, let kindAndPair):
      digest.fold(head(h, r, UInt64(kindAndPair)), low)
      digest.fold(high)
    case .part(let h, let r, let index, let d, _):
      digest.fold(head(h, r), UInt64(index) << 48 ^ d.value)
    case .hasBlock(let h, let d): digest.fold(head(h, .none), d.value)
    case .fetchBlocks(let h), .block(let h, _), .state(let h, _): digest.fold(head(h, .none))
    }
  }
}
