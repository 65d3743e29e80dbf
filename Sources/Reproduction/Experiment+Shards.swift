import Sharding
import Statistics

/// What shards of a ledger rest on: committees of which too many members may be faulty, and
/// accounts that are not in one shard.
extension Experiment {
  /// Nodes are dealt out to shards as at the begin of an epoch (`ShardAssignment.uniform`), of
  /// which the first ones are faulty: `share` of them, rounded down. A committee is the first
  /// `size` members of a shard, so that all have one size where it does not divide the nodes.
  static func deal(
    _ settings: ExperimentSettings, _ seed: UInt64
  ) -> [(name: String, value: Double)] {
    let (nodes, size) = (settings.count("nodes"), settings.count("size"))
    let faulty = Self.faulty(of: nodes, settings["share"])
    let shards = max(nodes / size, 1)
    let limits: [(name: String, limit: CommitteeFailure.Limit)] = [
      ("half", .half), ("third", .third), ("tolerated", .tolerated),
    ]
    var failures = [Int](repeating: 0, count: limits.count)
    var trials = 0
    for epoch in 0..<settings.count("shuffles") {
      let assignment = ShardAssignment.uniform(
        nodes: nodes, shards: shards, EpochRandomness(seed: seed, epoch: UInt64(epoch)))
      for s in 0..<shards {
        let members = assignment.members(of: ShardID(s)).prefix(size)
        let own = members.reduce(0) { $0 + (Int($1.index) < faulty ? 1 : 0) }
        trials += 1
        for (k, entry) in limits.enumerated() where own >= entry.limit.breaking(size) {
          failures[k] += 1
        }
      }
    }
    var values = Self.shares(zip(limits, failures).map { ($0.name, $1) }, of: trials)
    for (name, limit) in limits {
      let one = CommitteeFailure.one(
        size: size, faulty: faulty, population: max(nodes, size), limit)
      values.append(("formula.\(name)", one))
      values.append(
        ("formula.\(name).union", CommitteeFailure.unionBound(one, committees: shards)))
      values.append(
        (
          "formula.\(name).binomial",
          CommitteeFailure.one(size: size, faultyShare: settings["share"], limit)
        ))
    }
    return values
  }

  /// `share` of `nodes`, rounded down; what is a whole number but for the last digits is one.
  private static func faulty(of nodes: Int, _ share: Double) -> Int {
    Int((Double(nodes) * share + 1e-6).rounded(.down))
  }

  /// OmniLedger's question: the smallest committee of 3f + 1 whose members exceed f faulty ones
  /// with a probability of at most `error`.
  static func smallestCommittee(
    _ settings: ExperimentSettings
  ) -> [(name: String, value: Double)] {
    let share = settings["share"]
    guard
      let size = CommitteeFailure.smallestCommittee(
        faultyShare: share, error: settings["error"])
    else { return [] }
    return [
      ("formula.size", Double(size)),
      ("formula.failure", CommitteeFailure.one(size: size, faultyShare: share, .third)),
    ]
  }

  /// RapidChain's question: years until one of the committees of `size` into which `nodes` are
  /// divided has half of its members faulty, if they are drawn anew each day.
  static func timeToFailure(
    _ settings: ExperimentSettings
  ) -> [(name: String, value: Double)] {
    let (nodes, size) = (settings.count("nodes"), settings.count("size"))
    let share = settings["share"]
    let committees = nodes / size
    var values: [(name: String, value: Double)] = []
    func add(_ model: String, _ failure: Double) {
      values.append(("formula.\(model).failure", failure))
      values.append(
        (
          "formula.\(model).years",
          CommitteeFailure.years(
            perEpoch: Double(committees) * failure, epochsPerYear: 365)
        ))
    }
    add("binomial", CommitteeFailure.one(size: size, faultyShare: share, .half))
    add(
      "hypergeometric",
      CommitteeFailure.one(
        size: size, faulty: Self.faulty(of: nodes, share), population: nodes, .half))
    return values
  }

  /// Accounts of one transaction over `shards`, by formula.
  static func crossShard(_ settings: ExperimentSettings) -> [(name: String, value: Double)] {
    let (shards, touched) = (settings.count("shards"), settings.count("accounts"))
    return [
      ("formula.share", CrossShard.share(shards: shards, touched: touched)),
      ("formula.touched", CrossShard.meanShards(shards: shards, touched: touched)),
    ]
  }
}
