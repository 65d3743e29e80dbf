import Consensus
import Kernel
import Ledger

/// A block as a replica keeps it. Its parent is the block that its certificate names.
struct ChainBlock: Sendable, BitwiseCopyable {
  var digest: Digest
  var view: View
  var height: UInt32
  var certificate: QuorumCertificate
  /// `.none` for an empty block.
  var batch: BatchHandle
  /// Whether the content is there.
  var isComplete: Bool
  /// Whether it came as a proposal that replicas may vote for. Jolteon's rule stands here: its view
  /// follows that of its certificate, or a timeout certificate came with it and names none higher.
  var isVotable: Bool

  static var genesis: ChainBlock {
    ChainBlock(
      digest: Digest(0), view: View(0), height: 0, certificate: .genesis, batch: .none,
      isComplete: true, isVotable: true)
  }

  var parent: Digest { certificate.block }
}

/// What a replica has promised. It stands on the disk before a vote leaves (`isDurable`); a replica
/// that lost it votes only when no vote of before can be contradicted.
struct VotingState: Sendable, BitwiseCopyable {
  /// The last view in which it voted or, in Jolteon, that it gave up.
  var lastVoted = View(0)
  /// The block for which it voted there; nil: none. Only that vote may be said again, whatever
  /// other block of the view has come since.
  var vote: Digest?
  /// The last view in which it proposed.
  var lastProposed = View(0)
  /// The certificate of the block it is bound to: HotStuff's `lockedQC`.
  var locked = QuorumCertificate.genesis
  /// The certificate of the highest view it knows: HotStuff's `genericQC`, Jolteon's `qc_high`.
  var high = QuorumCertificate.genesis
}

/// Votes for blocks of one view.
struct Ballot: Sendable {
  var view = View(0)
  var tally = Tally()
}

/// Votes of one view that the verifiers have seen, ahead of the lane.
struct VerifiedBallot: Sendable, BitwiseCopyable {
  var view = View(0)
  var count: UInt16 = 0
}

/// The last new-view or timeout of a replica.
struct Wish: Sendable, BitwiseCopyable {
  var view = View(0)
  /// View of the certificate that it sent along.
  var high = View(0)
}

extension ChainedHotStuff {
  typealias Snapshot = HotStuffSnapshot

  /// A block that is missing, with whom to ask first.
  struct Wanted: Sendable, BitwiseCopyable {
    var block: Digest
    var view: View
    /// Blocks of the answer that have not come.
    var left: UInt32
  }

  /// Replicas that hold the same snapshot.
  struct Checkpoint: Sendable {
    var slot: Slot
    var votes = Tally()
  }

  /// A snapshot that f + 1 replicas vouch for.
  struct Transfer: Sendable, BitwiseCopyable {
    var slot: Slot
    var digest: Digest
  }

  /// Batches that this replica spreads, and what it holds of all.
  struct Spread: Sendable {
    /// This replica's batches that are not decided, in order of numbers.
    var own: [OwnBatch] = []
    var nextNumber: UInt32 = 1
    /// By handle: what is known of the batch.
    var known = SlidingArray<Standing>()
    /// Batches that may be proposed, in order of arrival; some have been since.
    var available = SlidingArray<BatchHandle>()
    /// How many of them wait for a proposal.
    var availableCount = 0
    var isSealTiming = false
    var isResending = false
    /// Batches with lower numbers have waited for an interval when the timer runs out.
    var resendBefore: UInt32 = 1
  }

  struct OwnBatch: Sendable {
    var number: UInt32
    var batch: BatchHandle
    var acknowledged = Tally()
    var isAvailable = false
  }

  /// What a replica knows of a batch.
  enum Standing: UInt8, Sendable, BitwiseCopyable {
    case unknown
    /// Held, or its own and short of acknowledgements.
    case held
    /// Held, and no block that may be committed has it.
    case available
    /// A block names it; the content is not there, or is.
    case missing
    case proposed
    case done
  }
}
