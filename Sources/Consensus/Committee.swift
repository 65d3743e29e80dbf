/// A replica of one instance of a protocol: index 0..<n in its committee.
@frozen
public struct ReplicaID: Hashable, Comparable, Sendable, BitwiseCopyable {
  public var index: UInt32

  @inlinable public init(_ index: Int) { self.index = UInt32(index) }

  /// The next in turn of `n`, 2 or more, leaving out `other`.
  @inlinable
  public func next(of n: Int, but other: ReplicaID) -> ReplicaID {
    precondition(n >= 2, "nobody else among \(n)")
    let next = ReplicaID((Int(index) + 1) % n)
    return next == other ? ReplicaID((Int(next.index) + 1) % n) : next
  }

  @inlinable
  public static func < (a: ReplicaID, b: ReplicaID) -> Bool { a.index < b.index }
}

/// A period with one primary (PBFT, HotStuff).
@frozen
public struct View: Hashable, Comparable, Sendable, BitwiseCopyable {
  public var number: UInt32

  @inlinable public init(_ number: UInt32) { self.number = number }
  @inlinable public var next: View { View(number + 1) }

  @inlinable
  public static func < (a: View, b: View) -> Bool { a.number < b.number }
}

/// A position in the replicated log, from 1 on; 0 is before the first. PBFT: sequence number `n`.
@frozen
public struct Slot: Hashable, Comparable, Sendable, BitwiseCopyable {
  public var number: UInt32

  @inlinable public init(_ number: UInt32) { self.number = number }
  @inlinable public var next: Slot { Slot(number + 1) }

  @inlinable
  public static func < (a: Slot, b: Slot) -> Bool { a.number < b.number }
}

/// The n replicas that run one instance, of which f may be faulty.
@frozen
public struct Committee: Sendable, Hashable, BitwiseCopyable {
  /// Replicas in all, 1...`largest`.
  public let n: Int
  /// Faulty replicas tolerated: floor((n - 1) / 3) if they may lie, floor((n - 1) / 2) if they only
  /// stop, or if they may lie and messages between correct replicas take at most a known time.
  public let f: Int
  /// What faulty replicas do at worst.
  public let faults: Faults
  /// Replicas any two sets of which share a correct one: ceil((n + f + 1) / 2) if faulty replicas
  /// may lie. It is 2f + 1 only for n = 3f + 1; at n = 3f + 3, two sets of 2f + 1 could meet in
  /// faulty replicas alone. A majority otherwise: where they may lie under synchrony, one of it is
  /// correct, and time has to do the rest.
  public let quorum: Int

  /// A tally holds a bit for each replica.
  public static var largest: Int { 512 }

  /// Lie, stop, or lie though they cannot delay messages between correct replicas.
  public enum Faults: Sendable, Hashable, BitwiseCopyable { case byzantine, crash, synchronous }

  public init(n: Int, faults: Faults = .byzantine) {
    precondition(n >= 1 && n <= Committee.largest, "a committee of \(n)")
    self.n = n
    self.faults = faults
    switch faults {
    case .byzantine:
      f = (n - 1) / 3
      quorum = (n + f + 2) / 2
    case .crash, .synchronous:
      f = (n - 1) / 2
      quorum = n / 2 + 1
    }
  }

  /// f + 1: at least one replica that is not faulty.
  @inlinable public var weakQuorum: Int { f + 1 }

  /// The primary of `view`: v mod n.
  @inlinable
  public func primary(of view: View) -> ReplicaID { ReplicaID(Int(view.number) % n) }
}
