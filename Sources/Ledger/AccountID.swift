/// An account of a ledger: 0..<accounts.
@frozen
public struct AccountID: Hashable, Comparable, Sendable, BitwiseCopyable {
  public var index: UInt64

  @inlinable public init(_ index: Int) { self.index = UInt64(index) }

  @inlinable
  public static func < (a: AccountID, b: AccountID) -> Bool { a.index < b.index }
}
