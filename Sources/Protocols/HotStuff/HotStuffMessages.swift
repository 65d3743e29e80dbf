import Consensus
import Kernel
import Ledger

/// That a quorum voted for `block`, proposed in `view`; view 0 is the genesis block.
public struct QuorumCertificate: Sendable, BitwiseCopyable, Equatable {
  public var block: Digest
  public var view: View
  /// Distinct voters in it.
  public var votes: UInt16

  public init(block: Digest, view: View, votes: UInt16) {
    self.block = block
    self.view = view
    self.votes = votes
  }

  public static var genesis: QuorumCertificate {
    QuorumCertificate(block: Digest(0), view: View(0), votes: 0)
  }
}

/// That a quorum gave up `view`; `highest` is the view of the highest certificate among theirs.
public struct TimeoutCertificate: Sendable, BitwiseCopyable, Equatable {
  public var view: View
  public var highest: View
  public var votes: UInt16

  public init(view: View, highest: View, votes: UInt16) {
    self.view = view
    self.highest = highest
    self.votes = votes
  }
}

/// Messages of the family. A certificate stands in them by its fields `p` (block), `w` (view) and
/// `votes`; a block's own digest is computed from its fields.
public enum HotStuffMessage: ConsensusMessage {
  /// The block of view `v` on the block that the certificate names.
  case proposal(p: Digest, w: View, v: View, batch: BatchHandle, votes: UInt16)
  /// The same after a view that failed, with the certificate for that (Jolteon).
  case proposalAfterTimeout(v: View, batch: BatchHandle, BodyHandle)
  /// To the leader of the next view.
  case vote(v: View, d: Digest)
  /// HotStuff: to the leader of `v`, with the sender's highest certificate.
  case newView(v: View, p: Digest, w: View, votes: UInt16)
  /// Jolteon: to all, `v` has failed; with the sender's highest certificate.
  case timeout(v: View, p: Digest, w: View, votes: UInt16)
  /// With the sender's highest certificate, none lower than those of the timeouts in it.
  case timeoutCertificate(p: Digest, v: View, w: View, votes: UInt16, timeouts: UInt16)
  /// To who is behind.
  case certificate(p: Digest, w: View, votes: UInt16)
  /// The proposal of `v` has not come.
  case fetchProposal(v: View)
  /// The blocks above height `n` up to block `d`.
  case fetchBlocks(n: Slot, d: Digest)
  case block(p: Digest, w: View, v: View, batch: BatchHandle, votes: UInt16)
  /// A batch of the sender's clients, its `number` from this sender.
  case batch(number: UInt32, BatchHandle)
  case acknowledge(number: UInt32, d: Digest)
  case fetchBatch(d: Digest, BatchHandle)
  case fetched(BatchHandle)
  case fetchCheckpoints
  /// `d`: digest of the snapshot at height `n`.
  case checkpoint(n: Slot, d: Digest)
  case fetchState(n: Slot)
  case state(n: Slot, BodyHandle)
  /// Of a replica that came up without memory, and the answer: view and highest certificate.
  case inquire
  case standing(v: View, p: Digest, w: View, votes: UInt16)

  public static var proposalKinds: [Int] { [0] }

  public static var kinds: [String] {
    [
      "proposal", "vote", "new-view", "timeout", "timeout-certificate", "certificate",
      "fetch-proposal", "fetch-blocks", "block", "batch", "acknowledge", "fetch-batch", "fetched",
      "fetch-checkpoints", "checkpoint", "fetch-state", "state", "inquire", "standing",
    ]
  }

  public var kind: Int {
    switch self {
    case .proposal, .proposalAfterTimeout: 0
    case .vote: 1
    case .newView: 2
    case .timeout: 3
    case .timeoutCertificate: 4
    case .certificate: 5
    case .fetchProposal: 6
    case .fetchBlocks: 7
    case .block: 8
    case .batch: 9
    case .acknowledge: 10
    case .fetchBatch: 11
    case .fetched: 12
    case .fetchCheckpoints: 13
    case .checkpoint: 14
    case .fetchState: 15
    case .state: 16
    case .inquire: 17
    case .standing: 18
    }
  }

  public var isUrgent: Bool {
    switch self {
    case .proposal, .proposalAfterTimeout, .block, .batch, .fetched, .state: false
    case .vote, .newView, .timeout, .timeoutCertificate, .certificate, .fetchProposal,
      .fetchBlocks, .acknowledge, .fetchBatch, .fetchCheckpoints, .checkpoint, .fetchState,
      .inquire, .standing:
      true
    }
  }

  public func fold(into digest: inout RunDigest) {
    // Handles are left out: which is next depends on the order in which replicas are simulated.
    let kind = UInt64(kind)
    switch self {
    case .proposal(let p, let w, let v, _, _), .block(let p, let w, let v, _, _),
      .newView(let v, let p, let w, _), .timeout(let v, let p, let w, _),
      .standing(let v, let p, let w, _), .timeoutCertificate(let p, let v, let w, _, _):
      digest.fold(kind << 32 | UInt64(v.number), UInt64(w.number) ^ p.value)
    case .proposalAfterTimeout(let v, _, _), .fetchProposal(let v):
      digest.fold(kind << 32 | UInt64(v.number))
    case .vote(let v, let d): digest.fold(kind << 32 | UInt64(v.number), d.value)
    case .certificate(let p, let w, _): digest.fold(kind << 32 | UInt64(w.number), p.value)
    case .fetchBlocks(let n, let d), .checkpoint(let n, let d):
      digest.fold(kind << 32 | UInt64(n.number), d.value)
    case .acknowledge(let number, let d): digest.fold(kind << 32 | UInt64(number), d.value)
    case .fetchBatch(let d, _): digest.fold(kind << 32, d.value)
    case .batch(let number, _): digest.fold(kind << 32 | UInt64(number))
    case .fetchState(let n), .state(let n, _): digest.fold(kind << 32 | UInt64(n.number))
    case .fetched, .fetchCheckpoints, .inquire: digest.fold(kind << 32)
    }
  }
}

public enum HotStuffTimer: ConsensusTimer {
  /// Half a view without a certificate, then all of it.
  case view
  /// The leader waits for a batch to fill, and for anything to propose.
  case batch
  case idle
  /// Blocks, content, a state or answers have not come.
  case sync
  /// A batch for the others is due, or was not acknowledged.
  case seal
  case resend

  public static var slots: Int { 6 }

  public var slot: Int {
    switch self {
    case .view: 0
    case .batch: 1
    case .idle: 2
    case .sync: 3
    case .seal: 4
    case .resend: 5
    }
  }

  public func fold(into digest: inout RunDigest) { digest.fold(UInt64(slot)) }
}

/// Content of rare messages.
public enum HotStuffBody: Sendable {
  case justification(QuorumCertificate, TimeoutCertificate)
  case state(HotStuffSnapshot)
}

/// The state after a committed block, with what the next blocks build on.
public struct HotStuffSnapshot: Sendable {
  var block: ChainBlock
  var state: ReplicatedState

  /// What f + 1 replicas must agree on.
  var digest: Digest { block.digest.followed(by: state.digest) }
}
