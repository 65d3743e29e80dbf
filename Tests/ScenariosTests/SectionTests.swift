import Kernel
import Scenarios
import Testing

@Suite("Reading a scenario")
struct SectionTests {
  @Test("every kind of key is read with its unit")
  func readsAll() throws {
    let all = try SampleScenario.read(SampleScenario.text)
    #expect(all.count == 6)
    let first = try #require(all.first)
    #expect(first.name == "bft-geo")
    #expect(first.until == .decisions(2000, atMost: .seconds(120)))
    #expect(first.uplink == 1e9)
    #expect(first.transport == .stream)
    #expect(first.nodes == ["us-east-1": 4, "eu-north-1": 4])
    #expect(first.delay == RandomQuantity(.normal(mean: 250e6, sd: 50e6), least: 1e6))
    #expect(first.chains.map(\.name) == ["main", "side"])
    #expect(first.chains[0].consensus == .pbft(batch: 400, viewTimeout: .seconds(2)))
    #expect(first.chains[1].consensus == .praos(f: 0.05))
    #expect(first.faults[0].at == .seconds(20))
    #expect(first.faults[0].fault == .crash("leader", lasting: .seconds(10)))
    #expect(first.retries == nil)
    #expect(first.size == 512)
  }

  @Test("what is left out has its default")
  func defaults() throws {
    let text = "tributary: 1\nname: x\nnetwork: {nodes: {us-east-1: 4}}\nchains: [{name: a}]"
    let scenario = try #require(try SampleScenario.read(text).first)
    #expect(scenario.until == .duration(.seconds(60)))
    #expect(scenario.poisson == 1000)
    #expect(scenario.delay == .constant(5e6))
    #expect(scenario.chains[0].consensus == .pbft(batch: 400, viewTimeout: .seconds(2)))
    #expect(scenario.faults.isEmpty)
  }

  @Test("a variant may contain itself")
  func nestedVariant() throws {
    let text = """
      tributary: 1
      name: x
      network: { nodes: { us-east-1: 4 } }
      chains: [{ name: a, consensus: { layered: { local: { praos: { f: 10 % } } } } }]
      """
    let scenario = try #require(try SampleScenario.read(text).first)
    #expect(scenario.chains[0].consensus == .layered(local: .praos(f: 0.1)))
  }

  @Test("all mistakes of a file are reported together, in the order of their lines")
  func collects() {
    let text = """
      tributary: 1
      name: x
      sede: 7
      until: 60
      network: { uplink: 1 Gbps, nodes: { us-east-1: 2, us-west-1: 4 } }
      chains: [{ name: a, consensus: { pbft: { batch: 0 } } }]
      """
    #expect(
      complaints(about: text) == [
        "a.yaml:3: sede: unknown key; did you mean 'seed'?",
        "a.yaml:4: until: 60: needs a unit, as in '250 ms' (allowed: ns, us, µs, μs, ms, s, min, "
          + "h, d)",
        "a.yaml:5: network.uplink: 1 Gbps: unknown unit 'Gbps' of bandwidth (allowed: bit/s, "
          + "kbit/s, Mbit/s, Gbit/s, B/s, kB/s, MB/s, GB/s); did you mean 'Gbit/s'?",
        "a.yaml:5: network.nodes.us-west-1: unknown region; did you mean 'us-east-1'?",
        "a.yaml:6: chains.a.consensus.pbft.batch: 0: is out of range (allowed: 1 to 100000)",
      ])
  }

  @Test("only the first twenty mistakes are printed")
  func limit() {
    let keys = (0..<30).map { "zzzzzzzz\($0): 1" }.joined(separator: "\n")
    let lines = complaints(about: SampleScenario.text + keys)
    #expect(lines.count == 21)
    #expect(lines.last == "and 10 more errors")
  }

  @Test("a check across keys is not made on values that stand in for mistakes")
  func crossChecks() {
    let base = "tributary: 1\nname: x\nchains: [{name: a}]\nnetwork: "
    #expect(
      complaints(about: base + "{ nodes: { us-east-1: 3 } }") == [
        "a.yaml:4: network: {\"nodes\":{\"us-east-1\":\"3\"}}: a committee needs at least 4 nodes, "
          + "not 3"
      ])
    let mistaken = complaints(about: base + "{ nodes: { us-east-1: three } }")
    #expect(mistaken.count == 1)
    #expect(mistaken[0].contains("is not a whole number"))
  }

  @Test("a setting of another variant is named as such")
  func otherVariant() {
    let text = SampleScenario.text.replacing("view-timeout: 2 s", with: "f: 0.05")
    let sweepless = String(text.prefix(upTo: text.firstRange(of: "minimal:")!.lowerBound))
    #expect(
      complaints(about: sweepless) == [
        "a.yaml:12: chains.main.consensus.pbft.f: is a setting of praos, not of pbft"
      ])
    #expect(
      complaints(
        about: sweepless.replacing(", f: 0.05", with: "").replacing("for: 10 s", with: "link: a"))
        == ["a.yaml:18: faults.0.link: is a setting of loss, not of crash"])
  }

  @Test("reading lists of values, flags and own units")
  func further() throws {
    let text = "tributary: 1\nsizes: [1 kB, 2 KiB]\nfast: yes\nprice: 2.304 USD/d\nclock: 50 ppm"
    let document = try ScenarioDocument(text: text, file: "b.yaml")
    let points = try document.points()
    let root = try #require(points.first).root
    let result = try Section.read(root) { section in
      let sizes = section.values("sizes", "sizes to try") { $0.bytes($1, "a size") }
      let fast = section.flag("fast", default: false, "whether to hurry")
      let price = section.quantity("price", of: .pricePerTime, "of a machine")
      let clock = section.quantity("clock", of: .drift, in: -0.001...0.001, "of the clock")
      #expect(section.shape(of: "sizes") == .sequence)
      return (sizes, fast, price, clock)
    }
    #expect(result.0 == [1000, 2048])
    #expect(result.1)
    #expect(result.2 == 0.096)
    #expect(result.3 == 0.00005)
  }

  @Test("every distribution can be written")
  func distributions() throws {
    let table: [(String, RandomQuantity)] = [
      ("5 ms", .constant(5e6)),
      ("{ constant: { value: 5 ms } }", .constant(5e6)),
      ("{ uniform: { from: 1 ms, to: 2 ms } }", RandomQuantity(.uniform(from: 1e6, to: 2e6))),
      ("{ exponential: { mean: 1 s } }", RandomQuantity(.exponential(mean: 1e9))),
      ("{ lognormal: { median: 1 s, sigma: 0.5 } }", .init(.lognormal(median: 1e9, sigma: 0.5))),
      (
        "{ pareto: { scale: 1 us, shape: 1.5, max: 1 s } }",
        RandomQuantity(.pareto(scale: 1000, shape: 1.5), most: 1e9)
      ),
      ("{ gamma: { mean: 1 ns, shape: 2 } }", RandomQuantity(.gamma(mean: 1, shape: 2))),
    ]
    for (text, expected) in table {
      let document = try ScenarioDocument(text: "tributary: 1\nd: \(text)", file: "b.yaml")
      let root = try #require(try document.points().first).root
      let read = try Section.read(root) { $0.random("d", of: .duration, "a delay") }
      #expect(read == expected, "\(text)")
    }
  }
}
