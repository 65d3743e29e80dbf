import Foundation
import Metrics
import Reporting

/// Made-up experiments whose numbers follow from their seeds.
enum Fixture {
  /// Protocols of very different speed on one workload: nothing numeric is swept.
  static func comparison(replications: Int = 4) -> Experiment {
    experiment(
      "quickstart",
      ["pbft", "nakamoto", "praos"].map { [("chains.main.consensus", $0)] }, replications)
  }

  /// A number crossed with a protocol.
  static func grid(replications: Int = 3) -> Experiment {
    let loads = ["1000 /s", "2000 /s", "5000 /s", "10000 /s"]
    return experiment(
      "bft-load",
      loads.flatMap { load in
        ["pbft", "nakamoto"].map {
          [("workload.arrivals.poisson", load), ("chains.main.consensus", $0)]
        }
      }, replications)
  }

  static func experiment(
    _ name: String, _ points: [[(String, String)]], _ replications: Int
  ) -> Experiment {
    Experiment(
      name: name, scenario: "tributary: 1\nname: \(name)\nseed: 42\n",
      scenarioDigest: "9f86d081884c7d65", version: "0.1.0", toolchain: "Swift 6.3.1",
      gslVersion: "2.7.1", seed: 42,
      points: points.enumerated().map { index, labels in
        SweepPoint(
          labels: labels.map { .init($0.0, $0.1) },
          seeds: (0..<replications).map { UInt64(index * 1000 + $0 + 1) << 40 })
      })
  }

  static func outcome(_ point: SweepPoint, seed: UInt64) -> Outcome {
    let isSlow = point.labels.contains { $0.value == "nakamoto" }
    let isMiddle = point.labels.contains { $0.value == "praos" }
    let noise = Double((seed >> 40) &* 2_654_435_761 % 1000) / 1000 - 0.5
    let load = point.labels.first { $0.key.hasSuffix("poisson") }
    let offered = load.flatMap { Double($0.value.dropLast(3)) } ?? 2000
    let speed = isSlow ? 6.6 : isMiddle ? 240 : min(offered, 4300)
    let delay = isSlow ? 3200 : isMiddle ? 210 : 0.31 * (1 + offered / 3000)
    let money = isSlow ? 11 : isMiddle ? 0.02 : 0.0004
    let energy = isSlow ? 4e6 : 120 / speed
    let stale = isSlow ? 0.004 + 0.002 * noise : 0
    var outcome = Outcome()
    outcome.metrics = [
      .init("main.offered", "tx/s", offered * (1 + 0.01 * noise)),
      .init("main.throughput", "tx/s", speed * (1 + 0.04 * noise)),
      .init("main.stale_rate", "1", stale),
      .init("main.usd_per_tx", "USD/tx", money * (1 + noise / 9)),
      .init("main.joule_per_tx", "J/tx", energy * (1 + noise / 7)),
      .init("main.gco2e_per_tx", "gCO2e/tx", energy * 1e-4 * (1 + noise / 7)),
      .init("main.settled", "s", seed >> 40 & 1 == 0 ? 1.5 : nil),
    ]
    let values = (0..<80).map { i in
      let wave = 0.2 * noise * Double((i * 37) % 11 - 5) / 5
      return speed * (1 + wave) * min(Double(i) / 4, 1)
    }
    outcome.series = [.init("main.throughput", "tx/s", step: 0.5, values: values)]
    let types = isSlow || isMiddle ? ["block", "inv"] : ["pre-prepare", "prepare", "commit"]
    outcome.messages = types.enumerated().map { index, type in
      .init(
        subsystem: "main", type: type, count: 4000 * (index + 1) + Int(noise * 100),
        bytes: 2_400_000 / (index + 1) + Int(noise * 20000), duplicates: index,
        nodeMeanBytes: 1000.5, nodeMaxBytes: 9000)
    }
    outcome.latencies = ["ingest", "include", "decide", "total"].enumerated().map { index, phase in
      let p50 = delay * [0.05, 0.3, 0.6, 1][index] * (1 + 0.05 * noise)
      return .init(
        subsystem: "main", phase: phase, count: 5000, mean: p50 * 1.2, p50: p50, p90: p50 * 2.1,
        p95: p50 * 2.6, p99: p50 * 4, max: p50 * 6)
    }
    outcome.digests = [.init(subsystem: "main", steps: 123_456, digest: seed &* 0x9e37_79b9)]
    return outcome
  }

  static func records(_ experiment: Experiment) -> [RunRecord] {
    experiment.points.enumerated().flatMap { index, point in
      point.seeds.enumerated().map { replication, seed in
        RunRecord(
          RunID(point: index, replication: replication, seed: seed), outcome(point, seed: seed))
      }
    }
  }

  static func result(_ experiment: Experiment) -> SweepResult {
    let all = records(experiment)
    return SweepResult(
      experiment,
      records: experiment.points.indices.map { point in all.filter { $0.id.point == point } })
  }

  /// Runs what is pending and finishes.
  @discardableResult
  static func complete(_ path: String, _ experiment: Experiment) throws -> SweepResult {
    let folder = try ResultFolder(path, for: experiment)
    for id in folder.pending {
      try folder.append(
        RunRecord(id, outcome(experiment.points[id.point], seed: id.seed)))
    }
    return try folder.finish()
  }
}

/// A new empty folder that goes when the value goes.
final class Scratch {
  let path: String

  init() {
    var template = Array((NSTemporaryDirectory() + "/tributary-test-XXXXXX").utf8CString)
    path = template.withUnsafeMutableBufferPointer { buffer in
      String(cString: mkdtemp(buffer.baseAddress!))
    }
  }

  deinit { Self.remove(path) }

  static func remove(_ path: String) {
    for name in names(path) { remove(path + "/" + name) }
    Glibc.remove(path)
  }

  static func names(_ path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  static func read(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while case let count = fread(&chunk, 1, chunk.count, file), count > 0 {
      bytes += chunk[..<count]
    }
    return bytes
  }

  static func text(_ path: String) -> String { String(decoding: read(path), as: UTF8.self) }

  static func write(_ text: String, _ path: String) {
    guard let file = fopen(path, "w") else { return }
    fputs(text, file)
    fclose(file)
  }

  /// Every file of a folder with its bytes.
  static func contents(_ path: String) -> [String: [UInt8]] {
    Dictionary(uniqueKeysWithValues: names(path).map { ($0, read(path + "/" + $0)) })
  }
}
