import Kernel
import Machines

/// An adversary whose nodes leave and join again until they are in the shard it wants, while honest
/// nodes come and go for their own reasons.
///
/// The attack is that of Awerbuch and Scheideler (SPAA '06). A rejoin takes a new identity, thus a
/// proof of work: `rejoins` an epoch is what the adversary can pay for. It uses them for nodes that
/// are not in the target.
public struct JoinLeaveAttack: Sendable {
  /// What happens in each epoch.
  public struct Setting: Sendable, Equatable {
    public var nodes: Int
    public var shards: Int
    /// Nodes of the adversary: the first ones.
    public var faulty: Int
    /// Nodes of the adversary that leave and rejoin in an epoch, at most.
    public var rejoins: Int
    /// Honest nodes that leave and as many that join in an epoch.
    public var honestChurn: Int
    /// The shard that the adversary wants.
    public var target: ShardID
    /// Who makes room for a node that joins; `nil` places it in any shard and moves nobody.
    public var rule: BoundedCuckoo?

    public init(
      nodes: Int, shards: Int, faulty: Int, rejoins: Int, honestChurn: Int,
      target: ShardID = ShardID(0), rule: BoundedCuckoo?
    ) {
      precondition(faulty >= 0 && faulty <= nodes, "\(faulty) faulty of \(nodes)")
      precondition(rejoins >= 0 && honestChurn >= 0, "churn \(rejoins), \(honestChurn)")
      precondition(honestChurn <= nodes - faulty, "\(honestChurn) of \(nodes - faulty) leave")
      precondition(Int(target.index) < shards, "target \(target) of \(shards)")
      (self.nodes, self.shards, self.faulty) = (nodes, shards, faulty)
      (self.rejoins, self.honestChurn) = (rejoins, honestChurn)
      (self.target, self.rule) = (target, rule)
    }
  }

  /// How the shards stand at the end of an epoch.
  public struct State: Sendable, Equatable {
    public var epoch: UInt64
    /// The largest share of the adversary in any shard.
    public var worstShare: Double
    /// Its share in the target.
    public var targetShare: Double
    /// Its nodes in the target.
    public var targetFaulty: Int
    /// Nodes that changed shard in this epoch and have to fetch another state, joins included.
    public var moved: Int
    /// Members of the smallest and the largest shard.
    public var smallest: Int
    public var largest: Int
  }

  public let setting: Setting
  public private(set) var assignment: ShardAssignment
  private let isFaulty: [Bool]
  private let seed: UInt64
  private var rule: BoundedCuckoo
  private var epoch: UInt64

  /// Begins with a uniform assignment.
  public init(_ setting: Setting, seed: UInt64) {
    self.setting = setting
    self.seed = seed
    epoch = 0
    isFaulty = (0..<setting.nodes).map { $0 < setting.faulty }
    rule = setting.rule ?? BoundedCuckoo(evicted: 0)
    assignment = .uniform(
      nodes: setting.nodes, shards: setting.shards, EpochRandomness(seed: seed, epoch: 0))
  }

  /// One epoch: some leave, the active half is called, they join again in random order.
  public mutating func next() -> State {
    epoch += 1
    let joining = leavers()
    for node in joining { assignment.remove(node) }
    rule.beginEpoch(assignment)
    var stream = RandomStream(seed: seed, purpose: "committee.joins", entity: epoch)
    var moved = 0
    for node in joining {
      if setting.rule == nil {
        assignment.place(node, in: ShardID(stream.range(0..<setting.shards)))
        moved += 1
      } else {
        moved += rule.join(node, &assignment, using: &stream).count
      }
    }
    if !joining.isEmpty { moved += rule.endEpoch(&assignment, using: &stream).count }
    return state(moved: moved)
  }

  /// Who leaves in this epoch to join again, in the order of joining.
  private func leavers() -> [NodeID] {
    var stream = RandomStream(seed: seed, purpose: "committee.leavers", entity: epoch)
    let outside = (0..<setting.faulty).filter { assignment.shard(of: NodeID($0)) != setting.target }
    let honest = setting.nodes - setting.faulty
    var leaving = stream.sample(min(setting.rejoins, outside.count), of: outside.count)
      .map { NodeID(outside[$0]) }
    leaving += stream.sample(setting.honestChurn, of: honest).map { NodeID(setting.faulty + $0) }
    stream.shuffle(&leaving)
    return leaving
  }

  private func state(moved: Int) -> State {
    let sizes = (0..<setting.shards).map { assignment.size(of: ShardID($0)) }
    return State(
      epoch: epoch, worstShare: assignment.worstShare(isFaulty),
      targetShare: assignment.share(in: setting.target, isFaulty),
      targetFaulty: assignment.marked(in: setting.target, isFaulty), moved: moved,
      smallest: sizes.min() ?? 0, largest: sizes.max() ?? 0)
  }
}
