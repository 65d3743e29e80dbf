import Consensus
import Kernel
import Ledger
import Machines

extension RapidChain {
  public struct Settings: Sendable {
    /// Transactions of a block, at most, and their bytes; a larger one goes alone.
    public var blockTransactions: Int
    public var blockBytes: Int
    /// Delta: a message of one correct member reaches every other within a round.
    public var delta: SimDuration
    /// From the first chunk of a block that leaves its leader to the first round on its header.
    public var gossipTime: SimDuration
    /// A block is gossiped while the members agree on the one before it.
    public var overlaps: Bool
    public var gossip: Gossip
    public var proof: Proof
    public var verifiesRequests: Bool
    /// Accepted blocks that a member keeps for others, and between two snapshots half of them.
    public var retained: Int
    /// Blocks in one answer to a member that is behind, at most.
    public var catchUpBlocks: Int
    public var catchUpTimeout: SimDuration
    public var sizes: Sizes
    public var costs: CostSheet
    /// Reed-Solomon coding, for each MiB of the block.
    public var encoding: SimDuration
    public var decoding: SimDuration
    public var mempool: Mempool
    /// Of the run: the epoch randomness, from which leaders and neighbours are drawn.
    public var seed: UInt64
    public var weakness: Weakness = []

    public init(
      blockTransactions: Int, blockBytes: Int, delta: SimDuration, gossipTime: SimDuration,
      overlaps: Bool, gossip: Gossip, proof: Proof, verifiesRequests: Bool, retained: Int,
      catchUpBlocks: Int, catchUpTimeout: SimDuration, sizes: Sizes, costs: CostSheet,
      encoding: SimDuration, decoding: SimDuration, mempool: Mempool, seed: UInt64
    ) {
      self.blockTransactions = blockTransactions
      self.blockBytes = blockBytes
      self.delta = delta
      self.gossipTime = gossipTime
      self.overlaps = overlaps
      self.gossip = gossip
      self.proof = proof
      self.verifiesRequests = verifiesRequests
      self.retained = retained
      self.catchUpBlocks = catchUpBlocks
      self.catchUpTimeout = catchUpTimeout
      self.sizes = sizes
      self.costs = costs
      self.encoding = encoding
      self.decoding = decoding
      self.mempool = mempool
      self.seed = seed
    }

    /// From one iteration to the next: four rounds, and either the gossip before them or one more
    /// round in which the next leader hears of certified headers.
    public var period: SimDuration {
      let gossip = max(gossipTime, delta)
      return overlaps ? max(delta * 5, gossip) : delta * 4 + gossip
    }
  }

  /// How blocks are cut and spread.
  public struct Gossip: Sendable, Equatable {
    /// Chunks of a block, coded ones among them (the paper's kappa), and how many of them may be
    /// lacking (phi kappa).
    public var chunks: Int
    public var parity: Int
    /// Neighbours of each member, if it has so many others.
    public var degree: Int
    public var spread: Spread
    /// Another neighbour is asked for a set that has not come after this.
    public var fetchTimeout: SimDuration

    public init(
      chunks: Int, parity: Int, degree: Int, spread: Spread = .push,
      fetchTimeout: SimDuration = .zero
    ) {
      self.chunks = chunks
      self.parity = parity
      self.degree = degree
      self.spread = spread
      self.fetchTimeout = fetchTimeout
    }
  }

  /// How a member passes a set of chunks on.
  public enum Spread: String, Sendable, CaseIterable {
    /// To all neighbours, as the paper has it.
    case push
    /// It tells them, and sends it to those that ask for it, as Bitcoin's inv and getdata do.
    case announce
  }

  /// How f + 1 echoes are shown to others.
  public enum Proof: String, Sendable, CaseIterable {
    /// All of them, as in the paper.
    case echoes
    /// One aggregated signature and a bit for each member.
    case aggregate
  }

  /// Bytes on the wire.
  public struct Sizes: Sendable, Equatable {
    /// Of every message: kind, iteration, sender, and framing.
    public var message: Int
    /// A block header.
    public var header: Int
    public var digest: Int
    public var signature: Int
    /// One more number.
    public var number: Int
    /// What a transaction in a block carries beside itself.
    public var request: Int
    /// Of the state: a fixed part, and a part for each transaction executed.
    public var stateFixed: Int
    public var statePerTransaction: Int

    public init(
      message: Int, header: Int, digest: Int, signature: Int, number: Int, request: Int,
      stateFixed: Int, statePerTransaction: Int
    ) {
      self.message = message
      self.header = header
      self.digest = digest
      self.signature = signature
      self.number = number
      self.request = request
      self.stateFixed = stateFixed
      self.statePerTransaction = statePerTransaction
    }
  }

  /// Rules that an ablation leaves out, to show that the monitors see it.
  public struct Weakness: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// f echoes are proof enough.
    public static var quorumOfF: Weakness { Weakness(rawValue: 1) }
    /// A header is accepted though its leader signed another.
    public static var ignoresEquivocation: Weakness { Weakness(rawValue: 2) }
    /// A header is echoed whatever is certified or accepted before it.
    public static var ignoresLock: Weakness { Weakness(rawValue: 4) }

    /// As scenarios call them.
    static var names: [(name: String, weakness: Weakness)] {
      [
        ("quorum-of-f", .quorumOfF), ("ignores-equivocation", .ignoresEquivocation),
        ("ignores-lock", .ignoresLock),
      ]
    }
  }
}

extension RapidChain.Settings {
  /// What is wrong with the settings for `n` members, as a phrase; `nil` if nothing is.
  public func problem(n: Int) -> String? {
    if n < 3 || n > Committee.largest {
      return "a RapidChain committee has 3...\(Committee.largest) members, not \(n)"
    }
    if blockTransactions < 1 || blockBytes < 1 { return "a block holds at least 1 transaction" }
    if delta <= .zero { return "delta must be positive: rounds take so long" }
    if gossipTime < .zero { return "the gossip time must not be negative" }
    if gossip.degree < 2 || gossip.degree > 64 {
      return "each member has 2...64 neighbours, not \(gossip.degree)"
    }
    if gossip.degree < n - 1, gossip.degree % 2 == 1, n % 2 == 1 {
      return "\(n) members cannot have \(gossip.degree) neighbours each: both are odd"
    }
    let degree = min(gossip.degree, n - 1)
    if gossip.chunks < degree {
      return "\(gossip.chunks) chunks are fewer than the \(degree) neighbours"
    }
    if gossip.parity < 0 || gossip.parity >= gossip.chunks {
      return "of \(gossip.chunks) chunks, \(gossip.parity) cannot be coded ones"
    }
    if gossip.spread == .announce, gossip.fetchTimeout <= .zero {
      return "the fetch timeout must be positive"
    }
    if retained < 4 || catchUpBlocks < 1 { return "too few blocks are kept for others" }
    if catchUpTimeout <= .zero { return "the catch-up timeout must be positive" }
    return nil
  }
}
