import Consensus
import Kernel
import Ledger
import Machines

/// What a scenario says of QBFT and IBFT 2.0. Nothing here has a default: defaults stand, with
/// their sources, where scenarios are read.
public struct IstanbulSettings: Sendable, Equatable {
  /// From one block's time to the next's, at least; whole milliseconds.
  public var blockPeriod: SimDuration
  /// How long round 0 may take; each further round may take twice as long.
  public var requestTimeout: SimDuration
  /// Transactions and their bytes in a block, at most; at least 1 each. A transaction larger than
  /// `bytes` goes alone.
  public var blockRequests: Int
  public var blockBytes: Int
  /// How far a block's time may lie ahead of a replica's clock.
  public var clockTolerance: SimDuration
  /// How long a replica that hears of later heights waits before it asks for what it missed, and
  /// before it asks another.
  public var syncTimeout: SimDuration
  /// Decided blocks that a replica keeps for others; who lacks more takes its state.
  public var window: Int
  /// Who decides a block sends it, with its seals, to all (the specification's NEW-BLOCK).
  public var pushesBlocks: Bool
  /// Transactions' signatures are checked one by one, by all who see them.
  public var verifiesRequests: Bool
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
    blockPeriod: SimDuration, requestTimeout: SimDuration, blockRequests: Int, blockBytes: Int,
    clockTolerance: SimDuration, syncTimeout: SimDuration, window: Int, pushesBlocks: Bool,
    verifiesRequests: Bool, isDurable: Bool, mempool: Int, eviction: Eviction, sizes: Sizes,
    costs: CostSheet, populations: Int
  ) {
    self.blockPeriod = blockPeriod
    self.requestTimeout = requestTimeout
    self.blockRequests = blockRequests
    self.blockBytes = blockBytes
    self.clockTolerance = clockTolerance
    self.syncTimeout = syncTimeout
    self.window = window
    self.pushesBlocks = pushesBlocks
    self.verifiesRequests = verifiesRequests
    self.isDurable = isDurable
    self.mempool = mempool
    self.eviction = eviction
    self.sizes = sizes
    self.costs = costs
    self.populations = populations
  }

  /// Bytes of the parts that messages are made of.
  public struct Sizes: Sendable, Equatable {
    /// Kind, height, round and sender, with the framing.
    public var header: Int
    public var digest: Int
    public var signature: Int
    /// A block without transactions and seals, and what each validator adds to it.
    public var block: Int
    public var validator: Int
    /// The state: a fixed part, and what each executed transaction adds.
    public var stateFixed: Int
    public var statePerTransaction: Int

    public init(
      header: Int, digest: Int, signature: Int, block: Int, validator: Int, stateFixed: Int,
      statePerTransaction: Int
    ) {
      self.header = header
      self.digest = digest
      self.signature = signature
      self.block = block
      self.validator = validator
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
    /// Quorums have 2f + 1 members, whatever n is.
    public static var quorumOfTwoFAndOne: Weakness { Weakness(rawValue: 2) }
    /// What was prepared in earlier rounds binds nobody.
    public static var forgetsPrepared: Weakness { Weakness(rawValue: 4) }
    /// The proposal of a later round needs no round changes.
    public static var skipsJustification: Weakness { Weakness(rawValue: 8) }
    /// Proposals and votes of earlier rounds count in the present one.
    public static var acceptsStaleRounds: Weakness { Weakness(rawValue: 16) }

    /// As scenarios call them.
    static var names: [(name: String, weakness: Weakness)] {
      [
        ("quorum-of-2f", .quorumOfTwoF), ("quorum-of-2f-and-1", .quorumOfTwoFAndOne),
        ("forgets-prepared", .forgetsPrepared), ("skips-justification", .skipsJustification),
        ("accepts-stale-rounds", .acceptsStaleRounds),
      ]
    }
  }
}

extension Istanbul {
  /// What is wrong with the settings for a committee of `n`, as a phrase for a user; `nil` if
  /// nothing is.
  public static func problem(_ settings: IstanbulSettings, n: Int) -> String? {
    if n < 4 || n > Committee.largest {
      return "\(name) needs 4...\(Committee.largest) replicas"
    }
    if settings.blockRequests < 1 || settings.blockBytes < 1 {
      return "a block holds at least 1 transaction and 1 byte"
    }
    if settings.blockPeriod < .zero || settings.blockPeriod.nanoseconds % 1_000_000 != 0 {
      return "the block period is a whole number of milliseconds"
    }
    if settings.requestTimeout <= .zero || settings.syncTimeout <= .zero {
      return "timeouts must be positive"
    }
    if Rules.timesFromHead, settings.requestTimeout <= settings.blockPeriod {
      return "the request timeout runs from the last block on, and must exceed the block period"
    }
    if settings.clockTolerance < .zero { return "the clock tolerance must not be negative" }
    if settings.window < 1 { return "at least 1 block must be kept" }
    return settings.mempool < 1 ? "the mempool must hold at least 1 transaction" : nil
  }
}
