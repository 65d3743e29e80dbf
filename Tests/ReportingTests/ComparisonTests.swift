import Metrics
import Reporting
import Testing

@Suite("Comparison") struct ComparisonTests {
  let scratch = Scratch()

  /// One system as a folder: figures around these means, with noise that seeds share.
  @discardableResult
  private func folder(
    _ name: String, latency: Double, throughput: Double = 1000, replications: Int = 10,
    firstSeed: UInt64 = 1, version: String = "0.1.0", workload: String? = "w", own: Double = 0.01
  ) throws -> String {
    var experiment = Fixture.experiment(name, [[]], replications)
    experiment.version = version
    experiment.points[0].workload = workload
    experiment.points[0].seeds = (0..<replications).map { firstSeed + UInt64($0) }
    let path = scratch.path + "/" + name
    let folder = try ResultFolder(path, for: experiment)
    while let id = folder.take() {
      let shared = Double(id.seed * 37 % 11) / 11 - 0.5
      let apart = Double((id.seed * 53 + UInt64(name.utf8.first ?? 0)) % 13) / 13 - 0.5
      var outcome = Outcome()
      outcome.metrics = [
        .init("main.latency_mean", "s", latency * (1 + 0.3 * shared + own * apart)),
        .init("main.throughput", "tx/s", throughput * (1 + 0.02 * shared + own * apart)),
        .init("main.bytes_per_tx", "B/tx", 500),
        .init("main.longest_stretch", "s", id.seed % 2 == 0 ? shared : nil),
      ]
      try folder.append(RunRecord(id, outcome))
    }
    _ = try folder.finish()
    return path
  }

  @Test("--base names another system than the first to compare with, or is an error")
  func base() throws {
    let folders = [
      try folder("pbft", latency: 2), try folder("raft", latency: 1),
      try folder("qbft", latency: 4),
    ]
    let found = try Comparison(folders, base: "raft")
    let rows = found.rows.filter { $0.metric == "main.latency_mean" }
    #expect(rows.map(\.baseline) == ["raft", "raft"] && rows.map(\.system) == ["pbft", "qbft"])
    #expect(abs(rows[0].ratio.value - 2) < 0.02 && abs(rows[1].ratio.value - 4) < 0.04)
    #expect(throws: ComparisonError.unknownBase("rft", systems: ["pbft", "raft", "qbft"])) {
      try Comparison(folders, base: "rft")
    }
  }

  @Test("twice as fast is said so, with an interval around two") func sentence() throws {
    let folders = [try folder("pbft", latency: 2), try folder("hotstuff", latency: 1)]
    let found = try Comparison(folders)
    let row = try #require(found.rows.first { $0.metric == "main.latency_mean" })
    #expect(row.isPaired && row.isSignificant && row.replications == [10, 10])
    let interval = try #require(row.ratio.interval)
    #expect(interval.contains(0.5) && interval.upperBound - interval.lowerBound < 0.02)
    let start = "hotstuff is 2x faster than pbft in main.latency_mean, 95 % interval "
    #expect(row.sentence.hasPrefix(start), "\(row.sentence)")
    #expect(found.text.contains("paired, 10 replications; p < 0.001"))
    // The other way round it is as much slower.
    let back = try Comparison(folders.reversed())
    #expect(back.rows.contains { $0.sentence.hasPrefix("pbft is 2x slower than hotstuff in main") })
    let same = try #require(found.rows.first { $0.metric == "main.bytes_per_tx" })
    #expect(same.sentence == "hotstuff and pbft are equal in main.bytes_per_tx")
  }

  @Test("more transactions a second are faster, and what does not differ is not said to")
  func rates() throws {
    let folders = [
      try folder("a", latency: 1, own: 0.2),
      try folder("b", latency: 1, throughput: 3000, own: 0.2),
    ]
    let sentences = try Comparison(folders).rows.map(\.sentence)
    #expect(sentences[0].contains("b is ") && sentences[0].contains("x faster than a in main.thr"))
    #expect(sentences[1].hasPrefix("b and a do not differ measurably in main.latency_mean: ratio"))
  }

  @Test("equal seeds are paired, and that narrows; others are independent") func pairing() throws {
    let a = try folder("a", latency: 2)
    let paired = try Comparison([a, try folder("b", latency: 1)], choice: .named(["latency_mean"]))
    let apart = try Comparison(
      [a, try folder("c", latency: 1, firstSeed: 100)], choice: .named(["main.latency_mean"]))
    #expect(paired.rows[0].isPaired && !apart.rows[0].isPaired)
    func width(_ row: Comparison.Row) -> Double { row.difference.high - row.difference.low }
    #expect(width(paired.rows[0]) < width(apart.rows[0]))
    #expect(apart.rows[0].evidence.contains("independent, 10 and 10 replications"))
    // A rule may end systems after different numbers of replications: what both have is paired.
    let more = try Comparison(
      [a, try folder("d", latency: 1, replications: 16)], choice: .named(["latency_mean"]))
    #expect(more.rows[0].isPaired && more.rows[0].replications == [10, 10])
  }

  @Test("p-values are adjusted for all tests of the comparison") func holm() throws {
    let folders = [try folder("a", latency: 1, own: 0.3), try folder("b", latency: 1.1, own: 0.3)]
    let found = try Comparison(folders, choice: .all)
    #expect(found.rows.count == 4)
    let least = try #require(found.rows.min { $0.difference.pValue < $1.difference.pValue })
    #expect(abs(least.adjusted - min(4 * least.difference.pValue, 1)) < 1e-12)
    #expect(found.rows.allSatisfy { $0.adjusted >= $0.difference.pValue })
  }

  @Test("different versions and workloads are refused, unless it is to be anyway")
  func refusal() throws {
    let a = try folder("a", latency: 1)
    let later = try folder("b", latency: 1, version: "0.2.0")
    let other = try folder("c", latency: 1, workload: "x")
    let silent = try folder("d", latency: 1, workload: nil)
    #expect(throws: ComparisonError.differentVersions(["0.1.0", "0.2.0"])) {
      try Comparison([a, later])
    }
    #expect(throws: ComparisonError.differentWorkloads("a", "c")) { try Comparison([a, other]) }
    #expect(throws: ComparisonError.unknownWorkload(folder: silent)) {
      try Comparison([a, silent])
    }
    for folder in [later, other, silent] {
      #expect(try Comparison([a, folder], isAnyway: true).notes.count == 1)
    }
  }

  @Test("points of one sweep are compared by a key, at each value of the others") func by() throws {
    let path = scratch.path + "/grid"
    try Fixture.complete(path, Fixture.grid(replications: 5))
    #expect(throws: ComparisonError.self) { try Comparison([path], isAnyway: true) }
    let found = try Comparison(
      [path], by: "chains.main.consensus", choice: .named(["throughput"]), isAnyway: true)
    #expect(
      found.rows.map { $0.place.map(\.value) } == [
        ["1000 /s"], ["2000 /s"], ["5000 /s"], ["10000 /s"],
      ])
    #expect(found.rows.allSatisfy { $0.system == "nakamoto" && $0.baseline == "pbft" })
    #expect(found.rows[0].sentence.contains("x slower than pbft in main.throughput"))
    #expect(
      throws: ComparisonError.unknownKey(
        folder: path, key: "n", swept: ["workload.arrivals.poisson", "chains.main.consensus"])
    ) {
      try Comparison([path], by: "n", isAnyway: true)
    }
    // One swept parameter needs no naming.
    let single = scratch.path + "/single"
    try Fixture.complete(single, Fixture.comparison())
    #expect(
      Set(try Comparison([single], isAnyway: true).rows.map(\.system)) == ["nakamoto", "praos"])
  }

  @Test("what is no result, or has nothing in common, is refused") func nothing() throws {
    let a = try folder("a", latency: 1)
    #expect(throws: ComparisonError.self) { try Comparison([a, scratch.path + "/none"]) }
    #expect(throws: ComparisonError.nothingToCompare(swept: [])) { try Comparison([a]) }
    #expect(throws: ComparisonError.noCommonMetric(["nonsense"])) {
      try Comparison([a, try folder("b", latency: 1)], choice: .named(["nonsense"]))
    }
    Scratch.write("replication,seed\n", a + "/replications.csv")
    #expect(throws: ComparisonError.self) { try Comparison([a, scratch.path + "/b"]) }
  }

  @Test("the same comparison is the same JSON, with all numbers") func json() throws {
    let folders = [try folder("a", latency: 2), try folder("b", latency: 1)]
    let text = try Comparison(folders).json
    #expect(text == (try Comparison(folders).json))
    for key in ["ratioInterval", "hedgesG", "pHolm", "paired", "sentence"] {
      #expect(text.contains("\"\(key)\""))
    }
  }
}
