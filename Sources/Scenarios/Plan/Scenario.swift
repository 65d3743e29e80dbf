import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Networking
import Simulation
import Workloads

/// One scenario, read and checked: plain values with units, from which any number of runs is built.
public struct Scenario: Sendable {
  public var name: String
  public var seed: UInt64
  /// Runs of each point; if they end by precision, at most.
  public var replications: Int
  /// `nil`: always as many.
  public var stopping: StoppingPlan?
  public var horizon: Horizon
  public var measure: Measuring.Mode
  public var network: NetworkPlan
  public var machines: MachinePlan
  /// Those of shards stand last.
  public var chains: [ChainPlan]
  /// A ledger over shards, if there is one.
  public var shards: ShardPlan?
  public var stores: [StorePlan]
  public var faults: [FaultPlan]
  public var adversaries: [AdversaryPlan]
  public var checks: ChecksPlan
  public var settlement: SettlementPlan
  /// `nil`: no bill.
  public var costs: CostPlan?
  /// What `tributary explore` varies; `nil`: it cannot be explored.
  public var exploration: SwarmPlan?
}

/// The adversary and the error at which probabilistic finality is stated.
public struct SettlementPlan: Sendable, Equatable {
  /// Share of the hash rate or stake of who tries to spend twice.
  public var adversary: Double
  /// Probability that it succeeds, at most.
  public var error: Double

  init(_ section: Section) {
    let source = "Nakamoto 2008, §11: q = 0.1, P < 0.1 %"
    adversary = section.fraction(
      "adversary", default: 0.1, in: 0.001...0.45,
      "share of the hash rate or stake of the attacker",
      source: source)
    error = section.fraction(
      "error", default: 0.001, in: 1e-12...0.5, "probability that it succeeds, at most",
      source: source)
  }
}

/// When a run ends.
public struct Horizon: Sendable, Equatable {
  /// Decided batches or blocks of each chain; `nil`: time alone ends the run.
  public var decisions: Int?
  public var atMost: SimDuration
}

extension Scenario {
  /// Reads one point of a scenario file. Mistakes are recorded in `section`.
  ///
  /// - Parameter folder: where relative paths of data files start: the scenario's own folder.
  public init(
    _ section: Section, protocols: [ProtocolEntry] = registry, folder: String = "."
  ) throws {
    name = section.text("name", atMost: 60, "name of the scenario and of its result folder")
    seed = UInt64(
      section.count("seed", default: 1, "seed of all random streams of replication 0"))
    (replications, stopping) = StoppingPlan.read(section)
    horizon = Horizon(section)
    measure = section.choice(
      "measure", of: Measuring.Mode.self, default: .steadyState,
      "steady-state drops the warm-up that MSER-5 finds; transient keeps everything, for faults")
    network = try section.section("network", "nodes and the links between them") {
      try NetworkPlan($0, folder: folder)
    }
    let nodes = network.nodeCount
    machines = try section.section("machines", "what a node is made of, and what operations cost") {
      try MachinePlan($0, nodes: nodes, folder: folder)
    }
    let general = try section.optionalSection(
      "workload", "clients of every chain that has no workload of its own"
    ) { try WorkloadPlan($0) }
    var chains = try section.list("chains", count: 0...16, "chains that run side by side") {
      try ChainPlan(
        $0, general: general, nodes: nodes, protocols: protocols, folder: folder)
    }
    shards = try section.optionalSection(
      "shards", "a ledger spread over shards, each with a chain of its own"
    ) {
      try ShardPlan($0, general: general, nodes: nodes, protocols: protocols, folder: folder)
    }
    section.require(
      !chains.isEmpty || shards != nil, "chains", "a scenario has a chain, or shards")
    chains += shards?.chains ?? []
    self.chains = chains
    let names = chains.map(\.name)
    stores = try section.list("stores", "records kept on a chain or beside it") {
      try StorePlan($0, nodes: nodes, chains: names)
    }
    let context = FaultContext(
      nodes: nodes, chains: chains, machines: machines, isStream: network.transport != .message)
    faults = try section.list("faults", "what happens to nodes and links, and when") {
      try FaultPlan($0, context)
    }
    let (all, network) = (chains, network)
    adversaries = try section.list("adversaries", "nodes that do not do as they should") {
      try AdversaryPlan($0, chains: all, network: network)
    }
    checks = section.section(
      "checks", "what a run is checked for beside safety", ChecksPlan.init)
    settlement = section.section(
      "settlement", "when a payment counts as settled where decided is not final",
      SettlementPlan.init)
    exploration = section.optionalSection(
      "explore", "what a swarm of small runs varies", SwarmPlan.init)
    let cores = machines.processors.map { $0?.cores ?? 1 }.max() ?? 1
    costs = CostPlan.read(
      section, regions: network.regionNames, cores: cores, folder: folder)
    check(section)
  }

  /// Combinations that cannot work, or that would be ignored.
  private func check(_ section: Section) {
    for (i, chain) in chains.enumerated()
    where chains[..<i].contains(where: { $0.name == chain.name }) {
      section.fail("chains", "two chains have the name '\(chain.name)'")
    }
    let end = SimTime.zero + horizon.atMost
    for fault in faults {
      if case .at(let time) = fault.schedule, time > end {
        section.fail("faults", "a fault strikes after the end of the run")
      }
    }
    checkAdversaries(section)
    checkLiveness(section)
    if measure == .steadyState, !faults.isEmpty {
      section.fail(
        "measure", "a run with faults has no steady state to measure", allowed: "transient")
    }
    if shards != nil, horizon.decisions != nil {
      section.fail(
        "until", "shards decide each for itself: no number of decisions ends the run",
        allowed: "a duration")
    }
  }
}

extension Horizon {
  init(_ section: Section) {
    let range = SimDuration.milliseconds(1)...SimDuration.seconds(50 * 365 * 86_400)
    self = section.either(
      "until",
      value: { section, key in
        Horizon(
          decisions: nil,
          atMost: section.duration(key, in: range, "simulated time after which the run ends"))
      },
      section: { section in
        Horizon(
          decisions: section.optional("decisions") {
            $0.count($1, in: 1...1_000_000_000, "the run ends when a chain has decided so often")
          },
          atMost: section.duration(
            "at-most", in: range, "simulated time after which the run ends in any case"))
      })
  }
}
