import Consensus
import Kernel
import Ledger
import Machines

/// Blocks: who may build when, what a replica checks, and what it does with a decision.
extension Snowman {
  /// Commits to the chain, the state after the block, its time and its maker.
  static func digest(of block: SnowmanBlock, state: Digest) -> Digest {
    block.parent.followed(by: state)
      .followed(by: Digest(UInt64(block.time) << 16 | UInt64(block.maker)))
  }

  /// Place of `replica` on the list of proposers of `height`: drawn from the seed without
  /// repetition; who is not on it comes last.
  func place(of replica: Int, at height: Slot) -> Int {
    guard settings.window > .zero else { return 0 }
    let length = min(settings.proposers, committee.n)
    var stream = RandomStream(
      seed: settings.seed, purpose: "proposers of snowman", entity: UInt64(height.number))
    var listed = InlineArray<16, Int>(repeating: -1)
    for place in 0..<length {
      var drawn = stream.range(0..<committee.n)
      while contains(drawn, in: listed, upTo: place) { drawn = stream.range(0..<committee.n) }
      if drawn == replica { return place }
      listed[place] = drawn
    }
    return length
  }

  private func contains(_ replica: Int, in list: InlineArray<16, Int>, upTo end: Int) -> Bool {
    for k in 0..<end where list[k] == replica { return true }
    return false
  }

  func firstProposer(at height: Slot) -> Int {
    var stream = RandomStream(
      seed: settings.seed, purpose: "proposers of snowman", entity: UInt64(height.number))
    return stream.range(0..<committee.n)
  }

  /// The earliest time, in milliseconds, of a block of `maker` on `parent`.
  private func earliest(of maker: Int, on parent: Node) -> Int64 {
    let wait =
      settings.blockDelay + settings.window * Int64(place(of: maker, at: parent.height.next))
    return Int64(parent.block.time) + wait.nanoseconds / 1_000_000
  }

  func isMember(_ maker: UInt16) -> Bool { Int(maker) < committee.n }

  /// Builds on the preferred branch when it is this replica's turn and it has transactions.
  mutating func build(at now: LocalTime, _ effects: inout Effects<Self>) {
    guard !isBootstrapping, candidate == nil, tree.count <= settings.processing,
      mempool.count > 0
    else { return }
    let parent = tip
    guard builtOn != tree[parent].digest else { return }  // at most one on each block
    let earliest = earliest(of: Int(me.index), on: tree[parent])
    let due = earliest * 1_000_000 - now.nanoseconds
    if due > 0 {
      guard waitsOn != tree[parent].digest else { return }
      waitsOn = tree[parent].digest
      return effects.arm(.build, after: SimDuration(nanoseconds: due))
    }
    mempool.take(
      atMost: settings.blockRequests, bytes: settings.blockBytes, sizes: effects.sizes,
      into: &effects.batches)
    let batch = effects.batches.seal(
      salt: tree[parent].digest.value ^ UInt64(me.index) << 48 ^ UInt64(bitPattern: now.nanoseconds)
    )
    let time = now.nanoseconds / 1_000_000
    precondition(time <= Int64(UInt32.max), "block times reach 49 days, not \(time) ms")
    let block = SnowmanBlock(
      parent: tree[parent].digest, batch: batch, time: UInt32(time), maker: UInt16(me.index))
    builtOn = block.parent
    effects.charge(settings.costs.hashing(effects.batches[batch].bytes) + settings.costs.sign)
    hang(block, on: parent, effects)
    push(block, &effects)
    settle(at: now, &effects)
  }

  /// Asks about its own new block, in a poll of its own if one is free; else in its own polls to
  /// come, whose samples fetch it.
  private mutating func push(_ block: SnowmanBlock, _ effects: inout Effects<Self>) {
    if let p = polls.firstIndex(where: { !$0.isOpen }) { open(p, pushing: block, &effects) }
  }

  /// Adds a block that stands on an undecided or on the last accepted one, if it is as it must be.
  /// Returns whether it was or is there.
  @discardableResult
  mutating func issue(
    _ block: SnowmanBlock, from i: ReplicaID, at now: LocalTime, _ effects: inout Effects<Self>
  ) -> Bool {
    guard isMember(block.maker), effects.batches.contains(block.batch) else { return false }
    guard let parent = indexInTree(block.parent) else {
      if !knows(block.parent) { fetch(block.parent, from: i, &effects) }
      return false
    }
    for node in tree where node.block == block { return true }
    let latest = (now.nanoseconds + settings.clockTolerance.nanoseconds) / 1_000_000
    guard Int64(block.time) <= latest,
      Int64(block.time) >= earliest(of: Int(block.maker), on: tree[parent])
    else { return false }
    hang(block, on: parent, effects)
    return true
  }

  /// Its transactions are spoken for, until it is rejected.
  private mutating func hang(
    _ block: SnowmanBlock, on parent: Int, _ effects: borrowing Effects<Self>
  ) {
    let state = tree[parent].state.followed(by: effects.batches[block.batch].digest)
    for k in 0..<effects.batches.rangeCount(of: block.batch) {
      mempool.markProposed(effects.batches.range(k, of: block.batch), executed: self.state.executed)
    }
    grow(
      Node(
        block: block, digest: Self.digest(of: block, state: state), state: state,
        height: tree[parent].height.next, parent: Int32(parent)))
  }

  mutating func execute(_ node: Node, _ effects: inout Effects<Self>) {
    let batch = node.block.batch
    let fresh = state.execute(batch, from: effects.batches)
    for k in 0..<effects.batches.rangeCount(of: batch) {
      mempool.decided(effects.batches.range(k, of: batch))
    }
    mempool.trim()
    effects.charge(settings.costs.execution * Int64(fresh))
    if settings.isDurable {
      effects.write(settings.sizes.block + effects.batches[batch].bytes)
    }
    if node.height > accepted.high { accepted.advance(to: accepted.low.next) }
    accepted[node.height] = Accepted(block: node.block, digest: node.digest)
    if place(of: Int(node.block.maker), at: node.height) > 0 { viewChanges += 1 }
    effects.decide(
      Effects<Self>.Decision(
        slot: node.height, batch: batch, state: state.digest, transactions: state.transactions))
  }

  /// What stood in a rejected block waits again, unless it was executed otherwise.
  mutating func giveBack(_ block: SnowmanBlock, _ effects: borrowing Effects<Self>) {
    guard effects.batches.contains(block.batch) else { return }
    for k in 0..<effects.batches.rangeCount(of: block.batch) {
      var rest = effects.batches.range(k, of: block.batch)
      while rest.count > 0, let fresh = state.executed.firstGap(in: rest) {
        mempool.giveBack(fresh)
        rest = TxRange(
          population: rest.population, first: fresh.end, count: UInt32(rest.end - fresh.end))
      }
    }
  }
}

// MARK: - Requests of clients

extension Snowman {
  public mutating func upon(
    requests: TxRange, _ arrival: RequestArrival, at now: LocalTime,
    _ effects: inout Effects<Self>
  ) {
    if effects.answers(requests, arrival, executed: state.executed, work: .zero) { return }
    let added = mempool.add(requests, executed: state.executed)
    // Without lists of proposers each replica builds of what its own clients sent.
    if added > 0, arrival == .fromClient, settings.window > .zero {
      effects.broadcast(.transactions(requests))
    }
    settle(at: now, &effects)
  }
}
