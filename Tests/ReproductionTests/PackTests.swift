import Foundation
import Reproduction
import Scenarios
import Testing

/// The packs as they are shipped, and what is kept of their results.
enum Shipped {
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
  static let results = root + "/Results/figures"

  static let folders: [String] = {
    let home = root + "/" + Pack.home
    let names = (try? FileManager.default.contentsOfDirectory(atPath: home)) ?? []
    return names.sorted().filter {
      FileManager.default.fileExists(atPath: "\(home)/\($0)/pack.yaml")
    }
  }()

  static func pack(_ name: String) throws -> Pack {
    try Pack(folder: "\(root)/\(Pack.home)/\(name)")
  }

  static func run(_ figure: Reproduction) throws -> FigureComparison {
    try figure.compare(figure.jobs.indices.map { figure.run($0) })
  }

  static func kept(_ name: String) throws -> String {
    try String(contentsOfFile: "\(results)/\(name).csv", encoding: .utf8)
  }
}

@Suite("Packs of published figures")
struct PackTests {
  @Test("at its small size a figure is what is kept of it, and exact ones are in tolerance")
  func small() throws {
    #expect(Shipped.folders.count >= 21)
    for name in Shipped.folders {
      let pack = try Shipped.pack(name)
      #expect(pack.id.lowercased() == name)
      let comparison = try Shipped.run(try Reproduction(pack, .small))
      #expect(comparison.violations == [], "\(name)")
      if pack.kind == .exact { #expect(comparison.isInTolerance, "\(comparison.text)") }
      let kept = try Shipped.kept("\(name)-small")
      #expect(
        comparison.csv == kept,
        "if it was meant to change: tributary reproduce --all --small, and Results/CHANGES.md")
    }
  }

  @Test("every full size can be read, and the page says what came of it, or that it was not run")
  func full() throws {
    let page = try String(contentsOfFile: Shipped.root + "/Results/README.md", encoding: .utf8)
    for name in Shipped.folders {
      let figure = try Reproduction(try Shipped.pack(name), .full)
      #expect(!figure.jobs.isEmpty)
      let row = page.split(separator: "\n").first { $0.hasPrefix("| \(figure.pack.id) ") }
      let line = try #require(row, "Results/README.md does not list \(figure.pack.id)")
      guard let kept = try? Shipped.kept(name) else {
        #expect(line.contains("not run"), "\(line)")
        continue
      }
      let lines = kept.split(separator: "\n")
      #expect(lines[0] == "# \(figure.pack.id): \(figure.pack.title)")
      let digest = try #require(lines.first { $0.hasPrefix("# digest: ") })
      #expect(line.contains(digest.dropFirst("# digest: ".count)), "\(line)")
      let verdict = try #require(lines.first { $0.hasPrefix("# size: full; ") })
      let isIn = verdict.contains("in tolerance") && !verdict.contains("out of tolerance")
      #expect(line.contains("out of tolerance") == verdict.contains("out of tolerance"), "\(line)")
      if figure.pack.kind == .exact { #expect(isIn, "\(verdict)") }
    }
  }

  @Test("a run again has the same bytes")
  func repeats() throws {
    let figure = try Reproduction(try Shipped.pack("pow-ds"), .small)
    let (a, b) = (try Shipped.run(figure), try Shipped.run(figure))
    #expect(a.csv == b.csv && a.digest == b.digest)
  }
}

/// A pack of PBFT's message counts, with what a test plants in it.
struct PlantedPack {
  let folder: String

  init(value: String = "24", column: String = "messages", metric: String = "main.decisions") throws
  {
    folder = NSTemporaryDirectory() + "pack-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try "# nobody\nn,messages\n4,\(value)\n".write(
      toFile: folder + "/published.csv", atomically: true, encoding: .utf8)
    let scenario = Shipped.root + "/\(Pack.home)/bft-msgs/pbft.yaml"
    try FileManager.default.copyItem(atPath: scenario, toPath: folder + "/pbft.yaml")
    let counts = "main.message.pre-prepare + main.message.prepare + main.message.commit"
    try """
    tributary: 1
    id: PLANTED
    title: planted
    citation: nobody
    published: nothing
    calibration: nothing
    deviations: none
    kind: exact
    data: published.csv
    plot: { x: n }
    studies:
      - scenario: pbft.yaml
        set: ["network.nodes={n}"]
        quantities:
          - name: messages
            unit: msg
            published: \(column)
            metric: \(counts) / \(metric)
            tolerance: { absolute: 0 }
    small: {}
    full: {}
    """.write(toFile: folder + "/pack.yaml", atomically: true, encoding: .utf8)
  }

  func compare() throws -> FigureComparison {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try Shipped.run(try Reproduction(try Pack(folder: folder), .small))
  }
}

@Suite("Verdicts on figures")
struct VerdictTests {
  @Test("one message more or less than published is out of tolerance")
  func planted() throws {
    #expect(try PlantedPack().compare().isInTolerance)
    #expect(try !PlantedPack(value: "25").compare().isInTolerance)
    #expect(try !PlantedPack(value: "23").compare().isInTolerance)
  }

  @Test("a value that the runs do not give is out of tolerance, not left out")
  func missing() throws {
    let comparison = try PlantedPack(metric: "main.nothing").compare()
    #expect(comparison.rows[0].simulated == nil)
    #expect(!comparison.isInTolerance)
  }

  @Test("an empty cell is a prediction, which decides nothing")
  func prediction() throws {
    let comparison = try PlantedPack(value: "").compare()
    #expect(comparison.rows[0].verdict == .predicted)
    #expect(comparison.rows[0].simulated == 24)
    #expect(comparison.isInTolerance && comparison.score.of == 0)
  }

  @Test("a column that is not there, and a word for a number, are errors with their file")
  func mistakes() throws {
    let wrong = try #require(throws: ScenarioErrors.self) {
      try PlantedPack(column: "mesages").compare()
    }
    #expect("\(wrong)".contains("'mesages' is no column"))
    let word = try #require(throws: ScenarioErrors.self) {
      try PlantedPack(value: "many").compare()
    }
    #expect("\(word)".contains("published.csv:3: messages: 'many' is not a number"))
  }

  @Test("tables need notes, columns, and as many values as columns")
  func tables() throws {
    for (text, part) in [
      ("a,b\n1,2\n", "notes"), ("# n\na,b\n1\n", "1 values where 2"), ("# n\na,a\n1,2\n", "names"),
      ("# n\n", "no columns"), ("# n\na,b\n\"1,2\n", "quote"),
    ] {
      let error = try #require(throws: ScenarioErrors.self) {
        try PublishedTable(text: text, file: "t.csv")
      }
      #expect("\(error)".contains(part), "\(error)")
    }
    let table = try PublishedTable(text: "# n\na,b\n\"x, y\",2\n", file: "t.csv")
    #expect(table.text("a", of: table.rows[0]) == "x, y")
    #expect(try table.number("b", of: table.rows[0]) == 2)
  }
}
