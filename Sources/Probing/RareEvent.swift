import Kernel
import Protocols
import Scenarios
import Simulation

/// An event of a run whose probability is asked for, and how near a run is to it.
public struct RareEvent: Sendable, Equatable {
  public enum Kind: Sendable, Equatable {
    /// The attacker's first double spend succeeds; the run ends when it does or is given up.
    /// Importance: blocks of its secret chain, less what the others have beyond its z.
    case doubleSpend
    /// A node gives up at least so many blocks at once before the run ends. Importance: the depth
    /// of the deepest fork there has been.
    case reversal(Int)
  }

  public let kind: Kind
  /// The chain, an index into the scenario's.
  public let chain: Int

  /// What an expression may name, for help and errors.
  public static let forms = [
    "[CHAIN.]double-spend: the double spender's attempt succeeds (nakamoto with an attacker-share)",
    "[CHAIN.]reversal >= N: a node gives up at least N blocks at once (chains that spread blocks)",
  ]

  /// Reads `text`; the message of a mistake if there is one.
  public init(_ text: String, of scenario: Scenario) throws(ScenarioErrors) {
    func failure(_ message: String) -> ScenarioErrors {
      ScenarioErrors([
        ScenarioError(
          message, at: Origin("--event \(text)"), allowed: Self.forms.joined(separator: "; "))
      ])
    }
    let words = text.split(separator: " ").map(String.init)
    guard var name = words.first else { throw failure("names no event") }
    chain = try Self.chain(&name, scenario, failure)
    let plan = scenario.chains[chain]
    switch (name, words.dropFirst().first, words.count) {
    case ("double-spend", nil, _):
      guard plan.consensus.entry.name == Nakamoto.name,
        plan.consensus.values.fraction("attacker-share") > 0,
        plan.consensus.values.choice("attacker-strategy") == "double-spend"
      else { throw failure("chain '\(plan.name)' has no double spender") }
      kind = .doubleSpend
    case ("reversal", ">=", 3):
      guard let depth = Int(words[2]), (1...256).contains(depth) else {
        throw failure("'\(words[2])' is not a depth of 1 to 256")
      }
      guard plan.consensus.entry.spreads else {
        throw failure("chain '\(plan.name)' does not spread blocks: what it decides stays")
      }
      kind = .reversal(depth)
    default: throw failure("is no event")
    }
    guard !Self.fixedDraws.contains(plan.consensus.entry.name) else {
      throw failure(
        "\(plan.consensus.entry.name) fixes its lotteries by the seed alone: copies of a run would "
          + "not part")
    }
  }

  /// Protocols whose lotteries are functions of the seed; see `Simulation.branch`.
  private static let fixedDraws = ["algorand", "gasper", "praos", "tusk", "dpos"]

  /// Takes `CHAIN.` off `name`.
  private static func chain(
    _ name: inout String, _ scenario: Scenario, _ failure: (String) -> ScenarioErrors
  ) throws(ScenarioErrors) -> Int {
    guard let point = name.lastIndex(of: ".") else {
      guard scenario.chains.count == 1 else {
        throw failure("say which chain: there are \(scenario.chains.count)")
      }
      return 0
    }
    let prefix = name[..<point]
    guard let index = scenario.chains.firstIndex(where: { $0.name == prefix }) else {
      throw failure("there is no chain '\(prefix)'")
    }
    name = String(name[name.index(after: point)...])
    return index
  }

  /// One level a block.
  public func levels(in scenario: Scenario) -> [Double] {
    let last: Int
    switch kind {
    case .doubleSpend:
      last = scenario.chains[chain].consensus.values.count("attacker-confirmations") - 1
    case .reversal(let depth): last = depth
    }
    return last < 1 ? [] : (1...last).map(Double.init)
  }
}

/// A run on its way to a rare event.
public struct RareRun: Splittable {
  private let run: Simulation
  private let event: RareEvent
  private let end: SimTime
  private let subsystem: Subsystem
  /// The attacker's chain, for a double spend.
  private let race: Blockchain<Nakamoto>?
  public private(set) var importance = 0.0
  public private(set) var outcome: Bool?

  /// The run of `scenario` with `seed`, at its beginning.
  public init(_ scenario: Scenario, _ event: RareEvent, seed: UInt64) {
    let run = scenario.makeSimulation(seed: seed)
    run.start()
    self.init(run, event, end: scenario.end)
  }

  private init(_ run: Simulation, _ event: RareEvent, end: SimTime) {
    self.run = run
    self.event = event
    self.end = end
    subsystem = run.subsystems[event.chain + 1]
    race = subsystem as? Blockchain<Nakamoto>
  }

  public func branched(_ branch: UInt64) -> RareRun {
    let copy = run.copy()
    copy.branch(branch)
    var other = RareRun(copy, event, end: end)
    other.importance = importance
    other.outcome = outcome
    return other
  }

  public mutating func advance() {
    guard !run.world.isComplete, run.world.queue.nextTime <= end, run.step() else {
      outcome = outcome ?? false
      return
    }
    switch event.kind {
    case .reversal(let depth):
      let deepest = subsystem.deepestReversal
      importance = max(importance, Double(deepest), Double(subsystem.contestedDepth))
      if deepest >= depth { outcome = true }
    case .doubleSpend:
      guard let race, let attack = race.attack else { return }
      if attack.attempts > 0 {
        outcome = attack.successes > 0
      } else {
        importance = Double(race.progressOfAttack ?? 0)
      }
    }
  }
}

extension Blockchain<Nakamoto> {
  /// The double spender among the nodes: node 0, as scenarios have it.
  fileprivate var attack: DoubleSpender? { protocols[0].attack }
  fileprivate var progressOfAttack: Int? { attack?.progress(blocks) }
}
