/// Ranks 1 ... n with probability proportional to rank^-exponent.
///
/// Rejection-inversion (Hörmann & Derflinger, "Rejection-inversion to generate variates from
/// monotone discrete distributions", ACM TOMACS 6(3), 1996): constant memory, at most about 1.1
/// tries, any exponent from 0 (uniform) up, 1 included.
@frozen
public struct Zipf: Sendable, Equatable, BitwiseCopyable {
  /// The largest rank.
  public let count: Int
  /// The exponent.
  public let exponent: Double

  private let integralFirst: Double  // H(1.5) - h(1)
  private let integralLast: Double  // H(n + 0.5)
  private let shortcut: Double

  /// - Parameters:
  ///   - count: 1 ... 2^50.
  ///   - exponent: 0 ... 1000.
  public init(count: Int, exponent: Double) {
    precondition(count >= 1 && count <= 1 << 50, "Zipf over \(count) ranks")
    precondition(exponent >= 0 && exponent <= 1000, "Zipf exponent \(exponent)")
    self.count = count
    self.exponent = exponent
    integralFirst = Self.integral(1.5, exponent) - 1
    integralLast = Self.integral(Double(count) + 0.5, exponent)
    let second = Self.integral(2.5, exponent) - Self.height(2, exponent)
    shortcut = 2 - Self.inverse(second, exponent)
  }

  /// A rank in 1 ... count.
  public func sample(using stream: inout RandomStream) -> Int {
    while true {
      let u = integralLast + stream.unit() * (integralFirst - integralLast)
      let x = Self.inverse(u, exponent)
      let rank = min(max(Int(x + 0.5), 1), count)
      let k = Double(rank)
      if k - x <= shortcut { return rank }
      if u >= Self.integral(k + 0.5, exponent) - Self.height(k, exponent) { return rank }
    }
  }

  /// h(x) = x^-exponent.
  private static func height(_ x: Double, _ exponent: Double) -> Double {
    Elementary.exp(-exponent * Elementary.log(x))
  }

  /// H(x) = (x^(1 - exponent) - 1) / (1 - exponent), log(x) in the limit.
  private static func integral(_ x: Double, _ exponent: Double) -> Double {
    let log = Elementary.log(x)
    let t = (1 - exponent) * log
    let ratio = abs(t) > 1e-8 ? Elementary.expm1(t) / t : 1 + t * (0.5 + t / 6)
    return ratio * log
  }

  /// The inverse of `integral`.
  private static func inverse(_ u: Double, _ exponent: Double) -> Double {
    let t = max(u * (1 - exponent), -1)  // below -1 by rounding only
    let ratio = abs(t) > 1e-8 ? Elementary.log1p(t) / t : 1 - t * (0.5 - t / 3)
    return Elementary.exp(ratio * u)
  }
}
