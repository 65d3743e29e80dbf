import Kernel
import Ledger
import Simulation

/// A store of records: on its chain as a whole, or beside it with a digest anchored there.
public struct StorePlan: Sendable {
  public var name: String
  public var chain: String
  /// Nodes on which records are made.
  public var ingest: [Int]
  public var arrivals: RecordArrivals
  public var size: TransactionSizes.Size
  public var keep: Keep

  /// Where records are kept.
  public enum Keep: Sendable {
    /// Each record is a transaction of the chain. `header`: bytes of a request beside it.
    case onChain(header: Int, timeout: SimDuration)
    case offChain(OffChainPlan)
  }
}

/// How records are kept beside the chain.
public struct OffChainPlan: Sendable {
  public var storage: [Int]
  public var placement: RecordStoreSettings.Placement
  /// Records that close a batch, and time that does.
  public var batch: Int
  public var interval: SimDuration
  public var digestBytes: Int
  /// Bytes of an anchoring transaction: root and metadata.
  public var anchorBytes: Int
  public var header: Int
  public var timeout: SimDuration
}

extension StorePlan {
  init(_ section: Section, nodes: Int, chains: [String]) throws {
    name = section.text("name", atMost: 40, "name of the store, as results call it")
    chain = section.choice(
      "chain", chains.isEmpty ? ["main"] : chains, "the chain that it anchors to")
    ingest = section.nodes("ingest", below: nodes, "nodes on which records are made")
    (arrivals, size) = try section.section("records", "what is stored") { records in
      let size = records.random("size", of: .bytes, in: 1...1e9, "bytes of a record").distribution
      let largest = records.bytes(
        "largest", default: 100_000_000, in: 1...1_000_000_000, "drawn sizes are cut off here",
        source: "ten times the largest record of the survey's industries")
      let fixed: TransactionSizes.Size =
        if case .constant(let bytes) = size { .fixed(Int(bytes)) } else {
          .drawn(size, atMost: largest)
        }
      let arrivals = try records.variant(
        "arrivals",
        [
          Alternative<RecordArrivals>(
            "poisson", "open loop: records per second, over all ingest nodes",
            value: { .poisson(rate: $0.rate($1, in: 1e-6...1e9, "records per second")) }),
          Alternative<RecordArrivals>(
            "stream", "open loop: so many bytes, whatever the size of records",
            value: {
              .bytes(
                rate: $0.bandwidth($1, in: 1...1e15, "bits of records per second, in all") / 8)
            }),
          Alternative<RecordArrivals>(
            "window", "closed loop: so many records under way at each ingest node",
            value: { .window($0.count($1, in: 1...1_000_000, "records under way")) }),
        ], "when records are made")
      return (arrivals, fixed)
    }
    keep = try Self.keep(section, nodes: nodes)
    if case .onChain = keep, case .bytes = arrivals {
      section.fail("records", "records on the chain come at a rate of records, not of bytes")
    }
  }

  private static func keep(_ section: Section, nodes: Int) throws -> Keep {
    let seconds = SimDuration.milliseconds(1) ... .seconds(100_000_000)
    return try section.variant(
      "keep",
      [
        Alternative(
          "on-chain", "each record is a transaction of the chain",
          section: {
            .onChain(
              header: $0.bytes(
                "header", default: 100, in: 0...1_000_000, "bytes of a request beside its record",
                source: "assumption: 40 B TCP/IP, identity, timestamp, MAC"),
              timeout: $0.duration(
                "timeout", default: .seconds(10), in: seconds, "wait before a request is repeated",
                source: "assumption: above the chain's usual latency"))
          }),
        Alternative(
          "off-chain", "copies on storage nodes, a Merkle root of each batch on the chain",
          section: { .offChain(OffChainPlan($0, nodes: nodes, seconds: seconds)) }),
      ], "where records are kept")
  }
}

extension OffChainPlan {
  init(_ section: Section, nodes: Int, seconds: ClosedRange<SimDuration>) {
    storage = section.nodes("storage", below: nodes, "nodes that keep copies; at most 64")
    section.require(storage.count <= 64, "storage", "at most 64 nodes keep copies")
    let copies = section.count(
      "copies", default: 3, in: 1...64, "copies of each record", source: "HDFS dfs.replication")
    section.require(
      copies <= storage.count, "copies", "more copies than the \(storage.count) storage nodes")
    let replicas = max(min(copies, storage.count), 1)
    let acks =
      section.optional("acks") {
        $0.count($1, in: 1...64, "copies that must be stable; default all")
      } ?? replicas
    section.require(acks <= copies, "acks", "more acknowledgements than copies")
    placement = RecordStoreSettings.Placement(
      replicas: replicas, acks: min(acks, replicas),
      header: section.bytes(
        "put-header", default: 100, in: 0...1_000_000, "bytes of a put beside its record",
        source: "assumption: 40 B TCP/IP, key, checksum"),
      acknowledgement: section.bytes(
        "ack-bytes", default: 60, in: 0...1_000_000, "bytes of an acknowledgement",
        source: "assumption: 40 B TCP/IP and a key"),
      timeout: section.duration(
        "put-timeout", default: .seconds(10), in: seconds, "wait before a put is repeated",
        source: "assumption: above the time of the largest record"),
      triesPerNode: section.count(
        "tries", default: 2, in: 1...100, "tries at a node before the next one in order",
        source: "assumption"))
    batch = section.count(
      "batch", default: 1000, in: 1...10_000_000, "records under one Merkle root",
      source: "assumption: proofs of ten digests")
    interval = section.duration(
      "interval", default: .seconds(1), in: seconds, "a batch is closed after this",
      source: "assumption: the shortest anchoring period of the survey's scenarios")
    digestBytes = section.bytes(
      "digest-bytes", default: 32, in: 1...1024, "bytes of a digest", source: "SHA-256")
    anchorBytes = section.bytes(
      "anchor-bytes", default: 200, in: 1...1_000_000, "bytes of an anchoring transaction",
      source: "assumption: root, count, identity, signature of 64 B")
    header = section.bytes(
      "header", default: 100, in: 0...1_000_000, "bytes of a request beside its transaction",
      source: "assumption: 40 B TCP/IP, identity, timestamp, MAC")
    timeout = section.duration(
      "timeout", default: .seconds(10), in: seconds, "wait before an anchor is sent again",
      source: "assumption: above the chain's usual latency")
  }
}
