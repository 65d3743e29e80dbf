import Consensus
import Kernel
import Ledger
import Machines

extension Tendermint {
  /// What a scenario says of Tendermint. Nothing here has a default: defaults stand, with their
  /// sources, where scenarios are read.
  public struct Settings: Sendable, Equatable {
    /// Transactions and their bytes in a block, at most; at least 1 each. A larger transaction goes
    /// alone.
    public var blockTransactions: Int
    public var blockBytes: Int
    /// Blocks are proposed though no transaction waits.
    public var proposesEmpty: Bool
    public var propose: Timeout
    public var prevote: Timeout
    public var precommit: Timeout
    /// How long a replica waits after a decision before it begins the next height; 0: not at all.
    public var commitTimeout: SimDuration
    /// A replica that has decided nothing for so long says where it stands.
    public var statusInterval: SimDuration
    /// How long it waits for blocks that it asked for, and how many it is sent at once, 1...1024.
    public var syncTimeout: SimDuration
    public var syncWindow: Int
    /// Heights from one snapshot to the next, and decided blocks that are kept for others; at least
    /// twice as many.
    public var snapshotInterval: Int
    public var retained: Int
    /// Power of the first validator over that of the last; in between it falls evenly.
    public var powerRatio: Int
    /// Nodes that execute and do not vote.
    public var fullNodes: Int
    public var dissemination: Dissemination
    public var gossip: Gossip
    /// Proposals, votes and blocks are on the disk before what rests on them leaves.
    public var isDurable: Bool
    public var mempool: Int
    public var eviction: Eviction
    public var sizes: Sizes
    public var costs: CostSheet
    /// Populations that number transactions.
    public var populations: Int
    /// None outside of ablations.
    public var weakness: Weakness = []

    public init(
      blockTransactions: Int, blockBytes: Int, proposesEmpty: Bool, propose: Timeout,
      prevote: Timeout, precommit: Timeout, commitTimeout: SimDuration,
      statusInterval: SimDuration, syncTimeout: SimDuration, syncWindow: Int,
      snapshotInterval: Int, retained: Int, powerRatio: Int, fullNodes: Int,
      dissemination: Dissemination, gossip: Gossip, isDurable: Bool, mempool: Int,
      eviction: Eviction, sizes: Sizes, costs: CostSheet, populations: Int
    ) {
      self.blockTransactions = blockTransactions
      self.blockBytes = blockBytes
      self.proposesEmpty = proposesEmpty
      self.propose = propose
      self.prevote = prevote
      self.precommit = precommit
      self.commitTimeout = commitTimeout
      self.statusInterval = statusInterval
      self.syncTimeout = syncTimeout
      self.syncWindow = syncWindow
      self.snapshotInterval = snapshotInterval
      self.retained = retained
      self.powerRatio = powerRatio
      self.fullNodes = fullNodes
      self.dissemination = dissemination
      self.gossip = gossip
      self.isDurable = isDurable
      self.mempool = mempool
      self.eviction = eviction
      self.sizes = sizes
      self.costs = costs
      self.populations = populations
    }
  }

  /// A timeout that grows from round to round: `first` + r `delta`.
  public struct Timeout: Sendable, Equatable {
    public var first: SimDuration
    public var delta: SimDuration

    public init(_ first: SimDuration, delta: SimDuration) {
      self.first = first
      self.delta = delta
    }

    func of(_ r: Round) -> SimDuration { first + delta * Int64(r.number) }
  }

  public enum Dissemination: String, Sendable, CaseIterable {
    /// Each message goes to all at once.
    case direct
    /// Messages spread over a graph of peers, as in CometBFT.
    case gossip
  }

  /// How messages spread among peers.
  public struct Gossip: Sendable, Equatable {
    /// Peers of a node on average: each dials half as many, its successors first, others at random.
    public var degree: Int
    /// Next nodes, in a ring of all, that each dials at least. Whichever 2 `successors` - 1 nodes
    /// pass nothing on, the others stay connected: the circulant graph C_n(1..k) has connectivity
    /// 2k (Harary, The maximum connectivity of a graph, PNAS 48, 1962).
    public var successors: Int
    /// How long a peer's routine sleeps when it has nothing to send.
    public var sleep: SimDuration
    /// How often a node looks which routines are awake; what they find goes out together.
    public var tick: SimDuration
    /// What a node has received is announced to its peers so often (HasVote).
    public var announcement: SimDuration
    /// Bytes per second to one peer.
    public var rate: Int
    /// Bytes of a part of a block.
    public var part: Int
    /// Processor time of a copy of a vote or of its announcement, and of a copy of a part, beside
    /// what the cost sheet says of any message.
    public var voteWork: SimDuration
    public var partWork: SimDuration

    public init(
      degree: Int, successors: Int, sleep: SimDuration, tick: SimDuration,
      announcement: SimDuration, rate: Int, part: Int, voteWork: SimDuration = .zero,
      partWork: SimDuration = .zero
    ) {
      self.degree = degree
      self.successors = successors
      self.sleep = sleep
      self.tick = tick
      self.announcement = announcement
      self.rate = rate
      self.part = part
      self.voteWork = voteWork
      self.partWork = partWork
    }
  }

  /// Bytes of the parts that messages are made of.
  public struct Sizes: Sendable, Equatable {
    /// Kind, height, round and sender, with the framing.
    public var header: Int
    public var digest: Int
    public var signature: Int
    /// One more number, and a word of 64 bits.
    public var number: Int
    /// What a transaction carries besides itself.
    public var transaction: Int
    /// The state: a fixed part, and what each executed transaction adds.
    public var stateFixed: Int
    public var statePerTransaction: Int

    public init(
      header: Int, digest: Int, signature: Int, number: Int, transaction: Int, stateFixed: Int,
      statePerTransaction: Int
    ) {
      self.header = header
      self.digest = digest
      self.signature = signature
      self.number = number
      self.transaction = transaction
      self.stateFixed = stateFixed
      self.statePerTransaction = statePerTransaction
    }
  }

  /// Rules that an ablation leaves out, to show that the monitors see it.
  public struct Weakness: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Quorums have the power of 2f.
    public static var quorumOfTwoF: Weakness { Weakness(rawValue: 1) }
    /// Quorums have the power of 2f + 1, whatever n is.
    public static var quorumOfTwoFPlusOne: Weakness { Weakness(rawValue: 2) }
    /// A precommit locks nothing.
    public static var forgetsLock: Weakness { Weakness(rawValue: 4) }
    /// A proposal's proof of lock is neither looked for nor compared with the lock.
    public static var ignoresProofOfLock: Weakness { Weakness(rawValue: 8) }
    /// A proof of lock unlocks though its round is before that of the lock.
    public static var acceptsStaleRounds: Weakness { Weakness(rawValue: 16) }

    /// As scenarios call them.
    static var names: [(name: String, weakness: Weakness)] {
      [
        ("quorum-of-2f", .quorumOfTwoF), ("quorum-of-2f-plus-1", .quorumOfTwoFPlusOne),
        ("forgets-lock", .forgetsLock), ("ignores-proof-of-lock", .ignoresProofOfLock),
        ("accepts-stale-rounds", .acceptsStaleRounds),
      ]
    }
  }
}

extension Tendermint.Settings {
  /// Voting power of each of `n` validators.
  func powers(n: Int) -> [Int64] {
    guard powerRatio > 1, n > 1 else { return Array(repeating: 1, count: n) }
    return (0..<n).map { Int64(n - 1 + (powerRatio - 1) * (n - 1 - $0)) }
  }

  func weakened(quorum: Int64, faulty: Int64) -> Int64 {
    if weakness.contains(.quorumOfTwoF) { return 2 * faulty }
    if weakness.contains(.quorumOfTwoFPlusOne) { return 2 * faulty + 1 }
    return quorum
  }

  /// What is wrong with the settings for `n` validators, as a phrase for a user; `nil` if nothing.
  public func problem(n: Int) -> String? {
    if n < 4 || n + fullNodes > Committee.largest {
      return "Tendermint needs 4...\(Committee.largest) nodes, 4 of them validators"
    }
    if blockTransactions < 1 { return "a block holds at least 1 transaction" }
    if blockBytes < 1 { return "a block holds at least 1 byte" }
    if propose.first <= .zero || prevote.first <= .zero || precommit.first <= .zero {
      return "timeouts must be positive"
    }
    if propose.delta < .zero || prevote.delta < .zero || precommit.delta < .zero {
      return "timeouts must not shrink from round to round"
    }
    if commitTimeout < .zero { return "the commit timeout must not be negative" }
    if statusInterval <= .zero || syncTimeout <= .zero { return "intervals must be positive" }
    if !(1...1024).contains(syncWindow) { return "1...1024 blocks are fetched at once" }
    if snapshotInterval < 1 || retained < 2 * snapshotInterval + syncWindow {
      return "decided blocks are kept for two snapshot intervals and a sync window at least"
    }
    if powerRatio < 1 { return "the first validator's power is the largest" }
    if fullNodes < 0 { return "the number of full nodes must not be negative" }
    if mempool < 1 { return "the mempool must hold at least 1 transaction" }
    return dissemination == .gossip ? gossip.problem(nodes: n + fullNodes, block: blockBytes) : nil
  }

  /// Nodes that may be faulty, whichever they are: validators that hold less than a third of the
  /// power, and so few that the others stay connected.
  func tolerated(n: Int) -> Int {
    var left = (powers(n: n).reduce(0, +) - 1) / 3
    var count = 0
    for power in powers(n: n).sorted(by: >) {
      guard power <= left else { break }
      left -= power
      count += 1
    }
    guard dissemination == .gossip else { return count }
    return min(count, max(gossip.connectivity(nodes: n + fullNodes) - 1, 0))
  }
}

extension Tendermint.Gossip {
  /// Nodes without which the others are no longer connected, at least.
  func connectivity(nodes: Int) -> Int { min(2 * successors, nodes - 1) }

  func problem(nodes: Int, block: Int) -> String? {
    if degree < 2 || degree >= nodes { return "a node has 2...\(nodes - 1) peers" }
    if successors < 1 || successors >= nodes { return "a node dials 1...\(nodes - 1) successors" }
    if tick <= .zero || sleep < tick || announcement <= .zero {
      return "a gossip routine sleeps for at least a tick"
    }
    if rate < 1 { return "a peer is sent at least 1 byte/s" }
    if part < 1 || block / part >= 1024 { return "a block has at most 1024 parts" }
    return nil
  }
}
