import Consensus
import Kernel
import Ledger
import Machines
import Metrics

// MARK: - What no node will leave

extension BlockchainState {
  /// Settles what all nodes share, deeper than anything a node may still ask for, and drops the
  /// blocks and bundles that nobody needs any more.
  mutating func settle(_ world: inout World) {
    let oldest = BlockID(index: UInt32(effects.blocks.startIndex))
    var shared = nodes[0].template
    for i in nodes.indices {
      shared = effects.blocks.commonAncestor(shared, nodes[i].template)
      shared = effects.blocks.commonAncestor(shared, nodes[i].followed)
      shared = effects.blocks.commonAncestor(shared, protocols[i].head)
      shared = effects.blocks.commonAncestor(shared, nodes[i].confirmed)
      if let needed = protocols[i].oldestNeeded {
        shared = effects.blocks.commonAncestor(shared, needed)
      }
    }
    let height = Int(effects.blocks[shared].height) - settings.retained
    guard height > Int(effects.blocks[oldest].height) else { return }
    let base = effects.blocks.ancestor(of: shared, at: UInt32(height))
    let first = scratch.count
    var walk = base
    while walk != oldest {
      scratch.append(walk)
      walk = effects.blocks[walk].parent
    }
    // From the oldest on, each settled block and the stale ones made between it and the next.
    var next = oldest.index + 1
    while scratch.count > first, let block = scratch.popLast() {
      for stale in next..<max(block.index, next) { forgetStale(BlockID(index: stale)) }
      settle(block, &world)
      next = block.index + 1
    }
    known.drop(before: Int(base.index))
    books.drop(before: base, effects.blocks)
    effects.content.drop(before: base, effects.blocks)
    effects.blocks.drop(before: base)
    if bundles.endIndex > bundles.startIndex {
      knownBundles.drop(before: bundles.dropSettled())
    }
  }

  private mutating func settle(_ block: BlockID, _ world: inout World) {
    books.settle(block, effects.blocks)
    for k in 0..<effects.blocks[block].partCount {
      let part = effects.blocks.part(k, of: block)
      if bundles.settle(part, in: block) != Int(part.range.count) {
        report("double-inclusion", "a transaction is settled twice", &world)
      }
    }
  }

  private mutating func forgetStale(_ block: BlockID) {
    for k in 0..<effects.blocks[block].partCount {
      bundles.forget(effects.blocks.part(k, of: block).bundle, in: block)
    }
  }
}

// MARK: - Faults

extension BlockchainState {
  mutating func crash(_ machine: NodeID) {
    for i in nodes.indices where nodes[i].machine == machine {
      nodes[i].outbox.removeAll()
      nodes[i].uploads.removeAll()
      nodes[i].isUploading = false
      nodes[i].uploadGeneration &+= 1
      nodes[i].lottery &+= 1
      nodes[i].timer &+= 1
    }
  }

  /// Node comes up: it forgets what it had asked for, and asks its peers for their chains. Without
  /// its disk it begins with the settled part of the chain, which it is given, and no mempool.
  mutating func restart(_ machine: NodeID, keepsDisk: Bool, _ world: inout World) {
    for i in nodes.indices where nodes[i].machine == machine {
      forgetRequests(of: i, keepsDisk: keepsDisk)
      nodes[i].syncUntil = .none
      let base = keepsDisk ? nil : BlockID(index: UInt32(effects.blocks.startIndex))
      let local = world.machines.localTime(of: machine, at: world.now)
      swap(&effects.random, &nodes[i].random)
      protocols[i].restart(from: base, at: local, &effects)
      swap(&effects.random, &nodes[i].random)
      follow(protocols[i].head, by: i)
      // Without its disk it begins anew, which is not to give up blocks.
      if !keepsDisk { nodes[i].template = protocols[i].head }
      // Outside, the node is what it was when it stopped, or less.
      outputs.append(adoption(by: i))
      for c in settings.topology.neighbours(of: i).prefix(settings.syncPeers) {
        askForChain(over: c, by: i)
      }
      finish(i, handled: world.now, &world)
    }
  }

  private mutating func forgetRequests(of i: Int, keepsDisk: Bool) {
    let base = effects.blocks.startIndex
    for item in base + 1..<max(effects.blocks.endIndex, base + 1) {
      let state = known.state(item, i)
      if state == .requested || state == .checking || (!keepsDisk && state != .unknown) {
        known.set(.unknown, item, i)
      }
    }
    for item in bundles.startIndex..<bundles.endIndex {
      let state = knownBundles.state(item, i)
      if state == .requested || (!keepsDisk && state != .unknown) {
        knownBundles.set(.unknown, item, i)
      }
    }
    if !keepsDisk {
      nodes[i].waiting = 0
      nodes[i].cursor = 0
    }
  }
}

// MARK: - Results

extension BlockchainState {
  /// Each node's steps are folded in its own order, and the nodes by index: the digest does not
  /// depend on how steps of different nodes interleave in the queue.
  var digest: Outcome.SubsystemDigest {
    var total = RunDigest()
    var steps: UInt64 = 0
    for node in nodes {
      total.fold(node.digest.value)
      steps += node.steps
    }
    return Outcome.SubsystemDigest(subsystem: name, steps: steps, digest: total.value)
  }

  /// The head that most nodes have adopted; among equals the heaviest, then the first made.
  func summary() -> ChainSummary {
    let heads = nodes.map(\.template).sorted()
    var best = heads[0]
    var most = 0
    var start = 0
    for k in heads.indices where k + 1 == heads.count || heads[k + 1] != heads[k] {
      let count = k + 1 - start
      start = k + 1
      let isHeavier = effects.blocks[heads[k]].totalWork > effects.blocks[best].totalWork
      if count > most || (count == most && isHeavier) { (best, most) = (heads[k], count) }
    }
    return ChainSummary(head: best, totals: books.totals(to: best, effects.blocks))
  }

  /// Two chains contest as many blocks as the shorter of them has since they parted.
  var contestedDepth: Int {
    var heads: [BlockID] = []
    for protocolState in protocols where !heads.contains(protocolState.head) {
      heads.append(protocolState.head)
    }
    var deepest = 0
    for (k, a) in heads.enumerated() {
      for b in heads[..<k] {
        let shared = effects.blocks[effects.blocks.commonAncestor(a, b)].height
        let shorter = min(effects.blocks[a].height, effects.blocks[b].height)
        deepest = max(deepest, Int(shorter - shared))
      }
    }
    return deepest
  }

  func report(to outcome: inout Outcome, _ world: borrowing World) {
    outcome.messages += traffic.rows(subsystem: name)
    let summary = self.summary()
    let totals = summary.totals
    let made = Double(books.made)
    let height = Double(totals.blocks)
    func add(_ metric: String, _ unit: String, _ value: Double?) {
      outcome.metrics.append(.init("\(name).\(metric)", unit, value))
    }
    add("blocks_made", "1", made)
    add("chain_height", "1", height)
    add("stale_blocks", "1", Double(totals.stale))
    add("stale_rate", "1", made > 0 ? Double(totals.stale) / made : nil)
    add("forked_heights", "1", height > 0 ? Double(totals.forkedHeights) / height : nil)
    add(
      "block_interval", "s",
      height > 0 ? effects.blocks[summary.head].made.seconds / height : nil)
    add("propagation_half", "s", median(books.timesToHalf))
    add("propagation_most", "s", median(books.timesToMost))
    add("orphans", "1", Double(books.orphans))
    add("requests_repeated", "1", Double(books.requestsRepeated))
    add("duplicate_bytes", "B", Double(books.duplicateBytes))
    add("reversals", "1", Double(books.reversals))
    let depths = books.reorganisations
    add("reorganisations", "1", Double(depths.reduce(0, +)))
    add("deepest_reorganisation", "1", Double(depths.lastIndex { $0 > 0 } ?? 0))
    add("refused_chains", "1", Double(protocols.reduce(0) { $0 + $1.refused }))
    for finding in findings(world) {
      outcome.violations.append(
        Outcome.Violation(
          subsystem: name, monitor: finding.monitor, time: world.now.seconds,
          detail: finding.detail))
    }
    for figure in P.figures(of: protocols) { add(figure.name, figure.unit, figure.value) }
    defer { outcome.metrics += BlockProduction.metrics(of: name, byMaker: totals.byMiner) }
    // What its transactions are parts of is for the executor's subsystem to say.
    guard settings.executor == nil else { return }
    var chain = world.books(of: index, name: name, sizes: settings.transactionSizes)
    chain.evicted = evicted
    chain.waiting = nodes.indices.map { Int(nodes[$0].waiting) }.max() ?? 0
    ChainMeasures(chain, world.measuring).report(to: &outcome)
  }

  /// A node keeps all blocks that it has seen, stale ones too.
  var occupancy: [Occupancy] {
    nodes.map {
      Occupancy(node: $0.machine, processor: $0.processor, stored: books.madeBytes)
    }
  }

  private func median(_ times: [SimDuration]) -> Double? {
    guard !times.isEmpty else { return nil }
    let sorted = times.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1
      ? sorted[middle].seconds : (sorted[middle - 1].seconds + sorted[middle].seconds) / 2
  }
}
