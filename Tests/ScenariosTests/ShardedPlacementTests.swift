import Foundation
import Kernel
import Scenarios
import Sharding
import Simulation
import Testing

/// Where accounts live, and traces of what they did.
@Suite("Sharded ledgers: placement and traces")
struct ShardedPlacementTests {
  static func scenario(_ placement: String) -> ShardedScenario {
    var scenario = ShardedScenario()
    scenario.entries = [
      "placement: \(placement)", "communities: { count: 16, inside: 90 % }",
      "accounts: { payers: 1, receivers: 1 }",
    ]
    scenario.accounts = "accounts: 400"
    (scenario.submission, scenario.until) = ("60 s", "80 s")
    return scenario
  }

  @Test("communities come together, at the price of the accounts that move; nothing is lost")
  func labels() throws {
    let hashed = try Self.scenario("hash").outcome()
    let placed = try Self.scenario("{ label-propagation: { every: 10 s } }").outcome()
    for outcome in [hashed, placed] {
      #expect(outcome.violations == [])
      #expect(outcome.shards("money_in_flight") == 0)
      #expect(
        outcome.shards("confirmed") + outcome.shards("given_up") == outcome.shards("submitted"))
    }
    // Four shards by hash: three quarters, within four standard errors and the placement's own.
    #expect(abs(hashed.shards("cross_shard_share") - 0.75) < 0.08)
    #expect(hashed.shards("accounts_moved") == 0)
    // Over the whole run, the first 10 s of which are by hash; what is meant to cross does.
    #expect(placed.shards("cross_shard_share") < 0.4)
    #expect(placed.shards("cross_shard_share") > 0.1 * 0.75)
    #expect(placed.shards("accounts_moved") > 100)
    #expect(placed.shards("moved_bytes") == 100 * placed.shards("accounts_moved"))
    #expect(placed.shards("load_max_over_mean") < 1.6)
  }

  @Test("an account that arrives without its money is found")
  func dropsState() throws {
    var scenario = Self.scenario("{ label-propagation: { every: 10 s } }")
    scenario.commit += ", weakness: drops-state"
    #expect(try scenario.outcome().violations.contains { $0.monitor == "conservation" })
  }

  /// Four transfers between three accounts.
  static let rows = """
    # time is in seconds from anywhere
    time,from,to,value,gas,bytes
    100.0,0xa1,0xb2,5,21000,110
    100.5,0xb2,0xa1,1,21000,110
    102.25,0xa1,0xc3,2,21000,110
    102.25,0xc3,0xc3,2,21000,110
    """

  static func replay(_ rows: String) throws -> (scenario: Scenario, text: String) {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("trace-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try rows.write(
      to: folder.appendingPathComponent("trace.csv"), atomically: true, encoding: .utf8)
    var scenario = ShardedScenario()
    scenario.accounts = "accounts: 10"
    scenario.entries = [
      "trace: trace.csv", "accounts: { payers: 1, receivers: 1 }", "placement: dealt",
    ]
    return (try Scenario(text: scenario.text, folder: folder.path), scenario.text)
  }

  @Test("a trace is replayed as it stands: who, to whom, when")
  func replays() throws {
    let (scenario, _) = try Self.replay(Self.rows)
    let run = scenario.makeSimulation(seed: 1)
    run.start()
    run.run(until: scenario.end)
    let ledger = run.sharded.ledger
    try #require(ledger.transfers.count == 4)
    let accounts = (0..<4).map { transfer in
      ledger.transfers.parts(of: transfer).flatMap { part in
        ledger.transfers.legs(of: part).map { Int(ledger.transfers.legs[$0].account.index) }
      }
    }
    // Numbered as they come; the last pays itself.
    #expect(accounts == [[0, 1], [1, 0], [0, 2], [2]])
    #expect((0..<4).allSatisfy { ledger.transfers[$0].fate == .committed })
    let log = try #require(zip(run.world.populations, run.world.logs).first { $0.0.chain != 0 }).1
    let times = log.submitted.map { $0 - log.submitted[0] }
    #expect(times.map(\.seconds) == [0, 0.5, 2.25, 2.25])
  }

  static let badRows: [(row: String, complaint: String)] = [
    ("103,0xa1,0xb2,five,21000,110", "trace.csv:7:15: value: five:"),
    ("101,0xa1,0xb2,5,21000,110", "trace.csv:7:1: time: 101:"),
    ("103,0xg,0xb2,5,21000,110", "trace.csv:7:5: from: 0xg:"),
    ("103,0xa1,0xb2,5,21000", "trace.csv:7: bytes: missing"),
  ]

  @Test("a malformed row is named by file, line, column and value", arguments: badRows)
  func malformed(row: String, complaint: String) {
    #expect {
      try Self.replay(Self.rows + "\n" + row)
    } throws: {
      "\($0)".contains(complaint)
    }
  }
}
