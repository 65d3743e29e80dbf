import Testing

/// Every rule over single files.
let rules: [Rule] = [
  importsFollowTheTable, Constructs.findings(in:), filesAreShort, linesAreShort,
  functionsAreShort, filesAreNamed, nothingIsLeftOver, noMachineIsNamed,
]

@Suite("The house rules hold")
struct TidyTests {
  @Test("in every file of the project")
  func everyFile() {
    let files = Project.files()
    #expect(files.contains { $0.path == "Sources/Kernel/SimTime.swift" }, "the tree was not read")
    let all = files.flatMap { file in rules.flatMap { $0(file) } }
    let findings = all.filter { finding in
      !exemptions.contains { $0.rule == finding.rule && $0.path == finding.path }
    }
    for finding in findings { Issue.record("\(finding)") }

    for exemption in exemptions {
      let isUsed = all.contains { $0.rule == exemption.rule && $0.path == exemption.path }
      #expect(isUsed, "\(exemption.path) needs no exemption from \(exemption.rule) any more")
    }
  }

  @Test("in the manifest, whose dependencies are the layers")
  func manifest() throws {
    let manifest = try #require(Project.read("Package.swift"))
    for finding in manifestFollowsTheTable(manifest) { Issue.record("\(finding)") }
  }

  @Test("in the folder of each protocol, which has a page")
  func pages() {
    for finding in protocolsHavePages(Project.files().map(\.path)) { Issue.record("\(finding)") }
  }
}
