import Consensus
import Kernel
import Ledger

extension BitcoinNG {
  /// What a node has earned on the chain that it has adopted, in hundredths of a fee; all
  /// transactions pay the same.
  public struct Income: Sendable, Equatable {
    /// Number of the node in its chain, once it has made a block.
    var me = UInt32.max
    /// The newest key block that was paid; nil until there is one to begin with.
    var paid: BlockID? = .genesis
    /// Transactions in the epoch before that of `paid`.
    var before = 0
    /// For microblocks of its own epochs, and for those before its key blocks.
    public internal(set) var asLeader = 0
    public internal(set) var asNext = 0
    /// For showing others' fraud.
    public internal(set) var forPoison = 0
    /// What its own fraud cost it.
    public internal(set) var forfeited = 0
    /// Key blocks that were paid on this node's chain, whoever made them, and frauds among them.
    public internal(set) var paidKeyBlocks = 0
    public internal(set) var poisonedKeyBlocks = 0
    /// Transactions in the epochs before those key blocks.
    public internal(set) var paidTransactions = 0

    public var total: Int { asLeader + asNext + forPoison }
  }

  /// Pays the key blocks that are `maturity` deep by now (§4.4).
  ///
  /// A key block earns its maker a share of the fees in its own epoch and the rest of those in the
  /// epoch before. If a microblock in between shows that its maker signed two microblocks on one,
  /// it
  /// earns nothing, and whoever placed the proof gets a part.
  mutating func pay(_ blocks: BlockArena) {
    guard keyHeight > UInt64(settings.maturity) else { return }
    var next = keyBlock(of: head, blocks)
    guard blocks.contains(next) else { return }
    for _ in 1..<settings.maturity {
      guard let key = previousKeyBlock(next, blocks) else { return }
      next = key
    }
    guard let key = previousKeyBlock(next, blocks) else { return }
    guard let paid = income.paid else {
      // It begins to count here.
      income.paid = key
      income.before = transactions(below: next, blocks)
      return
    }
    guard key != paid, blocks.contains(paid), blocks[key].nonce > blocks[paid].nonce else { return }
    payUp(to: key, next: next, after: paid, blocks)
    income.paid = key
  }

  private func previousKeyBlock(_ key: BlockID, _ blocks: BlockArena) -> BlockID? {
    let before = BlockID(index: UInt32(truncatingIfNeeded: blocks[key].fold))
    return key != .genesis && blocks.contains(before) ? before : nil
  }

  /// Oldest first. A node that follows the chain pays one at a time; one that catches up, several.
  private mutating func payUp(
    to key: BlockID, next: BlockID, after paid: BlockID, _ blocks: BlockArena
  ) {
    if let before = previousKeyBlock(key, blocks), before != paid,
      blocks[before].nonce > blocks[paid].nonce
    {
      payUp(to: before, next: key, after: paid, blocks)
    }
    pay(key, next: next, blocks)
  }

  private mutating func pay(_ key: BlockID, next: BlockID, _ blocks: BlockArena) {
    let count = transactions(below: next, blocks)
    let asLeader = count * settings.leaderShare
    let asNext = income.before * (100 - settings.leaderShare)
    let isMine = blocks[key].miner == income.me
    income.paidKeyBlocks += 1
    income.paidTransactions += income.before
    if let accuser = accuser(of: key, blocks) {
      income.poisonedKeyBlocks += 1
      if isMine { income.forfeited += asLeader + asNext }
      if blocks[accuser].miner == income.me {
        income.forPoison += (asLeader + asNext) * settings.poisonShare / 100
      }
    } else if isMine {
      income.asLeader += asLeader
      income.asNext += asNext
    }
    income.before = count
  }

  /// Transactions in the microblocks between `key` and the key block before.
  private func transactions(below key: BlockID, _ blocks: BlockArena) -> Int {
    var count = 0
    var walk = blocks[key].parent
    while blocks.contains(walk), blocks[walk].work == 0 {
      count += blocks[walk].transactions
      walk = blocks[walk].parent
    }
    return count
  }
}
