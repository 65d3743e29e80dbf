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
  public var consensus: ConsensusPlan
  public var mempool: MempoolPlan
  /// Members that send and receive a proof; `nil`: f + 1, so that one is correct.
  public var senders: Int?
  public var receivers: Int?
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
    placement = try section.variant(
      "placement", default: "hash",
      [
        Alternative("hash", "by a hash of the account", section: { _ in .hash }),
        Alternative("dealt", "account number modulo shards", section: { _ in .dealt }),
        Alternative(
          "label-propagation", "CLPA: those who pay each other come together, anew each epoch",
          section: { Self.labels($0) }),
      ], "where accounts live")
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
    let proofs = section.section("proofs", "what shards tell each other, and clients") {
      Proofs($0, members: members)
    }
    senders = proofs.senders
    receivers = proofs.receivers
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

  private static func communities(_ section: Section) -> (count: Int, inside: Double)? {
    section.optionalSection(
      "communities", "accounts pay mostly those of their own community"
    ) {
      (
        $0.count("count", in: 1...1_000_000, "communities"),
        $0.fraction(
          "inside", default: 0.9, in: 0...1, "probability that a transfer stays inside",
          source: "assumption: a strongly structured graph")
      )
    }
  }

  private static func epochs(
    _ section: Section, tolerated: Int
  ) -> ShardedLedgerSettings.Epochs {
    // More at a time, and the committee stands still until they are there.
    let batch =
      section.optional("batch") {
        section.count($1, in: 1...100_000, "members of a committee that move at a time; default f")
      } ?? max(tolerated, 1)
    return ShardedLedgerSettings.Epochs(
      length: section.duration(
        "length", in: .milliseconds(1) ... .seconds(1_000_000_000), "an epoch lasts so long"),
      rule: .gradual(batch: batch),
      peers: section.count(
        "peers", default: 1, in: 1...64, "members that a new one fetches the state from",
        source: "a part from each"),
      history: section.bytes(
        "history", default: 0, in: 0...1_000_000_000_000,
        "bytes that it fetches beside the accounts", source: "a snapshot is enough to go on"),
      leavesAtOnce: section.flag(
        "leaves-at-once", default: false,
        "whoever moves leaves its place at once, not when it has the state of the new one"),
      timeout: section.duration(
        "timeout", default: .seconds(10), in: .milliseconds(1) ... .seconds(100_000_000),
        "a part of the state that has not come is asked for again after this",
        source: "assumption: above the time that it takes"))
  }

  private static func labels(_ section: Section) -> Placement {
    let code = "BlockEmulator's parameters of CLPA"
    return .labels(
      every: section.duration(
        "every", default: .seconds(50), in: .milliseconds(1) ... .seconds(100_000_000),
        "length of an epoch", source: "BlockEmulator: ReconfigTimeGap"),
      LabelPropagation(
        penalty: section.number(
          "penalty", default: 0.5, in: 0...1000, "weight of load against locality", source: code),
        rounds: section.count(
          "rounds", default: 100, in: 0...100_000, "rounds over all accounts", source: code),
        changes: section.count(
          "changes", default: 50, in: 0...100_000, "changes allowed to an account", source: code)))
  }

  private static func commit(_ section: Section) -> CommitSettings {
    let commit = section.choice(
      "protocol", of: CommitProtocol.self, default: .relay,
      "relay: Monoxide; atomix: OmniLedger; sbac: Chainspace; yank: RapidChain")
    let locks = section.choice(
      "locks", of: CommitSettings.Locks.self, default: .accounts,
      "accounts: a lock keeps other payments from the account out; amounts: as an unspent output")
    let weakness = section.choice(
      "weakness", ["none"] + CommitSettings.Weakness.allCases.map(\.rawValue), default: "none",
      "a rule that is left out on purpose, to see that the monitors miss it")
    return CommitSettings(
      commit, locks: locks, weakness: CommitSettings.Weakness(rawValue: weakness))
  }

  /// Combinations that cannot work.
  private func check(_ section: Section) {
    if commit.commit == .relay, payers > 1 {
      section.fail(
        "accounts", "the relay takes money from one account; \(payers) pay", allowed: "payers: 1")
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

/// What shards tell each other.
private struct Proofs {
  var senders: Int?
  var receivers: Int?
  var retry: SimDuration
  var receiptAttempts: Int
  var signatures: Int?
  var sizes: ShardedLedgerSettings.Sizes

  init(_ section: Section, members: Int) {
    let most = max(members, 1)
    senders = section.optional("senders") {
      $0.count($1, in: 1...min(most, 64), "members that send a proof; default f + 1")
    }
    receivers = section.optional("receivers") {
      $0.count($1, in: 1...most, "members that it is sent to at a time; default f + 1")
    }
    retry = section.duration(
      "retry", default: .seconds(5), in: .milliseconds(1) ... .seconds(100_000_000),
      "a proof that is not acknowledged is sent to the next receivers after this",
      source: "assumption: above the chain's usual latency")
    receiptAttempts = section.count(
      "receipt-attempts", default: 3, in: 1...1000,
      "times a receipt is sent to a client that does not acknowledge it", source: "assumption")
    signatures = section.optional("signatures") {
      $0.count($1, in: 0...100_000, "signatures to check in a proof; default a quorum")
    }
    let size = 0...1_000_000
    sizes = ShardedLedgerSettings.Sizes(
      header: section.bytes(
        "header", default: 100, in: size, "bytes of any message apart from what follows",
        source: "assumption: 40 B TCP/IP, shard, slot, sender"),
      proof: section.bytes(
        "proof", default: 1000, in: size, "bytes of the proof that a shard has decided a slot",
        source: "assumption: header of 200 B and a dozen signatures of 64 B"),
      operation: section.bytes(
        "operation", default: 768, in: size, "bytes of an operation in a bundle, path included",
        source: "a transaction of 512 B and eight digests"),
      vote: section.bytes(
        "vote", default: 300, in: size, "bytes of a vote in a bundle, path included",
        source: "transaction digest, verdict, eight digests"),
      receipt: section.bytes(
        "receipt", default: 300, in: size, "bytes of a receipt in a bundle, path included",
        source: "transaction digest, verdict, eight digests"),
      acknowledgement: section.bytes(
        "acknowledgement", default: 80, in: size, "bytes of an acknowledgement or a question",
        source: "assumption: 40 B TCP/IP and a digest"),
      account: 0)
  }
}

/// What a transfer touches.
private struct Money {
  var bytes: Int
  var payers: Int
  var receivers: Int
  var largest: Int64
  var balance: Int64

  init(_ section: Section) {
    bytes = section.bytes(
      "bytes", default: 100, in: 0...1_000_000, "bytes that a node keeps of an account",
      source: "Ethereum: nonce, balance, code and storage hashes, 70 to 110 B")
    payers = section.count(
      "payers", default: 1, in: 1...8, "accounts that pay", source: "a payment")
    receivers = section.count(
      "receivers", default: 1, in: 0...8,
      "accounts that receive; 0: nothing is paid, the accounts are only touched",
      source: "a payment")
    largest = Int64(
      section.count(
        "largest-amount", default: 10, in: 1...1_000_000_000, "each pays 1 to this",
        source: "assumption: small against the balance"))
    balance = Int64(
      section.count(
        "balance", default: 1_000_000, in: 0...1_000_000_000_000,
        "on each account in the beginning", source: "assumption: nobody runs out of money"))
  }
}

/// What clients do beside submitting.
private struct Users {
  var attempts: Int
  var pause: SimDuration
  var vanishing: Double
  var takeover: SimDuration?
  var forging: Double

  init(_ section: Section) {
    attempts = section.count(
      "attempts", default: 1, in: 1...1000, "times an aborted transfer is tried",
      source: "what aborts is counted, not hidden")
    pause = section.duration(
      "pause", default: .seconds(1), in: .zero ... .seconds(1_000_000),
      "mean of the exponential pause before it is tried again", source: "assumption")
    vanishing = section.fraction(
      "vanishing", default: 0, in: 0...1,
      "share of transfers whose client is gone after the first request", source: "none does")
    takeover = section.optional("takeover") {
      $0.duration(
        $1, in: .milliseconds(1) ... .seconds(100_000_000),
        "whoever is to receive money goes on in its place after this; default nobody does")
    }
    forging = section.fraction(
      "forging", default: 0, in: 0...1,
      "share of transfers whose client asks for the commit without proofs", source: "none does")
  }
}

// MARK: - Chains of the shards

extension ShardPlan {
  /// One chain for each shard.
  var chains: [ChainPlan] {
    (0..<count).map { s in
      ChainPlan(
        name: "\(name)-\(s)", nodes: members, consensus: consensus, mempool: mempool,
        replies: Replies(path: .shared, header: 0, result: 0), workload: nil, shard: s)
    }
  }

  /// Nodes of each shard.
  func committees(seed: UInt64) -> [[NodeID]] {
    var order = Array(0..<count * members)
    if assignment == .uniform {
      var stream = RandomStream(seed: seed, purpose: "committees of \(name)")
      stream.shuffle(&order)
    }
    return (0..<count).map { s in order[s * members..<(s + 1) * members].map { NodeID($0) } }
  }

  /// Shard of each account.
  func home(seed: UInt64) -> [Int] {
    let hashed = AccountMap(shards: count, salt: seed)
    return (0..<workload.accounts).map { account in
      if case .dealt = placement { return account % count }
      return Int(hashed.shard(of: AccountID(account)).index)
    }
  }

  /// Bytes of operations by population of a shard's chain: first requests, later ones, which carry
  /// a proof for each paying account, and what other shards ask for.
  func operationSizes(seed: UInt64) -> TransactionSizes {
    let first = workload.transactionSize
    let later = TransactionSizes.Size.fixed(sizes.operation + payers * sizes.proof)
    let asked = TransactionSizes.Size.fixed(sizes.operation)
    return TransactionSizes(
      Array(repeating: first, count: workload.hosts)
        + Array(repeating: later, count: workload.hosts)
        + Array(repeating: asked, count: count), seed: seed)
  }
}
