import Consensus
import Kernel
import Ledger
import Machines

/// Sizes of messages from their fields, and what they cost the processor.
extension Istanbul {
  /// A signed statement on a digest.
  var voteBytes: Int {
    settings.sizes.header + settings.sizes.digest + settings.sizes.signature
  }

  func bytes(ofContent batch: BatchHandle, _ effects: borrowing Effects<Self>) -> Int {
    guard batch != .none, effects.batches.contains(batch) else { return 0 }
    return effects.batches[batch].bytes
  }

  /// A block without seals.
  func bytes(ofUnsealed block: Block, _ effects: borrowing Effects<Self>) -> Int {
    settings.sizes.block + settings.sizes.validator * committee.n
      + bytes(ofContent: block.batch, effects)
  }

  /// A decided block.
  func bytes(ofBlock block: Block, _ effects: borrowing Effects<Self>) -> Int {
    bytes(ofUnsealed: block, effects) + quorum * settings.sizes.signature
  }

  /// The signed part of a round change and its prepares, with the block that they prepared.
  func bytes(of change: Body.RoundChange, _ effects: borrowing Effects<Self>) -> Int {
    var total = voteBytes + change.prepares * voteBytes
    if let block = change.prepared { total += bytes(ofUnsealed: block, effects) }
    return total
  }

  func bytes(of state: ReplicatedState) -> Int {
    settings.sizes.stateFixed + settings.sizes.statePerTransaction * state.transactions
  }

  public func bytes(of message: Message, _ effects: borrowing Effects<Self>) -> Int {
    let sizes = settings.sizes
    switch message {
    case .transactions(let range): return sizes.header + effects.sizes.bytes(of: range)
    case .prePrepare(let block, _): return voteBytes + bytes(ofUnsealed: block, effects)
    case .prepare: return voteBytes
    case .commit: return voteBytes + sizes.signature
    case .block(let block): return sizes.header + bytes(ofBlock: block, effects)
    case .status, .fetchBlocks: return sizes.header
    case .justified(_, _, let body), .roundChange(_, _, let body), .state(_, let body):
      return bytes(ofBody: body, effects)
    }
  }

  private func bytes(ofBody handle: BodyHandle, _ effects: borrowing Effects<Self>) -> Int {
    switch effects.body(handle) {
    case .roundChange(let change): return bytes(of: change, effects)
    case .proposal(let proposal):
      return voteBytes + bytes(ofUnsealed: proposal.block, effects)
        + proposal.changes.count * voteBytes + votes(in: proposal, effects) * voteBytes
    case .state(let block, let state):
      return settings.sizes.header + bytes(ofBlock: block, effects) + bytes(of: state)
    }
  }

  /// Prepares that a justified proposal carries.
  private func votes(in proposal: Body.Proposal, _ effects: borrowing Effects<Self>) -> Int {
    guard Rules.carriesAllCertificates else { return proposal.prepares }
    var total = 0
    for received in proposal.changes {
      guard case .roundChange(let change) = effects.body(received.body) else { continue }
      total += change.prepares
    }
    return total
  }

  public var retainedSlots: Int { settings.window + 2 }
}

extension Istanbul {
  public mutating func work(
    upon message: Message, bytes: Int, _ effects: borrowing Effects<Self>
  ) -> Work {
    let costs = settings.costs
    var signatures = 1
    switch message {
    case .transactions(let range):
      return work(uponRequests: Int(range.count), bytes: bytes)
    case .prePrepare(let block, _): return work(upon: block, signatures: 1, bytes, effects)
    case .block(let block): return work(upon: block, signatures: quorum, bytes, effects)
    case .prepare, .status, .fetchBlocks: break
    case .commit: signatures = 2
    case .roundChange(_, _, let body):
      guard case .roundChange(let change) = effects.body(body) else { return .none }
      signatures += change.prepares
    case .justified(_, _, let body):
      guard case .proposal(let proposal) = effects.body(body) else { return .none }
      signatures += proposal.changes.count + votes(in: proposal, effects)
      return work(upon: proposal.block, signatures: signatures, bytes, effects)
    case .state:
      return Work(
        verification: costs.verify * Int64(quorum) + costs.hashing(bytes),
        handling: costs.handling(bytes: bytes))
    }
    return Work(
      verification: costs.verify * Int64(signatures), handling: costs.handling(bytes: bytes))
  }

  /// The block is hashed, and its transactions' signatures are checked.
  private func work(
    upon block: Block, signatures: Int, _ bytes: Int, _ effects: borrowing Effects<Self>
  ) -> Work {
    let costs = settings.costs
    guard block.batch != .none, effects.batches.contains(block.batch) else {
      return Work(
        verification: costs.verify * Int64(signatures), handling: costs.handling(bytes: bytes))
    }
    let content = effects.batches[block.batch]
    let requests = settings.verifiesRequests ? content.transactions : 0
    return Work(
      verification: costs.verify * Int64(signatures + requests) + costs.hashing(content.bytes),
      handling: costs.handling(bytes: bytes, requests: content.transactions))
  }

  public func work(uponRequests count: Int, bytes: Int) -> Work {
    settings.costs.work(
      uponRequests: count, bytes: bytes, verifies: settings.verifiesRequests)
  }
}

// MARK: - What a faulty proposer sends

extension Istanbul {
  public static var hasInvalidProposals: Bool { true }

  /// A block that is not what its digest says; of a later round, without a quorum of round changes.
  public func invalidated(_ message: Message, _ effects: inout Effects<Self>) -> Message? {
    switch message {
    case .prePrepare(let block, let r):
      var wrong = block
      wrong.digest = Digest(~block.digest.value)
      return .prePrepare(wrong, r: r)
    case .justified(let h, let r, let body):
      guard case .proposal(var proposal) = effects.body(body) else { return nil }
      proposal.changes.removeLast(min(proposal.changes.count, committee.n - committee.f))
      return .justified(h: h, r: r, effects.store(.proposal(proposal)))
    case .transactions, .prepare, .commit, .roundChange, .block, .status, .fetchBlocks, .state:
      return nil
    }
  }
}
