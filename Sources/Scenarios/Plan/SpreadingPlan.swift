import Kernel
import Networking
import Simulation

/// How blocks and transactions spread, for protocols without a committee.
public struct SpreadingPlan: Sendable {
  public var topology: TopologyPlan
  public var blocks: Dissemination
  public var transactions: Dissemination
  public var links: LinkModel
  public var relay: RelayRule
  public var relays: BlockchainSettings.Relays
  public var skipsAnnouncers: Bool
  public var sizes: DisseminationSizes
  public var blockCapacity: Int
  public var blockFiller: Int
  public var requestTimeout: SimDuration?
  public var syncPeers: Int
  public var inventoryLimit: Int
  public var shares: SharesPlan
}

/// How hash rate or stake is spread over the nodes that have any.
public struct SharesPlan: Sendable, Equatable {
  public enum Shape: Sendable, Equatable {
    case equal
    /// Normal around the mean, redrawn below a hundredth of it.
    case normal(relative: Double)
    case zipf(exponent: Double)
  }

  /// The first so many nodes make blocks; nil: all.
  public var makers: Int?
  public var shape: Shape

  func shares(nodes: Int, seed: UInt64, chain: String) -> [Double] {
    let makers = min(self.makers ?? nodes, nodes)
    var stream = RandomStream(seed: seed, purpose: "shares of \(chain)")
    let law = Distribution.normal(mean: 1, deviation: relative, min: 0.01)
    let weights = (0..<nodes).map { i -> Double in
      guard i < makers else { return 0 }
      switch shape {
      case .equal: return 1
      case .normal: return law.sample(using: &stream)
      case .zipf(let exponent): return Elementary.pow(Double(i + 1), -exponent)
      }
    }
    let total = weights.reduce(0, +)
    return weights.map { $0 / total }
  }

  private var relative: Double {
    if case .normal(let relative) = shape { relative } else { 0 }
  }
}

extension SpreadingPlan {
  /// - Parameter weighsAllBlocks: the protocol needs blocks off the chain everywhere.
  init(_ section: Section, nodes: Int, folder: String, weighsAllBlocks: Bool) throws {
    topology = try TopologyPlan.read(section, nodes: nodes, folder: folder)
    let plain = Self.plainWays
    blocks = try section.variant(
      "blocks", default: "announce", plain + [Self.compact(folder)],
      "how blocks travel", source: "Bitcoin's protocol since version 0.1")
    transactions = try section.variant(
      "transactions", default: "announce", plain, "how bundles of transactions travel",
      source: "Bitcoin's protocol since version 0.1")
    links = try Self.links(section)
    relay = section.choice(
      "relay", of: RelayRule.self, default: .afterBody, "when a node passes a block on",
      source: "Bitcoin before BIP 152; BIP 152 relays after the header")
    relays = section.choice(
      "relays", of: BlockchainSettings.Relays.self,
      default: weighsAllBlocks ? .valid : .adopted, "which blocks of others a node announces",
      source: weighsAllBlocks
        ? "its fork choice counts blocks off the chain" : "Bitcoin: those it adopts")
    if weighsAllBlocks, relays == .adopted {
      section.fail(
        "relays", "its fork choice counts blocks off the chain, which all nodes need",
        allowed: "valid")
    }
    skipsAnnouncers = section.flag(
      "skip-announcers", default: true, "do not announce to a peer that announced the same",
      source: "Bitcoin Core keeps an inventory of what each peer knows")
    sizes = Self.sizes(section)
    blockCapacity = section.bytes(
      "block-size", default: 1_000_000, in: 1...10_000_000_000, "bytes of transactions in a block",
      source: "Bitcoin before segregated witness: 1 MB")
    blockFiller = section.bytes(
      "block-filler", default: 0, in: 0...10_000_000_000,
      "a block's body has at least so many bytes: other traffic fills it up",
      source: "none: only what clients submit")
    let patience = section.duration(
      "request-timeout", default: .seconds(60), in: .zero ... .seconds(1_000_000),
      "a peer that does not deliver is given up after this; 0: never", source: "assumption")
    requestTimeout = patience > .zero ? patience : nil
    syncPeers = section.count(
      "sync-peers", default: 3, in: 1...1000, "peers asked for their chain after a restart",
      source: "assumption")
    inventoryLimit = section.count(
      "inventory", default: 500, in: 1...100_000, "blocks that an answer to a sync names",
      source: "Bitcoin: 500 block hashes")
    shares = try SharesPlan(section, nodes: nodes)
  }

  private static var plainWays: [Alternative<Dissemination>] {
    [
      Alternative(
        "direct", "the maker sends to all its neighbours, nobody passes on",
        section: { _ in .direct }),
      Alternative("flood", "every node passes what is new on", section: { _ in .flood }),
      Alternative("announce", "inv, getdata, block", section: { _ in .announce }),
    ]
  }

  private static func compact(_ folder: String) -> Alternative<Dissemination> {
    let source = "SimBlock's defaults, after Nagayama et al., ISCC 2020"
    return Alternative(
      "compact", "inv, getdata, compact block (BIP 152)",
      section: {
        let users = $0.fraction(
          "users", default: 0.964, "share of nodes that use compact blocks", source: source)
        let table = $0.dataTable(
          "classes", family: "compact", default: "simblock-2020", folder: folder,
          "table of what nodes lack of a block", source: source
        ) { file throws(DataError) in try CompactTable(file) }
        return .compact(
          CompactRelay(
            users: users, classes: table?.classes ?? [.init(share: 1, failure: 0, missing: [1])],
            base: $0.bytes(
              "bytes", default: 18_000, in: 0...1_000_000_000, "bytes of a compact block",
              source: source),
            perTransaction: $0.bytes(
              "bytes-per-transaction", default: 0, in: 0...1000, "and for each transaction",
              source: "BIP 152 has 6; SimBlock's figure is a constant")))
      })
  }

  private static func links(_ section: Section) throws -> LinkModel {
    try section.variant(
      "links", default: "machines",
      [
        Alternative(
          "machines", "uplink, delay, downlink, as every message", section: { _ in .machines }),
        Alternative(
          "one-upload", "as SimBlock: one block at a time, over the slower of both links",
          section: {
            .oneUploadAtATime(
              control: $0.duration(
                "control", default: .milliseconds(10), in: .zero ... .seconds(60),
                "added to the delay of control messages", source: "SimBlock"),
              processing: $0.duration(
                "processing", default: .milliseconds(2), in: .zero ... .seconds(60),
                "added to each transfer", source: "SimBlock"))
          }),
      ], "how what a node sends gets to its peers")
  }

  private static func sizes(_ section: Section) -> DisseminationSizes {
    section.section("message-bytes", "bytes of messages, apart from their content") { sizes in
      let bitcoin = "Bitcoin's protocol: 24 B of header, then the fields"
      func bytes(_ key: String, _ value: Int, _ sentence: String, _ source: String) -> Int {
        sizes.bytes(key, default: value, in: 0...1_000_000, sentence, source: source)
      }
      return DisseminationSizes(
        inv: bytes("inv", 61, "an announcement", bitcoin),
        getData: bytes("getdata", 61, "a request", bitcoin),
        blockHeader: bytes("block", 113, "a block apart from its transactions", bitcoin),
        getTransactions: bytes("getblocktxn", 60, "a request for what is missing", bitcoin),
        transactionsHeader: bytes("blocktxn", 57, "the answer, apart from it", bitcoin),
        getBlocks: bytes("getblocks", 1029, "a request for what follows", bitcoin),
        inventoryHeader: bytes("inventory", 25, "the answer", bitcoin),
        inventoryEntry: bytes("inventory-entry", 36, "and for each block", bitcoin),
        bundleHeader: bytes("bundle", 24, "a bundle of transactions apart from them", bitcoin))
    }
  }
}

extension SharesPlan {
  init(_ section: Section, nodes: Int) throws {
    makers = section.optional("makers") {
      $0.count(
        $1, in: 1...max(nodes, 1), "the first so many nodes make blocks; default all of them")
    }
    shape = try section.variant(
      "shares", default: "equal",
      [
        Alternative("equal", "every maker alike", section: { _ in .equal }),
        Alternative(
          "normal", "normal around the mean",
          section: {
            .normal(relative: $0.fraction("relative", in: 0...2, "deviation over the mean"))
          }),
        Alternative(
          "zipf", "by Zipf's law", value: { .zipf(exponent: $0.number($1, in: 0...10, "exponent")) }
        ),
      ], "how hash rate or stake is spread over the makers")
  }
}
