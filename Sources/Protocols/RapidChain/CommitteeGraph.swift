import Consensus
import Kernel

/// A drawn graph in which each of n members has d neighbours (§4.2: a node gossips to d others).
///
/// The members stand in a circle in drawn order, and each knows those at drawn distances; distance
/// 1 is among them, so that the graph is connected.
enum CommitteeGraph {
  /// Neighbours of `me`; all others if there are at most `degree`.
  ///
  /// - Precondition: `degree` or `n` is even, or `degree` is at least n - 1.
  static func neighbours(
    of me: ReplicaID, n: Int, degree: Int, seed: UInt64
  ) -> [ReplicaID] {
    let d = min(degree, n - 1)
    var stream = RandomStream(seed: seed, purpose: "committee graph")
    var order = Array(0..<n)
    for i in stride(from: n - 1, to: 0, by: -1) { order.swapAt(i, stream.range(0...i)) }
    guard let mine = order.firstIndex(of: Int(me.index)) else { return [] }
    // Distances below n / 2 reach two members, n / 2 itself one.
    var distances = Array(2..<max((n + 1) / 2, 2))
    var chosen = [1]
    while chosen.count < d / 2 {
      chosen.append(distances.remove(at: stream.range(0..<distances.count)))
    }
    if d == 1 { chosen = [] }
    var found = chosen.sorted().flatMap { [(mine + $0) % n, (mine - $0 + n) % n] }
    if d % 2 == 1 { found.append((mine + n / 2) % n) }
    return found.map { ReplicaID(order[$0]) }
  }
}
