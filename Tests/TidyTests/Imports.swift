/// Who may import whom: the layers of the project, lowest first.
///
/// An edge that is not here is a mistake, or a decision to be made here first.
struct Layer {
  let module: String
  /// Modules and packages, as `Package.swift` names them for this target.
  let dependencies: [String]
  /// Modules of the toolchain.
  var system: [String] = []
  /// Modules that come along with the dependencies.
  var indirect: [String] = []

  var imports: [String] { dependencies + system + indirect }
}

enum Layers {
  static let table = [
    Layer(module: "Kernel", dependencies: []),
    Layer(module: "Statistics", dependencies: ["CGSL"]),
    Layer(module: "Ledger", dependencies: ["Kernel"]),
    Layer(module: "Machines", dependencies: ["Kernel"]),
    Layer(module: "Networking", dependencies: ["Kernel", "Machines"]),
    Layer(module: "Metrics", dependencies: ["Kernel", "Statistics", "Ledger"]),
    Layer(module: "Consensus", dependencies: ["Kernel", "Ledger", "Machines"]),
    Layer(module: "Protocols", dependencies: ["Kernel", "Ledger", "Machines", "Consensus"]),
    Layer(module: "Workloads", dependencies: ["Kernel", "Ledger"]),
    Layer(module: "Sharding", dependencies: ["Kernel", "Ledger", "Machines", "Consensus"]),
    Layer(
      module: "Simulation",
      dependencies: [
        "Kernel", "Ledger", "Machines", "Networking", "Metrics", "Consensus", "Workloads",
        "Sharding",
      ]),
    Layer(
      module: "Scenarios",
      dependencies: [
        "Kernel", "Statistics", "Ledger", "Machines", "Networking", "Metrics", "Consensus",
        "Protocols", "Workloads", "Sharding", "Simulation", "Yams",
      ],
      system: ["Foundation", "Glibc"]),
    Layer(
      module: "Exploration", dependencies: ["Kernel", "Consensus", "Simulation", "Scenarios"]),
    Layer(
      module: "Reproduction",
      dependencies: [
        "Kernel", "Statistics", "Ledger", "Metrics", "Consensus", "Protocols", "Sharding",
        "Simulation", "Scenarios",
      ],
      system: ["Foundation"]),
    Layer(
      module: "Probing",
      dependencies: ["Kernel", "Statistics", "Protocols", "Simulation", "Scenarios"]),
    Layer(
      module: "Reporting", dependencies: ["Kernel", "Metrics", "Statistics", "CSQLite"],
      system: ["Foundation", "FoundationEssentials", "Glibc", "Synchronization"]),
    Layer(
      module: "tributary",
      dependencies: [
        "Scenarios", "Exploration", "Reproduction", "Probing", "Reporting", "ArgumentParser",
      ],
      system: ["Foundation", "Glibc", "Dispatch", "Synchronization"],
      indirect: [
        "Kernel", "Statistics", "Ledger", "Machines", "Networking", "Metrics", "Consensus",
        "Protocols", "Workloads", "Sharding", "Simulation",
      ]),
  ]

  /// Measures all layers, so it may import them all.
  static let unlimited = ["tributary-bench"]

  /// Maps of C libraries: headers only.
  static let systemLibraries = ["CGSL", "CSQLite"]

  static func isSimulated(_ module: String) -> Bool {
    table.contains { $0.module == module && $0.system.isEmpty }
  }
}

private let importLine =
  #"^[ \t]*(?:@[\w()]+\s+)*(?:\w+[ \t]+)?import[ \t]+"#
  + #"(?:(?:struct|class|enum|protocol|func|var|let|typealias)[ \t]+)?(\w+)"#

/// Every `import` is an edge of the table.
func importsFollowTheTable(_ file: SourceFile) -> [Finding] {
  guard file.isSwift, let module = file.module, !Layers.unlimited.contains(module) else {
    return []
  }
  guard let layer = Layers.table.first(where: { $0.module == module }) else {
    return [
      Finding(rule: "import", path: file.path, line: 1, detail: "\(module) is not in the table")
    ]
  }
  return matches(of: importLine, in: file.code)
    .filter { !layer.imports.contains($0.text) }
    .map {
      Finding(
        rule: "import", path: file.path, line: $0.line,
        detail: "\(module) may not import \($0.text)")
    }
}

/// The `library("X", [...])` lines of `Package.swift` are the table's dependencies.
func manifestFollowsTheTable(_ manifest: String) -> [Finding] {
  func finding(_ detail: String, line: Int = 1) -> Finding {
    Finding(rule: "manifest", path: "Package.swift", line: line, detail: detail)
  }
  // The manifest gives the products of packages short names.
  let products = ["yams": "Yams", "arguments": "ArgumentParser"]
  var seen: [String] = []
  var findings: [Finding] = []
  for call in matches(of: #"\blibrary\(\s*("\w+",\s*\[[^\]]*\])"#, in: manifest) {
    let words = matches(of: #"\w+"#, in: call.text).map { products[$0.text] ?? $0.text }
    let dependencies = words.dropFirst().sorted()
    seen.append(words[0])
    guard let layer = Layers.table.first(where: { $0.module == words[0] }) else {
      findings.append(finding("\(words[0]) is not in the table", line: call.line))
      continue
    }
    if dependencies != layer.dependencies.sorted() {
      let allowed = layer.dependencies.sorted()
      findings.append(
        finding("\(words[0]) depends on \(dependencies), not on \(allowed)", line: call.line))
    }
  }
  for layer in Layers.table where layer.module != "tributary" && !seen.contains(layer.module) {
    findings.append(finding("\(layer.module) has no library line"))
  }
  return findings
}
