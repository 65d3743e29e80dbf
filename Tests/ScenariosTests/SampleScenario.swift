import Kernel
import Scenarios

/// A small scenario with every kind of key, as the concrete reading code would be written.
struct SampleScenario {
  enum Transport: String, CaseIterable { case message, stream }
  enum Consensus: Equatable {
    case pbft(batch: Int, viewTimeout: SimDuration)
    case praos(f: Double)
    indirect case layered(local: Consensus)
  }
  enum Horizon: Equatable {
    case duration(SimDuration)
    case decisions(Int, atMost: SimDuration)
  }
  enum Fault: Equatable {
    case crash(String, lasting: SimDuration)
    case loss(Double)
  }

  let name: String
  let seed: Int
  let until: Horizon
  let uplink: Double
  let transport: Transport
  let nodes: [String: Int]
  let delay: RandomQuantity
  let chains: [(name: String, consensus: Consensus)]
  let poisson: Double
  let size: Int
  let faults: [(at: SimDuration, fault: Fault)]
  let retries: Int?

  init(_ scenario: Section) throws {
    name = scenario.text("name", "what the results are called")
    seed = scenario.count("seed", default: 42, "start of the random streams", source: "arbitrary")
    until = scenario.either(
      "until",
      value: {
        .duration($0.duration($1, default: .seconds(60), "when the run ends", source: "arbitrary"))
      },
      section: {
        .decisions(
          $0.count("decisions", in: 1...1_000_000, "how many decisions end the run"),
          atMost: $0.duration("at-most", default: .seconds(3600), "when the run ends anyway"))
      })
    (uplink, transport, nodes, delay) = scenario.section("network", "links between nodes") {
      (
        $0.bandwidth("uplink", default: 1e9, in: 1e3...1e12, "what a node can send"),
        $0.choice("transport", default: .message, "how messages are carried"),
        Dictionary(
          uniqueKeysWithValues: $0.table(
            "nodes", of: "region", names: ["us-east-1", "eu-north-1"], count: 1 ... .max,
            "nodes in each region"
          ) { $0.count($1, in: 1...1000, "number of nodes") }.map { ($0.name, $0.value) }),
        $0.random(
          "delay", of: .duration, default: .constant(5e6), in: 0...1e12, "one-way delay")
      )
    }
    chains = try scenario.list("chains", count: 1...16, "the chains of the run") { chain in
      let name = chain.text("name", "what the chain is called")
      return (name, try Self.consensus(chain, "consensus"))
    }
    (poisson, size) = try scenario.section("workload", "what clients submit") { workload in
      let rate = try workload.variant(
        "arrivals", default: "poisson",
        [
          Alternative("poisson", "independent arrivals") { section, key in
            section.rate(key, default: 1000, in: 0.001...1e9, "offered load")
          },
          Alternative("bursts", "arrivals in bursts") { section in
            section.rate("peak", default: 5000, "offered load in a burst")
          },
        ], "when transactions arrive")
      return (rate, workload.bytes("size", default: 512, in: 1...1_000_000, "of a transaction"))
    }
    faults = try scenario.list("faults", "what goes wrong") { fault in
      let at = fault.duration("at", "when it begins")
      return (at, try fault.exactlyOne(Self.faultKinds, "what goes wrong"))
    }
    retries = scenario.optional("retries") { $0.count($1, in: 1...10, "attempts of a client") }
    let count = nodes.values.reduce(0, +)
    scenario.require(
      count >= 4, "network", "a committee needs at least 4 nodes, not \(count)")
  }

  private static let faultKinds: [Alternative<Fault>] = [
    Alternative("crash", "a node stops") { section, key in
      .crash(
        section.text(key, "which node"),
        lasting: section.duration("for", default: .seconds(10), "how long it is down"))
    },
    Alternative("loss", "messages are lost") { section, key in
      let share = section.fraction(key, "share of messages")
      _ = section.text("link", default: "any", "which link")
      return .loss(share)
    },
  ]

  private static func consensus(_ section: Section, _ key: String) throws -> Consensus {
    try section.variant(
      key, default: "pbft",
      [
        Alternative("pbft", "Castro & Liskov, OSDI '99") { pbft in
          .pbft(
            batch: pbft.count("batch", default: 400, in: 1...100_000, "transactions in a block"),
            viewTimeout: pbft.duration(
              "view-timeout", default: .seconds(2), in: .milliseconds(1) ... .seconds(3600),
              "how long a backup waits for the primary", source: "Castro & Liskov, §4.4"))
        },
        Alternative("praos", "David et al., EUROCRYPT '18") { praos in
          .praos(f: praos.fraction("f", default: 0.05, in: 0.001...0.5, "active slots"))
        },
        Alternative("layered", "committees that agree locally first") { layered in
          .layered(local: try consensus(layered, "local"))
        },
      ], "how replicas agree", source: "the classic")
  }

  static let text = """
    tributary: 1  # version of the language
    name: bft-geo
    seed: 42
    until: { decisions: 2000, at-most: 120 s }
    network:
      uplink: 1 Gbit/s
      transport: stream
      nodes: { us-east-1: 4, eu-north-1: 4 }
      delay: { normal: { mean: 250 ms, sd: 50 ms, min: 1 ms } }
    chains:
      - name: main
        consensus: { pbft: { batch: 400, view-timeout: 2 s } }
      - name: side
        consensus: praos
    workload:
      arrivals: { poisson: 2000 /s }
      size: 512 B
    faults: [ { at: 20 s, crash: leader, for: 10 s } ]
    minimal:
      chains.main.consensus.pbft.batch: 10
      until: 1 s
    sweep:
      workload.arrivals.poisson: [1000 /s, 2000 /s, 5000 /s]
      chains.main.consensus: [{ pbft: {} }, { praos: { f: 5 % } }]

    """

  static func read(
    _ text: String, minimal: Bool = false, set: [String] = []
  ) throws(ScenarioErrors) -> [SampleScenario] {
    let document = try ScenarioDocument(text: text, file: "a.yaml")
    let points = try document.points(minimal: minimal, overrides: set)
    return try ScenarioDocument.read(points) { try SampleScenario($0) }
  }
}

/// The lines of the error that reading `text` ends in, or none.
func complaints(about text: String, set: [String] = []) -> [String] {
  do {
    _ = try SampleScenario.read(text, set: set)
    return []
  } catch {
    return error.description.split(separator: "\n").map(String.init)
  }
}
