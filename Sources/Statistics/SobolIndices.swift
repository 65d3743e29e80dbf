import CGSL

/// Points that fill the unit cube more evenly than random ones: Sobol's sequence (USSR Comp. Math.
/// 7(4), 1967) by GSL, with a random digital shift (Matoušek, J. Complexity 14, 1998), which keeps
/// its evenness and makes every point uniform, so that repetitions have a spread.
public enum SobolSequence {
  /// GSL's sequence has this many dimensions.
  public static let mostDimensions = 40

  /// The first `count` points, the one at the origin among them; all inside the open cube.
  /// - Parameters:
  ///   - count: at least 1; evenest for powers of 2.
  ///   - shift: random bits, one word a dimension, at most `mostDimensions`.
  public static func points(_ count: Int, shift: [UInt32]) -> [[Double]] {
    precondition((1...mostDimensions).contains(shift.count), "\(shift.count) dimensions")
    precondition(count >= 1, "\(count) points")
    guard
      let generator = GSL.call({ gsl_qrng_alloc(gsl_qrng_sobol_value(), UInt32(shift.count)) })
    else { preconditionFailure("no memory for a sequence") }
    defer { gsl_qrng_free(generator) }
    var point = [Double](repeating: 0, count: shift.count)
    return (0..<count).map { index in
      // GSL leaves out the origin, without which no power of 2 of points is a net.
      if index > 0 { gsl_qrng_get(generator, &point) }
      return zip(point, shift).map { value, shift in
        let digits = UInt32(value * 0x1p30) ^ (shift >> 2)
        return (Double(digits) + 0.5) * 0x1p-30
      }
    }
  }
}

/// Which inputs are to be tried, so that the indices of a function of them can be estimated
/// (Saltelli et al., "Variance based sensitivity analysis of model output", CPC 181, 2010).
public struct SobolDesign: Sendable, Equatable {
  /// Inputs in the unit cube: two independent sets of points, and for each input the first set with
  /// that one column taken from the second.
  public let a: [[Double]]
  public let b: [[Double]]
  public let mixed: [[[Double]]]

  public var inputs: Int { mixed.count }

  /// - Parameters:
  ///   - points: of each set; a power of 2.
  ///   - shift: random bits, two words an input.
  public init(points: Int, shift: [UInt32]) {
    precondition(shift.count % 2 == 0, "two columns an input, not \(shift.count) in all")
    let inputs = shift.count / 2
    let all = SobolSequence.points(points, shift: shift)
    let a = all.map { Array($0[..<inputs]) }
    let b = all.map { Array($0[inputs...]) }
    self.a = a
    self.b = b
    mixed = (0..<inputs).map { input in
      a.indices.map { row in
        var point = a[row]
        point[input] = b[row][input]
        return point
      }
    }
  }

  /// Every point to be tried: a, b, then the mixed sets in the order of inputs.
  public var all: [[Double]] { a + b + mixed.flatMap(\.self) }
}

/// How much of the variance of an output each input explains: alone (first order), and with all the
/// combinations that it takes part in (total). By the estimators of Jansen (CPC 117, 1999).
public struct SobolIndices: Sendable, Equatable {
  public let mean: Double
  public let variance: Double
  /// In the order of the inputs; around 0 ... 1, outside by chance. 0 where nothing varies.
  public let first: [Double]
  public let total: [Double]

  /// - Parameters:
  ///   - n: points of each set of a design.
  ///   - inputs: of the design.
  ///   - outputs: of `design.all`, in that order, finite.
  public init(points n: Int, inputs: Int, outputs: [Double]) {
    precondition(outputs.count == n * (inputs + 2), "\(outputs.count) outputs")
    let a = Array(outputs[..<n])
    let b = Array(outputs[n..<(2 * n)])
    var moments = Moments()
    for value in a + b { moments.add(value) }
    let variance = moments.variance
    mean = moments.mean
    self.variance = variance
    func half(_ set: [Double], _ input: Int) -> Double {
      let mixed = outputs[((2 + input) * n)..<((3 + input) * n)]
      return zip(set, mixed).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(2 * n)
    }
    first = (0..<inputs).map { variance > 0 ? 1 - half(b, $0) / variance : 0 }
    total = (0..<inputs).map { variance > 0 ? half(a, $0) / variance : 0 }
  }
}
