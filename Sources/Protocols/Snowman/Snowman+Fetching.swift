import Consensus
import Kernel
import Ledger
import Machines

/// Blocks that a replica heard of and lacks: one, a chain to it, or the state of others.
extension Snowman {
  struct Fetch: Sendable, BitwiseCopyable {
    var digest: Digest
    var peer: ReplicaID
    /// The whole chain was asked for, and how many blocks of it have come.
    var isDeep = false
    var received = 0
    var tries = 0
  }

  /// A state of another replica, which is taken over once polls say that its block was accepted.
  struct Candidate: Sendable, BitwiseCopyable {
    var body: BodyHandle
    var height: Slot
    var digest: Digest
    var confidence = 0
    var failures = 0
  }

  /// Blocks that one request brings.
  static var blocksPerRequest: Int { 32 }
  /// Replicas asked for a block, one after the other, before it is given up.
  static var triesPerBlock: Int { 4 }
  /// Blocks asked for at a time.
  static var fetchesAtOnce: Int { 32 }

  /// Undecided here, or accepted and still kept.
  func knows(_ d: Digest) -> Bool {
    if d == Digest(0) || indexInTree(d) != nil { return true }
    var h = tree[0].height
    while h > accepted.low {
      if accepted[h].digest == d { return true }
      h = Slot(h.number - 1)
    }
    return false
  }

  func block(_ d: Digest) -> SnowmanBlock? {
    if d == Digest(0) { return nil }
    if let k = indexInTree(d) { return tree[k].block }
    var h = tree[0].height
    while h > accepted.low {
      if accepted[h].digest == d { return accepted[h].block }
      h = Slot(h.number - 1)
    }
    return nil
  }

  mutating func fetch(_ d: Digest, from i: ReplicaID, _ effects: inout Effects<Self>) {
    guard candidate == nil, fetches.count < Self.fetchesAtOnce,
      !fetches.contains(where: { $0.digest == d })
    else { return }
    if fetches.isEmpty { effects.arm(.fetch, after: settings.fetchTimeout) }
    fetches.append(Fetch(digest: d, peer: i))
    effects.send(.get(d), to: i)
  }

  /// A block that was asked for, or one of those that lead to it.
  mutating func receive(
    _ block: SnowmanBlock, from i: ReplicaID, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    guard let f = fetches.firstIndex(where: { $0.peer == i }) else { return }
    guard indexInTree(block.parent) != nil else {
      if knows(block.parent) { return forget(f, &effects) }  // it was rejected here
      let single = fetches.firstIndex { $0.peer == i && !$0.isDeep }
      if let single {
        fetches[single].isDeep = true
        effects.send(
          .getAncestors(fetches[single].digest, above: tree[0].height), to: i)
      }
      return
    }
    guard issue(block, from: i, at: now, &effects),
      let node = tree.last(where: { $0.block == block })
    else { return }
    for f in fetches.indices.reversed() {
      if fetches[f].digest == node.digest {
        forget(f, &effects)
      } else if fetches[f].peer == i, fetches[f].isDeep {
        fetches[f].received += 1
        if fetches[f].received % Self.blocksPerRequest == 0 {
          effects.send(.getAncestors(fetches[f].digest, above: node.height), to: i)
        }
      }
    }
  }

  private mutating func forget(_ f: Int, _ effects: inout Effects<Self>) {
    fetches.remove(at: f)
    hasNews = true
    if fetches.isEmpty { effects.disarm(slot: Timer.fetch.slot) }
  }

  /// Asks others, drawn by lot; gives up what nobody sent.
  mutating func retryFetches(_ effects: inout Effects<Self>) {
    fetches.removeAll { [tree, accepted] fetch in
      fetch.tries + 1 >= Self.triesPerBlock || tree.contains { $0.digest == fetch.digest }
        || accepted.contains(tree[0].height) && accepted[tree[0].height].digest == fetch.digest
    }
    for f in fetches.indices {
      fetches[f].tries += 1
      fetches[f].isDeep = false
      fetches[f].received = 0
      fetches[f].peer = ReplicaID(Int(others[effects.random.range(0..<others.count)]))
      effects.send(.get(fetches[f].digest), to: fetches[f].peer)
    }
    hasNews = true
    if !fetches.isEmpty { effects.arm(.fetch, after: settings.fetchTimeout) }
  }

  /// Sends the chain to block `d`, oldest first; what is no longer kept is part of the state.
  mutating func sendAncestors(
    of d: Digest, above: Slot, to i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard !isBootstrapping, knows(d) else { return }
    if above < accepted.low {
      let body = SnowmanBody(block: tree[0].block, height: tree[0].height, state: state)
      return effects.send(.state(effects.store(body)), to: i)
    }
    var sent = 0
    var h = above.next
    while h <= tree[0].height, sent < Self.blocksPerRequest {
      effects.send(.put(accepted[h].block), to: i)
      if accepted[h].digest == d { return }
      sent += 1
      h = h.next
    }
    guard let end = indexInTree(d) else { return }
    var next = h
    while sent < Self.blocksPerRequest, next <= tree[end].height {
      var k = end
      while tree[k].height > next { k = Int(tree[k].parent) }
      if k > 0 { effects.send(.put(tree[k].block), to: i) }
      sent += 1
      next = next.next
    }
  }

  // MARK: Queries that wait

  mutating func deferQuery(_ query: Query, _ effects: inout Effects<Self>) {
    guard !isBootstrapping else { return fetch(query.wanted, from: query.sender, &effects) }
    fetch(query.wanted, from: query.sender, &effects)
    guard deferred.count < 4 * committee.n else { return }
    deferred.append(query)
  }

  /// Answers the queries whose block has come, or was given up.
  mutating func answerDeferred(_ effects: inout Effects<Self>) {
    var kept = 0
    for k in deferred.indices {
      let query = deferred[k]
      if !knows(query.wanted), fetches.contains(where: { $0.digest == query.wanted }) {
        deferred[kept] = query
        kept += 1
      } else {
        answer(query, &effects)
      }
    }
    deferred.removeLast(deferred.count - kept)
  }

  // MARK: Frontiers and states

  /// While nothing is undecided here, asks one replica what it prefers, so that what this one
  /// missed reaches it.
  mutating func askForFrontier(_ effects: inout Effects<Self>) {
    effects.arm(.gossip, after: settings.gossipInterval)
    guard tree.count == 1 else { return }
    let peer = others[effects.random.range(0..<others.count)]
    effects.send(
      .pullQuery(wanted: tree[0].digest, height: tree[0].height.next, poll: 0),
      to: ReplicaID(Int(peer)))
  }

  /// Alpha of a sample have accepted nothing beyond what is here.
  mutating func noteFrontier(_ p: Int) {
    let reached = tree.map(\.height.number).max() ?? 0
    let level = answersOf(p).count {
      answers[$0].status == .voted && answers[$0].accepted.number <= reached
    }
    if level >= alphaConfidence { isBootstrapping = false }
  }

  /// The state of another replica, of which polls will say whether its block was accepted.
  mutating func consider(_ body: BodyHandle, _ effects: inout Effects<Self>) {
    let fetched = effects.body(body)
    guard candidate == nil, !fetches.isEmpty, fetched.height > tree[0].height else { return }
    candidate = Candidate(
      body: body, height: fetched.height,
      digest: Self.digest(of: fetched.block, state: fetched.state.digest))
    fetches.removeAll(keepingCapacity: true)
    effects.disarm(slot: Timer.fetch.slot)
    for p in polls.indices where polls[p].isOpen {
      polls[p].isOpen = false
      effects.disarm(slot: Timer.poll(UInt8(p)).slot)
    }
    hasNews = true
  }

  mutating func recordCandidate(_ p: Int, _ effects: inout Effects<Self>) {
    guard var known = candidate else { return }
    let support = answersOf(p).count {
      answers[$0].status == .voted && answers[$0].atHeight == known.digest
    }
    if support >= alphaConfidence {
      known.confidence += 1
    } else {
      known.confidence = 0
      known.failures += 1
    }
    candidate = known.failures < settings.beta ? known : nil
    if known.confidence >= settings.beta { takeOver(known, &effects) }
  }

  private mutating func takeOver(_ known: Candidate, _ effects: inout Effects<Self>) {
    let fetched = effects.body(known.body)
    if settings.isDurable {
      effects.write(
        settings.sizes.stateFixed
          + settings.sizes.statePerTransaction * fetched.state.transactions)
    }
    state.assign(fetched.state)
    for k in tree.indices.dropFirst() { giveBack(tree[k].block, effects) }
    mempool.forget(executed: state.executed)
    tree.removeAll(keepingCapacity: true)
    tree.append(
      Node(
        block: fetched.block, digest: known.digest, state: state.digest, height: known.height,
        parent: -1))
    accepted.advance(to: known.height)
    candidate = nil
    hasNews = true
    effects.caughtUp(
      to: known.height, transactions: state.transactions, state: state.digest)
  }
}
