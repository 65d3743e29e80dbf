import Consensus
import Kernel
import Ledger
import Machines

/// What a scenario says of Algorand. Nothing here has a default: defaults stand, with their
/// sources, where scenarios are read.
public struct AlgorandSettings: Sendable, Equatable {
  public var committees: Committees
  /// Units of all accounts together, and how they are spread: account i has a share proportional to
  /// (i + 1)^-stakeExponent.
  public var totalStake: Int
  public var stakeExponent: Double
  /// When period 0 soft-votes and when it gives up, after its begin.
  public var filterTimeout: SimDuration
  public var deadlineTimeout: SimDuration
  /// lambda and Lambda: later periods soft-vote after 2 lambda and give up after Lambda + lambda.
  public var lambda: SimDuration
  public var bigLambda: SimDuration
  /// Between two attempts at fast recovery, lambda_f.
  public var fastRecovery: SimDuration
  /// The filter timeout of period 0 follows the arrival of the least credentials, down to a bound.
  public var adaptsFilter: Bool
  public var dynamicFilterBound: SimDuration
  public var dynamicFilterGrace: SimDuration
  /// Transactions and their bytes in a block, at most; a larger transaction goes alone.
  public var blockTransactions: Int
  public var blockBytes: Int
  /// How long a replica that hears of later rounds waits before it asks for what it missed, and
  /// before it asks another.
  public var syncTimeout: SimDuration
  /// Decided blocks that a replica keeps for others; who lacks more takes its state.
  public var window: Int
  /// Transactions' signatures are checked one by one.
  public var verifiesRequests: Bool
  /// Votes and blocks are on the disk before what rests on them leaves.
  public var isDurable: Bool
  /// Evaluating the VRF for a step, and checking a credential.
  public var prove: SimDuration
  public var checkProof: SimDuration
  public var mempool: Int
  public var eviction: Eviction
  public var sizes: Sizes
  public var costs: CostSheet
  public var populations: Int
  /// From which the seeds before the first block are made.
  public var genesis: UInt64
  /// None outside of ablations.
  public var weakness: Weakness = []

  public init(
    committees: Committees, totalStake: Int, stakeExponent: Double, filterTimeout: SimDuration,
    deadlineTimeout: SimDuration, lambda: SimDuration, bigLambda: SimDuration,
    fastRecovery: SimDuration, adaptsFilter: Bool, dynamicFilterBound: SimDuration,
    dynamicFilterGrace: SimDuration, blockTransactions: Int, blockBytes: Int,
    syncTimeout: SimDuration, window: Int, verifiesRequests: Bool, isDurable: Bool,
    prove: SimDuration, checkProof: SimDuration, mempool: Int, eviction: Eviction, sizes: Sizes,
    costs: CostSheet, populations: Int, genesis: UInt64
  ) {
    self.committees = committees
    self.totalStake = totalStake
    self.stakeExponent = stakeExponent
    self.filterTimeout = filterTimeout
    self.deadlineTimeout = deadlineTimeout
    self.lambda = lambda
    self.bigLambda = bigLambda
    self.fastRecovery = fastRecovery
    self.adaptsFilter = adaptsFilter
    self.dynamicFilterBound = dynamicFilterBound
    self.dynamicFilterGrace = dynamicFilterGrace
    self.blockTransactions = blockTransactions
    self.blockBytes = blockBytes
    self.syncTimeout = syncTimeout
    self.window = window
    self.verifiesRequests = verifiesRequests
    self.isDurable = isDurable
    self.prove = prove
    self.checkProof = checkProof
    self.mempool = mempool
    self.eviction = eviction
    self.sizes = sizes
    self.costs = costs
    self.populations = populations
    self.genesis = genesis
  }

  /// Expected votes of each step's committee, and how many make a bundle.
  public struct Committees: Sendable, Equatable {
    public typealias Seats = (size: Int, threshold: Int)

    public var proposers: Int
    private var sizes: InlineArray<6, Int>
    private var thresholds: InlineArray<6, Int>

    public init(
      proposers: Int, soft: Seats, cert: Seats, next: Seats, late: Seats, redo: Seats, down: Seats
    ) {
      self.proposers = proposers
      sizes = [soft.size, cert.size, next.size, late.size, redo.size, down.size]
      thresholds = [
        soft.threshold, cert.threshold, next.threshold, late.threshold, redo.threshold,
        down.threshold,
      ]
    }

    public static func == (a: Committees, b: Committees) -> Bool {
      guard a.proposers == b.proposers else { return false }
      for k in 0..<6 where a.sizes[k] != b.sizes[k] || a.thresholds[k] != b.thresholds[k] {
        return false
      }
      return true
    }

    public func of(_ s: Step) -> Seats {
      if s == .propose { return (proposers, 0) }
      let k = s < .next(0) ? Int(s.number) - 1 : s < .late ? 2 : Int(s.number) - 250
      return (sizes[k], thresholds[k])
    }

    static let voting: [Step] = [.soft, .cert, .next(0), .late, .redo, .down]

    /// With thresholds of a third of each committee.
    var weakened: Committees {
      var weak = self
      for k in 0..<6 { weak.thresholds[k] = max(sizes[k] / 3, 1) }
      return weak
    }
  }

  /// Bytes of the parts that messages are made of.
  public struct Sizes: Sendable, Equatable {
    /// Kind, round and sender, with the framing.
    public var header: Int
    /// A vote with its credential.
    public var vote: Int
    /// A block without transactions.
    public var block: Int
    /// The state: a fixed part, and what each executed transaction adds.
    public var stateFixed: Int
    public var statePerTransaction: Int

    public init(
      header: Int, vote: Int, block: Int, stateFixed: Int, statePerTransaction: Int
    ) {
      self.header = header
      self.vote = vote
      self.block = block
      self.stateFixed = stateFixed
      self.statePerTransaction = statePerTransaction
    }
  }

  /// Rules that an ablation leaves out, to show that the monitors see it.
  public struct Weakness: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A third of a committee makes a bundle.
    public static var quorumOfThird: Weakness { Weakness(rawValue: 1) }
    /// Next votes are always for bottom, also where a value is committable.
    public static var forgetsValue: Weakness { Weakness(rawValue: 2) }
    /// A period proposes and soft-votes anew, whatever value the one before it left.
    public static var ignoresStartingValue: Weakness { Weakness(rawValue: 4) }
    /// A bundle of soft votes commits, without a cert step.
    public static var skipsCert: Weakness { Weakness(rawValue: 8) }

    /// As scenarios call them.
    static var names: [(name: String, weakness: Weakness)] {
      [
        ("quorum-of-third", .quorumOfThird), ("forgets-value", .forgetsValue),
        ("ignores-starting-value", .ignoresStartingValue), ("skips-cert", .skipsCert),
      ]
    }
  }
}

extension AlgorandSettings {
  /// Units of each of `n` accounts; what rounding leaves goes to the first.
  public func stakes(n: Int) -> [Int] {
    let shares = (0..<n).map { Elementary.pow(Double($0 + 1), -stakeExponent) }
    let sum = shares.reduce(0, +)
    var units = shares.map { Int(Double(totalStake) * $0 / sum) }
    units[0] += totalStake - units.reduce(0, +)
    return units
  }

  /// Accounts that may fail at once: the richest that hold a fifth of the stake together.
  func tolerated(n: Int) -> Int {
    var sum = 0
    var count = 0
    for units in stakes(n: n).sorted(by: >) {
      sum += units
      // A unit of rounding for each account.
      guard sum * 5 <= totalStake + 5 * n else { break }
      count += 1
    }
    return count
  }

  /// What is wrong with the settings for `n` accounts, as a phrase for a user; `nil` if nothing is.
  public func problem(n: Int) -> String? {
    if n < 4 || n > Committee.largest { return "Algorand needs 4...\(Committee.largest) replicas" }
    if totalStake < n || totalStake > 1_000_000_000_000_000 {
      return "there are at least as many units of stake as accounts, and at most 1e15"
    }
    if committees.proposers < 1 { return "at least 1 proposer is expected" }
    for step in Committees.voting {
      let (size, threshold) = committees.of(step)
      if size < 1 || size > totalStake {
        return "a committee has 1 vote to a unit of stake at most"
      }
      if threshold < 1 || threshold > size { return "a threshold is within its committee's size" }
    }
    if filterTimeout <= .zero || deadlineTimeout <= filterTimeout {
      return "the deadline follows the filter timeout"
    }
    if lambda <= .zero || bigLambda <= lambda { return "Lambda is longer than lambda" }
    if fastRecovery <= .zero || syncTimeout <= .zero { return "timeouts must be positive" }
    if fastRecovery > .seconds(1_000_000) || lambda > .seconds(100) {
      return "timeouts are at most 1e6 s, lambda at most 100 s"
    }
    if dynamicFilterBound <= .zero || dynamicFilterBound > filterTimeout {
      return "the bound of the filter timeout is positive and at most the filter timeout"
    }
    if dynamicFilterGrace < .zero { return "the grace must not be negative" }
    if blockTransactions < 1 || blockBytes < 1 {
      return "a block holds at least 1 transaction and 1 byte"
    }
    if window < 1 { return "at least 1 block must be kept" }
    return mempool < 1 ? "the mempool must hold at least 1 transaction" : nil
  }
}
