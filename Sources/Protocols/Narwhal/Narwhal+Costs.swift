import Consensus
import Kernel
import Ledger
import Machines

/// Sizes of messages from their fields, and what they cost the processor.
extension Narwhal {
  var voteBytes: Int {
    let sizes = settings.sizes
    return sizes.header + sizes.number + 2 * sizes.key + sizes.digest + sizes.signature
  }

  @inline(__always)
  func bytes(ofContent batch: BatchHandle, _ effects: borrowing Effects<Self>) -> Int {
    guard effects.batches.contains(batch) else { return 0 }
    let content = effects.batches[batch]
    return content.bytes + content.transactions * settings.sizes.request
  }

  /// A header by itself: its digest, author, round, signature, and what it lists.
  @inline(__always)
  func bytes(of header: DagHeader) -> Int {
    let sizes = settings.sizes
    return sizes.header + sizes.key + sizes.number + sizes.digest + sizes.signature
      + header.parents.count * sizes.digest
      + header.payload.batches * (sizes.digest + sizes.number)
  }

  @inline(__always)
  func bytes(of certificate: DagCertificate, _ effects: borrowing Effects<Self>) -> Int {
    bytes(of: header(certificate.body, effects))
      + Int(certificate.votes) * (settings.sizes.key + settings.sizes.signature)
  }

  func bytes(of snapshot: DagSnapshot) -> Int {
    settings.sizes.stateFixed + settings.sizes.statePerTransaction * snapshot.state.transactions
      + snapshot.ordered.count * (n + 7) / 8
  }

  @inline(__always)
  public func bytes(of message: NarwhalMessage, _ effects: borrowing Effects<Self>) -> Int {
    let sizes = settings.sizes
    switch message {
    case .batch(_, let batch): return sizes.header + bytes(ofContent: batch, effects)
    case .stored, .available, .executed: return sizes.header + sizes.digest
    case .header(_, _, let body): return bytes(of: header(body, effects))
    case .vote: return voteBytes
    case .certificate(let certificate): return bytes(of: certificate, effects)
    case .fetchCertificate, .fetchBatch: return sizes.header + sizes.digest
    case .fetchRounds, .position: return sizes.header + 2 * sizes.number + sizes.signature
    case .fetchPosition, .fetchCheckpoint: return sizes.header + sizes.signature
    case .checkpoint, .fetchState:
      return sizes.header + sizes.number + sizes.digest + sizes.signature
    case .state(_, let body):
      guard let snapshot = effects.body(body).snapshot else { return sizes.header }
      return sizes.header + sizes.signature + bytes(of: snapshot)
    }
  }

  @inline(__always)
  public func work(
    upon message: NarwhalMessage, bytes: Int, _ effects: borrowing Effects<Self>
  ) -> Work {
    let costs = settings.costs
    switch message {
    case .batch(_, let batch):
      guard effects.batches.contains(batch) else { return .none }
      let content = effects.batches[batch]
      return Work(
        verification: costs.hashing(content.bytes), handling: costs.handling(bytes: bytes))
    case .header:
      return Work(
        verification: costs.verify + costs.hashing(bytes) + settings.storeWork,
        handling: costs.handling(bytes: bytes))
    case .certificate(let certificate):
      let votes = Double(certificate.votes) * settings.batchVerification
      let each = Double(costs.verify.nanoseconds)
      return Work(
        verification: costs.verify + costs.hashing(bytes) + settings.storeWork
          + .nanoseconds(Int64(each * votes + 0.5)),
        handling: costs.handling(bytes: bytes))
    case .vote, .position, .checkpoint, .fetchRounds, .fetchPosition, .fetchCheckpoint,
      .fetchState:
      return Work(verification: costs.verify, handling: costs.handling(bytes: bytes))
    case .state:
      return Work(
        verification: costs.verify + costs.hashing(bytes),
        handling: costs.handling(bytes: bytes))
    case .stored, .available, .executed, .fetchCertificate, .fetchBatch:
      return Work(verification: .zero, handling: costs.handling(bytes: bytes))
    }
  }

  public func work(uponRequests count: Int, bytes: Int) -> Work {
    Work(
      verification: .zero,
      handling: settings.costs.handling(bytes: bytes, requests: count)
        + settings.requestWork * Int64(count))
  }
}

// MARK: - Invalid proposals

extension Narwhal {
  public static var hasInvalidProposals: Bool { true }

  /// A header whose digest is not its content's, or that names too few parents; a certificate that
  /// is short of a vote.
  public func invalidated(
    _ message: NarwhalMessage, _ effects: inout Effects<Self>
  ) -> NarwhalMessage? {
    switch message {
    case .header(let round, let d, let body):
      guard round.number % 2 == 0 else {
        return .header(round: round, d: d.followed(by: d), body: body)
      }
      var short = header(body, effects)
      while short.parents.count >= committee.quorum, let last = short.parents.first(from: 0) {
        short.parents.remove(last)
      }
      let digest = short.digest(n: n, workers: settings.workers)
      return .header(round: round, d: digest, body: effects.store(.header(short)))
    case .certificate(var certificate):
      certificate.votes = UInt16(committee.quorum - 1)
      return .certificate(certificate)
    case .batch, .stored, .available, .executed, .vote, .fetchCertificate, .fetchRounds,
      .fetchBatch, .fetchPosition, .position, .fetchCheckpoint, .checkpoint, .fetchState, .state:
      return nil
    }
  }
}
