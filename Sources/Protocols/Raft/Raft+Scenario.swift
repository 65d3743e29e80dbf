import Consensus
import Kernel
import Ledger
import Machines

/// Raft as a scenario names it: its settings with defaults, ranges and sources.
extension Raft: ScenarioProtocol {
  public static var parameters: [Parameter] {
    timing + sizes + [.weakness(Weakness.names.map(\.name))]
  }

  private static var timing: [Parameter] {
    let span = SimDuration.milliseconds(1) ... .seconds(86_400)
    return [
      Parameter(
        "batch", .count(400, in: 1...1_000_000), "Commands in an entry, at most.",
        source: "as the other protocols: Yin et al., PODC '19, §6"),
      Parameter(
        "batch-bytes", .bytes(1_048_576, in: 1...1_000_000_000), "Bytes of an entry, at most.",
        source: "etcd: max size per message 1 MiB"),
      Parameter(
        "batch-timeout", .duration(.zero, in: .zero ... .seconds(3600)),
        "How long the leader waits for a batch to fill; 0 appends whenever there is room.",
        source: "etcd does not wait"),
      Parameter(
        "pipeline", .count(512, in: 1...65_535), "Entries appended and not committed, at most.",
        source: "etcd: max inflight messages 512"),
      Parameter(
        "heartbeat-interval", .duration(.milliseconds(100), in: span),
        "Time between heartbeats of a leader.", source: "etcd.conf.yml.sample: 100 ms"),
      Parameter(
        "election-timeout", .duration(.seconds(1), in: span),
        "T: without a leader for a time drawn from [T, 2T), a server begins an election.",
        source: "etcd.conf.yml.sample: 1000 ms"),
      Parameter(
        "pre-vote", .flag(true),
        "A server asks whether it could win before it begins a term, and heeds a live leader.",
        source: "etcd: pre-vote true; Ongaro, thesis 2014, §9.6"),
      Parameter(
        "snapshot-count", .count(10_000, in: 1...10_000_000), "Entries between snapshots.",
        source: "etcd.conf.yml.sample: 10000"),
      Parameter(
        "catch-up-entries", .count(64, in: 1...100_000),
        "Entries in one message to a follower that is behind, at most.",
        source: "assumption: 1 MiB of etcd's messages at 16 kB an entry"),
      Parameter(
        "durable", .flag(true), "Term, vote and entries are on the disk before an answer leaves.",
        source: "Ongaro & Ousterhout, ATC '14, figure 2: persistent state"),
    ]
  }

  private static var sizes: [Parameter] {
    let range = 0...1_000_000
    return [
      .header("Kind, term, sender"),
      .number,
      Parameter(
        "entry-bytes", .bytes(16, in: range), "An entry beside its commands: term and index.",
        source: "two 64-bit integers"),
      Parameter(
        "request-bytes", .bytes(16, in: range), "A command beside its transaction.",
        source: "assumption: client and serial number (§8)"),
    ] + Parameter.state
  }

  public static func problem(with values: ParameterValues, nodes: Int) -> String? {
    Settings(values, .blank(n: nodes)).problem(n: nodes)
  }

  /// A slot is decided when its leader has applied it: a majority holds it then. Only the leader
  /// answers.
  public static func roles(_ values: ParameterValues, nodes: Int) -> Roles {
    var roles = Roles(Committee(n: nodes, faults: .crash))
    roles.executions = 1
    roles.replyQuorum = 1
    roles.onlyProposerReplies = true
    return roles
  }

  public init(_ values: ParameterValues, _ context: ReplicaContext) {
    self.init(
      me: context.me, committee: context.committee,
      settings: Settings(values, context))
  }
}

extension Raft.Settings {
  init(_ values: ParameterValues, _ context: ReplicaContext) {
    self.init(
      batch: values.count("batch"), batchBytes: values.bytes("batch-bytes"),
      batchTimeout: values.duration("batch-timeout"), pipeline: values.count("pipeline"),
      heartbeatInterval: values.duration("heartbeat-interval"),
      electionTimeout: values.duration("election-timeout"),
      asksBeforeVoting: values.flag("pre-vote"), snapshotCount: values.count("snapshot-count"),
      catchUpEntries: values.count("catch-up-entries"), isDurable: values.flag("durable"),
      sizes: Raft.Sizes(
        header: values.bytes("header-bytes"), number: values.bytes("number-bytes"),
        entry: values.bytes("entry-bytes"), request: values.bytes("request-bytes"),
        stateFixed: values.bytes("state-bytes"),
        statePerTransaction: values.bytes("state-bytes-per-transaction")),
      costs: context.costs, mempool: context.mempool)
    weakness = values.weakness(of: Raft.Weakness.names)
  }
}
