import Kernel
import Ledger
import Sharding
import Testing
import Workloads

@Suite("popular accounts and the shards they are in")
struct PlacementSkewTests {
  /// Means over twenty placements by hash of 100,000 accounts.
  func means(_ exponent: Double, _ shards: Int) -> (imbalance: Double, one: Double, two: Double) {
    let popularity = AccessShares.zipf(accounts: 100_000, exponent: exponent)
    var sum = (imbalance: 0.0, one: 0.0, two: 0.0)
    for salt: UInt64 in 0..<20 {
      let shares = AccessShares(
        popularity: popularity, map: AccountMap(shards: shards, salt: salt))
      sum.imbalance += shares.imbalance / 20
      sum.one += shares.capOfOne / 20
      sum.two += shares.capOfTwo / 20
    }
    return sum
  }

  @Test("at Zipf 0.99 throughput is capped at 7.3 and 10.8 times one shard's, or 4.0 and 5.7")
  func caps() {
    for (shards, one, two) in [(16, 7.3, 4.0), (64, 10.8, 5.7)] {
      let means = means(0.99, shards)
      #expect(abs(means.one - one) < 0.1 * one, "\(shards): \(means.one)")
      #expect(abs(means.two - two) < 0.1 * two, "\(shards): \(means.two)")
    }
  }

  @Test("the most loaded shard over the mean, by exponent")
  func imbalance() {
    for (exponent, at16, at64) in [
      (0.5, 1.05, 1.13), (0.8, 1.35, 2.43), (0.99, 2.20, 5.95), (1.2, 3.80, 13.1),
    ] {
      for (shards, expected) in [(16, at16), (64, at64)] {
        let mean = means(exponent, shards).imbalance
        #expect(abs(mean - expected) < 0.1 * expected, "\(exponent), \(shards): \(mean)")
      }
    }
  }

  @Test("mean work of each shard is that of drawn transfers, for each price of crossing")
  func work() {
    let map = AccountMap(shards: 4, salt: 7)
    let popularity = AccessShares.zipf(accounts: 300, exponent: 0.99)
    let shares = AccessShares(popularity: popularity, map: map)
    let relay = AccessShares.Units(local: 1, source: 1, destination: 1)
    #expect(zip(shares.work(relay), shares.two).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(abs(shares.cap(relay) - shares.capOfTwo) < 1e-12)
    let units = AccessShares.Units(local: 1, source: 2, destination: 1)
    // In all: one unit, and two more where the accounts are apart.
    let crossing = 1 - shares.both.reduce(0, +)
    #expect(abs(shares.work(units).reduce(0, +) - (1 + 2 * crossing)) < 1e-12)

    let choice = AccountChoice(accounts: 300, skew: .zipf(exponent: 0.99), seed: 4, population: 0)
    let n = 200_000
    var (sums, squares) = ([Double](repeating: 0, count: 4), [Double](repeating: 0, count: 4))
    for number in 0..<UInt64(n) {
      let transfer = choice.transfer(number)
      let (a, b) = (map.shard(of: transfer.sender).index, map.shard(of: transfer.receiver).index)
      for s in 0..<4 {
        let work: Double = a == s ? (b == s ? 1 : 2) : (b == s ? 1 : 0)
        sums[s] += work
        squares[s] += work * work
      }
    }
    for (s, expected) in shares.work(units).enumerated() {
      let mean = sums[s] / Double(n)
      let error = ((squares[s] / Double(n) - mean * mean) / Double(n)).squareRoot()
      #expect(abs(mean - expected) < 4 * error)
    }
    let alone = AccessShares(popularity: popularity, map: AccountMap(shards: 1))
    #expect(abs(alone.cap(units) - 1) < 1e-12)
  }

  @Test("a trace becomes a graph, whose accounts are those of its book")
  func trace() throws {
    let text = "time,from,to,value,gas,bytes\n1,0xa,0xb,5,1,9\n2,0xb,0xc,5,1,9\n3,0xa,0xb,5,1,9\n"
    let (rows, book) = try AccountTrace.rows(of: Array(text.utf8), file: "t.csv")
    let graph = TransactionGraph(
      accounts: book.count, transfers: rows.map { ($0.sender, $0.receiver) })
    #expect(graph.activity == [2, 3, 1] && graph.totalWeight == 3)
    #expect(graph.cut([0, 0, 1]) == 1)
  }

  @Test("shares are exact: equal accounts by hand, Zipf by drawing transfers")
  func exact() {
    // Four equal accounts, one and three in two shards: both of a pair in the first never.
    let map = AccountMap(shards: 2, places: [0, 1, 1, 1])
    let even = AccessShares(popularity: [0.25, 0.25, 0.25, 0.25], map: map)
    #expect(even.one == [0.25, 0.75])
    #expect(abs(even.two[0] - 0.5) < 1e-12 && abs(even.two[1] - 1) < 1e-12)

    let hashed = AccountMap(shards: 8, salt: 1)
    let shares = AccessShares(
      popularity: AccessShares.zipf(accounts: 1_000, exponent: 0.99), map: hashed)
    let choice = AccountChoice(
      accounts: 1_000, skew: .zipf(exponent: 0.99), seed: 2, population: 0)
    let n = 100_000
    var touched = [Int](repeating: 0, count: 8)
    for number in 0..<UInt64(n) {
      let transfer = choice.transfer(number)
      let (a, b) = (hashed.shard(of: transfer.sender), hashed.shard(of: transfer.receiver))
      touched[Int(a.index)] += 1
      if a != b { touched[Int(b.index)] += 1 }
    }
    for (count, p) in zip(touched, shares.two) {
      let error = (p * (1 - p) / Double(n)).squareRoot()
      #expect(abs(Double(count) / Double(n) - p) < 4 * error)
    }
  }
}
