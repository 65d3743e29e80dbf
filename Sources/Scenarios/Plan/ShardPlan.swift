import Consensus
import Kernel
import Ledger
import Machines
import Networking
import Sharding
import Simulation
import Workloads

/// A ledger whose accounts are spread over shards, each with a chain and a committee of its own.
public struct ShardPlan: Sendable {
  /// Who is on which committee.
  public enum Assignment: String, Sendable, CaseIterable {
    /// Drawn from the epoch's randomness: every node equally likely on every shard.
    case uniform
    /// Shard s has the nodes from s x members on.
    case inOrder = "in-order"
  }

  /// Where an account lives.
  public enum Placement: Sendable {
    /// By a hash of its number.
    case hash
    /// Number modulo shards: the most popular accounts are dealt out one by one.
    case dealt
    /// By hash at first; every so often anew, so that those who pay each other live together.
    case labels(every: SimDuration, LabelPropagation)
  }

  public var name: String
  public var count: Int
  /// Members of each.
  public var members: Int
  public var assignment: Assignment
  public var placement: Placement
  public var commit: CommitSettings
  public var brokers: ShardedLedgerSettings.Brokers?
  public var consensus: ConsensusPlan
  public var mempool: MempoolPlan
  /// Members that send and receive a proof; `nil`: f + 1, so that one is correct.
  public var senders: Int?
  public var receivers: Int?
  /// How messages find another committee.
  public var routing: CommitteeRouting
  public var gathering: SimDuration
  public var retry: SimDuration
  public var receiptAttempts: Int
  /// Signatures to check in a proof; `nil`: a quorum of them.
  public var signatures: Int?
  public var sizes: ShardedLedgerSettings.Sizes
  public var payers: Int
  public var receiversOfMoney: Int
  public var largest: Int64
  public var balance: Int64
  public var attempts: Int
  public var pause: SimDuration
  public var vanishing: Double
  public var takeover: SimDuration?
  public var forging: Double
  public var epochs: ShardedLedgerSettings.Epochs?
  public var exposure: ExposurePlan?
  public var communities: (count: Int, inside: Double)?
  public var trace: [AccountTrace.Row]
  public var workload: WorkloadPlan
}

extension ShardPlan {
  init(
    _ section: Section, general: WorkloadPlan?, nodes: Int, protocols: [ProtocolEntry],
    folder: String
  ) throws {
    name = section.text("name", atMost: 40, "name of the ledger, as results call it")
    count = section.count("count", in: 1...1024, "shards")
    members = section.count("members", in: 1...100_000, "nodes of each shard")
    section.require(
      count * members <= nodes, "members",
      "\(count) shards of \(members) members need \(count * members) nodes, there are \(nodes)")
    let serving = count * members
    let members = min(self.members, nodes)
    assignment = section.choice(
      "assignment", of: Assignment.self, default: .uniform,
      "uniform: drawn from the epoch's randomness; in-order: nodes by number")
    placement = try Self.placement(section)
    communities = Self.communities(section)
    trace =
      try section.optional("trace") { section, key in
        try section.trace(
          key, folder: folder, "CSV file of transfers: time, from, to, value, gas, bytes")
      } ?? []
    consensus = try ChainPlan.consensus(
      section, nodes: members, protocols: protocols, folder: folder)
    mempool = ChainPlan.mempool(section)
    let roles = consensus.entry.roles(with: consensus.values, nodes: members)
    epochs = section.optionalSection(
      "epochs", "committees change, and new members fetch the state"
    ) { Self.epochs($0, tolerated: roles?.tolerated ?? 0) }
    exposure = try section.optionalSection(
      "exposure", "how safe committees are from an adversary; computed, beside the run"
    ) { try ExposurePlan($0, serving: serving, tolerated: roles?.tolerated ?? 0) }
    commit = section.section("commit", "how transfers over several shards commit") {
      Self.commit($0)
    }
    let brokering = Self.brokering(section, isNeeded: commit.commit == .broker)
    brokers = brokering?.0
    commit.shortage = brokering?.1 ?? .wait
    let proofs = section.section("proofs", "what shards tell each other, and clients") {
      Proofs($0, members: members)
    }
    senders = proofs.senders
    receivers = proofs.receivers
    (routing, gathering) = (proofs.routing, proofs.gathering)
    retry = proofs.retry
    receiptAttempts = proofs.receiptAttempts
    signatures = proofs.signatures
    let money = section.section("accounts", "what a transfer touches") { Money($0) }
    (payers, receiversOfMoney) = (money.payers, money.receivers)
    (largest, balance) = (money.largest, money.balance)
    sizes = proofs.sizes
    sizes.account = money.bytes
    let users = section.section("clients", "what clients of the shards do") { Users($0) }
    (attempts, pause) = (users.attempts, users.pause)
    (vanishing, takeover, forging) = (users.vanishing, users.takeover, users.forging)
    guard
      let workload = try section.optionalSection(
        "workload", "clients of this ledger alone", { try WorkloadPlan($0) }) ?? general
    else {
      section.fail("workload", "a sharded ledger needs a workload")
      self.workload = try section.sample { try WorkloadPlan($0) }
      return
    }
    self.workload = workload
    check(section)
  }

  /// Combinations that cannot work.
  private func check(_ section: Section) {
    if commit.commit == .relay, payers > 1 {
      section.fail(
        "accounts", "the relay takes money from one account; \(payers) pay", allowed: "payers: 1")
    }
    section.require(
      commit.commit == .broker || brokers == nil, "brokers",
      "only the commit protocol broker has brokers", allowed: "commit: { protocol: broker }")
    if commit.commit == .broker {
      section.require(
        payers == 1 && receiversOfMoney <= 1, "accounts",
        "a broker stands between one payer and one receiver, not \(payers) and \(receiversOfMoney)")
    }
    section.require(
      gathering == .zero || commit.commit == .yank, "proofs",
      "only committees of the yank gather transfers to ask for",
      allowed: "commit: { protocol: yank }")
    if receiversOfMoney == 0, payers > 1 {
      section.fail(
        "accounts", "where nobody receives, nobody pays: one account is touched, not \(payers)",
        allowed: "payers: 1")
    }
    if forging > 0, commit.commit != .atomix {
      section.fail(
        "clients", "only clients of atomix carry proofs that they could forge",
        allowed: "commit: { protocol: atomix }")
    }
    if epochs != nil, consensus.entry.spreads {
      section.fail("epochs", "only committees change hands; \(consensus.entry.name) has none")
    }
    if exposure != nil, consensus.entry.spreads {
      section.fail("exposure", "only committees break; \(consensus.entry.name) has none")
    }
    if case .labels = placement {
      section.require(
        commit.commit == .relay, "placement", "accounts move under the relay only",
        allowed: "commit: { protocol: relay }")
      section.require(
        payers == 1 && receiversOfMoney == 1, "placement",
        "accounts move under transfers of one payer and one receiver only")
      section.require(
        workload.hosts == 1, "placement",
        "the supervisor is the one host of all clients, there are \(workload.hosts)")
    }
    if communities != nil || !trace.isEmpty {
      section.require(
        payers == 1 && receiversOfMoney == 1, "accounts",
        "communities and traces have transfers of one payer and one receiver")
    }
    if let communities {
      section.require(
        workload.accounts >= 2 * communities.count, "communities",
        "\(communities.count) communities of \(workload.accounts) accounts: each has at least two")
    }
    if !trace.isEmpty {
      section.require(workload.hosts == 1, "trace", "a trace is replayed by one host")
      let most = trace.map { max($0.sender, $0.receiver) }.max().map { Int($0.index) + 1 } ?? 0
      section.require(
        most <= workload.accounts, "trace",
        "it names \(most) accounts, the workload has \(workload.accounts)")
    }
    if workload.accounts < payers + receiversOfMoney {
      section.fail("accounts", "transfers of more accounts than there are")
    }
  }
}
