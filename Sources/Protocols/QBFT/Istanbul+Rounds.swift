import Consensus
import Kernel
import Ledger
import Machines

/// Round changes: when a round does not decide, the next proposer tries, bound by what a quorum
/// says of the rounds before (QBFT: UponRoundTimeout, UponRoundChange; Moniz, Algorithms 3 and 4).
extension Istanbul {
  /// The request timeout, doubled by each round.
  mutating func armRoundTimer(_ effects: inout Effects<Self>) {
    let doublings = Int64(1) << Int64(min(round.number, 20))
    effects.arm(.round, after: settings.requestTimeout * doublings)
  }

  mutating func roundIsOverdue(at now: LocalTime, _ effects: inout Effects<Self>) {
    guard mayVote else { return }
    changeRound(to: round.next, at: now, &effects)
  }

  /// Leaves the present round for `r`, in which nothing is accepted yet.
  mutating func startRound(_ r: Round, _ effects: inout Effects<Self>) {
    if prepared?.round == round { swap(&commits, &lateCommits) }
    viewChanges += Int(r.number) - Int(round.number)
    round = r
    accepted = nil
    hasCommitted = false
    prepares.clear()
    commits.clear()
    armRoundTimer(&effects)
  }

  /// Moves to round `r`, and tells all what was prepared before.
  mutating func changeRound(
    to r: Round, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    startRound(r, &effects)
    let change = Body.RoundChange(
      height: height, round: r, prepared: prepared?.block,
      preparedRound: prepared?.round ?? Round(0), prepares: prepared == nil ? 0 : prepareQuorum)
    let body = effects.store(.roundChange(change))
    note(Received(sender: me, round: r, body: body))
    if settings.isDurable { effects.write(bytes(of: change, effects)) }
    effects.charge(settings.costs.sign)
    effects.broadcast(.roundChange(h: height, r: r, body))
    beginRound(r, at: now, &effects)
  }

  typealias Received = IstanbulReceived

  private mutating func note(_ change: Received) {
    changes[Int(change.sender.index)] = change
    hasChanges = true
  }

  mutating func collectRoundChange(
    _ r: Round, _ body: BodyHandle, from i: ReplicaID, at now: LocalTime,
    _ effects: inout Effects<Self>
  ) {
    guard case .roundChange(let change) = effects.body(body), change.round == r,
      isValid(change, effects)
    else { return }
    if let known = changes[Int(i.index)], known.round >= r { return }
    note(Received(sender: i, round: r, body: body))
    guard mayVote else { return }
    joinOthers(at: now, &effects)
    beginRound(r, at: now, &effects)
  }

  /// Of this height; what it says to be prepared was so in an earlier round, by a quorum.
  private func isValid(
    _ change: Body.RoundChange, _ effects: borrowing Effects<Self>
  ) -> Bool {
    guard change.height == height, change.round > Round(0) else { return false }
    guard let block = change.prepared else { return true }
    return change.preparedRound < change.round && change.prepares >= prepareQuorum
      && isWhole(block, effects)
  }

  /// When f + 1 replicas have left for higher rounds, follows to the lowest of these: at least one
  /// of them is correct.
  private mutating func joinOthers(at now: LocalTime, _ effects: inout Effects<Self>) {
    var target = round
    // The highest round that f + 1 replicas have reached or passed.
    for candidate in changes {
      guard let r = candidate?.round, r > target else { continue }
      let there = changes.count { ($0?.round ?? Round(0)) >= r }
      if there >= committee.weakQuorum { target = r }
    }
    if target > round { changeRound(to: target, at: now, &effects) }
  }

  /// As its proposer, begins round `r` once a quorum has changed to it.
  private mutating func beginRound(
    _ r: Round, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    guard r >= round, r > lastBegun, proposer(of: r) == me, mayVote else { return }
    guard changes.count(where: { $0?.round == r }) >= quorum else { return }
    if r > round { startRound(r, &effects) }
    lastBegun = r
    let certificate = changes.compactMap { $0?.round == r ? $0 : nil }
    let highest = highestPrepared(certificate, effects)
    let block = highest?.prepared ?? makeBlock(at: now, &effects)
    let body = effects.store(
      .proposal(
        Body.Proposal(
          block: block, changes: certificate, prepares: highest == nil ? 0 : prepareQuorum)))
    effects.charge(settings.costs.sign)
    effects.broadcast(.justified(h: height, r: r, body))
    accept(block, in: r, at: now, &effects)
  }

  /// The round change whose block was prepared last; nil if none was prepared.
  private func highestPrepared(
    _ changes: [Received], _ effects: borrowing Effects<Self>
  ) -> Body.RoundChange? {
    if settings.weakness.contains(.forgetsPrepared) { return nil }
    var best: Body.RoundChange?
    for received in changes {
      guard case .roundChange(let change) = effects.body(received.body), change.prepared != nil
      else { continue }
      if best == nil || change.preparedRound > best?.preparedRound ?? Round(0) { best = change }
    }
    return best
  }

  /// Takes the proposal of a round from 1 on, if it is justified; enters its round if need be.
  mutating func collectProposal(
    _ r: Round, _ body: BodyHandle, from i: ReplicaID, at now: LocalTime,
    _ effects: inout Effects<Self>
  ) {
    guard r > Round(0), r > round || isCurrent(r), i == proposer(of: r),
      case .proposal(let proposal) = effects.body(body)
    else { return }
    if r == round, let accepted {
      if accepted.digest != proposal.block.digest { effects.accuse(i) }
      return
    }
    guard isJustified(proposal, in: r, by: i, at: now, effects) else { return }
    if r > round { startRound(r, &effects) }
    accept(proposal.block, in: r, at: now, &effects)
  }

  /// A quorum has changed to round `r`, and the block is the one prepared last among them; if none
  /// was prepared, it is the proposer's own.
  private func isJustified(
    _ proposal: Body.Proposal, in r: Round, by i: ReplicaID, at now: LocalTime,
    _ effects: borrowing Effects<Self>
  ) -> Bool {
    if settings.weakness.contains(.skipsJustification) { return isWhole(proposal.block, effects) }
    var senders = Tally()
    for received in proposal.changes {
      guard case .roundChange(let change) = effects.body(received.body), change.round == r,
        isValid(change, effects)
      else { return false }
      senders.add(received.sender, for: Digest(0))
    }
    guard senders.count >= quorum else { return false }
    guard let highest = highestPrepared(proposal.changes, effects) else {
      return isFresh(proposal.block, by: i, at: now, effects)
    }
    return highest.prepared?.digest == proposal.block.digest && proposal.prepares >= prepareQuorum
      && isWhole(proposal.block, effects)
  }
}
