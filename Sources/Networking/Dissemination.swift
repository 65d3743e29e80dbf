import Kernel

/// How blocks and bundles of transactions spread over a topology.
public enum Dissemination: Sendable, Equatable {
  /// Who makes a block sends it to all its neighbours, and nobody passes it on: a full mesh.
  case direct
  /// Every node passes what is new to it on to all its neighbours but the one it came from.
  case flood
  /// Announce, request, send: `inv`, `getdata`, `block` (Bitcoin's protocol since version 0.1).
  case announce
  /// The same, and a block travels as a sketch where both ends use it (BIP 152); see
  /// `CompactRelay`.
  case compact(CompactRelay)

  /// Whether items are announced and asked for.
  public var announces: Bool {
    switch self {
    case .direct, .flood: false
    case .announce, .compact: true
    }
  }
}

/// Compact block relay: a block travels as its header and short identifiers of its transactions,
/// and is put together from the mempool; what is missing is asked for (`getblocktxn`, `blocktxn`).
///
/// Whether something is missing is drawn, as measured for each class of nodes (Nagayama, Banno and
/// Shudo, "Identifying impacts of protocol and internet development on the Bitcoin network", ISCC
/// 2020: nodes that come and go lack more).
public struct CompactRelay: Sendable, Equatable {
  public struct NodeClass: Sendable, Equatable {
    /// Share of the nodes that are in this class.
    public var share: Double
    /// Probability that a block cannot be put together at once.
    public var failure: Double
    /// Relative weight of each missing share of the block: entry i stands for (i + 1) / 100.
    public var missing: [Double]

    public init(share: Double, failure: Double, missing: [Double]) {
      precondition(share >= 0 && share <= 1, "a class of \(share) of the nodes")
      precondition(failure >= 0 && failure <= 1, "failure probability \(failure)")
      self.share = share
      self.failure = failure
      self.missing = missing
    }
  }

  /// Share of nodes that use compact blocks; both ends must.
  public var users: Double
  /// Their shares add up to 1.
  public var classes: [NodeClass]
  /// Bytes of a compact block: a constant, and for each transaction of the block.
  public var base: Int
  public var perTransaction: Int

  public init(users: Double, classes: [NodeClass], base: Int, perTransaction: Int) {
    precondition(users >= 0 && users <= 1, "\(users) of the nodes use compact blocks")
    precondition(!classes.isEmpty, "compact relay without a class of nodes")
    self.users = users
    self.classes = classes
    self.base = base
    self.perTransaction = perTransaction
  }
}

/// How what a node sends gets to its peers.
public enum LinkModel: Sendable, Equatable {
  /// As every message of a run: through the machine's uplink, the link, and the peer's downlink.
  case machines
  /// As SimBlock has it (Aoki et al., INFOCOM Workshops '19): a node uploads one block at a time;
  /// the next begins when the former has arrived. A transfer takes its size over the smaller of the
  /// sender's uplink and the receiver's downlink and `processing`; control messages are delayed by
  /// `control` and wait for nothing.
  case oneUploadAtATime(control: SimDuration, processing: SimDuration)
}

/// When a node passes a block on.
public enum RelayRule: String, Sendable, CaseIterable {
  /// Once its header has been checked: its proof of work or its leader's proof.
  case afterHeader = "after-header"
  /// Once all of it has been checked.
  case afterBody = "after-body"
}

/// Bytes of the messages that spread blocks and transactions, apart from their content.
public struct DisseminationSizes: Sendable, Equatable {
  /// An announcement of one item, and a request for one.
  public var inv: Int
  public var getData: Int
  /// A block apart from its transactions.
  public var blockHeader: Int
  /// A request for the missing transactions of a compact block, and the answer apart from them.
  public var getTransactions: Int
  public var transactionsHeader: Int
  /// A request for what follows the requester's chain, with its locator.
  public var getBlocks: Int
  /// An answer to it: a constant, and for each block named.
  public var inventoryHeader: Int
  public var inventoryEntry: Int
  /// A bundle of transactions apart from them.
  public var bundleHeader: Int

  public init(
    inv: Int, getData: Int, blockHeader: Int, getTransactions: Int, transactionsHeader: Int,
    getBlocks: Int, inventoryHeader: Int, inventoryEntry: Int, bundleHeader: Int
  ) {
    self.inv = inv
    self.getData = getData
    self.blockHeader = blockHeader
    self.getTransactions = getTransactions
    self.transactionsHeader = transactionsHeader
    self.getBlocks = getBlocks
    self.inventoryHeader = inventoryHeader
    self.inventoryEntry = inventoryEntry
    self.bundleHeader = bundleHeader
  }
}
