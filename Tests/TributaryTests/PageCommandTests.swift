import Foundation
import Testing

/// Pages on the command line.
@Suite("Pages from the command line", .serialized)
struct PageCommandTests {
  private func result(in folder: TemporaryFolder, _ options: String...) throws -> String {
    let file = folder.path + "/small.yaml"
    let text =
      CommandLineTests.good
      + "\nmeasure: transient\nfaults: [{ at: 500 ms, crash: 1, for: 1 s }]"
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    let out = folder.path + "/a"
    let end = try Program.run(["run", file, "--out", out] + options)
    try #require(end.status == 0, "\(end.errors)")
    return out
  }

  @Test("report makes the page that the run wrote, faults and machines included")
  func sameBytes() throws {
    let folder = try TemporaryFolder()
    let out = try result(in: folder)
    let page = out + "/report.html"
    let written = try String(contentsOfFile: page, encoding: .utf8)
    #expect(written.contains("crash of node 1, 0.5 s to 1.5 s"))
    #expect(written.contains("<h2>Busiest machines</h2>"))
    try FileManager.default.removeItem(atPath: page)
    let end = try Program.run(["report", out])
    #expect(end.status == 0 && end.output == "Page: \(page)\n")
    #expect(try String(contentsOfFile: page, encoding: .utf8) == written)
  }

  @Test("what is no result folder, or holds a corrupt file, is exit 65 and leaves the page alone")
  func refused() throws {
    let folder = try TemporaryFolder()
    let out = try result(in: folder)
    let page = try String(contentsOfFile: out + "/report.html", encoding: .utf8)
    for name in ["metrics.csv", "scenario.yaml", "manifest.json"] {
      let file = out + "/" + name
      let text = try String(contentsOfFile: file, encoding: .utf8)
      try String(text.dropLast(5)).write(toFile: file, atomically: true, encoding: .utf8)
      let end = try Program.run(["report", out])
      #expect(end.status == 65 && end.errors.contains(name), "\(end.errors)")
      try text.write(toFile: file, atomically: true, encoding: .utf8)
    }
    #expect(try String(contentsOfFile: out + "/report.html", encoding: .utf8) == page)
    for path in [folder.path, folder.path + "/none", folder.path + "/small.yaml"] {
      let end = try Program.run(["report", path])
      #expect(end.status == 65 && end.errors.contains(path), "\(end.errors)")
    }
    #expect(try Program.run(["report"]).status == 64)
  }

  @Test("compare writes a page beside the first folder, or where it is told to")
  func comparison() throws {
    let folder = try TemporaryFolder()
    let out = try result(in: folder, "--set", "sweep.network.nodes=[4, 7]")
    let end = try Program.run(["compare", out])
    try #require(end.status == 0, "\(end.errors)")
    let page = folder.path + "/a-by-nodes.html"
    #expect(end.output.hasSuffix("Page: \(page)\n"))
    let first = try String(contentsOfFile: page, encoding: .utf8)
    let sentence = try #require(end.output.split(separator: "\n").first)
    #expect(first.contains(sentence), "\(sentence)")
    let other = folder.path + "/other.html"
    #expect(try Program.run(["compare", out, "--json", "--out", other]).status == 0)
    #expect(try String(contentsOfFile: other, encoding: .utf8) == first)
    #expect(try Program.run(["compare", out, "--out", "/proc/nowhere/x.html"]).status == 74)
  }

  @Test("a figure has a page, and report makes drawings and pages from the tables alone")
  func figures() throws {
    let folder = try TemporaryFolder()
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().path
    let packs = root + "/Scenarios/figures"
    let made = try Program.run(
      ["reproduce", "ETH-ECON", "--small", "--out", folder.path, "--packs", packs])
    try #require(made.status == 0, "\(made.errors)")
    let names = ["eth-econ-small.html", "eth-econ-small.svg", "index.html"]
    let written = try names.map {
      try String(contentsOfFile: folder.path + "/" + $0, encoding: .utf8)
    }
    #expect(written[0].contains("in tolerance") && written[2].contains(names[0]))
    for name in names { try FileManager.default.removeItem(atPath: folder.path + "/" + name) }
    #expect(try Program.run(["report", folder.path, "--packs", packs]).status == 0)
    for (name, text) in zip(names, written) {
      #expect(try String(contentsOfFile: folder.path + "/" + name, encoding: .utf8) == text)
    }
    let table = folder.path + "/eth-econ-small.csv"
    try "nothing".write(toFile: table, atomically: true, encoding: .utf8)
    #expect(try Program.run(["report", folder.path, "--packs", packs]).status == 65)
  }
}
