import Consensus
import Kernel
import Ledger
import Machines

/// QBFT and IBFT 2.0 as a scenario names them: their settings with defaults, ranges and sources.
extension Istanbul: ScenarioProtocol {
  public static var parameters: [Parameter] {
    ordering + recovery + sizes + [.weakness(IstanbulSettings.Weakness.names.map(\.name))]
  }

  private static var ordering: [Parameter] {
    [
      Parameter(
        "block-period", .duration(.seconds(2), in: .zero ... .seconds(86_400)),
        "From one block's time to the next's, at least; whole milliseconds.",
        source: "Besu documentation, QBFT: blockperiodseconds 2"),
      Parameter(
        "request-timeout", .duration(.seconds(4), in: .milliseconds(1) ... .seconds(86_400)),
        "How long round 0 may take; each further round may take twice as long.",
        source: "Besu documentation, QBFT: requesttimeoutseconds 4"),
      Parameter(
        "block", .count(1428, in: 1...1_000_000), "Transactions in a block, at most.",
        source: "Ethereum: 30 Mgas a block, 21,000 gas a transfer"),
      Parameter(
        "block-bytes", .bytes(10_485_760, in: 1...1_000_000_000),
        "Bytes of transactions in a block, at most; a larger one goes alone.",
        source: "devp2p: messages of at most 10 MiB"),
      Parameter(
        "verify-requests", .flag(true), "Transactions' signatures are checked one by one.",
        source: "Ethereum: transactions are signed by their senders"),
      Parameter(
        "push-blocks", .flag(false),
        "Who decides a block sends it, with its seals, to all.",
        source: "off: replicas ask for what they missed; the specification's NEW-BLOCK is on"),
      Parameter(
        "durable", .flag(false), "What a vote promises is on the disk before the vote leaves.",
        source: "off: Besu keeps the state of a round in memory"),
    ]
  }

  private static var recovery: [Parameter] {
    [
      Parameter(
        "clock-tolerance", .duration(.seconds(1), in: .zero ... .seconds(3600)),
        "How far a block's time may lie ahead of a replica's clock.",
        source: "Besu: BftBlockHeaderValidationRulesetFactory allows 1 s"),
      Parameter(
        "sync-timeout", .duration(.milliseconds(500), in: .milliseconds(1) ... .seconds(86_400)),
        "How long a replica that is behind waits before it asks for blocks, or asks another.",
        source: "assumption: several round trips of the slowest region pair"),
      Parameter(
        "window", .count(256, in: 1...65_535),
        "Blocks kept for others; who lacks more takes the state.",
        source: "assumption: Besu keeps all, and syncs from a pivot block far behind"),
    ]
  }

  private static var sizes: [Parameter] {
    let range = 0...1_000_000
    return [
      Parameter(
        "header-bytes", .bytes(80, in: range), "Kind, height, round, sender, and framing.",
        source: "assumption: 40 B TCP/IP, 32 B of devp2p frame, 8 B of RLP fields"),
      Parameter("digest-bytes", .bytes(32, in: range), "A digest.", source: "Keccak-256"),
      Parameter(
        "signature-bytes", .bytes(65, in: range), "A signature.",
        source: "secp256k1 with recovery, as Ethereum has it"),
      Parameter(
        "block-header-bytes", .bytes(540, in: range),
        "A block without transactions, validators and seals.",
        source: "Ethereum yellow paper: a header's 15 fields, and 32 B of vanity"),
      Parameter(
        "validator-bytes", .bytes(21, in: range), "What each validator adds to a block.",
        source: "QBFT extra data: RLP of a 20 B address"),
      Parameter(
        "state-bytes", .bytes(1_048_576, in: 0...1_000_000_000_000), "The state's fixed part.",
        source: "assumption: 1 MiB"),
      Parameter(
        "state-bytes-per-transaction", .bytes(32, in: 0...1_000_000_000),
        "What an executed transaction adds to the state.", source: "assumption: a digest"),
    ]
  }

  /// Clients talk to a node of their own, which passes transactions on.
  public static func roles(_ values: ParameterValues, nodes: Int) -> Roles {
    var roles = Roles(Committee(n: nodes))
    roles.usesGateways = true
    return roles
  }

  public static func problem(with values: ParameterValues, nodes: Int) -> String? {
    let mempool = Mempool(capacity: 1, eviction: .newest, populations: 1)
    return problem(
      IstanbulSettings(
        values,
        ReplicaContext(
          me: ReplicaID(0), committee: Committee(n: nodes), seed: 0, costs: .free,
          mempool: mempool)), n: nodes)
  }

  public init(_ values: ParameterValues, _ context: ReplicaContext) {
    self.init(
      me: context.me, committee: context.committee,
      settings: IstanbulSettings(values, context))
  }
}

extension IstanbulSettings {
  init(_ values: ParameterValues, _ context: ReplicaContext) {
    self.init(
      blockPeriod: values.duration("block-period"),
      requestTimeout: values.duration("request-timeout"), blockRequests: values.count("block"),
      blockBytes: values.bytes("block-bytes"),
      clockTolerance: values.duration("clock-tolerance"),
      syncTimeout: values.duration("sync-timeout"), window: values.count("window"),
      pushesBlocks: values.flag("push-blocks"), verifiesRequests: values.flag("verify-requests"),
      isDurable: values.flag("durable"), mempool: context.mempool.capacity,
      eviction: context.mempool.eviction,
      sizes: Sizes(
        header: values.bytes("header-bytes"), digest: values.bytes("digest-bytes"),
        signature: values.bytes("signature-bytes"), block: values.bytes("block-header-bytes"),
        validator: values.bytes("validator-bytes"), stateFixed: values.bytes("state-bytes"),
        statePerTransaction: values.bytes("state-bytes-per-transaction")),
      costs: context.costs, populations: context.mempool.populations)
    weakness = Weakness.names.first { $0.name == values.choice("weakness") }?.weakness ?? []
  }
}
