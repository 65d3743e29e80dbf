import Consensus
import Kernel
import Ledger
import Machines

extension PBFT {
  /// What a scenario says of PBFT. Nothing here has a default: defaults stand, with their sources,
  /// where scenarios are read.
  public struct Settings: Sendable, Equatable {
    /// Requests and their bytes in a batch, at most; at least 1 each. A request larger than `bytes`
    /// goes alone.
    public var batchRequests: Int
    public var batchBytes: Int
    /// How long the primary waits for a batch to fill; zero: it proposes whenever the pipeline has
    /// room, as the library of the paper does.
    public var batchTimeout: SimDuration
    /// w: slots proposed and not yet executed by the primary, at most; 1...window.
    public var pipeline: Int
    /// K: slots from one checkpoint to the next, at least 1 (§4.3; 128 in the paper's tests).
    public var checkpointInterval: Int
    /// L: slots from the low to the high water mark; at least K (§4.3 suggests 2K).
    public var window: Int
    /// T: how long a backup waits for a request to be executed, or for a new view (§4.5.2). Each
    /// view change without progress doubles it.
    public var viewTimeout: SimDuration
    /// A replica that has executed nothing for so long tells the others what it has.
    public var statusInterval: SimDuration
    /// How long a replica waits for the state before it asks another.
    public var transferTimeout: SimDuration
    public var authentication: Authentication
    /// Clients' requests are authenticated one by one, at whoever sees them first.
    public var verifiesRequests: Bool
    /// Votes that arrive when their quorum is there already are not verified.
    public var skipsLateVotes: Bool
    /// What a vote promises is on the disk before the vote leaves.
    public var isDurable: Bool
    /// Transactions that wait at a replica, at most.
    public var mempool: Int
    public var eviction: Eviction
    public var sizes: Sizes
    public var costs: CostSheet
    /// Populations that number transactions.
    public var populations: Int
    /// None outside of ablations.
    public var weakness: Weakness = []

    public init(
      batchRequests: Int, batchBytes: Int, batchTimeout: SimDuration, pipeline: Int,
      checkpointInterval: Int, window: Int, viewTimeout: SimDuration,
      statusInterval: SimDuration, transferTimeout: SimDuration,
      authentication: Authentication, verifiesRequests: Bool, skipsLateVotes: Bool,
      isDurable: Bool, mempool: Int, eviction: Eviction, sizes: Sizes, costs: CostSheet,
      populations: Int
    ) {
      self.batchRequests = batchRequests
      self.batchBytes = batchBytes
      self.batchTimeout = batchTimeout
      self.pipeline = pipeline
      self.checkpointInterval = checkpointInterval
      self.window = window
      self.viewTimeout = viewTimeout
      self.statusInterval = statusInterval
      self.transferTimeout = transferTimeout
      self.authentication = authentication
      self.verifiesRequests = verifiesRequests
      self.skipsLateVotes = skipsLateVotes
      self.isDurable = isDurable
      self.mempool = mempool
      self.eviction = eviction
      self.sizes = sizes
      self.costs = costs
      self.populations = populations
    }
  }

  /// How messages between replicas, and requests, are authenticated.
  public enum Authentication: String, Sendable, CaseIterable {
    /// Every message is signed.
    case signatures
    /// A message to one replica carries a MAC, a message to all an authenticator: one MAC for each
    /// replica. View changes and new views are signed (§5).
    case macs
  }

  /// Bytes of the parts that messages are made of.
  public struct Sizes: Sendable, Equatable {
    /// Kind, view, sequence number and sender, with the framing.
    public var header: Int
    /// One more number.
    public var number: Int
    public var digest: Int
    public var signature: Int
    public var mac: Int
    /// What a request in a batch carries besides its transaction: client, timestamp,
    /// authentication.
    public var request: Int
    /// The state: a fixed part, and what each executed transaction adds.
    public var stateFixed: Int
    public var statePerTransaction: Int

    public init(
      header: Int, number: Int, digest: Int, signature: Int, mac: Int, request: Int,
      stateFixed: Int, statePerTransaction: Int
    ) {
      self.header = header
      self.number = number
      self.digest = digest
      self.signature = signature
      self.mac = mac
      self.request = request
      self.stateFixed = stateFixed
      self.statePerTransaction = statePerTransaction
    }
  }

  /// Rules that an ablation leaves out, to show that the monitors see it.
  public struct Weakness: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A new view proposes nothing again.
    public static var forgetsPrepared: Weakness { Weakness(rawValue: 1) }
    /// Quorums have 2f members.
    public static var quorumOfTwoF: Weakness { Weakness(rawValue: 2) }

    /// As scenarios call them.
    static var names: [(name: String, weakness: Weakness)] {
      [("forgets-prepared", .forgetsPrepared), ("quorum-of-2f", .quorumOfTwoF)]
    }
  }
}

extension PBFT.Settings {
  /// What is wrong with the settings for a committee of `n`, as a phrase for a user; `nil` if
  /// nothing is.
  public func problem(n: Int) -> String? {
    if n < 4 || n > Committee.largest { return "PBFT needs 4...\(Committee.largest) replicas" }
    if batchRequests < 1 { return "a batch holds at least 1 request, not \(batchRequests)" }
    if batchBytes < 1 { return "a batch holds at least 1 byte, not \(batchBytes)" }
    if batchTimeout < .zero { return "the batch timeout must not be negative" }
    if checkpointInterval < 1 { return "checkpoints are at least 1 slot apart" }
    if window < checkpointInterval {
      return "the window of \(window) slots must hold a checkpoint interval, "
        + "\(checkpointInterval) slots"
    }
    if window > Int(UInt16.max) { return "the window holds at most \(UInt16.max) slots" }
    if pipeline < 1 || pipeline > window { return "the pipeline must hold 1...\(window) slots" }
    if viewTimeout <= .zero || statusInterval <= .zero || transferTimeout <= .zero {
      return "timeouts must be positive"
    }
    return mempool < 1 ? "the mempool must hold at least 1 transaction" : nil
  }
}
