import Glibc
import Metrics
import Reporting
import Testing

@Suite("Result folder") struct ResultFolderTests {
  let scratch = Scratch()
  let experiment = Fixture.comparison()

  @Test("two runs of one experiment give byte-identical files") func identity() throws {
    try Fixture.complete(scratch.path + "/a", experiment)
    try Fixture.complete(scratch.path + "/b", experiment)
    let first = Scratch.contents(scratch.path + "/a")
    #expect(first == Scratch.contents(scratch.path + "/b"))
    #expect(
      first.keys.sorted() == [
        "latency.csv", "machines.csv", "manifest.json", "messages.csv", "metrics.csv",
        "replications.csv", "report.html", "scenario.yaml", "series.csv",
      ])
    #expect(Scratch.names(scratch.path) == ["a", "b"])
  }

  @Test("the order in which replications finish does not matter") func order() throws {
    try Fixture.complete(scratch.path + "/a", experiment)
    let folder = try ResultFolder(scratch.path + "/b", for: experiment)
    for record in Fixture.records(experiment).reversed() { try folder.append(record) }
    _ = try folder.finish()
    #expect(Scratch.contents(scratch.path + "/a") == Scratch.contents(scratch.path + "/b"))
  }

  /// Finishes the first `count` replications and stops.
  private func interrupt(_ path: String, after count: Int) throws {
    let folder = try ResultFolder(path, for: experiment)
    for record in Fixture.records(experiment).prefix(count) { try folder.append(record) }
  }

  @Test("an interrupted run resumes and gives the bytes of an uninterrupted one")
  func resume() throws {
    try interrupt(scratch.path + "/a", after: 5)
    #expect(Scratch.names(scratch.path) == ["a.partial"])
    let folder = try ResultFolder(scratch.path + "/a", for: experiment)
    #expect(folder.pending.count == 7)
    #expect(folder.notes.contains { $0.contains("resuming with 5 of 12") })
    for record in Fixture.records(experiment).dropFirst(5) { try folder.append(record) }
    _ = try folder.finish()
    try Fixture.complete(scratch.path + "/b", experiment)
    #expect(Scratch.contents(scratch.path + "/a") == Scratch.contents(scratch.path + "/b"))
    #expect(Scratch.names(scratch.path) == ["a", "b"])
  }

  @Test("a replication read back is the one that was written, odd numbers included")
  func roundTrip() throws {
    var records = Fixture.records(experiment)
    records[0].outcome.series.append(
      .init(
        "main.odd", "1", step: 0.1, values: [.nan, .infinity, -0.0, .leastNonzeroMagnitude, .pi]))
    records[0].outcome.digests = [.init(subsystem: "a", steps: .max, digest: .max)]
    let folder = try ResultFolder(scratch.path + "/a", for: experiment)
    for record in records { try folder.append(record) }
    try interrupt(scratch.path + "/b", after: 0)
    for name in Scratch.names(scratch.path + "/a.partial/points") {
      Scratch.write(
        Scratch.text(scratch.path + "/a.partial/points/" + name),
        scratch.path + "/b.partial/points/" + name)
    }
    let resumed = try ResultFolder(scratch.path + "/b", for: experiment)
    #expect(resumed.pending.isEmpty)
    let a = try folder.finish()
    let b = try resumed.finish()
    #expect(a.records[0][0].digest == b.records[0][0].digest)
    #expect(
      b.records[0][0].outcome.series[1].values.suffix(4) == [
        .infinity, 0, .leastNonzeroMagnitude, .pi,
      ])
    #expect(Scratch.contents(scratch.path + "/a") == Scratch.contents(scratch.path + "/b"))
  }

  @Test(
    "a damaged replication is reported and done again",
    arguments: ["cut", "changed", "empty", "swapped"])
  func damage(kind: String) throws {
    try interrupt(scratch.path + "/a", after: 3)
    let file = scratch.path + "/a.partial/points/0-1.json"
    let text = Scratch.text(file)
    switch kind {
    case "cut": Scratch.write(String(text.dropLast(100)), file)
    case "changed": Scratch.write(text.split(separator: "5000").joined(separator: "5001"), file)
    case "swapped": Scratch.write(Scratch.text(scratch.path + "/a.partial/points/0-2.json"), file)
    default: Scratch.write("", file)
    }
    let folder = try ResultFolder(scratch.path + "/a", for: experiment)
    #expect(folder.notes.contains { $0.contains("0-1.json: is damaged") })
    #expect(folder.pending.count == 10)
    #expect(folder.pending.first == Fixture.records(experiment)[1].id)
  }

  @Test("another scenario, seed or version starts over and says so") func startOver() throws {
    try interrupt(scratch.path + "/a", after: 3)
    var other = experiment
    other.version = "0.1.1"
    let folder = try ResultFolder(scratch.path + "/a", for: other)
    #expect(folder.notes.contains { $0.contains("starting over") })
    #expect(folder.pending.count == 12)
    #expect(Scratch.names(scratch.path + "/a.partial/points").isEmpty)
  }

  @Test("an older result is replaced, and stays while the new one is not complete")
  func replacement() throws {
    try Fixture.complete(scratch.path + "/a", experiment)
    let before = Scratch.contents(scratch.path + "/a")
    var other = experiment
    other.seed = 7
    let folder = try ResultFolder(scratch.path + "/a", for: other)
    for record in Fixture.records(other) { try folder.append(record) }
    #expect(Scratch.contents(scratch.path + "/a") == before)
    _ = try folder.finish()
    #expect(Scratch.text(scratch.path + "/a/manifest.json").contains("\"seed\": \"7\""))
    #expect(Scratch.names(scratch.path) == ["a"])
  }

  @Test("a run killed between its two renames loses neither result") func killed() throws {
    try Fixture.complete(scratch.path + "/a", experiment)
    let before = Scratch.contents(scratch.path + "/a")
    try interrupt(scratch.path + "/a", after: 12)
    #expect(rename(scratch.path + "/a", scratch.path + "/a.partial/previous") == 0)
    let folder = try ResultFolder(scratch.path + "/a", for: experiment)
    #expect(Scratch.contents(scratch.path + "/a") == before)
    #expect(folder.pending.isEmpty)
  }

  @Test("two runs do not write the same folder") func lock() throws {
    let path = scratch.path + "/a"
    let folder = try ResultFolder(path, for: experiment)
    #expect(throws: OutputError.locked(path: path + ".partial")) {
      try ResultFolder(path, for: experiment)
    }
    #expect(folder.pending.count == 12)
  }

  @Test("a folder with anything else in it is not replaced") func foreign() throws {
    let path = scratch.path + "/a"
    try Fixture.complete(path, experiment)
    Scratch.write("mine", path + "/notes.txt")
    #expect(throws: OutputError.foreignEntry(path: path, entry: "notes.txt")) {
      try ResultFolder(path, for: experiment)
    }
    #expect(Scratch.text(path + "/notes.txt") == "mine")
  }

  @Test("unusable output folders are told apart") func unusable() throws {
    Scratch.write("", scratch.path + "/file")
    #expect(throws: OutputError.notFolder(path: scratch.path + "/file")) {
      try ResultFolder(scratch.path + "/file", for: experiment)
    }
    #expect(throws: OutputError.notFolder(path: scratch.path + "/file")) {
      try ResultFolder(scratch.path + "/file/a", for: experiment)
    }
    #expect(throws: OutputError.missingParent(path: scratch.path + "/none")) {
      try ResultFolder(scratch.path + "/none/a", for: experiment)
    }
    for path in ["", ".", "..", "/", "//"] {
      #expect(throws: OutputError.unusableName(path: path)) {
        try ResultFolder(path, for: experiment)
      }
    }
    // Nobody can make a folder there, whoever runs the test.
    #expect(throws: OutputError.self) { try ResultFolder("/proc/a", for: experiment) }
    let long = String(repeating: "x", count: 300)
    #expect(throws: OutputError.self) {
      try ResultFolder(scratch.path + "/" + long, for: experiment)
    }
  }

  @Test("a missing parent is made where that is asked for") func parent() throws {
    _ = try ResultFolder(scratch.path + "/Results/a", for: experiment, createsParent: true)
    #expect(Scratch.names(scratch.path) == ["Results"])
  }

  @Test("a disk that is full for a replication keeps the others") func fullForReplication() throws {
    let path = scratch.path + "/a"
    let folder = try ResultFolder(path, for: experiment)
    let records = Fixture.records(experiment)
    try folder.append(records[0])
    #expect(symlink("/dev/full", path + ".partial/points/0-1.json.new") == 0)
    let error = #expect(throws: OutputError.self) { try folder.append(records[1]) }
    #expect("\(try #require(error))".hasSuffix("cannot write: no space left on the disk"))
    #expect(folder.pending.count == 11)
    #expect(Scratch.names(scratch.path) == ["a.partial"])
  }

  @Test(
    "a disk that is full at the end leaves the final name as it was",
    arguments: ["latency.csv", "report.html", "series.csv"])
  func fullAtTheEnd(file: String) throws {
    let path = scratch.path + "/a"
    let writer = FileWriter { (bytes, target) throws(OutputError) in
      if target.hasSuffix(file) {
        throw .system(action: "write", path: target, code: ENOSPC)
      }
      try FileWriter.disk.write(bytes, target)
    }
    do {
      let folder = try ResultFolder(path, for: experiment, writer: writer)
      for record in Fixture.records(experiment) { try folder.append(record) }
      #expect(throws: OutputError.self) { try folder.finish() }
      #expect(Scratch.names(scratch.path) == ["a.partial"])
    }
    // With room again, nothing is run twice.
    let folder = try ResultFolder(path, for: experiment)
    #expect(folder.pending.isEmpty)
    _ = try folder.finish()
    try Fixture.complete(scratch.path + "/b", experiment)
    #expect(Scratch.contents(path) == Scratch.contents(scratch.path + "/b"))
  }

  @Test("replications may be kept from several threads") func threads() async throws {
    let folder = try ResultFolder(scratch.path + "/a", for: experiment)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for record in Fixture.records(experiment) {
        group.addTask { try folder.append(record) }
      }
      try await group.waitForAll()
    }
    _ = try folder.finish()
    try Fixture.complete(scratch.path + "/b", experiment)
    #expect(Scratch.contents(scratch.path + "/a") == Scratch.contents(scratch.path + "/b"))
  }

  @Test("no file names a path, and none holds anything of the partial folder") func clean() throws {
    try Fixture.complete(scratch.path + "/a", experiment)
    for name in Scratch.names(scratch.path + "/a") {
      #expect(!Scratch.text(scratch.path + "/a/" + name).contains(scratch.path))
    }
  }
}
