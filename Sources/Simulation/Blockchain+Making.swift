import Consensus
import Kernel
import Ledger
import Machines
import Metrics

// MARK: - Making blocks

extension BlockchainState {
  mutating func upon(
    lottery template: BlockID, at i: Int, _ time: SimTime, _ world: inout World
  ) {
    let local = world.machines.localTime(of: nodes[i].machine, at: time)
    swap(&effects.random, &nodes[i].random)
    defer { swap(&effects.random, &nodes[i].random) }
    // A template that was dropped is of a chain that all have left.
    let base = effects.blocks.contains(template) ? template : protocols[i].head
    let before = standing(of: i)
    guard let draft = protocols[i].upon(lottery: base, at: local, &effects) else {
      return noteStanding(of: i, after: before)
    }
    make(draft, by: i, after: before, at: time, &world)
  }

  /// The timer of node `i` has run out.
  mutating func upon(timerOf i: Int, _ time: SimTime, _ world: inout World) {
    let local = world.machines.localTime(of: nodes[i].machine, at: time)
    swap(&effects.random, &nodes[i].random)
    defer { swap(&effects.random, &nodes[i].random) }
    let before = standing(of: i)
    if let draft = protocols[i].upon(timerAt: local, &effects) {
      make(draft, by: i, after: before, at: time, &world)
    } else {
      noteStanding(of: i, after: before)
    }
  }

  private mutating func make(
    _ draft: BlockDraft, by i: Int, after before: (head: BlockID, irreversible: BlockID?),
    at time: SimTime, _ world: inout World
  ) {
    if isAttacked, isSilent(i, at: time) { return noteStanding(of: i, after: before) }
    let local = world.machines.localTime(of: nodes[i].machine, at: time)
    let block = assemble(draft, by: i, at: time, &world)
    effects.charge(protocols[i].workOfMaking(effects.blocks[block], settings.costs))
    known.append()
    known.set(.known, Int(block.index), i)
    nodes[i].digest.fold(effects.blocks[block].digest.value)
    protocols[i].upon(made: block, at: local, &effects)
    outputs.append(ChainOutput(kind: .know, item: block.index))
    noteStanding(of: i, after: before)
    if let limit = settings.madeBlocks, books.made >= limit { world.isComplete = true }
    if books.made % 64 == 0 { settle(&world) }
  }

  /// Fills a block with the oldest transactions that the node has and its chain does not hold.
  private mutating func assemble(
    _ draft: BlockDraft, by i: Int, at time: SimTime, _ world: inout World
  ) -> BlockID {
    if draft.carriesTransactions { fill(on: draft.parent, by: i) }
    let block = effects.blocks.seal(
      draft, by: i, at: time, filler: draft.carriesTransactions ? settings.blockFiller : 0)
    books.make(block, effects.blocks)
    for k in 0..<effects.blocks[block].partCount {
      let part = effects.blocks.part(k, of: block)
      if bundles.overlap(of: part, on: draft.parent, effects.blocks) > 0 {
        report("double-inclusion", "a block holds transactions that its chain holds", &world)
      }
      if part.range.end > world.logs[settings.firstPopulation + Int(part.range.population)].count {
        report("validity", "a block holds a transaction that nobody submitted", &world)
      }
      bundles.include(part, in: block)
      world.logs[settings.firstPopulation + Int(part.range.population)].pass(
        .included, part.range, at: time)
    }
    return block
  }

  private mutating func fill(on parent: BlockID, by i: Int) {
    guard bundles.endIndex > bundles.startIndex, settings.blockCapacity > 0 else { return }
    advanceCursor(of: i)
    var room = settings.blockCapacity
    let start = parent == nodes[i].followed ? Int(nodes[i].cursor) : bundles.startIndex
    for index in max(start, bundles.startIndex)..<bundles.endIndex {
      guard knownBundles.state(index, i) == .known else { continue }
      let bundle = BundleID(index: UInt32(index))
      var from = bundles[bundle].range.first
      while let gap = bundles.gap(in: bundle, from: from, on: parent, effects.blocks) {
        let fitting = settings.transactionSizes.prefix(of: gap, within: room)
        let taken = gap.prefix(fitting)
        if fitting > 0 {
          let bytes = settings.transactionSizes.bytes(of: taken)
          effects.blocks.add(BlockPart(range: taken, bundle: bundle.index), bytes: bytes)
          room -= bytes
        }
        if fitting < Int(gap.count) { return }
        from = taken.end
      }
    }
  }

  /// Passes the bundles that are wholly on the node's chain.
  private mutating func advanceCursor(of i: Int) {
    var cursor = max(Int(nodes[i].cursor), bundles.startIndex)
    while cursor < bundles.endIndex, knownBundles.state(cursor, i) == .known {
      let bundle = BundleID(index: UInt32(cursor))
      let first = bundles[bundle].range.first
      if bundles.gap(in: bundle, from: first, on: nodes[i].followed, effects.blocks) != nil {
        break
      }
      cursor += 1
    }
    nodes[i].cursor = UInt32(cursor)
  }

  func report(_ monitor: String, _ detail: String, _ world: inout World) {
    guard world.violations.count < 100 else { return }
    world.violations.append(
      Outcome.Violation(
        subsystem: name, monitor: monitor, time: world.now.seconds, detail: detail))
  }
}

// MARK: - Adopting chains

extension BlockchainState {
  /// The head of node `i` as it is now, to be adopted outside once the step is complete, and what
  /// it takes for irreversible.
  func adoption(by i: Int) -> ChainOutput {
    ChainOutput(
      kind: .adopt, item: protocols[i].head.index,
      detail: UInt64((protocols[i].irreversible ?? .none).index))
  }

  /// Node `i` has adopted the chain that ends in `head`, and the step is complete: outside, it
  /// builds on it, and what is deep enough or irreversible now is decided in its eyes.
  mutating func adopt(_ output: ChainOutput, by i: Int, _ world: inout World) {
    let head = BlockID(index: output.item)
    let irreversible = BlockID(index: UInt32(truncatingIfNeeded: output.detail))
    let old = nodes[i].template
    nodes[i].template = head
    if head != old, world.trace != nil {
      let (now, height) = (world.now, effects.blocks[head].height)
      world.trace?.mark(.other, "height \(height)", at: nodes[i].machine, now)
    }
    if head != old, effects.blocks[head].parent != old {
      let shared = effects.blocks.commonAncestor(old, head)
      let depth = Int(effects.blocks[old].height) - Int(effects.blocks[shared].height)
      if depth > 0 { books.noteReorganisation(depth) }
      if let limit = protocols[i].rollbackLimit, depth > limit {
        report("rollback", "node \(i) gave up \(depth) blocks, the limit is \(limit)", &world)
      }
    }
    let isKept = effects.blocks.contains(irreversible)
    guard protocols[i].irreversible == nil || isKept else { return }
    if isKept, P.decidesForGood { watchAgreement(on: irreversible, at: i, &world) }
    confirm(isKept ? irreversible : confirmed(below: head, at: i), by: i, &world)
  }

  /// Monitor: what two nodes hold irreversible stands on one chain.
  private mutating func watchAgreement(
    on block: BlockID, at i: Int, _ world: inout World
  ) {
    let newest = books.irreversible
    if newest == block || effects.blocks.isAncestor(block, of: newest) { return }
    guard effects.blocks.isAncestor(newest, of: block) else {
      return report(
        "agreement",
        "node \(i) holds block \(block.index) irreversible, another block \(newest.index), which "
          + "stands on another chain", &world)
    }
    books.irreversible = block
  }

  /// The newest block that is deep enough on the chain that ends in `head`.
  func confirmed(below head: BlockID, at i: Int) -> BlockID {
    let depth = UInt32(protocols[i].confirmations)
    let height = effects.blocks[head].height
    return height + 1 > depth
      ? effects.blocks.ancestor(of: head, at: height + 1 - depth) : oldestKept
  }

  /// The mempool of node `i` follows the chain that it has adopted.
  mutating func follow(_ head: BlockID, by i: Int) {
    let old = nodes[i].followed
    nodes[i].followed = head
    guard bundles.endIndex > bundles.startIndex, head != old else { return }
    if effects.blocks[head].parent == old { return take(head, into: i) }
    let shared = effects.blocks.commonAncestor(old, head)
    var walk = old
    while walk != shared {
      giveBack(walk, at: i)
      walk = effects.blocks[walk].parent
    }
    let base = scratch.count
    walk = head
    while walk != shared {
      scratch.append(walk)
      walk = effects.blocks[walk].parent
    }
    while scratch.count > base, let block = scratch.popLast() { take(block, into: i) }
  }

  private var oldestKept: BlockID { BlockID(index: UInt32(effects.blocks.startIndex)) }

  /// The transactions of `block` leave the mempool of node `i`.
  private mutating func take(_ block: BlockID, into i: Int) {
    for k in 0..<effects.blocks[block].partCount {
      let part = effects.blocks.part(k, of: block)
      let bundle = BundleID(index: part.bundle)
      guard bundles.contains(bundle) else { continue }
      if knownBundles.state(Int(part.bundle), i) == .known {
        nodes[i].waiting -= Int32(part.range.count)
      } else if part.range == bundles[bundle].range {
        // The block brought what no peer had told of.
        knownBundles.set(.known, Int(part.bundle), i)
      }
    }
  }

  /// The transactions of `block`, which node `i` has left, wait again.
  private mutating func giveBack(_ block: BlockID, at i: Int) {
    for k in 0..<effects.blocks[block].partCount {
      let part = effects.blocks.part(k, of: block)
      guard bundles.contains(BundleID(index: part.bundle)) else { continue }
      nodes[i].cursor = min(nodes[i].cursor, part.bundle)
      if knownBundles.state(Int(part.bundle), i) == .known {
        nodes[i].waiting += Int32(part.range.count)
      }
    }
  }

  /// Tells the executor beside node `i` that `block` is deep enough there.
  private func tell(
    _ executor: Executor, _ block: BlockID, by i: Int, _ world: inout World
  ) {
    let height = Int(effects.blocks[block].height)
    let finding = world.execute(
      height, of: index, key: effects.blocks[block].digest,
      parts: effects.blocks[block].partCount
    ) { effects.blocks.part($0, of: block).range }
    if let finding { world.report(finding, of: name) }
    world.schedule(
      executor.event(
        slot: Slot(UInt32(height)), role: i, proposer: ReplicaID(i), at: world.now))
  }

  /// Moves the newest block that is deep enough at node `i`.
  private mutating func confirm(_ block: BlockID, by i: Int, _ world: inout World) {
    let old = nodes[i].confirmed
    guard block != old else { return }
    nodes[i].confirmed = block
    let isNext = effects.blocks[block].parent == old
    let shared = isNext ? old : effects.blocks.commonAncestor(old, block)
    var walk = old
    while walk != shared {
      books.unconfirm(
        walk, effects.blocks, firstPopulation: settings.firstPopulation, &world)
      walk = effects.blocks[walk].parent
    }
    let base = scratch.count
    walk = block
    while walk != shared {
      scratch.append(walk)
      walk = effects.blocks[walk].parent
    }
    while scratch.count > base, let next = scratch.popLast() {
      books.confirm(
        next, effects.blocks, firstPopulation: settings.firstPopulation, &world, index: index)
      if let executor = settings.executor {
        tell(executor, next, by: i, &world)
      } else {
        replyFor(next, from: i, &world)
      }
    }
    if let target = settings.decisions, world.decisions[Int(index)] >= target {
      world.isComplete = true
    }
  }
}
