import Consensus
import Kernel
import Ledger
import Machines

/// How what is missing is fetched, and what may be lost is sent again (§4.1).
extension Narwhal {
  /// Rounds that one request names, at most.
  private static var catchUpRounds: Int { 32 }
  /// Ticks after which a batch is given up for a state that holds it.
  private static var patience: Int { 3 }

  /// A certificate waits for its parents.
  mutating func suspend(
    _ round: DagRound, _ header: DagHeader, from sender: ReplicaID,
    _ effects: inout Effects<Self>
  ) {
    if round - quorumRound > 2 {
      startCatchUp(through: round - 1, asking: Int(sender.index), &effects)
    } else {
      fetchMissing(of: header, &effects)
    }
  }

  /// Asks the author of `header` for the parents that are not here: it must have had them.
  mutating func fetchMissing(of header: DagHeader, _ effects: inout Effects<Self>) {
    let round = header.round - 1
    guard round > collected, dag.contains(round) else { return }
    for author in header.parents.subtracting(dag[round].certified)
    where !dag[round, author].isRequested {
      dag[round, author].isRequested = true
      effects.send(
        .fetchCertificate(round: round, author: UInt16(author)), to: header.author)
    }
  }

  mutating func sendCertificate(
    _ round: DagRound, _ author: Int, to sender: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard author < n else { return }
    if round <= dag.base { return sendCheckpoints(to: sender, &effects) }
    guard dag.contains(round), dag[round, author].hasBody else { return }
    effects.send(.certificate(certificate(round, author)), to: sender)
  }

  private func certificate(_ round: DagRound, _ author: Int) -> DagCertificate {
    DagCertificate(
      digest: dag[round, author].certified, round: round, body: dag[round, author].body,
      author: UInt16(author), votes: UInt16(quorum))
  }

  // MARK: Many rounds

  /// Asks for all certificates of the rounds that are not complete here, some at a time.
  mutating func startCatchUp(
    through last: DagRound, asking other: Int, _ effects: inout Effects<Self>
  ) {
    guard last > catchUp, other != validator else { return }
    let from = max(max(quorumRound - 1, collected), dag.base).next
    let through = min(last, from + Self.catchUpRounds)
    guard from <= through else { return }
    catchUp = through
    effects.send(.fetchRounds(from: from, through: through), to: ReplicaID(other))
  }

  mutating func continueCatchUp(_ effects: inout Effects<Self>) {
    guard catchUp.number > 0, quorumRound >= catchUp else { return }
    catchUp = DagRound(0)
    if isBehind { startCatchUp(through: highest - 1, asking: drawOther(&effects), &effects) }
  }

  mutating func sendRounds(
    _ from: DagRound, _ through: DagRound, to sender: ReplicaID,
    _ effects: inout Effects<Self>
  ) {
    if from <= dag.base { sendCheckpoints(to: sender, &effects) }
    var round = max(from, dag.base.next)
    // Others may be farther ahead than this replica has room for.
    let last = min(min(through, from + Self.catchUpRounds), min(highest, dag.end))
    while round <= last {
      for author in dag[round].delivered where dag[round, author].hasBody {
        effects.send(.certificate(certificate(round, author)), to: sender)
      }
      round = round.next
    }
  }

  // MARK: The retry timer

  /// Sends again what nobody may have received, and asks again for what is still missing.
  mutating func retry(_ effects: inout Effects<Self>) {
    if recovery != nil { askForPositions(&effects) }
    resendBatches(&effects)
    guard isPrimary else { return }
    resendHeader(&effects)
    askForParentsAgain(&effects)
    askForPayloadAgain(&effects)
    if isBehind {
      catchUp = DagRound(0)
      startCatchUp(through: highest - 1, asking: drawOther(&effects), &effects)
    }
    hasAskedForCheckpoint = false
    if highest > dag.end { askForCheckpoint(&effects) }
    if wanted != nil { askForState(from: drawOther(&effects), &effects) }
  }

  /// The round has not advanced since the last tick: its header, or its certificate, may be lost.
  private mutating func resendHeader(_ effects: inout Effects<Self>) {
    defer { proposedAtTick = proposed }
    guard proposed.number > 0, proposed == proposedAtTick, dag.contains(proposed),
      dag[proposed, validator].hasHeader
    else { return }
    if isCertified {
      sendToPrimaries(.certificate(certificate(proposed, validator)), &effects)
      return
    }
    let own = dag[proposed, validator]
    for other in 0..<n where !voters.contains(other) {
      effects.send(
        .header(round: proposed, d: own.header, body: own.headerBody), to: ReplicaID(other))
    }
  }

  private mutating func askForParentsAgain(_ effects: inout Effects<Self>) {
    var round = max(collected, dag.base).next
    while round <= min(highest, dag.end) {
      for author in dag[round].certified.subtracting(dag[round].delivered) {
        askForParents(of: header(dag[round, author].body, effects), &effects)
      }
      round = round.next
    }
    for author in 0..<n where pending[author].number > 0 && dag.contains(pending[author]) {
      askForParents(of: header(dag[pending[author], author].headerBody, effects), &effects)
    }
  }

  private mutating func askForParents(of header: DagHeader, _ effects: inout Effects<Self>) {
    let round = header.round - 1
    guard round > collected, dag.contains(round) else { return }
    for author in header.parents.subtracting(dag[round].certified) {
      for _ in 0..<settings.retryNodes {
        effects.send(
          .fetchCertificate(round: round, author: UInt16(author)),
          to: ReplicaID(drawOther(&effects)))
      }
    }
  }

  private mutating func askForPayloadAgain(_ effects: inout Effects<Self>) {
    if isAwaitingPayload, !ordered.isEmpty {
      let next = ordered[ordered.startIndex]
      fetchPayload(of: header(next.body, effects), isAgain: true, &effects)
      ticksAwaiting += 1
      // Nobody may have it any more: then only the state helps.
      if ticksAwaiting > Self.patience { askForCheckpoint(&effects) }
    }
    for author in 0..<n where pending[author].number > 0 && dag.contains(pending[author]) {
      let waiting = header(dag[pending[author], author].headerBody, effects)
      fetchPayload(of: waiting, isAgain: false, &effects)
    }
  }

  /// Asks for the batches of `header` that are not here; for all, if they are not those meant.
  mutating func fetchPayload(
    of header: DagHeader, isAgain: Bool, _ effects: inout Effects<Self>
  ) {
    let isOther =
      payloadDigest(of: header, effects) != nil
      && payloadDigest(of: header, effects) != header.payloadDigest
    for w in 0..<settings.workers where header.payload.count[w] > 0 {
      let first = header.payload.first[w]
      for number in first..<first + UInt32(header.payload.count[w]) {
        let name = BatchName(
          number: number, author: UInt16(header.author.index), worker: UInt8(w))
        if !isOther, let batch = store[name], effects.batches.contains(batch) { continue }
        fetch(name, isAgain: isAgain, &effects)
      }
    }
  }
}
