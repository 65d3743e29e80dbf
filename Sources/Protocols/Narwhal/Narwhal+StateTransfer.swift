import Consensus
import Kernel
import Ledger
import Machines

/// Checkpoints for whoever is farther behind than the others keep rounds, and coming up again.
extension Narwhal {
  /// A copy of the state after the history of a leader. Its storage is used again.
  struct Snapshot: Sendable {
    var content: DagSnapshot
    /// False while what is ordered up to its leader has not been executed.
    var isComplete: Bool
  }

  struct CheckpointName: Sendable, BitwiseCopyable, Equatable {
    var round: DagRound
    var slot: Slot
    var state: Digest
  }

  /// Who says that it has a checkpoint.
  struct CheckpointClaim: Sendable {
    var name: CheckpointName
    var holders = AuthorSet()
  }

  /// Checkpoints kept: the last complete ones, and one that is not yet.
  private static var kept: Int { 3 }

  /// Rounds from one checkpoint to the next: the leaders after which one is taken are the same
  /// everywhere.
  var checkpointInterval: Int { settings.gcDepth / 2 }

  /// The leader of `round` is ordered: what is ordered so far is kept, the state follows.
  mutating func stageCheckpoint(_ round: DagRound) {
    if snapshots.isEmpty {
      let empty = DagSnapshot(
        round: DagRound(0), slot: Slot(0),
        state: ReplicatedState(populations: settings.populations),
        ordered: Array(repeating: AuthorSet(), count: settings.gcDepth))
      snapshots = Array(
        repeating: Snapshot(content: empty, isComplete: false), count: Self.kept)
    }
    let k = place(ofCheckpoint: round)
    snapshots[k].isComplete = false
    snapshots[k].content.round = round
    for depth in 0..<settings.gcDepth {
      let row = round - (settings.gcDepth - 1 - depth)
      let isKept = Int(round.number) > settings.gcDepth - 1 - depth && dag.contains(row)
      snapshots[k].content.ordered[depth] = isKept ? dag[row].ordered : AuthorSet()
    }
    ordered.append(Ordered(body: BodyHandle(index: .max), round: round, isCheckpoint: true))
  }

  private func place(ofCheckpoint round: DagRound) -> Int {
    Int(round.number) / checkpointInterval % Self.kept
  }

  /// Everything up to the leader of `round` is executed.
  mutating func takeCheckpoint(_ round: DagRound) {
    let k = place(ofCheckpoint: round)
    guard snapshots[k].content.round == round else { return }
    snapshots[k].content.slot = lastExecuted
    snapshots[k].content.state.assign(state)
    snapshots[k].isComplete = true
  }

  // MARK: Fetching

  mutating func askForCheckpoint(_ effects: inout Effects<Self>) {
    guard !hasAskedForCheckpoint else { return }
    hasAskedForCheckpoint = true
    sendToPrimaries(.fetchCheckpoint, &effects)
  }

  mutating func sendCheckpoints(to sender: ReplicaID, _ effects: inout Effects<Self>) {
    for snapshot in snapshots where snapshot.isComplete {
      effects.charge(settings.costs.sign)
      effects.send(
        .checkpoint(
          round: snapshot.content.round, slot: snapshot.content.slot,
          d: snapshot.content.digest), to: sender)
    }
  }

  /// f + 1 say that there is this checkpoint: one of them is correct.
  mutating func collectCheckpoint(
    _ round: DagRound, _ slot: Slot, _ d: Digest, from sender: ReplicaID,
    _ effects: inout Effects<Self>
  ) {
    let name = CheckpointName(round: round, slot: slot, state: d)
    guard isAhead(name), round > wanted?.round ?? DagRound(0) else { return }
    askForCheckpoint(&effects)
    let k: Int
    if let known = checkpoints.firstIndex(where: { $0.name == name }) {
      k = known
    } else {
      if checkpoints.count >= Self.kept * n { checkpoints.removeFirst() }
      checkpoints.append(CheckpointClaim(name: name))
      k = checkpoints.count - 1
    }
    checkpoints[k].holders.insert(Int(sender.index))
    guard checkpoints[k].holders.count >= committee.weakQuorum else { return }
    wanted = name
    askForState(from: Int(sender.index), &effects)
  }

  /// Whether a checkpoint is ahead of what is executed here, and above what was forgotten.
  private func isAhead(_ name: CheckpointName) -> Bool {
    (name.slot > lastExecuted || name.round > lastLeader)
      && name.round - settings.gcDepth >= dag.base
  }

  mutating func askForState(from other: Int, _ effects: inout Effects<Self>) {
    guard let wanted, isAhead(wanted) else {
      self.wanted = nil
      return
    }
    effects.send(.fetchState(round: wanted.round, d: wanted.state), to: ReplicaID(other))
  }

  mutating func sendState(
    _ round: DagRound, _ d: Digest, to sender: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard let snapshot = snapshots.first(where: { $0.isComplete && $0.content.round == round }),
      snapshot.content.digest == d
    else { return sendCheckpoints(to: sender, &effects) }
    effects.charge(
      settings.costs.sign + settings.costs.hashing(bytes(of: snapshot.content)))
    let body = effects.store(.snapshot(snapshot.content))
    effects.send(.state(round: round, body), to: sender)
  }

  /// Goes on from a fetched state, if it is the one that f + 1 vouched for.
  mutating func takeOver(
    _ round: DagRound, _ body: BodyHandle, _ effects: inout Effects<Self>
  ) {
    guard let name = wanted, name.round == round, isAhead(name),
      let snapshot = effects.body(body).snapshot, snapshot.digest == name.state
    else { return }
    if settings.isDurable { effects.write(bytes(of: snapshot)) }
    wanted = nil
    checkpoints.removeAll()
    ordered.removeAll()
    isAwaitingPayload = false
    isPayloadRequested = false
    ticksAwaiting = 0
    state.assign(snapshot.state)
    lastExecuted = snapshot.slot
    effects.caughtUp(
      to: lastExecuted, transactions: state.transactions, state: state.digest)
    returned.removeAll()
    if isSplit { giveBackHeaders(effects) }
    takeOverOrder(snapshot)
    reseal(&effects)
    for r in Int(collected.number)...Int(max(highest, collected).number) {
      settle(from: DagRound(r), &effects)
    }
    for r in Int(lastLeader.number)...Int(max(highest, lastLeader).number)
    where Rule.leads(DagRound(r)) {
      commit(DagRound(r), &effects)
    }
    execute(&effects)
    catchUp = DagRound(0)
    if isBehind { startCatchUp(through: highest - 1, asking: drawOther(&effects), &effects) }
    propose(&effects)
  }

  /// What its headers list that are not ordered, as far as it knows: what of it is executed is
  /// dropped when it is looked at again.
  private mutating func giveBackHeaders(_ effects: borrowing Effects<Self>) {
    var round = max(collected, dag.base).next
    while round <= proposed {
      if dag.contains(round), !dag[round].ordered.contains(validator) { giveBack(round, effects) }
      round = round.next
    }
  }

  /// The DAG below the leader counts as delivered where it is ordered.
  private mutating func takeOverOrder(_ snapshot: DagSnapshot) {
    let round = snapshot.round
    lastLeader = round
    collected = round - settings.gcDepth
    dag.advance(to: round - 2 * settings.gcDepth)
    for depth in 0..<settings.gcDepth {
      let back = settings.gcDepth - 1 - depth
      guard Int(round.number) > back else { continue }
      let row = round - back
      dag[row].ordered = snapshot.ordered[depth]
      dag[row].certified.formUnion(snapshot.ordered[depth])
      dag[row].delivered.formUnion(snapshot.ordered[depth])
      dag[row].deliveries = dag[row].delivered.count
      if dag[row].deliveries >= quorum { quorumRound = max(quorumRound, row) }
    }
    // What it had ordered beyond, if it only could not execute it, is ordered again.
    var beyond = round.next
    while beyond <= min(highest, dag.end) {
      dag[beyond].ordered = AuthorSet()
      beyond = beyond.next
    }
    for author in 0..<n where pending[author].number > 0 && pending[author] <= collected {
      pending[author] = DagRound(0)
      pendingCount -= 1
    }
  }

  /// Its batches of before may be forgotten by the others: what is not executed is sealed anew.
  private mutating func reseal(_ effects: inout Effects<Self>) {
    for w in workers.indices {
      workers[w].mempool.forget(executed: state.executed)
      workers[w].mempool.giveBackAll()
      workers[w].ready = workers[w].sealed
      workers[w].executed = workers[w].sealed
      workers[w].sealedAtTick = workers[w].sealed
      available[workers[w].id] = workers[w].sealed
      included[workers[w].id] = workers[w].sealed
      seal(w, &effects)
    }
  }
}

// MARK: - Coming up again

extension Narwhal {
  /// What a validator without memory knows of its former life.
  struct Recovery: Sendable {
    var answers = AuthorSet()
    var round = DagRound(0)
    var number: UInt32 = 0
  }

  public mutating func restart(
    keepsDisk: Bool, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    if !keepsDisk {
      self = Narwhal(me: me, committee: committee, settings: settings)
      recovery = Recovery()
    }
    effects.arm(.retry, after: settings.retryDelay)
    if isPrimary {
      effects.arm(.header, after: settings.headerDelay)
      if Rule.waitsForLeader { effects.arm(.leader, after: settings.leaderTimeout) }
    }
    proposedAtTick = proposed
    isPayloadRequested = false
    for w in workers.indices {
      workers[w].isTiming = false
      workers[w].sealedAtTick = workers[w].sealed
    }
    retry(&effects)
    for w in workers.indices { seal(w, &effects) }
  }

  func askForPositions(_ effects: inout Effects<Self>) {
    if isPrimary {
      sendToPrimaries(.fetchPosition, &effects)
      guard isSplit else { return }
      for w in 0..<settings.workers {
        effects.send(.fetchPosition, to: role(ofWorker: w, at: validator))
      }
    } else {
      sendToPeers(.fetchPosition, of: loneWorker ?? 0, &effects)
    }
  }

  func sendPosition(to sender: ReplicaID, _ effects: inout Effects<Self>) {
    guard recovery == nil else { return }
    let other = validator(of: sender)
    let number =
      other == validator ? workers.first?.executed ?? 0 : store.highestNumber(of: other)
    effects.send(.position(round: quorumRound, number: number), to: sender)
  }

  /// Its votes of before it cannot contradict, because it does not know them: so it casts none in
  /// rounds in which there may be any.
  ///
  /// Had it voted in round r, a quorum would have certified round r - 1, whose voters had delivered
  /// a quorum of round r - 2. A quorum's answers hold one of those.
  mutating func notePosition(
    _ round: DagRound, _ number: UInt32, from sender: ReplicaID,
    _ effects: inout Effects<Self>
  ) {
    if isPrimary, isOwnWorker(sender) {
      let w = (Int(sender.index) - n) / n
      available[w] = max(available[w], number)
      included[w] = max(included[w], number)
      return
    }
    guard var known = recovery else { return }
    known.answers.insert(validator(of: sender))
    known.round = max(known.round, round)
    known.number = max(known.number, number)
    recovery = known
    guard known.answers.count >= quorum else { return }
    recovery = nil
    votingFloor = known.round + 2
    // Beyond every number that it may have given to a batch.
    let start =
      (known.number / UInt32(NarwhalSettings.backlog) + 2)
      * UInt32(NarwhalSettings.backlog)
    for w in workers.indices {
      workers[w].sealed = start
      workers[w].ready = start
      workers[w].executed = start
      workers[w].sealedAtTick = start
      if isPrimary {
        available[workers[w].id] = start
        included[workers[w].id] = start
      }
      seal(w, &effects)
    }
  }

  /// Whether it may propose and vote in `round`.
  @inline(__always)
  func mayTakePart(in round: DagRound) -> Bool { recovery == nil && round > votingFloor }
}
