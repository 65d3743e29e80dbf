import Ledger

/// Counts distinct voters for each digest. A voter counts once: its first vote.
///
/// Correct voters agree, so one digest is kept inline; votes for others (an equivocating proposer
/// makes them) go to a list that stays empty otherwise.
public struct Tally: Sendable {
  private var voters = InlineArray<8, UInt64>(repeating: 0)
  private var leading = Digest(0)
  private var leadingCount: Int32 = 0
  private var total: Int32 = 0
  private var others: [(digest: Digest, voter: ReplicaID)] = []

  public init() {}

  /// Number of distinct voters, whatever they voted for.
  public var count: Int { Int(total) }

  public func hasVoted(_ voter: ReplicaID) -> Bool {
    voters[Int(voter.index >> 6)] & (1 << UInt64(voter.index & 63)) != 0
  }

  /// Counts the vote of `voter` for `digest`; false if it has voted before.
  @discardableResult
  public mutating func add(_ voter: ReplicaID, for digest: Digest) -> Bool {
    let word = Int(voter.index >> 6)
    let bit: UInt64 = 1 << UInt64(voter.index & 63)
    guard voters[word] & bit == 0 else { return false }
    voters[word] |= bit
    if total == 0 { leading = digest }
    total += 1
    if digest == leading {
      leadingCount += 1
    } else {
      others.append((digest, voter))
    }
    return true
  }

  /// Number of distinct voters for `digest`.
  public func count(for digest: Digest) -> Int {
    if digest == leading { return Int(leadingCount) }
    if others.isEmpty { return 0 }
    return others.reduce(0) { $0 + ($1.digest == digest ? 1 : 0) }
  }

  /// What `voter` voted for; `nil` if it has not voted. O(votes for other digests than the first).
  public func vote(of voter: ReplicaID) -> Digest? {
    guard hasVoted(voter) else { return nil }
    return others.first { $0.voter == voter }?.digest ?? leading
  }

  /// The digest with at least `quorum` voters, if there is one; the first to be voted for wins.
  public func decided(by quorum: Int) -> Digest? {
    if leadingCount >= quorum { return leading }
    for vote in others where count(for: vote.digest) >= quorum { return vote.digest }
    return nil
  }

  public mutating func clear() {
    guard total > 0 else { return }
    voters = InlineArray<8, UInt64>(repeating: 0)
    leading = Digest(0)
    leadingCount = 0
    total = 0
    others.removeAll(keepingCapacity: true)
  }
}
