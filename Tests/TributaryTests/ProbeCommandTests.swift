import Foundation
import Testing

/// Rare events, knees and published figures: what they answer, what they write, and what they say
/// of mistakes.
@Suite("Probes from the command line", .serialized)
struct ProbeCommandTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  /// An attacker with 30 % who has to catch up with one confirmation.
  private static let attack = """
    tributary: 1
    name: attack
    seed: 2
    until: 10000000 s
    measure: transient
    network: { delay: 0 s, nodes: 2 }
    machines: { cpu: ideal, costs: free }
    chains:
      - name: main
        consensus:
          nakamoto:
            confirmations: 1
            attacker-share: 30 %
            attacker-confirmations: 1
            attacker-deficit: 20
            topology: full-mesh
            blocks: direct
            relays: valid
    prices: none
    """

  /// A committee behind a network card that carries 2,441 transactions a second.
  private static let card = """
    tributary: 1
    name: card
    seed: 1
    replications: 2
    until: 2 s
    measure: transient
    network: { delay: 100 us, nodes: 4, uplink: 80 Mbit/s, downlink: 80 Mbit/s }
    machines: { cpu: ideal, costs: free }
    chains:
      - name: main
        consensus:
          pbft:
            { batch-timeout: 20 ms, pipeline: 16, view-timeout: 3600 s, status-interval: 3600 s }
        replies: { header: 0 B, result: 1024 B }
        mempool: { capacity: 1000000 }
    workload:
      arrivals: { poisson: 1 /s }
      transactions: { size: 1024 B }
      clients: { hosts: 4, bundle: 10, header: 0 B, timeout: 3600 s }
    prices: none
    """

  private func write(_ text: String, _ folder: TemporaryFolder) throws -> String {
    let file = folder.path + "/probe.yaml"
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    return file
  }

  private func object(_ text: String) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test("rare gives the exact 0.6 of q = 0.3, z = 1 inside its interval, and the same bytes again")
  func rare() throws {
    let folder = try TemporaryFolder()
    let file = try write(Self.attack, folder)
    var texts: [[String]] = []
    for name in ["a", "b"] {
      let out = "\(folder.path)/\(name)"
      let end = try Program.run([
        "rare", file, "--event", "double-spend", "--effort", "400", "--repetitions", "10", "--json",
        "--jobs", name == "a" ? "1" : "2", "--out", out,
      ])
      #expect(end.status == 0, "\(end.errors)")
      let found = try object(end.output)
      let interval = try #require(found["interval"] as? [Double])
      #expect(interval[0] < 0.6 && 0.6 < interval[1], "\(interval)")
      #expect(interval[1] - interval[0] < 0.1)
      texts.append(
        try ["scenario.yaml", "rare.csv", "rare.json"].map {
          try String(contentsOfFile: "\(out)/\($0)", encoding: .utf8)
        })
      #expect(texts.last?[2] == end.output)
    }
    #expect(texts[0] == texts[1])
    #expect(texts[0][1].split(separator: "\n").count == 11)
    #expect(texts[0][1].hasPrefix("repetition,seed,probability,events,share_0"))
  }

  @Test("knee finds the network card's bound and writes every load that it tried")
  func knee() throws {
    let folder = try TemporaryFolder()
    let file = try write(Self.card, folder)
    let end = try Program.run([
      "knee", file, "--from", "500", "--to", "10000", "--json", "--out", folder.path + "/out",
    ])
    #expect(end.status == 0, "\(end.errors)")
    let knee = try #require(try object(end.output)["knee"] as? Double)
    #expect(abs(knee / 2441 - 1) < 0.05, "\(knee)")
    let table = try String(contentsOfFile: folder.path + "/out/knee.csv", encoding: .utf8)
    let lines = table.split(separator: "\n")
    #expect(lines[0] == "replication,seed,knee,limit,load,offered,served,latency_s")
    #expect(lines.count > 10 && lines[1].hasPrefix("0,") && lines[1].contains(",backlog,500,"))
  }

  @Test("a range without the knee in it is said on standard error")
  func range() throws {
    let folder = try TemporaryFolder()
    let file = try write(Self.card, folder)
    let end = try Program.run([
      "knee", file, "--from", "100", "--to", "200", "--replications", "1", "--out",
      folder.path + "/out",
    ])
    #expect(end.status == 0 && end.errors.contains("raise --to"), "\(end.errors)")
    #expect(end.output.contains("one replication: no interval"))
  }

  @Test(
    "a bad event is exit 65, names what there is, and writes nothing",
    arguments: [
      ("meteor", ["is no event", "double-spend", "reversal >= N"]),
      ("main.reversal >= 0", ["'0' is not a depth", "reversal >= N"]),
      ("side.double-spend", ["there is no chain 'side'"]),
      ("reversal > 3", ["is no event"]),
    ])
  func badEvent(event: String, parts: [String]) throws {
    let folder = try TemporaryFolder()
    let file = try write(Self.attack, folder)
    let out = folder.path + "/out"
    let end = try Program.run(["rare", file, "--event", event, "--out", out])
    #expect(end.status == 65 && end.output.isEmpty)
    for part in parts { #expect(end.errors.contains(part), "\(end.errors)") }
    #expect(!FileManager.default.fileExists(atPath: out))
  }

  @Test("an event that the scenario cannot have, and a path that is no load, are exit 65")
  func impossible() throws {
    let folder = try TemporaryFolder()
    let file = try write(Self.card, folder)
    let rare = try Program.run(["rare", file, "--event", "double-spend"])
    #expect(rare.status == 65 && rare.errors.contains("has no double spender"), "\(rare.errors)")
    let deep = try Program.run(["rare", file, "--event", "reversal >= 2"])
    #expect(deep.status == 65 && deep.errors.contains("does not spread blocks"), "\(deep.errors)")
    let knee = try Program.run(["knee", file, "--load", "workload.arrivals.poison"])
    #expect(knee.status == 65 && knee.errors.contains("poison"), "\(knee.errors)")
  }

  @Test(
    "wrong options are exit 64",
    arguments: [
      ["rare", "x", "--event", "double-spend", "--effort", "0"],
      ["rare", "x", "--event", "double-spend", "--repetitions", "1"],
      ["knee", "x", "--from", "5", "--to", "4"], ["knee", "x", "--slack", "1"],
      ["knee", "x", "--latency-factor", "1"], ["reproduce"], ["reproduce", "--all", "--jobs", "0"],
    ])
  func usage(arguments: [String]) throws {
    #expect(try Program.run(arguments).status == 64)
  }

  @Test("a folder that cannot be written is exit 74")
  func unwritable() throws {
    let folder = try TemporaryFolder()
    let file = try write(Self.attack, folder)
    let end = try Program.run([
      "rare", file, "--event", "double-spend", "--effort", "4", "--repetitions", "2", "--out",
      "/proc/nowhere",
    ])
    #expect(end.status == 74 && end.errors.hasPrefix("tributary: "), "\(end.errors)")
  }

  @Test("reproduce writes a table and a drawing; a figure that there is not is exit 65")
  func reproduce() throws {
    let folder = try TemporaryFolder()
    let packs = Self.root + "/Scenarios/figures"
    let end = try Program.run([
      "reproduce", "rapidchain-t1", "--small", "--packs", packs, "--out", folder.path,
    ])
    #expect(end.status == 0, "\(end.errors)")
    #expect(end.output.contains("in tolerance: all 6 values"), "\(end.output)")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    let written = ["csv", "html", "svg"].map { "rapidchain-t1-small.\($0)" }
    #expect(names == ["index.html"] + written)
    let wrong = try Program.run(["reproduce", "rapidchain-t2", "--packs", packs])
    #expect(wrong.status == 65 && wrong.errors.contains("'rapidchain-t1'"), "\(wrong.errors)")
    let none = try Program.run(["reproduce", "--all", "--packs", folder.path])
    #expect(none.status == 65 && none.errors.contains("--packs"), "\(none.errors)")
    let list = try Program.run(["reproduce", "--list", "--packs", packs])
    #expect(list.status == 0 && list.output.contains("SHARD-FAIL"))
  }

  @Test("a figure out of tolerance is exit 1, and its files stand")
  func outOfTolerance() throws {
    let folder = try TemporaryFolder()
    let pack = folder.path + "/packs/rapidchain-t1"
    try FileManager.default.createDirectory(atPath: pack, withIntermediateDirectories: true)
    for name in ["pack.yaml", "published.csv"] {
      let text = try String(
        contentsOfFile: "\(Self.root)/Scenarios/figures/rapidchain-t1/\(name)", encoding: .utf8)
      try text.replacing("4586.3", with: "4600").write(
        toFile: "\(pack)/\(name)", atomically: true, encoding: .utf8)
    }
    let end = try Program.run([
      "reproduce", "--all", "--packs", folder.path + "/packs", "--out", folder.path + "/out",
    ])
    #expect(end.status == 1 && end.output.contains("OUT"), "\(end.output)")
    #expect(FileManager.default.fileExists(atPath: folder.path + "/out/rapidchain-t1.csv"))
  }

  @Test("a frontier has PBFT settled when it decides and Nakamoto after twelve confirmations")
  func frontier() throws {
    let folder = try TemporaryFolder()
    let file = try write(
      """
      tributary: 1
      name: pair
      network: { delay: 10 ms, nodes: 4 }
      machines: { cpu: ideal, costs: free }
      chains: [{ name: main, consensus: pbft }]
      workload: { arrivals: { poisson: 1 /s }, transactions: { size: 100 B } }
      until: 60 s
      settlement: { adversary: 10 %, error: 1e-6 }
      prices: none
      sweep:
        zip:
          chains.main.consensus: [{ pbft: {} }, { nakamoto: { confirmations: 1 } }]
          until: [60 s, 40000 s]
      """, folder)
    let end = try Program.run(["frontier", file, "--json", "--out", folder.path + "/out"])
    #expect(end.status == 0, "\(end.errors)")
    let rows = try #require(try object(end.output)["rows"] as? [[String: Any]])
    #expect(rows.map { $0["system"] as? String } == ["pbft", "nakamoto"])
    #expect(rows.map { $0["confirmations"] as? Int } == [0, 12])
    #expect(rows.map { $0["unbeaten"] as? Bool } == [true, false])
    let reversal = try #require(rows[1]["reversal"] as? Double)
    #expect(reversal < 1e-6 && reversal > 9e-7, "\(reversal)")
    let folderOfFrontier = folder.path + "/out-frontier"
    let names = try FileManager.default.contentsOfDirectory(atPath: folderOfFrontier).sorted()
    #expect(names == ["frontier.csv", "frontier.json", "frontier.svg"])
  }
}
