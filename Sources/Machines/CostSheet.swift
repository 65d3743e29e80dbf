import Kernel

/// What the operations of a node take on the machine on which they were measured. Every number
/// comes from a data file; none has a default in code.
public struct CostSheet: Sendable, Equatable {
  /// Taking one message from the network stack, deserialising its header, dispatching it.
  public var message: SimDuration
  /// Nanoseconds per byte of a message: copying and deserialising.
  public var byte: Double
  /// Admitting one client request to the mempool, or listing it in a proposal.
  public var request: SimDuration
  /// Executing one transaction.
  public var execution: SimDuration
  public var sign: SimDuration
  public var verify: SimDuration
  /// Making or checking one message authentication code.
  public var mac: SimDuration
  /// Hashing: per call, and nanoseconds per byte.
  public var hash: SimDuration
  public var hashByte: Double

  public init(
    message: SimDuration, byte: Double, request: SimDuration, execution: SimDuration,
    sign: SimDuration, verify: SimDuration, mac: SimDuration, hash: SimDuration, hashByte: Double
  ) {
    self.message = message
    self.byte = byte
    self.request = request
    self.execution = execution
    self.sign = sign
    self.verify = verify
    self.mac = mac
    self.hash = hash
    self.hashByte = hashByte
  }

  /// Everything is free: for ideal processors.
  public static var free: CostSheet {
    CostSheet(
      message: .zero, byte: 0, request: .zero, execution: .zero, sign: .zero, verify: .zero,
      mac: .zero, hash: .zero, hashByte: 0)
  }

  /// Handling a message of `bytes` bytes that lists `requests` requests.
  public func handling(bytes: Int, requests: Int = 0) -> SimDuration {
    message + request * Int64(requests)
      + nearest(Double(bytes) * byte)
  }

  /// Hashing `bytes` bytes in one call.
  public func hashing(_ bytes: Int) -> SimDuration {
    hash + nearest(Double(bytes) * hashByte)
  }
}

/// The nearest whole number of nanoseconds; `nanoseconds` is not negative. Truncating takes one
/// instruction where rounding calls a library.
@inline(__always)
func nearest(_ nanoseconds: Double) -> SimDuration {
  SimDuration(nanoseconds: Int64(nanoseconds + 0.5))
}
