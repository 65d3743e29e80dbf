import FoundationEssentials

/// `manifest.json`: what was run, by which version, with which seeds, and what to beware of.
struct Manifest: Codable, Equatable {
  struct Point: Codable, Equatable {
    var labels: [Label]
    var replications: [Replication]
    /// Missing from the results of older versions.
    var workload: String?
    var faults: [SweepPoint.Mark]?
  }

  struct File: Codable, Equatable {
    var name: String
    var checksum: String
  }

  struct Warning: Codable, Equatable {
    var point: Int?
    var replications: [Int]
    var text: String
  }

  struct Violation: Codable, Equatable {
    var point: Int
    var replication: Int
    var seed: String
    var subsystem: String
    var monitor: String
    var time: Double
    var detail: String
  }

  struct Label: Codable, Equatable {
    var key: String
    var value: String
  }

  struct Replication: Codable, Equatable {
    var seed: String
    var digest: String
  }

  var name: String
  var scenarioDigest: String
  var version: String
  var toolchain: String
  var gsl: String
  var seed: String
  var swept: [String]
  var points: [Point]
  var warnings: [Warning]
  var violations: [Violation]
  /// The other files of the folder, but for the page; missing from the results of older versions.
  var files: [File]?

  /// The format of the folder; raised when a reader of the old one would be misled.
  static let format = 1

  /// The manifest's text, without runs for a plan.
  ///
  /// - Parameter files: the others of the folder.
  static func text(
    _ experiment: Experiment, _ summary: Summary?, records: [[RunRecord]]?,
    files: [(name: String, text: String)] = []
  ) -> String {
    let points = experiment.points.enumerated().map { index, point in
      JSONText.object([
        ("labels", .array(point.labels.map { label($0) })),
        ("workload", point.workload.map { .string($0) } ?? .null),
        ("faults", .array(point.faults.map(mark))),
        (
          "replications",
          .array(
            point.seeds.indices.map {
              replication(seed: point.seeds[$0], record: records?[index][$0])
            })
        ),
      ])
    }
    var members: [(key: String, value: JSONText)] = [
      ("format", .integer(format)),
      ("gsl", .string(experiment.gslVersion)),
      ("name", .string(experiment.name)),
      ("points", .array(points)),
      ("scenarioDigest", .string(experiment.scenarioDigest)),
      // Seeds are text: many readers of JSON hold numbers as doubles, which lose their last bits.
      ("seed", .string(String(experiment.seed))),
      ("swept", .strings(experiment.sweptKeys)),
      ("toolchain", .string(experiment.toolchain)),
      ("version", .string(experiment.version)),
    ]
    if let summary {
      members.append(("warnings", .array(summary.notices.map(notice))))
      members.append(("violations", .array(summary.violations.map(violation))))
      members.append(("files", .array(files.map { file(named: $0.name, $0.text) })))
    } else {
      members.append(("warnings", .strings(experiment.warnings)))
      members.append(("scenario", .string(experiment.scenario)))
    }
    return JSONText.object(members).text
  }

  private static func label(_ label: SweepPoint.Label) -> JSONText {
    .object([("key", .string(label.key)), ("value", .string(label.value))])
  }

  private static func mark(_ mark: SweepPoint.Mark) -> JSONText {
    .object([
      ("text", .string(mark.text)), ("start", .optional(mark.start)),
      ("end", .optional(mark.end)),
    ])
  }

  private static func file(named name: String, _ text: String) -> JSONText {
    .object([("name", .string(name)), ("checksum", .string(Checksum.hex(of: text)))])
  }

  private static func replication(seed: UInt64, record: RunRecord?) -> JSONText {
    guard let record else { return .object([("seed", .string(String(seed)))]) }
    return .object([
      ("seed", .string(String(seed))),
      ("digest", .string(record.digest)),
      (
        "subsystems",
        .array(
          record.outcome.digests.map {
            .object([
              ("name", .string($0.subsystem)), ("steps", .string(String($0.steps))),
              ("digest", .string(Checksum.hex($0.digest))),
            ])
          })
      ),
    ])
  }

  static func notice(_ notice: Notice) -> JSONText {
    .object([
      ("point", notice.point.map { .integer($0) } ?? .null),
      ("replications", .array(notice.replications.map { .integer($0) })),
      ("text", .string(notice.text)),
    ])
  }

  static func violation(_ found: Summary.FoundViolation) -> JSONText {
    .object([
      ("point", .integer(found.run.point)),
      ("replication", .integer(found.run.replication)),
      ("seed", .string(String(found.run.seed))),
      ("subsystem", .string(found.violation.subsystem)),
      ("monitor", .string(found.violation.monitor)),
      ("time", .number(found.violation.time)),
      ("detail", .string(found.violation.detail)),
    ])
  }

  init(reading bytes: [UInt8], at path: String) throws(OutputError) {
    do {
      self = try JSONDecoder().decode(Manifest.self, from: Data(bytes))
    } catch {
      throw .unreadable(path: path, reason: "is not a manifest of results")
    }
  }
}
