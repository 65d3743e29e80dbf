import Consensus
import Kernel
import Ledger
import Machines

extension Raft {
  public struct Settings: Sendable {
    /// Commands in an entry, at most, and their bytes; a larger command goes alone.
    public var batch: Int
    public var batchBytes: Int
    /// How long the leader waits for a batch to fill; zero: not at all.
    public var batchTimeout: SimDuration
    /// Entries appended by the leader and not yet committed, at most.
    public var pipeline: Int
    public var heartbeatInterval: SimDuration
    /// T: a server that heard of no leader for a time drawn from [T, 2T) begins an election.
    public var electionTimeout: SimDuration
    public var asksBeforeVoting: Bool
    /// Entries applied between snapshots.
    public var snapshotCount: Int
    /// Entries in one message to a follower that is behind, at most.
    public var catchUpEntries: Int
    /// Term, vote and entries are on the disk before an answer leaves.
    public var isDurable: Bool
    public var sizes: Sizes
    public var costs: CostSheet
    public var mempool: Mempool
    public var weakness: Weakness = []

    public init(
      batch: Int, batchBytes: Int, batchTimeout: SimDuration, pipeline: Int,
      heartbeatInterval: SimDuration, electionTimeout: SimDuration, asksBeforeVoting: Bool,
      snapshotCount: Int, catchUpEntries: Int, isDurable: Bool, sizes: Sizes, costs: CostSheet,
      mempool: Mempool
    ) {
      self.batch = batch
      self.batchBytes = batchBytes
      self.batchTimeout = batchTimeout
      self.pipeline = pipeline
      self.heartbeatInterval = heartbeatInterval
      self.electionTimeout = electionTimeout
      self.asksBeforeVoting = asksBeforeVoting
      self.snapshotCount = snapshotCount
      self.catchUpEntries = catchUpEntries
      self.isDurable = isDurable
      self.sizes = sizes
      self.costs = costs
      self.mempool = mempool
    }
  }

  /// Bytes on the wire and on the disk.
  public struct Sizes: Sendable, Equatable {
    /// Of every message: kind, term, sender, and framing.
    public var header: Int
    /// Of one more number.
    public var number: Int
    /// What an entry carries beside its commands, and a command beside its transaction.
    public var entry: Int
    public var request: Int
    /// Of the state: a fixed part, and a part for each transaction executed.
    public var stateFixed: Int
    public var statePerTransaction: Int

    public init(
      header: Int, number: Int, entry: Int, request: Int, stateFixed: Int,
      statePerTransaction: Int
    ) {
      self.header = header
      self.number = number
      self.entry = entry
      self.request = request
      self.stateFixed = stateFixed
      self.statePerTransaction = statePerTransaction
    }
  }

  /// Rules that an ablation leaves out, to show that the monitors see it.
  public struct Weakness: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Half of the servers are enough, not a majority.
    public static var quorumOfHalf: Weakness { Weakness(rawValue: 1) }
    /// Votes are given to candidates whatever their log (against §5.4.1).
    public static var votesForAnyLog: Weakness { Weakness(rawValue: 2) }
    /// A vote is forgotten: another candidate of the same term may have it too.
    public static var votesTwice: Weakness { Weakness(rawValue: 4) }
    /// Entries of earlier terms are committed by counting replicas (against §5.4.2).
    public static var commitsEarlierTerms: Weakness { Weakness(rawValue: 8) }

    /// As scenarios call them.
    static var names: [(name: String, weakness: Weakness)] {
      [
        ("quorum-of-half", .quorumOfHalf), ("votes-for-any-log", .votesForAnyLog),
        ("votes-twice", .votesTwice), ("commits-earlier-terms", .commitsEarlierTerms),
      ]
    }
  }
}

extension Raft.Settings {
  /// What is wrong with the settings for `n` servers, as a phrase; `nil` if nothing is.
  public func problem(n: Int) -> String? {
    if n < 3 || n > Committee.largest { return "Raft needs 3...\(Committee.largest) servers" }
    if batch < 1 { return "a batch holds at least 1 request, not \(batch)" }
    if batchBytes < 1 { return "a batch holds at least 1 byte, not \(batchBytes)" }
    if batchTimeout < .zero { return "the batch timeout must not be negative" }
    if pipeline < 1 { return "the pipeline holds at least 1 entry" }
    if heartbeatInterval <= .zero { return "the heartbeat interval must be positive" }
    if electionTimeout < heartbeatInterval * 2 {
      return "the election timeout must be at least two heartbeat intervals, or leaders are "
        + "given up though they live"
    }
    if snapshotCount < 1 || catchUpEntries < 1 { return "counts of entries must be positive" }
    return nil
  }
}
