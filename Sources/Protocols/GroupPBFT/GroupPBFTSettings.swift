import Consensus
import Kernel
import Ledger
import Machines

extension GroupPBFT {
  /// How those at fault are replaced.
  public enum ElectionRule: String, Sendable, CaseIterable {
    /// Only nodes of fixed location endorse; at fault, one gives way to whoever waited longest.
    case location
    /// The endorser of the lowest score gives way while some candidate has a higher one.
    case reputation
  }

  /// What a scenario says of group PBFT; nothing has a default here.
  public struct Settings: Sendable, Equatable {
    public var nodes: Int
    /// Endorsers, at most.
    public var cap: Int
    /// Slots of an era with the one that ends it, if no view change ends it before; at least 1.
    public var era: Int
    public var election: ElectionRule
    public var reward: Int
    public var penalty: Int
    /// Nodes of fixed location, who has been there longest first.
    public var fixed: [Int]
    public var learning: LeaderSubset.Learning
    public var ordering: PBFT.Settings
    /// An ablation: who accepts that an era ends goes on at once, without what was under way.
    public var forgetsHandover = false

    public init(
      nodes: Int, cap: Int, era: Int, election: ElectionRule, reward: Int, penalty: Int,
      fixed: [Int], learning: LeaderSubset.Learning, ordering: PBFT.Settings
    ) {
      self.nodes = nodes
      self.cap = cap
      self.era = era
      self.election = election
      self.reward = reward
      self.penalty = penalty
      self.fixed = fixed
      self.learning = learning
      self.ordering = ordering
    }

    /// Nodes that may endorse.
    private var eligible: [Int] { election == .location ? fixed : Array(0..<nodes) }

    /// Endorsers of each era.
    public var endorsers: Int { min(cap, eligible.count) }

    var genesis: Roster {
      let nodes = eligible.map { UInt32($0) }
      return Roster(
        rule: election, reward: reward, penalty: penalty, seats: Array(nodes.prefix(endorsers)),
        waiting: Array(nodes.dropFirst(endorsers)),
        scores: Array(repeating: 0, count: self.nodes))
    }

    /// What is wrong with the settings, as a phrase for a user; `nil` if nothing is.
    public var problem: String? {
      if endorsers < 4 { return "\(endorsers) of \(nodes) nodes may endorse: PBFT needs 4" }
      if era < 1 { return "an era has at least 1 slot, not \(era)" }
      if reward < 0 || penalty < 0 { return "reward and penalty must not be negative" }
      if ordering.skipsLateVotes { return "votes are all verified, as committees change" }
      return ordering.problem(n: endorsers)
    }
  }
}

/// Group PBFT as a scenario names it.
extension GroupPBFT: ScenarioProtocol {
  public static var parameters: [Parameter] {
    [
      Parameter(
        "cap", .count(40, in: 4...Committee.largest), "Endorsers, at most.",
        source: "Lao et al., IPDPS 2020: at most 40 endorsers in the tests"),
      Parameter(
        "era", .count(100, in: 1...1_000_000),
        "Slots of an era, the one that names the next endorsers counted.",
        source: "assumption: an era is long against its switch"),
      Parameter(
        "election", .choice("location", of: ElectionRule.allCases.map(\.rawValue)),
        "Who is at fault gives way to the next of fixed location, or the lowest score to a higher.",
        source: "Lao et al., IPDPS 2020: by location"),
      Parameter(
        "fixed-share", .fraction(1, in: 0...1),
        "Share of nodes of fixed location: ceil(N share), which the seed draws.",
        source: "assumption: gateways and stations"),
      Parameter(
        "reward", .count(1, in: 0...1_000_000), "Points for the primary that ends an era.",
        source: "assumption"),
      Parameter(
        "penalty", .count(10, in: 0...1_000_000), "Points lost by a primary whose view was left.",
        source: "assumption: a fault outweighs ten eras"),
      Parameter(
        "learn", .choice("one", of: LeaderSubset.Learning.allCases.map(\.rawValue)),
        "Who does not endorse believes one endorser, or f + 1 that say the same.",
        source: "Lao et al., IPDPS 2020: endorsers are trusted for their location"),
    ]
      + PBFT.parameters.filter { $0.name != "skip-late-votes" && $0.name != "weakness" }
      + [.weakness(["forgets-handover"] + PBFT.Weakness.names.map(\.name))]
  }

  public static func problem(with values: ParameterValues, nodes: Int) -> String? {
    Settings(values, nodes: nodes, .blank(n: max(nodes, 1))).problem
  }

  public static func roles(_ values: ParameterValues, nodes: Int) -> Roles {
    let fixed = fixedCount(values, nodes: nodes)
    let location = values.choice("election") == ElectionRule.location.rawValue
    return roles(endorsers: min(values.count("cap"), location ? fixed : nodes), nodes: nodes)
  }

  /// Any node may be asked, because any may endorse; a slot is decided when all but f nodes have
  /// executed it.
  public static func roles(endorsers: Int, nodes: Int) -> Roles {
    let committee = Committee(n: endorsers)
    var roles = Roles(committee)
    roles.members = nodes
    roles.executions = nodes - committee.f
    roles.contacts = 0..<nodes
    return roles
  }

  static func fixedCount(_ values: ParameterValues, nodes: Int) -> Int {
    min(nodes, Int((Double(nodes) * values.fraction("fixed-share")).rounded(.up)))
  }

  public init(_ values: ParameterValues, _ context: ReplicaContext) {
    self.init(me: context.me, settings: Settings(values, nodes: context.nodes, context))
  }
}

extension GroupPBFT.Settings {
  init(_ values: ParameterValues, nodes: Int, _ context: ReplicaContext) {
    var all = values
    all["skip-late-votes"] = .flag(false)
    var fixed = Array(0..<nodes)
    let count = GroupPBFT.fixedCount(values, nodes: nodes)
    if count < nodes {
      var stream = RandomStream(seed: context.seed, purpose: "nodes of fixed location")
      stream.shuffle(&fixed)
      fixed.removeLast(nodes - count)
    }
    self.init(
      nodes: nodes, cap: values.count("cap"), era: values.count("era"),
      election: GroupPBFT.ElectionRule(rawValue: values.choice("election")) ?? .location,
      reward: values.count("reward"), penalty: values.count("penalty"), fixed: fixed,
      learning: LeaderSubset.Learning(rawValue: values.choice("learn")) ?? .one,
      ordering: PBFT.Settings(all, context))
    forgetsHandover = values.choice("weakness") == "forgets-handover"
  }
}
