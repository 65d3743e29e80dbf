import Kernel
import Ledger

/// What the messages of a chain hold beside blocks, and what follows from each block: stored once
/// for all nodes, named by number.
///
/// It is storage, not knowledge: a node may look only at what a message has named to it, and at
/// what blocks that it has lead to.
public protocol ChainContent: Sendable {
  /// Kinds of notes, as they stand in `messages.csv`.
  static var noteKinds: [String] { get }
  /// How long a note is passed on; older ones are forgotten.
  static var noteLifetime: SimDuration { get }

  init()

  /// The blocks before `block` are dropped: all nodes share the chain that it stands on.
  mutating func drop(before block: BlockID, _ blocks: BlockArena)
}

/// The content of protocols all of whose messages are about blocks.
public struct NoContent: ChainContent {
  public static var noteKinds: [String] { [] }
  public static var noteLifetime: SimDuration { .zero }

  public init() {}
  public mutating func drop(before block: BlockID, _ blocks: BlockArena) {}
}

/// A small message that is gossiped on a topic: a vote, say. Its content is named by number.
public struct Note: Sendable, BitwiseCopyable, Equatable {
  /// Index into the `noteKinds` of the content.
  public var kind: UInt8
  /// On which topic it goes.
  public var topic: UInt32
  /// On the wire.
  public var bytes: UInt32
  /// Names its content; the protocol alone reads it.
  public var item: UInt32
  /// Digest of the content: what the run's digest holds of it, since numbers are given in the
  /// order in which notes are made anywhere.
  public var digest: UInt64

  public init(kind: UInt8, topic: UInt32, bytes: Int, item: UInt32, digest: UInt64) {
    self.kind = kind
    self.topic = topic
    self.bytes = UInt32(bytes)
    self.item = item
    self.digest = digest
  }
}

/// Some of a chain's nodes: those from `first` up to, but not with, `end`.
public struct Audience: Sendable, BitwiseCopyable, Equatable {
  public var first: UInt32
  public var end: UInt32

  public init(_ nodes: Range<Int>) {
    first = UInt32(nodes.lowerBound)
    end = UInt32(nodes.upperBound)
  }

  public static var everyone: Audience { Audience(0..<Int(UInt32.max)) }

  @inline(__always)
  public func contains(_ node: Int) -> Bool { UInt32(node) >= first && UInt32(node) < end }
}

/// Who hears of which notes.
///
/// Topic 0 is everybody, over the chain's own topology. Any other is a list of members in random
/// order, each linked to those at fixed distances before and behind it (a circulant graph): a mesh
/// of even degree of which nothing but the order need be stored.
public struct TopicBook: Sendable {
  /// Members and distances of one topic.
  public struct Topic: Sendable, BitwiseCopyable {
    public var count: UInt32
    var first: Int
    /// Distances at which neighbours stand; the first is 1, so that the mesh is connected.
    var distances: (UInt32, UInt32, UInt32, UInt32)
  }

  /// Links of a member where there are enough members: D of gossipsub v1.1.
  public static var degree: Int { 8 }
  public static var everyone: UInt32 { 0 }

  private var topics = SlidingArray<Topic>()
  private var members = SlidingArray<UInt32>()

  public init() {
    topics.append(Topic(count: 0, first: 0, distances: (0, 0, 0, 0)))
  }

  /// One past the newest topic.
  public var endIndex: Int { topics.endIndex }

  /// Opens a topic for `nodes`, each named once; `salt` decides their order.
  public mutating func open(_ nodes: [UInt32], salt: UInt64) -> UInt32 {
    var stream = RandomStream(seed: salt, purpose: "mesh of a topic")
    var order = nodes
    stream.shuffle(&order)
    let first = members.endIndex
    for node in order { members.append(node) }
    let half = (order.count - 1) / 2
    var far: [UInt32] = [1]
    while far.count < 4, half >= 4 {
      let distance = UInt32(stream.range(2...half))
      if !far.contains(distance) { far.append(distance) }
    }
    while far.count < 4 { far.append(0) }
    return UInt32(
      topics.append(
        Topic(
          count: UInt32(order.count), first: first, distances: (far[0], far[1], far[2], far[3]))))
  }

  public func contains(_ topic: UInt32) -> Bool { topics.contains(Int(topic)) }
  public subscript(topic: UInt32) -> Topic { topics[Int(topic)] }

  /// The node that is member number `i` of `topic`.
  @inline(__always)
  public func member(_ i: Int, of topic: Topic) -> Int { Int(members[topic.first + i]) }

  /// The place of `node` among the members of `topic`. O(members).
  public func place(of node: Int, in topic: Topic) -> Int? {
    for i in 0..<Int(topic.count) where Int(members[topic.first + i]) == node { return i }
    return nil
  }

  /// How many links a member has.
  @inline(__always)
  public func links(of topic: Topic) -> Int {
    topic.distances.3 == 0 ? max(Int(topic.count) - 1, 0) : Self.degree
  }

  /// The member at the end of link number `link` of member `place`.
  @inline(__always)
  public func neighbour(_ link: Int, of place: Int, in topic: Topic) -> Int {
    let count = Int(topic.count)
    guard topic.distances.3 != 0 else { return (place + link + 1) % count }
    let distance: UInt32 =
      switch link >> 1 {
      case 0: topic.distances.0
      case 1: topic.distances.1
      case 2: topic.distances.2
      default: topic.distances.3
      }
    let to = link & 1 == 0 ? place + Int(distance) : place + count - Int(distance)
    return to >= count ? to - count : to
  }

  /// Forgets the topics before `topic`; topic 0 stays what it is.
  public mutating func drop(before topic: UInt32) {
    guard topics.contains(Int(topic)) else { return }
    members.dropFirst(before: topics[Int(topic)].first)
    topics.dropFirst(before: Int(topic))
  }
}
