import Consensus
import Kernel
import Ledger
import Machines

/// Headers, which of them are safe to echo, and execution.
extension RapidChain {
  mutating func learn(_ header: Header) {
    let id = header.id
    guard header.height > tip.height, !candidates.contains(where: { $0.id == id }) else { return }
    if candidates.count >= 64 {
      guard let oldest = candidates.firstIndex(where: { $0.header != lock }) else { return }
      candidates.remove(at: oldest)
    }
    // In order of iterations.
    var k = candidates.count
    while k > 0, candidates[k - 1].header.iteration > header.iteration { k -= 1 }
    candidates.insert(Candidate(header: header, id: id), at: k)
  }

  func candidate(_ id: Digest) -> Header? { candidates.first { $0.id == id }?.header }

  /// f + 1 echoes for `header` are there: nothing that goes against it is echoed from now on, until
  /// there are as many for a header of a later iteration.
  mutating func raiseLock(_ header: Header) {
    guard header.iteration > lock.iteration else { return }
    learn(header)
    lock = header
  }

  /// From `header` down to the first behind the tip; nil if one lacks, or it leads elsewhere.
  func path(to header: Header) -> [Header]? {
    var path = [header]
    var last = header
    while last.height > tip.height + 1 {
      guard let before = candidate(last.parent), before.height + 1 == last.height else {
        return nil
      }
      path.append(before)
      last = before
    }
    return last.height == tip.height + 1 && last.parent == tip.id ? path : nil
  }

  /// A proposal is safe if it builds on what is executed and on the latest certified header that
  /// this member knows, or brings the proof of one as late or later; and all blocks are there.
  func isSafe(_ header: Header, _ body: Body) -> Bool {
    guard hasContent(header) else { return false }
    if settings.weakness.contains(.ignoresLock) { return true }
    // Nothing is pending: no path has to be made.
    if header.parent == tip.id, header.height == tip.height + 1 {
      return lock.height <= tip.height || outranks(lock, body)
    }
    guard let path = path(to: header), path.allSatisfy(hasContent) else { return false }
    return lock.height <= tip.height || path.contains(lock) || outranks(lock, body)
  }

  private func outranks(_ lock: Header, _ body: Body) -> Bool {
    guard case .proposal(let proposal) = body, let certified = proposal.certified else {
      return false
    }
    // Two proofs of one iteration: no correct member accepted either, so that both are safe.
    return certified.iteration >= lock.iteration && proposal.pending.contains(certified)
  }

  mutating func accept(_ header: Header, _ effects: inout Effects<Self>) {
    if settings.weakness.contains(.ignoresLock), header.parent != tip.id,
      header.height == tip.height + 1, hasContent(header)
    {
      return execute(header, &effects)
    }
    guard header.height > max(tip.height, accepted?.height ?? 0) else { return }
    accepted = header
    executeAccepted(&effects)
  }

  /// Executes what is accepted, in order, as far as blocks and headers are there.
  mutating func executeAccepted(_ effects: inout Effects<Self>) {
    while let last = accepted {
      guard last.height > tip.height else {
        accepted = nil
        return
      }
      var next = last
      while next.height > tip.height + 1 {
        guard let before = candidate(next.parent) else { return noteBehind(&effects) }
        next = before
      }
      guard next.parent == tip.id else {
        accepted = nil
        return
      }
      guard hasContent(next) else { return want(next, &effects) }
      execute(next, &effects)
    }
  }

  mutating func execute(_ header: Header, _ effects: inout Effects<Self>) {
    tip = header
    var batch = BatchHandle.none
    if header.batch == .none {
      state.executeNull()
    } else if let held = content(of: header.root) {
      batch = held
      let fresh = state.execute(batch, from: effects.batches)
      let ranges = effects.batches.rangeCount(of: batch)
      for r in 0..<ranges { mempool.decided(effects.batches.range(r, of: batch)) }
      effects.charge(
        settings.costs.execution * Int64(fresh) + settings.costs.sign * Int64(ranges))
    }
    history[Int(header.height) % history.count] = header
    contents.removeAll { $0.root == header.root }
    candidates.removeAll { $0.header.height <= header.height }
    effects.decide(
      Effects<Self>.Decision(
        slot: Slot(header.height), batch: batch, state: state.digest,
        transactions: state.transactions))
    if Int(header.height) % snapshotInterval == 0 { keepSnapshot() }
  }

  var snapshotInterval: Int { settings.retained / 2 }

  mutating func keepSnapshot() {
    if snapshots.isEmpty {
      snapshots = Array(
        repeating: Snapshot(tip: .genesis, state: ReplicatedState(populations: 0)), count: 2)
    }
    let k = Int(tip.height) / snapshotInterval % 2
    snapshots[k].tip = tip
    snapshots[k].state.assign(state)
  }
}
