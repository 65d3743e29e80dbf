import Consensus
import Kernel
import Ledger
import Machines

/// Snowman as a scenario names it: its settings with defaults, ranges and sources.
extension Snowman: ScenarioProtocol {
  public static var parameters: [Parameter] {
    sampling + building + fetching + sizes + [.weakness(Weakness.names.map(\.name))]
  }

  private static var sampling: [Parameter] {
    let source = "avalanchego snow/consensus/snowball/parameters.go DefaultParameters"
    return [
      Parameter("sample", .count(20, in: 1...511), "Replicas asked in a poll: k.", source: source),
      Parameter(
        "alpha-preference", .count(15, in: 1...511), "Answers that move a preference.",
        source: source),
      Parameter(
        "alpha-confidence", .count(15, in: 1...511), "Answers that count towards a decision.",
        source: source),
      Parameter(
        "beta", .count(20, in: 1...1000), "Successful polls in a row that decide.",
        source: source),
      Parameter(
        "concurrent-polls", .count(4, in: 1...16), "Polls open at a time, per replica.",
        source: source),
      Parameter(
        "optimal-processing", .count(10, in: 1...1000),
        "Undecided blocks on which a replica still builds another.", source: source),
      Parameter(
        "query-timeout", .duration(.seconds(2), in: .milliseconds(1) ... .seconds(3600)),
        "How long a poll waits for answers.",
        source: "avalanchego network-minimum-timeout 2 s; there it adapts to observed delays"),
    ]
  }

  private static var building: [Parameter] {
    let window = "avalanchego vms/proposervm"
    return [
      Parameter(
        "block-delay", .duration(.seconds(1), in: .zero ... .seconds(3600)),
        "From one block's time to the next's, at least; whole milliseconds.",
        source: "\(window): DefaultMinBlockDelay"),
      Parameter(
        "proposer-window", .duration(.seconds(5), in: .zero ... .seconds(3600)),
        "What each place on a height's list of proposers waits longer; 0: no list, who has "
          + "transactions builds.", source: "\(window)/proposer: WindowDuration"),
      Parameter(
        "proposers", .count(6, in: 1...16), "Length of that list; all others come after it.",
        source: "\(window)/proposer: MaxVerifyWindows"),
      .clockTolerance(.seconds(10), source: "\(window): maxSkew"),
      Parameter(
        "block", .count(714, in: 1...1_000_000), "Transactions in a block, at most.",
        source: "Avalanche C-Chain: 15 Mgas a block, 21,000 gas a transfer"),
      .blockBytes(2_097_152, source: "avalanchego constants: DefaultMaxMessageSize 2 MiB"),
      .verifyTransactions(source: "Avalanche: transactions are signed by their senders"),
      Parameter(
        "durable", .flag(true), "Accepted blocks are on the disk before what rests on them leaves.",
        source: "avalanchego commits each accepted block to its database"),
    ]
  }

  private static var fetching: [Parameter] {
    [
      Parameter(
        "fetch-timeout", .duration(.seconds(2), in: .milliseconds(1) ... .seconds(3600)),
        "How long a replica waits for a block that it asked for, before it asks another.",
        source: "as query-timeout"),
      Parameter(
        "gossip-interval", .duration(.seconds(10), in: .milliseconds(1) ... .seconds(86_400)),
        "From one question for somebody's frontier to the next, while nothing is undecided.",
        source: "avalanchego consensus-gossip-frequency 10 s"),
      Parameter(
        "retained-blocks", .count(256, in: 1...65_535),
        "Accepted blocks kept for others; who lacks more takes the state.",
        source: "assumption: avalanchego keeps all, and has state sync for who is far behind"),
    ]
  }

  private static var sizes: [Parameter] {
    let range = 0...1_000_000
    return [
      Parameter(
        "header-bytes", .bytes(112, in: range), "Kind, chain, request number, and framing.",
        source: "assumption: 40 B TCP/IP, 29 B TLS, 43 B of the p2p message with its chain id"),
      .digest(),
      Parameter(
        "block-header-bytes", .bytes(2000, in: range),
        "A block without transactions: certificate and signature of its maker, header.",
        source: "assumption: 1,300 B certificate, 256 B signature, 450 B of headers"),
    ] + Parameter.state
  }

  public static func problem(with values: ParameterValues, nodes: Int) -> String? {
    if let problem = problem(settings(values, nodes: nodes), n: nodes) { return problem }
    let half = (nodes + 1) / 2
    if values.duration("proposer-window") == .zero, values.count("alpha-preference") > half {
      return "without lists of proposers (proposer-window: 0) alpha-preference must be at most "
        + "\(half), half of \(nodes) replicas: else two blocks that half of them prefer each "
        + "stand against each other for ever"
    }
    return nil
  }

  private static func settings(_ values: ParameterValues, nodes: Int) -> Settings {
    Settings(values, .blank(n: max(nodes, 1)))
  }

  /// Clients talk to a node of their own. What f means is in `tolerated`.
  public static func roles(_ values: ParameterValues, nodes: Int) -> Roles {
    var roles = Roles(Committee(n: nodes))
    roles.tolerated = tolerated(settings(values, nodes: nodes), n: nodes)
    roles.executions = nodes - roles.tolerated
    roles.replyQuorum = roles.tolerated + 1
    roles.usesGateways = true
    return roles
  }

  public static func finality(_ values: ParameterValues) -> FinalityRule {
    .sampling(
      sample: values.count("sample"), alphaPreference: values.count("alpha-preference"),
      alphaConfidence: values.count("alpha-confidence"), beta: values.count("beta"))
  }

  public init(_ values: ParameterValues, _ context: ReplicaContext) {
    self.init(
      me: context.me, committee: context.committee, settings: Settings(values, context))
  }
}
