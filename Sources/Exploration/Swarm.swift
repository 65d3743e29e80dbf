import Consensus
import Kernel
import Scenarios
import Simulation

/// A swarm: many small runs of one scenario, each with sizes, delays, faults and adversaries drawn
/// from its own seed, watched by the monitors (Groce et al., Swarm Testing, ISSTA 2012).
///
/// Inside the assumptions of the protocol no monitor may fire; `beyond` them, some must.
public struct Swarm: Sendable {
  public let name: String
  public let plan: SwarmPlan
  let horizon: SimDuration
  /// Protocol of the scenario's first chain.
  let entry: ProtocolEntry
  let values: ParameterValues
  /// Of a ledger over shards, whose committees all run the protocol; `nil`: one chain.
  let shards: ShardPlan?
  /// Node counts with which the protocol can run.
  let sizes: [Int]
  let isBeyond: Bool
  /// A chain that spreads blocks and decides by votes, whatever delays are.
  var isFinalByVotes: Bool { entry.spreads && entry.finality(with: values) == .deterministic }
  private let writer: TrialWriter
  private let protocols: [ProtocolEntry]

  /// - Parameter base: one point of a scenario. Throws its mistakes.
  public init(
    _ base: SweepPoint, isBeyond: Bool, protocols: [ProtocolEntry] = registry
  ) throws(ScenarioErrors) {
    let scenarios = try ScenarioDocument.read([base]) { section in
      try Scenario(section, protocols: protocols)
    }
    let scenario = scenarios[0]
    guard let plan = scenario.exploration else {
      throw ScenarioErrors([
        ScenarioError(
          "has no section 'explore'; it needs at least 'explore: { bound: 10 s }'",
          at: base.root.origin)
      ])
    }
    name = scenario.name
    self.plan = plan
    horizon = scenario.horizon.atMost
    entry = scenario.chains[0].consensus.entry
    values = scenario.chains[0].consensus.values
    let (entry, values) = (entry, values)
    shards = scenario.shards
    sizes =
      scenario.shards.map { [$0.count * $0.members] }
      ?? plan.nodes.filter { entry.problem(with: values, nodes: $0) == nil }
    guard !sizes.isEmpty else {
      throw ScenarioErrors([
        ScenarioError(
          "\(entry.name) cannot run with any of \(plan.nodes.lowerBound) to "
            + "\(plan.nodes.upperBound) nodes", at: base.root.origin, path: "explore.nodes")
      ])
    }
    self.isBeyond = isBeyond
    self.protocols = protocols
    writer = TrialWriter(base: base.root, name: name)
  }

  /// What seed `seed` draws.
  public func trial(seed: UInt64) -> Trial {
    var draw = Draw(self, seed: seed)
    return draw.trial()
  }

  /// The scenario file that replays `trial`.
  public func text(of trial: Trial) -> String { writer.text(of: trial) }

  /// Runs `trial`; throws if its scenario has mistakes, which is one of the swarm itself.
  public func run(_ trial: Trial) throws(ScenarioErrors) -> Verdict {
    let scenario = try scenario(of: trial)
    let run = scenario.makeSimulation(seed: scenario.seed(ofReplication: 0))
    run.start()
    let lastFault = SimTime.zero + max(trial.calm, trial.submission)
    var events = run.run(until: min(lastFault, scenario.end))
    // When all is final, nothing is left to be late.
    // Whole microseconds, as files have it.
    let slice = SimDuration.microseconds(max(trial.bound.nanoseconds / 8000, 1000))
    var until = lastFault
    while until < scenario.end, run.world.violations.isEmpty, !Self.isServed(run) {
      until = min(until + slice, scenario.end)
      events += run.run(until: until)
    }
    let end = Self.isServed(run) ? until : scenario.end
    var verdict = Verdict(scenario, run, until: end, events: events)
    if isBeyond, verdict.reversals > 0 {
      verdict.findings.append(
        Trial.Finding(
          monitor: "reversal", time: end.seconds,
          detail: "\(verdict.reversals) decided blocks were left"))
    }
    return verdict
  }

  private func scenario(of trial: Trial) throws(ScenarioErrors) -> Scenario {
    let document = try ScenarioDocument(text: text(of: trial), file: "seed \(trial.seed)")
    return try ScenarioDocument.read(try document.points()) { section in
      try Scenario(section, protocols: protocols)
    }[0]
  }

  private static func isServed(_ run: Simulation) -> Bool {
    zip(run.world.populations, run.world.logs).allSatisfy { population, log in
      // Operations of shards are their members' own; transfers that were given up are over.
      population.chain == 0 || log.count(.final) + log.abandoned >= log.count
    }
  }

  /// The shortest list of disturbances of `trial` with which the same monitor fires.
  ///
  /// - Returns: the trial with that list, and what it finds. Its file replays it: what a monitor
  ///   sees only where a trial ends early, since all is served, is a trial that ends there.
  public func shrink(_ trial: Trial, _ finding: Trial.Finding) throws(ScenarioErrors)
    -> (trial: Trial, finding: Trial.Finding)
  {
    let best = try shortest(trial, finding)
    let whole = try scenario(of: best.trial)
    let replayed = whole.violations(seed: whole.seed(ofReplication: 0))
    if isBeyond || replayed.contains(where: { $0.monitor == finding.monitor }) { return best }
    var ended = trial
    ended.end = .microseconds(Int64((best.finding.time * 1e6).rounded(.up)))
    return try shortest(ended, finding)
  }

  private func shortest(_ trial: Trial, _ finding: Trial.Finding) throws(ScenarioErrors)
    -> (trial: Trial, finding: Trial.Finding)
  {
    var failure: ScenarioErrors?
    var best = (trial: trial, finding: finding)
    _ = shrunk(trial.disturbances) { rest in
      guard failure == nil else { return false }
      var smaller = trial
      smaller.disturbances = rest
      do throws(ScenarioErrors) {
        let verdict = try run(smaller)
        guard let same = verdict.findings.first(where: { $0.monitor == finding.monitor }) else {
          return false
        }
        best = (smaller, same)
        return true
      } catch {
        failure = error
        return false
      }
    }
    if let failure { throw failure }
    return best
  }
}

/// What came of a trial.
public struct Verdict: Sendable, Equatable {
  /// In the order in which the monitors fired.
  public var findings: [Trial.Finding]
  public var events: Int
  public var decisions: Int
  /// Decided blocks that were left again. Chains that decide by depth may have some, as seldom as
  /// their analysis says; only beyond the assumptions are they findings.
  public var reversals: Int
  public var digest: UInt64

  init(_ scenario: Scenario, _ run: Simulation, until end: SimTime, events: Int) {
    findings = scenario.violations(of: run, until: end).map {
      Trial.Finding(monitor: $0.monitor, time: $0.time, detail: $0.detail)
    }
    self.events = events
    reversals = run.subsystems.map(\.reversals).reduce(0, +)
    decisions = run.world.decisions.reduce(0, +)
    var fold = RunDigest()
    for part in run.digests { fold.fold(part.digest) }
    digest = fold.value
  }
}
