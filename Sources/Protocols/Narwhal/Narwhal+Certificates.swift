import Consensus
import Kernel
import Ledger
import Machines

/// Certificates, and what is delivered because all its ancestors are here (§3.1, §4.1).
extension Narwhal {
  mutating func receive(
    _ certificate: DagCertificate, from sender: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard certificate.round > collected else { return }
    let header = header(certificate.body, effects)
    guard isValid(certificate, header) else {
      statistics.refused += 1
      return
    }
    accept(certificate, from: sender, &effects)
  }

  /// Header and votes are what they claim to be.
  @inline(__always)
  private func isValid(_ certificate: DagCertificate, _ header: DagHeader) -> Bool {
    let isShort = Int(certificate.votes) < quorum
    return header.author == ReplicaID(Int(certificate.author))
      && header.round == certificate.round
      && header.digest(n: n, workers: settings.workers) == certificate.digest
      && (!isShort || settings.weakness.contains(.trustsCertificates))
  }

  /// Takes a valid certificate in; delivers it once its parents are.
  mutating func accept(
    _ certificate: DagCertificate, from sender: ReplicaID, _ effects: inout Effects<Self>
  ) {
    let (round, author) = (certificate.round, Int(certificate.author))
    highest = max(highest, round)
    guard dag.contains(round) else { return askForCheckpoint(&effects) }
    let known = dag[round, author]
    if known.hasHeader, known.header != certificate.digest, author != validator {
      effects.accuse(ReplicaID(author))
    }
    if known.hasBody {
      if known.certified != certificate.digest { effects.accuse(ReplicaID(author)) }
      return
    }
    clearPending(author, round)
    dag[round].certified.insert(author)
    dag[round, author].certified = certificate.digest
    dag[round, author].body = certificate.body
    guard !dag[round].delivered.contains(author) else { return }
    let header = header(certificate.body, effects)
    if hasDelivered(header.parents, in: round - 1) {
      deliver(round, author, header.parents, &effects)
      settle(from: round, &effects)
      afterDelivery(&effects)
    } else {
      suspend(round, header, from: sender, &effects)
    }
  }

  /// Whether the certificates of `authors` in `round` are here with all their ancestors; what is
  /// collected need not be.
  @inline(__always)
  func hasDelivered(_ authors: AuthorSet, in round: DagRound) -> Bool {
    guard round > collected else { return true }
    return dag.contains(round) && authors.isSubset(of: dag[round].delivered)
  }

  private mutating func deliver(
    _ round: DagRound, _ author: Int, _ parents: AuthorSet, _ effects: inout Effects<Self>
  ) {
    dag[round].delivered.insert(author)
    dag[round].deliveries += 1
    if dag[round].deliveries >= quorum { quorumRound = max(quorumRound, round) }
    if Rule.leads(round - 1), dag.contains(round - 1) {
      dag.vote(for: parents, in: round - 1)
      commit(round - 1, &effects)
    }
    if Rule.commitDepth == 2, round.number > 2, Rule.leads(round) { commit(round - 2, &effects) }
  }

  /// Delivers, round by round, what waited for what was delivered in `start`.
  mutating func settle(from start: DagRound, _ effects: inout Effects<Self>) {
    var round = start
    while true {
      if pendingCount > 0 { considerVotes(round.next, &effects) }
      round = round.next
      guard dag.contains(round), round <= highest else { return }
      var isChanged = false
      for author in dag[round].certified.subtracting(dag[round].delivered) {
        let header = header(dag[round, author].body, effects)
        guard hasDelivered(header.parents, in: round - 1) else { continue }
        deliver(round, author, header.parents, &effects)
        isChanged = true
      }
      guard isChanged else { return }
    }
  }

  private mutating func considerVotes(_ round: DagRound, _ effects: inout Effects<Self>) {
    for author in 0..<n where pending[author] == round { considerVote(round, author, &effects) }
  }

  @inline(__always)
  private mutating func afterDelivery(_ effects: inout Effects<Self>) {
    execute(&effects)
    continueCatchUp(&effects)
    propose(&effects)
  }
}
