import Foundation
import Testing

/// What a user sees who gives the program something wrong, and what stands on the disk afterwards.
@Suite("Command line", .serialized)
struct CommandLineTests {
  static let good = """
    tributary: 1
    name: small
    replications: 4
    until: 2 s
    network: { delay: 1 ms, nodes: 4 }
    chains: [{ name: main, consensus: { pbft: { batch: 10 } } }]
    workload: { arrivals: { poisson: 200 /s }, transactions: { size: 100 B } }
    """

  /// Writes `text` to a file of its own and runs `tributary run` on it.
  static func run(_ text: String, _ arguments: String...) throws -> Finished {
    let folder = try TemporaryFolder()
    let file = folder.path + "/bad.yaml"
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    return try Program.run(["run", file, "--out", folder.path + "/out"] + arguments)
  }

  /// Scenario text, and what the message must hold.
  static let mistakes: [(String, String, [String])] = [
    ("a misspelt key", good.replacing("batch: 10", with: "bacth: 10"), ["bad.yaml:6", "'batch'"]),
    ("a wrong unit", good.replacing("delay: 1 ms", with: "delay: 1 MB"), ["bad.yaml:5", "delay"]),
    ("a missing unit", good.replacing("delay: 1 ms", with: "delay: 1"), ["bad.yaml:5", "unit"]),
    ("a negative number", good.replacing("nodes: 4", with: "nodes: -4"), ["bad.yaml:5", "-4"]),
    ("a huge number", good.replacing("nodes: 4", with: "nodes: 1e30"), ["bad.yaml:5", "nodes"]),
    ("out of range", good.replacing("batch: 10", with: "batch: 0"), ["bad.yaml:6", "allowed: 1"]),
    ("duplicate keys", good + "\nuntil: 3 s", ["bad.yaml:4", "until"]),
    ("an unknown protocol", good.replacing("pbft", with: "pbtf"), ["bad.yaml:6", "'pbft'"]),
    (
      "another protocol's setting", good.replacing("batch: 10", with: "confirmations: 3"),
      ["bad.yaml:6", "confirmations", "pbft"]
    ),
    ("a cyclic file", "tributary: 1\na: &x [*x]", ["bad.yaml:2", "anchor"]),
    ("an empty file", "", ["bad.yaml", "empty"]),
    ("binary garbage", "\u{0}\u{1}\u{2}garbage\u{ff}", ["bad.yaml", "NUL"]),
    ("too few replicas", good.replacing("nodes: 4", with: "nodes: 3"), ["bad.yaml:6", "4"]),
  ]

  @Test("a bad scenario is explained, with exit 65 and nothing written", arguments: mistakes)
  func badScenario(what: String, text: String, parts: [String]) throws {
    let folder = try TemporaryFolder()
    let file = folder.path + "/bad.yaml"
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    let end = try Program.run(["run", file, "--out", folder.path + "/out"])
    #expect(end.status == 65)
    for part in parts { #expect(end.errors.contains(part), "\(end.errors)") }
    #expect(end.output.isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["bad.yaml"])
  }

  @Test("a file that is not there, or is a folder, is exit 65")
  func missingFile() throws {
    let folder = try TemporaryFolder()
    let missing = try Program.run(["run", folder.path + "/none.yaml"])
    #expect(missing.status == 65)
    #expect(missing.errors.contains("no such file"))
    let directory = try Program.run(["check", folder.path])
    #expect(directory.status == 65)
    #expect(directory.errors.contains("directory"))
  }

  @Test("wrong usage is exit 64", arguments: [["fly"], ["run"], ["run", "a", "--jobs", "0"]])
  func usage(arguments: [String]) throws {
    #expect(try Program.run(arguments).status == 64)
  }

  @Test("an output folder that cannot be written is exit 74, and nothing is left")
  func unwritable() throws {
    let folder = try TemporaryFolder()
    let file = folder.path + "/good.yaml"
    try Self.good.write(toFile: file, atomically: true, encoding: .utf8)
    for out in ["/proc/nowhere/out", folder.path + "/missing/parent/out", file] {
      let end = try Program.run(["run", file, "--out", out])
      #expect(end.status == 74)
      #expect(end.errors.hasPrefix("tributary: "))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["good.yaml"])
  }

  /// Whether this user may mount a file system, so that a disk can be filled.
  private static let mayMount: Bool = {
    guard let folder = try? TemporaryFolder(),
      let mount = try? Program.run(
        ["-t", "tmpfs", "-o", "size=96k", "tmpfs", folder.path], of: "/usr/bin/mount"),
      mount.status == 0
    else { return false }
    return (try? Program.run([folder.path], of: "/usr/bin/umount"))?.status == 0
  }()

  @Test(
    "a full disk is exit 74, with nothing under the final name, and a rerun goes on",
    .enabled(
      if: Self.mayMount, "needs the right to mount a tmpfs; elsewhere a mock writer shows it"))
  func fullDisk() throws {
    let folder = try TemporaryFolder()
    let small = folder.path + "/small"
    try FileManager.default.createDirectory(atPath: small, withIntermediateDirectories: false)
    let mount = try Program.run(
      ["-t", "tmpfs", "-o", "size=96k", "tmpfs", small], of: "/usr/bin/mount")
    try #require(mount.status == 0)
    defer { _ = try? Program.run([small], of: "/usr/bin/umount") }
    let file = folder.path + "/good.yaml"
    try Self.good.write(toFile: file, atomically: true, encoding: .utf8)
    let end = try Program.run(["run", file, "--out", small + "/out"])
    #expect(end.status == 74)
    #expect(end.errors.contains("no space left"))
    #expect(!FileManager.default.fileExists(atPath: small + "/out"))
  }

  @Test("interrupted, finished replications stand, and a rerun gives the same bytes")
  func interrupted() throws {
    let folder = try TemporaryFolder()
    let file = folder.path + "/long.yaml"
    try Self.good.replacing("replications: 4", with: "replications: 12")
      .replacing("until: 2 s", with: "until: 200 s")
      .write(toFile: file, atomically: true, encoding: .utf8)
    // Some shells start background jobs deaf to interrupts, and children inherit it.
    let process = try Program.start(
      [
        "--default-signal=INT", Program.path, "run", file, "--jobs", "1", "--out",
        folder.path + "/a",
      ],
      of: "/usr/bin/env")
    let points = folder.path + "/a.partial/points"
    while process.isRunning {
      let done = (try? FileManager.default.contentsOfDirectory(atPath: points)) ?? []
      if done.filter({ $0.hasSuffix(".json") }).count >= 2 { break }
      usleep(2000)
    }
    process.interrupt()
    process.waitUntilExit()
    #expect(process.terminationStatus == 130)
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/a"))
    let kept = try FileManager.default.contentsOfDirectory(atPath: points)
    #expect(kept.count >= 2)
    #expect(try Program.run(["run", file, "--out", folder.path + "/a"]).status == 0)
    #expect(try Program.run(["run", file, "--out", folder.path + "/b"]).status == 0)
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/a.partial"))
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path + "/b") {
      let a = FileManager.default.contents(atPath: folder.path + "/a/" + name)
      let b = FileManager.default.contents(atPath: folder.path + "/b/" + name)
      #expect(a == b, "\(name)")
    }
  }

  @Test("describe and list say what there is")
  func documentation() throws {
    let describe = try Program.run(["describe", "pbft.batch"])
    #expect(describe.status == 0)
    #expect(describe.output.contains("default 400"))
    #expect(try Program.run(["describe", "nonsense-key"]).status == 64)
    #expect(try Program.run(["list"]).output.contains("pbft"))
  }

  @Test("a trace is a drawing and the same for viewers, in the same bytes each time")
  func trace() throws {
    let folder = try TemporaryFolder()
    var texts: [[String]] = []
    for name in ["a", "b"] {
      let end = try Self.run(
        Self.good, "--trace", "\(folder.path)/\(name).svg", "--trace-from", "100 ms",
        "--trace-messages", "40")
      #expect(end.status == 0, "\(end.errors)")
      texts.append(
        try ["svg", "json"].map {
          try String(contentsOfFile: "\(folder.path)/\(name).\($0)", encoding: .utf8)
        })
    }
    #expect(texts[0] == texts[1])
    let (svg, json) = (texts[0][0], texts[0][1])
    #expect(svg.hasPrefix("<svg xmlns") && svg.contains(">pre-prepare<") && svg.contains("slot "))
    let events = try #require(
      JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    let rows = try #require(events["traceEvents"] as? [[String: Any]])
    #expect(rows.filter { $0["ph"] as? String == "s" }.count == 40)
    #expect(rows.allSatisfy { ($0["ts"] as? Double ?? 1e5) >= 1e5 })
  }

  @Test("a trace option that cannot be is wrong usage", arguments: ["5 kg", "-1 s", "soon"])
  func badTrace(time: String) throws {
    let end = try Self.run(Self.good, "--trace", "/dev/null", "--trace-from=\(time)")
    #expect(end.status == 64)
    #expect(end.errors.contains(time))
  }
}
