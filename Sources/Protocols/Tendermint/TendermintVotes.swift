import Consensus
import Ledger

extension Tendermint {
  /// Votes of one kind in one round, by voting power. A replica's first vote counts; another one,
  /// of who contradicts itself, counts as well for a value that others have voted for first.
  struct VoteSet: Sendable {
    private(set) var voters = InlineArray<8, UInt64>(repeating: 0)
    /// Those of them who voted for nil.
    private var nils = InlineArray<8, UInt64>(repeating: 0)
    /// The first value that was voted for; correct replicas vote for one.
    private(set) var leading = nilVote
    private var leadingPower: Int64 = 0
    private var nilPower: Int64 = 0
    /// Of all voters.
    private(set) var power: Int64 = 0
    private var others: [Other] = []
    /// Further votes of those who contradicted themselves. Rules that ask for a quorum's messages
    /// for a value hold whatever else their senders said: who has seen the first of both votes only
    /// must be able to follow who has seen the second. At most as many as there are first votes for
    /// different values.
    private var contradictions: [Other] = []

    private struct Other: Sendable, BitwiseCopyable {
      var digest: Digest
      var voter: ReplicaID
      var power: Int64
    }

    func has(_ voter: ReplicaID) -> Bool {
      voters[Int(voter.index >> 6)] & (1 << UInt64(voter.index & 63)) != 0
    }

    /// What `voter`, one of the voters, voted for.
    func vote(of voter: ReplicaID) -> Digest {
      if nils[Int(voter.index >> 6)] & (1 << UInt64(voter.index & 63)) != 0 { return nilVote }
      for other in others where other.voter == voter { return other.digest }
      return leading
    }

    /// Counts a vote; false if `voter` has voted before.
    mutating func add(_ voter: ReplicaID, for digest: Digest, power votes: Int64) -> Bool {
      let word = Int(voter.index >> 6)
      let bit: UInt64 = 1 << UInt64(voter.index & 63)
      guard voters[word] & bit == 0 else { return false }
      voters[word] |= bit
      power += votes
      if digest == nilVote {
        nils[word] |= bit
        nilPower += votes
      } else if leadingPower == 0 || digest == leading {
        leading = digest
        leadingPower += votes
      } else {
        others.append(Other(digest: digest, voter: voter, power: votes))
      }
      return true
    }

    /// Counts another vote of a voter for a value that somebody has voted for first. Whether it is
    /// new.
    mutating func addContradiction(
      _ voter: ReplicaID, for digest: Digest, power votes: Int64
    ) -> Bool {
      guard has(voter), vote(of: voter) != digest, power(for: digest) > 0,
        !contradictions.contains(where: { $0.voter == voter && $0.digest == digest })
      else { return false }
      contradictions.append(Other(digest: digest, voter: voter, power: votes))
      if digest == nilVote {
        nilPower += votes
      } else if digest == leading {
        leadingPower += votes
      }
      return true
    }

    /// Voting power for `digest`, which may be nil's.
    func power(for digest: Digest) -> Int64 {
      if digest == nilVote { return nilPower }
      if digest == leading { return leadingPower }
      if others.isEmpty { return 0 }
      let first = others.reduce(0) { $0 + ($1.digest == digest ? $1.power : 0) }
      return contradictions.reduce(first) { $0 + ($1.digest == digest ? $1.power : 0) }
    }

    /// The value, not nil, with at least `quorum`.
    func majority(_ quorum: Int64) -> Digest? {
      if leadingPower >= quorum, leadingPower > 0 { return leading }
      for other in others where power(for: other.digest) >= quorum { return other.digest }
      return nil
    }

    /// Whether there are votes for another value than nil and `leading`.
    var isSplit: Bool { !others.isEmpty }

    /// The voters 64 `word` ... who voted for `digest`.
    func voters(_ word: Int, for digest: Digest) -> UInt64 {
      var own: UInt64 = 0
      for other in contradictions
      where other.digest == digest && Int(other.voter.index >> 6) == word {
        own |= 1 << UInt64(other.voter.index & 63)
      }
      if digest == nilVote { return nils[word] | own }
      var different: UInt64 = 0
      for other in others where Int(other.voter.index >> 6) == word {
        let bit: UInt64 = 1 << UInt64(other.voter.index & 63)
        if other.digest == digest { own |= bit }
        different |= bit
      }
      return digest == leading ? voters[word] & ~nils[word] & ~different | own : own
    }

    /// Values other than nil and `leading` that were voted for, each once.
    var otherDigests: [Digest] {
      var found: [Digest] = []
      for other in others where !found.contains(other.digest) { found.append(other.digest) }
      return found
    }
  }

  /// ⟨PROPOSAL, h, r, v, vr⟩ as it was received.
  struct Proposal: Sendable, BitwiseCopyable {
    var digest: Digest
    var batch: BatchHandle
    var validRound: Round
  }

  /// What a replica knows of a round.
  struct RoundVotes: Sendable {
    var round: Round
    var proposal: Proposal?
    var prevotes = VoteSet()
    var precommits = VoteSet()
    /// "For the first time" of lines 34, 36 and 47.
    var hasTimedPrevotes = false
    var hasTimedPrecommits = false
    var hasHandledPolka = false

    /// Counts a vote. nil if it is the voter's first; else what that was for.
    mutating func count(_ kind: VoteKind, _ voter: ReplicaID, _ d: Digest, power: Int64) -> Digest?
    {
      switch kind {
      case .prevote:
        prevotes.add(voter, for: d, power: power) ? nil : prevotes.vote(of: voter)
      case .precommit:
        precommits.add(voter, for: d, power: power) ? nil : precommits.vote(of: voter)
      }
    }

    /// Counts another vote of who has voted before. Whether it is new.
    mutating func countContradiction(
      _ kind: VoteKind, _ voter: ReplicaID, _ d: Digest, power: Int64
    ) -> Bool {
      switch kind {
      case .prevote: prevotes.addContradiction(voter, for: d, power: power)
      case .precommit: precommits.addContradiction(voter, for: d, power: power)
      }
    }
  }

  /// What a replica knows of a height.
  struct HeightVotes: Sendable {
    var height: Height
    /// In order of rounds; round 0 stands first.
    private(set) var rounds: [RoundVotes] = []
    /// Block of which all parts are there, beside the direct mode's proposals.
    var blocks = BlockParts()

    init(_ height: Height) {
      self.height = height
      rounds.reserveCapacity(4)
      rounds.append(RoundVotes(round: Round(0)))
    }

    /// Becomes empty, for `height`.
    mutating func reset(to height: Height) {
      self.height = height
      rounds.removeAll(keepingCapacity: true)
      rounds.append(RoundVotes(round: Round(0)))
      blocks.reset()
    }

    /// Position of `round`, if anything is known of it.
    func find(_ round: Round) -> Int? {
      var k = rounds.count - 1
      while k >= 0, rounds[k].round > round { k -= 1 }
      return k >= 0 && rounds[k].round == round ? k : nil
    }

    /// Position of `round`, which is made room for.
    mutating func place(_ round: Round) -> Int {
      var k = rounds.count
      while k > 0, rounds[k - 1].round > round { k -= 1 }
      if k > 0, rounds[k - 1].round == round { return k - 1 }
      rounds.insert(RoundVotes(round: round), at: k)
      return k
    }

    /// Position of `round`; nil if the voter has two rounds ahead under way already. CometBFT lets
    /// a peer begin as many: whoever lies may not fill the memory.
    mutating func admit(_ round: Round, of voter: ReplicaID, beyond current: Round) -> Int? {
      if let k = find(round) { return k }
      var under = 0
      for known in rounds.reversed() {
        guard known.round > current.next else { break }
        if known.prevotes.has(voter) || known.precommits.has(voter) { under += 1 }
      }
      return under < 2 ? place(round) : nil
    }

    subscript(k: Int) -> RoundVotes {
      _read { yield rounds[k] }
      _modify { yield &rounds[k] }
    }
  }

  /// The parts of one block that have come.
  struct BlockParts: Sendable {
    var digest = nilVote
    var batch = BatchHandle.none
    /// Of 64 KiB blocks up to 64 MiB: a bit a part.
    var have = InlineArray<16, UInt64>(repeating: 0)
    var count = 0
    var total = 0

    var isWhole: Bool { digest != nilVote && count == total }

    mutating func reset() {
      digest = nilVote
      batch = .none
      have = InlineArray<16, UInt64>(repeating: 0)
      count = 0
      total = 0
    }

    /// Begins to collect the block `digest`.
    mutating func expect(_ digest: Digest, _ batch: BatchHandle, parts: Int) {
      guard self.digest != digest else { return }
      reset()
      self.digest = digest
      self.batch = batch
      total = parts
    }

    /// Whether the part is new.
    mutating func add(_ index: Int) -> Bool {
      let bit: UInt64 = 1 << UInt64(index & 63)
      guard index < total, have[index >> 6] & bit == 0 else { return false }
      have[index >> 6] |= bit
      count += 1
      return true
    }

    mutating func fill() {
      for k in 0..<total { _ = add(k) }
    }
  }
}
