import Consensus
import Kernel
import Ledger
import Machines

/// Dissemination over a graph of peers, after the consensus and mempool reactors of CometBFT v0.34:
/// for each peer a routine that sends what the peer is not known to have, and sleeps when there is
/// nothing. What a routine finds when it wakes up goes out together.
extension Tendermint {
  mutating func startGossip(_ effects: inout Effects<Self>) {
    guard settings.dissemination == .gossip, !peers.links.isEmpty else { return }
    effects.arm(.gossip, after: settings.gossip.tick)
  }

  mutating func gossip(at now: LocalTime, _ effects: inout Effects<Self>) {
    peers.ticks += 1
    for k in peers.links.indices
    where peers[k].isAwake || peers.ticks % peers.phases == peers[k].phase {
      peers[k].isAwake = false
      gossipData(k, at: now, &effects)
      gossipVotes(k, &effects)
      gossipTransactions(k, at: now, &effects)
    }
    if peers.ticks % peers.phases == 0 { peers.dropSent() }
    effects.arm(.gossip, after: settings.gossip.tick)
  }

  // MARK: Proposals and parts

  private mutating func gossipData(_ k: Int, at now: LocalTime, _ effects: inout Effects<Self>) {
    let h = peers[k].height
    if h == height {
      gossipProposal(k, &effects)
      if peers[k].round <= round { gossipParts(votes.blocks, k, at: now, &effects) }
    } else if h == past.height {
      gossipParts(past.blocks, k, at: now, &effects)
    }
  }

  private mutating func gossipProposal(_ k: Int, _ effects: inout Effects<Self>) {
    guard !peers[k].hasProposal, let place = votes.find(peers[k].round),
      let proposal = votes[place].proposal
    else { return }
    peers[k].hasProposal = true
    let message = Message.proposal(
      h: height, r: peers[k].round, vr: proposal.validRound, d: proposal.digest,
      batch: proposal.batch)
    effects.send(message, to: peers[k].id)
  }

  /// Sends parts that the peer lacks, in random order, as many as its connection takes in a tick.
  private mutating func gossipParts(
    _ block: BlockParts, _ k: Int, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    guard block.digest != Self.nilVote, effects.batches.contains(block.batch) else { return }
    var peer = peers[k].parts
    if peers[k].partsOf != block.digest {
      // It collects the block of another round, or nothing yet.
      peer = InlineArray<16, UInt64>(repeating: 0)
    }
    var missing = 0
    for word in 0..<(block.total + 63) / 64 {
      peer[word] = block.have[word] & ~peer[word]
      missing += peer[word].nonzeroBitCount
    }
    while missing > 0, peers[k].busyUntil < now + settings.gossip.tick {
      let index = Self.take(effects.random.range(0..<missing), of: &peer)
      missing -= 1
      let message = Message.part(
        h: peers[k].height, r: peers[k].round, index: UInt16(index), d: block.digest,
        batch: block.batch)
      peers[k].notePart(index, of: block.digest)
      spend(bytes(of: message, effects), k, at: now)
      effects.send(message, to: peers[k].id)
    }
    if missing > 0 { peers[k].isAwake = true }
  }

  /// Removes set bit number `n` and returns its index.
  private static func take(_ n: Int, of bits: inout InlineArray<16, UInt64>) -> Int {
    var left = n
    for word in 0..<16 {
      let count = bits[word].nonzeroBitCount
      if left >= count {
        left -= count
        continue
      }
      var rest = bits[word]
      for _ in 0..<left { rest &= rest - 1 }
      let bit = rest.trailingZeroBitCount
      bits[word] &= ~(1 << UInt64(bit))
      return word * 64 + bit
    }
    preconditionFailure("\(n) of too few bits")
  }

  /// The connection takes `bytes` at its rate.
  mutating func spend(_ bytes: Int, _ k: Int, at now: LocalTime) {
    let free = max(peers[k].busyUntil, now)
    let time = Int64(bytes) * 1_000_000_000 / Int64(settings.gossip.rate)
    peers[k].busyUntil = free + SimDuration(nanoseconds: time)
  }

  /// A part of a block.
  mutating func receivePart(
    _ h: Height, _ r: Round, _ index: Int, _ d: Digest, _ batch: BatchHandle,
    from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    peers.notePart(index, h, d, of: i)
    let total = parts(ofBlock: batch, effects)
    if h == height {
      if votes.blocks.digest == Self.nilVote || isWanted(d) {
        votes.blocks.expect(d, batch, parts: total)
      }
      guard votes.blocks.digest == d, votes.blocks.add(index), votes.blocks.isWhole else { return }
      if isIdle { startRound(Round(0), &effects) } else { advance(&effects) }
    } else if let e = ahead(h) {
      if early[e].blocks.digest == Self.nilVote { early[e].blocks.expect(d, batch, parts: total) }
      if early[e].blocks.digest == d { _ = early[e].blocks.add(index) }
    } else {
      noteAhead(h, from: i, &effects)
    }
  }

  /// Whether a quorum has voted for `d`, so that its block is needed before any other.
  private func isWanted(_ d: Digest) -> Bool {
    for known in votes.rounds where known.precommits.majority(quorum) == d { return true }
    guard let k = votes.find(round) else { return false }
    return votes[k].prevotes.majority(quorum) == d || votes[k].proposal?.digest == d
  }

  /// Collects the block of the round's proposal.
  mutating func expectBlock(_ k: Int, _ effects: borrowing Effects<Self>) {
    guard settings.dissemination == .gossip, let proposal = votes[k].proposal,
      votes.blocks.digest != proposal.digest, effects.batches.contains(proposal.batch)
    else { return }
    let isNeeded = votes.rounds.contains {
      $0.precommits.majority(quorum) == votes.blocks.digest
    }
    guard !isNeeded || votes.blocks.digest == Self.nilVote else { return }
    votes.blocks.expect(
      proposal.digest, proposal.batch, parts: parts(ofBlock: proposal.batch, effects))
    if proposal.digest == validValue { votes.blocks.fill() }
  }

  /// The proposer has its own block.
  mutating func offer(_ proposal: Proposal, _ effects: borrowing Effects<Self>) {
    votes.blocks.expect(
      proposal.digest, proposal.batch, parts: parts(ofBlock: proposal.batch, effects))
    votes.blocks.fill()
  }

  /// A quorum prevoted the block, which is here: nobody needs to send it (NewValidBlock).
  mutating func tellBlock(_ d: Digest, _ effects: inout Effects<Self>) {
    guard settings.dissemination == .gossip else { return }
    peers.tell(.hasBlock(h: height, d: d), &effects)
  }
}
