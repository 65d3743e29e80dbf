/// Logarithms, exponentials and powers that give the same bits on every machine.
///
/// The system's `libm` picks instructions at run time and its last bit differs between processors.
/// These use + - * / and bit patterns only; Swift does not contract `a * b + c` to a fused one.
/// The methods and coefficients are those of fdlibm (`e_log.c`, `e_exp.c`, `s_log1p.c`,
/// `s_expm1.c`, `e_pow.c`), whose notice is kept:
///
/// Copyright (C) 1993, 2004 by Sun Microsystems, Inc. All rights reserved. Permission to use, copy,
/// modify, and distribute this software is freely granted, provided that this notice is preserved.
///
/// Deviations: special cases are spelled with Swift's predicates; `log` and `log1p` have no path of
/// their own for arguments near a power of two. Errors stay below 1 ulp (2 ulp where the result is
/// subnormal).
public enum Elementary {
  @usableFromInline static let ln2High = 6.93147180369123816490e-01
  @usableFromInline static let ln2Low = 1.90821492927058770002e-10
  @usableFromInline static let inverseLn2 = 1.44269504088896338700e+00
  /// Arguments above it overflow `exp`.
  static let overflow = 7.09782712893383973096e+02
  /// Arguments below it underflow `exp` to zero.
  static let underflow = -7.45133219101941108420e+02

  /// The natural logarithm: -inf at ±0, NaN below zero.
  public static func log(_ x: Double) -> Double {
    var bits = x.bitPattern
    var k = 0
    if bits &- 0x0010_0000_0000_0000 >= 0x7fe0_0000_0000_0000 {  // not positive, normal, finite
      if x == 0 { return -.infinity }
      if x < 0 { return .nan }
      if !x.isFinite { return x }
      bits = (x * 0x1p54).bitPattern
      k = -54
    }
    let (f, exponent) = reduced(bits)
    let dk = Double(k + exponent)
    let (s, hfsq, r) = seriesOfLog1p(f)
    return s * (hfsq + r) + dk * ln2Low - hfsq + f + dk * ln2High
  }

  /// log(1 + x), accurate for small `x`; -inf at -1, NaN below.
  public static func log1p(_ x: Double) -> Double {
    if x <= -1 { return x == -1 ? -.infinity : .nan }
    if x.isNaN || x == .infinity || abs(x) < 0x1p-53 { return x }
    if x > -0.2929 && x < 0.4142 {  // 1 + x stays between the square roots of 1/2 and 2
      let (s, hfsq, r) = seriesOfLog1p(x)
      return s * (hfsq + r) - hfsq + x
    }
    let u = 1 + x
    let (f, k) = reduced(u.bitPattern)
    // What rounding 1 + x lost; irrelevant, and possibly infinite, for huge x.
    let lost = k >= 54 ? 0 : (k >= 2 ? 1 - (u - x) : x - (u - 1)) / u
    let dk = Double(k)
    let (s, hfsq, r) = seriesOfLog1p(f)
    return s * (hfsq + r) + (dk * ln2Low + lost) - hfsq + f + dk * ln2High
  }

  /// e to the power `x`; 0 below -745.2, inf above 709.8.
  public static func exp(_ x: Double) -> Double {
    if x.isNaN { return x }
    if x > overflow { return .infinity }
    if x < underflow { return 0 }
    if abs(x) < 0x1p-28 { return 1 + x }
    if x == 1 { return 2.718281828459045235360 }
    var high = x
    var low = 0.0
    var k = 0
    if abs(x) > 0.34657359027997265 {  // ln(2) / 2
      k = Int(inverseLn2 * x + (x < 0 ? -0.5 : 0.5))
      high = x - Double(k) * ln2High  // exact
      low = Double(k) * ln2Low
    }
    let r = high - low
    let c = tailOfExp(r)
    if k == 0 { return 1 - ((r * c) / (c - 2) - r) }
    return scaled(1 - ((low - (r * c) / (2 - c)) - high), by: k)
  }

  /// exp(x) - 1, accurate for small `x`.
  public static func expm1(_ x: Double) -> Double {
    if x.isNaN || abs(x) < 0x1p-54 { return x }
    if x > overflow { return .infinity }
    if x < -56 * 0.6931471805599453 { return -1 }
    var r = x
    var k = 0
    var c = 0.0
    if abs(x) > 0.34657359027997265 {
      k = Int(inverseLn2 * x + (x < 0 ? -0.5 : 0.5))
      let high = x - Double(k) * ln2High
      let low = Double(k) * ln2Low
      r = high - low
      c = (high - r) - low
    }
    let half = 0.5 * r
    let z = r * half
    let r1 =
      1 + z
      * (-3.33333333333331316428e-02 + z
        * (1.58730158725481460165e-03 + z
          * (-7.93650757867487942473e-05 + z
            * (4.00821782732936239552e-06 + z * -2.01099218183624371326e-07))))
    let t = 3 - r1 * half
    var e = z * ((r1 - t) / (6 - r * t))
    if k == 0 { return r - (r * e - z) }
    e = (r * (e - c) - c) - z
    return recombined(r: r, e: e, k: k)
  }

  /// The last step of `expm1`: 2^k (1 + r - e) - 1 without cancellation.
  private static func recombined(r: Double, e: Double, k: Int) -> Double {
    if k == -1 { return 0.5 * (r - e) - 0.5 }
    if k == 1 { return r < -0.25 ? -2 * (e - (r + 0.5)) : 1 + 2 * (r - e) }
    if k <= -2 || k > 56 { return scaled(1 - (e - r), by: k) - 1 }
    let small = powerOfTwo(-k)
    if k < 20 { return ((1 - small) - (e - r)) * powerOfTwo(k) }
    return (r - (e + small) + 1) * powerOfTwo(k)
  }

  /// Splits a positive normal number 2^k (1 + f), with 1 + f between the roots of 1/2 and 2.
  @inline(__always)
  private static func reduced(_ bits: UInt64) -> (f: Double, k: Int) {
    let shifted = bits &+ (0x3ff0_0000_0000_0000 &- 0x3fe6_a09e_0000_0000)
    let fraction = (shifted & 0x000f_ffff_ffff_ffff) &+ 0x3fe6_a09e_0000_0000
    return (Double(bitPattern: fraction) - 1, Int(shifted >> 52) - 0x3ff)
  }

  /// The parts of log(1 + f) = f - hfsq + s (hfsq + r), for 1 + f between the roots of 1/2 and 2.
  @inline(__always)
  private static func seriesOfLog1p(_ f: Double) -> (s: Double, hfsq: Double, r: Double) {
    let s = f / (2 + f)
    let z = s * s
    let w = z * z
    let even =
      w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    let odd =
      z
      * (6.666666666666735130e-01 + w
        * (2.857142874366239149e-01 + w
          * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)))
    return (s, 0.5 * f * f, odd + even)
  }

  /// R1 of `e_exp.c`: exp(r) = 1 + r + r R1 / (2 - R1), for |r| up to ln(2) / 2.
  @inline(__always)
  static func tailOfExp(_ r: Double) -> Double {
    let t = r * r
    return r - t
      * (1.66666666666666019037e-01 + t
        * (-2.77777777770155933842e-03 + t
          * (6.61375632143793436117e-05 + t
            * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08))))
  }

  /// 2^k for k in -1022 ... 1023.
  @inline(__always)
  private static func powerOfTwo(_ k: Int) -> Double {
    Double(bitPattern: UInt64(bitPattern: Int64(0x3ff + k)) << 52)
  }

  /// 2^k y for y near 1, rounding once also where the result is subnormal or 2^1024 is in between.
  @inline(__always)
  static func scaled(_ y: Double, by k: Int) -> Double {
    if k > 1023 { return y * 2 * 0x1p1023 }
    if k < -1021 { return y * powerOfTwo(k + 1000) * 0x1p-1000 }
    return y * powerOfTwo(k)
  }
}
