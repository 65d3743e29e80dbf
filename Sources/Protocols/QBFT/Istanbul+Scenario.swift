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
      .blockBytes(10_485_760, source: "devp2p: messages of at most 10 MiB"),
      .verifyTransactions(source: "Ethereum: transactions are signed by their senders"),
      Parameter(
        "push-blocks", .flag(false),
        "Who decides a block sends it, with its seals, to all.",
        source: "off: replicas ask for what they missed; the specification's NEW-BLOCK is on"),
      .durableVotes(source: "off: Besu keeps the state of a round in memory"),
    ]
  }

  private static var recovery: [Parameter] {
    [
      .clockTolerance(
        .seconds(1), source: "Besu: BftBlockHeaderValidationRulesetFactory allows 1 s"),
      .syncTimeout,
      .keptBlocks(source: "assumption: Besu keeps all, and syncs from a pivot block far behind"),
    ]
  }

  private static var sizes: [Parameter] {
    let range = 0...1_000_000
    return [
      Parameter(
        "header-bytes", .bytes(80, in: range), "Kind, height, round, sender, and framing.",
        source: "assumption: 40 B TCP/IP, 32 B of devp2p frame, 8 B of RLP fields"),
      .digest(source: "Keccak-256"),
      .signature(65, source: "secp256k1 with recovery, as Ethereum has it"),
      Parameter(
        "block-header-bytes", .bytes(540, in: range),
        "A block without transactions, validators and seals.",
        source: "Ethereum yellow paper: a header's 15 fields, and 32 B of vanity"),
      Parameter(
        "validator-bytes", .bytes(21, in: range), "What each validator adds to a block.",
        source: "QBFT extra data: RLP of a 20 B address"),
    ] + Parameter.state
  }

  /// Clients talk to a node of their own, which passes transactions on.
  public static func roles(_ values: ParameterValues, nodes: Int) -> Roles {
    var roles = Roles(Committee(n: nodes))
    roles.usesGateways = true
    return roles
  }

  public static func problem(with values: ParameterValues, nodes: Int) -> String? {
    problem(IstanbulSettings(values, .blank(n: nodes)), n: nodes)
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
    weakness = values.weakness(of: Weakness.names)
  }
}
