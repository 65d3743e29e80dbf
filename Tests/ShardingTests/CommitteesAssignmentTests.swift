import Kernel
import Machines
import Sharding
import Statistics
import Testing

@Suite("assignment of nodes to shards")
struct CommitteesAssignmentTests {
  @Test("a uniform assignment deals everybody out, to shards that differ by one member at most")
  func uniform() {
    let assignment = ShardAssignment.uniform(
      nodes: 103, shards: 10, EpochRandomness(seed: 1, epoch: 0))
    let sizes = (0..<10).map { assignment.size(of: ShardID($0)) }
    #expect(sizes.sorted() == [10, 10, 10, 10, 10, 10, 10, 11, 11, 11])
    for shard in (0..<10).map({ ShardID($0) }) {
      for node in assignment.members(of: shard) { #expect(assignment.shard(of: node) == shard) }
    }
    #expect(
      assignment
        == ShardAssignment.uniform(nodes: 103, shards: 10, EpochRandomness(seed: 1, epoch: 0)))
    #expect(
      assignment
        != ShardAssignment.uniform(nodes: 103, shards: 10, EpochRandomness(seed: 1, epoch: 1)))
  }

  /// Nodes, share of faulty ones, size and limit: rows of the published table in which the size
  /// divides the number of nodes and failures are no rarer than 1 in 10,000.
  static let tabulated: [(Int, Double, Int, CommitteeFailure.Limit)] = [
    (4_000, 0.3333, 50, .half), (4_000, 0.3333, 100, .half), (2_000, 0.3333, 50, .half),
    (2_000, 0.3333, 100, .half), (4_000, 0.25, 50, .half), (1_800, 0.25, 300, .third),
    (1_800, 0.25, 225, .third), (4_000, 0.25, 200, .third), (4_000, 0.3333, 250, .third),
  ]

  /// How many committees fail in uniform assignments, in all and in how many tried.
  func failures(
    _ n: Int, _ faulty: Int, _ size: Int, _ limit: CommitteeFailure.Limit, epochs: UInt64,
    origin: EpochRandomness.Origin = .unbiased
  ) -> (failed: Int, drawn: Int) {
    let shards = n / size
    let marks = (0..<n).map { $0 < faulty }
    var failed = 0
    for epoch in 0..<epochs {
      let randomness = EpochRandomness.chosen(seed: 11, epoch: epoch, origin: origin) {
        origin == .unbiased
          ? 0 : ShardAssignment.uniform(nodes: n, shards: shards, $0).worstShare(marks)
      }
      let assignment = ShardAssignment.uniform(nodes: n, shards: shards, randomness)
      failed += (0..<shards).count {
        assignment.marked(in: ShardID($0), marks) >= limit.breaking(size)
      }
    }
    return (failed, Int(epochs) * shards)
  }

  @Test("committees fail as often as the hypergeometric says, to 4 errors", arguments: tabulated)
  func hypergeometric(n: Int, share: Double, size: Int, limit: CommitteeFailure.Limit) {
    let faulty = Int(share * Double(n))
    let p = CommitteeFailure.one(size: size, faulty: faulty, population: n, limit)
    #expect(p > 1e-4)
    let (failed, drawn) = failures(n, faulty, size, limit, epochs: 1_000)
    // Committees of one partition draw against each other, so this error is an upper bound.
    let error = (p * (1 - p) * Double(drawn)).squareRoot()
    #expect(abs(Double(failed) - p * Double(drawn)) < 4 * error, "\(failed), \(p * Double(drawn))")
  }

  @Test("any committee of a partition fails as often as the exact sum says, below its bound")
  func any() {
    let (n, size, epochs) = (400, 20, 4_000)
    let (shards, faulty) = (n / size, 100)
    let marks = (0..<n).map { $0 < faulty }
    let p = CommitteeFailure.any(
      sizes: [Int](repeating: size, count: shards), faulty: faulty, population: n, .half)
    let one = CommitteeFailure.one(size: size, faulty: faulty, population: n, .half)
    let failed = (0..<epochs).count { epoch in
      let assignment = ShardAssignment.uniform(
        nodes: n, shards: shards, EpochRandomness(seed: 12, epoch: UInt64(epoch)))
      return assignment.worstShare(marks) >= 0.5
    }
    let error = (p * (1 - p) * Double(epochs)).squareRoot()
    #expect(abs(Double(failed) - p * Double(epochs)) < 4 * error, "\(failed)")
    #expect(p < CommitteeFailure.unionBound(one, committees: shards))
  }

  @Test("who may choose between 16 values breaks committees much more often")
  func ground() {
    let p = CommitteeFailure.one(size: 50, faulty: 500, population: 2_000, .half)
    let (failed, drawn) = failures(
      2_000, 500, 50, .half, epochs: 300, origin: .commitReveal(lastRevealers: 4))
    let error = (p * Double(drawn)).squareRoot()
    #expect(Double(failed) > p * Double(drawn) + 10 * error, "\(failed), \(p * Double(drawn))")
  }

  @Test("independent places are multinomial: sizes vary as a binomial")
  func independent() {
    let (n, shards) = (2_000, 16)
    var squares = 0.0
    for epoch in 0..<200 as Range<UInt64> {
      let assignment = ShardAssignment.independent(
        nodes: n, shards: shards, EpochRandomness(seed: 2, epoch: epoch))
      for i in 0..<shards {
        let gap = Double(assignment.size(of: ShardID(i)) - n / shards)
        squares += gap * gap
      }
    }
    let variance = Double(n) / 16 * (15.0 / 16)
    // The sum of squares over variance is about chi-square; 4 of its errors.
    let freedom = 200.0 * 15
    #expect(abs(squares / variance * (15.0 / 16) - freedom) < 4 * (2 * freedom).squareRoot())
  }

  @Test("moves lead from one assignment to the next, and are only what differs")
  func moves() {
    var old = ShardAssignment.uniform(nodes: 60, shards: 5, EpochRandomness(seed: 1, epoch: 0))
    old.remove(NodeID(3))
    var new = ShardAssignment.uniform(nodes: 60, shards: 5, EpochRandomness(seed: 1, epoch: 1))
    new.remove(NodeID(8))
    let moves = old.moves(to: new)
    #expect(moves.contains { $0.node == NodeID(3) && $0.from == nil })
    #expect(moves.contains { $0.node == NodeID(8) && $0.to == nil })
    for move in moves { old.apply(move) }
    #expect((0..<60).allSatisfy { old.shard(of: NodeID($0)) == new.shard(of: NodeID($0)) })
    #expect(old.moves(to: new).isEmpty)
  }

  @Test(
    "a gradual swap ends where it should and never replaces more than its batch",
    arguments: [1, 8, 16])
  func gradual(batch: Int) {
    let randomness = EpochRandomness(seed: 5, epoch: 1)
    var assignment = ShardAssignment.uniform(
      nodes: 400, shards: 8, EpochRandomness(seed: 5, epoch: 0))
    for i in 0..<20 { assignment.remove(NodeID(i)) }  // who will join
    var target = ShardAssignment.uniform(nodes: 400, shards: 8, randomness)
    for i in 20..<30 { target.remove(NodeID(i)) }  // who will leave
    let before = assignment
    let swap = GradualSwap(from: assignment, to: target, batch: batch, randomness)
    var moved = 0
    for round in swap.rounds {
      #expect(!round.isEmpty)
      for shard in (0..<8).map({ ShardID($0) }) {
        #expect(round.count { $0.from == shard } <= batch)
        #expect(round.count { $0.to == shard } <= batch)
      }
      for move in round { assignment.apply(move) }
      moved += round.count
    }
    #expect(assignment.moves(to: target).isEmpty)
    #expect(moved == before.moves(to: target).count)
    // Each of eight shards has some 44 of 50 to replace.
    #expect(swap.rounds.count >= 40 / batch)
  }

  @Test("the largest batch leaves two thirds")
  func batch() {
    #expect(GradualSwap.largestBatch(committee: 250) == 83)
    #expect(GradualSwap.largestBatch(committee: 2) == 1)
  }
}
