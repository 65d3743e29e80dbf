import Kernel
import Ledger
import Machines
import Networking

/// What a scenario says of a chain that spreads blocks, beside its protocol.
public struct BlockchainSettings: Sendable {
  /// Which blocks of others a node announces.
  public enum Relays: String, Sendable, CaseIterable {
    /// Those that it adopts, as Bitcoin's nodes do.
    case adopted
    /// All that are valid.
    case valid
  }

  public var topology: Topology
  public var blocks: Dissemination
  /// How bundles of transactions travel; compact relay is for blocks only.
  public var transactions: Dissemination
  public var links: LinkModel
  public var relay: RelayRule
  public var relays: Relays
  /// Do not announce to a peer that has announced the same.
  public var skipsAnnouncers: Bool
  public var sizes: DisseminationSizes
  public var costs: CostSheet
  public var transactionSizes: TransactionSizes
  public var replies: Replies
  /// Bytes of transactions in a block, at most.
  public var blockCapacity: Int
  /// Bytes of a block's body at least: other traffic fills it up. 0: only what clients submit.
  public var blockFiller: Int
  /// Transactions in a node's mempool, at most, and what happens when it is full.
  public var mempool: Int
  public var eviction: Eviction
  /// A peer that does not deliver within this is given up and another asked; nil: wait for ever.
  public var requestTimeout: SimDuration?
  /// Peers that a node asks for their chain when it comes up again.
  public var syncPeers: Int
  /// Blocks that an answer to `getblocks` names, at most.
  public var inventoryLimit: Int
  /// Blocks below the shared part of all chains that are kept, at least.
  public var retained: Int
  /// Stop the run after so many decided blocks, or blocks made; nil: the horizon is elsewhere.
  public var decisions: Int?
  /// The chain numbers its populations from 0; population p of it is `firstPopulation` + p of the
  /// run.
  public var firstPopulation = 0
  /// Roles beside the nodes that act on what is deep enough, in place of clients that get replies.
  public var executor: Executor?
  public var madeBlocks: Int?
  /// Nodes that are silent, delay what they send, or withhold announcements of blocks.
  public var adversaries: [Adversary] = []

  public init(
    topology: Topology, blocks: Dissemination, transactions: Dissemination, links: LinkModel,
    relay: RelayRule, relays: Relays, skipsAnnouncers: Bool, sizes: DisseminationSizes,
    costs: CostSheet, transactionSizes: TransactionSizes, replies: Replies, blockCapacity: Int,
    blockFiller: Int, mempool: Int, eviction: Eviction, requestTimeout: SimDuration?,
    syncPeers: Int, inventoryLimit: Int, retained: Int, decisions: Int? = nil,
    madeBlocks: Int? = nil
  ) {
    precondition(inventoryLimit >= 1, "an inventory of \(inventoryLimit)")
    precondition(mempool >= 1, "a mempool of \(mempool)")
    self.topology = topology
    self.blocks = blocks
    self.transactions = transactions
    self.links = links
    self.relay = relay
    self.relays = relays
    self.skipsAnnouncers = skipsAnnouncers
    self.sizes = sizes
    self.costs = costs
    self.transactionSizes = transactionSizes
    self.replies = replies
    self.blockCapacity = blockCapacity
    self.blockFiller = blockFiller
    self.mempool = mempool
    self.eviction = eviction
    self.requestTimeout = requestTimeout
    self.syncPeers = syncPeers
    self.inventoryLimit = inventoryLimit
    self.retained = retained
    self.decisions = decisions
    self.madeBlocks = madeBlocks
  }
}

/// The directed connection that leads back along each directed connection.
struct ReverseConnections: Sendable {
  let back: [UInt32]

  init(_ topology: Topology) {
    let nodes = topology.offsets.count - 1
    // Connections by the node they lead to, in order of the node they come from.
    var starts = [Int](repeating: 0, count: nodes + 1)
    for peer in topology.neighbours { starts[Int(peer) + 1] += 1 }
    for i in 0..<nodes { starts[i + 1] += starts[i] }
    var next = starts
    var incoming = [UInt32](repeating: 0, count: topology.neighbours.count)
    var origin = incoming
    for i in 0..<nodes {
      for c in topology.neighbours(of: i) {
        let peer = Int(topology.neighbours[c])
        incoming[next[peer]] = UInt32(c)
        origin[next[peer]] = UInt32(i)
        next[peer] += 1
      }
    }
    var own = [UInt32](repeating: 0, count: nodes)
    var back = incoming
    for i in 0..<nodes {
      for c in topology.neighbours(of: i) { own[Int(topology.neighbours[c])] = UInt32(c) }
      for k in starts[i]..<starts[i + 1] { back[Int(incoming[k])] = own[Int(origin[k])] }
    }
    self.back = back
  }
}
