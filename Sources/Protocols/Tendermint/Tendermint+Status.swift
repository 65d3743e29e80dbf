import Consensus
import Kernel
import Ledger

/// Making good what was lost: a replica that does not get on says where it stands, and the others
/// send what it lacks. So whatever one correct replica has received reaches all (the paper's gossip
/// property).
extension Tendermint {
  /// Where this replica stands.
  private var status: Status {
    let k = votes.find(round)
    let hasProposal = k.map { content(of: votes[$0].proposal) != nil } ?? false
    return Status(
      height: height, round: round, step: step, isStalled: isStalled,
      hasProposal: hasProposal, isRecovering: recovery?.isAsking == true)
  }

  mutating func sendStatus(_ effects: inout Effects<Self>) {
    effects.charge(settings.costs.sign)
    // Who has to know how far a quorum is asks everybody.
    if settings.dissemination == .direct || status.isRecovering {
      effects.broadcast(.status(status))
    } else {
      peers.tell(.status(status), &effects)
    }
  }

  /// Under gossip, peers are told of each step (NewRoundStep).
  mutating func tellStep(_ effects: inout Effects<Self>) {
    guard settings.dissemination == .gossip else { return }
    let status = status
    peers.tell(.status(status), &effects)
    peers.advanceOwn(height, round)
  }

  /// Nothing was decided for an interval.
  mutating func lookAround(_ effects: inout Effects<Self>) {
    let isWaiting = isIdle || step == .newHeight && sync == nil
    if heightAtTick == height, !isWaiting || recovery != nil {
      isStalled = true
      sendStatus(&effects)
      isStalled = false
    }
    heightAtTick = height
    effects.arm(.status, after: settings.statusInterval)
  }

  /// `i` says where it stands; answers one that lags or is stalled.
  mutating func note(
    _ status: Status, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    peers.note(status, of: i)
    noteRecovery(status.height, from: i)
    // Under gossip a peer that is one height ahead sends what is missing by itself.
    let isDirect = settings.dissemination == .direct
    if status.height > (isDirect ? height : height.next) {
      noteAhead(status.height, from: i, &effects)
    }
    guard status.isStalled else { return }
    if status.height == height { sendMissing(status, to: i, &effects) }
    // It may have to know how far the others are, and what it knew of its peers may be gone.
    if status.height < height || status.isRecovering || !isDirect { tellStatus(to: i, &effects) }
  }

  private mutating func tellStatus(to i: ReplicaID, _ effects: inout Effects<Self>) {
    var own = status
    own.isStalled = false
    effects.send(.status(own), to: i)
  }

  /// Sends what a replica at this height may lack: the votes of its round and of those after, the
  /// proof of lock of the proposal, and the proposals.
  private mutating func sendMissing(
    _ status: Status, to i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    for k in votes.rounds.indices {
      let r = votes[k].round
      let isProof = votes.rounds.contains {
        $0.proposal?.validRound == r && $0.round >= status.round
      }
      guard r >= status.round || isProof else {
        // An older round may have decided.
        if votes[k].precommits.majority(quorum) != nil { sendVotes(.precommit, k, to: i, &effects) }
        continue
      }
      if let proposal = votes[k].proposal, r > status.round || !status.hasProposal {
        sendProposal(proposal, r, to: i, &effects)
      }
      sendVotes(.prevote, k, to: i, &effects)
      sendVotes(.precommit, k, to: i, &effects)
    }
  }

  private mutating func sendProposal(
    _ proposal: Proposal, _ r: Round, to i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard effects.batches.contains(proposal.batch) else { return }
    effects.send(
      .proposal(
        h: height, r: r, vr: proposal.validRound, d: proposal.digest, batch: proposal.batch),
      to: i)
    if settings.dissemination == .gossip { peers.forgetParts(of: i) }
  }

  private mutating func sendVotes(
    _ kind: VoteKind, _ k: Int, to i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    let set = kind == .prevote ? votes[k].prevotes : votes[k].precommits
    guard set.power > 0 else { return }
    var digests = [Self.nilVote]
    if set.leading != Self.nilVote { digests.append(set.leading) }
    for d in digests + set.otherDigests {
      for word in 0..<(committee.n + 63) / 64 {
        let voters = set.voters(word, for: d)
        guard voters != 0 else { continue }
        effects.send(
          .votes(d: d, VoteWord(height, votes[k].round, kind, word: word, voters: voters)), to: i)
      }
    }
  }
}
