import Consensus
import Kernel
import Ledger
import Machines

/// The four synchronous rounds on a header: propose, echo, pending, accept (§4.2).
extension RapidChain {
  mutating func begin(_ phase: UInt8, of k: UInt32, _ effects: inout Effects<Self>) {
    if phase == 0 { iteration = k }
    self.phase = phase
    guard let a = place(k) else { return }
    switch phase {
    case 0: propose(a, &effects)
    case 1: echo(a, &effects)
    case 2: tellPending(a, &effects)
    case 3: acceptIfProven(a, &effects)
    default: end(a, &effects)
    }
  }

  // MARK: Propose

  /// As leader, proposes its block behind the pending ones, which it proposes again with it.
  private mutating func propose(_ a: Int, _ effects: inout Effects<Self>) {
    guard attempts[a].leader == me, !isRecovering else { return }
    let parent = preferred
    let pieces = attempts[a].pieces.0
    guard pieces.batch != .none || parent.height > tip.height else { return }
    let header = Header(
      iteration: attempts[a].iteration, height: parent.height + 1, batch: pieces.batch,
      root: pieces.root, parent: parent.id)
    var proposal = Proposal(header: header)
    if parent.height > tip.height {
      proposal.pending = path(to: parent)?.reversed() ?? [parent]
      if lock.height > tip.height { proposal.certified = lock }
    }
    let body = effects.store(.proposal(proposal))
    effects.charge(settings.costs.sign)
    effects.broadcast(.propose(k: header.iteration, body))
    note(header, body, a, &effects)
    attempts[a].isTimely = true
    attempts[a].echoes.add(me, for: attempts[a].id)
  }

  /// What a leader builds on: the latest certified header, and pending ones behind it that it can
  /// vouch for.
  private var preferred: Header {
    var best = lock.height > tip.height ? lock : tip
    var id = best.id
    while let next = candidates.last(where: {
      $0.header.parent == id && $0.header.iteration > best.iteration && !$0.isDoubtful
        && hasContent($0.header)
    }) {
      best = next.header
      id = next.id
    }
    return best
  }

  mutating func hear(
    proposal body: BodyHandle, _ k: UInt32, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard let a = place(k), i == attempts[a].leader, i != me,
      case .proposal(let proposal) = effects.body(body), proposal.header.iteration == k,
      isGenuine(proposal.header, effects)
    else { return }
    for header in proposal.pending where isGenuine(header, effects) {
      learn(header)
      want(header, from: i, &effects)
    }
    let isNew = attempts[a].header == nil
    note(proposal.header, body, a, &effects)
    if isNew { attempts[a].isTimely = k > iteration || phase == 0 }
    attempts[a].echoes.add(i, for: proposal.header.id)
    if let certified = proposal.certified { raiseLock(certified) }
    // It may still come before the second round.
    want(proposal.header, from: i, &effects)
  }

  /// Takes a header signed by the leader of its iteration; two that differ expose it.
  mutating func note(
    _ header: Header, _ body: BodyHandle, _ a: Int, _ effects: inout Effects<Self>
  ) {
    let id = header.id
    if attempts[a].header == nil {
      attempts[a].header = header
      attempts[a].id = id
      attempts[a].body = body
    } else if attempts[a].id != id {
      learn(header)
      return expose(a, attempts[a].id, id, &effects)
    }
    learn(header)
    if attempts[a].contradiction != nil { doubt(header.iteration) }
  }

  /// The leader of an iteration signed both.
  mutating func expose(
    _ a: Int, _ first: Digest, _ second: Digest, _ effects: inout Effects<Self>
  ) {
    guard attempts[a].contradiction == nil else { return }
    attempts[a].contradiction = (first, second)
    doubt(attempts[a].iteration)
    if attempts[a].leader != me { effects.accuse(attempts[a].leader) }
  }

  private mutating func doubt(_ k: UInt32) {
    for c in candidates.indices where candidates[c].header.iteration == k {
      candidates[c].isDoubtful = true
    }
  }

  // MARK: Echo

  private mutating func echo(_ a: Int, _ effects: inout Effects<Self>) {
    guard let header = attempts[a].header, attempts[a].isTimely, attempts[a].leader != me else {
      return
    }
    guard !isRecovering, ignoresContradiction || attempts[a].contradiction == nil else { return }
    guard isSafe(header, effects.body(attempts[a].body)) else { return }
    attempts[a].echoes.add(me, for: attempts[a].id)
    effects.charge(settings.costs.sign)
    effects.broadcast(
      .echo(id: attempts[a].id, attempts[a].body, k: attempts[a].iteration))
  }

  private var ignoresContradiction: Bool { settings.weakness.contains(.ignoresEquivocation) }

  mutating func hear(
    echo id: Digest, _ body: BodyHandle, _ k: UInt32, from i: ReplicaID,
    _ effects: inout Effects<Self>
  ) {
    guard let a = place(k), case .proposal(let proposal) = effects.body(body),
      proposal.header.iteration == k, isGenuine(proposal.header, effects)
    else { return }
    // It carries the leader's signed header, so that nobody misses one that a correct member has.
    note(proposal.header, body, a, &effects)
    attempts[a].echoes.add(attempts[a].leader, for: id)
    attempts[a].echoes.add(i, for: id)
  }

  // MARK: Pending

  private mutating func tellPending(_ a: Int, _ effects: inout Effects<Self>) {
    guard let (first, second) = attempts[a].contradiction else { return }
    effects.charge(settings.costs.sign)
    effects.broadcast(.pending(first, second, k: attempts[a].iteration))
  }

  // MARK: Accept

  private mutating func acceptIfProven(_ a: Int, _ effects: inout Effects<Self>) {
    if settings.weakness.contains(.ignoresEquivocation) || attempts[a].contradiction == nil,
      let header = attempts[a].header, attempts[a].echoes.count(for: attempts[a].id) >= quorum
    {
      raiseLock(header)
      attempts[a].isAccepted = true
      attempts[a].accepts.add(me, for: attempts[a].id)
      effects.charge(settings.costs.sign)
      effects.broadcast(
        .accept(id: attempts[a].id, attempts[a].body, k: attempts[a].iteration))
      return accept(header, &effects)
    }
    // A proof binds even where it does not suffice.
    guard let id = attempts[a].echoes.decided(by: quorum) else { return }
    if let proven = candidates.first(where: { $0.id == id }) { raiseLock(proven.header) }
  }

  mutating func hear(
    accept id: Digest, _ body: BodyHandle, _ k: UInt32, from i: ReplicaID,
    _ effects: inout Effects<Self>
  ) {
    guard let a = place(k), case .proposal(let proposal) = effects.body(body),
      proposal.header.iteration == k
    else { return }
    note(proposal.header, body, a, &effects)
    raiseLock(proposal.header)
    attempts[a].accepts.add(i, for: id)
    // One of f + 1 is correct, and has seen no other header.
    guard !attempts[a].isAccepted,
      attempts[a].accepts.count(for: id) >= min(committee.weakQuorum, quorum)
    else { return }
    attempts[a].isAccepted = true
    accept(proposal.header, &effects)
  }

  // MARK: End

  private mutating func end(_ a: Int, _ effects: inout Effects<Self>) {
    if !attempts[a].isAccepted, attempts[a].header != nil || !mempool.isEmpty { failed += 1 }
    if lock.height > max(tip.height, accepted?.height ?? 0) {
      // The next leader may not know what this member would hold against its proposal.
      let next = leader(of: iteration + 1)
      if next != me {
        let body = effects.store(.proposal(Proposal(header: lock)))
        effects.charge(settings.costs.sign)
        effects.send(.certified(id: lock.id, body, k: lock.iteration), to: next)
      }
      want(lock, &effects)
    }
    if accepted != nil { noteBehind(&effects) }
    giveUpBlocks(&effects)
  }

  mutating func learnCertified(_ body: BodyHandle, _ effects: inout Effects<Self>) {
    guard case .proposal(let proposal) = effects.body(body) else { return }
    learn(proposal.header)
    raiseLock(proposal.header)
    want(proposal.header, &effects)
  }
}
