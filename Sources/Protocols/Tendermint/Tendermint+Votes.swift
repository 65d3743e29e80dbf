import Consensus
import Kernel
import Ledger

/// Votes and proposals: casting, collecting, and what counts as one.
extension Tendermint {
  /// A replica that executes only, or has lost its memory, casts no vote and proposes nothing.
  var mayVote: Bool { me.index < committee.n && recovery == nil }

  func proposerOf(_ h: Height, _ r: Round) -> ReplicaID { schedule.peek(h, r) }

  /// Whether a quorum prevoted `d` in round `r`.
  func hasPolka(_ r: Round, _ d: Digest) -> Bool {
    guard let k = votes.find(r) else { return false }
    return votes[k].prevotes.power(for: d) >= quorum
  }

  /// Voting power of those of whom there is any message of the round at `k`.
  func supporters(_ k: Int) -> Int64 {
    var power: Int64 = 0
    for word in 0..<(committee.n + 63) / 64 {
      var bits = votes[k].prevotes.voters[word] | votes[k].precommits.voters[word]
      if votes[k].proposal != nil {
        let proposer = proposerOf(height, votes[k].round)
        if Int(proposer.index >> 6) == word { bits |= 1 << UInt64(proposer.index & 63) }
      }
      while bits != 0 {
        power += powers[word * 64 + bits.trailingZeroBitCount]
        bits &= bits - 1
      }
    }
    return power
  }

  func voters(of d: Digest, _ set: VoteSet) -> InlineArray<8, UInt64> {
    var voters = InlineArray<8, UInt64>(repeating: 0)
    for word in 0..<(committee.n + 63) / 64 { voters[word] = set.voters(word, for: d) }
    return voters
  }

  // MARK: Casting

  mutating func prevote(_ d: Digest, _ effects: inout Effects<Self>) {
    step = .prevote
    cast(.prevote, d, &effects)
  }

  mutating func precommit(_ d: Digest, _ effects: inout Effects<Self>) {
    step = .precommit
    cast(.precommit, d, &effects)
  }

  private mutating func cast(_ kind: VoteKind, _ d: Digest, _ effects: inout Effects<Self>) {
    if mayVote {
      let k = votes.place(round)
      add(kind, at: k, me, d)
      effects.charge(settings.costs.sign)
      if settings.isDurable { effects.write(voteBytes) }
      switch settings.dissemination {
      case .direct:
        effects.broadcast(
          kind == .prevote
            ? .prevote(h: height, r: round, d: d) : .precommit(h: height, r: round, d: d))
      case .gossip: peers.noteVote(kind, round, me)
      }
    }
    tellStep(&effects)
  }

  private mutating func add(_ kind: VoteKind, at k: Int, _ voter: ReplicaID, _ d: Digest) {
    let power = powers[Int(voter.index)]
    switch kind {
    case .prevote: _ = votes[k].prevotes.add(voter, for: d, power: power)
    case .precommit: _ = votes[k].precommits.add(voter, for: d, power: power)
    }
  }

  // MARK: Collecting

  /// A vote of `voter`, brought by `i`.
  mutating func collect(
    _ kind: VoteKind, _ h: Height, _ r: Round, _ d: Digest, of voter: ReplicaID,
    from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard r > .none, voter.index < committee.n else { return }
    if h == height {
      guard let k = votes.admit(r, of: voter, beyond: round) else { return }
      let power = powers[Int(voter.index)]
      guard let first = votes[k].count(kind, voter, d, power: power) else {
        if settings.dissemination == .gossip { peers.noteVote(kind, r, voter) }
        return advance(after: kind, at: k, &effects)
      }
      guard first != d else { return }
      accuse(voter, &effects)
      if votes[k].countContradiction(kind, voter, d, power: power) {
        advance(after: kind, at: k, &effects)
      }
    } else if let e = ahead(h) {
      guard let k = early[e].admit(r, of: voter, beyond: Round(0)) else { return }
      let power = powers[Int(voter.index)]
      if let first = early[e][k].count(kind, voter, d, power: power), first != d {
        accuse(voter, &effects)
        _ = early[e][k].countContradiction(kind, voter, d, power: power)
      }
    } else {
      noteAhead(h, from: i, &effects)
    }
  }

  private mutating func accuse(_ voter: ReplicaID, _ effects: inout Effects<Self>) {
    let bit: UInt64 = 1 << UInt64(voter.index & 63)
    guard voter != me, accused[Int(voter.index >> 6)] & bit == 0 else { return }
    accused[Int(voter.index >> 6)] |= bit
    effects.accuse(voter)
  }

  /// Votes of up to 64 replicas, passed on.
  mutating func collect(
    _ word: VoteWord, _ d: Digest, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    peers.noteVotes(word, of: i)
    var bits = word.voters
    while bits != 0 {
      let voter = ReplicaID(word.word * 64 + bits.trailingZeroBitCount)
      bits &= bits - 1
      collect(word.kind, word.height, word.round, d, of: voter, from: i, &effects)
    }
    if settings.dissemination == .gossip { armAnnouncement(&effects) }
  }

  /// A proposal, from its proposer or passed on.
  mutating func receive(
    _ proposal: Proposal, _ h: Height, _ r: Round, from i: ReplicaID,
    _ effects: inout Effects<Self>
  ) {
    guard r > .none, proposal.validRound < r, proposal.digest != Self.nilVote else { return }
    peers.noteProposal(h, r, of: i)
    if h == height {
      let proposer = proposerOf(h, r)
      guard let k = votes.admit(r, of: proposer, beyond: round) else { return }
      guard place(proposal, at: k, of: proposer, &effects) else { return }
      if r == round { expectBlock(k, effects) }
      if isIdle { startRound(Round(0), &effects) } else { advance(&effects) }
    } else if let e = ahead(h) {
      guard let k = early[e].admit(r, of: proposerOf(h, r), beyond: Round(0)) else { return }
      if early[e][k].proposal == nil { early[e][k].proposal = proposal }
    } else {
      noteAhead(h, from: i, &effects)
    }
  }

  /// Accepts at most one proposal a round; another one of the same round is evidence.
  private mutating func place(
    _ proposal: Proposal, at k: Int, of proposer: ReplicaID, _ effects: inout Effects<Self>
  ) -> Bool {
    if let known = votes[k].proposal {
      if known.digest != proposal.digest { accuse(proposer, &effects) }
      return false
    }
    votes[k].proposal = proposal
    return true
  }

  // MARK: Values

  /// id(v): the header covers the height, the transactions and the state that they meet.
  static func identify(_ h: Height, content: Digest, state: Digest) -> Digest {
    Digest(UInt64(h.number)).followed(by: content).followed(by: state)
  }

  /// valid(v): the block is of this height, has the transactions that its id names, and builds on
  /// the state that this replica has.
  func isValid(_ proposal: Proposal, _ effects: borrowing Effects<Self>) -> Bool {
    guard effects.batches.contains(proposal.batch) else { return false }
    let content = effects.batches[proposal.batch].digest
    return Self.identify(height, content: content, state: state.digest) == proposal.digest
  }

  /// The block of `proposal`, if all of it is there.
  func content(of proposal: Proposal?) -> BatchHandle? {
    guard let proposal else { return nil }
    return content(proposal.digest, proposal)
  }

  /// The block with id `d`: of this proposal, of another round's, or whose parts came by gossip.
  func content(_ d: Digest, _ proposal: Proposal?) -> BatchHandle? {
    if settings.dissemination == .gossip {
      if votes.blocks.digest == d, votes.blocks.isWhole { return votes.blocks.batch }
      return d == validValue ? validBatch : nil
    }
    if let proposal, proposal.digest == d { return proposal.batch }
    for known in votes.rounds {
      if let proposal = known.proposal, proposal.digest == d { return proposal.batch }
    }
    return nil
  }
}
