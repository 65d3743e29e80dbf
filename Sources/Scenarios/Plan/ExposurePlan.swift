import Kernel
import Sharding

/// An adversary that holds a share of all nodes: how safe are committees of this size against it?
///
/// Nothing of it happens in the run. It is computed, or drawn epoch by epoch, beside it and stands
/// among its results, so that what small committees win and what they risk are read together.
public struct ExposurePlan: Sendable, Equatable {
  /// Who rejoins to gather in one shard, and what the other nodes do meanwhile.
  public struct JoinLeave: Sendable, Equatable {
    public var epochs: Int
    /// Nodes of the adversary, and others, that leave and join again in an epoch.
    public var rejoins: Int
    public var honestChurn: Int
    /// Who makes room; `nil`: nobody.
    public var rule: BoundedCuckoo?
  }

  /// Share of the population that is the adversary's.
  public var adversary: Double
  /// Nodes that committees are drawn from.
  public var population: Int
  /// Committees are drawn anew so often.
  public var redrawn: SimDuration
  /// Faulty members that a committee tolerates, as its protocol says.
  public var tolerated: Int
  public var joinLeave: JoinLeave?

  /// Nodes of the adversary.
  public var faulty: Int { Int(adversary * Double(population) + 1e-9) }

  /// - Parameter serving: nodes that serve on committees.
  init(_ section: Section, serving: Int, tolerated: Int) throws {
    self.tolerated = tolerated
    adversary = section.fraction(
      "adversary", in: 0...1, "share of all nodes that is the adversary's")
    population =
      section.optional("population") {
        section.count(
          $1, in: max(serving, 1)...100_000,
          "nodes that committees are drawn from; default those that serve")
      } ?? serving
    redrawn = section.duration(
      "redrawn", default: .seconds(86_400), in: .seconds(1) ... .seconds(100 * 365 * 86_400),
      "committees are drawn anew so often", source: "RapidChain: an epoch is a day")
    joinLeave = try section.optionalSection(
      "join-leave", "the adversary's nodes rejoin until they are in the shard that it wants"
    ) { try JoinLeave($0) }
    section.require(
      joinLeave == nil || population == serving, "population",
      "who joins or leaves serves on a committee: \(serving) nodes", allowed: "\(serving)")
    if let joinLeave {
      section.require(
        joinLeave.honestChurn <= population - faulty, "join-leave",
        "\(joinLeave.honestChurn) honest nodes leave, there are \(population - faulty)")
    }
  }
}

extension ExposurePlan.JoinLeave {
  fileprivate init(_ section: Section) throws {
    epochs = section.count(
      "epochs", default: 1000, in: 1...100_000, "epochs that the attack goes on",
      source: "long enough to see where it settles")
    rejoins = section.count(
      "rejoins", in: 0...100_000, "nodes of the adversary that leave and rejoin in an epoch")
    honestChurn = section.count(
      "honest-churn", in: 0...100_000, "other nodes that leave and rejoin in an epoch")
    rule = try section.variant(
      "rule",
      [
        Alternative<BoundedCuckoo?>(
          "none", "who joins is placed at random, nobody moves", section: { _ in nil }),
        Alternative<BoundedCuckoo?>(
          "cuckoo", "bounded Cuckoo rule of RapidChain: who joins makes others move",
          section: { section in
            BoundedCuckoo(
              evicted: section.count(
                "evicted", in: 1...1000, "members that move at a time, k"),
              eviction: section.choice(
                "eviction", of: BoundedCuckoo.Eviction.self, default: .perJoin,
                "per-join: from the committee joined; per-epoch: from every committee"))
          }),
      ], "who makes room for a node that joins")
  }
}
