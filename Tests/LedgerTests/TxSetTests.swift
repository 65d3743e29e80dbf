import Kernel
import Ledger
import Testing

/// The plain way: a flag for every number.
private struct Bitmap {
  var flags: [[Bool]]

  init(populations: Int, size: Int) {
    flags = Array(repeating: Array(repeating: false, count: size), count: populations)
  }

  func numbers(_ range: TxRange) -> Range<Int> { Int(range.first)..<Int(range.end) }

  func overlap(_ range: TxRange) -> Int {
    numbers(range).count { flags[Int(range.population)][$0] }
  }

  /// The first maximal part of `range` whose flags are all `value`.
  func firstPart(of range: TxRange, where value: Bool) -> TxRange? {
    let row = flags[Int(range.population)]
    guard let first = numbers(range).first(where: { row[$0] == value }) else { return nil }
    let end = (first..<Int(range.end)).first { row[$0] != value } ?? Int(range.end)
    return TxRange(
      population: range.population, first: UInt64(first), count: UInt32(end - first))
  }

  mutating func set(_ range: TxRange, to value: Bool) {
    for i in numbers(range) { flags[Int(range.population)][i] = value }
  }

  var ranges: [TxRange] {
    flags.indices.flatMap { p in
      var found: [TxRange] = []
      var i = 0
      while i < flags[p].count {
        let rest = TxRange(
          population: UInt32(p), first: UInt64(i), count: UInt32(flags[p].count - i))
        guard let part = firstPart(of: rest, where: true) else { break }
        found.append(part)
        i = Int(part.end)
      }
      return found
    }
  }
}

@Suite("Sets of transactions")
struct TxSetTests {
  @Test("agrees with a plain bitmap over random operations", arguments: 0..<10)
  func differential(seed: Int) {
    var stream = RandomStream(seed: UInt64(seed), purpose: "sets")
    var set = TxSet(populations: 3)
    var plain = Bitmap(populations: 3, size: 200)
    for _ in 0..<3000 {
      let first = stream.range(0..<200)
      let range = TxRange(
        population: UInt32(stream.below(3)), first: UInt64(first),
        count: UInt32(stream.range(0...min(200 - first, 40))))
      let before = plain.overlap(range)
      switch stream.below(5) {
      case 0, 1:
        let added = set.insert(range)
        #expect(added == Int(range.count) - before)
        plain.set(range, to: true)
      case 2:
        let removed = set.remove(range)
        #expect(removed == before)
        plain.set(range, to: false)
      default: break
      }
      #expect(set.overlap(with: range) == plain.overlap(range))
      #expect(set.contains(range) == (plain.overlap(range) == Int(range.count)))
      #expect(set.firstGap(in: range) == plain.firstPart(of: range, where: false))
      #expect(set.firstPart(of: range) == plain.firstPart(of: range, where: true))
      #expect(set.count == plain.flags.reduce(0) { $0 + $1.count { $0 } })
    }
    #expect(set.ranges == plain.ranges)
  }

  @Test("equal sets are equal, however they came about")
  func equality() {
    var a = TxSet(populations: 1)
    var b = TxSet(populations: 1)
    a.insert(TxRange(population: 0, first: 0, count: 10))
    b.insert(TxRange(population: 0, first: 5, count: 5))
    b.insert(TxRange(population: 0, first: 0, count: 2))
    b.insert(TxRange(population: 0, first: 2, count: 3))
    #expect(a == b && a.ranges.count == 1)
  }
}

@Suite("Sliding arrays")
struct SlidingArrayTests {
  @Test("elements keep their index while the oldest are dropped")
  func indices() {
    var array = SlidingArray<Int>()
    var stream = RandomStream(seed: 4, purpose: "sliding")
    var oldest = 0
    var next = 0
    for _ in 0..<5000 {
      for _ in 0..<Int(stream.below(4)) {
        let index = array.append(next * 3)
        #expect(index == next)
        next += 1
      }
      switch stream.below(3) {
      case 0:
        let popped = array.popFirst()
        #expect(popped == (oldest < next ? oldest * 3 : nil))
        oldest = min(oldest + 1, next)
      case 1:
        let to = oldest + Int(stream.below(3))
        array.dropFirst(before: to)
        oldest = max(oldest, min(to, next))
      default: break
      }
      #expect(array.startIndex == oldest && array.endIndex == next)
      #expect(array.count == next - oldest && array.isEmpty == (next == oldest))
      #expect(!array.contains(oldest - 1) && !array.contains(next))
      if oldest < next {
        #expect(array[oldest] == oldest * 3 && array[next - 1] == (next - 1) * 3)
        array[oldest] = oldest * 3
      }
    }
    array.removeAll()
    #expect(array.isEmpty && array.startIndex == next)
  }
}
