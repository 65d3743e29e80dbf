import Consensus
import Kernel
import Ledger
import Machines
import Metrics

// MARK: - Batches

extension RecordStoreState {
  /// A stored record joins the open batch.
  mutating func join(_ record: Int, _ p: Int, _ world: inout World) {
    let open = producers[p].batches.count - 1
    producers[p].members.append(UInt32(record))
    producers[p].batches[open].count += 1
    let count = producers[p].batches[open].count
    if count == settings.anchoring.batch {
      close(p, &world)
    } else if count == 1 {
      scheduleInterval(p, &world)
    }
  }

  private func scheduleInterval(_ p: Int, _ world: inout World) {
    world.schedule(
      Event(
        at: world.now + settings.anchoring.interval, subsystem: index,
        kind: Kind.interval.rawValue, target: UInt32(p),
        payload: .init(UInt64(producers[p].batches.count - 1))))
  }

  /// Closes the open batch, which is not empty, and has its root computed.
  mutating func close(_ p: Int, _ world: inout World) {
    let number = producers[p].batches.count - 1
    let batch = producers[p].batches[number]
    producers[p].batches[number].closed = world.now
    producers[p].batches[number].root = tree(of: number, p).root
    producers[p].batches.append(Batch(first: batch.first + batch.count))
    takeUp(.root, number, p, &world)
  }

  private func tree(of number: Int, _ p: Int) -> MerkleTree {
    let batch = producers[p].batches[number]
    return MerkleTree(
      producers[p].members[batch.first..<batch.first + batch.count].lazy.map {
        digest(of: Int($0), p)
      })
  }

  /// Processor time of a root over `count` records: a hash for each leaf, with its domain tag, and
  /// one for each of the `count - 1` pairs.
  func hashing(ofBatch count: Int) -> SimDuration {
    let digest = settings.anchoring.digest
    return settings.costs.hashing(1 + digest) * Int64(count)
      + settings.costs.hashing(1 + 2 * digest) * Int64(count - 1)
  }

  func inclusion(of record: Int, producer p: Int) -> RecordStore.Inclusion? {
    guard let position = producers[p].members.firstIndex(of: UInt32(record)),
      let number = producers[p].batches.lastIndex(where: { $0.first <= position }),
      producers[p].batches[number].closed != .never
    else { return nil }
    let batch = producers[p].batches[number]
    let i = position - batch.first
    return RecordStore.Inclusion(
      record: digest(of: record, p), index: i, count: batch.count,
      proof: tree(of: number, p).proof(of: i), root: batch.root, anchor: number)
  }
}

// MARK: - The chain

extension RecordStoreState {
  /// Submits the root of batch `number` as the transaction of that number.
  mutating func anchor(_ number: Int, _ p: Int, _ world: inout World) {
    guard !producers[p].batches[number].isSubmitted else { return }
    producers[p].batches[number].isSubmitted = true
    let population = settings.producers[p].population
    // The lane hashes batches in order, and a crash voids all that follow too.
    precondition(
      world.logs[Int(population)].count == number,
      "\(name): batch \(number) after transaction \(world.logs[Int(population)].count)")
    world.logs[Int(population)].submit(at: world.now)
    let range = TxRange(population: population, first: UInt64(number), count: 1)
    transmit(range, p, to: producers[p].proposer, isRetransmission: false, &world)
    producers[p].anchors.add(range, tries: 1, at: world.now)
    watch(p, &world)
  }

  private mutating func transmit(
    _ range: TxRange, _ p: Int, to replica: Int, isRetransmission: Bool, _ world: inout World
  ) {
    let bytes = settings.anchoring.header + settings.transactions.bytes(of: range)
    traffic.count(isRetransmission ? 3 : 2, from: p, bytes: bytes)
    let n = settings.anchoring.chainNodes.count
    world.transmit(
      Submission(range: range, bytes: bytes, isRetransmission: isRetransmission)
        .event(to: settings.anchoring.chain, role: replica),
      bytes: bytes,
      over: Route(
        from: settings.producers[p].node, to: settings.anchoring.chainNodes[replica],
        channel: index, sender: p,
        connection: 2 * producers.count * storage.count + p * n + replica))
  }

  /// A replica of the chain has executed anchoring transactions.
  mutating func upon(_ reply: Reply, at p: Int, _ world: inout World) {
    producers[p].proposer = Int(reply.proposer)
    guard !producers[p].answered.contains(reply.range) else { return }
    let last = Int(reply.range.end) - 1
    producers[p].batches[last].replies.add(ReplicaID(Int(reply.replica)), for: reply.state)
    guard
      producers[p].batches[last].replies.count(for: reply.state) >= settings.anchoring.replyQuorum
    else { return }
    producers[p].answered.insert(reply.range)
    world.logs[Int(reply.range.population)].pass(.final, reply.range, at: world.now)
    for number in Int(reply.range.first)...last where !producers[p].batches[number].isAnchored {
      settle(number, p, world.now)
    }
    producers[p].anchors.dropAnswered(producers[p].answered)
  }

  /// The records of batch `number` are anchored.
  private mutating func settle(_ number: Int, _ p: Int, _ now: SimTime) {
    producers[p].batches[number].isAnchored = true
    let batch = producers[p].batches[number]
    for member in producers[p].members[batch.first..<batch.first + batch.count] {
      producers[p].log.pass(.decided, single(Int(member)), at: now)
      producers[p].log.pass(.final, single(Int(member)), at: now)
    }
    decisions.decide(at: now, transactions: batch.count, proposed: batch.closed)
  }

  private mutating func watch(_ p: Int, _ world: inout World) {
    let deadline = max(producers[p].anchors.earliestDeadline, world.now)
    guard deadline < producers[p].watching else { return }
    producers[p].watching = deadline
    world.schedule(
      Event(
        at: deadline, subsystem: index, kind: Kind.anchorOverdue.rawValue, target: UInt32(p)))
  }

  /// Sends overdue anchoring transactions to every replica.
  mutating func retryAnchors(_ p: Int, _ world: inout World) {
    if producers[p].watching <= world.now { producers[p].watching = .never }
    producers[p].anchors.dropAnswered(producers[p].answered)
    while let (range, tries) = producers[p].anchors.popOverdue(at: world.now) {
      guard !producers[p].answered.contains(range) else { continue }
      world.logs[Int(range.population)].retried += 1
      repeatedAnchors += 1
      for replica in settings.anchoring.chainNodes.indices {
        transmit(range, p, to: replica, isRetransmission: true, &world)
      }
      producers[p].anchors.add(range, tries: tries + 1, at: world.now)
    }
    watch(p, &world)
  }

  /// After a restart of the ingest node.
  mutating func resumeAnchoring(_ p: Int, _ world: inout World) {
    let open = producers[p].batches.count - 1
    if producers[p].batches[open].count > 0 { scheduleInterval(p, &world) }
    for number in 0..<open where !producers[p].batches[number].isSubmitted {
      takeUp(.root, number, p, &world)
    }
    producers[p].watching = .never
    watch(p, &world)
  }
}

// MARK: - Results

extension RecordStoreState {
  var occupancy: [Occupancy] {
    producers.indices.map {
      Occupancy(
        node: settings.producers[$0].node, processor: producers[$0].processor, stored: 0)
    }
      + storage.indices.map {
        Occupancy(
          node: settings.storage[$0].node, processor: storage[$0].processor,
          stored: storage[$0].bytes)
      }
  }

  /// The figures of a chain, with records for transactions and batches for decisions: hashed is
  /// ingested, stored is included, anchored is decided and final.
  func report(to outcome: inout Outcome, _ world: borrowing World) {
    outcome.messages += traffic.rows(subsystem: name)
    var books = ChainBooks(
      name: name, logs: producers.indices.map { (UInt32($0), producers[$0].log) },
      sizes: settings.records, decisions: decisions, end: world.measuredEnd)
    books.unit = "record"
    let measures = ChainMeasures(books, world.measuring)
    measures.report(to: &outcome)
    let megabytes = (outcome["\(name).throughput_bytes"] ?? 0) / 1e6
    outcome.metrics.append(.init("\(name).throughput_mb", "MB/s", megabytes))
    let stored = storedLatency(measures.window)
    outcome.metrics += stored.metrics("\(name).stored_latency")
    if let row = stored.row(subsystem: name, phase: "stored") { outcome.latencies.append(row) }
    let sent = traffic.bytesByRole.map(Double.init)
    let proofs = proofBytes()
    outcome.metrics += [
      .init("\(name).repeated_puts", "1", Double(repeatedPuts)),
      .init("\(name).moved_copies", "1", Double(movedCopies)),
      .init("\(name).lost_copies", "1", Double(lostCopies)),
      .init("\(name).repeated_anchors", "1", Double(repeatedAnchors)),
      .init("\(name).sent_bytes_per_node_mean", "B", sent.reduce(0, +) / Double(sent.count)),
      .init("\(name).sent_bytes_per_node_max", "B", sent.max()),
      .init("\(name).proof_bytes_mean", "B", proofs.mean),
      .init("\(name).proof_bytes_max", "B", proofs.max),
      .init("\(name).batch_mean", "1", proofs.batch),
    ]
  }

  /// From creation to stored, of records stored in the window.
  private func storedLatency(_ window: MeasuredWindow) -> OrderStatistics {
    var values: [SimDuration] = []
    for producer in producers {
      for record in 0..<producer.log.count {
        let time = producer.log.time(.included, of: record)
        guard time != .never, window.contains(time) else { continue }
        values.append(time - producer.log.submitted[record])
      }
    }
    return OrderStatistics(values)
  }

  /// Bytes of the proofs of anchored records, and how many records an anchored batch has.
  private func proofBytes() -> (mean: Double?, max: Double?, batch: Double?) {
    var (sum, most, records, batches) = (0, 0, 0, 0)
    for producer in producers {
      for batch in producer.batches where batch.isAnchored {
        batches += 1
        records += batch.count
        for i in 0..<batch.count {
          let length = MerkleTree.proofLength(of: i, count: batch.count)
          sum += length
          most = Swift.max(most, length)
        }
      }
    }
    guard records > 0 else { return (nil, nil, nil) }
    let digest = Double(settings.anchoring.digest)
    return (
      digest * Double(sum) / Double(records), digest * Double(most),
      Double(records) / Double(batches)
    )
  }
}
