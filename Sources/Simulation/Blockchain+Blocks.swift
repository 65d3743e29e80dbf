import Consensus
import Kernel
import Ledger
import Machines
import Networking

// MARK: - Announce, request, send

extension BlockchainState {
  /// Takes note of an announcement of what the node has or has asked for. It is no step: nothing
  /// follows from it but that there is one more to ask.
  @inline(__always)
  mutating func isOldNews(_ event: Event, at i: Int) -> Bool {
    let block = BlockID(index: UInt32(truncatingIfNeeded: event.payload.a))
    guard effects.blocks.contains(block) else { return true }
    let item = Int(block.index)
    known.mark(item, Int(event.payload.a >> 32))
    if known.state(item, i) == .unknown { return false }
    traffic.countDuplicate(0)
    return true
  }

  /// Whether an announcement of `block` to `peer` need not be sent to be known to change nothing:
  /// the peer has the block or waits for it, no fault is left that could take it away, and the
  /// message waits for nothing and delays nothing. The observer counts it and spares the event.
  @inline(__always)
  private func foresees(_ block: BlockID, at peer: Int, _ world: borrowing World) -> Bool {
    foreseesDuplicates && known.state(Int(block.index), peer) != .unknown
      && world.faultHorizon == .never && world.machines.isUp(nodes[peer].machine)
      && world.machines.hasIdealProcessor(nodes[peer].machine)
  }

  /// Asks the peer at the end of `connection` for `block`.
  mutating func request(
    _ block: BlockID, over connection: Int, by i: Int, _ time: SimTime, _ world: inout World
  ) {
    let item = Int(block.index)
    known.set(.requested, item, i)
    known.countAttempt(item, i)
    outputs.append(
      ChainOutput(
        kind: .send, message: ChainEvent.getData, item: block.index,
        connection: UInt32(connection), bytes: settings.sizes.getData))
    guard let timeout = settings.requestTimeout else { return }
    world.schedule(
      Event(
        at: time + timeout, subsystem: index, kind: ChainEvent.blockOverdue, target: UInt32(i),
        payload: .init(
          UInt64(block.index) | UInt64(connection) << 32, UInt64(known.attempts(item, i)))))
  }

  /// A request is overdue: another peer that has announced the block is asked.
  mutating func retry(
    _ block: BlockID, _ connection: Int, attempt: UInt64, at i: Int, _ time: SimTime,
    _ world: inout World
  ) {
    let item = Int(block.index)
    guard effects.blocks.contains(block), known.state(item, i) == .requested,
      UInt64(known.attempts(item, i)) == attempt
    else { return }
    let own = settings.topology.neighbours(of: i)
    if let next = known.nextAnnouncer(of: item, after: connection, among: own) {
      books.requestsRepeated += 1
      request(block, over: next, by: i, time, &world)
    } else {
      // Nobody else has it: the next to announce it is asked.
      known.set(.unknown, item, i)
    }
  }

  mutating func upon(request block: BlockID, over connection: Int, at i: Int) {
    guard effects.blocks.contains(block), known.state(Int(block.index), i) == .known else { return }
    let peer = Int(settings.topology.neighbours[connection])
    let content = effects.blocks[block]
    var output = ChainOutput(
      kind: .send, message: ChainEvent.block, item: block.index, connection: UInt32(connection),
      bytes: settings.sizes.blockHeader + content.bytes)
    if let compact, nodes[i].usesCompact, nodes[peer].usesCompact {
      output.message = ChainEvent.compact
      output.bytes = compact.base + compact.perTransaction * content.transactions
    }
    outputs.append(output)
  }

  /// A compact block has come: it is put together, or what is missing is asked for.
  mutating func upon(
    compact block: BlockID, over connection: Int, at i: Int, _ time: SimTime,
    _ world: inout World
  ) {
    guard effects.blocks.contains(block), let compact else { return }
    guard !hasReceived(block, i) else {
      return countDuplicate(ChainEvent.compact, bytes: compact.base)
    }
    let members = Int(nodes[i].relayClass)
    guard nodes[i].random.bernoulli(compact.classes[members].failure) else {
      if settings.relay == .afterBody {
        effects.charge(protocols[i].workOfBody(of: effects.blocks[block], settings.costs))
      }
      return accept(block, from: connection, at: i, time, &world)
    }
    let percent = missing[members].sample(using: &nodes[i].random) + 1
    outputs.append(
      ChainOutput(
        kind: .send, message: ChainEvent.getTransactions, item: block.index,
        connection: UInt32(connection), detail: UInt64(percent),
        bytes: settings.sizes.getTransactions))
  }

  mutating func sendBody(of block: BlockID, to connection: Int, share percent: UInt64) {
    guard effects.blocks.contains(block) else { return }
    let bytes = effects.blocks[block].bytes * Int(percent) / 100
    outputs.append(
      ChainOutput(
        kind: .send, message: ChainEvent.transactions, item: block.index,
        connection: UInt32(connection), bytes: settings.sizes.transactionsHeader + bytes))
  }

  mutating func upon(
    block: BlockID, over connection: Int, _ kind: UInt16, at i: Int, _ time: SimTime,
    _ world: inout World
  ) {
    guard effects.blocks.contains(block) else { return }
    guard !hasReceived(block, i) else {
      return countDuplicate(kind, bytes: effects.blocks[block].bytes)
    }
    accept(block, from: connection, at: i, time, &world)
  }

  private func hasReceived(_ block: BlockID, _ i: Int) -> Bool {
    switch known.state(Int(block.index), i) {
    case .known, .orphan: true
    case .unknown, .requested, .checking, .evicted: false
    }
  }

  /// Whether all of `block` has come to node `i`, handled or not.
  func hasCome(_ block: BlockID, _ i: Int) -> Bool {
    switch known.state(Int(block.index), i) {
    case .known, .orphan, .checking: true
    case .unknown, .requested, .evicted: false
    }
  }

  mutating func countDuplicate(_ kind: UInt16, bytes: Int) {
    traffic.countDuplicate(Int(kind - ChainEvent.inv))
    books.duplicateBytes += bytes
  }
}

// MARK: - Blocks that are complete

extension BlockchainState {
  /// Connects `block` to its chain, or keeps it until its parent has come.
  private mutating func accept(
    _ block: BlockID, from connection: Int, at i: Int, _ time: SimTime, _ world: inout World
  ) {
    let parent = effects.blocks[block].parent
    guard !effects.blocks.contains(parent) || known.state(Int(parent.index), i) == .known else {
      known.set(.orphan, Int(block.index), i)
      books.orphans += 1
      return requestAncestors(of: block, over: connection, by: i, time, &world)
    }
    connect(block, from: connection, at: i, time, &world)
  }

  /// Asks whoever sent an orphan for what is missing: its parent, or all that follows the node's
  /// own chain, if more is.
  private mutating func requestAncestors(
    of block: BlockID, over connection: Int, by i: Int, _ time: SimTime, _ world: inout World
  ) {
    let content = effects.blocks[block]
    let head = protocols[i].head
    if content.height > effects.blocks[head].height + 2 {
      askForChain(over: connection, by: i)
    } else if known.state(Int(content.parent.index), i) == .unknown {
      request(content.parent, over: connection, by: i, time, &world)
    }
  }

  /// Hands a block with all its ancestors to the protocol, then the orphans that waited for it.
  private mutating func connect(
    _ first: BlockID, from connection: Int, at i: Int, _ time: SimTime, _ world: inout World
  ) {
    let local = world.machines.localTime(of: nodes[i].machine, at: time)
    let base = scratch.count
    scratch.append(first)
    while scratch.count > base, let block = scratch.popLast() {
      known.set(.known, Int(block.index), i)
      let before = standing(of: i)
      swap(&effects.random, &nodes[i].random)
      protocols[i].upon(block: block, at: local, &effects)
      swap(&effects.random, &nodes[i].random)
      let hasAdopted = protocols[i].head != before.head
      if hasAdopted { follow(protocols[i].head, by: i) }
      if settings.blocks != .direct, hasAdopted || settings.relays == .valid {
        outputs.append(
          ChainOutput(
            kind: .spread, item: block.index,
            connection: block == first ? UInt32(connection) : .max))
      }
      if settings.relay == .afterHeader {
        finish(i, handled: time, &world)
        effects.charge(protocols[i].workOfBody(of: effects.blocks[block], settings.costs))
      }
      outputs.append(ChainOutput(kind: .know, item: block.index))
      if hasAdopted || protocols[i].irreversible != before.irreversible {
        outputs.append(adoption(by: i))
      }
      if block == nodes[i].syncUntil {
        nodes[i].syncUntil = .none
        askForChain(over: Int(nodes[i].syncConnection), by: i)
      }
      pushOrphans(of: block, at: i)
    }
  }

  private mutating func pushOrphans(of block: BlockID, at i: Int) {
    var child = effects.blocks.newestChild(of: block)
    while child != .none {
      if known.state(Int(child.index), i) == .orphan { scratch.append(child) }
      child = effects.blocks.olderSibling(of: child)
    }
  }

  /// Whether the peer at the end of `connection` is one whom `output` names.
  func isMeant(_ connection: Int, by output: ChainOutput) -> Bool {
    guard output.detail != 0 else { return true }
    let peer = UInt64(settings.topology.neighbours[connection])
    return peer >= output.detail & 0xFFFF_FFFF && peer < output.detail >> 32
  }

  /// Sends a block on its way to the peers of node `i`, but the one at the output's connection.
  mutating func spread(_ output: ChainOutput, from i: Int, _ world: inout World) {
    let (block, connection) = (BlockID(index: output.item), output.connection)
    guard effects.blocks.contains(block) else { return }
    let own = settings.topology.neighbours(of: i)
    guard settings.blocks.announces else {
      let bytes = settings.sizes.blockHeader + effects.blocks[block].bytes
      for c in own where UInt32(c) != connection && isMeant(c, by: output) {
        if isAttacked, withholds(i, at: world.now) { continue }
        send(
          ChainOutput(
            kind: .send, message: ChainEvent.block, item: block.index, connection: UInt32(c),
            bytes: bytes), from: i, &world)
      }
      return
    }
    var copies = 0
    for c in own where isMeant(c, by: output) {
      if settings.skipsAnnouncers,
        UInt32(c) == connection || known.isMarked(Int(block.index), c)
      {
        continue
      }
      if isAttacked, withholds(i, at: world.now) { continue }
      copies += 1
      if foresees(block, at: Int(settings.topology.neighbours[c]), world) {
        traffic.countDuplicate(0)
        continue
      }
      transmit(
        ChainEvent.inv, block.index, 0, bytes: settings.sizes.inv, over: c, from: i, &world)
    }
    traffic.count(0, from: i, bytes: settings.sizes.inv, copies: copies)
  }
}

// MARK: - Catching up

extension BlockchainState {
  /// Asks the peer at the end of `connection` for what follows the node's own chain.
  mutating func askForChain(over connection: Int, by i: Int) {
    outputs.append(
      ChainOutput(
        kind: .send, message: ChainEvent.getBlocks, item: protocols[i].head.index,
        connection: UInt32(connection), bytes: settings.sizes.getBlocks))
  }

  /// Names the blocks of the node's chain that follow the requester's: those above the last that
  /// both share, as its locator shows.
  mutating func upon(locator head: BlockID, over connection: Int, at i: Int) {
    let tip = protocols[i].shown
    guard effects.blocks.contains(head) else { return }
    let shared = effects.blocks.commonAncestor(head, tip)
    guard shared != tip else { return }
    let first = effects.blocks[shared].height + 1
    let top = effects.blocks[tip].height
    let end = min(top, first - 1 + UInt32(settings.inventoryLimit))
    let last = effects.blocks.ancestor(of: tip, at: end)
    outputs.append(
      ChainOutput(
        kind: .send, message: ChainEvent.inventory, item: last.index,
        connection: UInt32(connection), detail: UInt64(first) | (end < top ? 1 << 32 : 0),
        bytes: settings.sizes.inventoryHeader
          + settings.sizes.inventoryEntry * Int(end - first + 1)))
  }

  mutating func upon(
    inventoryTo last: BlockID, from first: UInt32, goesOn: Bool, over connection: Int,
    at i: Int, _ time: SimTime, _ world: inout World
  ) {
    guard effects.blocks.contains(last) else { return }
    let base = scratch.count
    var walk = last
    while effects.blocks.contains(walk), effects.blocks[walk].height >= first {
      known.mark(Int(walk.index), connection)
      if known.state(Int(walk.index), i) == .unknown { scratch.append(walk) }
      walk = effects.blocks[walk].parent
    }
    while scratch.count > base, let block = scratch.popLast() {
      request(block, over: connection, by: i, time, &world)
    }
    guard goesOn else { return }
    if hasReceived(last, i) {
      askForChain(over: connection, by: i)
    } else {
      nodes[i].syncUntil = last
      nodes[i].syncConnection = UInt32(connection)
    }
  }
}
