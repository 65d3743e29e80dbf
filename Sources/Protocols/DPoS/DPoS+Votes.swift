import Kernel

extension DPoS {
  /// Who has how much stake, and approves of whom, over time.
  public struct Votes: Sendable, Equatable {
    /// A ballot stands from a slot on until the voter casts another.
    public struct Ballot: Sendable, Equatable {
      public var slot: UInt64
      /// Candidates, each at most once.
      public var approved: [UInt16]

      public init(slot: UInt64, approved: [UInt16]) {
        self.slot = slot
        self.approved = approved
      }
    }

    /// Candidates on a ballot, at most (EOSIO: 30).
    public static var largestBallot: Int { 30 }

    public let candidates: Int
    /// In units of stake, by voter.
    public let stakes: [UInt64]
    /// By voter, in order of slots.
    public let ballots: [[Ballot]]

    public init(candidates: Int, stakes: [UInt64], ballots: [[Ballot]]) {
      precondition(stakes.count == ballots.count, "\(stakes.count) voters")
      precondition(
        ballots.allSatisfy { $0.allSatisfy { $0.approved.allSatisfy { $0 < candidates } } },
        "a ballot for somebody who is no candidate")
      self.candidates = candidates
      self.stakes = stakes
      self.ballots = ballots
    }

    /// Adds to `tally` the stake behind each candidate, by the ballots that stand at `slot`.
    func count(at slot: UInt64, into tally: inout [UInt64]) {
      for voter in stakes.indices {
        var standing = ballots[voter].count - 1
        while standing >= 0, ballots[voter][standing].slot > slot { standing -= 1 }
        guard standing >= 0 else { continue }
        for candidate in ballots[voter][standing].approved {
          tally[Int(candidate)] += stakes[voter]
        }
      }
    }

    /// Every node is a voter and a candidate. A voter approves of itself and of others, whom it
    /// knows the better the more stake they have; at slot `revote` each voter may change its mind.
    ///
    /// - Parameters:
    ///   - shares: of the stake, by node.
    ///   - approvals: candidates on a ballot, at most.
    ///   - fraction: probability that a voter casts another ballot at slot `revote`.
    public static func drawn(
      shares: [Double], approvals: Int, revote: UInt64?, fraction: Double, seed: UInt64
    ) -> Votes {
      let ballots = shares.indices.map { voter in
        var stream = RandomStream(seed: seed, purpose: "dpos.votes", entity: UInt64(voter))
        var list = [
          Ballot(slot: 0, approved: draw(approvals, of: shares, first: voter, &stream))
        ]
        if let revote, stream.bernoulli(fraction) {
          list.append(
            Ballot(slot: revote, approved: draw(approvals, of: shares, first: nil, &stream)))
        }
        return list
      }
      return Votes(
        candidates: shares.count, stakes: shares.map { UInt64($0 * 1e12) }, ballots: ballots)
    }

    /// Draws without replacement, in proportion to stake.
    private static func draw(
      _ count: Int, of shares: [Double], first: Int?, _ stream: inout RandomStream
    ) -> [UInt16] {
      var weights = shares.map { max($0, 1e-9) }
      var drawn: [UInt16] = []
      if let first {
        drawn.append(UInt16(first))
        weights[first] = 0
      }
      while drawn.count < min(count, shares.count) {
        var left = weights.reduce(0, +) * stream.unit()
        var pick = weights.lastIndex { $0 > 0 } ?? 0
        for k in weights.indices where weights[k] > 0 {
          left -= weights[k]
          if left < 0 {
            pick = k
            break
          }
        }
        drawn.append(UInt16(pick))
        weights[pick] = 0
      }
      return drawn
    }
  }
}
