/// Decided blocks that a replica lacks, and whom it asks for them: whoever said last to be further
/// ahead than all before, then, as long as nothing comes, each replica in turn.
///
/// The protocol sends the requests and sets the timer; this is where it stands.
public struct BlockFetch: Sendable, BitwiseCopyable {
  /// Blocks that one request brings, at most.
  public let span: UInt32
  /// The last slot that others say to have decided; `nil` if the replica knows of none beyond its
  /// own.
  public private(set) var target: Slot?
  /// The last block that was asked for.
  private var asked = Slot(0)
  private var helper = ReplicaID(0)
  /// The timer runs, and more has been asked for or will be when it is out.
  public private(set) var isUnderWay = false

  public init(span: UInt32) { self.span = span }

  /// Notes that `i` has decided `slot`. Returns whether to set the timer: `i` may be a moment ahead
  /// only, so that the replica waits a little before it asks.
  ///
  /// - Parameter last: the last slot that the replica has decided itself.
  public mutating func note(_ slot: Slot, of i: ReplicaID, beyond last: Slot) -> Bool {
    guard slot > last, slot > target ?? Slot(0) else { return false }
    target = slot
    helper = i
    guard !isUnderWay else { return false }
    isUnderWay = true
    return true
  }

  /// Whom to ask for the `span` blocks after `last`; `nil`, and it is over, if no later ones are
  /// known of.
  public mutating func next(
    after last: Slot, for me: ReplicaID, of committee: Committee
  ) -> ReplicaID? {
    guard let target, target > last else {
      self = BlockFetch(span: span)
      return nil
    }
    isUnderWay = true
    let wanted = Slot(last.number + span)
    // Asked before, in vain.
    if asked >= wanted { helper = helper.next(of: committee.n, but: me) }
    asked = wanted
    return helper
  }

  /// With the block of `slot` has come all that was asked for.
  public func isServed(with slot: Slot) -> Bool { isUnderWay && target != nil && asked == slot }

  /// The replica does not know yet what it lacks; it asks all.
  public mutating func inquire() { isUnderWay = true }

  /// A crash has stopped the timer.
  public mutating func pause() { isUnderWay = false }
}
