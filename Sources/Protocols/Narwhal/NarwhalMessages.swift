import Consensus
import Kernel
import Ledger

/// A layer of the DAG, from 1 on; round 0 is genesis.
@frozen
public struct DagRound: Hashable, Comparable, Sendable, BitwiseCopyable {
  public var number: UInt32

  @inlinable public init(_ number: Int) { self.number = UInt32(max(number, 0)) }
  @inlinable public var next: DagRound { DagRound(Int(number) + 1) }

  @inlinable
  public static func < (a: DagRound, b: DagRound) -> Bool { a.number < b.number }
  @inlinable
  public static func + (a: DagRound, k: Int) -> DagRound { DagRound(Int(a.number) + k) }
  /// Not below genesis.
  @inlinable
  public static func - (a: DagRound, k: Int) -> DagRound { DagRound(Int(a.number) - k) }
  @inlinable
  public static func - (a: DagRound, b: DagRound) -> Int { Int(a.number) - Int(b.number) }
}

/// Names a batch: number `number` of worker `worker` at validator `author`.
@frozen
public struct BatchName: Hashable, Sendable, BitwiseCopyable {
  public var number: UInt32
  public var author: UInt16
  public var worker: UInt8

  public init(number: UInt32, author: UInt16, worker: UInt8) {
    self.number = number
    self.author = author
    self.worker = worker
  }

  var word: UInt64 { UInt64(number) << 32 | UInt64(author) << 8 | UInt64(worker) }
}

/// A certificate of availability: a header, and a quorum of votes for it (§3.1).
@frozen
public struct DagCertificate: Sendable, BitwiseCopyable {
  public var digest: Digest
  public var round: DagRound
  /// The header, which travels with its certificate.
  public var body: BodyHandle
  public var author: UInt16
  /// Distinct validators that voted for the header.
  public var votes: UInt16

  public init(digest: Digest, round: DagRound, body: BodyHandle, author: UInt16, votes: UInt16) {
    self.digest = digest
    self.round = round
    self.body = body
    self.author = author
    self.votes = votes
  }
}

/// Messages between primaries and between workers. Where the author is not named, it is the sender.
public enum NarwhalMessage: ConsensusMessage {
  /// A worker's batch, to the workers of the same id.
  case batch(BatchName, BatchHandle)
  /// The batch is stored here.
  case stored(BatchName)
  /// To a validator's primary, from its worker on another machine: a batch of its own that a quorum
  /// has stored, or one of others that it has stored.
  case available(BatchName, BatchHandle)
  /// To a validator's worker on another machine: the batch was executed, may be forgotten.
  case executed(BatchName)
  /// A header, to be voted for.
  case header(round: DagRound, d: Digest, body: BodyHandle)
  case vote(round: DagRound, d: Digest)
  case certificate(DagCertificate)
  /// Asks for one certificate that is a missing parent.
  case fetchCertificate(round: DagRound, author: UInt16)
  /// Asks for all certificates of some rounds.
  case fetchRounds(from: DagRound, through: DagRound)
  case fetchBatch(BatchName)
  /// Asks how far the other is: from who has lost its memory.
  case fetchPosition
  /// The highest round with a quorum of certificates, and the asker's highest batch number.
  case position(round: DagRound, number: UInt32)
  case fetchCheckpoint
  /// The digest of the state after the causal history of the leader of `round` was executed.
  case checkpoint(round: DagRound, slot: Slot, d: Digest)
  case fetchState(round: DagRound, d: Digest)
  case state(round: DagRound, BodyHandle)
}

extension NarwhalMessage {
  public static var proposalKinds: [Int] { [4] }

  public static var kinds: [String] {
    [
      "batch", "stored", "available", "executed", "header", "vote", "certificate",
      "fetch-certificate", "fetch-rounds", "fetch-batch", "fetch-position", "position",
      "fetch-checkpoint", "checkpoint", "fetch-state", "state",
    ]
  }

  public var kind: Int {
    switch self {
    case .batch: 0
    case .stored: 1
    case .available: 2
    case .executed: 3
    case .header: 4
    case .vote: 5
    case .certificate: 6
    case .fetchCertificate: 7
    case .fetchRounds: 8
    case .fetchBatch: 9
    case .fetchPosition: 10
    case .position: 11
    case .fetchCheckpoint: 12
    case .checkpoint: 13
    case .fetchState: 14
    case .state: 15
    }
  }

  public var isUrgent: Bool {
    switch self {
    case .batch, .state: false
    case .stored, .available, .executed, .header, .vote, .certificate, .fetchCertificate,
      .fetchRounds, .fetchBatch, .fetchPosition, .position, .fetchCheckpoint, .checkpoint,
      .fetchState:
      true
    }
  }

  public func fold(into digest: inout RunDigest) {
    // Handles are left out: which is next depends on the order in which replicas are simulated.
    let kind = UInt64(kind)
    switch self {
    case .batch(let name, _), .stored(let name), .available(let name, _), .executed(let name),
      .fetchBatch(let name):
      digest.fold(kind, name.word)
    case .checkpoint(let round, let slot, let d):
      digest.fold(UInt64(slot.number))
      digest.fold(kind << 32 | UInt64(round.number), d.value)
    case .header(let round, let d, _), .vote(let round, let d), .fetchState(let round, let d):
      digest.fold(kind << 32 | UInt64(round.number), d.value)
    case .certificate(let c):
      digest.fold(
        kind << 32 | UInt64(c.round.number),
        c.digest.value ^ (UInt64(c.author) << 32 | UInt64(c.votes)))
    case .fetchCertificate(let round, let author):
      digest.fold(kind << 32 | UInt64(round.number), UInt64(author))
    case .fetchRounds(let from, let through):
      digest.fold(kind << 32 | UInt64(from.number), UInt64(through.number))
    case .position(let round, let number):
      digest.fold(kind << 32 | UInt64(round.number), UInt64(number))
    case .state(let round, _): digest.fold(kind << 32 | UInt64(round.number))
    case .fetchPosition, .fetchCheckpoint: digest.fold(kind)
    }
  }
}

public enum NarwhalTimer: ConsensusTimer {
  /// The largest delay between two headers is over.
  case header
  /// The leader's vertex, or the votes for it, should have come (Bullshark).
  case leader
  /// Time to ask again for what is missing.
  case retry
  /// A worker seals what waits, though the batch is not full.
  case batch(worker: UInt8)

  public static var slots: Int { 3 + NarwhalSettings.mostWorkers }
  public var slot: Int {
    switch self {
    case .header: 0
    case .leader: 1
    case .retry: 2
    case .batch(let worker): 3 + Int(worker)
    }
  }
  public func fold(into digest: inout RunDigest) { digest.fold(UInt64(slot)) }
}

/// A header: author, round, parents and payload (§3.1).
public struct DagHeader: Sendable, BitwiseCopyable {
  public var author: ReplicaID
  public var round: DagRound
  /// Authors of the certificates of the round before that it builds on. There is one certificate
  /// for an author and a round, so that author and round name its digest.
  public var parents: AuthorSet
  public var payload: DagPayload
  /// Of the batches that the payload lists.
  public var payloadDigest: Digest

  public init(
    author: ReplicaID, round: DagRound, parents: AuthorSet, payload: DagPayload,
    payloadDigest: Digest
  ) {
    self.author = author
    self.round = round
    self.parents = parents
    self.payload = payload
    self.payloadDigest = payloadDigest
  }

  /// Of `batches`, the digests of the batches that a payload lists, in its order.
  public static func payloadDigest(of batches: some Sequence<Digest>) -> Digest {
    var digest = RunDigest(0)
    for batch in batches { digest.fold(batch.value) }
    return Digest(digest.value)
  }

  /// In a committee of `n` with `workers` workers each.
  public func digest(n: Int, workers: Int) -> Digest {
    var digest = RunDigest(UInt64(author.index) << 32 | UInt64(round.number))
    for k in 0...(n - 1) >> 6 { digest.fold(parents.words[k]) }
    for w in 0..<workers {
      digest.fold(UInt64(payload.first[w]) << 16 | UInt64(payload.count[w]))
    }
    digest.fold(payloadDigest.value)
    return Digest(digest.value)
  }
}

/// Batches by worker: consecutive numbers of each.
public struct DagPayload: Sendable, BitwiseCopyable {
  public var first = InlineArray<16, UInt32>(repeating: 0)
  public var count = InlineArray<16, UInt16>(repeating: 0)

  public init() {}

  public var batches: Int {
    var total = 0
    for w in 0..<16 { total += Int(count[w]) }
    return total
  }
}

/// The state after the history of a leader was executed, for those that lag behind (§3.3).
public struct DagSnapshot: Sendable {
  public var round: DagRound
  public var slot: Slot
  public var state: ReplicatedState
  /// What was ordered so far of the rounds that are not collected, the lowest first.
  public var ordered: [AuthorSet]

  var digest: Digest {
    var digest = RunDigest(state.digest.value)
    digest.fold(UInt64(round.number) << 32 | UInt64(slot.number))
    for set in ordered { for k in 0..<8 { digest.fold(set.words[k]) } }
    return Digest(digest.value)
  }
}

/// Content of a message: a header or a snapshot.
///
/// Not an enum of the two: headers are read many times by each replica, and an element of an enum
/// that also holds lists is copied whole, list or not, before one field of it is read.
public struct NarwhalBody: Sendable {
  /// Of round 0 if this is a snapshot.
  var header: DagHeader
  /// One or none; a list, so that a header takes no room for it.
  private var snapshots: [DagSnapshot]

  public static func header(_ header: DagHeader) -> NarwhalBody {
    NarwhalBody(header: header, snapshots: [])
  }

  public static func snapshot(_ snapshot: DagSnapshot) -> NarwhalBody {
    let blank = DagHeader(
      author: ReplicaID(0), round: DagRound(0), parents: AuthorSet(), payload: DagPayload(),
      payloadDigest: Digest(0))
    return NarwhalBody(header: blank, snapshots: [snapshot])
  }

  var snapshot: DagSnapshot? { snapshots.first }
}
