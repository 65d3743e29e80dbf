import Foundation
import Testing

/// Sweeps from the command line: what they leave on the disk, however they end.
@Suite("Sweeps", .serialized)
struct SweepCommandTests {
  static let sweep =
    CommandLineTests.good.replacing("replications: 4", with: "replications: 10")
    + "\nsweep: { network.delay: { from: 1 ms, to: 6 ms, step: 1 ms } }\n"

  private func write(_ text: String, _ folder: TemporaryFolder) throws -> String {
    let file = folder.path + "/sweep.yaml"
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    return file
  }

  private func contents(_ folder: String) throws -> [String: Data] {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    return Dictionary(
      uniqueKeysWithValues: names.map {
        ($0, FileManager.default.contents(atPath: folder + "/" + $0) ?? Data())
      })
  }

  @Test("killed 50 times at random moments, a sweep of 60 runs ends with the same bytes")
  func kills() throws {
    let folder = try TemporaryFolder()
    let file = try write(Self.sweep, folder)
    let start = DispatchTime.now().uptimeNanoseconds
    let calm = try Program.run(["sweep", file, "--out", folder.path + "/calm"])
    #expect(calm.status == 0, "\(calm.errors)")
    // Some moments fall before the first run is done, some into the writing of the result.
    let longest = (DispatchTime.now().uptimeNanoseconds - start) / 3_000
    var dice = UInt64(1)
    var kills = 0
    var stages = Set<String>()
    while kills < 50 {
      dice = dice &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let process = try Program.start(["sweep", file, "--out", folder.path + "/wild"])
      usleep(UInt32((dice >> 33) % longest))
      // One that is through already is started anew, over its own result.
      if process.isRunning {
        kill(process.processIdentifier, SIGKILL)
        kills += 1
      }
      process.waitUntilExit()
      let partial = folder.path + "/wild.partial/points"
      let done = (try? FileManager.default.contentsOfDirectory(atPath: partial))?.count
      stages.insert(done.map { $0 == 0 ? "nothing" : $0 < 60 ? "some" : "all" } ?? "no folder")
    }
    // The moments were such that there was something to go on from.
    #expect(stages.contains("some"), "\(stages)")
    let end = try Program.run(["sweep", file, "--out", folder.path + "/wild"])
    #expect(end.status == 0, "\(end.errors)")
    #expect(try contents(folder.path + "/wild") == contents(folder.path + "/calm"))
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/wild.partial"))
  }

  @Test("a partial file that is damaged is said to be, done again, and the bytes are the same")
  func damage() throws {
    let folder = try TemporaryFolder()
    let file = try write(Self.sweep.replacing("until: 2 s", with: "until: 20 s"), folder)
    let out = folder.path + "/out"
    let process = try Program.start(["sweep", file, "--out", out, "--jobs", "1"])
    let partial = out + ".partial/points/0-1.json"
    while process.isRunning, !FileManager.default.fileExists(atPath: partial) { usleep(1000) }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    var bytes = try #require(FileManager.default.contents(atPath: partial))
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: URL(fileURLWithPath: partial))
    let again = try Program.run(["sweep", file, "--out", out])
    #expect(again.status == 0)
    #expect(again.errors.contains("0-1.json: is damaged; its replication is done again"))
    #expect(again.errors.contains("resuming with"))
    _ = try Program.run(["sweep", file, "--out", folder.path + "/calm"])
    #expect(try contents(out) == contents(folder.path + "/calm"))
  }

  @Test("a scenario without a sweep is exit 65, and run takes both")
  func noSweep() throws {
    let folder = try TemporaryFolder()
    let file = try write(CommandLineTests.good, folder)
    let end = try Program.run(["sweep", file, "--out", folder.path + "/out"])
    #expect(end.status == 65 && end.errors.contains("sweep.yaml: sweep: the scenario has no sweep"))
    let swept = try write(Self.sweep, folder)
    #expect(try Program.run(["run", swept, "--out", folder.path + "/a"]).status == 0)
    #expect(try Program.run(["sweep", swept, "--out", folder.path + "/b"]).status == 0)
    #expect(try contents(folder.path + "/a") == contents(folder.path + "/b"))
  }

  @Test("replications until a mean is known end where they end, on one thread and on three")
  func stopping() throws {
    let folder = try TemporaryFolder()
    let rule = "replications: { until: 2 % of throughput, at-least: 5, at-most: 40 }"
    let file = try write(Self.sweep.replacing("replications: 10", with: rule), folder)
    for (name, jobs) in [("a", "1"), ("b", "3")] {
      let end = try Program.run(
        ["sweep", file, "--jobs", jobs, "--out", folder.path + "/" + name])
      #expect(end.status == 0, "\(end.errors)")
    }
    #expect(try contents(folder.path + "/a") == contents(folder.path + "/b"))
    let table = try String(contentsOfFile: folder.path + "/a/metrics.csv", encoding: .utf8)
    let counts = table.split(separator: "\n").filter { $0.contains(",main.throughput,") }
      .compactMap { $0.split(separator: ",").last.flatMap { Int($0) } }
    #expect(counts.count == 6 && counts.allSatisfy { (5..<40).contains($0) }, "\(counts)")
    let bad = try write(
      Self.sweep.replacing("replications: 10", with: "replications: { until: 2 % of thruput }"),
      folder)
    let end = try Program.run(["sweep", bad, "--out", folder.path + "/c"])
    #expect(end.status == 65)
    #expect(end.errors.contains("replications.until: thruput: no metric has this name"))
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/c"))
  }
}

@Suite("Comparing from the command line", .serialized)
struct CompareCommandTests {
  private func result(_ folder: TemporaryFolder, _ name: String, _ set: String...) throws -> String
  {
    let file = folder.path + "/\(name).yaml"
    try CommandLineTests.good.write(toFile: file, atomically: true, encoding: .utf8)
    let out = folder.path + "/" + name
    let end = try Program.run(["run", file, "--out", out] + set.flatMap { ["--set", $0] })
    #expect(end.status == 0, "\(end.errors)")
    return out
  }

  @Test("says a sentence a metric, as JSON too, and refuses different workloads with exit 65")
  func compare() throws {
    let folder = try TemporaryFolder()
    let slow = try result(folder, "slow", "network.delay=10 ms")
    let fast = try result(folder, "fast")
    let end = try Program.run(["compare", slow, fast])
    #expect(end.status == 0, "\(end.errors)")
    #expect(end.output.contains("fast is ") && end.output.contains("x faster than slow in main."))
    #expect(end.output.contains("paired, 4 replications"))
    let json = try Program.run(["compare", slow, fast, "--json", "--all"])
    let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    #expect((object?["comparisons"] as? [Any])?.count ?? 0 > 20)
    let busy = try result(folder, "busy", "workload.arrivals.poisson=400 /s")
    let refused = try Program.run(["compare", slow, busy])
    #expect(refused.status == 65 && refused.output.isEmpty)
    #expect(refused.errors.contains("different workloads") && refused.errors.contains("--anyway"))
    let anyway = try Program.run(["compare", slow, busy, "--anyway"])
    #expect(anyway.status == 0 && anyway.errors.contains("compared anyway"))
    #expect(try Program.run(["compare", slow, folder.path + "/none"]).status == 65)
    #expect(try Program.run(["compare"]).status == 64)
  }

  @Test("the schema is JSON that names the language's keys")
  func schema() throws {
    let end = try Program.run(["schema"])
    #expect(end.status == 0)
    let schema = try JSONSerialization.jsonObject(with: Data(end.output.utf8)) as? [String: Any]
    let properties = try #require(schema?["properties"] as? [String: Any])
    #expect(properties["chains"] != nil && properties["sweep"] != nil)
  }
}
