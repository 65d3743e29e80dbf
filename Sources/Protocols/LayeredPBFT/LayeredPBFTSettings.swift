import Consensus
import Kernel
import Ledger
import Machines

extension LayeredPBFT {
  /// What a scenario says of layered PBFT; nothing has a default here.
  public struct Settings: Sendable, Equatable {
    public var layers: Layers
    public var upward: Upward
    /// How long a member waits for its group's leader before it wants another; it doubles with the
    /// view timeout, of which it should be a small part.
    public var groupTimeout: SimDuration
    /// Batches, checkpoints, timeouts of the top committee, sizes and costs, as of PBFT.
    /// `authentication` must be signatures: what a group says is shown to others.
    public var ordering: PBFT.Settings
    /// None outside of ablations and of replicas that tests let misbehave.
    public var weakness: Weakness = []

    public init(
      layers: Layers, upward: Upward, groupTimeout: SimDuration, ordering: PBFT.Settings
    ) {
      self.layers = layers
      self.upward = upward
      self.groupTimeout = groupTimeout
      self.ordering = ordering
    }
  }

  /// What stands behind what a group says to other groups.
  public enum Upward: String, Sendable, CaseIterable {
    /// A quorum of the group has signed it, as in Steward.
    case certificate
    /// Its leader says so.
    case leader
  }

  /// Rules that an ablation leaves out, to show that the monitors see it; and what a faulty leader
  /// does.
  public struct Weakness: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A new view proposes nothing again.
    public static var forgetsPrepared: Weakness { Weakness(rawValue: 1) }
    /// Quorums of all committees have 2f members.
    public static var quorumOfTwoF: Weakness { Weakness(rawValue: 2) }
    /// As leader, speaks for its group without asking it.
    public static var speaksAlone: Weakness { Weakness(rawValue: 4) }
    /// Believes what comes without a certificate of its group.
    public static var believesAnyone: Weakness { Weakness(rawValue: 8) }

    /// As scenarios call them.
    static var names: [(name: String, weakness: Weakness)] {
      [
        ("forgets-prepared", .forgetsPrepared), ("quorum-of-2f", .quorumOfTwoF),
        ("speaks-alone", .speaksAlone), ("believes-anyone", .believesAnyone),
      ]
    }
  }
}

extension LayeredPBFT.Settings {
  func quorum(of committee: Committee) -> Int {
    weakness.contains(.quorumOfTwoF) ? max(2 * committee.f, 1) : committee.quorum
  }

  /// What is wrong with the settings for so many nodes, as a phrase for a user; `nil` if nothing.
  public func problem(nodes: Int) -> String? {
    if layers.nodes != nodes { return "the groups hold \(layers.nodes) nodes, not \(nodes)" }
    if layers.top.n < 4 { return "the top committee needs at least 4 groups, not \(layers.top.n)" }
    for k in 1...layers.count {
      for g in 0..<layers.groups(at: k)
      where layers.children(of: g, at: k).count > Layers.largestCommittee {
        return "a group holds at most \(Layers.largestCommittee) members"
      }
    }
    if groupTimeout <= .zero { return "timeouts must be positive" }
    if ordering.authentication != .signatures {
      return "what a group says is shown to others, so that it must be signed"
    }
    if ordering.skipsLateVotes { return "votes of groups are all verified" }
    return ordering.problem(n: nodes)
  }
}
