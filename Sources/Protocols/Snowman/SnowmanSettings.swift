import Consensus
import Kernel
import Ledger
import Machines

/// What a scenario says of Snowman. Nothing here has a default: defaults stand, with their sources,
/// where scenarios are read.
public struct SnowmanSettings: Sendable, Equatable {
  /// Replicas asked in a poll, 1 ... n - 1.
  public var sample: Int
  /// Answers that move a preference, and that count towards confidence: more than half of the
  /// sample, the second no fewer than the first.
  public var alphaPreference: Int
  public var alphaConfidence: Int
  /// Successful polls in a row that decide.
  public var beta: Int
  /// Polls open at a time, 1...16.
  public var concurrency: Int
  /// Blocks that may be undecided before a replica builds another on top.
  public var processing: Int
  /// How long a poll waits for answers.
  public var queryTimeout: SimDuration
  /// How long a replica waits for a block that it asked for.
  public var fetchTimeout: SimDuration
  /// From one question for the frontier to the next, while nothing is undecided.
  public var gossipInterval: SimDuration
  /// From one block's time to the next's, at least; whole milliseconds.
  public var blockDelay: SimDuration
  /// What each place on the list of a height's proposers waits longer; whole milliseconds. 0: who
  /// has transactions builds.
  public var window: SimDuration
  /// Length of that list, 1...16; everybody else comes after it.
  public var proposers: Int
  /// How far a block's time may lie ahead of a replica's clock.
  public var clockTolerance: SimDuration
  /// Transactions and their bytes in a block, at most; a larger one goes alone.
  public var blockRequests: Int
  public var blockBytes: Int
  /// Accepted blocks that a replica keeps for others; who lacks more takes its state.
  public var retained: Int
  public var verifiesRequests: Bool
  /// An accepted block is on the disk before anything that rests on it leaves.
  public var isDurable: Bool
  public var mempool: Int
  public var eviction: Eviction
  public var sizes: Sizes
  public var costs: CostSheet
  public var populations: Int
  /// Of the run: proposers' lists are drawn from it.
  public var seed: UInt64
  /// None outside of ablations.
  public var weakness: Weakness = []

  /// Bytes of the parts that messages are made of.
  public struct Sizes: Sendable, Equatable {
    /// Kind, chain, request number and framing.
    public var header: Int
    public var digest: Int
    /// A block without transactions: parent, time, maker with certificate, signature.
    public var block: Int
    /// The state: a fixed part, and what each executed transaction adds.
    public var stateFixed: Int
    public var statePerTransaction: Int

    public init(header: Int, digest: Int, block: Int, stateFixed: Int, statePerTransaction: Int) {
      self.header = header
      self.digest = digest
      self.block = block
      self.stateFixed = stateFixed
      self.statePerTransaction = statePerTransaction
    }
  }

  /// Rules that an ablation leaves out, to show that the monitors see it.
  public struct Weakness: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Both alphas are half of the sample, rounded down.
    public static var alphaOfHalf: Weakness { Weakness(rawValue: 1) }
    /// A failed or contrary poll does not reset the count towards beta: it counts successes in all.
    public static var noConsecutive: Weakness { Weakness(rawValue: 2) }
    /// The first successful poll decides, whatever beta is.
    public static var firstSuccessDecides: Weakness { Weakness(rawValue: 4) }

    /// As scenarios call them.
    static var names: [(name: String, weakness: Weakness)] {
      [
        ("alpha-of-half", .alphaOfHalf), ("no-consecutive", .noConsecutive),
        ("first-success-decides", .firstSuccessDecides),
      ]
    }
  }

  public init(
    _ values: ParameterValues, _ context: ReplicaContext
  ) {
    sample = values.count("sample")
    alphaPreference = values.count("alpha-preference")
    alphaConfidence = values.count("alpha-confidence")
    beta = values.count("beta")
    concurrency = values.count("concurrent-polls")
    processing = values.count("optimal-processing")
    queryTimeout = values.duration("query-timeout")
    fetchTimeout = values.duration("fetch-timeout")
    gossipInterval = values.duration("gossip-interval")
    blockDelay = values.duration("block-delay")
    window = values.duration("proposer-window")
    proposers = values.count("proposers")
    clockTolerance = values.duration("clock-tolerance")
    blockRequests = values.count("block")
    blockBytes = values.bytes("block-bytes")
    retained = values.count("retained-blocks")
    verifiesRequests = values.flag("verify-requests")
    isDurable = values.flag("durable")
    mempool = context.mempool.capacity
    eviction = context.mempool.eviction
    sizes = Sizes(
      header: values.bytes("header-bytes"), digest: values.bytes("digest-bytes"),
      block: values.bytes("block-header-bytes"), stateFixed: values.bytes("state-bytes"),
      statePerTransaction: values.bytes("state-bytes-per-transaction"))
    costs = context.costs
    populations = context.mempool.populations
    seed = context.seed
    weakness = values.weakness(of: Weakness.names)
  }
}

extension Snowman {
  /// What is wrong with the settings for a committee of `n`, as a phrase for a user; `nil` if
  /// nothing is.
  public static func problem(_ settings: SnowmanSettings, n: Int) -> String? {
    if n < 2 || n > Committee.largest { return "Snowman needs 2...\(Committee.largest) replicas" }
    let k = settings.sample
    if k < 1 || k > n - 1 {
      return "a poll samples 1...\(n - 1) of the \(n - 1) other replicas, not \(k)"
    }
    if settings.alphaPreference <= k / 2 || settings.alphaPreference > settings.alphaConfidence
      || settings.alphaConfidence > k
    {
      return "alpha-preference must exceed half of the sample, and alpha-confidence lie between "
        + "it and the sample"
    }
    if settings.beta < 1 { return "beta must be at least 1" }
    if settings.concurrency < 1 || settings.concurrency > Timer.polls {
      return "1...\(Timer.polls) polls may be open at a time"
    }
    if settings.processing < 1 { return "at least 1 block may be undecided" }
    if settings.queryTimeout <= .zero || settings.fetchTimeout <= .zero
      || settings.gossipInterval <= .zero
    {
      return "timeouts must be positive"
    }
    for time in [settings.blockDelay, settings.window]
    where time < .zero || time.nanoseconds % 1_000_000 != 0 {
      return "block delay and proposer window are whole numbers of milliseconds"
    }
    if settings.proposers < 1 || settings.proposers > 16 { return "1...16 proposers are listed" }
    if settings.clockTolerance < .zero { return "the clock tolerance must not be negative" }
    if settings.blockRequests < 1 || settings.blockBytes < 1 {
      return "a block holds at least 1 transaction and 1 byte"
    }
    if settings.retained < 1 { return "at least 1 block must be kept" }
    return settings.mempool < 1 ? "the mempool must hold at least 1 transaction" : nil
  }

  /// Replicas that may be faulty at a time: the most with which a poll still fails to gather alpha
  /// answers at most once in beta times, so that beta successes in a row come soon.
  ///
  /// By + - * / alone, so that it is the same everywhere.
  static func tolerated(_ settings: SnowmanSettings, n: Int) -> Int {
    var f = 0
    while f + 1 < n,
      missing(settings.sample - settings.alphaConfidence, of: settings.sample, f + 1, n - 1)
        * Double(settings.beta) <= 1
    {
      f += 1
    }
    return f
  }

  /// Probability that of `k` replicas, drawn from `others` of which `f` are silent, more than
  /// `spare` are silent.
  private static func missing(_ spare: Int, of k: Int, _ f: Int, _ others: Int) -> Double {
    var below = 0.0
    for x in max(0, k - (others - f))...max(k, 0) where x <= min(spare, f) {
      // C(f, x) C(others - f, k - x) / C(others, k), as a product of k ratios near each other.
      var p = 1.0
      for i in 0..<x { p = p * Double(f - i) / Double(others - i) * Double(k - i) / Double(x - i) }
      for i in 0..<(k - x) { p = p * Double(others - f - i) / Double(others - x - i) }
      below += p
    }
    return max(0, 1 - below)
  }
}
