import Consensus
import Kernel
import Ledger

// What follows from a chain: its epochs, committees and proposers, and the state of each block.

extension GasperContent {
  private static var attester: UInt32 { 1 }
  private static var proposing: UInt32 { 0 }

  /// The number of the context of `epoch` on the chain that ends in `head`; nil if that chain is so
  /// old that nobody keeps its state, or if no validator is left that could go on with it.
  mutating func context(
    of epoch: UInt32, on head: BlockID, _ blocks: BlockArena, _ topics: inout TopicBook
  ) -> Int? {
    let start = start(of: epoch)
    let base = epoch == 0 ? BlockID.genesis : ancestor(of: head, at: start - 1, blocks)
    var k = contexts.count - 1
    while k >= 0 {
      if contexts[k].epoch == epoch, contexts[k].base == base { return k }
      k -= 1
    }
    guard var state = state(of: base) else { return nil }
    var at = self.epoch(of: state.slot)
    while at < epoch {
      at += 1
      state.enter(at, settings)
    }
    guard !state.active(in: epoch).isEmpty else { return nil }
    let newest = contexts.reduce(epoch) { max($0, $1.epoch) }
    contexts.removeAll { $0.epoch + 3 < newest }
    let shuffling = shuffling(of: epoch, state, &topics)
    contexts.append(
      EpochContext(
        epoch: epoch, base: base, state: state, shuffling: shuffling,
        proposers: proposers(of: epoch, state)))
    return contexts.count - 1
  }

  private func proposers(of epoch: UInt32, _ state: BeaconState) -> [UInt32] {
    let active = state.active(in: epoch)
    let seed = state.seed(for: epoch, domain: Self.proposing)
    return (0..<UInt32(settings.slotsPerEpoch)).map { slot in
      Shuffle.proposer(
        of: active, effective: state.effective,
        seed: seed.hashed(with: UInt64(start(of: epoch) + slot), count: 8),
        largest: settings.rewards.largest, rounds: settings.shuffleRounds)
    }
  }

  private mutating func shuffling(
    of epoch: UInt32, _ state: BeaconState, _ topics: inout TopicBook
  ) -> UInt32 {
    let seed = state.seed(for: epoch, domain: Self.attester)
    let active = state.active(in: epoch)
    for k in shufflings.indices.reversed() {
      guard let other = shufflings[k], other.epoch + 2 >= epoch else { break }
      if other.epoch == epoch, other.seed == seed, other.order.count == active.count {
        return UInt32(k)
      }
    }
    var shuffling = Shuffling(
      epoch: epoch, seed: seed, active: active, settings: settings,
      owner: { Int(owner[$0]) }, nodes: nodes)
    openTopics(for: &shuffling, &topics)
    shufflings.append(shuffling)
    dropOldShufflings(before: epoch, &topics)
    return UInt32(shufflings.count - 1)
  }

  private mutating func dropOldShufflings(before epoch: UInt32, _ topics: inout TopicBook) {
    var k = shufflings.count - 1
    while k >= 0, let old = shufflings[k] {
      if old.epoch + 5 < epoch {
        shufflings[k] = nil
        if let next = shufflings[k + 1]?.topics.first { topics.drop(before: next) }
      }
      k -= 1
    }
  }

  /// One mesh for each committee: the nodes that are subscribed to its subnet for long, and those
  /// of its aggregators, who join for the slot.
  private func openTopics(for shuffling: inout Shuffling, _ topics: inout TopicBook) {
    for slot in 0..<settings.slotsPerEpoch {
      for index in 0..<shuffling.committeesPerSlot {
        let subnet = (shuffling.committeesPerSlot * slot + index) % settings.subnets
        let range = shuffling.committee(index, at: slot)
        var isMember = [Bool](repeating: false, count: nodes)
        for node in 0..<nodes where subscribes(node, to: subnet) { isMember[node] = true }
        let absolute = start(of: shuffling.epoch) + UInt32(slot)
        for p in range
        where isAggregator(Int(shuffling.order[p]), at: absolute, committee: range.count) {
          isMember[Int(owner[Int(shuffling.order[p])])] = true
        }
        var list = (0..<nodes).filter { isMember[$0] }.map { UInt32($0) }
        if list.isEmpty { list = [UInt32(subnet % nodes)] }
        let salt = shuffling.seed.hashed(
          with: UInt64(absolute) | UInt64(index) << 32, count: 8)
        shuffling.topics.append(topics.open(list, salt: salt.a))
      }
    }
  }

  /// `compute_subscribed_subnets`: a node's subnets follow one another.
  func subscribes(_ node: Int, to subnet: Int) -> Bool {
    let first = Int(firstSubnets[node])
    return (subnet + settings.subnets - first) % settings.subnets < settings.subnetsPerNode
  }

  /// `is_aggregator`, with the validator's secret in place of its signature over the slot.
  func isAggregator(_ validator: Int, at slot: UInt32, committee: Int) -> Bool {
    let modulo = max(1, committee / settings.targetAggregators)
    if modulo == 1 { return true }
    let proof = Hash256(seed, 2).hashed(with: UInt64(validator) | UInt64(slot) << 32, count: 8)
    return proof.leading % UInt64(modulo) == 0
  }

  /// The RANDAO reveal of a validator: its signature over the epoch.
  func reveal(of validator: UInt32, in epoch: UInt32) -> Hash256 {
    Hash256(seed, 3).hashed(with: UInt64(validator) | UInt64(epoch) << 32, count: 8)
  }
}

// MARK: - States

extension GasperContent {
  /// The state after `block`, if it is kept.
  public func state(of block: BlockID) -> BeaconState? {
    let k = Int(block.index) - stateBase
    return k >= 0 && k < states.count ? states[k] : nil
  }

  /// The state on which a block of `slot` after `parent` is processed.
  mutating func state(
    before slot: UInt32, on parent: BlockID, _ blocks: BlockArena, _ topics: inout TopicBook
  ) -> BeaconState? {
    guard blocks[parent].slot < UInt64(start(of: epoch(of: slot))) else {
      return state(of: parent)
    }
    return context(of: epoch(of: slot), on: parent, blocks, &topics).map { contexts[$0].state }
  }

  /// `process_block`.
  private mutating func process(
    _ block: BlockID, at slot: UInt32, _ state: inout BeaconState, _ blocks: BlockArena
  ) {
    let body = body(of: block)
    let proposer = Int(body.proposer)
    state.begin(block: block, at: slot, reveal: body.reveal, settings)
    for k in body.firstEvidence..<body.firstEvidence + body.evidenceCount {
      let validator = Int(evidence[Int(partEvidence[k])].validator)
      if state.isSlashable(validator, in: epoch(of: slot)) {
        state.slash(validator, by: proposer, settings)
      }
    }
    var numerator: UInt64 = 0
    for k in body.firstPart..<body.firstPart + body.partCount {
      let part = parts[k]
      let data = votes[Int(part.vote)].data
      list(part)
      numerator += state.process(
        IncludedVote(
          data: data, validators: members,
          rootAtSlot: ancestor(of: blocks[block].parent, at: data.slot, blocks)),
        settings)
    }
    for k in body.firstOperation..<body.firstOperation + body.operationCount {
      let validator = Int(partOperations[k] >> 1)
      if partOperations[k] & 1 == 0 {
        state.deposit(validator)
      } else if state.mayLeave(validator, in: epoch(of: slot), settings.rewards) {
        state.initiateExit(of: validator, at: epoch(of: slot), settings)
      }
    }
    state.reward(proposer, numerator)
  }

  /// Lists the validators whose votes a part of a block holds, in `members`.
  mutating func list(_ part: Part) {
    members.removeAll(keepingCapacity: true)
    let data = votes[Int(part.vote)].data
    guard let shuffling = shufflings[Int(data.shuffling)] else { return }
    let first = committee(of: part.vote, part.committee).lowerBound
    for w in 0..<words {
      var bits = partWords[part.firstWord + w]
      while bits != 0 {
        members.append(shuffling.order[first + w * 64 + bits.trailingZeroBitCount])
        bits &= bits - 1
      }
    }
  }

  /// Gives the body under construction to `block`, and computes what follows from it.
  mutating func seal(_ block: BlockID, _ blocks: BlockArena, _ topics: inout TopicBook) {
    let slot = Int(blocks[block].slot)
    while blockOfSlot.count <= slot { blockOfSlot.append(.none) }
    opened.olderInSlot = blockOfSlot[slot]
    blockOfSlot[slot] = block
    bodies.append(opened)
    opened = Body()
    precondition(bodies.endIndex == Int(block.index) + 1, "a block without a body")
    guard
      var state = state(before: UInt32(slot), on: blocks[block].parent, blocks, &topics)
    else { preconditionFailure("a block on a chain without a state") }
    if var old = spareStates.popLast() { state.reuse(&old) }
    process(block, at: UInt32(slot), &state, blocks)
    while states.count < Int(block.index) - stateBase { states.append(nil) }
    states.append(state)
    var body = bodies[Int(block.index)]
    body.realized = state.finality
    body.unrealized = state.justified(at: epoch(of: UInt32(slot)), settings)
    bodies[Int(block.index)] = body
    noteWeights(at: body.realized.currentJustified, blocks, &topics)
    noteWeights(at: body.unrealized.currentJustified, blocks, &topics)
    forgetStates(before: UInt32(slot), blocks)
  }

  /// Keeps the states of two epochs, and those of blocks that nobody has built on: some node's
  /// chain may end there.
  private mutating func forgetStates(before slot: UInt32, _ blocks: BlockArena) {
    let window = UInt64(2 * settings.slotsPerEpoch)
    while statePruned < states.count,
      blocks[BlockID(index: UInt32(stateBase + statePruned))].slot + window < UInt64(slot)
    {
      let block = BlockID(index: UInt32(stateBase + statePruned))
      if blocks.newestChild(of: block) != .none {
        if spareStates.count < 2, let old = states[statePruned] { spareStates.append(old) }
        states[statePruned] = nil
      }
      statePruned += 1
    }
  }

  /// Takes down the fork-choice weights at a checkpoint that has just been justified.
  private mutating func noteWeights(
    at checkpoint: Checkpoint, _ blocks: BlockArena, _ topics: inout TopicBook
  ) {
    guard !weights.contains(where: { $0.checkpoint == checkpoint }) else { return }
    let start = UInt64(start(of: checkpoint.epoch))
    let kept =
      blocks[checkpoint.root].slot < start
      ? context(of: checkpoint.epoch, on: checkpoint.root, blocks, &topics).map {
        contexts[$0].state
      } : state(of: checkpoint.root)
    guard let state = kept else { return }
    if weights.count >= 24 { weights.removeFirst(8) }
    weights.append(
      Weights(
        checkpoint: checkpoint,
        weights: state.effective.indices.map {
          state.isActive($0, in: checkpoint.epoch) && !state.slashed[$0] ? state.effective[$0] : 0
        }, perSlot: state.totalActive / UInt64(settings.slotsPerEpoch)))
  }

  /// Fork-choice weights at a justified checkpoint, as an index into `weights`; at the nearest one
  /// before it, if it is so old that its own are gone.
  func weights(at checkpoint: Checkpoint) -> Int {
    weights.lastIndex { $0.checkpoint == checkpoint }
      ?? weights.lastIndex { $0.checkpoint.epoch <= checkpoint.epoch } ?? 0
  }

  public mutating func drop(before block: BlockID, _ blocks: BlockArena) {
    let index = Int(block.index)
    guard index > stateBase else { return }
    states.removeFirst(min(index - stateBase, states.count))
    statePruned = max(statePruned - (index - stateBase), 0)
    stateBase = index
    let body = bodies[index]
    bodies.dropFirst(before: index)
    parts.dropFirst(before: body.firstPart)
    if body.firstPart < parts.endIndex {
      partWords.dropFirst(before: parts[body.firstPart].firstWord)
    }
    partEvidence.dropFirst(before: body.firstEvidence)
    partOperations.dropFirst(before: body.firstOperation)
  }
}
