/// A named stream of random numbers: xoshiro256** (Blackman & Vigna, "Scrambled linear
/// pseudorandom number generators", ACM TOMS 47(4), 2021), seeded through SplitMix64.
///
/// A stream is identified by `(run seed, purpose, entity)`, so a module, node or metric that is
/// added never shifts the draws of another, and runs that differ in one thing share all others.
/// It is a value of 32 bytes: a copy goes on to the same numbers. Nothing here uses `libm` or the
/// standard library's generators, whose results may change between machines and versions.
@frozen
public struct RandomStream: Sendable, BitwiseCopyable, Equatable {
  @usableFromInline var s0: UInt64
  @usableFromInline var s1: UInt64
  @usableFromInline var s2: UInt64
  @usableFromInline var s3: UInt64

  /// The stream of one entity for one purpose.
  ///
  /// Two entities of the same seed and purpose never start from the same state; two different
  /// purposes or seeds do with probability 2^-64.
  /// - Parameters:
  ///   - seed: the run's.
  ///   - purpose: what is drawn, for instance "network.latency"; hashed by FNV-1a over UTF-8.
  ///   - entity: index of the node, link or client it belongs to.
  public init(seed: UInt64, purpose: String, entity: UInt64 = 0) {
    var splitMix = SplitMix64(state: seed)
    splitMix.state = splitMix.next() ^ Self.fnv1a(purpose)
    splitMix.state = splitMix.next() ^ entity
    splitMix.state = splitMix.next()
    self.init(state: (splitMix.next(), splitMix.next(), splitMix.next(), splitMix.next()))
  }

  /// The generator in a given state, for comparison with the reference implementation.
  /// - Parameter state: not all zero.
  public init(state: (UInt64, UInt64, UInt64, UInt64)) {
    (s0, s1, s2, s3) = state
    precondition(s0 | s1 | s2 | s3 != 0, "the state of xoshiro256** must not be all zero")
  }

  /// The stream with which copy number `branch` of a run goes on: a function of this one's state,
  /// so that copies of one moment part, and copies of different moments have nothing in common.
  public func branched(_ branch: UInt64) -> RandomStream {
    var splitMix = SplitMix64(state: branch)
    for word in [s0, s1, s2, s3] { splitMix.state = splitMix.next() ^ word }
    return RandomStream(
      state: (splitMix.next(), splitMix.next(), splitMix.next(), splitMix.next() | 1))
  }

  private static func fnv1a(_ text: String) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    return hash
  }

  /// The next 64 uniform bits.
  @inlinable
  public mutating func next() -> UInt64 {
    let result = Self.rotated(s1 &* 5, by: 7) &* 9
    let t = s1 << 17
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= t
    s3 = Self.rotated(s3, by: 45)
    return result
  }

  @inlinable @inline(__always)
  static func rotated(_ x: UInt64, by k: UInt64) -> UInt64 { (x &<< k) | (x &>> (64 &- k)) }

  /// Uniform in [0, 1), a multiple of 2^-53.
  @inlinable
  public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Uniform in (0, 1], a multiple of 2^-53: safe under a logarithm.
  @inlinable
  public mutating func unitPositive() -> Double { Double((next() >> 11) &+ 1) * 0x1p-53 }

  /// Uniform in 0 ..< n without bias (Lemire, ACM TOMACS 29(1), 2019).
  /// - Parameter n: at least 1.
  @inlinable
  public mutating func below(_ n: UInt64) -> UInt64 {
    precondition(n > 0, "a number below zero")
    var product = n.multipliedFullWidth(by: next())
    if product.low < n {
      let threshold = (0 &- n) % n
      while product.low < threshold { product = n.multipliedFullWidth(by: next()) }
    }
    return product.high
  }

  /// Uniform in a half-open, non-empty range, without bias.
  @inlinable
  public mutating func range(_ bounds: Range<Int>) -> Int {
    let width = UInt64(bitPattern: Int64(bounds.upperBound &- bounds.lowerBound))
    return bounds.lowerBound &+ Int(truncatingIfNeeded: below(width))
  }

  /// Uniform in a closed range, without bias.
  @inlinable
  public mutating func range(_ bounds: ClosedRange<Int>) -> Int {
    let width = UInt64(bitPattern: Int64(bounds.upperBound &- bounds.lowerBound)) &+ 1
    let offset = width == 0 ? next() : below(width)  // zero: all 2^64 values
    return bounds.lowerBound &+ Int(truncatingIfNeeded: offset)
  }

  /// True with probability `p`, in 0 ... 1 (in steps of 2^-53; exact at both ends).
  @inlinable
  public mutating func bernoulli(_ p: Double) -> Bool {
    precondition(p >= 0 && p <= 1, "probability \(p)")
    return unit() < p
  }
}

/// SplitMix64 (Steele, Lea & Flood, OOPSLA '14): spreads a seed over the state of a generator.
struct SplitMix64 {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
