import Ledger

/// What a replica that lost its memory knows of how far the others are.
///
/// It casts no vote until they have passed every position (slot, height, view) in which it may have
/// voted before: it cannot contradict what it does not know. Which position that is follows from
/// the highest among enough answers, by each protocol's own argument.
public struct Recovery<Position: Comparable & Sendable>: Sendable {
  private var answers = Tally()
  /// Replicas that have answered, or the sum of their weights.
  public private(set) var weight = 0
  /// The highest position among the answers.
  public private(set) var highest: Position
  /// The last position in which it may have voted; `nil` as long as too few have answered.
  public private(set) var point: Position?

  /// - Parameter lowest: where all begin.
  public init(from lowest: Position) { highest = lowest }

  /// Too few have answered yet.
  public var isAsking: Bool { point == nil }

  /// Counts that `i` is at `position`, unless there were enough answers before.
  ///
  /// - Parameters:
  ///   - weight: of `i`, counted with its first answer.
  ///   - enough: what all weights together must reach.
  ///   - last: the last position in which this replica may have voted if the answers' highest is
  ///     the one given.
  public mutating func count(
    _ position: Position, of i: ReplicaID, weight: Int = 1, enough: Int,
    last: (_ highest: Position) -> Position
  ) {
    guard isAsking else { return }
    if answers.add(i, for: Digest(0)) { self.weight += weight }
    highest = max(highest, position)
    if self.weight >= enough { point = last(highest) }
  }
}
