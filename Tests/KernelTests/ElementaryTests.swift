import Glibc
import Kernel
import Testing

/// Distance in representable values; 0 for two NaNs.
private func steps(_ a: Double, _ b: Double) -> Int64 {
  if a.isNaN && b.isNaN { return 0 }
  if a.isNaN || b.isNaN { return .max }
  func place(_ x: Double) -> Int64 {
    let bits = Int64(bitPattern: x.bitPattern)
    return bits < 0 ? Int64.min - bits : bits
  }
  return abs(place(a) - place(b))
}

/// The largest distance of two functions over arguments drawn by `argument`.
private func worst(
  _ ours: (Double) -> Double, _ theirs: (Double) -> Double,
  at argument: (inout RandomStream) -> Double
) -> Int64 {
  var stream = RandomStream(seed: 1, purpose: "arguments")
  return (0..<300_000).reduce(0) { worst, _ in
    let x = argument(&stream)
    return max(worst, steps(ours(x), theirs(x)))
  }
}

/// Any finite or infinite number, NaN or subnormal.
private func anything(_ stream: inout RandomStream) -> Double {
  Double(bitPattern: stream.next())
}

@Suite("elementary functions")
struct ElementaryTests {
  @Test("log is within one step of the system's")
  func log() {
    #expect(worst(Elementary.log, Glibc.log) { 0.5 + 1.5 * $0.unit() } <= 1)
    #expect(worst(Elementary.log, Glibc.log, at: anything) <= 1)
    #expect(worst(Elementary.log, Glibc.log) { $0.unit() * 0x1p-1022 } <= 1)
  }

  @Test("log1p is within one step of the system's")
  func log1p() {
    #expect(worst(Elementary.log1p, Glibc.log1p) { $0.unit() * 4 - 1 } <= 1)
    #expect(worst(Elementary.log1p, Glibc.log1p, at: anything) <= 1)
  }

  @Test("exp is within one step of the system's, two where the result is subnormal")
  func exp() {
    #expect(worst(Elementary.exp, Glibc.exp) { $0.unit() * 2 - 1 } <= 1)
    #expect(worst(Elementary.exp, Glibc.exp) { $0.unit() * 1417 - 708 } <= 1)
    #expect(worst(Elementary.exp, Glibc.exp) { -708 - $0.unit() * 40 } <= 2)
    #expect(worst(Elementary.exp, Glibc.exp, at: anything) <= 2)
  }

  @Test("expm1 is within one step of the system's")
  func expm1() {
    #expect(worst(Elementary.expm1, Glibc.expm1) { $0.unit() * 4 - 2 } <= 1)
    #expect(worst(Elementary.expm1, Glibc.expm1) { $0.unit() * 800 - 80 } <= 1)
    #expect(worst(Elementary.expm1, Glibc.expm1, at: anything) <= 1)
  }

  @Test("pow is within one step of the system's")
  func pow() {
    var stream = RandomStream(seed: 2, purpose: "arguments")
    var worst: Int64 = 0
    for _ in 0..<300_000 {
      let (x, y) = (stream.unit() * 100, stream.unit() * 300 - 150)
      worst = max(worst, steps(Elementary.pow(x, y), Glibc.pow(x, y)))
      let (a, b) = (anything(&stream), anything(&stream))
      worst = max(worst, steps(Elementary.pow(a, b), Glibc.pow(a, b)))
      let near = 1 + (stream.unit() - 0.5) * 0x1p-30
      let large = stream.unit() * 0x1p38
      worst = max(worst, steps(Elementary.pow(near, large), Glibc.pow(near, large)))
    }
    #expect(worst <= 1)
  }

  @Test("zeros, infinities, NaN, subnormals and integers go where C99 sends them")
  func specialCases() {
    let special: [Double] = [
      0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 2.5, -2.5, 0x1p53, -0x1p53 - 2, 0x1p-1074, 1e300,
      -1e300, .infinity, -.infinity, .nan, 0x1p-1022, .greatestFiniteMagnitude, 709.78, -745.2,
    ]
    for x in special {
      #expect(steps(Elementary.log(x), Glibc.log(x)) == 0 || x > 0, "log \(x)")
      #expect(steps(Elementary.log(x), Glibc.log(x)) <= 1, "log \(x)")
      #expect(steps(Elementary.exp(x), Glibc.exp(x)) <= 1, "exp \(x)")
      #expect(steps(Elementary.log1p(x), Glibc.log1p(x)) <= 1, "log1p \(x)")
      #expect(steps(Elementary.expm1(x), Glibc.expm1(x)) <= 1, "expm1 \(x)")
      for y in special {
        let (ours, theirs) = (Elementary.pow(x, y), Glibc.pow(x, y))
        #expect(steps(ours, theirs) <= 1, "pow \(x) \(y): \(ours) against \(theirs)")
        #expect(ours.isNaN || ours.sign == theirs.sign, "pow \(x) \(y)")
      }
    }
    #expect(Elementary.exp(0) == 1)
    #expect(Elementary.log(1) == 0)
    #expect(Elementary.pow(3, 20) == 3_486_784_401)
  }

  @Test("results have these bits on every machine")
  func golden() {
    var stream = RandomStream(seed: 3, purpose: "arguments")
    var hash: UInt64 = 0
    func absorb(_ x: Double) { hash = (hash ^ x.bitPattern) &* 0x9e37_79b9_7f4a_7c15 ^ hash >> 29 }
    for _ in 0..<100_000 {
      let x = stream.unit() * 20
      absorb(Elementary.log(x))
      absorb(Elementary.log1p(x))
      absorb(Elementary.exp(x - 10))
      absorb(Elementary.expm1(x - 10))
      absorb(Elementary.pow(x, stream.unit() * 20 - 10))
    }
    #expect(hash == 9_299_529_142_833_981_399)
  }
}
