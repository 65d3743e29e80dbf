import Kernel

/// A fingerprint that stands for a cryptographic digest. Equal contents have equal digests; only
/// the code that makes content makes its digest.
@frozen
public struct Digest: Hashable, Comparable, Sendable, BitwiseCopyable {
  public var value: UInt64

  @inlinable public init(_ value: UInt64) { self.value = value }

  @inlinable
  public static func < (a: Digest, b: Digest) -> Bool { a.value < b.value }

  /// The digest of this digest followed by `other`, as in a hash chain or a Merkle node.
  @inlinable
  public func followed(by other: Digest) -> Digest {
    var digest = RunDigest(value)
    digest.fold(other.value)
    return Digest(digest.value)
  }
}

/// Transactions of one population with consecutive numbers: how they travel, wait and are decided.
///
/// A population numbers its transactions 0, 1, 2, ... in order of submission.
@frozen
public struct TxRange: Hashable, Sendable, BitwiseCopyable {
  public var first: UInt64
  public var count: UInt32
  /// Which population of clients or records numbered them.
  public var population: UInt32

  @inlinable
  public init(population: UInt32, first: UInt64, count: UInt32) {
    self.population = population
    self.first = first
    self.count = count
  }

  /// One past the last number.
  @inlinable public var end: UInt64 { first + UInt64(count) }

  /// The first `n` of them.
  @inlinable
  public func prefix(_ n: Int) -> TxRange {
    TxRange(population: population, first: first, count: UInt32(min(Int(count), n)))
  }

  /// All but the first `n`.
  @inlinable
  public func dropFirst(_ n: Int) -> TxRange {
    let dropped = UInt32(min(Int(count), n))
    return TxRange(population: population, first: first + UInt64(dropped), count: count - dropped)
  }
}
