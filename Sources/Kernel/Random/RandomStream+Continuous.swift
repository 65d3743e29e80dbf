/// Samplers of continuous distributions. Exponential and normal use the ziggurat of Marsaglia &
/// Tsang (Journal of Statistical Software 5(8), 2000) with 256 layers in the floating-point form of
/// Doornik ("An improved ziggurat method", 2005): layer index, sign and position come from
/// different bits of one draw.
extension RandomStream {
  /// Exponential with mean 1; at least 0.
  public mutating func exponential() -> Double {
    var base = 0.0
    while true {
      let bits = next()
      let layer = Int(bits & 255)
      let x = Double(bits >> 11) * 0x1p-53 * exponentialEdges[layer]
      if x < exponentialEdges[layer + 1] { return base + x }
      if layer == 0 {
        base += exponentialEdges[1]  // memoryless: the tail is the whole, moved
      } else if isUnderExponential(x, layer) {
        return base + x
      }
    }
  }

  @inline(never)
  private mutating func isUnderExponential(_ x: Double, _ layer: Int) -> Bool {
    let low = Elementary.exp(-exponentialEdges[layer])
    let high = Elementary.exp(-exponentialEdges[layer + 1])
    return low + unit() * (high - low) < Elementary.exp(-x)
  }

  /// Standard normal.
  public mutating func normal() -> Double {
    while true {
      let bits = next()
      let layer = Int(bits & 255)
      let x = Double(bits >> 11) * 0x1p-53 * normalEdges[layer]
      let sign: Double = bits & 256 == 0 ? 1 : -1
      if x < normalEdges[layer + 1] { return sign * x }
      if layer == 0 { return sign * normalTail() }
      if isUnderNormal(x, layer) { return sign * x }
    }
  }

  @inline(never)
  private mutating func isUnderNormal(_ x: Double, _ layer: Int) -> Bool {
    let (a, b) = (normalEdges[layer], normalEdges[layer + 1])
    let low = Elementary.exp(-0.5 * a * a)
    let high = Elementary.exp(-0.5 * b * b)
    return low + unit() * (high - low) < Elementary.exp(-0.5 * x * x)
  }

  /// A normal beyond the last edge (Marsaglia, Technometrics 6(1), 1964).
  @inline(never)
  private mutating func normalTail() -> Double {
    let start = normalEdges[1]
    while true {
      let x = exponential() / start
      if 2 * exponential() > x * x { return start + x }
    }
  }

  /// A standard normal, given that it is at least `bound`.
  ///
  /// Redrawn until it is; where that would take long, a shifted exponential is thinned to it
  /// (Robert, Statistics and Computing 5, 1995).
  public mutating func normal(atLeast bound: Double) -> Double {
    guard bound > 0.5 else {
      while true {
        let z = normal()
        if z >= bound { return z }
      }
    }
    let rate = 0.5 * (bound + (bound * bound + 4).squareRoot())
    while true {
      let z = bound + exponential() / rate
      let gap = z - rate
      if 2 * exponential() >= gap * gap { return z }
    }
  }

  /// exp(mu + sigma Z) for a standard normal Z. The median is exp(mu); `sigma` is at least 0.
  public mutating func lognormal(mu: Double, sigma: Double) -> Double {
    Elementary.exp(mu + sigma * normal())
  }

  /// Pareto: P[X > x] = (scale / x)^shape for x >= scale; both parameters are positive.
  public mutating func pareto(scale: Double, shape: Double) -> Double {
    scale * Elementary.exp(exponential() / shape)
  }

  /// Gamma with scale 1, so that mean and variance are `shape`.
  ///
  /// Marsaglia & Tsang, ACM TOMS 26(3), 2000; below 1, a draw for shape + 1 times U^(1/shape).
  /// - Parameter shape: positive.
  public mutating func gamma(shape: Double) -> Double {
    precondition(shape > 0, "gamma shape \(shape)")
    let boosted = shape < 1
    let d = (boosted ? shape + 1 : shape) - 1 / 3.0
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = normal()
      let root = 1 + c * x
      guard root > 0 else { continue }
      let v = root * root * root
      let u = unitPositive()
      let square = x * x
      let accepted =
        u < 1 - 0.0331 * square * square
        || Elementary.log(u) < 0.5 * square + d * (1 - v + Elementary.log(v))
      guard accepted else { continue }
      return boosted ? d * v * Elementary.exp(-exponential() / shape) : d * v
    }
  }
}
