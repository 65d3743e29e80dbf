import Consensus
import Kernel
import Ledger
import Machines

/// Leader-subset PBFT as a scenario names it: how many lead, what followers believe, and PBFT's own
/// settings.
extension LeaderSubset: ScenarioProtocol {
  public static var parameters: [Parameter] {
    [
      Parameter(
        "phi", .fraction(0.5, in: 0...1), "Share of the nodes that lead: l = ceil(N phi).",
        source: "Min 2020 names 2/N leaders, which is ambiguous; 0.5 is an assumption"),
      Parameter(
        "learn", .choice("one", of: Learning.allCases.map(\.rawValue)),
        "A follower believes one leader, or f + 1 that say the same.",
        source: "Min 2020: nodes of a private network trust each other"),
    ] + PBFT.parameters
  }

  private static func leaders(_ values: ParameterValues, nodes: Int) -> Int {
    let exact = Double(nodes) * values.fraction("phi")
    return max(1, min(nodes, Int(exact.rounded(.up))))
  }

  public static func problem(with values: ParameterValues, nodes: Int) -> String? {
    let leaders = leaders(values, nodes: nodes)
    guard leaders >= 4 else {
      return "PBFT among \(leaders) of \(nodes) nodes: at least 4 must lead"
    }
    return PBFT.problem(with: values, nodes: leaders)
  }

  /// All execute; clients talk to leaders.
  public static func roles(_ values: ParameterValues, nodes: Int) -> Roles {
    roles(leaders: leaders(values, nodes: nodes), nodes: nodes)
  }

  /// The same of so many leaders. A slot is decided when all but f nodes have executed it.
  public static func roles(leaders: Int, nodes: Int) -> Roles {
    let committee = Committee(n: leaders)
    var roles = Roles(committee)
    roles.members = nodes
    roles.executions = nodes - committee.f
    return roles
  }

  public init(_ values: ParameterValues, _ context: ReplicaContext) {
    self.init(values, context, nodes: context.nodes)
  }

  init(_ values: ParameterValues, _ context: ReplicaContext, nodes: Int) {
    self.init(
      me: context.me, nodes: nodes, leaders: context.committee.n,
      learning: Learning(rawValue: values.choice("learn")) ?? .one,
      settings: PBFT.Settings(values, context))
  }
}
