import Consensus
import Kernel
import Ledger
import Machines

/// What a scenario says of HotStuff or Jolteon. Nothing here has a default: defaults stand, with
/// their sources, where scenarios are read.
public struct HotStuffSettings: Sendable, Equatable {
  /// Requests and their bytes in a block (with dissemination: in a batch), at most.
  public var batchRequests: Int
  public var batchBytes: Int
  /// How long a leader (with dissemination: the maker of a batch) waits for it to fill.
  public var batchTimeout: SimDuration
  /// A leader without anything to propose lets so much time pass before an empty block; zero: none.
  public var idleInterval: SimDuration
  /// Views that a leader leads in a row, 1...`stableViews`.
  public var leaderViews: Int
  /// How long a view may take.
  public var viewTimeout: SimDuration
  /// How often it may double, since the last block was committed.
  public var doublings: Int
  /// What was asked for and has not come is asked for again, of another replica.
  public var syncInterval: SimDuration
  /// Committed blocks kept for those behind, and heights from one snapshot to the next.
  public var window: Int
  public var checkpointInterval: Int
  public var dissemination: Dissemination
  /// Batches in a block, at most.
  public var blockBatches: Int
  public var certificates: Certificates
  /// Clients' requests are authenticated one by one.
  public var verifiesRequests: Bool
  /// Votes that arrive when their quorum has arrived are not verified.
  public var skipsLateVotes: Bool
  /// What a vote promises is on the disk before the vote leaves.
  public var isDurable: Bool
  public var mempool: Int
  public var eviction: Eviction
  public var sizes: Sizes
  public var costs: CostSheet
  /// Populations that number transactions.
  public var populations: Int
  /// None outside of ablations.
  public var weakness: Weakness = []

  /// A leader that stays until its view times out.
  public static var stableViews: Int { 1 << 20 }

  public init(
    batchRequests: Int, batchBytes: Int, batchTimeout: SimDuration, idleInterval: SimDuration,
    leaderViews: Int, viewTimeout: SimDuration, doublings: Int, syncInterval: SimDuration,
    window: Int, checkpointInterval: Int, dissemination: Dissemination, blockBatches: Int,
    certificates: Certificates, verifiesRequests: Bool, skipsLateVotes: Bool, isDurable: Bool,
    mempool: Int, eviction: Eviction, sizes: Sizes, costs: CostSheet, populations: Int
  ) {
    self.batchRequests = batchRequests
    self.batchBytes = batchBytes
    self.batchTimeout = batchTimeout
    self.idleInterval = idleInterval
    self.leaderViews = leaderViews
    self.viewTimeout = viewTimeout
    self.doublings = doublings
    self.syncInterval = syncInterval
    self.window = window
    self.checkpointInterval = checkpointInterval
    self.dissemination = dissemination
    self.blockBatches = blockBatches
    self.certificates = certificates
    self.verifiesRequests = verifiesRequests
    self.skipsLateVotes = skipsLateVotes
    self.isDurable = isDurable
    self.mempool = mempool
    self.eviction = eviction
    self.sizes = sizes
    self.costs = costs
    self.populations = populations
  }

  /// How transactions reach the replicas.
  public enum Dissemination: String, Sendable, CaseIterable {
    /// In the leader's proposals.
    case none
    /// In batches ahead of ordering; a batch may be proposed by its maker once a quorum holds it.
    case acknowledged
    /// In batches ahead of ordering, at once.
    case broadcast
  }

  /// What a certificate is made of.
  public enum Certificates: String, Sendable, CaseIterable {
    /// The signatures of a quorum, each of which is verified.
    case list
    /// One threshold or aggregate signature, which is verified once.
    case aggregate
  }

  /// Bytes of the parts that messages are made of.
  public struct Sizes: Sendable, Equatable {
    /// Kind, view and sender, with the framing.
    public var header: Int
    /// One more number.
    public var number: Int
    public var digest: Int
    public var signature: Int
    /// Who signed, in a list of signatures.
    public var signer: Int
    /// What a request in a batch carries besides its transaction.
    public var request: Int
    /// The state: a fixed part, and what each executed transaction adds.
    public var stateFixed: Int
    public var statePerTransaction: Int

    public init(
      header: Int, number: Int, digest: Int, signature: Int, signer: Int, request: Int,
      stateFixed: Int, statePerTransaction: Int
    ) {
      self.header = header
      self.number = number
      self.digest = digest
      self.signature = signature
      self.signer = signer
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
    /// Quorums have 2f + 1 members whatever n is.
    public static var quorumOfTwoFPlusOne: Weakness { Weakness(rawValue: 2) }
    /// Replicas vote against their lock (HotStuff) or the timeout certificate (Jolteon), and a
    /// leader after a timeout builds on what it holds, without asking a quorum.
    public static var missingLock: Weakness { Weakness(rawValue: 4) }
    /// A chain decides although views are missing in it.
    public static var gapsInChains: Weakness { Weakness(rawValue: 8) }
    /// The votes in a certificate are not counted.
    public static var uncheckedCertificates: Weakness { Weakness(rawValue: 16) }
    /// Replicas vote in views in which they have voted, and before.
    public static var staleViews: Weakness { Weakness(rawValue: 32) }

    /// As scenarios call them.
    static var names: [(name: String, weakness: Weakness)] {
      [
        ("quorum-of-2f", .quorumOfTwoF), ("quorum-of-2f-plus-1", .quorumOfTwoFPlusOne),
        ("missing-lock", .missingLock), ("gaps-in-chains", .gapsInChains),
        ("unchecked-certificates", .uncheckedCertificates), ("stale-views", .staleViews),
      ]
    }
  }
}

extension HotStuffSettings {
  /// What is wrong with the settings for a committee of `n`, as a phrase for a user; `nil` if
  /// nothing is.
  public func problem(n: Int) -> String? {
    if n < 4 || n > Committee.largest { return "HotStuff needs 4...\(Committee.largest) replicas" }
    if batchRequests < 1 { return "a batch holds at least 1 request, not \(batchRequests)" }
    if batchBytes < 1 { return "a batch holds at least 1 byte, not \(batchBytes)" }
    if batchTimeout < .zero { return "the batch timeout must not be negative" }
    if dissemination != .none, batchTimeout == .zero {
      return "batches that are spread ahead of ordering need a batch timeout above 0"
    }
    if viewTimeout <= .zero || syncInterval <= .zero || idleInterval < .zero {
      return "timeouts must be positive, the idle interval not negative"
    }
    let wait = dissemination == .none ? batchTimeout + idleInterval : idleInterval
    if wait + wait >= viewTimeout {
      return "the view timeout must be more than twice what a leader may wait, "
        + "batch timeout and idle interval"
    }
    if leaderViews < 1 || leaderViews > Self.stableViews {
      return "a leader leads 1...\(Self.stableViews) views"
    }
    if doublings < 0 || doublings > 20 { return "a timeout doubles 0...20 times" }
    if checkpointInterval < 1 || window < checkpointInterval || window > Int(UInt16.max) {
      return "the window of \(window) blocks must hold a checkpoint interval, "
        + "\(checkpointInterval) blocks, and at most \(UInt16.max)"
    }
    if blockBatches < 1 { return "a block names at least 1 batch, not \(blockBatches)" }
    return mempool < 1 ? "the mempool must hold at least 1 transaction" : nil
  }

  /// Clients cannot follow a leader that changes all the time: each talks to a replica of its own.
  var usesGateways: Bool { dissemination != .none || leaderViews < Self.stableViews }
}
