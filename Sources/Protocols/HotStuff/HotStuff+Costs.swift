import Consensus
import Kernel
import Ledger
import Machines

/// Sizes of messages from their fields, and what they cost the processor.
extension ChainedHotStuff {
  /// A quorum certificate: which block and view, and who voted.
  var certificateBytes: Int {
    let sizes = settings.sizes
    let fixed = sizes.digest + sizes.number
    switch settings.certificates {
    case .list: return fixed + quorum * (sizes.signature + sizes.signer)
    case .aggregate: return fixed + sizes.signature + (committee.n + 7) / 8
    }
  }

  /// A timeout certificate: each timeout names the view of a certificate, so that signatures differ
  /// and are listed.
  var timeoutCertificateBytes: Int {
    let sizes = settings.sizes
    return sizes.number + quorum * (sizes.signature + sizes.signer + sizes.number)
  }

  /// What a promise takes on the disk: two views and two certificates.
  var votingBytes: Int { 2 * settings.sizes.number + 2 * certificateBytes }

  /// A block of this content, signed by its leader.
  @inline(__always)
  func proposalBytes(_ batch: BatchHandle, _ effects: borrowing Effects<Self>) -> Int {
    settings.sizes.header + certificateBytes + settings.sizes.signature
      + contentBytes(batch, effects)
  }

  @inline(__always)
  private func contentBytes(_ batch: BatchHandle, _ effects: borrowing Effects<Self>) -> Int {
    guard batch != .none, effects.batches.contains(batch) else { return 0 }
    if settings.dissemination != .none {
      return effects.batches.partCount(of: batch) * settings.sizes.digest
    }
    return batchBytes(batch, effects)
  }

  @inline(__always)
  private func batchBytes(_ batch: BatchHandle, _ effects: borrowing Effects<Self>) -> Int {
    guard effects.batches.contains(batch) else { return 0 }
    let content = effects.batches[batch]
    return content.bytes + content.transactions * settings.sizes.request
  }

  func bytes(of state: ReplicatedState) -> Int {
    settings.sizes.stateFixed + settings.sizes.statePerTransaction * state.transactions
  }

  @inline(__always)
  public func bytes(of message: Message, _ effects: borrowing Effects<Self>) -> Int {
    let sizes = settings.sizes
    switch message {
    case .proposal(_, _, _, let batch, _), .block(_, _, _, let batch, _):
      return proposalBytes(batch, effects)
    case .proposalAfterTimeout(_, let batch, _):
      return proposalBytes(batch, effects) + timeoutCertificateBytes
    case .vote: return sizes.header + sizes.digest + sizes.signature
    case .newView, .timeout: return sizes.header + certificateBytes + sizes.signature
    case .timeoutCertificate: return sizes.header + timeoutCertificateBytes + certificateBytes
    case .certificate: return sizes.header + certificateBytes
    case .standing: return sizes.header + certificateBytes + sizes.signature
    case .fetchProposal, .fetchCheckpoints, .inquire: return sizes.header
    case .fetchBlocks: return sizes.header + sizes.number + sizes.digest
    case .fetchState: return sizes.header + sizes.number
    case .batch(_, let batch): return sizes.header + sizes.number + batchBytes(batch, effects)
    case .fetched(let batch): return sizes.header + batchBytes(batch, effects)
    case .acknowledge: return sizes.header + sizes.number + sizes.digest
    case .fetchBatch: return sizes.header + sizes.digest
    case .checkpoint: return sizes.header + sizes.number + sizes.digest + sizes.signature
    case .state(_, let body):
      guard case .state(let snapshot) = effects.body(body) else { return sizes.header }
      return sizes.header + certificateBytes + bytes(of: snapshot.state)
    }
  }
}

extension ChainedHotStuff {
  /// Checking the signatures of a certificate; the genesis block has none.
  @inline(__always)
  private func verifying(_ view: View) -> SimDuration {
    guard view > View(0) else { return .zero }
    switch settings.certificates {
    case .list: return settings.costs.verify * Int64(quorum)
    case .aggregate: return settings.costs.verify
    }
  }

  public mutating func work(
    upon message: Message, bytes: Int, _ effects: borrowing Effects<Self>
  ) -> Work {
    let costs = settings.costs
    var verification = SimDuration.zero
    var requests = 0
    switch message {
    case .vote(let v, _): verification = isLate(v) ? .zero : costs.verify
    case .proposal(_, let w, _, let batch, _), .block(_, let w, _, let batch, _):
      (verification, requests) = workOfContent(batch, effects)
      verification += costs.verify + verifying(w)
    case .proposalAfterTimeout(_, let batch, let body):
      (verification, requests) = workOfContent(batch, effects)
      verification += costs.verify * Int64(1 + quorum)
      if case .justification(let qc, _) = effects.body(body) { verification += verifying(qc.view) }
    case .newView(_, _, let w, _), .timeout(_, _, let w, _), .standing(_, _, let w, _):
      verification = costs.verify + verifying(w)
    case .timeoutCertificate(_, _, let w, _, _):
      verification = costs.verify * Int64(quorum) + verifying(w)
    case .certificate(_, let w, _): verification = verifying(w)
    case .batch(_, let batch), .fetched(let batch):
      if effects.batches.contains(batch) {
        requests = effects.batches[batch].transactions
        verification = costs.hashing(bytes) + checking(requests)
      }
    case .checkpoint: verification = costs.verify
    case .state: verification = costs.verify + costs.hashing(bytes)
    case .fetchProposal, .fetchBlocks, .acknowledge, .fetchBatch, .fetchCheckpoints, .fetchState,
      .inquire:
      break
    }
    return Work(
      verification: verification, handling: costs.handling(bytes: bytes, requests: requests))
  }

  @inline(__always)
  private func checking(_ requests: Int) -> SimDuration {
    settings.verifiesRequests ? settings.costs.verify * Int64(requests) : .zero
  }

  /// Hashing what a block carries and checking its requests; and how many there are.
  @inline(__always)
  private func workOfContent(
    _ batch: BatchHandle, _ effects: borrowing Effects<Self>
  ) -> (SimDuration, Int) {
    let hashing = settings.costs.hashing(contentBytes(batch, effects))
    guard settings.dissemination == .none, batch != .none, effects.batches.contains(batch) else {
      return (hashing, 0)
    }
    let requests = effects.batches[batch].transactions
    return (hashing + checking(requests), requests)
  }

  /// Whether as many votes of `v` have arrived as make a quorum with this replica's own.
  private mutating func isLate(_ v: View) -> Bool {
    guard settings.skipsLateVotes else { return false }
    let k = Int(v.number) % verified.count
    if verified[k].view < v { verified[k] = VerifiedBallot(view: v, count: 0) }
    guard verified[k].view == v else { return true }
    verified[k].count += 1
    return Int(verified[k].count) >= quorum
  }

  public func work(uponRequests count: Int, bytes: Int) -> Work {
    Work(
      verification: checking(count),
      handling: settings.costs.handling(bytes: bytes, requests: count))
  }
}
