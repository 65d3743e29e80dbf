import Consensus
import Kernel
import Ledger
import Machines

/// Headers, votes and certificates (§3.1).
extension Narwhal {
  /// Digests that wait for a header, in bytes.
  private var waitingDigests: Int {
    var count = 0
    for w in available.indices { count += Int(available[w] - included[w]) }
    for part in returned { count += Int(part.count) }
    return count * settings.sizes.digest
  }

  /// Makes the next header once a quorum of the round before is there, and there is enough to say
  /// or it is time (§4.1).
  mutating func propose(_ effects: inout Effects<Self>) {
    // The window is full if no leader of its rounds was committed.
    guard isPrimary, quorumRound >= proposed, !isBehind, mayTakePart(in: quorumRound.next),
      dag.contains(quorumRound.next),
      isHeaderDue || waitingDigests >= settings.headerBytes,
      !Rule.waitsForLeader || isLeaderOverdue || isLeaderSettled(in: quorumRound)
    else { return }
    makeHeader(on: quorumRound, &effects)
  }

  /// Rounds are missing here that others have.
  var isBehind: Bool { highest - quorumRound > 2 }

  /// Bullshark: the leader's vertex is there, or enough votes for it, or too many against it.
  @inline(__always)
  private func isLeaderSettled(in round: DagRound) -> Bool {
    guard dag.contains(round), round.number > 0 else { return true }
    if Rule.leads(round) {
      let leader = Rule.leader(of: round, n: n, seed: settings.seed)
      return dag[round].delivered.contains(leader)
    }
    let before = round - 1
    guard dag.contains(before) else { return true }
    let leader = Rule.leader(of: before, n: n, seed: settings.seed)
    guard dag[before].delivered.contains(leader) else { return true }
    let votes = dag.votes(for: leader, in: before)
    return votes >= quorum || dag[round].deliveries - votes >= commitVotes
  }

  private mutating func makeHeader(on base: DagRound, _ effects: inout Effects<Self>) {
    if proposed.number > 0, !isCertified { giveBack(proposed, effects) }
    let round = base.next
    var header = DagHeader(
      author: ReplicaID(validator), round: round, parents: delivered(in: base),
      payload: takePayload(effects), payloadDigest: Digest(0))
    header.payloadDigest = payloadDigest(of: header, effects) ?? Digest(0)
    proposed = round
    voters = AuthorSet()
    voters.insert(validator)
    isCertified = false
    isHeaderDue = false
    isLeaderOverdue = false
    effects.arm(.header, after: settings.headerDelay)
    if Rule.waitsForLeader { effects.arm(.leader, after: settings.leaderTimeout) }
    let d = header.digest(n: n, workers: settings.workers)
    let body = effects.store(.header(header))
    dag[round, validator].header = d
    dag[round, validator].headerBody = body
    dag[round, validator].hasVoted = true
    effects.charge(settings.costs.sign + settings.costs.hashing(bytes(of: header)))
    if settings.isDurable { effects.write(bytes(of: header)) }
    if settings.deceit.isEmpty {
      sendToPrimaries(.header(round: round, d: d, body: body), &effects)
    } else {
      deceive(header, d, body, &effects)
    }
  }

  /// The certificates of `round` that a header may build on.
  @inline(__always)
  private func delivered(in round: DagRound) -> AuthorSet {
    if round.number > 0 { return dag[round].delivered }
    var all = AuthorSet()
    for author in 0..<n { all.insert(author) }
    return all
  }

  // MARK: Payload

  /// What waits; of each worker consecutive numbers, so that what was given back goes alone.
  private mutating func takePayload(_ effects: borrowing Effects<Self>) -> DagPayload {
    var payload = DagPayload()
    for w in available.indices {
      while let k = returned.firstIndex(where: { $0.worker == w }) {
        let part = returned.remove(at: k)
        guard isWorthwhile(part, effects) else { continue }
        payload.first[w] = part.first
        payload.count[w] = part.count
        break
      }
      guard payload.count[w] == 0, available[w] > included[w] else { continue }
      let count = min(available[w] - included[w], UInt32(NarwhalSettings.backlog))
      payload.first[w] = included[w] + 1
      payload.count[w] = UInt16(count)
      included[w] += count
    }
    return payload
  }

  /// Whether the batches of `part` are here, and not all executed.
  private func isWorthwhile(_ part: Returned, _ effects: borrowing Effects<Self>) -> Bool {
    var isFresh = false
    for number in part.first..<part.first + UInt32(part.count) {
      let name = BatchName(
        number: number, author: UInt16(validator), worker: UInt8(part.worker))
      guard let batch = store[name], effects.batches.contains(batch) else { return false }
      for k in 0..<effects.batches.rangeCount(of: batch) {
        let range = effects.batches.range(k, of: batch)
        isFresh = isFresh || !state.executed.contains(range)
      }
    }
    return isFresh
  }

  /// Its own header of `round` came to nothing: what it listed goes into another.
  mutating func giveBack(_ round: DagRound, _ effects: borrowing Effects<Self>) {
    guard dag.contains(round), dag[round, validator].hasHeader else { return }
    let payload = header(dag[round, validator].headerBody, effects).payload
    for w in 0..<settings.workers where payload.count[w] > 0 {
      returned.append(Returned(worker: w, first: payload.first[w], count: payload.count[w]))
    }
  }

  /// Of the batches that `header` lists; nil if one is not here.
  @inline(__always)
  func payloadDigest(of header: DagHeader, _ effects: borrowing Effects<Self>) -> Digest? {
    var digest = RunDigest(0)
    for w in 0..<settings.workers where header.payload.count[w] > 0 {
      let first = header.payload.first[w]
      for number in first..<first + UInt32(header.payload.count[w]) {
        let name = BatchName(
          number: number, author: UInt16(header.author.index), worker: UInt8(w))
        guard let batch = store[name], effects.batches.contains(batch) else { return nil }
        digest.fold(effects.batches[batch].digest.value)
      }
    }
    return Digest(digest.value)
  }

  /// Whether the batches that `header` lists are here. Of several that a liar gave one name, those
  /// count from then on whose digests the header has.
  @inline(__always)
  mutating func hasPayload(of header: DagHeader, _ effects: borrowing Effects<Self>) -> Bool {
    guard let digest = payloadDigest(of: header, effects) else { return false }
    return digest == header.payloadDigest || store.hasRivals && sortOut(header, effects)
  }

  /// Combinations that are tried, at most: a liar who gives more names twice in one header is not
  /// ordered.
  private static var mostCombinations: Int { 4096 }

  private mutating func sortOut(
    _ header: DagHeader, _ effects: borrowing Effects<Self>
  ) -> Bool {
    var names: [BatchName] = []
    for w in 0..<settings.workers {
      for k in 0..<UInt32(header.payload.count[w]) {
        names.append(
          BatchName(
            number: header.payload.first[w] + k, author: UInt16(header.author.index),
            worker: UInt8(w)))
      }
    }
    let contents = names.map { store.contents(of: $0).filter { effects.batches.contains($0) } }
    guard contents.allSatisfy({ !$0.isEmpty }) else { return false }
    var choice = [Int](repeating: 0, count: names.count)
    for _ in 0..<Self.mostCombinations {
      let digests = names.indices.map { effects.batches[contents[$0][choice[$0]]].digest }
      if DagHeader.payloadDigest(of: digests) == header.payloadDigest {
        for k in names.indices { store.prefer(contents[k][choice[k]], for: names[k]) }
        return true
      }
      // The next combination, as an odometer counts.
      var k = 0
      while k < names.count, choice[k] == contents[k].count - 1 {
        choice[k] = 0
        k += 1
      }
      guard k < names.count else { return false }
      choice[k] += 1
    }
    return false
  }

  // MARK: Voting

  /// A header has come. A correct author makes one for a round.
  mutating func receive(
    header round: DagRound, _ d: Digest, _ body: BodyHandle, _ sender: ReplicaID,
    _ effects: inout Effects<Self>
  ) {
    guard round > collected else { return }
    let header = header(body, effects)
    guard header.author == sender, header.round == round,
      header.digest(n: n, workers: settings.workers) == d, header.parents.count >= quorum
    else {
      statistics.refused += 1
      return
    }
    // No proof that the others are so far ahead; what they answer will be.
    guard dag.contains(round) else { return askForCheckpoint(&effects) }
    let author = Int(sender.index)
    let known = dag[round, author]
    if known.hasHeader, known.header != d {
      effects.accuse(sender)
      guard settings.weakness.contains(.votesTwice) else { return }
      return vote(round, d, for: author, &effects)
    }
    if known.hasVoted { return effects.send(.vote(round: round, d: d), to: sender) }
    dag[round, author].header = d
    dag[round, author].headerBody = body
    guard !dag[round].certified.contains(author) else { return }
    considerVote(round, author, &effects)
    if pending[author] == round {
      fetchMissing(of: header, &effects)
      fetchPayload(of: header, isAgain: false, &effects)
    }
  }

  /// Votes for a header whose parents and payload are here: once for an author and a round.
  mutating func considerVote(_ round: DagRound, _ author: Int, _ effects: inout Effects<Self>) {
    guard dag.contains(round), round > collected, dag[round, author].hasHeader,
      !dag[round, author].hasVoted, !dag[round].certified.contains(author)
    else { return clearPending(author, round) }
    let header = header(dag[round, author].headerBody, effects)
    guard hasDelivered(header.parents, in: round - 1), hasPayload(of: header, effects) else {
      if pending[author].number == 0 { pendingCount += 1 }
      pending[author] = max(pending[author], round)
      return
    }
    clearPending(author, round)
    guard mayTakePart(in: round) else { return }
    dag[round, author].hasVoted = true
    vote(round, dag[round, author].header, for: author, &effects)
  }

  mutating func clearPending(_ author: Int, _ round: DagRound) {
    guard pending[author].number > 0, pending[author] <= round else { return }
    pending[author] = DagRound(0)
    pendingCount -= 1
  }

  @inline(__always)
  private func vote(
    _ round: DagRound, _ d: Digest, for author: Int, _ effects: inout Effects<Self>
  ) {
    effects.charge(settings.costs.sign)
    if settings.isDurable { effects.write(voteBytes) }
    effects.send(.vote(round: round, d: d), to: ReplicaID(author))
  }

  /// A quorum of votes for its header makes a certificate.
  mutating func collectVote(
    _ round: DagRound, _ d: Digest, from sender: ReplicaID, _ effects: inout Effects<Self>
  ) {
    if !settings.deceit.isEmpty { return collectForDeceit(round, d, sender, &effects) }
    guard round == proposed, dag.contains(round), !isCertified,
      d == dag[round, validator].header, voters.insert(Int(sender.index)),
      voters.count >= quorum
    else { return }
    let certificate = DagCertificate(
      digest: d, round: round, body: dag[round, validator].headerBody,
      author: UInt16(validator), votes: UInt16(voters.count))
    isCertified = true
    if settings.isDurable { effects.write(bytes(of: certificate, effects)) }
    sendToPrimaries(.certificate(certificate), &effects)
    accept(certificate, from: me, &effects)
  }
}
