import Kernel
import Machines
import Sharding
import Testing

@Suite("nodes that leave and join")
struct CommitteesChurnTests {
  @Test("the larger half is active; joins go there, and those who make room to the other half")
  func cuckoo() {
    var assignment = ShardAssignment(nodes: 100, shards: 4)
    // Sizes 10, 30, 30, 20: the second and the third are active.
    for i in 0..<90 {
      let shard = i < 10 ? 0 : i < 40 ? 1 : i < 70 ? 2 : 3
      assignment.place(NodeID(i), in: ShardID(shard))
    }
    var rule = BoundedCuckoo(evicted: 3)
    rule.beginEpoch(assignment)
    #expect(rule.active == [ShardID(1), ShardID(2)])
    #expect(rule.inactive == [ShardID(0), ShardID(3)])
    var stream = RandomStream(seed: 1, purpose: "test")
    for i in 90..<100 {
      let moves = rule.join(NodeID(i), &assignment, using: &stream)
      #expect(moves.count == 4)
      #expect(moves[0].node == NodeID(i) && moves[0].from == nil)
      #expect(rule.active.contains(moves[0].to ?? ShardID(0)))
      for move in moves.dropFirst() {
        #expect(move.from == moves[0].to)
        #expect(rule.inactive.contains(move.to ?? ShardID(1)))
        #expect(move.node != NodeID(i))
      }
    }
    #expect((0..<4).reduce(0) { $0 + assignment.size(of: ShardID($1)) } == 100)
  }

  @Test("activity, not size, makes a committee active; equals go by index")
  func activity() {
    let assignment = ShardAssignment.uniform(
      nodes: 40, shards: 4, EpochRandomness(seed: 1, epoch: 0))
    var rule = BoundedCuckoo(evicted: 1)
    rule.beginEpoch(assignment)
    #expect(rule.active == [ShardID(0), ShardID(1)])
    var isActive = [Bool](repeating: true, count: 40)
    for node in assignment.members(of: ShardID(0)).prefix(2) { isActive[Int(node.index)] = false }
    rule.beginEpoch(assignment, isActive: isActive)
    #expect(rule.active == [ShardID(1), ShardID(2)])
  }

  @Test("once an epoch, every committee gives away k members")
  func perEpoch() {
    var assignment = ShardAssignment.uniform(
      nodes: 60, shards: 6, EpochRandomness(seed: 1, epoch: 0))
    assignment.remove(NodeID(7))
    var rule = BoundedCuckoo(evicted: 2, eviction: .perEpoch)
    rule.beginEpoch(assignment)
    var stream = RandomStream(seed: 1, purpose: "test")
    #expect(rule.join(NodeID(7), &assignment, using: &stream).count == 1)
    let moves = rule.endEpoch(&assignment, using: &stream)
    #expect(moves.count == 12)
    for shard in (0..<6).map({ ShardID($0) }) { #expect(moves.count { $0.from == shard } == 2) }
    #expect(moves.allSatisfy { $0.to != $0.from && rule.inactive.contains($0.to ?? ShardID(0)) })
  }

  static let open = JoinLeaveAttack.Setting(
    nodes: 4_000, shards: 16, faulty: 1_333, rejoins: 40, honestChurn: 40, rule: nil)

  func run(_ setting: JoinLeaveAttack.Setting, epochs: Int, seed: UInt64) -> [JoinLeaveAttack.State]
  {
    var attack = JoinLeaveAttack(setting, seed: seed)
    return (0..<epochs).map { _ in attack.next() }
  }

  @Test("without a rule, of r rejoins an epoch r / shards stay in the target, until all are there")
  func open() {
    let (seeds, epochs) = (20, 200)
    var sum = 0.0
    for seed in 0..<seeds {
      sum += Double(run(Self.open, epochs: epochs, seed: UInt64(seed)).last?.targetFaulty ?? 0)
    }
    let (n, m, t) = (4_000.0, 16.0, Double(epochs))
    let expected = 1_333 / m + t * 40 / m
    // At the start without replacement, then independent rejoins.
    let start = 250 * (1_333 / n) * (1 - 1_333 / n) * (n - 250) / (n - 1)
    let error = ((start + t * 40 * (1 / m) * (1 - 1 / m)) / Double(seeds)).squareRoot()
    #expect(abs(sum / Double(seeds) - expected) < 4 * error, "\(sum / Double(seeds)) \(expected)")

    let states = run(Self.open, epochs: 1_000, seed: 1)
    #expect(states.last?.targetFaulty == 1_333)
    // The honest members are one of sixteen of 2,667, give or take 4 errors.
    let last = states.last?.worstShare ?? 0
    let honest = 1_333 / last - 1_333
    #expect(abs(honest - 2_667 / m) < 4 * (2_667 / m * (1 - 1 / m)).squareRoot())
  }

  /// The share of the target in which the flows balance, by mean field. Of J joins r are by the
  /// adversary. J / m join the target and each evicts k of its members, whose share is y; what
  /// the others evict comes back with their share b, less what makes up for the joins g that no
  /// leaving of an honest member makes room for: y = b + (r / J - g b) / k.
  func balancedShare(_ s: JoinLeaveAttack.Setting, k: Double) -> Double {
    let (n, m, faulty) = (Double(s.nodes), Double(s.shards), Double(s.faulty))
    let (rejoins, churn) = (Double(s.rejoins), Double(s.honestChurn))
    let size = n / m
    let joins = (rejoins + churn) / m
    var y = faulty / n
    for _ in 0..<200 {
      let others = (faulty - y * size) / (n - size)
      let leaving = churn * size * (1 - y) / (n - faulty)
      y = others + (rejoins / (rejoins + churn) - (joins - leaving) / joins * others) / k
    }
    return y
  }

  @Test("with the Cuckoo rule the target's share settles where flows balance", arguments: [4, 8])
  func balance(k: Int) {
    var setting = Self.open
    setting.rule = BoundedCuckoo(evicted: k)
    var (faulty, members, worst) = (0.0, 0.0, 0.0)
    for seed: UInt64 in 0..<4 {
      for state in run(setting, epochs: 1_000, seed: seed) {
        worst += state.worstShare / 4_000
        guard state.epoch > 200 else { continue }
        faulty += Double(state.targetFaulty)
        members += Double(state.targetFaulty) / state.targetShare
      }
    }
    let expected = balancedShare(setting, k: Double(k))
    // Mean field: halves that alternate and shares that vary leave a hundredth at these k.
    #expect(abs(faulty / members - expected) < 0.01, "\(faulty / members), \(expected)")
    // Without the rule it ends above 0.88; with it the worst of sixteen stays near the balance.
    #expect(worst < 0.42, "\(worst)")
  }

  @Test("without churn of the adversary, the rule keeps shares where chance puts them")
  func honest() {
    var setting = Self.open
    setting.rejoins = 0
    setting.rule = BoundedCuckoo(evicted: 4)
    let states = run(setting, epochs: 300, seed: 2)
    let mean = states.map(\.targetShare).reduce(0, +) / 300
    // Shares forget in about a hundred joins: at least ten independent looks at 250 members.
    let error = (1.0 / 3 * 2 / 3 / 250 / 10).squareRoot()
    #expect(abs(mean - 1_333.0 / 4_000) < 4 * error, "\(mean)")
  }
}
