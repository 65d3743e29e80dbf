import Consensus
import Kernel
import Ledger
import Machines

/// HotStuff and Jolteon as a scenario names them: settings with defaults, ranges and sources.
extension ChainedHotStuff: ScenarioProtocol {
  public static var parameters: [Parameter] {
    ordering + dissemination + recovery + sizes
      + [.weakness(HotStuffSettings.Weakness.names.map(\.name))]
  }

  private static var isLinear: Bool { Rule.chains == 3 }

  private static var ordering: [Parameter] {
    [
      Parameter(
        "batch", .count(400, in: 1...10_000_000),
        "Requests in a block, or in a batch where those are spread ahead, at most.",
        source: "Yin et al., PODC '19, §6: 400 commands"),
      Parameter(
        "batch-bytes", .bytes(500_000, in: 1...1_000_000_000),
        "Bytes of a block's requests or of a batch, at most; a larger request goes alone.",
        source: "asonnino/hotstuff benchmark: batch size 500 kB"),
      Parameter(
        "batch-timeout",
        .duration(isLinear ? .zero : .milliseconds(100), in: .zero ... .seconds(3600)),
        "How long a leader, or the maker of a batch, waits for it to fill; 0 waits for nothing.",
        source: isLinear
          ? "off: a leader proposes what it has" : "asonnino/hotstuff benchmark: batch delay 100 ms"
      ),
      Parameter(
        "idle-interval",
        .duration(isLinear ? .milliseconds(200) : .zero, in: .zero ... .seconds(3600)),
        "A leader with nothing to propose waits so long before an empty block.",
        source: isLinear
          ? "assumption: a fraction of the view timeout, so that an idle leader is no suspect"
          : "asonnino/hotstuff: blocks follow each other without pause"),
      Parameter(
        "leader", .choice(isLinear ? "stable" : "rotating", of: ["stable", "rotating"]),
        "Stable: a leader stays until its view times out; rotating: the next in turn follows.",
        source: isLinear
          ? "libhotstuff's evaluation: a fixed proposer until it fails"
          : "Gelashvili et al., FC '22, §2: round robin"),
      Parameter(
        "leader-views", .count(1, in: 1...1_048_576),
        "Views in a row of a rotating leader.", source: "PODC '19, FC '22: each view has its own"),
      Parameter(
        "certificates", .choice("list", of: HotStuffSettings.Certificates.allCases.map(\.rawValue)),
        "Certificates list a quorum's signatures, or hold one aggregate.",
        source: "libhotstuff and asonnino/hotstuff: lists"),
      .verifyRequests(
        false, source: "off: libhotstuff's and Jolteon's evaluations do not"),
      .skipLateVotes(true, source: "asonnino/hotstuff: votes of past rounds are dropped first"),
      .durableVotes(source: "off: libhotstuff keeps its state in memory"),
    ]
  }

  private static var dissemination: [Parameter] {
    [
      Parameter(
        "mempool-dissemination",
        .choice(
          isLinear ? "none" : "acknowledged",
          of: HotStuffSettings.Dissemination.allCases.map(\.rawValue)),
        "none: proposals carry requests; else they name batches that their makers have sent all, "
          + "and that a quorum has acknowledged to the maker, or not (broadcast).",
        source: isLinear ? "Yin et al., PODC '19" : "Gelashvili et al., FC '22, §6"),
      Parameter(
        "block-batches", .count(1000, in: 1...1_000_000), "Batches named by a block, at most.",
        source: "asonnino/hotstuff: all that are known"),
    ]
  }

  private static var recovery: [Parameter] {
    [
      Parameter(
        "view-timeout",
        .duration(.seconds(isLinear ? 2 : 5), in: .milliseconds(1) ... .seconds(86_400)),
        "How long a view may take.",
        source: isLinear
          ? "assumption: several round trips of the slowest region pair"
          : "asonnino/hotstuff benchmark: timeout delay 5 s"),
      Parameter(
        "timeout-doublings", .count(isLinear ? 16 : 0, in: 0...20),
        "How often views that fail in a row double the timeout.",
        source: isLinear
          ? "Yin et al., PODC '19, §7: exponential back-off" : "asonnino/hotstuff: constant"),
      Parameter(
        "sync-interval", .duration(.seconds(1), in: .milliseconds(1) ... .seconds(86_400)),
        "What is missing is asked for again after so long, of another replica.",
        source: "assumption: a few round trips; asonnino/hotstuff waits 10 s"),
      Parameter(
        "window", .count(256, in: 1...65_535), "Committed blocks kept for replicas behind.",
        source: "assumption: twice the checkpoint interval, as PBFT has it"),
      Parameter(
        "checkpoint", .count(128, in: 1...65_535), "Blocks from one snapshot to the next.",
        source: "assumption: as Castro & Liskov, OSDI '99"),
    ]
  }

  private static var sizes: [Parameter] {
    let range = 0...1_000_000
    return [
      .header("Kind, view, sender"),
      .number,
      .digest(),
      .signature(source: "Ed25519, secp256k1"),
      Parameter(
        "signer-bytes", .bytes(32, in: range), "Who signed, in a list of signatures.",
        source: "asonnino/hotstuff: the public key"),
      .request(8, source: "asonnino/hotstuff: a length"),
    ] + Parameter.state
  }

  public static func problem(with values: ParameterValues, nodes: Int) -> String? {
    if values.choice("leader") == "stable", values.count("leader-views") != 1 {
      return "leader-views belongs to a rotating leader"
    }
    return HotStuffSettings(values, .blank(n: nodes)).problem(n: nodes)
  }

  /// A decision needs certificates of as many views in a row as the rule has chains, and one view
  /// more, whose leader collects the votes for the last of them. If f leaders who are down stand
  /// evenly in the turn, ceil((n - f) / f) others follow each other.
  public static func warning(on values: ParameterValues, nodes: Int) -> String? {
    let f = Committee(n: nodes).f
    guard values.choice("leader") == "rotating", f > 0 else { return nil }
    let inRow = (nodes - f + f - 1) / f * values.count("leader-views")
    let needed = Rule.chains + 1
    guard inRow < needed else { return nil }
    return "a decision needs \(needed) views of correct leaders in a row; when \(f) of \(nodes) "
      + "replicas are down there may be no more than \(inRow), and nothing is decided then: "
      + "leader-views \((needed + inRow - 1) / inRow) or a stable leader would do"
  }

  public static func roles(_ values: ParameterValues, nodes: Int) -> Roles {
    var roles = Roles(Committee(n: nodes))
    if values.choice("leader") == "rotating" {
      roles.tolerated = tolerated(
        roles.committee, leaderViews: values.count("leader-views"))
    }
    roles.usesGateways =
      values.choice("mempool-dissemination") != "none" || values.choice("leader") == "rotating"
    return roles
  }

  /// Replicas that may be faulty, whichever they are, though leaders rotate: a decision takes as
  /// many views in a row with correct leaders as it has certificates, and one for the votes of the
  /// last. t faulty ones leave somewhere at least (n - t) / t correct leaders in a row.
  static func tolerated(_ committee: Committee, leaderViews: Int) -> Int {
    var most = committee.f
    while most > 0, (committee.n - 1) / most * leaderViews <= Rule.chains { most -= 1 }
    return most
  }

  public init(_ values: ParameterValues, _ context: ReplicaContext) {
    self.init(
      me: context.me, committee: context.committee, settings: HotStuffSettings(values, context))
  }
}

extension HotStuffSettings {
  init(_ values: ParameterValues, _ context: ReplicaContext) {
    self.init(
      batchRequests: values.count("batch"), batchBytes: values.bytes("batch-bytes"),
      batchTimeout: values.duration("batch-timeout"),
      idleInterval: values.duration("idle-interval"),
      leaderViews: values.choice("leader") == "stable"
        ? HotStuffSettings.stableViews : values.count("leader-views"),
      viewTimeout: values.duration("view-timeout"), doublings: values.count("timeout-doublings"),
      syncInterval: values.duration("sync-interval"), window: values.count("window"),
      checkpointInterval: values.count("checkpoint"),
      dissemination: Dissemination(rawValue: values.choice("mempool-dissemination")) ?? .none,
      blockBatches: values.count("block-batches"),
      certificates: Certificates(rawValue: values.choice("certificates")) ?? .list,
      verifiesRequests: values.flag("verify-requests"),
      skipsLateVotes: values.flag("skip-late-votes"), isDurable: values.flag("durable"),
      mempool: context.mempool.capacity, eviction: context.mempool.eviction,
      sizes: Sizes(
        header: values.bytes("header-bytes"), number: values.bytes("number-bytes"),
        digest: values.bytes("digest-bytes"), signature: values.bytes("signature-bytes"),
        signer: values.bytes("signer-bytes"), request: values.bytes("request-bytes"),
        stateFixed: values.bytes("state-bytes"),
        statePerTransaction: values.bytes("state-bytes-per-transaction")),
      costs: context.costs, populations: context.mempool.populations)
    weakness = values.weakness(of: Weakness.names)
  }
}
