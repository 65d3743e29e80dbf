import Kernel
import Ledger
import Machines

/// A protocol that addresses a committee: PBFT, HotStuff, Tendermint, Raft, ...
///
/// A replica is a value. It does no I/O and reads no global clock; it is told its local time, and
/// writes what it wants to a reused effect buffer. It knows only what messages brought it.
public protocol ConsensusProtocol: Sendable {
  associatedtype Message: ConsensusMessage
  associatedtype Timer: ConsensusTimer
  /// Large content of rare messages (certificates, snapshots); `NoBody` if there is none.
  associatedtype Body: Sendable

  /// As it is called in a scenario file.
  static var name: String { get }

  /// The replica enters the run.
  mutating func start(at now: LocalTime, _ effects: inout Effects<Self>)

  /// A message of another replica has been verified and is handled.
  mutating func upon(
    _ message: Message, from sender: ReplicaID, at now: LocalTime,
    _ effects: inout Effects<Self>)

  /// A timer ran out that was neither disarmed nor armed again.
  mutating func upon(timeout timer: Timer, at now: LocalTime, _ effects: inout Effects<Self>)

  /// Client requests arrived at this replica, from the clients or forwarded by another replica.
  mutating func upon(
    requests: TxRange, _ arrival: RequestArrival, at now: LocalTime,
    _ effects: inout Effects<Self>)

  /// The node comes up again after a crash. The state is as the crash left it (`keepsDisk`), or as
  /// new. No timer survives.
  mutating func restart(keepsDisk: Bool, at now: LocalTime, _ effects: inout Effects<Self>)

  /// Bytes of `message` on the wire, from its real fields.
  func bytes(of message: Message, _ effects: borrowing Effects<Self>) -> Int

  /// Processor time that `message`, of `bytes` bytes, takes at this replica. Asked once, when it
  /// arrives; the lane may or may not have handled what arrived before, so that the answer must
  /// rest on arrivals alone.
  mutating func work(upon message: Message, bytes: Int, _ effects: borrowing Effects<Self>) -> Work

  /// Processor time that `count` client requests of `bytes` bytes in all take at this replica.
  func work(uponRequests count: Int, bytes: Int) -> Work

  /// Slots behind the slowest replica whose batches may still be asked for: the log window.
  var retainedSlots: Int { get }

  /// The replica that this one takes for the proposer now.
  var proposer: ReplicaID { get }
  /// Views (rounds, terms) entered beyond the first.
  var viewChanges: Int { get }
  /// Transactions waiting at this replica, and refused or evicted by it so far.
  var waiting: Int { get }
  var evicted: Int { get }

  /// Whether `invalidated` ever returns a message: the protocol knows invalid proposals.
  static var hasInvalidProposals: Bool { get }

  /// What a faulty replica sends in place of its own proposal `message`: the same, but such that a
  /// correct replica which checks it must refuse it (a digest that is not its batch's, a
  /// certificate that is short of votes or of another view); nil if `message` is no proposal.
  func invalidated(_ message: Message, _ effects: inout Effects<Self>) -> Message?
}

extension ConsensusProtocol {
  public static var hasInvalidProposals: Bool { false }

  public func invalidated(_ message: Message, _ effects: inout Effects<Self>) -> Message? { nil }
}

/// How client requests came to a replica.
public enum RequestArrival: Sendable, BitwiseCopyable {
  /// Sent by the client, to whom it takes for the proposer.
  case fromClient
  /// Sent by the client to all replicas, after its timeout.
  case retransmitted
}

/// A message kind is an enum case; the whole value is at most 24 bytes.
public protocol ConsensusMessage: BitwiseCopyable, Sendable {
  /// Names of the kinds, as they stand in `messages.csv`.
  static var kinds: [String] { get }
  /// Index into `kinds`.
  var kind: Int { get }
  /// Goes before others where the uplink has priorities: votes, not blocks.
  var isUrgent: Bool { get }
  /// Kinds that put a block or batch forward: what a faulty proposer withholds, crashes over or
  /// makes invalid. Empty: the protocol does not say.
  static var proposalKinds: [Int] { get }
  /// Folds kind and fields, so that the digest does not see padding.
  func fold(into digest: inout RunDigest)
}

extension ConsensusMessage {
  public static var proposalKinds: [Int] { [] }

  public var isProposal: Bool { Self.proposalKinds.contains(kind) }
}

/// A timer is an enum case; the whole value is at most 16 bytes.
public protocol ConsensusTimer: BitwiseCopyable, Sendable {
  /// Number of timers a replica can have armed at once.
  static var slots: Int { get }
  /// 0..<slots; arming a timer disarms what was armed in its slot.
  var slot: Int { get }
  func fold(into digest: inout RunDigest)
}

/// Processor time of one message, as measured on the reference machine.
@frozen
public struct Work: Sendable, BitwiseCopyable, Equatable {
  /// Ahead of the lane, on any verifying core.
  public var verification: SimDuration
  /// On the lane.
  public var handling: SimDuration

  @inlinable
  public init(verification: SimDuration, handling: SimDuration) {
    self.verification = verification
    self.handling = handling
  }

  public static var none: Work { Work(verification: .zero, handling: .zero) }
}

extension CostSheet {
  /// Taking `count` client requests of `bytes` bytes in all, whose signatures are checked one by
  /// one or not.
  public func work(uponRequests count: Int, bytes: Int, verifies: Bool) -> Work {
    Work(
      verification: verifies ? verify * Int64(count) : .zero,
      handling: handling(bytes: bytes, requests: count))
  }
}

/// The body type of protocols all of whose messages are small.
public enum NoBody: Sendable {}
