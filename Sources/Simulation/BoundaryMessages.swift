import Kernel
import Ledger
import Machines

/// What a client sends to a chain: some of its transactions.
public struct Submission: Sendable, BitwiseCopyable {
  public var range: TxRange
  /// Of the whole message.
  public var bytes: UInt32
  /// Sent to all replicas after a timeout.
  public var isRetransmission: Bool

  public init(range: TxRange, bytes: Int, isRetransmission: Bool) {
    self.range = range
    self.bytes = UInt32(bytes)
    self.isRetransmission = isRetransmission
  }

  /// The event that delivers it to role `role` of `chain`.
  public func event(to chain: UInt16, role: Int) -> Event {
    Event(
      at: .zero, subsystem: chain, kind: Boundary.submit, target: UInt32(role),
      payload: .init(
        range.first, UInt64(range.count) << 32 | UInt64(range.population),
        UInt64(bytes) << 1 | (isRetransmission ? 1 : 0)))
  }

  public init(_ payload: Event.Payload) {
    range = TxRange(
      population: UInt32(truncatingIfNeeded: payload.b), first: payload.a,
      count: UInt32(payload.b >> 32))
    bytes = UInt32(payload.c >> 1)
    isRetransmission = payload.c & 1 == 1
  }
}

/// What a chain tells a client: its transactions are decided, and with what result.
public struct Reply: Sendable, BitwiseCopyable {
  public var range: TxRange
  /// State in which they were executed; equal at correct replicas.
  public var state: Digest
  public var replica: UInt16
  /// Whom the replica takes for the proposer.
  public var proposer: UInt16
  public var bytes: UInt32

  public init(range: TxRange, state: Digest, replica: Int, proposer: Int, bytes: Int) {
    self.range = range
    self.state = state
    self.replica = UInt16(replica)
    self.proposer = UInt16(proposer)
    self.bytes = UInt32(bytes)
  }

  /// The event that delivers it to `client`.
  public func event(to client: PopulationAddress) -> Event {
    Event(
      at: .zero, subsystem: client.subsystem, kind: Boundary.reply, target: client.role,
      payload: .init(
        range.first, UInt64(range.count) << 32 | UInt64(range.population), state.value,
        UInt64(bytes) << 32 | UInt64(replica) << 16 | UInt64(proposer)))
  }

  public init(_ payload: Event.Payload) {
    range = TxRange(
      population: UInt32(truncatingIfNeeded: payload.b), first: payload.a,
      count: UInt32(payload.b >> 32))
    state = Digest(payload.c)
    bytes = UInt32(payload.d >> 32)
    replica = UInt16(truncatingIfNeeded: payload.d >> 16)
    proposer = UInt16(truncatingIfNeeded: payload.d)
  }
}

/// How a chain's replies reach its clients.
public struct Replies: Sendable, Equatable {
  public enum Path: String, Sendable, CaseIterable {
    /// Through the replica's uplink, behind its other messages.
    case shared
    /// Through an interface of their own, without queueing.
    case separate
  }

  public var path: Path
  /// Bytes of a reply message apart from its results.
  public var header: Int
  /// Bytes of the result of one transaction.
  public var result: Int

  public init(path: Path, header: Int, result: Int) {
    self.path = path
    self.header = header
    self.result = result
  }
}
