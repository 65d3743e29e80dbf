import Kernel
import Statistics
import Testing

@Suite("random streams")
struct RandomStreamTests {
  @Test("xoshiro256** gives the outputs of the reference implementation")
  func referenceVector() {
    var stream = RandomStream(state: (1, 2, 3, 4))
    let expected: [UInt64] = [
      11520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360,
      607_988_272_756_665_600, 16_172_922_978_634_559_625, 8_476_171_486_693_032_832,
      10_595_114_339_597_558_777, 2_904_607_092_377_533_576,
    ]
    #expect(expected.map { _ in stream.next() } == expected)
  }

  @Test("a stream is a value of 32 bytes whose copy goes on to the same numbers")
  func copies() {
    #expect(MemoryLayout<RandomStream>.size == 32)
    var stream = RandomStream(seed: 7, purpose: "copies", entity: 3)
    _ = stream.next()
    var copy = stream
    #expect((0..<100).map { _ in stream.normal() } == (0..<100).map { _ in copy.normal() })
  }

  @Test("the first draws of a named stream stay what they are")
  func golden() {
    var stream = RandomStream(seed: 42, purpose: "network.latency", entity: 7)
    #expect(
      (0..<3).map { _ in stream.next() } == [
        16_632_176_621_282_918_899, 8_562_809_246_906_001_404, 6_520_760_669_357_904_835,
      ])
  }

  @Test("seed, purpose and entity each lead to a different stream")
  func names() {
    var firsts = Set<UInt64>()
    for seed in 0..<20 as Range<UInt64> {
      for purpose in ["network.latency", "network.loss", "network", "", "miner", "minerś"] {
        for entity in 0..<100 as Range<UInt64> {
          var stream = RandomStream(seed: seed, purpose: purpose, entity: entity)
          firsts.insert(stream.next())
        }
      }
    }
    #expect(firsts.count == 20 * 6 * 100)
  }

  @Test("streams of neighbouring names are uncorrelated")
  func independence() {
    var a = RandomStream(seed: 1, purpose: "x", entity: 0)
    let n = 100_000
    let reference = (0..<n).map { _ in a.unit() - 0.5 }
    for (seed, purpose, entity) in [
      (1, "x", 1), (1, "y", 0), (2, "x", 0), (1, "x", 1 << 63),
    ] as [(UInt64, String, UInt64)] {
      var b = RandomStream(seed: seed, purpose: purpose, entity: entity)
      let products = reference.reduce(0) { $0 + $1 * (b.unit() - 0.5) }
      // Each product has variance 1/144; 4.5 standard deviations.
      #expect(abs(products) < 4.5 * (Double(n) / 144).squareRoot(), "\(seed) \(purpose) \(entity)")
    }
    // Across entities: the first draw of each is one uniform sample.
    let across = (0..<100_000).map { entity in
      var stream = RandomStream(seed: 1, purpose: "x", entity: UInt64(entity))
      return stream.unit()
    }
    #expect(TestOfFit.kolmogorovSmirnov(across) { $0 }.pValue > 1e-4)
  }

  @Test("units stay in their half-open intervals and are uniform")
  func units() {
    var stream = RandomStream(seed: 5, purpose: "units")
    let values = (0..<100_000).map { _ in stream.unit() }
    #expect(values.allSatisfy { $0 >= 0 && $0 < 1 })
    #expect(TestOfFit.kolmogorovSmirnov(values) { $0 }.pValue > 1e-4)
    let positive = (0..<100_000).map { _ in stream.unitPositive() }
    #expect(positive.allSatisfy { $0 > 0 && $0 <= 1 })
    #expect(TestOfFit.kolmogorovSmirnov(positive) { $0 }.pValue > 1e-4)
  }

  @Test("below is unbiased, for small bounds as for three quarters of 2^64")
  func below() {
    var stream = RandomStream(seed: 6, purpose: "below")
    for n in [1, 2, 3, 10, 37] as [UInt64] {
      var counts = [Int](repeating: 0, count: Int(n))
      for _ in 0..<100_000 { counts[Int(stream.below(n))] += 1 }
      let expected = counts.map { _ in 100_000 / Double(n) }
      #expect(TestOfFit.chiSquare(observed: counts, expected: expected).pValue > 1e-4)
    }
    // 2^64 is 4/3 of it: without rejection, every third result would be twice as likely.
    let bound: UInt64 = 3 << 62
    var thirds = [0, 0, 0]
    for _ in 0..<90_000 { thirds[Int(stream.below(bound) % 3)] += 1 }
    #expect(
      TestOfFit.chiSquare(observed: thirds, expected: [30_000, 30_000, 30_000]).pValue > 1e-4)
  }

  @Test("ranges reach both ends and nothing beyond")
  func ranges() {
    var stream = RandomStream(seed: 8, purpose: "ranges")
    #expect(Set((0..<1_000).map { _ in stream.range(-2..<2) }) == [-2, -1, 0, 1])
    #expect(Set((0..<1_000).map { _ in stream.range(-2...2) }) == [-2, -1, 0, 1, 2])
    #expect(stream.range(5...5) == 5)
    let full = (0..<1_000).map { _ in stream.range(Int.min...Int.max) }
    #expect(full.contains { $0 < 0 } && full.contains { $0 > 0 })
    let most = (0..<1_000).map { _ in stream.range(Int.min..<Int.max) }
    #expect(most.contains { $0 < 0 } && most.contains { $0 > 0 })
  }

  @Test("bernoulli never errs at 0 and 1 and hits its probability in between")
  func bernoulli() {
    var stream = RandomStream(seed: 9, purpose: "bernoulli")
    #expect((0..<10_000).allSatisfy { _ in !stream.bernoulli(0) && stream.bernoulli(1) })
    let hits = (0..<100_000).filter { _ in stream.bernoulli(0.3) }.count
    let fit = TestOfFit.chiSquare(observed: [hits, 100_000 - hits], expected: [30_000, 70_000])
    #expect(fit.pValue > 1e-4)
  }

  @Test("shuffle gives each order of four elements equally often")
  func shuffle() {
    var stream = RandomStream(seed: 10, purpose: "shuffle")
    var counts = [Int](repeating: 0, count: 256)
    for _ in 0..<96_000 {
      var order = [0, 1, 2, 3]
      stream.shuffle(&order)
      counts[order.reduce(0) { $0 * 4 + $1 }] += 1
    }
    let seen = counts.filter { $0 > 0 }
    #expect(seen.count == 24)
    let fit = TestOfFit.chiSquare(
      observed: seen, expected: [Double](repeating: 4_000, count: 24))
    #expect(fit.pValue > 1e-4)
  }

  @Test(
    "sampling without replacement is distinct and uniform",
    arguments: [(0, 5), (3, 5), (5, 5), (4, 200), (40, 2_000), (10, 160), (11, 160)])
  func sample(count: Int, population: Int) {
    var stream = RandomStream(seed: 11, purpose: "sample")
    var hits = [Int](repeating: 0, count: population)
    var firsts = hits
    let rounds = 20_000
    var chosen: [Int] = []
    for _ in 0..<rounds {
      stream.sample(count, of: population, into: &chosen)
      #expect(chosen.count == count && Set(chosen).count == count)
      for index in chosen { hits[index] += 1 }
      if let first = chosen.first { firsts[first] += 1 }
    }
    guard count > 0, count < population else { return }
    let each = Double(rounds * count) / Double(population)
    #expect(
      TestOfFit.chiSquare(observed: hits, expected: hits.map { _ in each }).pValue > 1e-4)
    let once = Double(rounds) / Double(population)
    #expect(
      TestOfFit.chiSquare(observed: firsts, expected: hits.map { _ in once }).pValue > 1e-4)
  }
}
