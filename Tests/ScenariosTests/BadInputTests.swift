import Foundation
import Scenarios
import Testing

@Suite("Bad scenario files")
struct BadInputTests {
  static let head = "tributary: 1\nname: x\nnetwork: {nodes: {us-east-1: 4}}\n"
  static let chains = "chains: [{name: a}]\n"

  /// A line to be added to a good file, and the complaint that it brings.
  static let table: [(text: String, complaint: String)] = [
    ("until: 1 s\nuntil: 2 s", "5: the key 'until' is given twice, here and further down"),
    ("seed: &a 1", "5: an anchor (&); write the value out, or quote the text"),
    ("seed: *a", "5: an alias (*); write the value out, or quote the text"),
    ("seed: !!int 1", "5: a tag (!); values need none, or quote the text"),
    ("? [a]\n: 1", "5: a complex key (?); keys are plain names"),
    ("[a]: 1", "5: a key must be a plain name, not a list or a section"),
    ("'': 1", "5: a key without a name"),
    ("---\na: 1", "5: a second document ('---'); a scenario is one document"),
    ("seed: [1", "6: not valid YAML: did not find expected ',' or ']'"),
    ("seed: 'a", "6: not valid YAML: found unexpected end of stream"),
    ("\tseed: 1", "5: not valid YAML: found character that cannot start any token"),
    ("seed: \u{1}", "5: an unprintable character (code 1)"),
    ("seed: a\u{2028}b", "5: a line separator"),
    ("seed: a\u{85}b", "5: an unprintable character (code 133)"),
    ("seed: " + String(repeating: "[", count: 100), "5: nested deeper than 64"),
    ("seed:", "5: seed: must be one count, not nothing (allowed: at least 0)"),
    ("seed: ~", "5: seed: must be one count, not nothing (allowed: at least 0)"),
    ("seed: [1]", "5: seed: must be one count, not a list (allowed: at least 0)"),
    ("seed: {a: 1}", "5: seed: must be one count, not a section (allowed: at least 0)"),
    ("seed: -1", "5: seed: -1: is negative (allowed: at least 0)"),
    ("seed: 1.5", "5: seed: 1.5: must be a whole number"),
    ("seed: 99999999999999999999", "5: seed: 99999999999999999999: has more than 18"),
    ("retries: 11", "5: retries: 11: is out of range (allowed: 1 to 10)"),
    ("until: {at-most: 1 s}", "5: until.decisions: is missing: how many decisions end the run"),
    ("until: {decisions: 0}", "5: until.decisions: 0: is out of range (allowed: 1 to 1000000)"),
    ("until: 1 /s", "5: until: 1 /s: /s is a unit of rate, but this is a duration"),
    ("untill: 1 s", "5: untill: unknown key; did you mean 'until'?"),
    ("colour: red", "5: colour: unknown key (allowed: name, seed, until, network, chains, "),
    ("workload: 5", "5: workload: must be a section, not a single value"),
    ("workload: {arrivals: poison}", "5: workload.arrivals: unknown alternative 'poison'"),
    ("workload: {arrivals: []}", "5: workload.arrivals: []: must name one alternative"),
    ("workload: {arrivals: {poisson: 1 /s, bursts: }}", "5: workload.arrivals: must name exactly"),
    ("workload: {arrivals: {bursts: 5}}", "5: workload.arrivals.bursts: must be a section"),
    ("workload: {size: 0 B}", "5: workload.size: 0 B: is out of range (allowed: 1 B to 1 MB)"),
    ("faults: {at: 1 s}", "5: faults: must be a list, not a section"),
    ("faults: [5]", "5: faults.0: must be a section, not a single value"),
    ("faults: [{at: 1 s}]", "5: faults.0: needs exactly one of its alternatives, but none is"),
    ("faults: [{at: 1 s, crash: a, loss: 5 %}]", "5: faults.0: needs exactly one of its alternat"),
    ("faults: [{crash: a}]", "5: faults.0.at: is missing: when it begins"),
    ("faults: [{at: 1 s, loss: 120 %}]", "5: faults.0.loss: 120 %: is out of range (allowed: 0 t"),
    ("sweep: 5", "5: sweep: 5: must be a section of paths and lists"),
    ("sweep: {seed: 5}", "5: sweep.seed: 5: must be a list of values or a range"),
    ("sweep: {seed: []}", "5: sweep.seed: has no values"),
    ("sweep: {seed: [1, 1]}", "5: sweep.seed: 1: appears twice"),
    ("sweep: {seeed: [1]}", "5: seeed: unknown key; did you mean 'seed'?"),
    ("sweep: {seed: [1, x]}", "5: seed: x: is not a whole number; write it like '100'"),
    ("sweep: {chains.b.name: [x]}", "5: chains: the list has no element 'b' (allowed: a)"),
    ("sweep: {seed.x: [1]}\nseed: 5", "5: seed: is a single value here ('5')"),
    ("sweep: {seed: {from: 1, to: 5}}", "5: sweep.seed.points: needs either"),
    ("sweep: {until: {from: 1 s, to: 5 h, points: 2}}", "5: sweep.until.to: 5 h: must have the sa"),
    ("sweep: {seed: {from: 1, to: 5, step: 7}}", "5: sweep.seed.step: 7: must be above zero and"),
    ("sweep: {seed: {from: 1, to: 5, step: 0}}", "5: sweep.seed.step: 0: must be above zero and"),
    ("sweep: {seed: {from: 1, to: 5, step: 1 s}}", "5: sweep.seed.step: 1 s: must have the same"),
    ("sweep: {seed: {from: 1, to: 9, step: 2, points: 2}}", "5: sweep.seed.points: 2: needs ei"),
    ("sweep: {seed: {from: 1, to: 9, step: 2, scale: log}}", "5: sweep.seed.step: 2: is for a"),
    ("sweep: {seed: {from: 1, to: 9e9, step: 1}}", "5: sweep.seed.step: 1: makes too many values"),
    ("sweep: {seed: {from: 1, to: 5, steps: 2}}", "5: sweep.seed.steps: unknown key; did you"),
    ("sweep: {zip: {seed: [1, 2], until: [1 s]}}", "5: sweep.zip.until: has 1 values, but 'seed'"),
    (
      "sweep: {seed: {from: 1, to: 101, points: 101}, retries: {from: 1, to: 100, points: 100}}",
      "5: sweep: the sweep has more than 10000 points"
    ),
    (
      "sweep: {chains.a.consensus.pbft.batch: [1], chains.0.consensus: [pbft]}",
      "5: sweep.chains.0.consensus: would overwrite 'chains.a.consensus.pbft.batch'"
    ),
  ]

  @Test("each mistake is named with its line and key", arguments: table.indices)
  func mistakes(index: Int) {
    let (text, complaint) = Self.table[index]
    let lines = complaints(about: Self.head + Self.chains + text + "\n")
    #expect(lines.first?.hasPrefix("a.yaml:\(complaint)") == true, "\(text): \(lines)")
    #expect(lines.count == 1, "\(text): \(lines)")
  }

  @Test("a missing list, a duplicate name and a bad distribution are mistakes of their keys")
  func otherMistakes() {
    #expect(
      complaints(about: Self.head) == [
        "a.yaml:1: chains: is missing: the chains of the run (allowed: 1 to 16 elements)"
      ])
    #expect(
      complaints(about: Self.head + "chains: []\n") == [
        "a.yaml:4: chains: has 0 elements (allowed: 1 to 16 elements)"
      ])
    #expect(
      complaints(about: Self.head + "chains: [{name: a}, {name: a}]") == [
        "a.yaml:4: chains: two elements have the name 'a'"
      ])
    let network = "tributary: 1\nname: x\nchains: [{name: a}]\nnetwork: {nodes: {us-east-1: 4}, "
    let table = [
      ("{normal: {mean: 1 s}}", "delay.normal.sd: is missing"),
      ("{normal: {mean: 1 s, sd: 1 s, shape: 3}}", "delay.normal.shape: unknown key"),
      ("{uniform: {from: 2 s, to: 1 s}}", "delay.uniform.to: 1 s: is less than 'from'"),
      ("{gama: {mean: 2 s}}", "delay: {\"gama\":{\"mean\":\"2 s\"}}: must be one distribution"),
      ("[1 s]", "delay: must be one duration, not a list"),
      ("-5 ms", "delay: -5 ms: is negative"),
    ]
    for (text, complaint) in table {
      let lines = complaints(about: network + "delay: \(text)}")
      #expect(lines.count == 1)
      #expect(lines.first?.hasPrefix("a.yaml:4: network.\(complaint)") == true, "\(lines)")
    }
  }

  @Test(
    "what is no scenario at all is refused",
    arguments: [
      ("", "a.yaml: the file is empty"),
      ("# only a comment\n", "a.yaml: the file is empty"),
      ("hello", "a.yaml:1: a scenario is a list of keys and values"),
      ("- 1\n- 2", "a.yaml:1: a scenario is a list of keys and values"),
      ("name: x", "a.yaml:1: tributary: the version of the language is missing"),
      ("tributary: 2", "a.yaml:1: tributary: 2: this program reads version 1"),
      ("\u{FEFF}tributary: 2", "a.yaml:1: tributary: 2: this program reads version 1"),
      ("&a [*a]", "a.yaml:1: an anchor (&)"),
      ("tributary: 1\na: &a\n  b: *a", "a.yaml:2: an anchor (&)"),
      ("%YAML 1.1\n---\ntributary: 1", "a.yaml:1: a YAML directive"),
      ("a: |\n  &x *y\nb: &c 1", "a.yaml:3: an anchor (&)"),
      ("a: 'it''s\n  &x'\nb: *c", "a.yaml:3: an alias (*)"),
      ("a: it's\n  'so\nb: *c", "a.yaml:3: an alias (*)"),
    ])
  func refused(text: String, complaint: String) {
    let lines = complaints(about: text)
    #expect(lines.first?.hasPrefix(complaint) == true, "\(lines)")
  }

  @Test("deep nesting in any style is refused before it can exhaust the stack")
  func deep() {
    let styles = [
      String(repeating: "[", count: 100_000), String(repeating: "{a: ", count: 100_000),
      String(repeating: "- ", count: 100_000), String(repeating: "? ", count: 100_000),
      "a:\n" + (0..<1500).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
      (0..<80).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
    ]
    for style in styles {
      #expect(throws: ScenarioErrors.self) { try ScenarioDocument(text: style, file: "a.yaml") }
    }
  }

  @Test("aliases of aliases are refused at the first anchor")
  func laughs() {
    var text = "tributary: 1\na0: &a0 [x, x]\n"
    for i in 1..<40 { text += "a\(i): &a\(i) [*a\(i - 1), *a\(i - 1)]\n" }
    #expect(complaints(about: text + "*a39 : 1\n").first?.hasPrefix("a.yaml:2: an anchor") == true)
  }

  @Test("binary garbage is refused")
  func garbage() {
    var random = TinyRandom(state: 7)
    for length in [1, 10, 1000, 100_000] {
      let bytes = (0..<length).map { _ in UInt8(random.below(256)) }
      #expect(throws: ScenarioErrors.self) { try ScenarioDocument(bytes: bytes, file: "a.yaml") }
    }
    let latin = Array("tributary: 1\nname: caf".utf8) + [0xE9]
    let error = #expect(throws: ScenarioErrors.self) {
      try ScenarioDocument(bytes: latin, file: "a.yaml")
    }
    #expect(error?.description == "a.yaml:2: is not UTF-8 text")
    let nul = #expect(throws: ScenarioErrors.self) {
      try ScenarioDocument(bytes: [0x61, 0x0A, 0x00], file: "a.yaml")
    }
    #expect(nul?.description == "a.yaml:2: a NUL byte; this is not a text file")
  }

  @Test("too large a text and too many entries are refused")
  func tooLarge() {
    let long = [UInt8](repeating: 0x61, count: ScenarioDocument.largestFile + 1)
    let error = #expect(throws: ScenarioErrors.self) {
      try ScenarioDocument(bytes: long, file: "a.yaml")
    }
    #expect(error?.description == "a.yaml: larger than 8 MiB")
    let many = "a: [" + String(repeating: "1,", count: 300_000) + "1]"
    #expect(complaints(about: many) == ["a.yaml:1: more than 200000 entries in one file"])
  }

  @Test("a path that is no readable file is refused")
  func paths() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "scenario-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func complaint(_ path: String) -> String? {
      #expect(throws: ScenarioErrors.self) {
        try ScenarioDocument(path: path, name: "x.yaml")
      }?.description
    }
    #expect(complaint(folder.path) == "x.yaml: is a directory, not a scenario file")
    #expect(complaint(folder.path + "/none.yaml") == "x.yaml: no such file")
    #expect(complaint("") == "x.yaml: no such file")
    #expect(complaint("/dev/null") == "x.yaml: is not a regular file")
    let file = folder.appending(path: "good.yaml")
    try Data("tributary: 1\nname: a".utf8).write(to: file)
    #expect(try ScenarioDocument(path: file.path).root["name"] != nil)
    try FileManager.default.createSymbolicLink(
      at: folder.appending(path: "self"), withDestinationURL: folder.appending(path: "self"))
    #expect(complaint(folder.path + "/self") == "x.yaml: no such file")
  }
}

/// A linear congruential generator: the same mutations on every machine.
struct TinyRandom {
  var state: UInt64

  mutating func below(_ bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(bound))
  }
}
