/// A partition of nodes and state: 0..<shards.
@frozen
public struct ShardID: Hashable, Comparable, Sendable, BitwiseCopyable {
  public var index: UInt32

  @inlinable public init(_ index: Int) { self.index = UInt32(index) }

  @inlinable
  public static func < (a: ShardID, b: ShardID) -> Bool { a.index < b.index }
}
