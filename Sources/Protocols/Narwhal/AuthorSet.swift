/// A set of replicas by index, a bit each.
public struct AuthorSet: Sendable, BitwiseCopyable, Equatable {
  var words = InlineArray<8, UInt64>(repeating: 0)

  public init() {}

  public var count: Int {
    var total = 0
    for k in 0..<8 { total += words[k].nonzeroBitCount }
    return total
  }

  public var isEmpty: Bool {
    var union: UInt64 = 0
    for k in 0..<8 { union |= words[k] }
    return union == 0
  }

  public func contains(_ author: Int) -> Bool {
    words[author >> 6] & (1 << UInt64(author & 63)) != 0
  }

  /// Adds `author`; false if it was there.
  @discardableResult
  public mutating func insert(_ author: Int) -> Bool {
    let bit: UInt64 = 1 << UInt64(author & 63)
    guard words[author >> 6] & bit == 0 else { return false }
    words[author >> 6] |= bit
    return true
  }

  public mutating func remove(_ author: Int) {
    words[author >> 6] &= ~(1 << UInt64(author & 63))
  }

  mutating func formUnion(_ other: AuthorSet) {
    for k in 0..<8 { words[k] |= other.words[k] }
  }

  func subtracting(_ other: AuthorSet) -> AuthorSet {
    var rest = self
    for k in 0..<8 { rest.words[k] &= ~other.words[k] }
    return rest
  }

  func isSubset(of other: AuthorSet) -> Bool {
    var outside: UInt64 = 0
    for k in 0..<8 { outside |= words[k] & ~other.words[k] }
    return outside == 0
  }

  /// The lowest member from `start` on.
  func first(from start: Int) -> Int? {
    var k = start >> 6
    guard k < 8 else { return nil }
    var bits = words[k] & (~0 << UInt64(start & 63))
    while bits == 0 {
      k += 1
      guard k < 8 else { return nil }
      bits = words[k]
    }
    return k << 6 | bits.trailingZeroBitCount
  }

  public static func == (a: AuthorSet, b: AuthorSet) -> Bool {
    var difference: UInt64 = 0
    for k in 0..<8 { difference |= a.words[k] ^ b.words[k] }
    return difference == 0
  }
}

/// Members in ascending order.
extension AuthorSet: Sequence {
  public struct Iterator: IteratorProtocol {
    let set: AuthorSet
    var word = 0
    var bits: UInt64

    public mutating func next() -> Int? {
      while bits == 0 {
        word += 1
        guard word < 8 else { return nil }
        bits = set.words[word]
      }
      let bit = bits.trailingZeroBitCount
      bits &= bits - 1
      return word << 6 | bit
    }
  }

  public func makeIterator() -> Iterator { Iterator(set: self, bits: words[0]) }
}
