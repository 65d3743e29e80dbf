import Consensus
import Kernel
import Ledger
import Machines

/// Sizes of messages from their fields, and what they cost the processor.
extension PBFT {
  /// Of a message to all replicas.
  var authenticator: Int {
    switch settings.authentication {
    case .signatures: settings.sizes.signature
    case .macs: settings.sizes.mac * committee.n
    }
  }

  /// Of a message to one replica.
  var authentication: Int {
    switch settings.authentication {
    case .signatures: settings.sizes.signature
    case .macs: settings.sizes.mac
    }
  }

  /// A prepare, commit or checkpoint message, or a pre-prepare without its batch.
  var voteBytes: Int { settings.sizes.header + settings.sizes.digest + authenticator }

  // What these look up may stand in the effects of a protocol that runs PBFT inside itself.

  func bytes<P: ConsensusProtocol>(
    ofContent batch: BatchHandle, _ effects: borrowing Effects<P>
  ) -> Int where P.Body == Body {
    guard batch != .none, effects.batches.contains(batch) else { return 0 }
    let content = effects.batches[batch]
    return content.bytes + content.transactions * settings.sizes.request
  }

  func bytes(of change: ViewChange) -> Int {
    var total = settings.sizes.header + settings.sizes.signature + settings.sizes.digest
    total += change.checkpoints * voteBytes
    for certificate in change.prepared { total += (1 + Int(certificate.prepares)) * voteBytes }
    return total
  }

  func bytes(of state: ReplicatedState) -> Int {
    settings.sizes.stateFixed + settings.sizes.statePerTransaction * state.transactions
  }

  public func bytes(of message: Message, _ effects: borrowing Effects<Self>) -> Int {
    bytes(of: message, in: effects)
  }

  func bytes<P: ConsensusProtocol>(
    of message: Message, in effects: borrowing Effects<P>
  ) -> Int where P.Body == Body {
    let sizes = settings.sizes
    switch message {
    case .prePrepare(_, _, _, let batch): return voteBytes + bytes(ofContent: batch, effects)
    case .prepare, .commit, .checkpoint: return voteBytes
    case .viewChange(_, let body): return bytes(ofBody: body, effects)
    case .newView(_, let body): return bytes(ofBody: body, effects)
    case .status: return sizes.header + 4 * sizes.number + authenticator
    case .fetchBatch, .fetchState: return sizes.header + sizes.digest + authentication
    case .batch(_, let batch):
      return sizes.header + authentication + bytes(ofContent: batch, effects)
    case .decided(_, _, let batch, let isWhole):
      return sizes.header + sizes.digest + authentication
        + (isWhole ? bytes(ofContent: batch, effects) : 0)
    case .state(_, let body):
      return sizes.header + authentication + bytes(ofBody: body, effects)
    }
  }

  private func bytes<P: ConsensusProtocol>(
    ofBody handle: BodyHandle, _ effects: borrowing Effects<P>
  ) -> Int where P.Body == Body {
    switch effects.body(handle) {
    case .viewChange(let change): return bytes(of: change)
    case .newView(let newView):
      var total = settings.sizes.header + settings.sizes.signature
      total += newView.proposals.count * voteBytes
      for change in newView.changes { total += bytes(ofBody: change.body, effects) }
      return total
    case .state(let state): return bytes(of: state)
    }
  }

  public var retainedSlots: Int { 2 * settings.window }
}

extension PBFT {
  /// Checking that a message comes from whom it names.
  var verifying: SimDuration {
    switch settings.authentication {
    case .signatures: settings.costs.verify
    case .macs: settings.costs.mac
    }
  }

  /// Authenticating a message to one other.
  var authenticating: SimDuration {
    switch settings.authentication {
    case .signatures: settings.costs.sign
    case .macs: settings.costs.mac
    }
  }

  /// Authenticating a message to all replicas, once for all its copies.
  var authenticatingForAll: SimDuration {
    switch settings.authentication {
    case .signatures: settings.costs.sign
    case .macs: settings.costs.mac * Int64(committee.n - 1)
    }
  }

  public mutating func work(
    upon message: Message, bytes: Int, _ effects: borrowing Effects<Self>
  ) -> Work {
    work(upon: message, bytes: bytes, in: effects)
  }

  mutating func work<P: ConsensusProtocol>(
    upon message: Message, bytes: Int, in effects: borrowing Effects<P>
  ) -> Work where P.Body == Body {
    let costs = settings.costs
    switch message {
    case .prepare(let v, let n, _):
      let isLate = settings.skipsLateVotes && verified.countPrepare(v, n) >= quorum
      return Work(
        verification: isLate ? .zero : verifying, handling: costs.handling(bytes: bytes))
    case .commit(let v, let n, _):
      let isLate = settings.skipsLateVotes && verified.countCommit(v, n) >= quorum
      return Work(
        verification: isLate ? .zero : verifying, handling: costs.handling(bytes: bytes))
    case .prePrepare(_, _, _, let batch), .batch(_, let batch), .decided(_, _, let batch, true):
      return workUponContent(batch, bytes: bytes, effects)
    case .checkpoint, .status, .fetchBatch, .fetchState, .decided:
      return Work(verification: verifying, handling: costs.handling(bytes: bytes))
    case .viewChange(_, let body):
      guard case .viewChange(let change) = effects.body(body) else { return .none }
      var votes = change.checkpoints
      for certificate in change.prepared { votes += 1 + Int(certificate.prepares) }
      return Work(
        verification: costs.verify + verifying * Int64(votes),
        handling: costs.handling(bytes: bytes))
    case .newView(_, let body):
      guard case .newView(let newView) = effects.body(body) else { return .none }
      return Work(
        verification: costs.verify * Int64(1 + newView.changes.count)
          + verifying * Int64(newView.proposals.count),
        handling: costs.handling(bytes: bytes))
    case .state:
      return Work(
        verification: verifying + costs.hashing(bytes), handling: costs.handling(bytes: bytes))
    }
  }

  /// The batch is hashed, and its requests are authenticated.
  private func workUponContent<P: ConsensusProtocol>(
    _ batch: BatchHandle, bytes: Int, _ effects: borrowing Effects<P>
  ) -> Work where P.Body == Body {
    guard batch != .none, effects.batches.contains(batch) else {
      return Work(verification: verifying, handling: settings.costs.handling(bytes: bytes))
    }
    let content = effects.batches[batch]
    let requests = settings.verifiesRequests ? content.transactions : 0
    return Work(
      verification: verifying * Int64(1 + requests) + settings.costs.hashing(content.bytes),
      handling: settings.costs.handling(bytes: bytes, requests: content.transactions))
  }

  public func work(uponRequests count: Int, bytes: Int) -> Work {
    Work(
      verification: settings.verifiesRequests ? verifying * Int64(count) : .zero,
      handling: settings.costs.handling(bytes: bytes, requests: count))
  }
}

/// Votes that the verifiers of a replica have seen, ahead of its lane: by arrival alone, whatever
/// the lane has handled.
struct VerifiedVotes: Sendable {
  private struct Count: Sendable, BitwiseCopyable {
    var view = View(0)
    var slot = Slot(0)
    // This replica's own votes are there from the start.
    var prepares: UInt16 = 1
    var commits: UInt16 = 1
  }

  private var counts: [Count]

  init(window: Int) { counts = Array(repeating: Count(), count: window) }

  /// Votes for `n` in `v` so far, the replica's own among them; for a prepare, with the primary's
  /// pre-prepare.
  mutating func countPrepare(_ v: View, _ n: Slot) -> Int {
    let k = place(v, n)
    counts[k].prepares += 1
    return Int(counts[k].prepares)
  }

  mutating func countCommit(_ v: View, _ n: Slot) -> Int {
    let k = place(v, n)
    counts[k].commits += 1
    return Int(counts[k].commits)
  }

  private mutating func place(_ v: View, _ n: Slot) -> Int {
    let k = Int(n.number) % counts.count
    if counts[k].slot != n || counts[k].view != v { counts[k] = Count(view: v, slot: n) }
    return k
  }
}
