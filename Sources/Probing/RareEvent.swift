import Kernel
import Protocols
import Scenarios
import Simulation

/// An event of a run whose probability is asked for, and how near a run is to it.
public struct RareEvent: Sendable, Equatable {
  public enum Kind: Sendable, Equatable {
    /// The attacker's first double spend succeeds; the run ends when it does or is given up.
    /// Importance: what the closed form gives the attempt from where it stands; see `RaceOdds`.
    case doubleSpend(RaceOdds)
    /// A node gives up at least so many blocks at once before the run ends. Importance: the depth
    /// of the deepest fork there has been.
    case reversal(Int)
  }

  public let kind: Kind
  /// The chain, an index into the scenario's.
  public let chain: Int
  /// Its miners' waiting times are exponential: copies may draw them anew, and so part at once.
  let isMemoryless: Bool

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
    isMemoryless = [Nakamoto.name, GHOST.name].contains(plan.consensus.entry.name)
    switch (name, words.dropFirst().first, words.count) {
    case ("double-spend", nil, _):
      guard plan.consensus.entry.name == Nakamoto.name,
        plan.consensus.values.fraction("attacker-share") > 0,
        plan.consensus.values.choice("attacker-strategy") == "double-spend"
      else { throw failure("chain '\(plan.name)' has no double spender") }
      kind = .doubleSpend(
        RaceOdds(
          share: plan.consensus.values.fraction("attacker-share"),
          confirmations: plan.consensus.values.count("attacker-confirmations")))
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

  /// Chances that grow fourfold from level to level, or a level a block.
  public var levels: [Double] {
    switch kind {
    case .doubleSpend(let odds):
      var levels: [Double] = []
      var next = 4 * odds.success(ours: 0, theirs: 0)
      while next < 0.5 {
        levels.append(next)
        next *= 4
      }
      return levels
    case .reversal(let depth): return (1...depth).map(Double.init)
    }
  }
}

/// The chance of a double spend that is under way, without delays: while the others make the blocks
/// that the merchant still waits for, the attacker makes a negative-binomial number, and what it
/// then lacks it makes up with q / p a block (Rosenfeld, arXiv 1402.2009, §3; Grunspan and
/// Pérez-Marco, 2018). With delays it is a good guess, which is all that splitting needs.
public struct RaceOdds: Sendable, Equatable {
  let q: Double
  let z: Int

  /// - Parameters:
  ///   - share: of the hash rate, in 0 ..< 0.5.
  ///   - confirmations: z.
  public init(share: Double, confirmations: Int) {
    precondition(share > 0 && share < 0.5 && confirmations >= 1, "a race without odds")
    q = share
    z = confirmations
  }

  /// - Parameters:
  ///   - ours: blocks of the attacker since the attempt began.
  ///   - theirs: blocks of the others.
  public func success(ours: Int, theirs: Int) -> Double {
    let p = 1 - q
    let lacking = max(z, theirs) - ours
    guard lacking > 0 else { return 1 }
    let waiting = max(z - theirs, 0)
    // P[k blocks] while `waiting` of the others come, and what is lacking after them.
    var mass = 1.0
    for _ in 0..<waiting { mass *= p }
    var catchUp = 1.0
    for _ in 0..<lacking { catchUp *= q / p }
    var sum = 0.0
    var below = 0.0
    for k in 0..<lacking {
      sum += mass * catchUp
      below += mass
      mass *= q * Double(waiting + k) / Double(k + 1)
      catchUp *= p / q
    }
    return min(sum + max(1 - below, 0), 1)
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
    copy.branch(branch, renewingLotteriesOf: event.isMemoryless ? event.chain + 1 : nil)
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
    case .doubleSpend(let odds):
      guard let race else { return }
      let attacker = race.protocols[0]
      guard let attack = attacker.attack else { return }
      if attack.attempts > 0 {
        outcome = attack.successes > 0
      } else {
        // The first attempt began at genesis.
        let blocks = race.blocks
        importance = odds.success(
          ours: Int(blocks[attacker.head].height), theirs: Int(blocks[attacker.shown].height))
      }
    }
  }
}
