import Consensus
import Kernel
import Ledger

extension LayeredPBFT {
  /// Messages between nodes; `k` is the layer of the committee in which it is sent, `votes` how
  /// many of the sender's own group stand behind it.
  public enum Message: ConsensusMessage {
    /// The leader of a committee of layer `k` proposes a batch to its members.
    case prePrepare(Statement)
    case prepare(Statement)
    case commit(Statement)
    /// A quorum of the top committee has prepared: on its way down.
    case prepared(Statement)
    /// A quorum of the top committee has committed: on its way down.
    case decided(Decided)
    /// The state after `n` has digest `d`.
    case checkpoint(k: UInt8, votes: UInt8, n: Slot, d: Digest)
    /// A quorum of the top committee says so: on its way down.
    case stable(k: UInt8, votes: UInt8, n: Slot, d: Digest)
    /// The committee of layer `k` should be led by its member w mod m.
    case leaderChange(k: UInt8, w: View)
    /// A quorum of group `group` of layer `k` has made the change.
    case leader(k: UInt8, votes: UInt8, group: UInt16, w: View)
    case viewChange(k: UInt8, votes: UInt8, v: View, BodyHandle)
    /// So many groups on top have left for `v`: on its way down.
    case left(k: UInt8, votes: UInt8, v: View)
    case newView(k: UInt8, v: View, BodyHandle)
    case status(Status)
    case fetchBatch(n: Slot, d: Digest)
    case batch(n: Slot, BatchHandle)
    case fetchState(n: Slot)
    case state(n: Slot, BodyHandle)
  }

  /// View `v`, sequence number `n` and digest `d` of what is voted for.
  @frozen
  public struct Statement: BitwiseCopyable, Sendable, Equatable {
    public var d: Digest
    public var v: View
    public var n: Slot
    /// What a pre-prepare carries, and a prepared certificate names; `.none` elsewhere.
    public var batch: BatchHandle
    public var k: UInt8
    public var votes: UInt8
  }

  @frozen
  public struct Decided: BitwiseCopyable, Sendable, Equatable {
    public var d: Digest
    public var n: Slot
    public var batch: BatchHandle
    /// Who leads now, as the sender knows.
    public var primary: ReplicaID
    public var k: UInt8
    public var votes: UInt8
  }

  /// What a node that does not get on tells the committee of layer `k`.
  @frozen
  public struct Status: BitwiseCopyable, Sendable, Equatable {
    public var view: View
    public var stable: Slot
    public var executed: Slot
    /// The local view of the sender's group below that committee.
    public var local: View
    public var layer: UInt8
    public var phase: Phase

    public enum Phase: UInt8, BitwiseCopyable, Sendable {
      case active, pending, recovering
      /// An answer to one that recovers.
      case answer
    }
  }

  public enum Timer: ConsensusTimer {
    /// The primary proposes what waits, though the batch is not full.
    case batch
    /// The request that is waited for should have been executed, the new view have begun.
    case progress
    /// A group's leader should have brought something.
    case group
    case status
    case transfer

    public static var slots: Int { 5 }
    public var slot: Int {
      switch self {
      case .batch: 0
      case .progress: 1
      case .group: 2
      case .status: 3
      case .transfer: 4
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

  /// What a node, or a group of them, brings into the next view.
  public struct ViewChange: Sendable {
    public var view: View
    /// The last stable checkpoint, its state, and how many groups on top stand behind it.
    public var stable: Slot
    public var state: Digest
    public var checkpoints: Int
    /// What was prepared after `stable`, in order of slots.
    public var prepared: [Certificate]
  }

  /// That a quorum of the top committee has prepared `digest`.
  public struct Certificate: Sendable, BitwiseCopyable, Equatable {
    public var slot: Slot
    public var view: View
    public var digest: Digest
    public var batch: BatchHandle
    /// Groups on top that stand behind it.
    public var votes: UInt32
    /// A node that has prepared it, hence holds the batch.
    public var holder: ReplicaID
  }

  /// How a view begins: the view changes of a quorum of the top committee, and what follows.
  public struct NewView: Sendable {
    public var view: View
    public var changes: [Received]
    /// `certificate.batch` is `.none` for a null request.
    public var proposals: [Certificate]
  }

  public struct Received: Sendable, BitwiseCopyable, Equatable {
    public var view: View
    public var body: BodyHandle
  }
}

extension LayeredPBFT.Message {
  public static var proposalKinds: [Int] { [0] }

  public static var kinds: [String] {
    [
      "pre-prepare", "prepare", "commit", "prepared", "decided", "checkpoint", "stable",
      "leader-change", "leader", "view-change", "left", "new-view", "status", "fetch-batch",
      "batch", "fetch-state", "state",
    ]
  }

  public var kind: Int {
    switch self {
    case .prePrepare: 0
    case .prepare: 1
    case .commit: 2
    case .prepared: 3
    case .decided: 4
    case .checkpoint: 5
    case .stable: 6
    case .leaderChange: 7
    case .leader: 8
    case .viewChange: 9
    case .left: 10
    case .newView: 11
    case .status: 12
    case .fetchBatch: 13
    case .batch: 14
    case .fetchState: 15
    case .state: 16
    }
  }

  public var isUrgent: Bool {
    switch self {
    case .prePrepare, .batch, .state: false
    case .prepare, .commit, .prepared, .decided, .checkpoint, .stable, .leaderChange, .leader,
      .viewChange, .left, .newView, .status, .fetchBatch, .fetchState:
      true
    }
  }

  public func fold(into digest: inout RunDigest) {
    // Handles are left out: which is next depends on the order in which replicas are simulated.
    let head = UInt64(kind) << 56
    switch self {
    case .prePrepare(let s), .prepare(let s), .commit(let s), .prepared(let s):
      digest.fold(head | UInt64(s.k) << 48 | UInt64(s.votes) << 40 | UInt64(s.v.number), s.d.value)
      digest.fold(UInt64(s.n.number))
    case .decided(let s):
      digest.fold(head | UInt64(s.k) << 48 | UInt64(s.votes) << 40 | UInt64(s.n.number), s.d.value)
      digest.fold(UInt64(s.primary.index))
    case .checkpoint(let k, let votes, let n, let d), .stable(let k, let votes, let n, let d):
      digest.fold(head | UInt64(k) << 48 | UInt64(votes) << 40 | UInt64(n.number), d.value)
    case .leaderChange(let k, let w): digest.fold(head | UInt64(k) << 48 | UInt64(w.number))
    case .leader(let k, let votes, let group, let w):
      digest.fold(head | UInt64(k) << 48 | UInt64(votes) << 40, UInt64(group) << 32)
      digest.fold(UInt64(w.number))
    case .viewChange(let k, let votes, let v, _), .left(let k, let votes, let v):
      digest.fold(head | UInt64(k) << 48 | UInt64(votes) << 40 | UInt64(v.number))
    case .newView(let k, let v, _): digest.fold(head | UInt64(k) << 48 | UInt64(v.number))
    case .status(let status):
      digest.fold(
        head | UInt64(status.layer) << 48 | UInt64(status.phase.rawValue) << 40,
        UInt64(status.view.number) << 32 | UInt64(status.local.number))
      digest.fold(UInt64(status.stable.number) << 32 | UInt64(status.executed.number))
    case .fetchBatch(let n, let d): digest.fold(head | UInt64(n.number), d.value)
    case .batch(let n, _), .fetchState(let n), .state(let n, _):
      digest.fold(head | UInt64(n.number))
    }
  }
}
