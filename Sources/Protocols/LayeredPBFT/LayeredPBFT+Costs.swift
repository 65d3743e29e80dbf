import Consensus
import Kernel
import Ledger
import Machines

/// Sizes of messages from their fields, and what they cost the processor. What a group says is
/// signed once by all who stand behind it (a threshold signature, as in Steward); a certificate of
/// the top committee lists its groups' signatures.
extension LayeredPBFT {
  private var sizes: PBFT.Sizes { settings.ordering.sizes }

  var voteBytes: Int { sizes.header + sizes.digest + sizes.signature }

  /// What a quorum of groups on top has signed, one by one.
  private var certificateBytes: Int { topQuorum * (sizes.number + sizes.signature) }

  func bytes(ofContent batch: BatchHandle, _ effects: borrowing Effects<Self>) -> Int {
    guard batch != .none, effects.batches.contains(batch) else { return 0 }
    let content = effects.batches[batch]
    return content.bytes + content.transactions * sizes.request
  }

  func bytes(of change: ViewChange) -> Int {
    var total = sizes.header + sizes.signature + sizes.digest
    if change.checkpoints > 0 { total += voteBytes + certificateBytes }
    return total + change.prepared.count * (voteBytes + certificateBytes)
  }

  func bytes(of state: ReplicatedState) -> Int {
    sizes.stateFixed + sizes.statePerTransaction * state.transactions
  }

  public func bytes(of message: Message, _ effects: borrowing Effects<Self>) -> Int {
    switch message {
    case .prePrepare(let s): return voteBytes + bytes(ofContent: s.batch, effects)
    case .prepare, .commit, .checkpoint: return voteBytes
    case .prepared, .decided, .stable: return voteBytes + certificateBytes
    case .leaderChange, .leader: return sizes.header + sizes.number + sizes.signature
    case .viewChange(_, _, _, let body): return bytes(ofBody: body, effects)
    case .left(_, let votes, _):
      return sizes.header + Int(votes) * (sizes.number + sizes.signature)
    case .newView(_, _, let body): return bytes(ofBody: body, effects)
    case .status: return sizes.header + 4 * sizes.number + sizes.signature
    case .fetchBatch, .fetchState: return voteBytes
    case .batch(_, let batch):
      return sizes.header + sizes.signature + bytes(ofContent: batch, effects)
    case .state(_, let body):
      return sizes.header + sizes.signature + bytes(ofBody: body, effects)
    }
  }

  private func bytes(ofBody handle: BodyHandle, _ effects: borrowing Effects<Self>) -> Int {
    switch effects.body(handle) {
    case .viewChange(let change): return bytes(of: change)
    case .newView(let newView):
      var total = sizes.header + sizes.signature + newView.proposals.count * voteBytes
      for change in newView.changes { total += bytes(ofBody: change.body, effects) }
      return total
    case .state(let state): return bytes(of: state)
    }
  }

  public var retainedSlots: Int { 2 * settings.ordering.window }
}

extension LayeredPBFT {
  public mutating func work(
    upon message: Message, bytes: Int, _ effects: borrowing Effects<Self>
  ) -> Work {
    let costs = settings.ordering.costs
    var signatures = 1
    switch message {
    case .prePrepare(let s): return workUponContent(s.batch, bytes: bytes, effects)
    case .batch(_, let batch): return workUponContent(batch, bytes: bytes, effects)
    case .prepare, .commit, .checkpoint, .leaderChange, .leader, .status, .fetchBatch, .fetchState:
      break
    case .prepared, .decided, .stable: signatures = topQuorum
    case .left(_, let votes, _): signatures = Int(votes)
    case .viewChange(_, _, _, let body):
      if case .viewChange(let change) = effects.body(body) { signatures += count(change) }
    case .newView(_, _, let body):
      // What the changes show was checked when they came, or is checked now.
      if case .newView(let newView) = effects.body(body) {
        for received in newView.changes {
          guard case .viewChange(let change) = effects.body(received.body) else { continue }
          signatures += 1 + count(change)
        }
      }
    case .state:
      return Work(
        verification: costs.verify + costs.hashing(bytes), handling: costs.handling(bytes: bytes))
    }
    return Work(
      verification: costs.verify * Int64(signatures), handling: costs.handling(bytes: bytes))
  }

  /// Signatures of groups in a view change.
  private func count(_ change: ViewChange) -> Int {
    (change.prepared.count + (change.checkpoints > 0 ? 1 : 0)) * topQuorum
  }

  /// The batch is hashed, and its requests are authenticated.
  private func workUponContent(
    _ batch: BatchHandle, bytes: Int, _ effects: borrowing Effects<Self>
  ) -> Work {
    let costs = settings.ordering.costs
    guard batch != .none, effects.batches.contains(batch) else {
      return Work(verification: costs.verify, handling: costs.handling(bytes: bytes))
    }
    let content = effects.batches[batch]
    let requests = settings.ordering.verifiesRequests ? content.transactions : 0
    return Work(
      verification: costs.verify * Int64(1 + requests) + costs.hashing(content.bytes),
      handling: costs.handling(bytes: bytes, requests: content.transactions))
  }

  public func work(uponRequests count: Int, bytes: Int) -> Work {
    settings.ordering.costs.work(
      uponRequests: count, bytes: bytes, verifies: settings.ordering.verifiesRequests)
  }
}

// MARK: - Proposals that must be refused

extension LayeredPBFT {
  public static var hasInvalidProposals: Bool { true }

  /// A pre-prepare whose digest is not its batch's.
  public func invalidated(_ message: Message, _ effects: inout Effects<Self>) -> Message? {
    guard case .prePrepare(var s) = message, s.batch != .none else { return nil }
    s.d = s.d.followed(by: s.d)
    return .prePrepare(s)
  }
}
