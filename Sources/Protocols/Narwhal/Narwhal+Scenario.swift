import Consensus
import Kernel
import Ledger
import Machines

/// Narwhal as a scenario names it: its settings with defaults, ranges and sources.
extension Narwhal: ScenarioProtocol {
  public static var parameters: [Parameter] {
    workerParameters + dagParameters + sizeParameters
      + [.weakness(NarwhalSettings.Weakness.names.map(\.name))]
  }

  private static var reference: String { "asonnino/narwhal@f5145b72 config/src/lib.rs" }
  private static var seconds: ClosedRange<SimDuration> {
    .milliseconds(1) ... .seconds(86_400)
  }

  private static var workerParameters: [Parameter] {
    let placements = NarwhalSettings.Placement.allCases.map(\.rawValue)
    return [
      Parameter(
        "workers", .count(1, in: 1...16), "Workers of each validator.",
        source: "Danezis et al., EuroSys '22, §7: 1, 4, 7 and 10"),
      Parameter(
        "placement", .choice(placements[0], of: placements),
        "Workers on their primary's machine, or each on one of its own: n (1 + workers) nodes.",
        source: "Danezis et al., EuroSys '22, §7: collocated where there is one worker"),
      Parameter(
        "batch-bytes", .bytes(500_000, in: 1...1_000_000_000),
        "A worker seals a batch of so many bytes.", source: reference),
      Parameter(
        "batch-delay", .duration(.milliseconds(100), in: .milliseconds(1) ... .seconds(3600)),
        "A worker seals what waits after so long.", source: reference),
      Parameter(
        "request-work", .duration(.zero, in: .zero ... .seconds(1)),
        "Processor time of a client's request at its worker, beside the cost table's.",
        source: "none: the cost table's"),
    ]
  }

  private static var dagParameters: [Parameter] {
    [
      Parameter(
        "header-bytes", .bytes(1000, in: 1...1_000_000),
        "A primary makes a header when the digests that wait have so many bytes.",
        source: reference),
      Parameter(
        "header-delay", .duration(.milliseconds(100), in: .milliseconds(1) ... .seconds(3600)),
        "A primary makes a header after so long.", source: reference),
      Parameter(
        "leader-timeout", .duration(.seconds(5), in: seconds),
        "How long a round waits for the leader's vertex, or the votes for it (Bullshark).",
        source: "asonnino/narwhal, branch bullshark: header delay of 5 s in its benchmark"),
      Parameter(
        "gc-depth", .count(50, in: 4...4096), "Rounds behind the last leader that are kept.",
        source: reference),
      Parameter(
        "sync-retry", .duration(.seconds(5), in: seconds),
        "What is missing is asked for again so often.", source: reference),
      Parameter(
        "sync-nodes", .count(3, in: 1...511), "How many others are asked again.",
        source: reference),
      Parameter(
        "batch-verification", .fraction(0.5, in: 0...1),
        "Verifying a vote together with others takes this share of verifying it alone.",
        source: "Bernstein et al., CHES '11: batches of Ed25519 take about half of the time"),
      Parameter(
        "store-work", .duration(.zero, in: .zero ... .seconds(1)),
        "Processor time of storing a header or certificate, ahead of the lane.",
        source: "none: the cost table's"),
      Parameter(
        "durable", .flag(false),
        "Batches, headers, votes and certificates are on the disk before what needs them leaves.",
        source: "off: the reference's store does not flush"),
    ]
  }

  private static var sizeParameters: [Parameter] {
    let range = 0...1_000_000
    return [
      Parameter(
        "message-bytes", .bytes(60, in: range), "Kind and framing.",
        source: "assumption: 40 B TCP/IP and 20 B of fields"),
      Parameter(
        "number-bytes", .bytes(8, in: range), "A round, or one more number.",
        source: "a 64-bit integer"),
      .digest(source: reference),
      .signature(),
      Parameter("key-bytes", .bytes(32, in: range), "A public key.", source: "Ed25519"),
      .request(8, source: "bincode: a length of 8 B"),
    ] + Parameter.state
  }

  private static func validators(_ values: ParameterValues, nodes: Int) -> Int {
    values.choice("placement") == NarwhalSettings.Placement.collocated.rawValue
      ? nodes : nodes / (1 + values.count("workers"))
  }

  public static func problem(with values: ParameterValues, nodes: Int) -> String? {
    let n = validators(values, nodes: nodes)
    let each = 1 + values.count("workers")
    if n != nodes, n * each != nodes {
      return "a validator is \(each) machines with its workers, so that \(nodes) nodes do not "
        + "divide"
    }
    guard n >= 4 else { return "Narwhal needs at least 4 validators, not \(n)" }
    return NarwhalSettings(values, .blank(n: n)).problem(n: n)
  }

  /// Primaries vote and execute; clients talk to workers, each to one of its own.
  public static func roles(_ values: ParameterValues, nodes: Int) -> Roles {
    let n = validators(values, nodes: nodes)
    var roles = Roles(Committee(n: n))
    roles.contacts = n == nodes ? 0..<n : n..<nodes
    roles.usesGateways = true
    return roles
  }

  public init(_ values: ParameterValues, _ context: ReplicaContext) {
    self.init(
      me: context.me, committee: context.committee, settings: NarwhalSettings(values, context))
  }
}

extension NarwhalSettings {
  init(_ values: ParameterValues, _ context: ReplicaContext) {
    self.init(
      workers: values.count("workers"),
      placement: Placement(rawValue: values.choice("placement")) ?? .collocated,
      batchBytes: values.bytes("batch-bytes"), batchDelay: values.duration("batch-delay"),
      headerBytes: values.bytes("header-bytes"), headerDelay: values.duration("header-delay"),
      gcDepth: values.count("gc-depth"), retryDelay: values.duration("sync-retry"),
      retryNodes: values.count("sync-nodes"),
      leaderTimeout: values.duration("leader-timeout"),
      batchVerification: values.fraction("batch-verification"),
      storeWork: values.duration("store-work"), requestWork: values.duration("request-work"),
      isDurable: values.flag("durable"), mempool: context.mempool.capacity,
      eviction: context.mempool.eviction,
      sizes: Sizes(
        header: values.bytes("message-bytes"), number: values.bytes("number-bytes"),
        digest: values.bytes("digest-bytes"), signature: values.bytes("signature-bytes"),
        key: values.bytes("key-bytes"), request: values.bytes("request-bytes"),
        stateFixed: values.bytes("state-bytes"),
        statePerTransaction: values.bytes("state-bytes-per-transaction")),
      costs: context.costs, populations: context.mempool.populations, seed: context.seed)
    weakness = values.weakness(of: Weakness.names)
  }
}

/// Narwhal ordered by Tusk.
public typealias Tusk = Narwhal<TuskRule>
/// Narwhal ordered by Bullshark.
public typealias Bullshark = Narwhal<BullsharkRule>
