import Statistics
import Testing

/// Expected values without a file were computed with 40 digits.
@Suite("tails and quantiles")
struct TailTests {
  @Test("the library is linked and says which it is")
  func version() { #expect(GSL.version.hasPrefix("2.")) }

  @Test("hypergeometric tails")
  func hypergeometric() {
    let small = Tail.hypergeometric(atLeast: 3, draws: 5, marked: 10, population: 50)
    #expect(near(small, 0.0482603031962091))
    let tiny = Tail.hypergeometric(atLeast: 150, draws: 300, marked: 1_000, population: 4_000)
    #expect(near(tiny, 2.037865797289896e-22, 1e-9))
    #expect(Tail.hypergeometric(atLeast: 0, draws: 5, marked: 1, population: 9) == 1)
    #expect(Tail.hypergeometric(atLeast: 2, draws: 5, marked: 1, population: 9) == 0)
    #expect(Tail.hypergeometric(atLeast: 2, draws: 5, marked: 6, population: 9) == 1)
    #expect(Tail.hypergeometric(atLeast: 6, draws: 5, marked: 9, population: 9) == 0)
  }

  @Test(
    "committee failure as published for random shards",
    .enabled(if: PublishedFigures.has("shard_committee_failure_hypergeom")))
  func committees() throws {
    for row in try PublishedFigures.rows("shard_committee_failure_hypergeom") {
      let (n, m) = (Int(row[0]), Int(row[2]))
      let marked = Int(row[1] * row[0])
      let half = Tail.hypergeometric(atLeast: (m + 1) / 2, draws: m, marked: marked, population: n)
      let third = Tail.hypergeometric(atLeast: m / 3 + 1, draws: m, marked: marked, population: n)
      #expect(near(half, row[4], 1e-6), "\(row)")
      #expect(near(third, row[6], 1e-6), "\(row)")
    }
  }

  @Test(
    "Ethereum's committee table: at least half of a committee, and the printed digits",
    .enabled(if: PublishedFigures.has("ethereum_sharding_faq_committee")))
  func ethereumCommittees() throws {
    let rows = try PublishedFigures.rows("ethereum_sharding_faq_committee")
    #expect(rows.count == 16)
    for row in rows {
      // The row that is printed as 0.33 is one third.
      let p = row[0] == 0.33 ? 1.0 / 3 : row[0]
      let n = Int(row[1])
      let tail = Tail.binomial(atLeast: (n + 1) / 2, of: n, p)
      #expect(near(tail, row[3], 1e-5), "\(row)")
      // Four decimals or three digits, some cut off instead of rounded.
      #expect(abs(tail - row[2]) < 1e-4, "\(row)")
      #expect(row[2] >= 1e-4 || near(tail, row[2], 0.01), "\(row)")
    }
  }

  @Test("binomial tails")
  func binomial() {
    #expect(near(Tail.binomial(atLeast: 6, of: 16, 0.25), 0.1896545726340264))
    #expect(near(Tail.binomial(atLeast: 43, of: 128, 0.01), 9.834551904025886e-53, 1e-10))
    #expect(near(Tail.binomial(atLeast: 201, of: 600, 0.25), 1.945009247872099e-06, 1e-10))
    #expect(Tail.binomial(atLeast: 0, of: 4, 0.5) == 1)
    #expect(Tail.binomial(atLeast: 5, of: 4, 0.5) == 0)
    #expect(near(Tail.binomial(atLeast: 4, of: 4, 0.5), 0.0625))
    #expect(Tail.binomial(atLeast: 1, of: 4, 0) == 0)
    #expect(Tail.binomial(atLeast: 4, of: 4, 1) == 1)
  }

  @Test(
    "shard failure as published for OmniLedger",
    .enabled(if: PublishedFigures.has("omniledger_binomial_failure")))
  func omniLedger() throws {
    for row in try PublishedFigures.rows("omniledger_binomial_failure") {
      let n = Int(row[1])
      #expect(near(Tail.binomial(atLeast: n / 3 + 1, of: n, row[0]), row[2], 1e-6), "\(row)")
      let strict = Tail.binomial(atLeast: (n - 1) / 3 + 1, of: n, row[0])
      #expect(near(strict, row[3], 1e-6), "\(row)")
    }
  }

  @Test("tails of Poisson and beta")
  func poissonAndBeta() {
    #expect(near(Tail.poisson(atLeast: 10, mean: 3), 0.00110248813011548))
    #expect(near(Tail.poisson(atLeast: 200, mean: 50), 2.024759014847356e-57, 1e-10))
    #expect(Tail.poisson(atLeast: 0, mean: 3) == 1)
    #expect(Tail.poisson(atLeast: 1, mean: 0) == 0)
    #expect(near(Tail.regularizedBeta(0.3, 2.5, 1.5), 0.08894372317066559))
    #expect(Tail.regularizedBeta(0, 2, 3) == 0)
    #expect(Tail.regularizedBeta(1, 2, 3) == 1)
  }

  @Test("tails are the sums of their masses")
  func masses() {
    let poisson = (7...60).reduce(0) { $0 + Mass.poisson($1, mean: 9) }
    #expect(near(poisson, Tail.poisson(atLeast: 7, mean: 9)))
    let binomial = (7...40).reduce(0) { $0 + Mass.binomial($1, of: 40, 0.3) }
    #expect(near(binomial, Tail.binomial(atLeast: 7, of: 40, 0.3)))
    let hypergeometric = (3...20).reduce(0) {
      $0 + Mass.hypergeometric($1, draws: 20, marked: 30, population: 100)
    }
    let tail = Tail.hypergeometric(atLeast: 3, draws: 20, marked: 30, population: 100)
    #expect(near(hypergeometric, tail))
  }

  @Test("quantiles invert distribution functions")
  func quantiles() {
    #expect(near(Quantile.normal(0.975), 1.959963984540054))
    #expect(near(Quantile.normal(1e-9), -5.9978070150076865))
    #expect(near(Quantile.studentT(0.975, degreesOfFreedom: 9), 2.262157162798205, 1e-10))
    #expect(near(Quantile.chiSquare(0.95, degreesOfFreedom: 10), 18.307038053275146, 1e-10))
    for p in [0.001, 0.3, 0.5, 0.99] {
      #expect(near(Cumulative.normal(Quantile.normal(p)), p, 1e-10))
      let t = Quantile.studentT(p, degreesOfFreedom: 4)
      #expect(near(Cumulative.studentT(t, degreesOfFreedom: 4), p, 1e-10))
      let x = Quantile.chiSquare(p, degreesOfFreedom: 4)
      #expect(near(Cumulative.chiSquare(x, degreesOfFreedom: 4), p, 1e-10))
    }
  }
}
