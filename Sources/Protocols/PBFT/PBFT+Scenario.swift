import Consensus
import Kernel
import Ledger
import Machines

/// PBFT as a scenario names it: its settings with defaults, ranges and sources.
extension PBFT: ScenarioProtocol {
  public static var parameters: [Parameter] {
    ordering + recovery + sizes + [.weakness(Weakness.names.map(\.name))]
  }

  private static var ordering: [Parameter] {
    [
      Parameter(
        "batch", .count(400, in: 1...1_000_000), "Requests in a batch, at most.",
        source: "Yin et al., PODC '19, §6: 400 commands"),
      Parameter(
        "batch-bytes", .bytes(4_194_304, in: 1...1_000_000_000),
        "Bytes of a batch, at most; a larger request goes alone.",
        source: "CometBFT: blocks of 4 MB in its test nets"),
      Parameter(
        "batch-timeout", .duration(.milliseconds(100), in: .zero ... .seconds(3600)),
        "How long the primary waits for a batch to fill; 0 proposes whenever there is room.",
        source: "asonnino/hotstuff benchmark: batch delay 100 ms"),
      Parameter(
        "pipeline", .count(16, in: 1...65_535),
        "Slots proposed and not yet executed by the primary, at most.",
        source: "assumption: covers a round trip of any region pair at LAN batch times"),
      Parameter(
        "authentication", .choice("macs", of: Authentication.allCases.map(\.rawValue)),
        "Signatures on every message, or authenticators of one MAC a replica.",
        source: "Castro & Liskov, OSDI '99, §5"),
      .verifyRequests(true, source: "Castro & Liskov, OSDI '99, §4.1"),
      .skipLateVotes(false, source: "off: as the paper has it"),
      .durableVotes(source: "off: the paper's replicas keep their log in memory"),
    ]
  }

  private static var recovery: [Parameter] {
    [
      Parameter(
        "checkpoint", .count(128, in: 1...65_535), "Slots from one checkpoint to the next (K).",
        source: "Castro & Liskov, OSDI '99, §7: every 128 requests"),
      Parameter(
        "window", .count(256, in: 1...65_535), "Slots between the water marks (L).",
        source: "Castro & Liskov, OSDI '99, §4.3: L twice K"),
      Parameter(
        "view-timeout", .duration(.seconds(2), in: .milliseconds(1) ... .seconds(86_400)),
        "How long a backup waits for a request, or for a new view; it doubles each time.",
        source: "assumption: several round trips of the slowest region pair"),
      Parameter(
        "status-interval", .duration(.milliseconds(500), in: .milliseconds(1) ... .seconds(86_400)),
        "A replica that has executed nothing for so long tells the others what it has.",
        source: "assumption; Castro, thesis 2001, §5.2 uses a status timer"),
      Parameter(
        "transfer-timeout", .duration(.seconds(1), in: .milliseconds(1) ... .seconds(86_400)),
        "How long a replica waits for a state before it asks another.",
        source: "assumption: a few round trips and the transfer"),
    ]
  }

  private static var sizes: [Parameter] {
    let range = 0...1_000_000
    return [
      .header("Kind, view, number, sender"),
      .number,
      .digest(),
      .signature(),
      Parameter(
        "mac-bytes", .bytes(8, in: range), "One MAC.",
        source: "Castro & Liskov, OSDI '99, §5: UMAC32 of 64 bits"),
      .request(24, source: "assumption: client, timestamp, MAC"),
    ] + Parameter.state
  }

  public static func problem(with values: ParameterValues, nodes: Int) -> String? {
    Settings(values, .blank(n: nodes)).problem(n: nodes)
  }

  public init(_ values: ParameterValues, _ context: ReplicaContext) {
    self.init(
      me: context.me, committee: context.committee, settings: Settings(values, context))
  }
}

extension PBFT.Settings {
  init(_ values: ParameterValues, _ context: ReplicaContext) {
    self.init(
      batchRequests: values.count("batch"), batchBytes: values.bytes("batch-bytes"),
      batchTimeout: values.duration("batch-timeout"), pipeline: values.count("pipeline"),
      checkpointInterval: values.count("checkpoint"), window: values.count("window"),
      viewTimeout: values.duration("view-timeout"),
      statusInterval: values.duration("status-interval"),
      transferTimeout: values.duration("transfer-timeout"),
      authentication: PBFT.Authentication(rawValue: values.choice("authentication")) ?? .macs,
      verifiesRequests: values.flag("verify-requests"),
      skipsLateVotes: values.flag("skip-late-votes"), isDurable: values.flag("durable"),
      mempool: context.mempool.capacity, eviction: context.mempool.eviction,
      sizes: PBFT.Sizes(
        header: values.bytes("header-bytes"), number: values.bytes("number-bytes"),
        digest: values.bytes("digest-bytes"), signature: values.bytes("signature-bytes"),
        mac: values.bytes("mac-bytes"), request: values.bytes("request-bytes"),
        stateFixed: values.bytes("state-bytes"),
        statePerTransaction: values.bytes("state-bytes-per-transaction")),
      costs: context.costs, populations: context.mempool.populations)
    weakness = values.weakness(of: PBFT.Weakness.names)
  }
}
