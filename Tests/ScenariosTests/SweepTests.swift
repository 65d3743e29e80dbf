import Kernel
import Scenarios
import Testing

@Suite("Sweeps and overrides")
struct SweepTests {
  private func points(
    _ text: String, minimal: Bool = false, set: [String] = []
  ) throws -> [SweepPoint] {
    try ScenarioDocument(text: "tributary: 1\n" + text, file: "a.yaml")
      .points(minimal: minimal, overrides: set)
  }

  private func labels(_ text: String, set: [String] = []) throws -> [String] {
    try points(text, set: set).map { $0.labels.map(\.text).joined(separator: "|") }
  }

  @Test("several keys make the full product, the first changing slowest")
  func product() throws {
    let labels = try labels("sweep: { a.b: [1 /s, 2 /s], c: [{ pbft: {} }, { praos: { f: 1 } }] }")
    #expect(labels == ["1 /s|pbft", "1 /s|praos", "2 /s|pbft", "2 /s|praos"])
    let point = try points("a: { b: 5 }\nsweep: { a.b: [1, 2] }")[1]
    #expect(point.root.canonicalText == #"{"a":{"b":"2"}}"#)
    #expect(point.labels == [SweepLabel(key: "a.b", text: "2")])
  }

  @Test("alternatives that differ in their settings only are told apart by them")
  func labelsOfSettings() throws {
    let labels = try labels("sweep: { c: [{ p: { f: 1 } }, { p: { f: 2 } }, q, { r: 5 s }] }")
    #expect(labels == ["{p:{f:1}}", "{p:{f:2}}", "q", "r 5 s"])
  }

  @Test("a range keeps the unit and its ends")
  func ranges() throws {
    #expect(
      try labels("sweep: { a: { from: 1 ms, to: 3 ms, points: 5 } }")
        == ["1 ms", "1.5 ms", "2 ms", "2.5 ms", "3 ms"])
    #expect(
      try labels("sweep: { a: { from: 1, to: 10_000, points: 5, scale: log } }")
        == ["1", "10", "100", "1000", "10_000"])
    #expect(
      try labels("sweep: { a: { from: 1 %, to: 100 %, points: 3, scale: log } }")
        == ["1 %", "10 %", "100 %"])
    #expect(
      try labels("sweep: { a: { from: 4, to: 8, points: 10, whole: true } }")
        == ["4", "5", "6", "7", "8"])
    #expect(
      try labels("sweep: { a: { from: 1 s, to: 10 s, points: 3, scale: log } }")
        == ["1 s", "3.16228 s", "10 s"])
  }

  @Test("a range by step ends at its bound or before it, upwards and downwards")
  func steps() throws {
    #expect(try labels("sweep: { a: { from: 1, to: 4, step: 1 } }") == ["1", "2", "3", "4"])
    #expect(
      try labels("sweep: { a: { from: 1 s, to: 2 s, step: 0.4 s } }") == ["1 s", "1.4 s", "1.8 s"])
    #expect(
      try labels("sweep: { a: { from: 0, to: 0.3, step: 0.1 } }") == ["0", "0.1", "0.2", "0.3"])
    #expect(try labels("sweep: { a: { from: 9, to: 1, step: 4 } }") == ["9", "5", "1"])
    let zip =
      "{ a: { from: 1, to: 3, step: 1 }, b: { from: 2 s, to: 8 s, points: 3, scale: log } }"
    #expect(try labels("sweep: { zip: \(zip) }") == ["1|2 s", "2|4 s", "3|8 s"])
  }

  @Test("zipped keys change together")
  func zip() throws {
    #expect(try labels("sweep: { zip: { a: [1, 2], b: [x, y] } }") == ["1|x", "2|y"])
    #expect(
      try labels("sweep: { c: [p, q], zip: [{ a: [1, 2], b: [x, y] }] }")
        == ["p|1|x", "p|2|y", "q|1|x", "q|2|y"])
  }

  @Test("zipped keys may repeat values, but not all together")
  func zipRepeats() throws {
    #expect(
      try labels("sweep: { zip: { a: [1, 1, 2], b: [{ x: {} }, { y: {} }, { x: {} }] } }")
        == ["1|x", "1|y", "2|x"])
    #expect(throws: ScenarioErrors.self) {
      try labels("sweep: { zip: { a: [1, 2, 1], b: [x, x, x] } }")
    }
    #expect(throws: ScenarioErrors.self) { try labels("sweep: { a: [1, 2, 1] }") }
  }

  @Test("an override reaches keys, list elements by name or index, and bare alternatives")
  func overrides() throws {
    let text = "chains: [{ name: main, consensus: pbft }]\nmachines: { t3.micro: { cores: 2 } }"
    let table = [
      (
        "chains.main.consensus.pbft.batch=5", #"{"name":"main","consensus":{"pbft":{"batch":"5"}}}"#
      ),
      ("chains.0.consensus=praos", #"{"name":"main","consensus":"praos"}"#),
      (
        "chains[0].consensus={praos: {f: 5 %}}",
        #"{"name":"main","consensus":{"praos":{"f":"5 %"}}}"#
      ),
      ("chains.main.x.y = 1 s", #"{"name":"main","consensus":"pbft","x":{"y":"1 s"}}"#),
    ]
    for (argument, chain) in table {
      let root = try points(text, set: [argument])[0].root
      #expect(
        root.canonicalText
          == "{\"chains\":[\(chain)],\"machines\":{\"t3.micro\":{\"cores\":\"2\"}}}"
      )
    }
    let root = try points(text, set: ["machines.t3.micro.cores=8"])[0].root
    #expect(root["machines"]?["t3.micro"]?.canonicalText == #"{"cores":"8"}"#)
  }

  @Test(
    "a mistake in an override is located at the override",
    arguments: [
      ("seed=x", "--set seed=x: seed: x: is not a whole number; write it like '100'"),
      ("seed", "--set seed: must have the form key=value"),
      ("=5", "--set =5: needs a key before '='"),
      ("a..b=5", "--set a..b=5: needs a key before '='"),
      ("seed=", "--set seed=: has no value after '='"),
      ("seed=[", "--set seed=[: not valid YAML"),
      ("seed=*a", "--set seed=*a: an alias (*)"),
      ("tributary=2", "--set tributary=2: 'tributary' cannot be set from outside"),
      ("sede=5", "--set sede=5: sede: unknown key; did you mean 'seed'?"),
      (
        "network.uplnk=5",
        "--set network.uplnk=5: network.uplnk: unknown key; did you mean 'uplink'"
      ),
      ("chains.maim.name=x", "--set chains.maim.name=x: chains: the list has no element 'maim'"),
      ("name.x=5", "--set name.x=5: name: is a single value here ('bft-geo')"),
      (
        "chains.main.consensus.pbft.batch=5",
        "--set chains.main.consensus.pbft.batch=5: chains.main.consensus.pbft.batch: would be"
      ),
    ])
  func mistakes(argument: String, complaint: String) {
    let lines = complaints(about: SampleScenario.text, set: [argument])
    #expect(lines.first?.hasPrefix(complaint) == true, "\(lines)")
    #expect(lines.count == 1, "\(lines)")
  }

  @Test("an overridden key leaves the sweep")
  func overriddenSweep() throws {
    let set = ["workload.arrivals.poisson=7 /s"]
    let read = try SampleScenario.read(SampleScenario.text, set: set)
    #expect(read.map(\.poisson) == [7, 7])
    #expect(try labels("sweep: { a.b: [1], c: [2] }", set: ["sweep.a.b=[3, 4]"]) == ["3|2", "4|2"])
    #expect(try labels("sweep: { a.b: [1, 2] }", set: ["sweep={}"]) == [""])
  }

  @Test("the minimal size replaces values, also in the sweep")
  func minimal() throws {
    let text = """
      a: { b: 5 }
      n: 100
      minimal: { n: 1, sweep.a.b: [1] }
      sweep: { a.b: [1, 2, 3], n: [10, 100] }
      """
    let all = try points(text, minimal: true)
    #expect(all.map(\.root.canonicalText) == [#"{"a":{"b":"1"},"n":"1"}"#])
    #expect(all[0].labels.map(\.key) == ["a.b"])
    #expect(try points(text).count == 6)
    let error = #expect(throws: ScenarioErrors.self) { try points("a: 1", minimal: true) }
    #expect(error?.description == "a.yaml: minimal: the scenario has no minimal size")
  }

  @Test("the canonical text does not depend on comments, quotes or layout")
  func canonical() throws {
    let a = try points("a: 'x y'   # comment\nb:\n  - 1\n  - {c: ~}\n")[0].root.canonicalText
    let b = try points(
      "{a: x\n  y, b: [\"1\", {c: null}]}".replacing("{a", with: "#\na")
        .replacing("}]}", with: "}]").replacing(", b", with: "\nb"))[0].root.canonicalText
    #expect(a == #"{"a":"x y","b":["1",{"c":null}]}"#)
    #expect(a == b)
    let c = try points("a: \"\\\"\\n\\\\\\x01\"")[0].root.canonicalText
    #expect(c == #"{"a":"\"\n\\\u0001"}"#)
    #expect(try points("a: 'null'")[0].root.canonicalText == #"{"a":"null"}"#)
  }
}
