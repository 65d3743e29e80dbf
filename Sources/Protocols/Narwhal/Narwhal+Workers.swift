import Consensus
import Kernel
import Ledger
import Machines

/// Workers: how batches are made, spread and stored (§4.2).
extension Narwhal {
  /// What a validator's worker keeps, besides the contents.
  struct Worker: Sendable {
    let id: Int
    var mempool: Mempool
    /// Numbers of batches: sealed; stored by a quorum, as are all before; executed, the highest.
    var sealed: UInt32 = 0
    var ready: UInt32 = 0
    var executed: UInt32 = 0
    /// `sealed` at the last tick of the retry timer.
    var sealedAtTick: UInt32 = 0
    var isTiming = false
    var isDue = false
    /// Who has stored the batches that are not executed, by number.
    var holders: [AuthorSet]

    init(id: Int, _ settings: NarwhalSettings) {
      self.id = id
      mempool = Mempool(
        capacity: settings.mempool, eviction: settings.eviction,
        populations: settings.populations)
      holders = Array(repeating: AuthorSet(), count: NarwhalSettings.batchWindow)
    }

    var hasRoom: Bool { Int(sealed) - Int(max(executed, 0)) < NarwhalSettings.backlog }

    static func place(_ number: UInt32) -> Int {
      Int(number) & (NarwhalSettings.batchWindow - 1)
    }
  }

  /// The worker at every validator that clients of `population` send to.
  func home(of population: UInt32) -> Int { Int(population) / n % settings.workers }

  public mutating func upon(
    requests: TxRange, _ arrival: RequestArrival, at now: LocalTime,
    _ effects: inout Effects<Self>
  ) {
    if state.executed.contains(requests) {
      guard arrival == .retransmitted || workers.isEmpty else { return }
      guard isPrimary else { return effects.forward(requests, to: ReplicaID(validator)) }
      effects.charge(settings.costs.sign)
      effects.replyAgain(requests)
      return
    }
    let home = home(of: requests.population)
    // A primary whose workers are elsewhere cannot take requests.
    guard !workers.isEmpty, loneWorker ?? home == home else { return }
    let w = loneWorker == nil ? home : 0
    workers[w].mempool.add(requests, executed: state.executed)
    seal(w, &effects)
  }

  /// Seals full batches, and what there is when the delay is over.
  mutating func seal(_ w: Int, _ effects: inout Effects<Self>) {
    guard recovery == nil else { return }
    while workers[w].hasRoom, !workers[w].mempool.isEmpty,
      workers[w].isDue || workers[w].mempool.holds(bytes: settings.batchBytes, effects.sizes)
    {
      workers[w].isDue = false
      if workers[w].isTiming {
        workers[w].isTiming = false
        effects.disarm(slot: NarwhalTimer.batch(worker: UInt8(workers[w].id)).slot)
      }
      sealBatch(w, &effects)
    }
    if workers[w].mempool.isEmpty { workers[w].isDue = false }
    guard !workers[w].mempool.isEmpty, !workers[w].isDue, !workers[w].isTiming else { return }
    workers[w].isTiming = true
    effects.arm(.batch(worker: UInt8(workers[w].id)), after: settings.batchDelay)
  }

  private mutating func sealBatch(_ w: Int, _ effects: inout Effects<Self>) {
    workers[w].mempool.take(
      atMost: .max, bytes: settings.batchBytes, sizes: effects.sizes, into: &effects.batches)
    workers[w].sealed += 1
    let name = BatchName(
      number: workers[w].sealed, author: UInt16(validator), worker: UInt8(workers[w].id))
    let batch = effects.batches.seal(salt: name.word)
    effects.charge(settings.costs.hashing(effects.batches[batch].bytes))
    if settings.isDurable { effects.write(bytes(ofContent: batch, effects)) }
    _ = store.hold(name, batch)
    workers[w].holders[Worker.place(name.number)] = AuthorSet()
    workers[w].holders[Worker.place(name.number)].insert(validator)
    sendToPeers(.batch(name, batch), of: workers[w].id, &effects)
  }

  /// A batch has come, from the worker that made it or from one that was asked for it.
  mutating func receive(
    _ name: BatchName, _ batch: BatchHandle, from sender: ReplicaID,
    _ effects: inout Effects<Self>
  ) {
    guard store.holdsWorker(name.worker), !workers.isEmpty, effects.batches.contains(batch)
    else { return }
    let isFresh = store.hold(name, batch)
    let isFromAuthor = validator(of: sender) == Int(name.author)
    if isFresh, settings.isDurable { effects.write(bytes(ofContent: batch, effects)) }
    if isFromAuthor { effects.send(.stored(name), to: sender) }
    guard isFresh else { return }
    if isPrimary {
      contentArrived(name, &effects)
    } else {
      effects.send(.available(name, batch), to: ReplicaID(validator))
    }
  }

  /// A quorum that stores a batch lets its digest go to the primary, in order of sealing.
  mutating func acknowledge(
    _ name: BatchName, from sender: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard Int(name.author) == validator, let w = place(ofWorker: name.worker),
      name.number > workers[w].ready, name.number <= workers[w].sealed
    else { return }
    workers[w].holders[Worker.place(name.number)].insert(validator(of: sender))
    var next = BatchName(
      number: workers[w].ready + 1, author: name.author, worker: name.worker)
    while next.number <= workers[w].sealed,
      workers[w].holders[Worker.place(next.number)].count >= quorum
    {
      workers[w].ready = next.number
      if isPrimary {
        available[workers[w].id] = next.number
      } else if let batch = store[next] {
        effects.send(.available(next, batch), to: ReplicaID(validator))
      }
      next.number += 1
    }
    if isPrimary { propose(&effects) }
  }

  private func place(ofWorker id: UInt8) -> Int? {
    let w = Int(id) - (loneWorker ?? 0)
    return workers.indices.contains(w) ? w : nil
  }

  /// The primary learns from a worker of its own on another machine what is stored there.
  mutating func noteAvailable(
    _ name: BatchName, _ batch: BatchHandle, _ effects: inout Effects<Self>
  ) {
    guard Int(name.worker) < settings.workers, effects.batches.contains(batch) else { return }
    _ = store.hold(name, batch)
    guard Int(name.author) == validator else { return contentArrived(name, &effects) }
    let w = Int(name.worker)
    let backlog = UInt32(NarwhalSettings.backlog)
    if name.number > available[w] + backlog {
      // The worker lost its memory: it goes on behind the next multiple.
      available[w] = (name.number - 1) / backlog * backlog
      included[w] = available[w]
    }
    while store[
      BatchName(number: available[w] + 1, author: name.author, worker: name.worker)] != nil
    {
      available[w] += 1
    }
    contentArrived(name, &effects)
    propose(&effects)
  }

  /// What waited for the content of `name` goes on.
  mutating func contentArrived(_ name: BatchName, _ effects: inout Effects<Self>) {
    let author = Int(name.author)
    if pending[author].number > 0 { considerVote(pending[author], author, &effects) }
    if isAwaitingPayload { execute(&effects) }
  }

  /// Somebody asks for a batch; its own primary, so that it is fetched if it is not here.
  mutating func sendBatch(
    _ name: BatchName, to sender: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard store.holdsWorker(name.worker), !workers.isEmpty else { return }
    let isOwnPrimary = !isPrimary && Int(sender.index) == validator
    if let batch = store[name], effects.batches.contains(batch) {
      effects.send(isOwnPrimary ? .available(name, batch) : .batch(name, batch), to: sender)
      guard store.hasRivals else { return }
      for rival in store.contents(of: name).dropFirst() where effects.batches.contains(rival) {
        effects.send(isOwnPrimary ? .available(name, rival) : .batch(name, rival), to: sender)
      }
    } else if isOwnPrimary {
      fetch(name, isAgain: false, &effects)
      fetch(name, isAgain: true, &effects)
    }
  }

  /// Asks the author's worker for a batch; others, if it is asked for again.
  mutating func fetch(_ name: BatchName, isAgain: Bool, _ effects: inout Effects<Self>) {
    if isSplit, isPrimary {
      return effects.send(
        .fetchBatch(name), to: role(ofWorker: Int(name.worker), at: validator))
    }
    if !isAgain, Int(name.author) != validator {
      let author = role(ofWorker: Int(name.worker), at: Int(name.author))
      return effects.send(.fetchBatch(name), to: author)
    }
    for _ in 0..<settings.retryNodes {
      let other = role(ofWorker: Int(name.worker), at: drawOther(&effects))
      effects.send(.fetchBatch(name), to: other)
    }
  }

  /// A worker learns that a batch was executed: its own makes room for another.
  mutating func noteExecuted(
    _ name: BatchName, from sender: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard !isPrimary, Int(sender.index) == validator, let batch = store[name],
      effects.batches.contains(batch)
    else { return }
    _ = state.execute(batch, from: effects.batches)
    settle(batch, name, &effects)
  }

  /// What is in an executed batch waits no longer.
  mutating func settle(
    _ batch: BatchHandle, _ name: BatchName, _ effects: inout Effects<Self>
  ) {
    guard let w = place(ofWorker: name.worker) else { return }
    for k in 0..<effects.batches.rangeCount(of: batch) {
      workers[w].mempool.decided(effects.batches.range(k, of: batch))
    }
    guard Int(name.author) == validator else { return }
    workers[w].executed = max(workers[w].executed, name.number)
    if workers[w].isDue || !workers[w].mempool.isEmpty { seal(w, &effects) }
  }

  /// Sends again what was sealed before the last tick and not stored by a quorum; and, to a primary
  /// elsewhere, that it was.
  mutating func resendBatches(_ effects: inout Effects<Self>) {
    for w in workers.indices {
      let worker = workers[w]
      for number in min(worker.executed, worker.sealedAtTick)..<worker.sealedAtTick {
        let name = BatchName(
          number: number + 1, author: UInt16(validator), worker: UInt8(worker.id))
        guard let batch = store[name], effects.batches.contains(batch) else { continue }
        if name.number <= worker.ready {
          if !isPrimary { effects.send(.available(name, batch), to: ReplicaID(validator)) }
        } else {
          resend(name, batch, except: worker.holders[Worker.place(name.number)], &effects)
        }
      }
      workers[w].sealedAtTick = workers[w].sealed
    }
  }

  private func resend(
    _ name: BatchName, _ batch: BatchHandle, except holders: AuthorSet,
    _ effects: inout Effects<Self>
  ) {
    for other in 0..<n where !holders.contains(other) {
      effects.send(.batch(name, batch), to: role(ofWorker: Int(name.worker), at: other))
    }
  }
}
