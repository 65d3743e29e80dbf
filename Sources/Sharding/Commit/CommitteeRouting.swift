/// How a message finds another committee.
public enum CommitteeRouting: String, Sendable, CaseIterable {
  /// Everybody knows members of all committees.
  case direct
  /// RapidChain's routing (Zamani et al., CCS '18, §4.4): a committee knows members of those at
  /// distances 1, 2, 4, ... on the ring of all committees, and a message goes from one to the next.
  case tables

  /// The committee that a message from `here` to `goal` goes to next: the farthest that is known and
  /// not beyond the goal.
  ///
  /// - Precondition: two of `count` committees, and not the same.
  public static func next(from here: Int, to goal: Int, of count: Int) -> Int {
    let distance = (goal - here + count) % count
    precondition(distance > 0, "no way from committee \(here) to itself")
    let farthest = 1 << (Int.bitWidth - 1 - distance.leadingZeroBitCount)
    return (here + farthest) % count
  }

  /// Links between committees on the way from `here` to `goal`: the ones in their distance.
  public func links(from here: Int, to goal: Int, of count: Int) -> Int {
    switch self {
    case .direct: here == goal ? 0 : 1
    case .tables: ((goal - here + count) % count).nonzeroBitCount
    }
  }
}
