import Kernel
import Ledger
import Machines

/// Which copy of which record is meant, and at which node.
struct Place: Sendable, BitwiseCopyable {
  var record: Int
  var producer: Int
  var copy: Int
  /// Position in the record's rendezvous order.
  var rank: Int

  init(record: Int, producer: Int, copy: Int, rank: Int) {
    self.record = record
    self.producer = producer
    self.copy = copy
    self.rank = rank
  }

  init(_ payload: Event.Payload) {
    record = Int(payload.a)
    producer = Int(payload.b >> 32)
    copy = Int(payload.b >> 16 & 0xFFFF)
    rank = Int(payload.b & 0xFFFF)
  }

  var payload: Event.Payload {
    .init(
      UInt64(record), UInt64(producer) << 32 | UInt64(copy) << 16 | UInt64(rank))
  }
}

// MARK: - Rendezvous hashing

extension RecordStoreState {
  /// Puts the storage nodes in order of their weight for a record, the heaviest first, into
  /// `order`. O(m^2) for m nodes without allocation.
  mutating func findOrder(of record: Int, _ p: Int) {
    let content = digest(of: record, p).value
    for s in order.indices {
      var weight = RunDigest(content)
      weight.fold(UInt64(s))
      weights[s] = weight.value
      var i = s
      while i > 0, weights[Int(order[i - 1])] < weight.value {
        order[i] = order[i - 1]
        i -= 1
      }
      order[i] = UInt8(s)
    }
  }

  /// The storage node at `rank` in the order of a record.
  mutating func node(at rank: Int, of record: Int, _ p: Int) -> Int {
    findOrder(of: record, p)
    return Int(order[rank])
  }
}

// MARK: - At the ingest node

extension RecordStoreState {
  /// Sends a hashed record to the first nodes of its order.
  mutating func dispatch(_ record: Int, _ p: Int, _ world: inout World) {
    guard !producers[p].records[record].wasSent else { return }
    producers[p].records[record].wasSent = true
    producers[p].log.pass(.ingested, single(record), at: world.now)
    for copy in 0..<settings.placement.replicas {
      producers[p].copies[record * settings.placement.replicas + copy].rank = UInt8(copy)
      producers[p].records[record].targeted |= 1 << UInt64(copy)
      send(copy, of: record, p, &world)
    }
  }

  func single(_ record: Int) -> TxRange {
    TxRange(population: 0, first: UInt64(record), count: 1)
  }

  /// Sends a copy to the node it is meant for, and asks for it later.
  private mutating func send(_ copy: Int, of record: Int, _ p: Int, _ world: inout World) {
    let k = record * settings.placement.replicas + copy
    producers[p].copies[k].tries += 1
    producers[p].copies[k].triesHere += 1
    let present = producers[p].copies[k]
    let s = node(at: Int(present.rank), of: record, p)
    let size = settings.placement.header + bytes(of: record, p)
    let place = Place(record: record, producer: p, copy: copy, rank: Int(present.rank))
    traffic.count(0, from: p, bytes: size)
    world.transmit(
      Event(
        at: .zero, subsystem: index, kind: Kind.put.rawValue, target: UInt32(s),
        payload: place.payload),
      bytes: size,
      over: Route(
        from: settings.producers[p].node, to: settings.storage[s].node, channel: index, sender: p,
        connection: p * storage.count + s))
    let doublings = min(Int64(present.triesHere) - 1, 16)
    var check = place.payload
    check.d = UInt64(present.tries)
    world.schedule(
      Event(
        at: world.now + settings.placement.timeout * (1 << doublings), subsystem: index,
        kind: Kind.overdue.rawValue, target: UInt32(p), payload: check))
  }

  /// Sends a copy again that was not acknowledged since try number `tries`.
  mutating func checkPut(_ place: Place, tries: UInt64, _ p: Int, _ world: inout World) {
    let k = place.record * settings.placement.replicas + place.copy
    guard !producers[p].copies[k].isDone, UInt64(producers[p].copies[k].tries) == tries
    else { return }
    if Int(producers[p].copies[k].triesHere) >= settings.placement.triesPerNode,
      let next = nextRank(after: place.rank, in: producers[p].records[place.record].targeted)
    {
      producers[p].records[place.record].targeted &= ~(1 << UInt64(place.rank))
      producers[p].records[place.record].targeted |= 1 << UInt64(next)
      producers[p].copies[k].rank = UInt8(next)
      producers[p].copies[k].triesHere = 0
      movedCopies += 1
    } else {
      repeatedPuts += 1
    }
    send(place.copy, of: place.record, p, &world)
  }

  /// The next rank, around, that has no copy under way; `nil` if every node has one.
  private func nextRank(after rank: Int, in targeted: UInt64) -> Int? {
    let m = storage.count
    return (1..<max(m, 1)).map { (rank + $0) % m }.first { targeted & (1 << UInt64($0)) == 0 }
  }

  /// A node has acknowledged its copy.
  mutating func acknowledge(_ place: Place, _ p: Int, _ world: inout World) {
    producers[p].copies[place.record * settings.placement.replicas + place.copy].isDone = true
    producers[p].records[place.record].acknowledged |= 1 << UInt64(place.rank)
    let record = producers[p].records[place.record]
    guard !record.isStored, record.acknowledged.nonzeroBitCount >= settings.placement.acks
    else { return }
    producers[p].records[place.record].isStored = true
    producers[p].log.pass(.included, single(place.record), at: world.now)
    join(place.record, p, &world)
    if case .window = settings.producers[p].arrivals { create(p, &world) }
  }
}

// MARK: - At the storage node

extension RecordStoreState {
  mutating func handleAtStorage(_ kind: Kind, _ event: Event, _ s: Int, _ world: inout World) {
    let node = settings.storage[s].node
    guard world.machines.isUp(node) else { return }
    let place = Place(event.payload)
    let size = bytes(of: place.record, place.producer)
    if kind == .put {
      var whole = event
      whole.kind = Kind.received.rawValue
      whole.payload.c = UInt64(world.machines.epoch(of: node))
      // What an ingest node stores itself passes no link.
      let isLocal = settings.producers[place.producer].node == node
      whole.time =
        isLocal
        ? world.now
        : world.machines.receive(
          settings.placement.header + size, at: node, arrival: world.now)
      if whole.time > world.now { return world.schedule(whole) }
      return take(whole, place, s, &world)
    }
    // What was under way in a crash is void.
    guard event.payload.c == UInt64(world.machines.epoch(of: node)) else { return }
    if kind == .received { return take(event, place, s, &world) }
    let bit: UInt64 = 1 << UInt64(place.rank)
    if producers[place.producer].records[place.record].held & bit == 0 {
      producers[place.producer].records[place.record].held |= bit
      storage[s].bytes += size
    }
    acknowledge(place, from: s, &world)
  }

  /// Checks a record that is there as a whole; one that the disk holds is only acknowledged again.
  private mutating func take(_ event: Event, _ place: Place, _ s: Int, _ world: inout World) {
    let size = bytes(of: place.record, place.producer)
    let work =
      settings.costs.handling(bytes: settings.placement.header + size)
      + settings.costs.hashing(size)
    storage[s].processor += work
    let handled = world.admit(
      event, to: settings.storage[s].lane, of: settings.storage[s].node, ready: world.now, .zero,
      work)
    if let handled { write(event, at: handled, &world) }
  }

  /// Writes a checked record; it is stable when the disk says so.
  mutating func write(_ event: Event, at time: SimTime, _ world: inout World) {
    let (s, place) = (Int(event.target), Place(event.payload))
    let isHeld =
      producers[place.producer].records[place.record].held & (1 << UInt64(place.rank)) != 0
    let size = bytes(of: place.record, place.producer)
    var stable = event
    stable.kind = Kind.stable.rawValue
    stable.time =
      isHeld ? time : world.machines.write(size, to: settings.storage[s].node, ready: time)
    world.schedule(stable)
  }

  private mutating func acknowledge(_ place: Place, from s: Int, _ world: inout World) {
    let (p, size) = (place.producer, settings.placement.acknowledgement)
    traffic.count(1, from: producers.count + s, bytes: size)
    world.transmit(
      Event(
        at: .zero, subsystem: index, kind: Kind.acknowledgement.rawValue, target: UInt32(p),
        payload: place.payload),
      bytes: size,
      over: Route(
        from: settings.storage[s].node, to: settings.producers[p].node, channel: index,
        sender: producers.count + s,
        connection: producers.count * storage.count + s * producers.count + p))
  }
}

// MARK: - Restarts

extension RecordStoreState {
  mutating func restart(_ node: NodeID, keepsDisk: Bool, _ world: inout World) {
    if !keepsDisk {
      for s in storage.indices where settings.storage[s].node == node { wipe(s) }
    }
    for p in producers.indices where settings.producers[p].node == node { resume(p, &world) }
  }

  /// The disk of a storage node has come back empty.
  private mutating func wipe(_ s: Int) {
    storage[s].bytes = 0
    for p in producers.indices {
      for record in producers[p].records.indices where producers[p].records[record].held != 0 {
        findOrder(of: record, p)
        guard let rank = order.firstIndex(of: UInt8(s)) else { continue }
        let bit: UInt64 = 1 << UInt64(rank)
        if producers[p].records[record].held & bit != 0 { lostCopies += 1 }
        producers[p].records[record].held &= ~bit
      }
    }
  }

  /// An ingest node takes up what it had not finished: records to hash, copies to send, its batch,
  /// roots to compute, anchors to ask after.
  private mutating func resume(_ p: Int, _ world: inout World) {
    for record in producers[p].records.indices {
      guard producers[p].records[record].wasSent else {
        takeUp(.hash, record, p, &world)
        continue
      }
      for copy in 0..<settings.placement.replicas {
        let k = record * settings.placement.replicas + copy
        if !producers[p].copies[k].isDone { send(copy, of: record, p, &world) }
      }
    }
    resumeAnchoring(p, &world)
  }
}
