import Consensus
import Kernel
import Ledger
import Machines

/// Layered PBFT as a scenario names it: its groups, and what it shares with PBFT.
extension LayeredPBFT: ScenarioProtocol {
  /// Settings of PBFT that layers leave no choice about: what a group says is signed, and each of
  /// its votes counts for a certificate.
  private static var fixed: [String] { ["authentication", "skip-late-votes"] }

  public static var parameters: [Parameter] {
    [
      Parameter(
        "layers", .count(2, in: Layers.allowed), "Layers of committees, the top one counted.",
        source: "Li et al., TPDS 2021: double-layer PBFT"),
      Parameter(
        "groups", .count(0, in: 0...Committee.largest),
        "Groups below the top committee, with two layers; 0: as many as group-size says.",
        source: "0: by size"),
      Parameter(
        "group-size", .count(0, in: 0...Layers.largestCommittee),
        "Members of a group, at most; 0: the size with the fewest messages a decision.",
        source: "0: as Li et al., TPDS 2021 choose it"),
      Parameter(
        "upward", .choice("certificate", of: Upward.allCases.map(\.rawValue)),
        "What stands behind a group's word above: a quorum of it, or its leader alone.",
        source: "Amir et al., Steward, DSN 2006: certificates"),
      Parameter(
        "group-timeout",
        .duration(.milliseconds(500), in: .milliseconds(1) ... .seconds(86_400)),
        "How long a member waits for what its group's leader should bring.",
        source: "assumption: a quarter of PBFT's view timeout here, so that groups mend first"),
    ] + PBFT.parameters.filter { !fixed.contains($0.name) && $0.name != "weakness" }
      + [.weakness(Weakness.names.map(\.name))]
  }

  public static func problem(with values: ParameterValues, nodes: Int) -> String? {
    let (groups, size) = (values.count("groups"), values.count("group-size"))
    if groups > 0, size > 0 { return "groups or group-size, not both" }
    if groups > 0, values.count("layers") > 2 { return "groups are counted with two layers only" }
    if groups > nodes { return "\(groups) groups need as many nodes, not \(nodes)" }
    if size == 1 { return "a group of 1 member is none" }
    if nodes < 4 { return "the top committee needs at least 4 groups, not \(nodes) nodes" }
    return Settings(values, nodes: nodes, .blank(n: nodes)).problem(nodes: nodes)
  }

  /// A slot is decided when as many have executed it as survive any tolerated faults; one more than
  /// may be faulty must agree on a reply.
  public static func roles(_ values: ParameterValues, nodes: Int) -> Roles {
    roles(Layers(values, nodes: nodes))
  }

  /// The same of layers that were made by hand.
  public static func roles(_ layers: Layers) -> Roles {
    var roles = Roles(Committee(n: layers.nodes))
    roles.tolerated = layers.tolerated
    roles.executions = layers.surviving
    roles.replyQuorum = layers.tolerated + 1
    return roles
  }

  public init(_ values: ParameterValues, _ context: ReplicaContext) {
    self.init(
      me: context.me, settings: Settings(values, nodes: context.committee.n, context))
  }
}

extension Layers {
  /// As a scenario's values say; the fewest messages where they do not.
  init(_ values: ParameterValues, nodes: Int) {
    let (groups, size) = (values.count("groups"), values.count("group-size"))
    let layers = values.count("layers")
    if groups > 0 {
      self.init(nodes: nodes, groups: groups)
    } else if size > 0 {
      self.init(nodes: nodes, size: size, layers: layers)
    } else {
      self = Layers.cheapest(nodes: nodes, layers: layers)
    }
  }

  /// The tree of `layers` layers with the fewest messages a decision that has at least four groups
  /// on top, if there is one; for two layers of any number of groups, else of any group size.
  public static func cheapest(nodes: Int, layers: Int) -> Layers {
    var best: Layers?
    for choice in stride(from: 2, through: nodes, by: 1) {
      guard layers == 2 ? choice >= 4 : choice <= largestCommittee else { continue }
      let next =
        layers == 2
        ? Layers(nodes: nodes, groups: choice)
        : Layers(nodes: nodes, size: choice, layers: layers)
      guard next.top.n >= 4, next.messages < best?.messages ?? .max else { continue }
      best = next
    }
    return best ?? Layers(nodes: nodes, size: 2, layers: layers)
  }
}

extension LayeredPBFT.Settings {
  init(_ values: ParameterValues, nodes: Int, _ context: ReplicaContext) {
    var all = values
    all["authentication"] = .choice(PBFT.Authentication.signatures.rawValue)
    all["skip-late-votes"] = .flag(false)
    all["weakness"] = .choice("none")
    self.init(
      layers: Layers(values, nodes: nodes),
      upward: LayeredPBFT.Upward(rawValue: values.choice("upward")) ?? .certificate,
      groupTimeout: values.duration("group-timeout"),
      ordering: PBFT.Settings(all, context))
    weakness = values.weakness(of: LayeredPBFT.Weakness.names)
  }
}
