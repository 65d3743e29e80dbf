import Consensus
import Kernel
import Ledger
import Machines

/// Algorand as a scenario names it: its settings with defaults, ranges and sources.
extension Algorand: ScenarioProtocol {
  public static var parameters: [Parameter] {
    committees + timeouts + ledger + sizes
      + [.weakness(AlgorandSettings.Weakness.names.map(\.name))]
  }

  private static var code: String { "go-algorand, config/consensus.go" }

  private static let committeeNames: [(name: String, size: Int, threshold: Int)] = [
    ("soft", 2990, 2267), ("cert", 1500, 1112), ("next", 5000, 3838), ("late", 500, 320),
    ("redo", 2400, 1768), ("down", 6000, 4560),
  ]

  private static var committees: [Parameter] {
    let range = 1...1_000_000_000
    return [
      Parameter(
        "proposers", .count(20, in: range), "Expected votes of the proposers.", source: code)
    ]
      + committeeNames.flatMap { name, size, threshold in
        [
          Parameter(
            "\(name)-committee", .count(size, in: range),
            "Expected votes of the \(name) step's committee.", source: code),
          Parameter(
            "\(name)-threshold", .count(threshold, in: range),
            "Votes of the \(name) step that make a bundle.", source: code),
        ]
      } + [
        Parameter(
          "stake", .count(10_000_000_000, in: 4...1_000_000_000_000_000),
          "Units of stake of all accounts together.", source: "Algorand: 10 billion Algos"),
        Parameter(
          "stake-exponent", .fraction(0, in: 0...4),
          "Account number i has stake in proportion to i to the power of minus this.",
          source: "assumption: equal stakes"),
      ]
  }

  private static var timeouts: [Parameter] {
    let range = SimDuration.milliseconds(1) ... .seconds(100)
    return [
      Parameter(
        "filter-timeout", .duration(.seconds(3), in: range),
        "When period 0 soft-votes, after its begin.", source: code + ", v38"),
      Parameter(
        "deadline-timeout", .duration(.seconds(4), in: range),
        "When period 0 gives up, after its begin.", source: code + ", v39"),
      Parameter(
        "lambda", .duration(.seconds(2), in: range),
        "Later periods soft-vote after twice this; steps back off in multiples of it.",
        source: code),
      Parameter(
        "big-lambda", .duration(.seconds(15), in: .milliseconds(1) ... .seconds(10_000)),
        "Later periods give up after this and lambda.", source: code),
      Parameter(
        "fast-recovery", .duration(.seconds(300), in: .milliseconds(1) ... .seconds(1_000_000)),
        "Time between attempts at fast recovery.", source: code),
      Parameter(
        "adaptive-filter", .flag(false),
        "The filter timeout of period 0 follows the arrival of the least credentials.",
        source: "off: a constant timeout; go-algorand adapts it since v40"),
      Parameter(
        "filter-bound", .duration(.milliseconds(2500), in: range),
        "The filter timeout does not adapt below this.", source: code),
      Parameter(
        "filter-grace", .duration(.milliseconds(50), in: .zero ... .seconds(100)),
        "What the adaptive filter timeout allows beyond the arrivals seen.",
        source: "go-algorand, agreement/dynamicFilterTimeoutParams.go"),
      .syncTimeout,
    ]
  }

  private static var ledger: [Parameter] {
    let proofs = SimDuration.zero ... .seconds(10)
    return [
      Parameter(
        "block", .count(25_000, in: 1...10_000_000), "Transactions in a block, at most.",
        source: "assumption: 5 MiB of payments of 200 B and more; bytes bind first"),
      .blockBytes(5_242_880, source: code),
      .verifyTransactions(source: "Algorand: transactions are signed by their senders"),
      Parameter(
        "durable", .flag(false),
        "Votes and blocks are on the disk before what rests on them leaves.",
        source: "off: the specification asks for it; no disk is modelled by default"),
      .keptBlocks(source: "assumption: plain nodes keep 1000 blocks, and sync from catchpoints"),
      Parameter(
        "prove", .duration(.nanoseconds(83_124), in: proofs),
        "Evaluating the lottery of a step, with its proof.",
        source: "assumption: 3 times an Ed25519 signature; no measurement"),
      Parameter(
        "check-proof", .duration(.nanoseconds(132_076), in: proofs), "Checking a credential.",
        source: "assumption: twice an Ed25519 verification; no measurement"),
    ]
  }

  private static var sizes: [Parameter] {
    let range = 0...1_000_000
    return [
      Parameter(
        "header-bytes", .bytes(60, in: range), "Kind, round, sender, and framing.",
        source: "assumption: 40 B TCP/IP, 6 B WebSocket, tag and numbers"),
      Parameter(
        "vote-bytes", .bytes(500, in: range), "A vote with its credential.",
        source: "assumption: VRF proof 80 B, one-time signature 256 B, address, value, names"),
      Parameter(
        "block-header-bytes", .bytes(600, in: range), "A block without transactions.",
        source: "assumption: header, seed proof, original proposer"),
    ] + Parameter.state
  }

  /// Clients talk to a node of their own, which passes transactions on. Thresholds are some 76 % of
  /// the stake: with more than a fifth of it away, periods seldom succeed.
  public static func roles(_ values: ParameterValues, nodes: Int) -> Roles {
    var roles = Roles(Committee(n: nodes))
    roles.usesGateways = true
    roles.tolerated = settings(values, nodes: nodes).tolerated(n: nodes)
    return roles
  }

  public static func problem(with values: ParameterValues, nodes: Int) -> String? {
    settings(values, nodes: nodes).problem(n: nodes)
  }

  private static func settings(_ values: ParameterValues, nodes: Int) -> AlgorandSettings {
    AlgorandSettings(values, .blank(n: nodes))
  }

  public init(_ values: ParameterValues, _ context: ReplicaContext) {
    self.init(
      me: context.me, committee: context.committee,
      settings: AlgorandSettings(values, context))
  }
}

extension AlgorandSettings {
  init(_ values: ParameterValues, _ context: ReplicaContext) {
    func seats(_ name: String) -> Committees.Seats {
      (values.count("\(name)-committee"), values.count("\(name)-threshold"))
    }
    self.init(
      committees: Committees(
        proposers: values.count("proposers"), soft: seats("soft"), cert: seats("cert"),
        next: seats("next"), late: seats("late"), redo: seats("redo"), down: seats("down")),
      totalStake: values.count("stake"), stakeExponent: values.fraction("stake-exponent"),
      filterTimeout: values.duration("filter-timeout"),
      deadlineTimeout: values.duration("deadline-timeout"), lambda: values.duration("lambda"),
      bigLambda: values.duration("big-lambda"), fastRecovery: values.duration("fast-recovery"),
      adaptsFilter: values.flag("adaptive-filter"),
      dynamicFilterBound: values.duration("filter-bound"),
      dynamicFilterGrace: values.duration("filter-grace"),
      blockTransactions: values.count("block"), blockBytes: values.bytes("block-bytes"),
      syncTimeout: values.duration("sync-timeout"), window: values.count("window"),
      verifiesRequests: values.flag("verify-requests"), isDurable: values.flag("durable"),
      prove: values.duration("prove"), checkProof: values.duration("check-proof"),
      mempool: context.mempool.capacity, eviction: context.mempool.eviction,
      sizes: Sizes(
        header: values.bytes("header-bytes"), vote: values.bytes("vote-bytes"),
        block: values.bytes("block-header-bytes"), stateFixed: values.bytes("state-bytes"),
        statePerTransaction: values.bytes("state-bytes-per-transaction")),
      costs: context.costs, populations: context.mempool.populations, genesis: context.seed)
    weakness = values.weakness(of: Weakness.names)
  }
}
