/// Samplers of counts.
extension RandomStream {
  /// A count with the given mean, exact in distribution up to rounding.
  ///
  /// Below a mean of 10, arrivals at rate 1 are counted; above, PTRS (Hörmann, "The transformed
  /// rejection method for generating Poisson random variables", 1993).
  /// - Parameter mean: 0 ... 1e15.
  public mutating func poisson(mean: Double) -> Int {
    precondition(mean >= 0 && mean <= 1e15, "Poisson mean \(mean)")
    guard mean >= 10 else {
      var count = 0
      var elapsed = exponential()
      while elapsed < mean {
        count += 1
        elapsed += exponential()
      }
      return count
    }
    let b = 0.931 + 2.53 * mean.squareRoot()
    let a = -0.059 + 0.02483 * b
    let squeeze = 0.9277 - 3.6224 / (b - 2)
    while true {
      let u = unit() - 0.5
      let v = unitPositive()
      let us = 0.5 - abs(u)
      let x = (2 * a / us + b) * u + mean + 0.43
      guard x >= 0, x < 0x1p62 else { continue }
      let k = Int(x)
      if us >= 0.07 && v <= squeeze { return k }
      if us < 0.013 && v > us { continue }
      let alpha = 1.1239 + 1.1328 / (b - 3.4)
      let height = Elementary.log(v * alpha / (a / (us * us) + b))
      if height <= LogMass.poisson(Double(k), mean: mean) { return k }
    }
  }

  /// Successes in `n` independent trials.
  ///
  /// Few expected: the gaps between successes are drawn; else BTRS (Hörmann, "The generation of
  /// binomial random variates", Journal of Statistical Computation and Simulation 46, 1993).
  /// - Parameters:
  ///   - n: 0 ... 1e15.
  ///   - p: in 0 ... 1.
  public mutating func binomial(n: Int, p: Double) -> Int {
    precondition(n >= 0 && n <= 1_000_000_000_000_000, "binomial trials \(n)")
    precondition(p >= 0 && p <= 1, "probability \(p)")
    if p > 0.5 { return n - binomial(n: n, p: 1 - p) }
    if p == 0 || n == 0 { return 0 }
    guard Double(n) * p >= 10 else {
      let hazard = -Elementary.log1p(-p)
      var count = 0
      var left = n
      while true {
        let gap = geometric(hazard: hazard)
        guard gap <= left else { return count }
        left -= gap
        count += 1
      }
    }
    return binomialByRejection(Double(n), p)
  }

  private mutating func binomialByRejection(_ n: Double, _ p: Double) -> Int {
    let q = 1 - p
    let deviation = (n * p * q).squareRoot()
    let b = 1.15 + 2.53 * deviation
    let a = -0.0873 + 0.0248 * b + 0.01 * p
    let center = n * p + 0.5
    let squeeze = 0.92 - 4.2 / b
    while true {
      let u = unit() - 0.5
      let v = unitPositive()
      let us = 0.5 - abs(u)
      let x = (2 * a / us + b) * u + center
      guard x >= 0, x < n + 1 else { continue }
      let k = Int(x)
      if us >= 0.07 && v <= squeeze { return k }
      let alpha = (2.83 + 5.1 / b) * deviation
      let mode = Double(Int((n + 1) * p))
      let height = Elementary.log(v * alpha / (a / (us * us) + b))
      let ratio =
        LogMass.binomial(Double(k), n: n, p: p, q: q) - LogMass.binomial(mode, n: n, p: p, q: q)
      if height <= ratio { return k }
    }
  }

  /// The number of independent trials up to and including the first success; at least 1.
  ///
  /// Valid for any `p` in (0, 1], however small; numbers beyond `Int.max` are given as `Int.max`.
  public mutating func geometric(p: Double) -> Int {
    precondition(p > 0 && p <= 1, "probability \(p)")
    return geometric(hazard: -Elementary.log1p(-p))
  }

  /// As `geometric(p:)`, with `hazard` = -log(1 - p) computed once by the caller; at least 0.
  ///
  /// Independent hazards add up, so many miners' trials can be drawn as one. Zero never succeeds
  /// and gives `Int.max`.
  public mutating func geometric(hazard: Double) -> Int {
    precondition(hazard >= 0, "hazard \(hazard)")
    let failures = exponential() / hazard
    return failures < 0x1p62 ? Int(failures) + 1 : .max
  }
}
