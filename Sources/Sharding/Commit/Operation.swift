/// What the chain of a shard orders and its members carry out: a step of one transfer on that
/// shard. Its payload is (kind, part); the part says which accounts and amounts.
public struct Operation: Sendable, BitwiseCopyable, Equatable {
  public enum Kind: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    /// All of a transfer that touches one shard only.
    case whole
    /// Relay: the payer's shard takes the money; the receiver's adds it.
    case withdraw, deposit
    /// Locks: an input shard holds the money; an output shard adds it, or an input shard lets the
    /// hold end; an input shard gives it back.
    case lock, commit, abort
    /// Two-phase commit: a shard prepares; accepts what all have voted; a shard that only receives
    /// adds the money.
    case prepare, accept, create
    /// Yank: an input committee moves the money to the output committee; which completes the
    /// transfer there; gives the money back.
    case yank, complete, refund
    /// An account moves: its old shard lets it go, its new one takes it in.
    case leave, enter
  }

  public var kind: Kind
  public var part: UInt32

  public init(_ kind: Kind, part: Int) {
    self.kind = kind
    self.part = UInt32(part)
  }
}

/// What came of an operation.
public enum Verdict: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  /// It was carried out.
  case accepted
  /// An account has too little money.
  case lacksFunds
  /// Another transfer holds an account.
  case isLocked
  /// An account is not on this shard any more.
  case hasMoved
  /// It came without the proofs that it needs; nothing was done.
  case lacksProof
  /// It was carried out before, or its transfer ended otherwise; nothing was done.
  case isStale

  /// The transfer cannot go on because of it.
  public var isRefusal: Bool {
    switch self {
    case .lacksFunds, .isLocked, .hasMoved: true
    case .accepted, .lacksProof, .isStale: false
    }
  }
}

/// How transfers over several shards commit.
public enum CommitProtocol: String, Sendable, CaseIterable {
  /// Monoxide, NSDI '19: withdraw, relay, deposit; never aborts once withdrawn.
  case relay
  /// OmniLedger's Atomix, S&P '18: the client locks at all input shards, then unlocks.
  case atomix
  /// Chainspace's S-BAC, NDSS '18: input shards prepare, vote to each other, and accept.
  case sbac
  /// RapidChain, CCS '18: the output committee, which the client tells of its transfer, has the
  /// inputs moved to itself, then completes.
  case yank
}

/// What a step asks for: what the members of its shard, or a client, tell others. Reused.
public struct CommitEffects: Sendable {
  /// For shard `shard`'s chain.
  public struct Request: Sendable, BitwiseCopyable, Equatable {
    public var operation: Operation
    public var shard: UInt16
    /// Votes that must have come before a member may submit it; one against is enough if
    /// `needsAll` is false.
    public var votes: UInt16 = 0
    public var needsAll = true

    public init(
      operation: Operation, shard: UInt16, votes: UInt16 = 0, needsAll: Bool = true
    ) {
      self.operation = operation
      self.shard = shard
      self.votes = votes
      self.needsAll = needsAll
    }
  }
  /// To the members of shard `shard`: what came of `part`, of another shard.
  public struct Vote: Sendable, BitwiseCopyable, Equatable {
    public var shard: UInt16
    public var part: UInt32
    public var accepts: Bool
  }
  /// To the client: what came of an operation.
  public struct Receipt: Sendable, BitwiseCopyable, Equatable {
    public var operation: Operation
    public var verdict: Verdict
    /// How its part stands after it.
    public var state: Part.State

    public init(operation: Operation, verdict: Verdict, state: Part.State) {
      self.operation = operation
      self.verdict = verdict
      self.state = state
    }
  }

  /// From the client to the members of shard `shard`: they are to see the transfer through.
  public struct Order: Sendable, BitwiseCopyable, Equatable {
    public var transfer: UInt32
    public var shard: UInt16
  }

  public var requests: [Request] = []
  public var orders: [Order] = []
  public var votes: [Vote] = []
  public var receipts: [Receipt] = []

  public init() {
    requests.reserveCapacity(64)
    orders.reserveCapacity(64)
    votes.reserveCapacity(64)
    receipts.reserveCapacity(64)
  }

  public mutating func removeAll() {
    requests.removeAll(keepingCapacity: true)
    orders.removeAll(keepingCapacity: true)
    votes.removeAll(keepingCapacity: true)
    receipts.removeAll(keepingCapacity: true)
  }

  mutating func request(
    _ kind: Operation.Kind, _ part: Int, at shard: UInt16, votes: Int = 0, needsAll: Bool = true
  ) {
    requests.append(
      Request(
        operation: Operation(kind, part: part), shard: shard, votes: UInt16(votes),
        needsAll: needsAll))
  }
}
