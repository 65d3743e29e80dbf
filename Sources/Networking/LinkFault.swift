import Kernel
import Machines

/// Links that work badly for a while: those from some nodes to some nodes, in this direction.
///
/// Faults of one link add up: losses are independent of each other and of the network's own, delays
/// come on top of what the network draws (and of its bound after GST).
public struct LinkFault: Sendable, Equatable {
  public var from = SimTime.zero
  public var until = SimTime.never
  /// Whether each node is among the senders, among the receivers. Nodes behind the last are not.
  public var senders: [Bool]
  public var receivers: [Bool]
  /// Share of messages (packets, for streams) that is lost.
  public var loss = 0.0
  /// Share of messages that arrives twice.
  public var duplication = 0.0
  /// Share of messages that takes one more one-way delay, and which later ones may overtake.
  public var overtaking = 0.0
  /// Added to the delay of each message, in nanoseconds.
  public var delay: Distribution?

  public init(senders: [Bool], receivers: [Bool]) {
    self.senders = senders
    self.receivers = receivers
  }

  func disturbs(_ a: NodeID, _ b: NodeID, at time: SimTime) -> Bool {
    guard time >= from, time < until else { return false }
    let (i, j) = (Int(a.index), Int(b.index))
    return i < senders.count && senders[i] && j < receivers.count && receivers[j]
  }
}

/// What may become of a message on one link at one time.
struct LinkCondition {
  var loss: Double
  var duplication: Double
  var overtaking = 0.0
}

extension Network {
  func condition(_ a: NodeID, _ b: NodeID, at time: SimTime) -> LinkCondition {
    var condition = LinkCondition(loss: loss, duplication: duplication)
    for fault in linkFaults where fault.disturbs(a, b, at: time) {
      condition.loss = 1 - (1 - condition.loss) * (1 - fault.loss)
      condition.duplication = 1 - (1 - condition.duplication) * (1 - fault.duplication)
      condition.overtaking = 1 - (1 - condition.overtaking) * (1 - fault.overtaking)
    }
    return condition
  }
}
