/// SHA-256 (FIPS 180-4) of the short messages that the specification hashes.
///
/// Committees, proposers and aggregators are drawn by the real function, so that they can be
/// compared with other implementations; what hashing costs a node is another matter.
public struct Hash256: Sendable, Hashable, BitwiseCopyable {
  /// The bytes, eight a word, the first byte in the highest bits.
  public var a: UInt64
  public var b: UInt64
  public var c: UInt64
  public var d: UInt64

  public init(_ a: UInt64 = 0, _ b: UInt64 = 0, _ c: UInt64 = 0, _ d: UInt64 = 0) {
    (self.a, self.b, self.c, self.d) = (a, b, c, d)
  }

  public static var zero: Hash256 { Hash256() }

  /// The first eight bytes as a little-endian number: `bytes_to_uint64(hash[0:8])`.
  public var leading: UInt64 { a.byteSwapped }

  /// Byte number `i` of 32.
  @inline(__always)
  public func byte(_ i: Int) -> UInt8 {
    let word = i < 16 ? (i < 8 ? a : b) : (i < 24 ? c : d)
    return UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * (i & 7)))
  }

  public static func ^ (x: Hash256, y: Hash256) -> Hash256 {
    Hash256(x.a ^ y.a, x.b ^ y.b, x.c ^ y.c, x.d ^ y.d)
  }

  /// hash(self + bytes): at most 16 bytes more, so that all fits one block of SHA-256.
  ///
  /// - Parameters:
  ///   - bytes: what follows, the first byte in the lowest bits of `low`, eight bytes a word.
  ///   - count: how many, 0...16.
  public func hashed(with low: UInt64 = 0, _ high: UInt64 = 0, count: Int = 0) -> Hash256 {
    var block = SHA256.Block(repeating: 0)
    fill(&block)
    block[8] = UInt32(truncatingIfNeeded: low).byteSwapped
    block[9] = UInt32(truncatingIfNeeded: low >> 32).byteSwapped
    block[10] = UInt32(truncatingIfNeeded: high).byteSwapped
    block[11] = UInt32(truncatingIfNeeded: high >> 32).byteSwapped
    let end = 32 + count
    block[end >> 2] |= 0x80 << UInt32(24 - 8 * (end & 3))
    block[15] = UInt32(end * 8)
    return SHA256.compress(block)
  }

  @inline(__always)
  private func fill(_ block: inout SHA256.Block) {
    block[0] = UInt32(truncatingIfNeeded: a >> 32)
    block[1] = UInt32(truncatingIfNeeded: a)
    block[2] = UInt32(truncatingIfNeeded: b >> 32)
    block[3] = UInt32(truncatingIfNeeded: b)
    block[4] = UInt32(truncatingIfNeeded: c >> 32)
    block[5] = UInt32(truncatingIfNeeded: c)
    block[6] = UInt32(truncatingIfNeeded: d >> 32)
    block[7] = UInt32(truncatingIfNeeded: d)
  }
}

enum SHA256 {
  typealias Block = InlineArray<16, UInt32>

  @inline(__always)
  private static func rotated(_ x: UInt32, _ n: UInt32) -> UInt32 { x &>> n | x &<< (32 &- n) }

  /// The hash of a message of one block, padding included.
  static func compress(_ block: Block) -> Hash256 {
    var w = block
    var h = initial
    for t in 0..<64 {
      let i = t & 15
      if t >= 16 {
        let (x, y) = (w[(t + 1) & 15], w[(t + 14) & 15])
        let small = rotated(x, 7) ^ rotated(x, 18) ^ x &>> 3
        let large = rotated(y, 17) ^ rotated(y, 19) ^ y &>> 10
        w[i] = w[i] &+ small &+ w[(t + 9) & 15] &+ large
      }
      let s1 = rotated(h.4, 6) ^ rotated(h.4, 11) ^ rotated(h.4, 25)
      let choice = (h.4 & h.5) ^ (~h.4 & h.6)
      let t1 = h.7 &+ s1 &+ choice &+ constants[t] &+ w[i]
      let s0 = rotated(h.0, 2) ^ rotated(h.0, 13) ^ rotated(h.0, 22)
      let majority = (h.0 & h.1) ^ (h.0 & h.2) ^ (h.1 & h.2)
      h = (t1 &+ s0 &+ majority, h.0, h.1, h.2, h.3 &+ t1, h.4, h.5, h.6)
    }
    let o = initial
    return Hash256(
      joined(h.0 &+ o.0, h.1 &+ o.1), joined(h.2 &+ o.2, h.3 &+ o.3),
      joined(h.4 &+ o.4, h.5 &+ o.5), joined(h.6 &+ o.6, h.7 &+ o.7))
  }

  @inline(__always)
  private static func joined(_ high: UInt32, _ low: UInt32) -> UInt64 {
    UInt64(high) << 32 | UInt64(low)
  }

  typealias Words = (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32)

  private static let initial: Words = (
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
    0x5be0_cd19
  )

  private static let constants: InlineArray<64, UInt32> = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4,
    0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe,
    0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f,
    0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
    0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc,
    0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b,
    0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116,
    0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7,
    0xc671_78f2,
  ]
}
