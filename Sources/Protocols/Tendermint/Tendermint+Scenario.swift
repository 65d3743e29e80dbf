import Consensus
import Kernel
import Ledger
import Machines

/// Tendermint as a scenario names it: its settings with defaults, ranges and sources.
extension Tendermint: ScenarioProtocol {
  public static var parameters: [Parameter] {
    blocks + timeouts + recovery + gossip + sizes + [.weakness(Weakness.names.map(\.name))]
  }

  private static var blocks: [Parameter] {
    [
      Parameter(
        "block-transactions", .count(1_000_000, in: 1...1_000_000),
        "Transactions in a block, at most.", source: "CometBFT: bytes alone bound a block"),
      Parameter(
        "block-bytes", .bytes(4_194_304, in: 1...67_108_863),
        "Bytes of a block's transactions, at most; a larger transaction goes alone.",
        source: "cometbft/cometbft@5bba72c1 docs/references/qa: 4 MB"),
      Parameter(
        "empty-blocks", .flag(true), "Blocks are proposed though no transaction waits.",
        source: "cometbft/cometbft@5bba72c1 config/config.go: create_empty_blocks"),
      Parameter(
        "power-ratio", .count(1, in: 1...1000),
        "Voting power of the first validator over that of the last; it falls evenly between.",
        source: "1: equal powers"),
      Parameter(
        "full-nodes", .count(0, in: 0...508),
        "Nodes, the last ones, that execute and do not vote.",
        source: "0: all validate; CometBFT's test nets have 20 beside 175 validators"),
      Parameter(
        "gateway", .choice("own", of: ["own", "first"]),
        "Clients talk to a validator of their own, or all to the first.",
        source: "own: load spread evenly; CometBFT's test nets load one validator"),
      Parameter(
        "durable", .flag(false), "Votes and blocks are on the disk before what rests on them.",
        source: "off: ideal disks"),
    ]
  }

  private static var timeouts: [Parameter] {
    let range = SimDuration.milliseconds(1) ... .seconds(86_400)
    let growth = SimDuration.zero ... .seconds(3600)
    let source = "cometbft/cometbft@5bba72c1 config/config.go"
    return [
      Parameter(
        "timeout-propose", .duration(.seconds(3), in: range),
        "How long a validator waits for the proposal of round 0.", source: source),
      Parameter(
        "timeout-propose-delta", .duration(.milliseconds(500), in: growth),
        "How much longer it waits in each further round.", source: source),
      Parameter(
        "timeout-prevote", .duration(.seconds(1), in: range),
        "How long it waits after a quorum of prevotes for different values.", source: source),
      Parameter(
        "timeout-prevote-delta", .duration(.milliseconds(500), in: growth),
        "How much longer in each further round.", source: source),
      Parameter(
        "timeout-precommit", .duration(.seconds(1), in: range),
        "How long it waits after a quorum of precommits for different values.", source: source),
      Parameter(
        "timeout-precommit-delta", .duration(.milliseconds(500), in: growth),
        "How much longer in each further round.", source: source),
      Parameter(
        "timeout-commit", .duration(.seconds(1), in: .zero ... .seconds(86_400)),
        "How long it waits after a decision before the next height.", source: source),
    ]
  }

  private static var recovery: [Parameter] {
    let range = SimDuration.milliseconds(1) ... .seconds(86_400)
    return [
      Parameter(
        "status-interval", .duration(.seconds(2), in: range),
        "A validator that has decided nothing for so long says where it stands.",
        source: "CometBFT: peer_query_maj23_sleep_duration, 2 s"),
      Parameter(
        "sync-timeout", .duration(.seconds(2), in: range),
        "How long a validator waits for decided blocks before it asks another.",
        source: "assumption: some round trips and the transfer"),
      Parameter(
        "sync-window", .count(20, in: 1...1024), "Decided blocks that are sent at once.",
        source: "CometBFT v0.34 blockchain/v0/pool.go: 20 requests to a peer"),
      Parameter(
        "snapshot-interval", .count(100, in: 1...1_000_000),
        "Heights from one snapshot of the state to the next.",
        source: "assumption: some minutes of blocks"),
      Parameter(
        "retained-blocks", .count(400, in: 3...10_000_000),
        "Decided blocks that are kept for those who fall behind.",
        source: "assumption: a few snapshots' worth"),
    ]
  }

  private static var gossip: [Parameter] {
    let range = SimDuration.milliseconds(1) ... .seconds(60)
    return [
      Parameter(
        "dissemination", .choice("direct", of: Dissemination.allCases.map(\.rawValue)),
        "Messages go to all at once, or spread over a graph of peers.",
        source: "direct: the paper's broadcast; CometBFT gossips"),
      Parameter(
        "gossip-degree", .count(20, in: 2...511), "Peers of a node, on average.",
        source: "cometbft/cometbft@5bba72c1 config/config.go: max_num_outbound_peers 10"),
      Parameter(
        "gossip-successors", .count(1, in: 1...511),
        "Of these, the next nodes in a ring; twice as many less one may be faulty.",
        source: "1: nobody is cut off as long as all pass messages on; CometBFT dials at random"),
      Parameter(
        "gossip-sleep", .duration(.milliseconds(100), in: range),
        "How long a peer's routine sleeps when it has nothing to send.",
        source: "cometbft/cometbft@5bba72c1 config/config.go: peer_gossip_sleep_duration"),
      Parameter(
        "gossip-tick", .duration(.milliseconds(10), in: range),
        "How often a node looks which routines are awake.",
        source: "cometbft/cometbft@5bba72c1 config/config.go: flush_throttle_timeout"),
      Parameter(
        "announcement-interval", .duration(.milliseconds(20), in: range),
        "How often votes received are announced to peers.",
        source: "assumption: two flush throttles; CometBFT announces each vote"),
      Parameter(
        "send-rate", .bytes(5_120_000, in: 1...1_000_000_000_000),
        "Bytes a second over a connection.",
        source: "cometbft/cometbft@5bba72c1 config/config.go: send_rate"),
      Parameter(
        "part-bytes", .bytes(65_536, in: 1024...67_108_864), "A part of a block.",
        source: "CometBFT types/params.go: BlockPartSizeBytes"),
      Parameter(
        "vote-work", .duration(.zero, in: .zero ... .seconds(1)),
        "Processor time of a copy of a vote or of its announcement, beside its costs as a message.",
        source: "0: the cost table alone; fitted where a scenario says so"),
      Parameter(
        "part-work", .duration(.zero, in: .zero ... .seconds(1)),
        "Processor time of a copy of a part of a block, beside its costs as a message.",
        source: "0: the cost table alone; fitted where a scenario says so"),
    ]
  }

  private static var sizes: [Parameter] {
    let range = 0...1_000_000
    return [
      .header("Kind, height, round, sender"),
      .digest(),
      .signature(),
      .number,
      Parameter(
        "transaction-bytes", .bytes(4, in: range), "What a transaction carries besides itself.",
        source: "assumption: its length and a tag"),
    ] + Parameter.state
  }

  public static func problem(with values: ParameterValues, nodes: Int) -> String? {
    let validators = nodes - values.count("full-nodes")
    guard validators >= 4 else {
      return "Tendermint needs at least 4 validators beside its full nodes"
    }
    return settings(values, validators: validators).problem(n: validators)
  }

  private static func settings(_ values: ParameterValues, validators: Int) -> Settings {
    Settings(values, .blank(n: validators))
  }

  public static func roles(_ values: ParameterValues, nodes: Int) -> Roles {
    let fullNodes = values.count("full-nodes")
    let committee = Committee(n: max(nodes - fullNodes, 1))
    var roles = Roles(committee)
    roles.tolerated = settings(values, validators: committee.n).tolerated(n: committee.n)
    roles.members = nodes
    roles.executions = committee.n - committee.f
    roles.contacts = 0..<(values.choice("gateway") == "first" ? 1 : committee.n)
    roles.usesGateways = true
    return roles
  }

  public init(_ values: ParameterValues, _ context: ReplicaContext) {
    self.init(
      me: context.me, committee: context.committee, settings: Settings(values, context),
      seed: context.seed)
  }
}

extension Tendermint.Settings {
  init(_ values: ParameterValues, _ context: ReplicaContext) {
    func timeout(_ name: String) -> Tendermint.Timeout {
      Tendermint.Timeout(
        values.duration("timeout-\(name)"), delta: values.duration("timeout-\(name)-delta"))
    }
    self.init(
      blockTransactions: values.count("block-transactions"),
      blockBytes: values.bytes("block-bytes"), proposesEmpty: values.flag("empty-blocks"),
      propose: timeout("propose"), prevote: timeout("prevote"),
      precommit: timeout("precommit"), commitTimeout: values.duration("timeout-commit"),
      statusInterval: values.duration("status-interval"),
      syncTimeout: values.duration("sync-timeout"), syncWindow: values.count("sync-window"),
      snapshotInterval: values.count("snapshot-interval"),
      retained: values.count("retained-blocks"), powerRatio: values.count("power-ratio"),
      fullNodes: values.count("full-nodes"),
      dissemination: Tendermint.Dissemination(rawValue: values.choice("dissemination"))
        ?? .direct,
      gossip: Tendermint.Gossip(
        degree: values.count("gossip-degree"), successors: values.count("gossip-successors"),
        sleep: values.duration("gossip-sleep"),
        tick: values.duration("gossip-tick"),
        announcement: values.duration("announcement-interval"), rate: values.bytes("send-rate"),
        part: values.bytes("part-bytes"), voteWork: values.duration("vote-work"),
        partWork: values.duration("part-work")),
      isDurable: values.flag("durable"), mempool: context.mempool.capacity,
      eviction: context.mempool.eviction,
      sizes: Tendermint.Sizes(
        header: values.bytes("header-bytes"), digest: values.bytes("digest-bytes"),
        signature: values.bytes("signature-bytes"), number: values.bytes("number-bytes"),
        transaction: values.bytes("transaction-bytes"),
        stateFixed: values.bytes("state-bytes"),
        statePerTransaction: values.bytes("state-bytes-per-transaction")),
      costs: context.costs, populations: context.mempool.populations)
    weakness = values.weakness(of: Tendermint.Weakness.names)
  }
}
