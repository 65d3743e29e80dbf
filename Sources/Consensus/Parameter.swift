import Kernel
import Ledger
import Machines

/// A setting of a protocol, as it declares it: what a scenario may say, and what `describe` prints.
public struct Parameter: Sendable {
  public enum Kind: Sendable {
    case count(Int, in: ClosedRange<Int>)
    case duration(SimDuration, in: ClosedRange<SimDuration>)
    case bytes(Int, in: ClosedRange<Int>)
    case fraction(Double, in: ClosedRange<Double>)
    case flag(Bool)
    case choice(String, of: [String])
  }

  /// As the scenario spells it: `batch-timeout`.
  public let name: String
  /// Default value and range.
  public let kind: Kind
  /// What it does, in a sentence.
  public let sentence: String
  /// Where the default comes from.
  public let source: String

  public init(_ name: String, _ kind: Kind, _ sentence: String, source: String) {
    self.name = name
    self.kind = kind
    self.sentence = sentence
    self.source = source
  }
}

extension Parameter {
  /// A rule of the protocol that replicas leave out on purpose, so that one can see what it is for
  /// and that the monitors miss it. Runs with one say so.
  public static func weakness(_ names: [String]) -> Parameter {
    Parameter(
      "weakness", .choice("none", of: ["none"] + names),
      "A rule that all replicas leave out: for lessons, and to test the monitors.",
      source: "none: the protocol as it is")
  }
}

/// The values of a protocol's parameters, every one given or at its default.
public struct ParameterValues: Sendable, Equatable {
  public enum Value: Sendable, Equatable {
    case count(Int)
    case duration(SimDuration)
    case bytes(Int)
    case fraction(Double)
    case flag(Bool)
    case choice(String)
  }

  private var values: [(name: String, value: Value)] = []

  public init() {}

  /// All defaults of `parameters`.
  public init(defaults parameters: [Parameter]) {
    for parameter in parameters {
      switch parameter.kind {
      case .count(let value, _): self[parameter.name] = .count(value)
      case .duration(let value, _): self[parameter.name] = .duration(value)
      case .bytes(let value, _): self[parameter.name] = .bytes(value)
      case .fraction(let value, _): self[parameter.name] = .fraction(value)
      case .flag(let value): self[parameter.name] = .flag(value)
      case .choice(let value, _): self[parameter.name] = .choice(value)
      }
    }
  }

  public static func == (a: ParameterValues, b: ParameterValues) -> Bool {
    a.values.elementsEqual(b.values) { $0.name == $1.name && $0.value == $1.value }
  }

  public subscript(name: String) -> Value? {
    get { values.first { $0.name == name }?.value }
    set {
      values.removeAll { $0.name == name }
      if let newValue { values.append((name, newValue)) }
    }
  }

  public func count(_ name: String) -> Int {
    guard case .count(let value) = self[name] else { missing(name) }
    return value
  }

  public func duration(_ name: String) -> SimDuration {
    guard case .duration(let value) = self[name] else { missing(name) }
    return value
  }

  public func bytes(_ name: String) -> Int {
    guard case .bytes(let value) = self[name] else { missing(name) }
    return value
  }

  public func fraction(_ name: String) -> Double {
    guard case .fraction(let value) = self[name] else { missing(name) }
    return value
  }

  public func flag(_ name: String) -> Bool {
    guard case .flag(let value) = self[name] else { missing(name) }
    return value
  }

  public func choice(_ name: String) -> String {
    guard case .choice(let value) = self[name] else { missing(name) }
    return value
  }

  /// What the chosen `weakness` stands for; nothing for "none".
  public func weakness<Weakness: OptionSet>(
    of names: [(name: String, weakness: Weakness)]
  ) -> Weakness {
    let chosen = choice("weakness")
    return names.first { $0.name == chosen }?.weakness ?? []
  }

  private func missing(_ name: String) -> Never {
    preconditionFailure("no parameter \(name) of that kind is declared")
  }
}

/// What a replica is built from, besides its protocol's own parameters.
public struct ReplicaContext: Sendable {
  public var me: ReplicaID
  /// The committee of the protocol's `roles`.
  public var committee: Committee
  /// Roles in all, those outside of the committee too.
  public var nodes: Int
  /// Seed of the run, for what all replicas draw alike: a beacon, a common coin.
  public var seed: UInt64
  public var costs: CostSheet
  /// An empty mempool of the scenario's size.
  public var mempool: Mempool

  public init(
    me: ReplicaID, committee: Committee, nodes: Int? = nil, seed: UInt64, costs: CostSheet,
    mempool: Mempool
  ) {
    self.me = me
    self.committee = committee
    self.nodes = nodes ?? committee.n
    self.seed = seed
    self.costs = costs
    self.mempool = mempool
  }

  /// For settings of a committee of `n` that are read only to be checked.
  public static func blank(n: Int) -> ReplicaContext {
    ReplicaContext(
      me: ReplicaID(0), committee: Committee(n: n), seed: 0, costs: .free,
      mempool: Mempool(capacity: 1, eviction: .newest, populations: 1))
  }
}

/// A committee protocol that a scenario can name. Conforming, and one line in the registry, is all
/// that a new protocol needs.
public protocol ScenarioProtocol: ConsensusProtocol {
  /// Its settings in a scenario, with defaults, ranges, sentences and sources.
  static var parameters: [Parameter] { get }

  /// What is wrong with a combination of values, as a sentence; `nil` if they can work.
  static func problem(with values: ParameterValues, nodes: Int) -> String?

  /// What a user should know who combines these values, which can work, as a sentence; `nil` if
  /// nothing.
  static func warning(on values: ParameterValues, nodes: Int) -> String?

  /// Who does what among `nodes` nodes. Where the values cannot work, `problem` says so first.
  static func roles(_ values: ParameterValues, nodes: Int) -> Roles

  /// What keeps what it decides decided.
  static func finality(_ values: ParameterValues) -> FinalityRule

  init(_ values: ParameterValues, _ context: ReplicaContext)
}

extension ScenarioProtocol {
  public static func problem(with values: ParameterValues, nodes: Int) -> String? { nil }

  public static func warning(on values: ParameterValues, nodes: Int) -> String? { nil }

  public static func finality(_ values: ParameterValues) -> FinalityRule { .deterministic }

  public static func roles(_ values: ParameterValues, nodes: Int) -> Roles {
    Roles(Committee(n: nodes))
  }
}

/// What the nodes of a chain that spreads blocks are built from.
public struct ChainContext: Sendable {
  /// Share of hash rate or stake of each node; they add up to 1.
  public var shares: [Double]
  /// Seed of the run.
  public var seed: UInt64

  public init(shares: [Double], seed: UInt64) {
    self.shares = shares
    self.seed = seed
  }
}

/// A protocol that spreads blocks and that a scenario can name.
public protocol ScenarioChainProtocol: ChainProtocol {
  /// Its settings in a scenario, with defaults, ranges, sentences and sources.
  static var parameters: [Parameter] { get }
  /// Blocks are found by hashing, which costs energy beside the nodes' own.
  static var mines: Bool { get }

  /// What is wrong with a combination of values, as a sentence; `nil` if they can work.
  static func problem(with values: ParameterValues, nodes: Int) -> String?

  /// What keeps what it decides decided.
  static func finality(_ values: ParameterValues) -> FinalityRule

  /// Nodes that may be faulty, whichever they are, with bounded delays: without harm to what it
  /// decides, but for reversals as seldom as its analysis says, and to liveness.
  static func tolerated(_ values: ParameterValues, nodes: Int) -> Int

  /// One protocol value a node, and the arena with the genesis block.
  static func make(
    _ values: ParameterValues, _ context: ChainContext
  ) -> (nodes: [Self], genesis: BlockArena)
}

extension ScenarioChainProtocol {
  public static func problem(with values: ParameterValues, nodes: Int) -> String? { nil }

  /// Less than a third, as most analyses of stake and hash rate ask for.
  public static func tolerated(_ values: ParameterValues, nodes: Int) -> Int { (nodes - 1) / 3 }

  /// Of hashing if that is how blocks are found; else a protocol has to say it.
  public static func finality(_ values: ParameterValues) -> FinalityRule {
    mines ? .hashing : .unknown
  }
}
