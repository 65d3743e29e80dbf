import Consensus
import Kernel
import Ledger

extension RapidChain {
  /// Messages between members. `k` is the iteration; the sender comes with the envelope, and all
  /// are signed.
  public enum Message: ConsensusMessage {
    /// A set of chunks of the leader's block, with their Merkle proofs (§4.2, IDA-gossip).
    case piece(k: UInt32, batch: BatchHandle, group: UInt16)
    /// The leader's header, tagged propose, and those of the pending blocks.
    case propose(k: UInt32, BodyHandle)
    /// The leader's header, tagged echo.
    case echo(id: Digest, BodyHandle, k: UInt32)
    /// Iteration `k` has no header: its leader signed these two.
    case pending(Digest, Digest, k: UInt32)
    /// The leader's header, tagged accept, with the echoes that make the proof.
    case accept(id: Digest, BodyHandle, k: UInt32)
    /// To the next leader: a header with its proof that the sender could not accept.
    case certified(id: Digest, BodyHandle, k: UInt32)
    /// Asks for the block with this root.
    case want(root: Digest, batch: BatchHandle)
    /// The block that was asked for.
    case block(BatchHandle)
    /// What was accepted after `height`? `helper` is to send the blocks themselves.
    case ask(height: UInt32, helper: UInt16)
    case answer(BodyHandle)
    /// With `announce`: the sender has this set of chunks; it asks for one.
    case have(k: UInt32, batch: BatchHandle, group: UInt16)
    case fetch(k: UInt32, batch: BatchHandle, group: UInt16)

    public static var kinds: [String] {
      [
        "piece", "propose", "echo", "pending", "accept", "certified", "want", "block", "ask",
        "answer", "have", "fetch",
      ]
    }

    public static var proposalKinds: [Int] { [1] }

    public var kind: Int {
      switch self {
      case .piece: 0
      case .propose: 1
      case .echo: 2
      case .pending: 3
      case .accept: 4
      case .certified: 5
      case .want: 6
      case .block: 7
      case .ask: 8
      case .answer: 9
      case .have: 10
      case .fetch: 11
      }
    }

    public var isUrgent: Bool {
      switch self {
      case .piece, .block, .answer: false
      default: true
      }
    }

    public func fold(into digest: inout RunDigest) {
      let kind = UInt64(kind) << 56
      switch self {
      case .piece(let k, let batch, let group), .have(let k, let batch, let group),
        .fetch(let k, let batch, let group):
        digest.fold(kind | UInt64(group) << 32 | UInt64(k), UInt64(batch.index))
      case .propose(let k, _): digest.fold(kind | UInt64(k))
      case .echo(let id, _, let k), .accept(let id, _, let k), .certified(let id, _, let k):
        digest.fold(kind | UInt64(k), id.value)
      case .pending(let first, let second, let k):
        digest.fold(kind | UInt64(k), first.value)
        digest.fold(second.value)
      case .want(let root, let batch): digest.fold(kind | UInt64(batch.index), root.value)
      case .block(let batch): digest.fold(kind | UInt64(batch.index))
      case .ask(let height, let helper):
        digest.fold(kind | UInt64(helper) << 32 | UInt64(height))
      case .answer: digest.fold(kind)
      }
    }
  }

  public enum Timer: ConsensusTimer {
    /// The leader of iteration `k` begins to gossip its block.
    case iteration(k: UInt32)
    /// A synchronous round of iteration `k` begins; 4 is its end.
    case round(k: UInt32, phase: UInt8)
    /// Answers should have come.
    case catchUp
    /// Sets of chunks of iteration `k` that were asked for should have come.
    case fetch(k: UInt32)

    public static var slots: Int { 5 }
    public var slot: Int {
      switch self {
      case .iteration: 0
      case .round: 1
      case .catchUp: 2
      // The next block may be on its way already.
      case .fetch(let k): 3 + Int(k & 1)
      }
    }
    public func fold(into digest: inout RunDigest) {
      switch self {
      case .iteration(let k): digest.fold(UInt64(k))
      case .round(let k, let phase): digest.fold(1 << 40 | UInt64(phase) << 32 | UInt64(k))
      case .catchUp: digest.fold(2 << 40)
      case .fetch(let k): digest.fold(3 << 40 | UInt64(k))
      }
    }
  }

  /// A block header H. Its position in the chain, its leader's iteration, the Merkle root of the
  /// chunks, and the header before it.
  public struct Header: Sendable, BitwiseCopyable, Equatable {
    public var iteration: UInt32
    public var height: UInt32
    /// Stands for the root; `none` with an empty block.
    public var batch: BatchHandle
    public var root: Digest
    public var parent: Digest

    /// Before the first block.
    static var genesis: Header {
      Header(iteration: 0, height: 0, batch: .none, root: Digest(0), parent: Digest(0))
    }

    /// The header's hash.
    public var id: Digest {
      if height == 0 { return Digest(0) }
      var digest = RunDigest(root.value)
      digest.fold(UInt64(iteration) << 32 | UInt64(height), parent.value)
      return Digest(digest.value)
    }
  }

  /// Contents of messages.
  public enum Body: Sendable {
    case proposal(Proposal)
    case answer(Answer)
  }

  /// What a leader proposes.
  public struct Proposal: Sendable {
    var header: Header
    /// Headers before it that the leader has not accepted, from the lowest on.
    var pending: [Header] = []
    /// The highest of `pending` for which there are f + 1 echoes; they come with it.
    var certified: Header?
  }

  /// What a member says of its chain.
  public struct Answer: Sendable {
    var height: UInt32
    /// Of the highest header of which it holds a proof.
    var lock: Header
    /// Accepted headers behind the height that was asked for.
    var headers: [Header] = []
    /// The blocks come with them.
    var isWhole = false
    /// If what was asked for is too old: the state at some height.
    var snapshot: (height: UInt32, digest: Digest, tip: Header)?
    var state: ReplicatedState?
  }
}
