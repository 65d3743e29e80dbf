import Kernel
import Sharding
import Simulation

// MARK: - Parts of a `shards` section

extension ShardPlan {
  static func placement(_ section: Section) throws -> Placement {
    try section.variant(
      "placement", default: "hash",
      [
        Alternative("hash", "by a hash of the account", section: { _ in .hash }),
        Alternative("dealt", "account number modulo shards", section: { _ in .dealt }),
        Alternative(
          "label-propagation", "CLPA: those who pay each other come together, anew each epoch",
          section: { labels($0) }),
      ], "where accounts live")
  }

  static func communities(_ section: Section) -> (count: Int, inside: Double)? {
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

  static func epochs(
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

  static func commit(_ section: Section) -> CommitSettings {
    let commit = section.choice(
      "protocol", of: CommitProtocol.self, default: .relay,
      "relay: Monoxide; atomix: OmniLedger; sbac: Chainspace; yank: RapidChain; broker: "
        + "BrokerChain")
    let locks = section.choice(
      "locks", of: CommitSettings.Locks.self, default: .accounts,
      "accounts: a lock keeps other payments from the account out; amounts: as an unspent output")
    let weakness = section.choice(
      "weakness", ["none"] + CommitSettings.Weakness.allCases.map(\.rawValue), default: "none",
      "a rule that is left out on purpose, to see that the monitors miss it")
    return CommitSettings(
      commit, locks: locks, weakness: CommitSettings.Weakness(rawValue: weakness))
  }

  /// The brokers, and what becomes of transfers for which they are short.
  /// - Parameter isNeeded: the commit protocol has brokers, with defaults if nothing is said.
  static func brokering(
    _ section: Section, isNeeded: Bool
  ) -> (ShardedLedgerSettings.Brokers, CommitSettings.Shortage)? {
    let sentence = "with the commit protocol broker: who carries transfers over"
    return isNeeded
      ? section.section("brokers", sentence) { brokers($0) }
      : section.optionalSection("brokers", sentence) { brokers($0) }
  }

  private static func brokers(
    _ section: Section
  ) -> (ShardedLedgerSettings.Brokers, CommitSettings.Shortage) {
    let brokers = ShardedLedgerSettings.Brokers(
      count: section.count(
        "count", default: 10, in: 1...10_000, "brokers, each with an account on every shard",
        source: "BlockEmulator: BrokerNum"),
      balance: Int64(
        section.count(
          "balance", default: 1_000_000, in: 0...1_000_000_000_000,
          "on each account of a broker in the beginning", source: "assumption: none is short")),
      lock: section.count(
        "lock", default: 1000, in: 1...1_000_000_000,
        "H_lock: a broker pays within so many slots of the receiver's shard",
        source: "assumption: far above the slots that a transfer takes"),
      vanishing: section.fraction(
        "vanishing", default: 0, in: 0...1,
        "share of transfers whose broker is gone once it has asked the payer's shard",
        source: "none is"))
    return (
      brokers,
      section.choice(
        "when-short", of: CommitSettings.Shortage.self, default: .wait,
        "wait: the broker tries again after clients.pause; relay: the shards move the money")
    )
  }
}

/// What shards tell each other.
struct Proofs {
  var senders: Int?
  var receivers: Int?
  var routing: CommitteeRouting
  var gathering: SimDuration
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
    routing = section.choice(
      "routing", of: CommitteeRouting.self, default: .direct,
      "direct: all know members of all shards; tables: of those at distances 1, 2, 4, ..., which "
        + "pass messages on, as in RapidChain")
    gathering = section.duration(
      "gathering", default: .zero, in: .zero ... .seconds(86_400),
      "with the yank: a leader gathers transfers for so long before it asks other committees",
      source: "at once; RapidChain batches requests at each round")
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
struct Money {
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
struct Users {
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
