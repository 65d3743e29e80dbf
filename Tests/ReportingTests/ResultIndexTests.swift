import Metrics
import Reporting
import Testing

@Suite("Index of results") struct ResultIndexTests {
  let scratch = Scratch()

  @Test("what is inserted can be queried") func roundTrip() throws {
    let result = try Fixture.complete(scratch.path + "/grid", Fixture.grid())
    let index = ResultIndex(beside: scratch.path + "/grid")
    try index.insert(scratch.path + "/grid")
    #expect(
      try index.query("SELECT folder, name, version, seed FROM experiments")
        == [["grid", "bft-load", "0.1.0", "42"]])
    #expect(try index.query("SELECT count(*) FROM points") == [["16"]])
    let seeds = try index.query(
      "SELECT DISTINCT seed, digest FROM replications WHERE point = 7 ORDER BY replication")
    #expect(seeds == result.records[7].map { [String($0.id.seed), $0.digest] })
    let mean = try index.query(
      """
      SELECT m.mean, m.replications FROM metrics m JOIN points p USING (folder, point)
      WHERE p.key = 'chains.main.consensus' AND p.value = 'pbft' AND metric = 'main.throughput'
      ORDER BY point
      """)
    #expect(mean.count == 4)
    let metric = try #require(Summary(result).points[0]["main.throughput"]?.estimate)
    let stored = try #require(mean[0][0].flatMap { Double($0) })
    #expect(abs(stored - metric.mean) < 1e-8 * metric.mean)
    #expect(mean[0][1] == "3")
    #expect(try index.query("SELECT count(*) FROM latencies") == [["224"]])
    #expect(try index.query("SELECT count(*) FROM messages") == [["20"]])
  }

  @Test("inserting again replaces the rows") func replacement() throws {
    let index = ResultIndex(beside: scratch.path + "/a")
    try Fixture.complete(scratch.path + "/a", Fixture.grid())
    try index.insert(scratch.path + "/a")
    try index.insert(scratch.path + "/a")
    #expect(try index.query("SELECT count(*) FROM experiments") == [["1"]])
    try Fixture.complete(scratch.path + "/a", Fixture.comparison())
    try index.insert(scratch.path + "/a")
    #expect(try index.query("SELECT DISTINCT name FROM experiments") == [["quickstart"]])
    #expect(try index.query("SELECT count(*) FROM points") == [["3"]])
  }

  @Test("an index of an older program is made anew from the folders beside it") func older() throws
  {
    let index = ResultIndex(beside: scratch.path + "/a")
    try Fixture.complete(scratch.path + "/a", Fixture.grid())
    try index.insert(scratch.path + "/a")
    #expect(
      try index.query("SELECT count(*) FROM series WHERE series = 'main.throughput'") == [["640"]])
    _ = try index.query("DROP TABLE series")
    _ = try index.query("PRAGMA user_version = 1")
    try Fixture.complete(scratch.path + "/b", Fixture.comparison())
    try index.insert(scratch.path + "/b")
    #expect(try index.query("SELECT folder FROM experiments ORDER BY folder") == [["a"], ["b"]])
    #expect(
      try index.query("SELECT DISTINCT folder FROM series ORDER BY folder") == [["a"], ["b"]])
    #expect(try index.query("PRAGMA user_version") == [["3"]])
  }

  @Test("a rebuilt index has the same rows and always the same bytes") func rebuild() throws {
    let index = ResultIndex(scratch.path + "/tributary.sqlite")
    try Fixture.complete(scratch.path + "/a", Fixture.grid())
    try Fixture.complete(scratch.path + "/b", Fixture.comparison())
    try index.insert(scratch.path + "/b")
    try index.insert(scratch.path + "/a")
    let query = "SELECT * FROM replications ORDER BY folder, point, replication, metric"
    let rows = try index.query(query)
    #expect(try index.rebuild(from: scratch.path) == ["a", "b"])
    #expect(try index.query(query) == rows)
    let bytes = Scratch.read(index.path)
    try index.rebuild(from: scratch.path)
    #expect(Scratch.read(index.path) == bytes)
  }

  @Test("a damaged index or result is an error, and changes nothing") func damage() throws {
    try Fixture.complete(scratch.path + "/a", Fixture.grid())
    let index = ResultIndex(beside: scratch.path + "/a")
    try index.insert(scratch.path + "/a")
    Scratch.write("n,metric\n\"", scratch.path + "/a/messages.csv")
    #expect(throws: OutputError.self) { try index.insert(scratch.path + "/a") }
    #expect(try index.query("SELECT count(*) FROM messages") == [["20"]])
    #expect(throws: OutputError.self) { try index.insert(scratch.path + "/none") }
    Scratch.write(String(repeating: "garbage ", count: 500), index.path)
    #expect(throws: OutputError.self) { try index.query("SELECT 1 FROM experiments") }
    try Fixture.complete(scratch.path + "/a", Fixture.grid())
    #expect(throws: OutputError.self) { try index.insert(scratch.path + "/a") }
    try index.rebuild(from: scratch.path)
    #expect(try index.query("SELECT count(*) FROM experiments") == [["1"]])
  }

  @Test("an index where none can be written is an error") func unwritable() throws {
    try Fixture.complete(scratch.path + "/a", Fixture.grid())
    let error = #expect(throws: OutputError.self) {
      try ResultIndex("/proc/tributary.sqlite").insert(scratch.path + "/a")
    }
    #expect("\(try #require(error))".contains("/proc/tributary.sqlite"))
  }
}
