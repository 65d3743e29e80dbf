import Consensus
import Kernel
import Ledger
import Machines

/// RapidChain's committee as a scenario names it: its settings with defaults, ranges and sources.
extension RapidChain: ScenarioProtocol {
  public static var parameters: [Parameter] {
    rounds + gossip + recovery + sizes + [.weakness(Weakness.names.map(\.name))]
  }

  private static var rounds: [Parameter] {
    let span = SimDuration.milliseconds(1) ... .seconds(86_400)
    return [
      Parameter(
        "block-transactions", .count(4096, in: 1...1_000_000), "Transactions in a block, at most.",
        source: "2 MiB of 512 B transactions: Zamani et al., CCS '18, §5"),
      Parameter(
        "block-bytes", .bytes(2_097_152, in: 1...1_000_000_000),
        "Bytes of a block, at most; a larger transaction goes alone.",
        source: "Zamani et al., CCS '18, §5: blocks of 2 MB"),
      Parameter(
        "delta", .duration(.milliseconds(600), in: span),
        "A synchronous round: messages between correct members take at most so long.",
        source: "Zamani et al., CCS '18, §5: about what 80 B take to 250 members"),
      Parameter(
        "gossip-time", .duration(.seconds(5), in: .zero ... .seconds(86_400)),
        "From the first chunk of a block to the first round on its header; delta if that is more.",
        source: "assumption: 2 MiB coded to 3 MiB, sent to 15 neighbours at 100 Mbit/s take 4 s"),
      Parameter(
        "overlap", .flag(false),
        "A block is gossiped while the members agree on the one before it.",
        source: "off: the leader gossips its block, then starts the consensus"),
      Parameter(
        "proof", .choice("echoes", of: Proof.allCases.map(\.rawValue)),
        "An accept carries all its echoes, or one aggregated signature and a bit for each member.",
        source: "Zamani et al., CCS '18, §4.2: all m f + 1 echoes"),
      Parameter(
        "verify-requests", .flag(true), "The signature of each transaction is checked.",
        source: "Zamani et al., CCS '18, §4.2: nodes validate the block"),
    ]
  }

  private static var gossip: [Parameter] {
    let coding = SimDuration.zero ... .seconds(10)
    return [
      Parameter(
        "chunks", .count(128, in: 2...65_536),
        "Chunks of a block, coded ones among them (kappa); each leader's neighbour gets a set.",
        source: "assumption: 16 KiB of a block of 2 MiB"),
      Parameter(
        "parity", .count(43, in: 0...65_535),
        "Chunks that may lack: the share of corrupt neighbours (phi) of all chunks.",
        source: "a third: Zamani et al., CCS '18, §3: less than 1/3 of the nodes are corrupt"),
      Parameter(
        "degree", .count(16, in: 2...64), "Neighbours of each member, if it has so many others.",
        source: "assumption; Zamani et al., CCS '18, §4.2: d neighbours"),
      Parameter(
        "spread", .choice("push", of: RapidChain.Spread.allCases.map(\.rawValue)),
        "A set of chunks is sent to all neighbours, or announced and sent to those that ask.",
        source: "Zamani et al., CCS '18, §4.2: nodes gossip the chunks to their neighbours"),
      Parameter(
        "fetch-timeout", .duration(.seconds(2), in: .milliseconds(1) ... .seconds(86_400)),
        "With announce: another neighbour is asked for a set that has not come after this.",
        source: "assumption: above the time that a neighbour's uplink is busy with one block"),
      Parameter(
        "encode-time", .duration(.microseconds(2800), in: coding),
        "Reed-Solomon encoding of a MiB.", source: "measured: 2.1 to 2.8 ms/MiB on one core"),
      Parameter(
        "decode-time", .duration(.microseconds(2800), in: coding),
        "Reed-Solomon decoding of a MiB, where a data chunk lacks.",
        source: "measured: 2.1 to 2.8 ms/MiB on one core"),
    ]
  }

  private static var recovery: [Parameter] {
    [
      Parameter(
        "retained-blocks", .count(128, in: 4...65_535),
        "Accepted blocks kept for members that are behind; half as many between two snapshots.",
        source: "assumption"),
      Parameter(
        "catch-up-blocks", .count(8, in: 1...65_535),
        "Blocks in one answer to a member that is behind, at most.", source: "assumption"),
      Parameter(
        "catch-up-timeout",
        .duration(.seconds(5), in: .milliseconds(1) ... .seconds(86_400)),
        "How long a member that is behind waits for answers before it asks again.",
        source: "assumption: a few rounds, and the transfer of some blocks"),
    ]
  }

  private static var sizes: [Parameter] {
    let range = 0...1_000_000
    return [
      .header("Kind, iteration, sender", name: "message-bytes"),
      Parameter(
        "header-bytes", .bytes(80, in: range), "A block header without its signature.",
        source: "Zamani et al., CCS '18, §5: 80 B"),
      .digest(),
      .signature(),
      .number,
      Parameter(
        "request-bytes", .bytes(0, in: range),
        "What a transaction in a block carries besides itself.",
        source: "none: a transaction of 512 B has its signature"),
    ] + Parameter.state
  }

  public static func problem(with values: ParameterValues, nodes: Int) -> String? {
    Settings(values, .blank(n: nodes)).problem(n: nodes)
  }

  /// Under synchrony less than half may lie. Clients send to a member of their own.
  public static func roles(_ values: ParameterValues, nodes: Int) -> Roles {
    var roles = Roles(Committee(n: nodes, faults: .synchronous))
    roles.usesGateways = true
    return roles
  }

  public init(_ values: ParameterValues, _ context: ReplicaContext) {
    self.init(
      me: context.me, committee: context.committee,
      settings: Settings(values, context))
  }
}

extension RapidChain.Settings {
  init(_ values: ParameterValues, _ context: ReplicaContext) {
    self.init(
      blockTransactions: values.count("block-transactions"),
      blockBytes: values.bytes("block-bytes"), delta: values.duration("delta"),
      gossipTime: values.duration("gossip-time"), overlaps: values.flag("overlap"),
      gossip: RapidChain.Gossip(
        chunks: values.count("chunks"), parity: values.count("parity"),
        degree: values.count("degree"),
        spread: RapidChain.Spread(rawValue: values.choice("spread")) ?? .push,
        fetchTimeout: values.duration("fetch-timeout")),
      proof: RapidChain.Proof(rawValue: values.choice("proof")) ?? .echoes,
      verifiesRequests: values.flag("verify-requests"),
      retained: values.count("retained-blocks"), catchUpBlocks: values.count("catch-up-blocks"),
      catchUpTimeout: values.duration("catch-up-timeout"),
      sizes: RapidChain.Sizes(
        message: values.bytes("message-bytes"), header: values.bytes("header-bytes"),
        digest: values.bytes("digest-bytes"), signature: values.bytes("signature-bytes"),
        number: values.bytes("number-bytes"), request: values.bytes("request-bytes"),
        stateFixed: values.bytes("state-bytes"),
        statePerTransaction: values.bytes("state-bytes-per-transaction")),
      costs: context.costs, encoding: values.duration("encode-time"),
      decoding: values.duration("decode-time"), mempool: context.mempool, seed: context.seed)
    weakness = values.weakness(of: RapidChain.Weakness.names)
  }
}
