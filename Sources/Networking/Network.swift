import Kernel
import Machines

/// The links between nodes: how long a message is on its way, and whether it arrives.
///
/// A message pays the sender's uplink, then one-way delay, then the receiver's downlink; this is
/// the part in between. Delay is drawn from the distribution of the pair of regions.
public struct Network: Sendable {
  /// Region of each node.
  public private(set) var regionOf: [UInt16]
  public let regions: Int
  /// One-way delay in nanoseconds, `[from * regions + to]`.
  private var delays: [Distribution]
  /// Added to each message's delay, in nanoseconds.
  public var jitter: Distribution?
  /// Share of messages (packets, for streams) that the network drops, 0..<1.
  public var loss = 0.0
  /// Share of messages delivered twice, 0..<1.
  public var duplication = 0.0
  /// A later message of a pair may overtake an earlier one.
  public var reorders = false
  public var transport: Transport
  public var partitions: [Partition] = []
  public var stabilisation: Stabilisation?
  public var linkFaults: [LinkFault] = []
  /// Partitions or link faults may come while the run goes on.
  public var mayBeDisturbed = false
  /// Every delay is a constant and nothing disturbs it: order needs no table.
  private var isPlain = false

  /// - Parameters:
  ///   - regionOf: region of each node, each below `regions`.
  ///   - delays: one-way delays in nanoseconds, row by row, `regions * regions` of them.
  public init(
    regionOf: [UInt16], regions: Int, delays: [Distribution], transport: Transport = .message
  ) {
    precondition(delays.count == regions * regions, "\(delays.count) delays, \(regions) regions")
    precondition(regionOf.allSatisfy { $0 < regions }, "a node outside all regions")
    self.regionOf = regionOf
    self.regions = regions
    self.delays = delays
    self.transport = transport
  }

  /// Call after the last change of settings, before the first message.
  public mutating func seal() {
    let constant = delays.allSatisfy { if case .constant = $0 { true } else { false } }
    isPlain =
      constant && jitter == nil && loss == 0 && duplication == 0 && transport == .message
      && partitions.isEmpty && stabilisation == nil && linkFaults.isEmpty && !mayBeDisturbed
  }

  /// No message is lost, doubled or cut off.
  public var isUndisturbed: Bool {
    loss == 0 && duplication == 0 && partitions.isEmpty && linkFaults.isEmpty && !mayBeDisturbed
  }

  public func delay(from a: NodeID, to b: NodeID) -> Distribution {
    delays[Int(regionOf[Int(a.index)]) * regions + Int(regionOf[Int(b.index)])]
  }

  /// Mean one-way delay of the pair, without jitter and faults.
  public func meanDelay(from a: NodeID, to b: NodeID) -> SimDuration {
    SimDuration(nanoseconds: Int64(delay(from: a, to: b).mean.rounded()))
  }
}

/// What carries a message over a link.
public enum Transport: Sendable, Equatable {
  /// Ideal: a message takes its delay, whatever its size and what went before.
  case message
  /// A byte stream as TCP keeps it; see `StreamSettings`.
  case stream(StreamSettings)
}

/// Nodes that cannot reach each other for a while.
public struct Partition: Sendable, Equatable {
  public var from: SimTime
  public var until: SimTime
  /// Side of each node; messages pass only between equal sides.
  public var side: [UInt8]
  /// Only messages out of a side with a lower number into a higher one are cut.
  public var isOneWay: Bool

  public init(from: SimTime, until: SimTime, side: [UInt8], isOneWay: Bool = false) {
    self.from = from
    self.until = until
    self.side = side
    self.isOneWay = isOneWay
  }

  func cuts(_ a: NodeID, _ b: NodeID, at time: SimTime) -> Bool {
    guard time >= from, time < until else { return false }
    let (x, y) = (side[Int(a.index)], side[Int(b.index)])
    return isOneWay ? x < y : x != y
  }
}

/// Partial synchrony (Dwork, Lynch and Stockmeyer, JACM '88): before GST a message is delayed by an
/// adversary's draw, but arrives by GST + delta; after GST it takes at most delta.
public struct Stabilisation: Sendable, Equatable {
  public var gst: SimTime
  public var delta: SimDuration
  /// Added before GST, in nanoseconds.
  public var chaos: Distribution

  public init(gst: SimTime, delta: SimDuration, chaos: Distribution) {
    self.gst = gst
    self.delta = delta
    self.chaos = chaos
  }
}

/// The state of one directed connection between two roles.
public struct Connection: Sendable, BitwiseCopyable {
  /// When its last message arrives; the next arrives no earlier.
  public var lastArrival = SimTime.zero
  /// Stream only: when it was last used, and its congestion window in bytes.
  var lastUse = SimTime.zero
  var window: Int64 = 0
  /// Stream with Nagle's algorithm only: when its last packet that was not full left, or leaves.
  var lastPartial = SimTime.zero

  public init() {}
}

/// What becomes of a message.
public enum Passage: Sendable, BitwiseCopyable, Equatable {
  case arrives(SimTime)
  case lost
  case duplicated(SimTime, SimTime)
}

extension Network {
  /// Takes a message of `bytes` bytes whose last bit left `a` at `sent`; says when its first bit
  /// reaches `b`.
  public func passage(
    of bytes: Int, from a: NodeID, to b: NodeID, sent: SimTime,
    over connection: inout Connection, using stream: inout RandomStream
  ) -> Passage {
    if isPlain, case .constant(let delay) = delay(from: a, to: b) {
      return .arrives(sent + SimDuration(nanoseconds: Int64(delay)))
    }
    if isCut(a, b, at: sent) {
      // A stream retransmits until the cut heals; a message is gone.
      guard case .stream(let settings) = transport else { return .lost }
      let healed = healing(a, b, after: sent)
      guard healed < .never else { return .lost }
      let retry = settings.retransmission(after: healed - sent)
      return passage(
        of: bytes, from: a, to: b, sent: sent + retry, over: &connection, using: &stream)
    }
    let condition = condition(a, b, at: sent)
    var delay = draw(from: a, to: b, at: sent, using: &stream)
    switch transport {
    case .message:
      if condition.loss > 0, stream.bernoulli(condition.loss) { return .lost }
    case .stream(let settings):
      let roundTrip = meanDelay(from: a, to: b) + meanDelay(from: b, to: a)
      delay += settings.extraDelay(
        of: bytes, at: sent, roundTrip: roundTrip, loss: condition.loss, over: &connection,
        using: &stream)
    }
    let isHeldBack = condition.overtaking > 0 && stream.bernoulli(condition.overtaking)
    if isHeldBack { delay += draw(from: a, to: b, at: sent, using: &stream) }
    let arrival = isHeldBack ? sent + delay : ordered(sent + delay, over: &connection)
    if condition.duplication > 0, stream.bernoulli(condition.duplication) {
      let again = sent + draw(from: a, to: b, at: sent, using: &stream)
      return .duplicated(arrival, ordered(again, over: &connection))
    }
    return .arrives(arrival)
  }

  private func draw(
    from a: NodeID, to b: NodeID, at sent: SimTime, using stream: inout RandomStream
  ) -> SimDuration {
    var delay = self.delay(from: a, to: b).sample(using: &stream)
    if let jitter { delay += jitter.sample(using: &stream) }
    var duration = SimDuration(nanoseconds: max(Int64(delay.rounded()), 0))
    if let stabilisation {
      if sent < stabilisation.gst {
        let chaos = max(stabilisation.chaos.sample(using: &stream), 0)
        let chaotic = duration + SimDuration(nanoseconds: Int64(chaos.rounded()))
        duration = min(chaotic, stabilisation.gst + stabilisation.delta - sent)
      } else {
        duration = min(duration, stabilisation.delta)
      }
    }
    for fault in linkFaults {
      guard let delay = fault.delay, fault.disturbs(a, b, at: sent) else { continue }
      let extra = max(delay.sample(using: &stream), 0)
      duration += SimDuration(nanoseconds: Int64(extra.rounded()))
    }
    return duration
  }

  /// Order per pair is kept, unless reordering is asked for.
  private func ordered(_ arrival: SimTime, over connection: inout Connection) -> SimTime {
    if reorders, transport == .message { return arrival }
    let kept = max(arrival, connection.lastArrival)
    connection.lastArrival = kept
    return kept
  }

  private func isCut(_ a: NodeID, _ b: NodeID, at time: SimTime) -> Bool {
    for partition in partitions where partition.cuts(a, b, at: time) { return true }
    return false
  }

  /// When no partition cuts a message from `a` to `b` any more.
  private func healing(_ a: NodeID, _ b: NodeID, after time: SimTime) -> SimTime {
    var healed = time
    while let partition = partitions.first(where: { $0.cuts(a, b, at: healed) }) {
      healed = partition.until
      if healed == .never { break }
    }
    return healed
  }
}
