import Consensus
import Kernel
import Ledger

/// A lying validator, for tests: what the rules that ablations leave out are there against.
extension Narwhal {
  /// The second header of a round.
  struct Rival: Sendable {
    var digest: Digest
    var body: BodyHandle
    var voters = AuthorSet()
    var isCertified = false
  }

  /// The first of two halves of the others, by distance.
  private func isFirstHalf(_ other: Int) -> Bool { ((other - validator + n) % n) * 2 < n }

  /// Makes a second header without the batches of the first. Each half sees one of them first.
  mutating func deceive(
    _ header: DagHeader, _ d: Digest, _ body: BodyHandle, _ effects: inout Effects<Self>
  ) {
    rival = nil
    guard header.payload.batches > 0 else {
      return sendToPrimaries(.header(round: header.round, d: d, body: body), &effects)
    }
    var other = header
    other.payload = DagPayload()
    other.payloadDigest = payloadDigest(of: other, effects) ?? Digest(0)
    let otherDigest = other.digest(n: n, workers: settings.workers)
    let rival = Rival(digest: otherDigest, body: effects.store(.header(other)))
    self.rival = rival
    let round = header.round
    for k in 0..<n where k != validator {
      let pair =
        isFirstHalf(k)
        ? [(d, body), (otherDigest, rival.body)]
        : [(otherDigest, rival.body), (d, body)]
      for (digest, body) in pair {
        effects.send(.header(round: round, d: digest, body: body), to: ReplicaID(k))
      }
    }
    if settings.deceit.contains(.forgesCertificates) {
      show(d, body, votes: 1, toFirstHalf: true, &effects)
      show(otherDigest, rival.body, votes: 1, toFirstHalf: false, &effects)
    }
  }

  /// Sends a certificate to one half.
  private func show(
    _ d: Digest, _ body: BodyHandle, votes: Int, toFirstHalf: Bool,
    _ effects: inout Effects<Self>
  ) {
    let certificate = DagCertificate(
      digest: d, round: proposed, body: body, author: UInt16(validator), votes: UInt16(votes))
    for k in 0..<n where k != validator && isFirstHalf(k) == toFirstHalf {
      effects.send(.certificate(certificate), to: ReplicaID(k))
    }
  }

  /// Votes for either header; the certificate of each goes to one half.
  mutating func collectForDeceit(
    _ round: DagRound, _ d: Digest, _ sender: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard round == proposed else { return }
    let own = dag[round, validator]
    let isFirst = d == own.header
    if isFirst {
      guard !isCertified, voters.insert(Int(sender.index)), voters.count >= quorum else { return }
      isCertified = true
    } else {
      guard var other = rival, other.digest == d, !other.isCertified,
        other.voters.insert(Int(sender.index))
      else { return }
      other.isCertified = other.voters.count + 1 >= quorum
      rival = other
      guard other.isCertified else { return }
    }
    let body = isFirst ? own.headerBody : rival?.body ?? own.headerBody
    show(d, body, votes: quorum, toFirstHalf: isFirst, &effects)
    if rival == nil { show(d, body, votes: quorum, toFirstHalf: false, &effects) }
    let certificate = DagCertificate(
      digest: d, round: round, body: body, author: UInt16(validator), votes: UInt16(quorum))
    if !dag[round, validator].hasBody { accept(certificate, from: me, &effects) }
  }
}
