import Kernel
import Ledger
import Machines
import Sharding
import Workloads

/// What a scenario says of a ledger over shards, beside the chains of the shards.
public struct ShardedLedgerSettings: Sendable {
  /// A shard, with the nodes and lanes of its members.
  public struct Shard: Sendable {
    /// Subsystem of its chain, whose replica i stands beside member i.
    public var chain: UInt16
    public var nodes: [NodeID]
    public var lanes: [Int]
    /// Lanes of its replicas.
    public var chainLanes: [Int]
    /// Members that have to have executed an operation for it to count as decided.
    public var executions: Int
    /// Clients talk to any member, not to whom they take for the proposer.
    public var usesGateways: Bool

    public init(
      chain: UInt16, nodes: [NodeID], lanes: [Int], chainLanes: [Int], executions: Int,
      usesGateways: Bool
    ) {
      self.chainLanes = chainLanes
      self.chain = chain
      self.nodes = nodes
      self.lanes = lanes
      self.executions = executions
      self.usesGateways = usesGateways
    }
  }

  /// Bytes of what members and clients send.
  public struct Sizes: Sendable, Equatable {
    /// Of any message, apart from what follows.
    public var header: Int
    /// A proof that a shard has decided something: certificate and path.
    public var proof: Int
    /// An operation that a bundle brings, a vote, a receipt, each beside the bundle's proof.
    public var operation: Int
    public var vote: Int
    public var receipt: Int
    public var acknowledgement: Int
    /// What a node keeps of an account.
    public var account: Int

    public init(
      header: Int, proof: Int, operation: Int, vote: Int, receipt: Int, acknowledgement: Int,
      account: Int
    ) {
      self.account = account
      self.header = header
      self.proof = proof
      self.operation = operation
      self.vote = vote
      self.receipt = receipt
      self.acknowledgement = acknowledgement
    }
  }

  /// How clients behave.
  public struct Clients: Sendable {
    public var hosts: [ClientSettings.Host]
    /// Transactions in a message, at most.
    public var bundle: Int
    /// After so long without receipts a client asks again; doubles each time.
    public var timeout: SimDuration
    /// Times an aborted transfer is tried, 1: not again; and the mean of the exponential pause.
    public var attempts: Int
    public var pause: SimDuration
    /// Share of transfers whose client is gone once it has sent the first request.
    public var vanishing: Double
    /// Somebody who is to receive money goes on in its place so long after; `nil`: nobody does.
    public var takeover: SimDuration?
    /// Share of transfers whose client asks for the commit without proofs.
    public var forging: Double
    public var until: SimTime

    public init(
      hosts: [ClientSettings.Host], bundle: Int, timeout: SimDuration, attempts: Int = 1,
      pause: SimDuration = .zero, vanishing: Double = 0, takeover: SimDuration? = nil,
      forging: Double = 0, until: SimTime = .never
    ) {
      precondition(bundle >= 1 && attempts >= 1, "bundle and attempts")
      self.hosts = hosts
      self.bundle = bundle
      self.timeout = timeout
      self.attempts = attempts
      self.pause = pause
      self.vanishing = vanishing
      self.takeover = takeover
      self.forging = forging
      self.until = until
    }
  }

  /// What transfers touch.
  public struct Money: Sendable {
    public var accounts: Int
    public var skew: AccountChoice.Skew
    /// Communities of accounts, and how likely a transfer stays inside; `nil`: none. One payer and
    /// one receiver.
    public var communities: (count: Int, inside: Double)?
    /// Transfers of a trace, which are submitted when it says; else empty.
    public var trace: [AccountTrace.Row] = []
    /// Accounts that pay, at least one, and that receive. If none receives, nothing is paid and the
    /// accounts are only touched.
    public var payers: Int
    public var receivers: Int
    /// What each payer pays, 1 to this, in the smallest unit.
    public var largest: Int64
    /// What is on each account in the beginning.
    public var balance: Int64

    public init(
      accounts: Int, skew: AccountChoice.Skew, payers: Int, receivers: Int, largest: Int64,
      balance: Int64
    ) {
      precondition(payers >= 1 && receivers >= 0 && largest >= 1, "payers, receivers, amounts")
      precondition(payers + receivers <= 16, "transfers of more than 16 accounts")
      self.accounts = accounts
      self.skew = skew
      self.payers = payers
      self.receivers = receivers
      self.largest = largest
      self.balance = balance
    }
  }

  /// How committees change.
  public struct Epochs: Sendable {
    public var length: SimDuration
    public var rule: Reassignment
    /// Members that a new one fetches the state from, a part from each.
    public var peers: Int
    /// Bytes that it fetches beside the accounts of the shard.
    public var history: Int
    /// Whoever moves leaves its old place at once; else when it has the state of the new one.
    public var leavesAtOnce: Bool
    /// A part of the state that has not come is asked for again after this, of the next member.
    public var timeout: SimDuration

    public init(
      length: SimDuration, rule: Reassignment, peers: Int, history: Int, leavesAtOnce: Bool,
      timeout: SimDuration
    ) {
      precondition((1...64).contains(peers), "state from \(peers) members, 1 to 64")
      self.length = length
      self.rule = rule
      self.peers = peers
      self.history = history
      self.leavesAtOnce = leavesAtOnce
      self.timeout = timeout
    }
  }

  public var shards: [Shard]
  /// Where the populations of shard 0's chain begin in the run; see `populations(hosts:shards:)`.
  public var firstPopulation: Int
  public var commit: CommitSettings
  public var clients: Clients
  public var money: Money
  /// Shard of each account.
  public var home: [Int]
  /// Accounts are placed anew every so often; `nil`: they stay.
  /// Committees change so often; `nil`: they stay.
  public var epochs: Epochs?
  public var relocation: (every: SimDuration, rule: LabelPropagation)?
  public var sizes: Sizes
  /// Bytes of the clients' transfers, by population of the run.
  public var transactions: TransactionSizes
  /// Bytes of operations, by population of a shard's chain.
  public var operations: TransactionSizes
  /// Members that send each proof, and that it is sent to at a time; at least f + 1 of each, so
  /// that a correct one is among them.
  public var senders: Int
  public var receivers: Int
  /// A leader gathers transfers for so long before it asks other committees for them.
  public var gathering = SimDuration.zero
  /// How messages find another committee.
  public var routing = CommitteeRouting.direct
  /// A proof that is not acknowledged is sent again after this, to the next receivers.
  public var retry: SimDuration
  /// Times a receipt is sent to a client that does not acknowledge it.
  public var receiptAttempts: Int
  /// Signatures to check in a proof.
  public var proofSignatures: Int
  public var costs: CostSheet

  public init(
    shards: [Shard], firstPopulation: Int, commit: CommitSettings, clients: Clients, money: Money,
    home: [Int], sizes: Sizes, transactions: TransactionSizes, operations: TransactionSizes,
    senders: Int, receivers: Int, retry: SimDuration, receiptAttempts: Int, proofSignatures: Int,
    costs: CostSheet
  ) {
    precondition((1...64).contains(senders), "\(senders) senders of a proof, 1 to 64")
    self.shards = shards
    self.firstPopulation = firstPopulation
    self.commit = commit
    self.clients = clients
    self.money = money
    self.home = home
    self.sizes = sizes
    self.transactions = transactions
    self.operations = operations
    self.senders = senders
    self.receivers = receivers
    self.retry = retry
    self.receiptAttempts = receiptAttempts
    self.proofSignatures = proofSignatures
    self.costs = costs
  }

  /// How many populations number the operations of one shard's chain: each host's first requests,
  /// each host's later ones, then what each shard asks for.
  public static func populations(hosts: Int, shards: Int) -> Int { 2 * hosts + shards }

  /// Senders, for `Simulation.add`; messages are short and keep to no connection.
  public var roles: Int { clients.hosts.count + shards.reduce(0) { $0 + $1.nodes.count } }
}
