import Kernel
import Machines
import Sharding
import Testing

@Suite("committees from epoch to epoch")
struct CommitteesReassignmentTests {
  static let rules: [Reassignment] = [
    .fixed, .uniform, .gradual(batch: 5), .cuckoo(BoundedCuckoo(evicted: 2)),
    .cuckoo(BoundedCuckoo(evicted: 2, eviction: .perEpoch)),
  ]

  /// 100 nodes in 5 shards, of whom 90 to 99 are away.
  static var start: ShardAssignment {
    let present = (0..<90).map { NodeID($0) }
    return .uniform(of: present, nodes: 100, shards: 5, EpochRandomness(seed: 1, epoch: 0))
  }

  @Test(
    "whoever leaves is gone, whoever joins is there, and steps apply in order", arguments: rules)
  func membership(_ rule: Reassignment) {
    var assignment = Self.start
    let (leaving, joining) = ((0..<8).map { NodeID($0) }, (90..<98).map { NodeID($0) })
    let randomness = EpochRandomness(seed: 1, epoch: 1)
    let steps = rule.steps(from: assignment, leaving: leaving, joining: joining, randomness)
    #expect(
      steps == rule.steps(from: Self.start, leaving: leaving, joining: joining, randomness))
    for move in steps.joined() { assignment.apply(move) }
    for i in 0..<100 {
      #expect((assignment.shard(of: NodeID(i)) != nil) == (8..<98).contains(i), "\(i)")
    }
    let sizes = (0..<5).map { assignment.size(of: ShardID($0)) }
    #expect(sizes.reduce(0, +) == 90)
    switch rule {
    case .uniform, .gradual: #expect(sizes == [18, 18, 18, 18, 18])
    case .fixed, .cuckoo: #expect(sizes.allSatisfy { $0 >= 10 })
    }
  }

  @Test("how many have to fetch another state: none, four of five, in batches, or k a join")
  func moved() {
    let joining = (90..<98).map { NodeID($0) }
    func moved(_ rule: Reassignment, _ epoch: UInt64 = 1) -> [Int] {
      rule.steps(
        from: Self.start, leaving: [], joining: joining, EpochRandomness(seed: 1, epoch: epoch)
      ).map(\.count)
    }
    #expect(moved(.fixed) == [8])
    // 90 nodes stay where they are with probability 1/5; 8 join.
    let counts = (1...100).map { Double(moved(.uniform, $0)[0] - 8) }
    let mean = counts.reduce(0, +) / 100
    #expect(abs(mean - 72) < 4 * (90.0 * 0.16 / 100).squareRoot())
    #expect(moved(.gradual(batch: 5)).reduce(0, +) == moved(.uniform)[0])
    #expect(moved(.gradual(batch: 5)).count >= 3)
    #expect(moved(.cuckoo(BoundedCuckoo(evicted: 2))) == [8 + 16])
    #expect(moved(.cuckoo(BoundedCuckoo(evicted: 2, eviction: .perEpoch))) == [8 + 10])
  }

  @Test("randomness from shares: each share, their order and the epoch matter")
  func shares() {
    func value(_ epoch: UInt64, _ shares: [UInt64]) -> UInt64 {
      EpochRandomness(epoch: epoch, shares: shares, origin: .commitReveal(lastRevealers: 1)).value
    }
    let values = [
      value(1, [5, 6]), value(1, [6, 5]), value(1, [5]), value(2, [5, 6]), value(1, []),
    ]
    for i in values.indices { #expect(!values[..<i].contains(values[i])) }
    #expect(value(1, [5, 6]) == values[0])
  }
}
