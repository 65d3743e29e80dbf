import Kernel
import Machines

/// A change of committees in rounds, so small that each shard keeps working: OmniLedger
/// (Kokoris-Kogias et al., S&P '18, "Maintaining Operability During Epoch Transitions").
///
/// The randomness of the epoch gives the new assignment and, for each shard, the order in which its
/// leaving members go. In a round at most `batch` members leave a shard and at most `batch` join
/// it; those who join first fetch the state. With `batch` up to a third of the shard, the members
/// who stay are a quorum.
public struct GradualSwap: Sendable, Equatable {
  /// What moves in each round, by shard that is left, in the order of its permutation.
  public private(set) var rounds: [[ShardAssignment.Move]]

  /// The largest batch that leaves two thirds of a committee in place.
  public static func largestBatch(committee: Int) -> Int { max(1, committee / 3) }

  /// The rounds that lead from `old` to `new`.
  /// - Parameters:
  ///   - batch: at least 1; OmniLedger's default is log2(n / m) for n validators in m shards.
  ///   - randomness: of the epoch that begins.
  public init(
    from old: ShardAssignment, to new: ShardAssignment, batch: Int, _ randomness: EpochRandomness
  ) {
    precondition(batch >= 1, "batches of \(batch)")
    precondition(old.shards == new.shards, "\(old.shards) shards against \(new.shards)")
    rounds = []
    var waiting = Self.queues(old.moves(to: new), shards: old.shards, randomness)
    while waiting.contains(where: { !$0.isEmpty }) {
      var joined = [Int](repeating: 0, count: old.shards)
      var round: [ShardAssignment.Move] = []
      for queue in waiting.indices {
        var left = 0
        var later: [ShardAssignment.Move] = []
        for move in waiting[queue] {
          let hasRoom = move.to.map { joined[Int($0.index)] < batch } ?? true
          guard left < batch, hasRoom else {
            later.append(move)
            continue
          }
          left += 1
          if let to = move.to { joined[Int(to.index)] += 1 }
          round.append(move)
        }
        waiting[queue] = later
      }
      rounds.append(round)
    }
  }

  /// The moves by the shard that is left, each in the order of its permutation; who joins from
  /// outside comes last.
  private static func queues(
    _ moves: [ShardAssignment.Move], shards: Int, _ randomness: EpochRandomness
  ) -> [[ShardAssignment.Move]] {
    var queues = [[ShardAssignment.Move]](repeating: [], count: shards + 1)
    for move in moves { queues[move.from.map { Int($0.index) } ?? shards].append(move) }
    for i in queues.indices {
      var stream = randomness.stream("swap order", entity: UInt64(i))
      stream.shuffle(&queues[i])
    }
    return queues
  }
}
