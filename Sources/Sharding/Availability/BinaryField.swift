/// The field of 2^16 elements, as polynomials over bits modulo x^16 + x^12 + x^3 + x + 1 (0x1100B,
/// as in the PAR 2.0 format): addition is exclusive or, and 2 generates all other elements.
public enum BinaryField {
  /// x^16 + x^12 + x^3 + x + 1.
  static let modulus = 0x1100B
  /// Elements other than zero.
  static let order = 65_535

  /// Powers of 2, twice over, so that sums of two logarithms need no reduction.
  static let powers: [UInt16] = {
    var powers = [UInt16](repeating: 0, count: 2 * order)
    var x = 1
    for i in 0..<order {
      powers[i] = UInt16(x)
      powers[i + order] = UInt16(x)
      x <<= 1
      if x > order { x ^= modulus }
    }
    return powers
  }()

  /// Logarithms to base 2; that of zero is not used.
  static let logarithms: [UInt16] = {
    var logarithms = [UInt16](repeating: 0, count: order + 1)
    for i in 0..<order { logarithms[Int(powers[i])] = UInt16(i) }
    return logarithms
  }()

  /// 2 to the power `exponent`, at least 0.
  public static func power(_ exponent: Int) -> UInt16 { powers[exponent % order] }

  public static func product(_ a: UInt16, _ b: UInt16) -> UInt16 {
    if a == 0 || b == 0 { return 0 }
    return powers[Int(logarithms[Int(a)]) + Int(logarithms[Int(b)])]
  }

  /// - Parameter b: not zero.
  public static func quotient(_ a: UInt16, _ b: UInt16) -> UInt16 {
    precondition(b != 0, "\(a) over zero")
    if a == 0 { return 0 }
    return powers[Int(logarithms[Int(a)]) + order - Int(logarithms[Int(b)])]
  }

  /// Adds `factor` times each word of `source` to `target`: the inner loop of all coding.
  static func add(_ factor: UInt16, times source: [UInt16], to target: inout [UInt16]) {
    guard factor != 0 else { return }
    let log = Int(logarithms[Int(factor)])
    powers.withUnsafeBufferPointer { powers in
      logarithms.withUnsafeBufferPointer { logarithms in
        for i in target.indices where source[i] != 0 {
          target[i] ^= powers[log + Int(logarithms[Int(source[i])])]
        }
      }
    }
  }
}
