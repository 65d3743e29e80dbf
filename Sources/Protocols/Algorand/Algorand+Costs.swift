import Consensus
import Kernel
import Ledger
import Machines

/// Sizes of messages from their fields, and what they cost the processor.
extension Algorand {
  var voteBytes: Int { settings.sizes.header + settings.sizes.vote }

  func bytes(ofContent batch: BatchHandle, _ effects: borrowing Effects<Self>) -> Int {
    guard batch != .none, effects.batches.contains(batch) else { return 0 }
    return effects.batches[batch].bytes
  }

  func bytes(of state: ReplicatedState) -> Int {
    settings.sizes.stateFixed + settings.sizes.statePerTransaction * state.transactions
  }

  public func bytes(of message: Message, _ effects: borrowing Effects<Self>) -> Int {
    let sizes = settings.sizes
    switch message {
    case .transactions(let range): return sizes.header + effects.sizes.bytes(of: range)
    case .propose, .vote: return voteBytes
    case .payload(let block):
      return sizes.header + sizes.block + bytes(ofContent: block.batch, effects)
    case .status, .fetchBlocks: return sizes.header
    case .bundle(_, let body), .block(_, let body), .state(_, let body):
      switch effects.body(body) {
      case .bundle(let bundle): return sizes.header + bytes(of: bundle)
      case .certified(let block, let bundle):
        return sizes.header + sizes.block + bytes(ofContent: block.batch, effects)
          + bytes(of: bundle)
      case .state(_, let bundle, _, let state):
        return sizes.header + sizes.block + bytes(of: bundle) + bytes(of: state)
      }
    }
  }

  /// An equivocation holds two votes.
  private func bytes(of bundle: Body.Bundle) -> Int {
    bundle.votes.reduce(0) { $0 + settings.sizes.vote * ($1.second == nil ? 1 : 2) }
  }

  public var retainedSlots: Int { settings.window + 2 }

  /// A signature and the credential.
  private var check: SimDuration { settings.costs.verify + settings.checkProof }

  public mutating func work(
    upon message: Message, bytes: Int, _ effects: borrowing Effects<Self>
  ) -> Work {
    let costs = settings.costs
    let handling = costs.handling(bytes: bytes)
    switch message {
    case .transactions(let range): return work(uponRequests: Int(range.count), bytes: bytes)
    case .propose, .vote: return Work(verification: check, handling: handling)
    case .payload(let block): return work(upon: block, bytes, votes: 0, effects)
    case .status, .fetchBlocks: return Work(verification: costs.verify, handling: handling)
    case .bundle(_, let body), .block(_, let body), .state(_, let body):
      switch effects.body(body) {
      case .bundle(let bundle):
        return Work(verification: check * Int64(bundle.votes.count), handling: handling)
      case .certified(let block, let bundle):
        return work(upon: block, bytes, votes: bundle.votes.count, effects)
      case .state(_, let bundle, _, _):
        return Work(
          verification: check * Int64(bundle.votes.count) + costs.hashing(bytes),
          handling: handling)
      }
    }
  }

  /// The block is hashed, its seed proof and its transactions' signatures are checked.
  private func work(
    upon block: Block, _ bytes: Int, votes: Int, _ effects: borrowing Effects<Self>
  ) -> Work {
    let costs = settings.costs
    guard effects.batches.contains(block.batch) else {
      return Work(verification: .zero, handling: costs.handling(bytes: bytes))
    }
    let count = effects.batches[block.batch].transactions
    let requests = settings.verifiesRequests ? costs.verify * Int64(count) : .zero
    return Work(
      verification: check * Int64(votes) + settings.checkProof + requests + costs.hashing(bytes),
      handling: costs.handling(bytes: bytes, requests: count))
  }

  public func work(uponRequests count: Int, bytes: Int) -> Work {
    settings.costs.work(
      uponRequests: count, bytes: bytes, verifies: settings.verifiesRequests)
  }
}

// MARK: - What a faulty proposer sends

extension Algorand {
  public static var hasInvalidProposals: Bool { true }

  /// A credential that is not the account's, and a block that is not what its digest says.
  public func invalidated(_ message: Message, _ effects: inout Effects<Self>) -> Message? {
    switch message {
    case .propose(let d, let priority, let r, let p, let repeats):
      return .propose(d: d, priority: priority / 2, r: r, p: p, repeats: repeats)
    case .payload(let block):
      var wrong = block
      wrong.digest = Digest(~block.digest.value)
      return .payload(wrong)
    case .transactions, .vote, .bundle, .block, .status, .fetchBlocks, .state: return nil
    }
  }
}
