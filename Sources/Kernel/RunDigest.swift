/// A running 64-bit fingerprint of a sequence of words.
///
/// Equal sequences give equal digests on every machine and in every build; it says nothing about
/// an adversary. Two rounds of xor-multiply-rotate a word, after the mixing of SplitMix64
/// (Steele, Lea and Flood, OOPSLA '14).
@frozen
public struct RunDigest: Sendable, BitwiseCopyable, Equatable {
  public var value: UInt64

  @inlinable
  public init(_ seed: UInt64 = 0x9E37_79B9_7F4A_7C15) { value = seed }

  @inlinable
  public mutating func fold(_ word: UInt64) {
    var x = (value ^ word) &* 0xBF58_476D_1CE4_E5B9
    x ^= x >> 29
    x = x &* 0x94D0_49BB_1331_11EB
    value = x ^ (x >> 32)
  }

  @inlinable
  public mutating func fold(_ a: UInt64, _ b: UInt64) {
    fold(a)
    fold(b)
  }
}
