import Testing

/// A file that breaks one rule, or just does not.
struct Planted: CustomTestStringConvertible {
  let rule: String?
  let path: String
  let text: String

  init(_ rule: String?, in path: String, _ text: String) {
    self.rule = rule
    self.path = path
    self.text = text
  }

  var testDescription: String {
    "\(rule ?? "nothing") in \(path): \(text.prefix(60).replacing("\n", with: "|"))"
  }
}

private let kernel = "Sources/Kernel/Queue.swift"
private let reporting = "Sources/Reporting/Page.swift"
private let pbft = "Sources/Protocols/PBFT/PBFT.swift"

@Suite("Each rule fires on what it forbids, and only there")
struct RuleTests {
  @Test("a planted construct is found", arguments: bad)
  func found(planted: Planted) {
    #expect(findings(planted).contains { $0.rule == planted.rule })
  }

  @Test("what looks like it is let through", arguments: good)
  func letThrough(planted: Planted) {
    #expect(findings(planted) == [])
  }

  @Test("every construct of the table is planted somewhere")
  func complete() {
    for construct in Constructs.table {
      #expect(Self.bad.contains { $0.rule == construct.rule }, "\(construct.rule)")
    }
  }

  @Test("a finding names the line")
  func line() {
    let file = SourceFile(path: kernel, text: "/* one\n two */\nlet a = 1\nlet b = try! f()\n")
    #expect(Constructs.findings(in: file).map(\.line) == [4])
    #expect(
      Constructs.findings(in: file).first?.description.hasPrefix("\(kernel):4: crash") == true)
  }

  func findings(_ planted: Planted) -> [Finding] {
    let file = SourceFile(path: planted.path, text: planted.text)
    return rules.flatMap { $0(file) }
  }

  static let bad = [
    Planted("import", in: kernel, "import Ledger"),
    Planted("import", in: kernel, "import Foundation"),
    Planted("import", in: kernel, "internal import struct Glibc.timespec"),
    Planted("import", in: reporting, "@preconcurrency import CGSL"),
    Planted("import", in: pbft, "import Simulation"),
    Planted("import", in: "Sources/Simulation/Engine.swift", "@_exported import Protocols"),
    Planted("import", in: "Sources/Attic/Old.swift", "let a = 1"),
    Planted("clock", in: kernel, "let start = ContinuousClock.now"),
    Planted("clock", in: reporting, "let start = Date()"),
    Planted("clock", in: reporting, "let seed = time(nil)"),
    Planted("clock", in: reporting, "let cores = ProcessInfo.processInfo"),
    Planted("clock", in: reporting, "let s = \"at \\(Date.now)\""),
    Planted("address", in: reporting, "let key = ObjectIdentifier(node)"),
    Planted("address", in: kernel, "seed ^= name.hashValue"),
    Planted("address", in: kernel, "var hasher = Hasher()"),
    Planted("address", in: kernel, "Unmanaged.passUnretained(x).toOpaque()"),
    Planted("hashed order", in: pbft, "var seen: Set<Int> = []"),
    Planted("hashed order", in: pbft, "var seen = Set(nodes)"),
    Planted("hashed order", in: pbft, "var votes: [ReplicaID: [Vote]] = x"),
    Planted("hashed order", in: kernel, "let votes = Dictionary(grouping: a) { $0 }"),
    Planted("hashed order", in: kernel, "f([:])"),
    Planted("randomness", in: pbft, "let i = Int.random(in: 0..<n)"),
    Planted("randomness", in: kernel, "nodes.shuffled()"),
    Planted("randomness", in: kernel, "nodes.shuffle(using: &stream)"),
    Planted("randomness", in: kernel, "let node = nodes.randomElement()!"),
    Planted("randomness", in: kernel, "var generator = SystemRandomNumberGenerator()"),
    Planted("libm", in: kernel, "let x = -log(u) / rate"),
    Planted("libm", in: pbft, "let x = 1 - pow(1 - f, a)"),
    Planted("libm", in: kernel, "let x = sqrt (u)"),
    Planted("crash", in: reporting, "let a = try! f()"),
    Planted("crash", in: reporting, "let a = b as! Int"),
    Planted("existential", in: pbft, "var inner: any ConsensusProtocol"),
    Planted("existential", in: kernel, "let all: [any Sendable] = []"),
    Planted("stored closure", in: kernel, "  let action: () -> Void"),
    Planted("stored closure", in: kernel, "  var action: (@Sendable (Int) throws -> Void)?"),
    Planted("package access", in: kernel, "package struct Queue {}"),
    Planted("package access", in: kernel, "package(set) var x = 1"),
    Planted("testable import", in: "Tests/KernelTests/QueueTests.swift", "@testable import Kernel"),
    Planted("file length", in: kernel, String(repeating: "let a = 1\n", count: 401)),
    Planted("line length", in: kernel, "// " + String(repeating: "a", count: 98)),
    Planted("function length", in: kernel, "func f() {\n" + statements(69) + "}\n"),
    Planted("function length", in: kernel, "  init(a: Int) {\n" + statements(69) + "}\n"),
    Planted("function length", in: kernel, "var x: Int {\n" + statements(69) + "}\n"),
    Planted("function length", in: kernel, "func < (a: A)\n -> [A] {\n" + statements(69) + "}\n"),
    Planted("file name", in: "Sources/Kernel/Helpers.swift", ""),
    Planted("file name", in: "Sources/Kernel/QueueUtils.swift", ""),
    Planted("file name", in: "Sources/Kernel/NodeManager.swift", ""),
    Planted("left over", in: "Scripts/run", "# TO" + "DO: later"),
    Planted("left over", in: kernel, "// FIX" + "ME"),
    Planted("machine path", in: "README.md", "cd /ho" + "me/ann/tributary"),
    Planted("machine path", in: kernel, "let path = \"/ro" + "ot/data\""),
  ]

  static let good = [
    Planted(nil, in: kernel, "// ContinuousClock, try! and as! are forbidden; import Ledger"),
    Planted(nil, in: kernel, "let text = \"Date() any Node [Int: Int] log(x)\""),
    Planted(nil, in: kernel, "let text = #\"a \"quoted\" hashValue\"#"),
    Planted(nil, in: kernel, "let text = \"\"\"\n  try! \"as!\"\n  \"\"\"\nlet a = 1"),
    Planted(nil, in: kernel, "/* outer /* inner */ Hasher() */ let a = 1"),
    Planted(nil, in: "Sources/Ledger/Block.swift", "import Kernel"),
    Planted(
      nil, in: "Sources/tributary-bench/Phold.swift", "import Kernel\nlet c = ContinuousClock()"),
    Planted(nil, in: "Sources/Reporting/Progress.swift", "import Foundation\nlet now = Date()"),
    Planted(nil, in: reporting, "import Foundation\nvar rows: [String: Int] = [:]"),
    Planted(nil, in: kernel, "let x = table[row: 3] + catalog(4) + Real.log(2) + x.squareRoot()"),
    Planted(nil, in: kernel, "func log(_ x: Double) -> Double { x }"),
    Planted(nil, in: kernel, "let x = exp2(high: high, low: low)"),
    Planted(nil, in: kernel, "func hash(into hasher: inout Hasher) { hasher.combine(a) }"),
    Planted(nil, in: kernel, "let pair = [Int](repeating: 0, count: 3)"),
    Planted(nil, in: kernel, "let many = company ? A : b"),
    Planted(nil, in: kernel, "func each(_ body: (Int) -> Void) { body(1) }"),
    Planted(nil, in: kernel, "func f() {\n" + statements(68) + "}\n"),
    Planted(nil, in: kernel, "protocol P {\n  func f()\n  init(a: Int)\n}\n" + statements(80)),
    Planted(nil, in: kernel, "  self.init(\n" + statements(80) + ")\n"),
    Planted(nil, in: kernel, String(repeating: "let a = 1\n", count: 400)),
    Planted(nil, in: "Sources/Ledger/Database.swift", ""),
    Planted(nil, in: "README.md", "see https://example.org/ho" + "me/page"),
  ]

  static func statements(_ count: Int) -> String { String(repeating: "  a += 1\n", count: count) }
}

@Suite("Rules about the project as a whole")
struct ProjectRuleTests {
  @Test("a folder of a protocol without its page is found")
  func pages() {
    let paths = [
      "Sources/Protocols/PBFT/PBFT.swift", "Sources/Protocols/PBFT/PBFT.md",
      "Sources/Protocols/Praos/Praos.swift", "Sources/Protocols/Registry.swift",
    ]
    #expect(protocolsHavePages(paths).map(\.path) == ["Sources/Protocols/Praos/Praos.md"])
  }

  @Test("a manifest that departs from the table is found")
  func manifest() throws {
    let manifest = try #require(Project.read("Package.swift"))
    let more = manifest.replacing(
      "library(\"Ledger\", [", with: "library(\"Ledger\", [\"Metrics\", ")
    #expect(manifestFollowsTheTable(more).map(\.rule) == ["manifest"])
    let less = manifest.replacing("library(\"Machines\", [\"Kernel\"]", with: "other(")
    #expect(manifestFollowsTheTable(less).map(\.detail) == ["Machines has no library line"])
    let other = manifest.replacing("library(\"Kernel\", []", with: "library(\"Core\", []")
    #expect(manifestFollowsTheTable(other).count == 2)
  }
}

@Suite("Stripping leaves code where it was")
struct StrippingTests {
  @Test("comments and strings go, lines and columns stay")
  func stays() {
    #expect(strippedCode("a // b\nc /* d\n/* e */ */ f") == "a     \nc     \n           f")
    #expect(strippedCode("f(\"a\\\"b\", \"\") + g") == "f(\"    \", \"\") + g")
    #expect(strippedCode("#\"a\"b\"# + c") == "#\"   \"# + c")
    #expect(strippedCode("\"\"\"\n a \"b\"\n \"\"\" + c") == "\"\"\"\n      \n \"\"\" + c")
  }

  @Test("interpolations are code, also nested ones")
  func interpolations() {
    #expect(strippedCode("\"a \\(f(x)) b\" + c") == "\"   (f(x))  \" + c")
    #expect(strippedCode("\"\\(f(\"in \\(y)\")) z\"") == "\" (f(\"    (y)\"))  \"")
    #expect(strippedCode("#\"\\(n) \\#(m)\"#") == "#\"       (m)\"#")
  }
}
