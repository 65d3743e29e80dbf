/// Powers, after fdlibm's `e_pow.c` (notice in `Elementary.swift`): log2(x) in two pieces, their
/// product with `y` in simulated double precision, then 2 to that power.
extension Elementary {
  /// `x` to the power `y`, within 1 ulp; special cases as in C99 Annex F.
  public static func pow(_ x: Double, _ y: Double) -> Double {
    if y == 0 || x == 1 { return 1 }
    if x.isNaN || y.isNaN { return .nan }
    let magnitude = abs(x)
    if y.isInfinite {
      if magnitude == 1 { return 1 }
      return (magnitude > 1) == (y > 0) ? .infinity : 0
    }
    let isInteger = abs(y) >= 0x1p53 || Double(Int64(y)) == y
    let isOdd = isInteger && abs(y) < 0x1p53 && Int64(y) & 1 == 1
    let sign: Double = x.sign == .minus && isOdd ? -1 : 1
    if magnitude == 0 || magnitude.isInfinite {
      return sign * ((magnitude == 0) == (y > 0) ? 0 : .infinity)
    }
    if x < 0 && !isInteger { return .nan }
    if magnitude == 1 { return sign }
    if y == 1 { return x }
    if y == -1 { return 1 / x }
    if y == 2 { return x * x }
    if y == 0.5 { return x.squareRoot() }
    if abs(y) > 0x1p64 { return sign * ((magnitude > 1) == (y > 0) ? .infinity : 0) }
    return sign * positivePower(magnitude, y)
  }

  /// The upper half of the bits, so that a product of two such is exact.
  @inline(__always)
  private static func head(_ x: Double) -> Double {
    Double(bitPattern: x.bitPattern & 0xffff_ffff_0000_0000)
  }

  private static func positivePower(_ x: Double, _ y: Double) -> Double {
    let (t1, t2) = abs(y) > 0x1p31 && abs(x - 1) < 0x1p-20 ? log2NearOne(x) : log2InTwoPieces(x)
    let y1 = head(y)
    let low = (y - y1) * t1 + y * t2
    let high = y1 * t1
    let z = low + high
    if z >= 1024 {
      // 1024 - log2(overflow threshold + half an ulp)
      if z > 1024 || low + 8.0085662595372944372e-17 > z - high { return .infinity }
    } else if z <= -1075 {
      if z < -1075 || low <= z - high { return 0 }
    }
    return exp2(high: high, low: low)
  }

  /// log2(x) = t1 + t2 for positive finite `x`; t1 has 21 trailing zero bits.
  private static func log2InTwoPieces(_ x: Double) -> (Double, Double) {
    var n = 0
    var bits = x.bitPattern
    if x < 0x1p-1022 {
      bits = (x * 0x1p53).bitPattern
      n = -53
    }
    n += Int(bits >> 52) - 0x3ff
    var ax = Double(bitPattern: bits & 0x000f_ffff_ffff_ffff | 0x3ff0_0000_0000_0000)
    // The interval: below sqrt(3/2), below sqrt(3), or halved.
    var isUpper = false
    let fraction = UInt32(truncatingIfNeeded: bits >> 32) & 0xfffff
    if fraction >= 0xbb67a {
      n += 1
      ax *= 0.5
    } else if fraction > 0x3988e {
      isUpper = true
    }
    let base = isUpper ? 1.5 : 1.0
    // ss = (ax - base) / (ax + base), in two pieces
    let u = ax - base
    let v = 1 / (ax + base)
    let ss = u * v
    let sHigh = head(ss)
    let tHigh = head(ax + base)
    let tLow = ax - (tHigh - base)
    let sLow = v * ((u - sHigh * tHigh) - sHigh * tLow)
    // log(ax) = 2 ss (1 + ss^2 / 3 + ...)
    let s2 = ss * ss
    let tail =
      5.99999999999994648725e-01 + s2
      * (4.28571428578550184252e-01 + s2
        * (3.33333329818377432918e-01 + s2
          * (2.72728123808534006489e-01 + s2
            * (2.30660745775561754067e-01 + s2 * 2.06975017800338417784e-01))))
    let r = s2 * s2 * tail + sLow * (sHigh + ss)
    let sHigh2 = sHigh * sHigh
    let cHigh = head(3 + sHigh2 + r)
    let cLow = r - ((cHigh - 3) - sHigh2)
    let pu = sHigh * cHigh
    let pv = sLow * cHigh + cLow * ss
    let pHigh = head(pu + pv)
    let pLow = pv - (pHigh - pu)
    // times 2 / (3 ln 2), in two pieces, plus log2(base) + n
    let zHigh = 9.61796700954437255859e-01 * pHigh
    let zLow =
      -7.02846165095275826516e-09 * pHigh + pLow * 9.61796693925975554329e-01
      + (isUpper ? 1.35003920212974897128e-08 : 0)
    let dHigh = isUpper ? 5.84962487220764160156e-01 : 0
    let t = Double(n)
    let t1 = head(((zHigh + zLow) + dHigh) + t)
    return (t1, zLow - (((t1 - t) - dHigh) - zHigh))
  }

  /// log2(x) = t1 + t2 for |x - 1| below 2^-20, where a power with a huge exponent is still finite.
  private static func log2NearOne(_ x: Double) -> (Double, Double) {
    let t = x - 1
    let w = (t * t) * (0.5 - t * (0.3333333333333333333333 - t * 0.25))
    let u = 1.44269502162933349609 * t
    let v = t * 1.92596299112661746887e-08 - w * inverseLn2
    let t1 = head(u + v)
    return (t1, v - (t1 - u))
  }

  /// 2^(high + low), for a sum in (-1075, 1024).
  private static func exp2(high: Double, low: Double) -> Double {
    var high = high
    let z = low + high
    var n = 0
    if abs(z) > 0.5 {
      n = Int(z + (z < 0 ? -0.5 : 0.5))
      high -= Double(n)
    }
    let t = head(low + high)
    let u = t * 6.93147182464599609375e-01
    let v =
      (low - (t - high)) * 6.93147180559945286227e-01 + t * -1.90465429995776804525e-09
    let s = u + v
    let w = v - (s - u)
    let t1 = tailOfExp(s)
    let r = (s * t1) / (t1 - 2) - (w + s * w)
    return scaled(1 - (r - s), by: n)
  }
}
