import Kernel
import Machines

/// Messages on their way and what struck the nodes, of the beginning of a run: for diagrams.
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
    public var time: SimTime
    public var node: NodeID
    public var text: String
  }

  public private(set) var messages: [Message] = []
  public private(set) var marks: [Mark] = []
  private let limit: Int

  /// - Parameter limit: messages that are kept.
  public init(limit: Int) { self.limit = limit }

  public var isFull: Bool { messages.count >= limit }

  mutating func note(_ event: Event, over route: Route, sent: SimTime, arrives: SimTime) {
    guard !isFull else { return }
    messages.append(
      Message(event: event, from: route.from, to: route.to, sent: sent, arrives: arrives))
  }

  mutating func mark(_ text: String, at node: NodeID, _ time: SimTime) {
    guard !isFull else { return }
    marks.append(Mark(time: time, node: node, text: text))
  }
}
