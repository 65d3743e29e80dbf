import Consensus
import Kernel
import Ledger
import Machines

/// What a scenario says of Narwhal. Nothing here has a default: defaults stand, with their sources,
/// where scenarios are read.
public struct NarwhalSettings: Sendable, Equatable {
  /// Workers of each validator, 1...16.
  public var workers: Int
  public var placement: Placement
  /// A worker seals a batch of so many bytes, or what there is after `batchDelay`.
  public var batchBytes: Int
  public var batchDelay: SimDuration
  /// A primary makes a header when waiting digests have so many bytes, or after `headerDelay`.
  public var headerBytes: Int
  public var headerDelay: SimDuration
  /// Rounds behind the last ordered leader that are kept (§3.3); at least 4, even.
  public var gcDepth: Int
  /// What is missing is asked for again so often; and of how many others.
  public var retryDelay: SimDuration
  public var retryNodes: Int
  /// How long a round waits for the leader's vertex, or the votes for it (Bullshark).
  public var leaderTimeout: SimDuration
  /// A certificate's votes are verified together, each at this share of the time of one.
  public var batchVerification: Double
  /// Processor time, beside what any message takes: of storing a header or certificate, ahead of
  /// the lane; and of a client's request at its worker, on it.
  public var storeWork: SimDuration
  public var requestWork: SimDuration
  /// Headers, votes and certificates are on the disk before what rests on them leaves.
  public var isDurable: Bool
  /// Transactions that wait at a worker, at most.
  public var mempool: Int
  public var eviction: Eviction
  public var sizes: Sizes
  public var costs: CostSheet
  /// Populations that number transactions.
  public var populations: Int
  /// Seed of the run: what the common coin is drawn from.
  public var seed: UInt64
  /// None outside of ablations.
  public var weakness: Weakness = []
  /// Honest outside of tests.
  public var deceit: Deceit = []

  public init(
    workers: Int, placement: Placement, batchBytes: Int, batchDelay: SimDuration,
    headerBytes: Int, headerDelay: SimDuration, gcDepth: Int, retryDelay: SimDuration,
    retryNodes: Int, leaderTimeout: SimDuration, batchVerification: Double,
    storeWork: SimDuration, requestWork: SimDuration, isDurable: Bool, mempool: Int,
    eviction: Eviction, sizes: Sizes, costs: CostSheet, populations: Int, seed: UInt64
  ) {
    self.workers = workers
    self.placement = placement
    self.batchBytes = batchBytes
    self.batchDelay = batchDelay
    self.headerBytes = headerBytes
    self.headerDelay = headerDelay
    self.gcDepth = gcDepth
    self.retryDelay = retryDelay
    self.retryNodes = retryNodes
    self.leaderTimeout = leaderTimeout
    self.batchVerification = batchVerification
    self.storeWork = storeWork
    self.requestWork = requestWork
    self.isDurable = isDurable
    self.mempool = mempool
    self.eviction = eviction
    self.sizes = sizes
    self.costs = costs
    self.populations = populations
    self.seed = seed
  }
}

extension NarwhalSettings {
  static var mostWorkers: Int { 16 }
  /// Batches of a worker that are remembered; a power of two.
  static var batchWindow: Int { 1024 }
  /// Batches that a worker may have sealed and not seen executed.
  static var backlog: Int { 256 }

  /// Where a validator's workers run.
  public enum Placement: String, Sendable, CaseIterable {
    /// On the primary's machine and lane: a node is a validator.
    case collocated
    /// Each on a machine of its own: of n (1 + workers) nodes the first n are primaries; worker w
    /// of validator v is node n + w n + v.
    case ownMachines = "own-machines"
  }

  /// Bytes of the parts that messages are made of.
  public struct Sizes: Sendable, Equatable {
    /// Kind and framing.
    public var header: Int
    /// A round, or one more number.
    public var number: Int
    public var digest: Int
    public var signature: Int
    /// A public key: how validators are named.
    public var key: Int
    /// What a request in a batch carries besides its transaction.
    public var request: Int
    /// The state: a fixed part, and what each executed transaction adds.
    public var stateFixed: Int
    public var statePerTransaction: Int

    public init(
      header: Int, number: Int, digest: Int, signature: Int, key: Int, request: Int,
      stateFixed: Int, statePerTransaction: Int
    ) {
      self.header = header
      self.number = number
      self.digest = digest
      self.signature = signature
      self.key = key
      self.request = request
      self.stateFixed = stateFixed
      self.statePerTransaction = statePerTransaction
    }
  }

  /// Rules that an ablation leaves out, to show that the monitors see it.
  public struct Weakness: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Quorums have 2f members.
    public static var quorumOfTwoF: Weakness { Weakness(rawValue: 1) }
    /// Votes for every header of an author and a round.
    public static var votesTwice: Weakness { Weakness(rawValue: 2) }
    /// Takes certificates whatever their votes.
    public static var trustsCertificates: Weakness { Weakness(rawValue: 4) }
    /// Orders a leader without those before it that it leads to.
    public static var forgetsLeaders: Weakness { Weakness(rawValue: 8) }
    /// Commits a leader with one vote less.
    public static var commitsEarly: Weakness { Weakness(rawValue: 16) }

    /// As scenarios call them.
    static var names: [(name: String, weakness: Weakness)] {
      [
        ("quorum-of-2f", .quorumOfTwoF), ("votes-twice", .votesTwice),
        ("trusts-certificates", .trustsCertificates), ("forgets-leaders", .forgetsLeaders),
        ("commits-early", .commitsEarly),
      ]
    }
  }

  /// What a lying validator does, in tests.
  public struct Deceit: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Makes two headers for a round, and shows each half of the others one of them first.
    public static var equivocates: Deceit { Deceit(rawValue: 1) }
    /// Shows certificates of both, though it has no quorum of votes.
    public static var forgesCertificates: Deceit { Deceit(rawValue: 2) }
  }

  /// What is wrong with the settings for a committee of `n`, as a phrase for a user; `nil` if
  /// nothing is.
  public func problem(n: Int) -> String? {
    if n < 4 || n > Committee.largest {
      return "Narwhal needs 4...\(Committee.largest) validators, not \(n)"
    }
    if workers < 1 || workers > Self.mostWorkers {
      return "a validator has 1...\(Self.mostWorkers) workers, not \(workers)"
    }
    if batchBytes < 1 || headerBytes < 1 { return "batches and headers hold at least 1 byte" }
    if batchDelay < .zero || headerDelay < .zero { return "delays must not be negative" }
    if batchDelay == .zero { return "a worker needs a batch delay above 0" }
    if headerDelay == .zero { return "a primary needs a header delay above 0" }
    if gcDepth < 4 || gcDepth > 4096 || gcDepth % 2 != 0 {
      return "the depth of collection is an even number of 4...4096 rounds, not \(gcDepth)"
    }
    if retryDelay <= .zero || leaderTimeout <= .zero { return "timeouts must be positive" }
    if retryNodes < 1 || retryNodes >= n { return "1...\(n - 1) others can be asked again" }
    if batchVerification < 0 || batchVerification > 1 {
      return "batched verification takes 0...1 of the time"
    }
    return mempool < 1 ? "the mempool must hold at least 1 transaction" : nil
  }
}
