import Statistics
import Testing

@Suite("failure of committees")
struct CommitteeFailureTests {
  /// Whether a value is what a table prints with `digits` behind the first digit.
  func prints(_ value: Double, as printed: Double, digits: Int) -> Bool {
    if printed == 0 { return value < 1e-300 }
    let scale = (0..<digits).reduce(0.5001) { s, _ in s / 10 }
    return abs(value - printed) <= scale * max(value, printed)
  }

  @Test("one committee, and the union over a partition, as tabulated to seven digits")
  func hypergeometric() throws {
    let rows = try OwnFigures.rows("shard_committee_failure_hypergeom")
    #expect(rows.count == 44)
    for row in rows {
      let (n, m, k) = (Int(row[0]), Int(row[2]), Int(row[3]))
      let faulty = Int(row[1] * row[0])
      let half = CommitteeFailure.one(size: m, faulty: faulty, population: n, .half)
      let third = CommitteeFailure.one(size: m, faulty: faulty, population: n, .third)
      #expect(prints(half, as: row[4], digits: 6), "\(row)")
      #expect(prints(third, as: row[6], digits: 6), "\(row)")
      let unions = [half, third].map { CommitteeFailure.unionBound($0, committees: k) }
      #expect(prints(unions[0], as: row[5], digits: 6), "\(row)")
      #expect(prints(unions[1], as: row[7], digits: 6), "\(row)")
    }
  }

  @Test("independent members, as tabulated for OmniLedger")
  func binomial() throws {
    let rows = try OwnFigures.rows("omniledger_binomial_failure")
    #expect(rows.count == 77)
    for row in rows {
      let n = Int(row[1])
      let third = CommitteeFailure.one(size: n, faultyShare: row[0], .third)
      let tolerated = CommitteeFailure.one(size: n, faultyShare: row[0], .tolerated)
      #expect(prints(third, as: row[2], digits: 6), "\(row): \(third)")
      #expect(prints(tolerated, as: row[3], digits: 6), "\(row): \(tolerated)")
    }
  }

  @Test("the smallest committees of OmniLedger for one failure in a million")
  func smallest() throws {
    for row in try OwnFigures.rows("omniledger_shard_size_binomial_1e-6") {
      let size = CommitteeFailure.smallestCommittee(faultyShare: row[0], error: 1e-6)
      #expect(size == Int(row[1]), "\(row)")
      let p = CommitteeFailure.one(size: Int(row[1]), faultyShare: row[0], .third)
      #expect(prints(p, as: row[2], digits: 3), "\(row)")
    }
  }

  @Test("RapidChain's years to failure: 4,580 by the binomial, 12,540 by drawing without return")
  func rapidChain() throws {
    func years(_ p: Double) -> Double {
      CommitteeFailure.years(perEpoch: 16 * p, epochsPerYear: 365)
    }
    let binomial = CommitteeFailure.one(size: 250, faultyShare: 0.333, .half)
    let exact = CommitteeFailure.one(size: 250, faulty: 1_333, population: 4_000, .half)
    // Published: 4,580. The published number has three digits.
    #expect(abs(years(binomial) - 4_580) < 0.002 * 4_580)
    #expect(abs(years(exact) - 12_540) < 0.5)
    let rows = try OwnFigures.text("rapidchain_table1_time_to_failure")
    let values = [
      binomial, CommitteeFailure.one(size: 250, faultyShare: 1.0 / 3, .half), exact,
    ]
    for (row, p) in zip(rows.dropFirst(), values) {
      let (printed, printedYears) = try (#require(Double(row[1])), #require(Double(row[3])))
      #expect(prints(p, as: printed, digits: 6), "\(row)")
      #expect(abs(years(p) - printedYears) < 0.0501, "\(row)")
    }
  }

  @Test("any committee of a partition: by hand, by all subsets, and below the union bound")
  func anyByHand() {
    // Four nodes, two of them faulty, in two pairs; half is one faulty member, which is certain.
    let certain = CommitteeFailure.any(sizes: [2, 2], faulty: 2, population: 4, .half)
    #expect(near(certain, 1))
    // A third of a pair is one member, two pairs of eight nodes with two faulty: 1 - C(4,2)/C(8,2).
    let pairs = CommitteeFailure.any(sizes: [2, 2], faulty: 2, population: 8, .half)
    #expect(near(pairs, 1 - 6.0 / 28))
    for sizes in [[3, 3, 4], [5, 5], [2, 3], [10]] {
      let faulty = 4
      let breaking = sizes.map { CommitteeFailure.Limit.half.breaking($0) }
      var (failures, subsets) = (0, 0)
      for subset in 0..<(1 << 10) where subset.nonzeroBitCount == faulty {
        subsets += 1
        var start = 0
        var fails = false
        for (size, limit) in zip(sizes, breaking) {
          fails = fails || ((subset >> start) & ((1 << size) - 1)).nonzeroBitCount >= limit
          start += size
        }
        failures += fails ? 1 : 0
      }
      let any = CommitteeFailure.any(sizes: sizes, faulty: faulty, population: 10, .half)
      #expect(near(any, Double(failures) / Double(subsets), 1e-10), "\(sizes)")
    }
  }

  @Test("RapidChain's partition fails by a little less than the union bound")
  func anyOfRapidChain() {
    let one = CommitteeFailure.one(size: 250, faulty: 1_333, population: 4_000, .half)
    let sizes = [Int](repeating: 250, count: 16)
    let any = CommitteeFailure.any(sizes: sizes, faulty: 1_333, population: 4_000, .half)
    let union = CommitteeFailure.unionBound(one, committees: 16)
    // What the bound counts twice is at most the sum over pairs, which draw against each other: a
    // ten-millionth. Rounding is a hundredth of that.
    #expect(any < union * (1 + 1e-9))
    #expect(any > (union - 120 * one * one) * (1 - 1e-9))
    // Where failures are frequent the two are far apart.
    let likely = CommitteeFailure.any(
      sizes: [Int](repeating: 50, count: 80), faulty: 1_333, population: 4_000, .half)
    let bound = CommitteeFailure.unionBound(1.036909e-02, committees: 80)
    #expect(likely < 0.6 && bound > 0.82, "\(likely), \(bound)")
  }

  @Test("cross-shard shares and shards touched, as tabulated")
  func crossShard() throws {
    let rows = try OwnFigures.rows("cross_shard_probability")
    #expect(rows.count == 32)
    for row in rows {
      let (k, m) = (Int(row[0]), Int(row[1]))
      #expect(abs(CrossShard.share(shards: k, touched: m) - row[2]) <= 0.5001e-8, "\(row)")
      #expect(abs(CrossShard.meanShards(shards: k, touched: m) - row[3]) <= 0.5001e-8, "\(row)")
    }
    #expect(CrossShard.share(shards: 1, touched: 3) == 0)
    #expect(CrossShard.share(shards: 16, touched: 1) == 0)
    #expect(CrossShard.meanShards(shards: 16, touched: 0) == 0)
  }

  @Test("failures within some epochs: by hand, and tiny ones add up")
  func within() {
    #expect(near(CommitteeFailure.within(epochs: 3, 0.5), 0.875))
    #expect(near(CommitteeFailure.within(epochs: 1_000, 1e-15), 1e-12, 1e-9))
    #expect(CommitteeFailure.within(epochs: 0, 0.3) == 0)
    #expect(CommitteeFailure.within(epochs: 2, 1) == 1)
  }

  @Test("coupons: one of each is m times the harmonic number, two kinds twice by hand")
  func coupons() {
    for m in [1, 2, 10, 64] {
      let harmonic = (1...m).reduce(0.0) { $0 + 1 / Double($1) }
      #expect(near(CouponCollector.meanDraws(kinds: m, each: 1), Double(m) * harmonic, 1e-8))
    }
    #expect(near(CouponCollector.meanDraws(kinds: 1, each: 7), 7, 1e-8))
    // 2 times the integral of 2 e^-t (1 + t) - e^-2t (1 + t)^2 = 2 (4 - 5/4).
    #expect(near(CouponCollector.meanDraws(kinds: 2, each: 2), 5.5, 1e-8))
  }
}
