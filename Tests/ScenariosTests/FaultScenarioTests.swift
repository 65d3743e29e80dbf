import Foundation
import Kernel
import Machines
import Metrics
import Scenarios
import Simulation
import Testing

/// Faults, adversaries and checks as a scenario says them.
@Suite("Faults and adversaries in a scenario")
struct FaultScenarioTests {
  /// Four replicas of PBFT with costs and disks.
  static func text(
    _ entries: String, consensus: String = "{ pbft: { view-timeout: 300 ms, durable: true } }",
    network: String = "", until: String = "4 s"
  ) -> String {
    """
    tributary: 1
    name: f
    until: \(until)
    measure: transient
    network: { regions: aws-2021, nodes: { us-east-1: 4 }\(network) }
    machines: { cpu: { cores: { count: 2 } }, disk: { queue: {} }, costs: server-2026 }
    chains: [{ name: main, consensus: \(consensus) }]
    workload:
      arrivals: { poisson: 100 /s }
      transactions: { size: 100 B }
      clients: { timeout: 500 ms }
    \(entries)
    """
  }

  static func complaint(_ entries: String, consensus: String? = nil, network: String = "")
    -> String
  {
    do {
      _ = try Scenario(
        text: consensus.map { text(entries, consensus: $0, network: network) }
          ?? text(entries, network: network))
      return ""
    } catch { return error.description }
  }

  /// Entries that are read and run, one for each kind of fault and behaviour.
  static let good = [
    "faults: [{ at: 1 s, crash: leader, for: 1 s }]",
    "faults: [{ at: 1 s, crash: '1, 3', for: 500 ms }]",
    "faults: [{ at: 1 s, crash: 1, for: 500 ms, keeps-disk: false }]",
    "faults: [{ every: { exponential: { mean: 1 s } }, times: 3, crash: any, for: 200 ms }]",
    "faults: [{ every: 700 ms, times: 2, after: 1 s, crash: 2, for: 200 ms }]",
    "faults: [{ when: { view: 1 }, crash: 2, for: 1 s }, { at: 1 s, crash: leader, for: 1 s }]",
    "faults: [{ when: { decisions: 10, chain: main }, crash: leader, for: 1 s }]",
    "faults: [{ at: 1 s, partition: { parts: ['0', '1-3'], one-way: true }, for: 1 s }]",
    "faults: [{ when: { decisions: 9 }, partition: { parts: ['0', '1-3'] }, for: 1 s }]",
    "faults: [{ at: 1 s, slow: { nodes: '0-1', factor: 10 }, for: 1 s }]",
    "faults: [{ at: 1 s, slow-disk: { nodes: 3, factor: 10 }, for: 1 s }]",
    "faults: [{ at: 1 s, clock: { nodes: 3, step: -50 ms, drift: 300 ppm } }]",
    "faults: [{ at: 1 s, links: { from: 0, to: '2-3', loss: 50 %, delay: 10 ms }, for: 1 s }]",
    "faults: [{ at: 1 s, links: { duplication: 10 %, reordering: 20 % } }]",
    "faults: [{ at: 1 s, churn: { nodes: 3, session: 500 ms, absence: 100 ms }, for: 2 s }]",
    "faults: [{ at: 0 s, churn: { nodes: 3, rate: 5 /s, absence: 100 ms } }]",
    "adversaries: [{ nodes: 0, behaviour: silent, from: 1 s, until: 3 s }]",
    "adversaries: [{ nodes: 0, behaviour: { delay: { exponential: { mean: 20 ms } } } }]",
    "adversaries: [{ nodes: 0, behaviour: { withhold: { reaches: 50 % } } }]",
    "adversaries: [{ nodes: 0, behaviour: { withhold: { reaches: 0, proposals-only: true } } }]",
    "adversaries: [{ nodes: 0, behaviour: { censor: { share: 50 %, clients: 0 } } }]",
    "adversaries: [{ nodes: 0, behaviour: { crash-at: { proposal: 5, reaches: 1, for: 1 s } } }]",
    "adversaries: [{ nodes: 0, behaviour: { twins: { period: 300 ms, hears: all } } }]",
    "adversaries: [{ nodes: 0, behaviour: { twins: { first: '1', overlooks: 20 % } } }]",
    "adversaries: [{ nodes: 0, behaviour: invalid }]",
  ]

  @Test("each runs, changes the run, and breaks nothing", arguments: good)
  func runs(entries: String) throws {
    let changed = try Scenario(text: Self.text(entries)).makeOutcome(seed: 1)
    let plain = try Scenario(text: Self.text("")).makeOutcome(seed: 1)
    #expect(changed.violations == [])
    #expect((changed["main.confirmed"] ?? 0) > 100)
    // A clock that is wrong changes no run of PBFT by its step, and by its drift only timers.
    if !entries.contains("clock") { #expect(changed.digests != plain.digests) }
  }

  static let bad: [(entries: String, complaint: String)] = [
    ("faults: [{ crash: 1 }]", "12: faults.0.at: needs exactly one of its times, but 0 are given"),
    ("faults: [{ at: 1 s, when: { view: 1 }, crash: 1 }]", "but 2 are given (allowed: at, when"),
    ("faults: [{ at: 9 s, crash: 1 }]", "a fault strikes after the end of the run"),
    ("faults: [{ at: 1 s, crash: 4 }]", "'4' names no nodes (allowed: 0 to 3)"),
    ("faults: [{ at: 1 s, times: 2, crash: 1 }]", "faults.0.times: 2: goes with every"),
    ("faults: [{ every: 1 s, crash: 1 }]", "faults.0.every: 1 s: needs a bound (allowed: times)"),
    ("faults: [{ when: { height: 5 }, crash: 1 }]", "has decisions, not blocks (allowed: view"),
    ("faults: [{ when: { decisions: 0 }, crash: 1 }]", "0: is out of range (allowed: 1 to"),
    ("faults: [{ at: 1 s, slow: { nodes: 1 } }]", "factor: is missing: how many times as long"),
    ("faults: [{ at: 1 s, slow: { nodes: 1, factor: 0 } }]", "0: is out of range (allowed: 0.001"),
    ("faults: [{ at: 1 s, links: { from: 1 } }]", "nothing happens to these links (allowed: loss"),
    ("faults: [{ at: 1 s, links: { los: 5 % } }]", "unknown key; did you mean 'loss'?"),
    ("faults: [{ at: 1 s, clock: { nodes: 1 } }]", "neither step nor drift changes anything"),
    ("faults: [{ at: 1 s, churn: { nodes: 1, absence: 1 s } }]", "exactly one of session and rate"),
    ("faults: [{ every: 1 s, times: 2, churn: { nodes: 1, rate: 1 /s, absence: 1 s } }]", "begins"),
    ("adversaries: [{ nodes: 4, behaviour: silent }]", "'4' names no nodes (allowed: 0 to 3)"),
    ("adversaries: [{ nodes: 1, behaviour: silnt }]", "did you mean 'silent'?"),
    ("adversaries: [{ nodes: 1, behaviour: silent, from: 2 s, until: 1 s }]", "not after 'from'"),
    ("adversaries: [{ nodes: '0-3', behaviour: silent }]", "no node of 'main' is correct"),
    ("adversaries: [{ nodes: 1, behaviour: { withhold: {} } }]", "reaches: is missing"),
    ("adversaries: [{ nodes: 1, behaviour: { censor: { clients: 1 } } }]", "names no nodes"),
    (
      "adversaries: [{ nodes: 1, behaviour: twins }, { nodes: 1, behaviour: twins }]",
      "a node of 'main' has twins twice"
    ),
    (
      "adversaries: [{ nodes: 1, behaviour: { twins: { first: 1, period: 1 s } } }]",
      "parts are given or drawn, not both"
    ),
    ("checks: { liveness: { after: 1 s } }", "checks.liveness.within: is missing"),
    ("checks: { liveness: { after: 3 s, within: 2 s } }", "are longer than the run"),
    (
      "faults: [{ at: 1 s, crash: 1, for: 2 s }]\nchecks: { liveness: { after: 1 s, within: 1 s }}",
      "liveness.after is before the end of a fault"
    ),
  ]

  @Test("what cannot be is a mistake with its line and what is allowed", arguments: bad.indices)
  func mistakes(index: Int) {
    let (entries, expected) = Self.bad[index]
    let found = Self.complaint(entries)
    #expect(found.contains(expected), "\(entries) -> \(found)")
  }

  @Test("what the chain, its links or machines cannot have is a mistake")
  func unable() {
    let nakamoto = "nakamoto"
    for behaviour in ["censor", "twins", "invalid", "{ crash-at: { proposal: 1 } }"] {
      let found = Self.complaint(
        "adversaries: [{ nodes: 1, behaviour: \(behaviour) }]", consensus: nakamoto)
      #expect(found.contains("adversaries.0.behaviour:"), "\(behaviour) -> \(found)")
    }
    #expect(
      Self.complaint("faults: [{ at: 1 s, crash: leader }]", consensus: nakamoto)
        .contains("spreads blocks and has no leader"))
    #expect(
      Self.complaint("faults: [{ when: { view: 1 }, crash: 1 }]", consensus: nakamoto)
        .contains("has no views"))
    #expect(
      Self.complaint(
        "faults: [{ at: 1 s, links: { reordering: 5 % } }]", network: ", transport: stream"
      )
      .contains("a stream keeps the order"))
    #expect(
      Self.complaint(
        "adversaries: [{ nodes: 1, behaviour: { crash-at: { proposal: 1 } } }]",
        network: ", uplink-order: turns"
      )
      .contains("needs uplink-order fifo"))
    let ideal = Self.text("faults: [{ at: 1 s, slow: { nodes: 1, factor: 2 } }]")
      .replacingOccurrences(of: "cpu: { cores: { count: 2 } }", with: "cpu: ideal")
    #expect(throws: ScenarioErrors.self) { try Scenario(text: ideal) }
  }

  @Test("nodes that come and go are there for their share of the time")
  func churn() throws {
    let entries = """
      faults:
        - at: 0 s
          churn:
            nodes: "3"
            session: { exponential: { mean: 3 s } }
            absence: { uniform: { from: 500 ms, to: 1500 ms } }
      """
    let text = Self.text(entries, until: "4000 s")
      .replacingOccurrences(of: "poisson: 100 /s", with: "poisson: 0.1 /s")
    let run = try Scenario(text: text).makeSimulation(seed: 5)
    run.start()
    var up = 0
    for second in 1...4000 as ClosedRange<Int64> {
      run.run(until: .zero + .seconds(second))
      up += run.world.machines.isUp(NodeID(3)) ? 1 : 0
    }
    // 3 / (3 + 1) of the time; 1000 cycles, each off by at most a mean session.
    #expect(abs(Double(up) / 4000 - 0.75) < 0.03)
  }

  @Test("without half of its miners a chain has half of its blocks")
  func silentMiners() throws {
    func interval(_ entries: String) throws -> Double {
      let text = Self.text(
        entries, consensus: "{ nakamoto: { interval: 10 s } }", until: "20000 s"
      ).replacingOccurrences(of: "poisson: 100 /s", with: "poisson: 0.01 /s")
      let outcome = try Scenario(text: text).makeOutcome(seed: 2)
      return outcome["main.block_interval"] ?? 0
    }
    let ratio =
      try interval("adversaries: [{ nodes: '2-3', behaviour: silent }]") / interval("")
    // 1000 blocks have an interval known to 3 %.
    #expect(abs(ratio - 2) < 0.2)
  }

  @Test("blocks that leave later or never make more stale ones")
  func lateMiners() throws {
    func stale(_ entries: String) throws -> Double {
      let text = Self.text(
        entries, consensus: "{ nakamoto: { interval: 10 s } }", until: "20000 s"
      ).replacingOccurrences(of: "poisson: 100 /s", with: "poisson: 0.01 /s")
      return try Scenario(text: text).makeOutcome(seed: 2)["main.stale_rate"] ?? 0
    }
    let withheld = "adversaries: [{ nodes: '0-2', behaviour: { withhold: { reaches: 0 } } }]"
    #expect(try stale(withheld) > stale("") + 0.1)
    let late = try stale("adversaries: [{ nodes: '0-2', behaviour: { delay: 1 s } }]")
    #expect(try late > stale("") + 0.1)
  }

  @Test("liveness: a request that is not final in time is a violation, one that is is none")
  func liveness() throws {
    let checks = "checks: { liveness: { after: 2 s, within: 1 s } }"
    #expect(try Scenario(text: Self.text(checks)).violations(seed: 1) == [])
    let healed = "faults: [{ at: 500 ms, partition: { parts: ['0-1', '2-3'] }, for: 500 ms }]\n"
    #expect(try Scenario(text: Self.text(healed + checks)).violations(seed: 1) == [])
    let lasting = "faults: [{ at: 500 ms, partition: { parts: ['0-1', '2-3'] } }]\n"
    let found = try Scenario(text: Self.text(lasting + checks)).violations(seed: 1)
    #expect(found.map(\.monitor) == ["liveness"])
  }

  @Test("runs beside each other are the runs one after the other")
  func parallel() async throws {
    let text = Self.text(
      """
      faults: [{ every: { exponential: { mean: 1 s } }, times: 3, crash: any, for: 200 ms }]
      adversaries: [{ nodes: 0, behaviour: { twins: { period: 300 ms } } }]
      """)
    let scenario = try Scenario(text: text)
    let alone = (1...4).map { scenario.makeOutcome(seed: UInt64($0)) }
    let beside = await withTaskGroup(of: (Int, Outcome).self) { group in
      for i in 0..<4 { group.addTask { (i, scenario.makeOutcome(seed: UInt64(i + 1))) } }
      var outcomes = [Outcome?](repeating: nil, count: 4)
      for await (i, outcome) in group { outcomes[i] = outcome }
      return outcomes.compactMap(\.self)
    }
    #expect(alone == beside)
  }
}
