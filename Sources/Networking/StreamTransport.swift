import Kernel

/// A byte stream between two roles, as TCP keeps it: order per connection, loss that becomes
/// retransmission delay, slow start on a cold connection.
///
/// Slow start doubles the congestion window each round trip from `initialWindow` (RFC 6928) to
/// `largestWindow`; a message larger than the window waits a round trip for each doubling. A
/// connection unused for `idle` starts cold again (RFC 5681 §4.1). A lost packet costs a round trip
/// (fast retransmit, RFC 5681 §3.2) and halves the window; a loss among the last three packets is
/// found only by the retransmission timer (RFC 6298). Later messages of the connection wait behind
/// it: head-of-line blocking.
public struct StreamSettings: Sendable, Equatable {
  /// Bytes of payload in a packet.
  public var packet: Int
  /// Bytes that may be in flight on a cold connection.
  public var initialWindow: Int
  /// Bytes that may be in flight at most: the receiver's window.
  public var largestWindow: Int
  /// A connection unused for longer is cold.
  public var idle: SimDuration
  /// Least time after which unacknowledged data is sent again.
  public var retransmissionTimeout: SimDuration
  /// Nagle's algorithm (RFC 896, RFC 1122 §4.2.3.4) as Linux has it, with Minshall's modification
  /// (draft-minshall-nagle-01; `tcp_nagle_check` in net/ipv4/tcp_output.c), on unless a program
  /// sets TCP_NODELAY: a packet that is not full waits until the last one that was not full is
  /// acknowledged. Acknowledgements are not delayed.
  public var usesNagle = false

  public init(
    packet: Int, initialWindow: Int, largestWindow: Int, idle: SimDuration,
    retransmissionTimeout: SimDuration
  ) {
    precondition(packet > 0 && initialWindow >= packet && largestWindow >= initialWindow)
    precondition(retransmissionTimeout > .zero, "a retransmission timeout of nothing")
    self.packet = packet
    self.initialWindow = initialWindow
    self.largestWindow = largestWindow
    self.idle = idle
    self.retransmissionTimeout = retransmissionTimeout
  }

  /// Time until the first retransmission that comes `outage` or more after the first attempt; the
  /// timer doubles each time, up to a minute.
  func retransmission(after outage: SimDuration) -> SimDuration {
    var timer = retransmissionTimeout
    var waited = timer
    while waited < outage {
      timer = min(timer + timer, .seconds(60))
      waited += timer
    }
    return waited
  }

  /// Delay of a message of `bytes` bytes beyond the one-way delay, updating the connection.
  func extraDelay(
    of bytes: Int, at time: SimTime, roundTrip: SimDuration, loss: Double,
    over connection: inout Connection, using stream: inout RandomStream
  ) -> SimDuration {
    if connection.window == 0 || time - connection.lastUse > idle {
      connection.window = Int64(initialWindow)
    }
    var extra = usesNagle ? wait(of: bytes, at: time, roundTrip, &connection) : .zero
    connection.lastUse = time
    var left = Int64(bytes) - connection.window
    while left > 0, connection.window < Int64(largestWindow) {
      extra += roundTrip
      connection.window = min(connection.window * 2, Int64(largestWindow))
      left -= connection.window
    }
    guard loss > 0 else { return extra }
    return extra + recovery(of: bytes, roundTrip, loss, &connection, &stream)
  }

  /// How long the last packet of a message waits under Nagle's algorithm, if it is not full: for
  /// the round trip of the last such packet. One that still waits itself takes the new one along.
  private func wait(
    of bytes: Int, at time: SimTime, _ roundTrip: SimDuration, _ connection: inout Connection
  ) -> SimDuration {
    guard bytes % packet != 0 else { return .zero }
    let last = connection.lastPartial
    let leaves = last == .zero ? time : last > time ? last : max(last + roundTrip, time)
    connection.lastPartial = leaves
    return leaves - time
  }

  private func recovery(
    of bytes: Int, _ roundTrip: SimDuration, _ loss: Double, _ connection: inout Connection,
    _ stream: inout RandomStream
  ) -> SimDuration {
    var outstanding = (bytes + packet - 1) / packet
    var delay = SimDuration.zero
    var timer = max(retransmissionTimeout, roundTrip)
    while true {
      let lost = stream.binomial(n: max(outstanding, 1), p: loss)
      guard lost > 0 else { return delay }
      // Fast retransmit needs three packets after the lost one.
      let isTail = outstanding <= 3 || stream.unit() < 3 / Double(outstanding)
      if isTail {
        delay += timer
        timer = min(timer + timer, .seconds(60))
        connection.window = Int64(initialWindow)
      } else {
        delay += roundTrip
        connection.window = max(connection.window / 2, Int64(initialWindow))
      }
      outstanding = lost
    }
  }
}
