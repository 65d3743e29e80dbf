import Consensus
import Kernel
import Ledger

extension PBFT {
  /// Messages between replicas. Names are the paper's: view `v`, sequence number `n`, digest `d`;
  /// the sender `i` comes with the envelope.
  public enum Message: ConsensusMessage {
    /// ⟨PRE-PREPARE, v, n, d⟩ with the batch whose digest is `d` piggybacked (§4.2).
    case prePrepare(v: View, n: Slot, d: Digest, batch: BatchHandle)
    /// ⟨PREPARE, v, n, d, i⟩ (§4.2).
    case prepare(v: View, n: Slot, d: Digest)
    /// ⟨COMMIT, v, n, d, i⟩ (§4.2).
    case commit(v: View, n: Slot, d: Digest)
    /// ⟨CHECKPOINT, n, d, i⟩: `d` is of the state after `n` (§4.3).
    case checkpoint(n: Slot, d: Digest)
    /// ⟨VIEW-CHANGE, v, n, C, P, i⟩ (§4.4).
    case viewChange(v: View, BodyHandle)
    /// ⟨NEW-VIEW, v, V, O⟩ (§4.4).
    case newView(v: View, BodyHandle)
    /// What the sender has, so that others send again what it lacks (thesis §5.2).
    case status(Status)
    /// Asks for the batch with digest `d`, which a new view proposes at `n`.
    case fetchBatch(n: Slot, d: Digest)
    /// The batch that was asked for.
    case batch(n: Slot, BatchHandle)
    /// `n` is decided with digest `d`, says its sender; to who left the view. Some senders add the
    /// batch.
    case decided(n: Slot, d: Digest, batch: BatchHandle, isWhole: Bool)
    /// Asks for the state after `n`, certified to have digest `d` (§4.6 of TOCS: FETCH).
    case fetchState(n: Slot, d: Digest)
    /// The state that was asked for.
    case state(n: Slot, BodyHandle)
  }

  /// ⟨STATUS-ACTIVE⟩ or ⟨STATUS-PENDING⟩ of the thesis.
  @frozen
  public struct Status: BitwiseCopyable, Sendable, Equatable {
    /// Active: two bits for each slot after the settled ones, its `Progress`. Pending: bit k is set
    /// if the view changes of all replicas r with r mod 64 = k are there.
    public var progress: UInt64
    public var view: View
    public var stable: Slot
    public var executed: Slot
    /// Slots after `stable` that are decided in this view.
    public var settled: UInt16
    public var phase: Phase

    public enum Phase: UInt8, BitwiseCopyable, Sendable {
      /// In its view.
      case active
      /// Left its view, waits for the next to begin.
      case pending
      /// Lost its memory: takes part in no vote yet.
      case recovering
    }
  }

  /// How far a slot has come at a replica.
  enum Progress: UInt64 {
    case nothing, accepted, prepared, committed
    /// Slots of which one status tells.
    static var slots: Int { 32 }
  }

  public enum Timer: ConsensusTimer {
    /// The primary proposes what waits, though the batch is not full.
    case batch
    /// The request that is waited for should have been executed, the new view have begun (§4.5.2).
    case progress
    /// Time to look whether something was missed (thesis §5.2).
    case status
    /// The state should have come.
    case transfer

    public static var slots: Int { 4 }
    public var slot: Int {
      switch self {
      case .batch: 0
      case .progress: 1
      case .status: 2
      case .transfer: 3
      }
    }
    public func fold(into digest: inout RunDigest) { digest.fold(UInt64(slot)) }
  }

  /// Contents of the large messages.
  public enum Body: Sendable {
    case viewChange(ViewChange)
    case newView(NewView)
    case state(ReplicatedState)
  }

  /// What a replica brings into the next view.
  public struct ViewChange: Sendable {
    public var view: View
    /// Its last stable checkpoint, the digest of the state there, and C: how many checkpoint
    /// messages prove it (none for the initial state).
    public var stable: Slot
    public var state: Digest
    public var checkpoints: Int
    /// P: what it has prepared after `stable`, in order of slots.
    public var prepared: [Certificate]
  }

  /// A prepared certificate: a pre-prepare without its batch, and matching prepares.
  public struct Certificate: Sendable, BitwiseCopyable, Equatable {
    public var slot: Slot
    public var view: View
    public var digest: Digest
    public var batch: BatchHandle
    /// Matching prepares from different backups.
    public var prepares: UInt32
  }

  /// A pre-prepare of the new view, without its batch.
  public struct Proposal: Sendable, BitwiseCopyable, Equatable {
    public var slot: Slot
    public var digest: Digest
    /// `.none` for a null request.
    public var batch: BatchHandle
    /// A replica that has prepared it, hence holds the batch.
    public var holder: ReplicaID
  }

  /// How a view begins.
  public struct NewView: Sendable {
    public var view: View
    /// V: the view changes that prove it, with their senders.
    public var changes: [Received]
    /// O: what is proposed again.
    public var proposals: [Proposal]
  }

  /// A view change as it was received.
  public struct Received: Sendable, BitwiseCopyable, Equatable {
    public var sender: ReplicaID
    public var view: View
    public var body: BodyHandle
  }
}

extension PBFT.Message {
  public static var kinds: [String] {
    [
      "pre-prepare", "prepare", "commit", "checkpoint", "view-change", "new-view", "status",
      "fetch-batch", "batch", "decided", "fetch-state", "state",
    ]
  }

  public static var proposalKinds: [Int] { [0] }

  public var kind: Int {
    switch self {
    case .prePrepare: 0
    case .prepare: 1
    case .commit: 2
    case .checkpoint: 3
    case .viewChange: 4
    case .newView: 5
    case .status: 6
    case .fetchBatch: 7
    case .batch: 8
    case .decided: 9
    case .fetchState: 10
    case .state: 11
    }
  }

  public var isUrgent: Bool {
    switch self {
    case .prePrepare, .batch, .decided, .state: false
    case .prepare, .commit, .checkpoint, .viewChange, .newView, .status, .fetchBatch, .fetchState:
      true
    }
  }

  public func fold(into digest: inout RunDigest) {
    // Handles are left out: which is next depends on the order in which replicas are simulated.
    let kind = UInt64(kind)
    switch self {
    case .prePrepare(let v, let n, let d, _), .prepare(let v, let n, let d),
      .commit(let v, let n, let d):
      digest.fold(kind << 32 | UInt64(v.number), UInt64(n.number) ^ d.value)
    case .checkpoint(let n, let d), .fetchBatch(let n, let d), .fetchState(let n, let d):
      digest.fold(kind << 32 | UInt64(n.number), d.value)
    case .viewChange(let v, _), .newView(let v, _): digest.fold(kind << 32 | UInt64(v.number))
    case .status(let status):
      digest.fold(kind << 32 | UInt64(status.view.number), status.progress)
      digest.fold(
        UInt64(status.stable.number) << 32 | UInt64(status.executed.number),
        UInt64(status.settled) << 8 | UInt64(status.phase.rawValue))
    case .batch(let n, _), .state(let n, _): digest.fold(kind << 32 | UInt64(n.number))
    case .decided(let n, let d, _, let isWhole):
      digest.fold(kind << 32 | UInt64(n.number), d.value)
      digest.fold(isWhole ? 1 : 0)
    }
  }
}
