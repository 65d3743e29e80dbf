import Kernel
import Ledger
import Machines
import Metrics

/// What the observer notes of a chain that spreads blocks. No node reads it.
public struct BlockchainBooks: Sendable {
  struct Record: Sendable, BitwiseCopyable {
    /// Nodes that have the block, and nodes on whose chain it is deep enough.
    var known: Int32 = 0
    var confirmedBy: Int32 = 0
    var isDecided = false
  }

  private let nodes: Int
  private var records = SlidingArray<Record>()
  /// Blocks made, by height; from the oldest unsettled height on.
  private var blocksAt = SlidingArray<Int32>()
  /// Blocks made so far, genesis not counted.
  public private(set) var made = 0
  /// Bytes of all blocks made.
  public private(set) var madeBytes = 0
  /// Time from making until half, and until nine tenths, of the nodes had a block; of the blocks
  /// that got so far, in that order.
  public private(set) var timesToHalf: [SimDuration] = []
  public private(set) var timesToMost: [SimDuration] = []
  /// Chains that nodes left, by the number of blocks they gave up; the last entry: that or more.
  public private(set) var reorganisations = [Int](repeating: 0, count: 257)
  /// Decided blocks that left the chains of so many nodes that they were decided no more.
  public private(set) var reversals = 0
  /// The newest block that any node has held irreversible.
  var irreversible = BlockID.genesis
  /// Blocks that came before their parents.
  public internal(set) var orphans = 0
  /// Requests that were made again after a timeout.
  public internal(set) var requestsRepeated = 0
  /// Bytes of blocks and transactions that the receiver had already.
  public internal(set) var duplicateBytes = 0
  /// The settled part of the chain: what all nodes share and will not leave.
  private(set) var settled = ChainTotals()

  init(nodes: Int, populations: Int, genesis: Int) {
    self.nodes = nodes
    settled.byMiner = Array(repeating: 0, count: nodes)
    records.append(Record(known: Int32(nodes), confirmedBy: Int32(nodes), isDecided: true))
    blocksAt.append(1)
  }

  mutating func reserve(blocks: Int) {
    records.reserveCapacity(blocks)
    blocksAt.reserveCapacity(blocks)
    timesToHalf.reserveCapacity(blocks)
    timesToMost.reserveCapacity(blocks)
    pending.reserveCapacity(blocks)
  }

  /// When each unsettled block was made; parallel to `records`.
  private var pending = SlidingArray<SimTime>()
}

/// Counts over one chain, from genesis up.
public struct ChainTotals: Sendable, Equatable {
  /// Blocks on the chain, genesis not counted.
  public var blocks = 0
  /// Blocks made beside it, at heights that it has.
  public var stale = 0
  /// Heights at which more than one block was made.
  public var forkedHeights = 0
  public var byMiner: [Int] = []
  public var bytes = 0
  public var transactions = 0

  mutating func add(_ block: Block, madeAtHeight count: Int) {
    blocks += 1
    stale += count - 1
    if count > 1 { forkedHeights += 1 }
    byMiner[Int(block.miner)] += 1
    bytes += block.bytes
    transactions += block.transactions
  }
}

/// What the observer says of a chain at one moment.
public struct ChainSummary: Sendable, Equatable {
  /// The head that most nodes have adopted.
  public var head: BlockID
  public var totals: ChainTotals
}

extension BlockchainBooks {
  mutating func make(_ block: BlockID, _ blocks: BlockArena) {
    made += 1
    madeBytes += Int(blocks[block].bytes)
    records.append(Record())
    if pending.endIndex == 0 { pending.append(.zero) }
    pending.append(blocks[block].made)
    let height = Int(blocks[block].height)
    if height == blocksAt.endIndex {
      blocksAt.append(1)
    } else if blocksAt.contains(height) {
      blocksAt[height] += 1
    }
  }

  /// A further node has `block`.
  mutating func learn(_ block: BlockID, at time: SimTime) {
    let index = Int(block.index)
    guard records.contains(index) else { return }
    var record = records[index]
    record.known += 1
    records[index] = record
    let count = Int(record.known)
    if count == (nodes + 1) / 2 { timesToHalf.append(time - pending[index]) }
    if count == (9 * nodes + 9) / 10 { timesToMost.append(time - pending[index]) }
  }

  mutating func noteReorganisation(_ depth: Int) {
    reorganisations[min(depth, reorganisations.count - 1)] += 1
  }

  /// `block` is deep enough on the chain of a further node: decided, once it is for most.
  mutating func confirm(
    _ block: BlockID, _ blocks: BlockArena, firstPopulation: Int, _ world: inout World,
    index: UInt16
  ) {
    var record = records[Int(block.index)]
    record.confirmedBy += 1
    let isDecided = !record.isDecided && 2 * Int(record.confirmedBy) > nodes
    if isDecided { record.isDecided = true }
    records[Int(block.index)] = record
    guard isDecided else { return }
    var fresh = 0
    for k in 0..<blocks[block].partCount {
      let range = blocks.part(k, of: block).range
      fresh += world.logs[firstPopulation + Int(range.population)].pass(
        .decided, range, at: world.now)
    }
    world.decisions[Int(index)] += 1
    world.decisionLogs[Int(index)].decide(
      at: world.now, transactions: fresh, proposed: blocks[block].made)
  }

  /// A node for which `block` was deep enough has left its chain.
  mutating func unconfirm(
    _ block: BlockID, _ blocks: BlockArena, firstPopulation: Int, _ world: inout World
  ) {
    var record = records[Int(block.index)]
    record.confirmedBy -= 1
    let isReverted = record.isDecided && 2 * Int(record.confirmedBy) <= nodes
    if isReverted { record.isDecided = false }
    records[Int(block.index)] = record
    guard isReverted else { return }
    reversals += 1
    for k in 0..<blocks[block].partCount {
      let range = blocks.part(k, of: block).range
      world.logs[firstPopulation + Int(range.population)].revert(.decided, range)
    }
  }

  /// Adds `block`, the next of the chain that all nodes share, to what is settled.
  mutating func settle(_ block: BlockID, _ blocks: BlockArena) {
    let content = blocks[block]
    settled.add(content, madeAtHeight: Int(blocksAt[Int(content.height)]))
  }

  /// Drops what is known of the blocks before `block`, the last that was settled.
  mutating func drop(before block: BlockID, _ blocks: BlockArena) {
    records.dropFirst(before: Int(block.index))
    pending.dropFirst(before: Int(block.index))
    blocksAt.dropFirst(before: Int(blocks[block].height))
  }

  /// The totals of the chain that ends in `head`; `blocks` begins with the last settled block.
  func totals(to head: BlockID, _ blocks: BlockArena) -> ChainTotals {
    var totals = settled
    var walk = head
    while Int(walk.index) > blocks.startIndex {
      let content = blocks[walk]
      totals.add(content, madeAtHeight: Int(blocksAt[Int(content.height)]))
      walk = content.parent
    }
    return totals
  }
}
