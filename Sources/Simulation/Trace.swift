import Kernel
import Machines

/// Messages on their way, decisions, and what struck the nodes, in a window of a run: for diagrams.
public struct Trace: Sendable {
  public struct Message: Sendable, BitwiseCopyable {
    public var event: Event
    public var from: NodeID
    public var to: NodeID
    /// When its last bit left, and when its first bit arrives.
    public var sent: SimTime
    public var arrives: SimTime
  }

  /// Something that happened to a node, in words.
  public struct Mark: Sendable {
    public enum Kind: Sendable { case crash, restart, decision, other }

    public var time: SimTime
    public var node: NodeID
    public var kind: Kind
    public var text: String
  }

  public private(set) var messages: [Message] = []
  public private(set) var marks: [Mark] = []
  private let limit: Int
  private let start: SimTime

  /// - Parameters:
  ///   - limit: messages that are kept.
  ///   - start: what was sent or happened before it is not.
  public init(limit: Int, from start: SimTime = .zero) {
    self.limit = limit
    self.start = start
  }

  public var isFull: Bool { messages.count >= limit }

  mutating func note(_ event: Event, over route: Route, sent: SimTime, arrives: SimTime) {
    guard !isFull, sent >= start else { return }
    messages.append(
      Message(event: event, from: route.from, to: route.to, sent: sent, arrives: arrives))
  }

  mutating func mark(_ kind: Mark.Kind, _ text: String, at node: NodeID, _ time: SimTime) {
    guard !isFull, time >= start else { return }
    marks.append(Mark(time: time, node: node, kind: kind, text: text))
  }
}
