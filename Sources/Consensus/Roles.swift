/// What the nodes of a chain do under one protocol.
///
/// Roles are numbered like the chain's nodes. The first `members` execute what is decided; those
/// behind them only help (workers that spread batches, say).
public struct Roles: Sendable, Equatable {
  /// Who votes: the first `committee.n` roles, unless the protocol elects them as it runs.
  public var committee: Committee
  /// Nodes that may be faulty at a time, whichever they are, without harm to safety, and without
  /// harm to liveness once the network is stable.
  public var tolerated: Int
  /// Roles that execute.
  public var members: Int
  /// Executions that make a slot decided.
  public var executions: Int
  /// Equal replies that make a transaction final for its client.
  public var replyQuorum: Int
  /// Only whoever takes itself for the proposer answers clients.
  public var onlyProposerReplies: Bool
  /// The roles that clients talk to.
  public var contacts: Range<Int>
  /// A client talks to one contact of its own; otherwise to whom it takes for the proposer. To all
  /// contacts if there is no answer.
  public var usesGateways: Bool

  /// Everybody votes, executes and may be talked to.
  public init(_ committee: Committee) {
    self.committee = committee
    tolerated = committee.f
    members = committee.n
    executions = committee.n - committee.f
    replyQuorum = committee.weakQuorum
    onlyProposerReplies = false
    contacts = 0..<committee.n
    usesGateways = false
  }
}
