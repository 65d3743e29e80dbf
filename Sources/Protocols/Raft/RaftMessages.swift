import Consensus
import Kernel
import Ledger

extension Raft {
  /// Messages between servers. Names are the paper's; the sender comes with the envelope.
  public enum Message: ConsensusMessage {
    /// Would you vote for me in `term`, if I began it? (thesis §9.6)
    case preVote(term: UInt32, lastLogIndex: UInt32, lastLogTerm: UInt32)
    case preVoteReply(term: UInt32, granted: Bool)
    /// RequestVote RPC (§5.2).
    case requestVote(term: UInt32, lastLogIndex: UInt32, lastLogTerm: UInt32)
    case requestVoteReply(term: UInt32, granted: Bool)
    /// AppendEntries RPC without entries (§5.2).
    case heartbeat(term: UInt32, prevLogIndex: UInt32, prevLogTerm: UInt32, commit: UInt32)
    /// AppendEntries RPC with one entry of the leader's own term (§5.3).
    case append(
      term: UInt32, prevLogIndex: UInt32, prevLogTerm: UInt32, commit: UInt32, batch: BatchHandle)
    /// AppendEntries RPC with the entries of `BodyHandle`.
    case appendMany(
      term: UInt32, prevLogIndex: UInt32, prevLogTerm: UInt32, commit: UInt32, BodyHandle)
    /// `index`: up to where the logs are equal, if they are; else where the leader should look next
    /// (§5.3, the first index of the conflicting term). `previous`: where the leader looked.
    case appendReply(term: UInt32, matches: Bool, index: UInt32, previous: UInt32)
    /// InstallSnapshot RPC (§7), in one piece.
    case installSnapshot(term: UInt32, lastIndex: UInt32, lastTerm: UInt32, BodyHandle)

    public static var proposalKinds: [Int] { [5] }

    public static var kinds: [String] {
      [
        "pre-vote", "pre-vote-reply", "request-vote", "request-vote-reply", "heartbeat", "append",
        "append-many", "append-reply", "install-snapshot",
      ]
    }

    public var kind: Int {
      switch self {
      case .preVote: 0
      case .preVoteReply: 1
      case .requestVote: 2
      case .requestVoteReply: 3
      case .heartbeat: 4
      case .append: 5
      case .appendMany: 6
      case .appendReply: 7
      case .installSnapshot: 8
      }
    }

    public var isUrgent: Bool {
      switch self {
      case .append, .appendMany, .installSnapshot: false
      default: true
      }
    }

    public func fold(into digest: inout RunDigest) {
      func fold(_ a: UInt32, _ b: UInt32 = 0, _ c: UInt32 = 0, _ d: UInt32 = 0) {
        digest.fold(UInt64(kind) << 32 | UInt64(a), UInt64(b) << 32 | UInt64(c))
        digest.fold(UInt64(d))
      }
      switch self {
      case .preVote(let term, let index, let last), .requestVote(let term, let index, let last):
        fold(term, index, last)
      case .preVoteReply(let term, let granted), .requestVoteReply(let term, let granted):
        fold(term, granted ? 1 : 0)
      case .heartbeat(let term, let index, let previous, let commit):
        fold(term, index, previous, commit)
      case .append(let term, let index, let previous, let commit, let batch):
        fold(term, index, previous, commit)
        digest.fold(UInt64(batch.index))
      case .appendMany(let term, let index, let previous, let commit, _):
        fold(term, index, previous, commit)
      case .appendReply(let term, let matches, let index, let previous):
        fold(term, matches ? 1 : 0, index, previous)
      case .installSnapshot(let term, let index, let last, _): fold(term, index, last)
      }
    }
  }

  public enum Timer: ConsensusTimer {
    /// No leader was heard of for an election timeout; at a leader: no majority was.
    case election
    /// Time for a heartbeat.
    case heartbeat
    /// The leader proposes what waits, though the batch is not full.
    case batch

    public static var slots: Int { 3 }
    public var slot: Int {
      switch self {
      case .election: 0
      case .heartbeat: 1
      case .batch: 2
      }
    }
    public func fold(into digest: inout RunDigest) { digest.fold(UInt64(slot)) }
  }

  /// Contents of the large messages.
  public enum Body: Sendable {
    case entries([Entry])
    case snapshot(ReplicatedState)
  }

  /// An entry of the log: a batch of commands, or none at the beginning of a term (§8).
  public struct Entry: Sendable, BitwiseCopyable, Equatable {
    public var term: UInt32
    public var batch: BatchHandle

    public init(term: UInt32, batch: BatchHandle) {
      self.term = term
      self.batch = batch
    }
  }
}
