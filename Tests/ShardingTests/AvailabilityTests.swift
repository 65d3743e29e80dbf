import Kernel
import Sharding
import Statistics
import Testing

@Suite("data availability")
struct AvailabilityTests {
  @Test("powers of two in the field are the constants of the PAR 2.0 specification")
  func vectors() {
    // Those whose exponent has no factor in common with 65,535.
    let exponents = [1, 2, 4, 7, 8, 11, 13, 14, 16, 19, 22]
    let constants: [UInt16] = [
      2, 4, 16, 128, 256, 2_048, 8_192, 16_384, 4_107, 32_856, 17_132,
    ]
    #expect(exponents.map { BinaryField.power($0) } == constants)
  }

  @Test("products are those of polynomials, by shift and exclusive or; quotients undo them")
  func field() {
    func slow(_ a: UInt16, _ b: UInt16) -> UInt16 {
      var product: UInt32 = 0
      for bit in 0..<16 where b >> bit & 1 == 1 { product ^= UInt32(a) << bit }
      for bit in stride(from: 31, through: 16, by: -1) where product >> bit & 1 == 1 {
        product ^= 0x1100B << (bit - 16)
      }
      return UInt16(product)
    }
    var stream = RandomStream(seed: 1, purpose: "field")
    for i in 0..<20_000 {
      let (a, b) = (UInt16(truncatingIfNeeded: stream.next()), UInt16(i))
      #expect(BinaryField.product(a, b) == slow(a, b))
      if b != 0 { #expect(BinaryField.quotient(BinaryField.product(a, b), b) == a) }
    }
    #expect(BinaryField.product(65_535, 0) == 0 && BinaryField.quotient(0, 5) == 0)
  }

  @Test("two symbols as a line by hand: f(x) = 5 + 3 x")
  func line() {
    let code = ReedSolomon(data: 2, total: 5)
    let word = code.extended([[5], [5 ^ 3]])
    #expect(word == (0..<5).map { [5 ^ BinaryField.product(3, UInt16($0))] })
  }

  @Test("any k of n columns restore all, and k - 1 do not")
  func everySubset() {
    let code = ReedSolomon(data: 4, total: 8)
    var stream = RandomStream(seed: 2, purpose: "code")
    let data = (0..<4).map { _ in (0..<3).map { _ in UInt16(truncatingIfNeeded: stream.next()) } }
    let word = code.extended(data)
    #expect(Array(word.prefix(4)) == data)
    for subset in 0..<256 {
      let left = (0..<8).map { subset >> $0 & 1 == 1 ? word[$0] : nil }
      #expect(code.reconstructed(left) == (subset.nonzeroBitCount >= 4 ? word : nil))
    }
    // A wrong column leads to another word: erasures are restored, errors are not found.
    var wrong = word.map { Optional($0) }
    wrong[1] = [1, 2, 3]
    wrong[7] = nil
    #expect(code.reconstructed(wrong) != word)
  }

  @Test("a blob in 128 columns comes back from any half, bytes and all")
  func blob() {
    let code = ReedSolomon(data: 64, total: 128)
    var stream = RandomStream(seed: 3, purpose: "blob")
    let bytes = (0..<131_071).map { _ in UInt8(truncatingIfNeeded: stream.next()) }
    let word = code.extended(code.split(bytes))
    #expect(word.count == 128 && word.allSatisfy { 2 * $0.count == 2_048 })
    for _ in 0..<3 {
      var left = [[UInt16]?](repeating: nil, count: 128)
      for i in stream.sample(64, of: 128) { left[i] = word[i] }
      let restored = code.reconstructed(left)
      #expect(restored == word)
      #expect(restored.map { code.joined($0, count: bytes.count) } == bytes)
      if let first = left.firstIndex(where: { $0 != nil }) { left[first] = nil }
      #expect(code.reconstructed(left) == nil)
    }
    // Bytes that do not fill the last word.
    let ida = ReedSolomon(data: 3, total: 7)
    #expect(ida.joined(ida.extended(ida.split([9, 8, 7])), count: 3) == [9, 8, 7])
  }

  static let peerDAS = ColumnSampling(columns: 128, samples: 8, custody: 4, validatorCustody: 8)

  @Test(
    "custody grows by extension, validators keep a column for each 32 ETH, an eighth is fetched")
  func custody() {
    let rule = Self.peerDAS
    for identity: UInt64 in [0, 1, 77, .max] {
      let four = rule.columns(of: identity, count: 4)
      let eight = rule.columns(of: identity, count: 8)
      #expect(four.count == 4 && eight.count == 8 && eight == eight.sorted())
      #expect(four.allSatisfy { eight.contains($0) })
      #expect(rule.columns(of: identity, count: 128) == Array(0..<128))
      #expect(rule.columns(of: identity, count: 127).count == 127)
    }
    #expect(rule.custody(balance: 32) == 8 && rule.custody(balance: 320) == 10)
    #expect(rule.custody(balance: 32 * 1_000) == 128)
    #expect(rule.sampled(custody: 4) == 8 && rule.sampled(custody: 20) == 20)
    #expect(rule.downloadShare(custody: 4) == 1.0 / 8)
  }

  @Test("identities are spread evenly over the columns")
  func spread() {
    var counts = [Int](repeating: 0, count: 128)
    // Far apart: neighbours share hashes, as in the specification.
    for i in 0..<20_000 {
      for column in Self.peerDAS.columns(of: UInt64(i) << 20, count: 4) { counts[column] += 1 }
    }
    let expected = [Double](repeating: 625, count: 128)
    // Four different columns a node are a little more even than independent ones.
    #expect(TestOfFit.chiSquare(observed: counts, expected: expected).pValue > 1e-4)
  }

  @Test("with 63 of 128 columns nodes are deceived as often as the hypergeometric says")
  func deceived() {
    var stream = RandomStream(seed: 5, purpose: "withholding")
    let (rounds, nodes) = (40, 10_000)
    for samples in [4, 8] {
      let rule = ColumnSampling(columns: 128, samples: samples, custody: 4, validatorCustody: 8)
      let p = SamplingFailure.accepts(columns: 128, available: 63, samples: samples)
      var deceived = 0
      for round in 0..<rounds {
        var available = [Bool](repeating: false, count: 128)
        for column in stream.sample(63, of: 128) { available[column] = true }
        #expect(!rule.canReconstruct(available: available))
        for node in 0..<nodes {
          let identity = UInt64(round * nodes + node) << 20
          if rule.accepts(identity, custody: 4, available: available) { deceived += 1 }
        }
        available[available.firstIndex(of: false) ?? 0] = true
        #expect(rule.canReconstruct(available: available))
      }
      let n = Double(rounds * nodes)
      #expect(abs(Double(deceived) / n - p) < 4 * (p * (1 - p) / n).squareRoot(), "\(samples)")
    }
  }

  @Test("a square comes back unless (k + 1)^2 cells are withheld")
  func square() {
    let square = ExtendedSquare(width: 3)
    var stream = RandomStream(seed: 6, purpose: "square")
    let cells = (0..<9).map { _ in UInt16(truncatingIfNeeded: stream.next()) }
    let full = square.extended(cells)
    #expect(full.count == 36 && square.leastWithheld == 16)
    // Every column is a code word as well as every row.
    let code = ReedSolomon(data: 3, total: 6)
    for column in 0..<6 {
      let word = (0..<6).map { [full[6 * $0 + column]] }
      #expect(code.extended(Array(word.prefix(3))) == word)
    }
    // The corner of 4 x 4 hides the square; with one of its cells all comes back.
    var left = full.indices.map { i in i / 6 < 4 && i % 6 < 4 ? nil : Optional(full[i]) }
    #expect(square.reconstructed(left) == nil)
    left[7] = full[7]
    #expect(square.reconstructed(left) == full)
    // No 15 cells hide it.
    for _ in 0..<300 {
      var some = full.map { Optional($0) }
      for i in stream.sample(15, of: 36) { some[i] = nil }
      #expect(square.reconstructed(some) == full)
    }
  }
}
