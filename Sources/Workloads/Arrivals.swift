import Kernel

/// How the clients of one host submit transactions.
public enum Arrivals: Sendable, Equatable {
  /// Open loop: a Poisson process of `rate` transactions per second, whatever the system does.
  case poisson(rate: Double)
  /// Closed loop: each of `clients` clients waits for its reply, thinks (seconds), submits again.
  case closed(clients: Int, think: Distribution)
}

/// Draws the arrival times of an open loop, in bundles that travel as one message.
///
/// A bundle is sent when its last transaction arrives; each counts from its own arrival.
public struct PoissonArrivals: Sendable {
  private let meanGap: Double
  private let bundle: Int
  private var stream: RandomStream
  /// The stream before the pending bundle was drawn: drawing again gives its arrival times.
  private var drawn: RandomStream
  private var last: SimTime
  private var start: SimTime

  /// - Parameters:
  ///   - rate: transactions per second, positive.
  ///   - bundle: transactions in a message, at least 1.
  public init(rate: Double, bundle: Int, stream: RandomStream) {
    precondition(rate > 0 && bundle >= 1, "rate \(rate), bundles of \(bundle)")
    meanGap = 1e9 / rate
    self.bundle = bundle
    self.stream = stream
    drawn = stream
    last = .zero
    start = .zero
  }

  /// Goes on as copy number `branch`; the pending bundle stays.
  public mutating func branch(_ branch: UInt64) { stream = stream.branched(branch) }

  /// Draws the next bundle; returns when its last transaction arrives.
  public mutating func drawNext() -> SimTime {
    drawn = stream
    start = last
    for _ in 0..<bundle { last += Self.gap(meanGap, &stream) }
    return last
  }

  /// Hands the arrival times of the pending bundle to `body`, in order.
  public func forEachArrival(_ body: (SimTime) -> Void) {
    var replay = drawn
    var time = start
    for _ in 0..<bundle {
      time += Self.gap(meanGap, &replay)
      body(time)
    }
  }

  private static func gap(_ mean: Double, _ stream: inout RandomStream) -> SimDuration {
    SimDuration(nanoseconds: Int64((mean * stream.exponential()).rounded()))
  }
}
