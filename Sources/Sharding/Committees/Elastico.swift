import Kernel
import Ledger

/// How one epoch of Elastico forms its committees: Luu et al., "A Secure Sharding Protocol For Open
/// Blockchains", CCS '16.
///
/// Identities are solutions of a proof of work over the epoch's randomness; they come as a Poisson
/// process, whoever has the hash power. The first `size` are the directory. Of the others the last
/// `bits` bits say which committee they are in, and a committee is full with its first `size`
/// members; the directory announces all lists once every committee is full. Identities that come
/// too late have worked for nothing. One committee, fixed by its number, is the final one: it
/// merges what the others agreed on.
public struct Elastico: Sendable, Equatable {
  /// A solution of the proof of work.
  public struct Identity: Sendable, Equatable, BitwiseCopyable {
    public var found: SimTime
    public var committee: ShardID
    public var isFaulty: Bool
  }

  /// In the order of their discovery; the last one filled the last committee.
  public private(set) var identities: [Identity]
  /// By committee: its members as positions in `identities`.
  public private(set) var committees: [[Int]]
  /// Members of a committee, and of the directory.
  public let size: Int

  /// - Parameters:
  ///   - bits: of an identity that name its committee: 2^bits committees, bits in 0 ... 16.
  ///   - size: c, at least 1.
  ///   - rate: identities found per second by all together, positive.
  ///   - faultyShare: of the hash power, in 0 ... 1.
  public init(
    bits: Int, size: Int, rate: Double, faultyShare: Double, _ randomness: EpochRandomness
  ) {
    precondition(bits >= 0 && bits <= 16, "\(bits) bits")
    precondition(size >= 1, "committees of \(size)")
    precondition(rate > 0, "\(rate) identities a second")
    self.size = size
    identities = []
    committees = [[Int]](repeating: [], count: 1 << bits)
    var stream = randomness.stream("proofs of work")
    var time = SimTime.zero
    var open = committees.count
    while open > 0 {
      time += SimDuration(nanoseconds: Int64((stream.exponential() / rate * 1e9).rounded()))
      let solution = stream.next()
      let committee = Int(solution & UInt64(committees.count - 1))
      let isFaulty = stream.bernoulli(faultyShare)
      let identity = Identity(found: time, committee: ShardID(committee), isFaulty: isFaulty)
      identities.append(identity)
      guard identities.count > size, committees[committee].count < size else { continue }
      committees[committee].append(identities.count - 1)
      if committees[committee].count == size { open -= 1 }
    }
  }

  /// The committee that merges the others' results: the one whose bits are all zero.
  public var finalCommittee: ShardID { ShardID(0) }

  /// The identities that list the members of all committees.
  public var directory: Range<Int> { 0..<size }

  /// When the last committee is full and the lists can be announced.
  public var formed: SimTime { identities[identities.count - 1].found }

  /// Who can bend the next epoch's randomness: the faulty members of the final committee, who may
  /// each keep their string back after seeing the others' (at most 20 of them are counted).
  public var nextOrigin: EpochRandomness.Origin {
    .commitReveal(lastRevealers: min(20, faulty(in: finalCommittee)))
  }

  /// Faulty members of a committee.
  public func faulty(in committee: ShardID) -> Int {
    committees[Int(committee.index)].reduce(0) { $0 + (identities[$1].isFaulty ? 1 : 0) }
  }

  /// What a committee hands to the final one.
  public struct Agreed: Sendable, Equatable {
    public var committee: ShardID
    /// Of the transactions or blocks.
    public var values: [Digest]
    /// Who signed, as positions in `identities`.
    public var signers: [Int]

    public init(committee: ShardID, values: [Digest], signers: [Int]) {
      (self.committee, self.values, self.signers) = (committee, values, signers)
    }
  }

  /// The union of what the committees agreed on, in ascending order: results that
  /// more than half of their committee signed. Nothing relates a committee's result to another's:
  /// a transaction over two shards is not atomic.
  public func union(_ results: [Agreed]) -> [Digest] {
    var values: [Digest] = []
    for result in results {
      let members = committees[Int(result.committee.index)]
      let signed = members.count { result.signers.contains($0) }
      if signed >= size / 2 + 1 { values += result.values }
    }
    values.sort()
    return values.indices.filter { $0 == 0 || values[$0] != values[$0 - 1] }.map { values[$0] }
  }
}
