/// What a replica has executed: the state that a checkpoint certifies and a state transfer copies.
public struct ReplicatedState: Sendable, Equatable {
  /// Folds every executed batch, in order: equal at replicas that executed the same sequence.
  public private(set) var digest = Digest(0)
  public private(set) var executed: TxSet
  /// Transactions executed, each counted once.
  public var transactions: Int { executed.count }

  public init(populations: Int) { executed = TxSet(populations: populations) }

  /// Executes a batch. A transaction that was executed before is skipped, as a server skips a
  /// request whose timestamp is not newer than the client's last (Castro & Liskov, §4.1).
  ///
  /// Returns how many transactions were executed for the first time.
  public mutating func execute(_ handle: BatchHandle, from arena: BatchArena) -> Int {
    digest = digest.followed(by: arena[handle].digest)
    var fresh = 0
    for i in 0..<arena.rangeCount(of: handle) {
      fresh += executed.insert(arena.range(i, of: handle))
    }
    return fresh
  }

  /// Becomes equal to `other` in its own storage, without allocating once it is large enough.
  public mutating func assign(_ other: ReplicatedState) {
    digest = other.digest
    executed.assign(other.executed)
  }

  /// Executes a null request, which changes nothing but the position.
  public mutating func executeNull() { digest = digest.followed(by: Digest(0)) }
}
