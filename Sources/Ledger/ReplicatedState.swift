import Kernel

/// What a replica has executed: the state that a checkpoint certifies and a state transfer copies.
public struct ReplicatedState: Sendable, Equatable {
  /// Folds every executed batch, in order: equal at replicas that executed the same sequence.
  public private(set) var digest = Digest(0)
  public private(set) var executed: TxSet
  /// What the state holds beside transactions where a protocol keeps its own rules in it, such as
  /// who is in the committee; empty in most.
  public private(set) var configuration: [UInt64] = []
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
    configuration = other.configuration
  }

  /// Puts `words` in place of the configuration; the digest covers them.
  public mutating func configure(_ words: [UInt64]) {
    configuration = words
    var fold = RunDigest(digest.value)
    for word in words { fold.fold(word) }
    digest = Digest(fold.value)
  }

  /// Executes a null request, which changes nothing but the position.
  public mutating func executeNull() { digest = digest.followed(by: Digest(0)) }
}
