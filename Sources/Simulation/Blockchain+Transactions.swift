import Consensus
import Kernel
import Ledger
import Machines
import Networking

// MARK: - Transactions enter

extension BlockchainState {
  /// Numbers what is new of a submission when it arrives, at whatever node.
  mutating func register(_ submission: Submission) {
    let range = submission.range
    var rest = range
    while rest.count > 0, let fresh = bundles.known.firstGap(in: rest) {
      _ = bundles.add(fresh, bytes: settings.transactionSizes.bytes(of: fresh))
      knownBundles.append()
      rest = TxRange(
        population: range.population, first: fresh.end, count: UInt32(range.end - fresh.end))
    }
  }

  /// Clients have submitted transactions to node `i`, their gateway; or, after a timeout, to all.
  mutating func upon(
    submission: Submission, at i: Int, _ time: SimTime, _ world: inout World
  ) {
    let range = submission.range
    let p = Int(range.population)
    if !submission.isRetransmission { gateways[p] = Int32(i) }
    world.logs[settings.firstPopulation + p].pass(.ingested, range, at: time)
    for place in bundles.places(of: range) {
      let bundle = bundles.bundle(at: place, of: range.population)
      takeIn(bundle, at: i, from: .max)
      if submission.isRetransmission { replyAgain(bundle, range, from: i, &world) }
    }
    if submission.isRetransmission { replyForSettled(range, from: i, &world) }
  }

  /// Puts a bundle into the mempool of node `i`, whole or not at all, and passes it on.
  private mutating func takeIn(_ bundle: BundleID, at i: Int, from connection: UInt32) {
    let item = Int(bundle.index)
    guard knownBundles.state(item, i) != .known else { return }
    let new = bundles.missing(bundle, on: nodes[i].followed, effects.blocks)
    if Int(nodes[i].waiting) + new > settings.mempool {
      if settings.eviction == .oldest, new <= settings.mempool {
        evictOldest(at: i, until: settings.mempool - new)
      } else {
        evicted += new
        knownBundles.set(.evicted, item, i)
        return
      }
    }
    knownBundles.set(.known, item, i)
    nodes[i].waiting += Int32(new)
    nodes[i].cursor = min(nodes[i].cursor, bundle.index)
    outputs.append(
      ChainOutput(kind: .spreadBundle, item: bundle.index, connection: connection))
  }

  private mutating func evictOldest(at i: Int, until limit: Int) {
    var item = max(Int(nodes[i].cursor), bundles.startIndex)
    while Int(nodes[i].waiting) > limit, item < bundles.endIndex {
      if knownBundles.state(item, i) == .known {
        let out = bundles.missing(
          BundleID(index: UInt32(item)), on: nodes[i].followed, effects.blocks)
        if out > 0 {
          knownBundles.set(.evicted, item, i)
          nodes[i].waiting -= Int32(out)
          evicted += out
        }
      }
      item += 1
    }
  }
}

// MARK: - Transactions spread

extension BlockchainState {
  mutating func upon(
    bundleStep event: Event, _ kind: UInt16, at i: Int, _ time: SimTime, _ world: inout World
  ) {
    let bundle = BundleID(index: UInt32(truncatingIfNeeded: event.payload.a))
    let connection = Int(event.payload.a >> 32)
    let item = Int(bundle.index)
    guard bundles.contains(bundle) else { return }
    switch kind {
    case ChainEvent.bundleInv:
      knownBundles.mark(item, connection)
      guard knownBundles.state(item, i) == .unknown else {
        return traffic.countDuplicate(Int(ChainEvent.bundleInv - ChainEvent.inv))
      }
      request(bundle, over: connection, by: i, time, &world)
    case ChainEvent.getBundle:
      guard knownBundles.state(item, i) == .known else { return }
      outputs.append(
        ChainOutput(
          kind: .send, message: ChainEvent.bundle, item: bundle.index,
          connection: UInt32(connection), bytes: bytes(of: bundle)))
    case ChainEvent.bundle:
      switch knownBundles.state(item, i) {
      case .known, .evicted: countDuplicate(ChainEvent.bundle, bytes: bytes(of: bundle))
      case .unknown, .requested, .checking, .orphan: takeIn(bundle, at: i, from: UInt32(connection))
      }
    default:
      guard knownBundles.state(item, i) == .requested,
        UInt64(knownBundles.attempts(item, i)) == event.payload.b
      else { return }
      let own = settings.topology.neighbours(of: i)
      if let next = knownBundles.nextAnnouncer(of: item, after: connection, among: own) {
        books.requestsRepeated += 1
        request(bundle, over: next, by: i, time, &world)
      } else {
        knownBundles.set(.unknown, item, i)
      }
    }
  }

  private func bytes(of bundle: BundleID) -> Int {
    settings.sizes.bundleHeader + bundles[bundle].bytes
  }

  private mutating func request(
    _ bundle: BundleID, over connection: Int, by i: Int, _ time: SimTime, _ world: inout World
  ) {
    let item = Int(bundle.index)
    knownBundles.set(.requested, item, i)
    knownBundles.countAttempt(item, i)
    outputs.append(
      ChainOutput(
        kind: .send, message: ChainEvent.getBundle, item: bundle.index,
        connection: UInt32(connection), bytes: settings.sizes.getData))
    guard let timeout = settings.requestTimeout else { return }
    world.schedule(
      Event(
        at: time + timeout, subsystem: index, kind: ChainEvent.bundleOverdue, target: UInt32(i),
        payload: .init(
          UInt64(bundle.index) | UInt64(connection) << 32,
          UInt64(knownBundles.attempts(item, i)))))
  }

  /// Sends `bundle` on its way to the peers of node `i`, but the one at `connection`.
  mutating func spread(
    _ bundle: BundleID, except connection: UInt32, from i: Int, _ world: inout World
  ) {
    guard bundles.contains(bundle) else { return }
    // Under direct broadcast only who took the transactions from their clients sends them.
    if settings.transactions == .direct, connection != .max { return }
    let announces = settings.transactions.announces
    let message = announces ? ChainEvent.bundleInv : ChainEvent.bundle
    let bytes = announces ? settings.sizes.inv : self.bytes(of: bundle)
    var copies = 0
    for c in settings.topology.neighbours(of: i) {
      if !announces || settings.skipsAnnouncers, UInt32(c) == connection { continue }
      if settings.skipsAnnouncers, announces, knownBundles.isMarked(Int(bundle.index), c) {
        continue
      }
      transmit(message, bundle.index, 0, bytes: bytes, over: c, from: i, &world)
      copies += 1
    }
    traffic.count(Int(message - ChainEvent.inv), from: i, bytes: bytes, copies: copies)
  }
}

// MARK: - Replies

extension BlockchainState {
  /// Tells the clients whose gateway node `i` is that their transactions in `block` are final.
  mutating func replyFor(_ block: BlockID, from i: Int, _ world: inout World) {
    for k in 0..<effects.blocks[block].partCount {
      let range = effects.blocks.part(k, of: block).range
      guard gateways[Int(range.population)] == Int32(i) else { continue }
      reply(range, effects.blocks[block].digest, from: i, &world)
    }
  }

  /// Answers clients that ask again for what is deep enough on the chain of node `i`.
  private mutating func replyAgain(
    _ bundle: BundleID, _ range: TxRange, from i: Int, _ world: inout World
  ) {
    let whole = bundles[bundle].range
    let confirmed =
      protocols[i].irreversible ?? self.confirmed(below: nodes[i].followed, at: i)
    var low = max(whole.first, range.first)
    let end = min(whole.end, range.end)
    while low < end {
      let gap = bundles.gap(in: bundle, from: low, on: confirmed, effects.blocks)
      let next = min(gap?.first ?? end, end)
      if next > low {
        let part = TxRange(
          population: range.population, first: low, count: UInt32(next - low))
        reply(part, Digest(0), from: i, &world)
      }
      low = max(gap?.end ?? end, low + 1)
    }
  }

  private mutating func replyForSettled(
    _ range: TxRange, from i: Int, _ world: inout World
  ) {
    var rest = range
    while rest.count > 0, let part = bundles.settled.firstPart(of: rest) {
      reply(part, Digest(0), from: i, &world)
      rest = TxRange(
        population: range.population, first: part.end, count: UInt32(range.end - part.end))
    }
  }

  private mutating func reply(
    _ range: TxRange, _ state: Digest, from i: Int, _ world: inout World
  ) {
    // What an executor asks again it has seen executed.
    guard settings.executor == nil else { return }
    if isAttacked, isSilent(i, at: world.now) { return }
    let bytes = settings.replies.header + settings.replies.result * Int(range.count)
    traffic.count(ChainEvent.reply, from: i, bytes: bytes)
    let client = world.populations[settings.firstPopulation + Int(range.population)]
    // One node's word is enough for a client of a chain, so that it need not say which it is.
    let event = Reply(range: range, state: state, replica: 0, proposer: 0, bytes: bytes)
      .event(to: client)
    let isSeparate = settings.replies.path == .separate
    let route = Route(
      from: nodes[i].machine, to: client.node, channel: index,
      sender: isSeparate ? nodes.count + i : i,
      connection: settings.topology.neighbours.count + Int(range.population))
    if isSeparate, route.from != route.to {
      world.propagate(event, bytes: bytes, over: route, sent: world.now)
    } else {
      world.transmit(event, bytes: bytes, over: route)
    }
  }
}
