import Consensus
import Kernel
import Ledger
import Machines

/// GHOST, the greedy heaviest-observed subtree, after Sompolinsky and Zohar, "Secure high-rate
/// transaction processing in Bitcoin", FC 2015, §5 (Algorithm 1).
///
/// This file is a miner. It differs from Nakamoto's in the choice of the chain alone: blocks off
/// the
/// chain count for the ancestors that they share with it, so that work is not lost for security
/// when
/// blocks are found faster than they spread. Nodes must therefore pass on every valid block.
public struct GHOST: ChainProtocol {
  public static var name: String { "ghost" }
  public static var weighsAllBlocks: Bool { true }

  /// Work of a block: all have the same.
  public static var difficulty: UInt64 { 1 }

  /// A rule left out, so that tests can show that they would notice.
  public enum Weakness: String, Sendable, CaseIterable, BitwiseCopyable {
    /// A block counts for itself alone, not for its ancestors off the chain.
    case forgetsAncestors = "forgets-ancestors"
    /// The longest chain is taken, whatever the subtrees weigh.
    case longestChain = "longest-chain"
  }

  public struct Settings: Sendable, Equatable, BitwiseCopyable {
    /// Mean time between blocks of the whole hash rate, those off the chain counted.
    public var interval: SimDuration
    /// Blocks after which a transaction counts as decided; its own is the first.
    public var confirmations: Int
    public var weakness: Weakness?

    public init(interval: SimDuration, confirmations: Int, weakness: Weakness? = nil) {
      precondition(interval > .zero, "a block interval of nothing")
      precondition(confirmations >= 1, "\(confirmations) confirmations")
      self.interval = interval
      self.confirmations = confirmations
      self.weakness = weakness
    }
  }

  let settings: Settings
  /// Share of the hash rate that meets the interval.
  let hashRate: Double
  /// What the node has received, or published.
  public internal(set) var tree: HeaviestSubtree
  /// Private-chain attacks by this miner, if it is not honest.
  public internal(set) var attack: DoubleSpender?
  /// The end of an attacker's own chain.
  var secretHead = BlockID.genesis

  /// - Parameter hashRate: in 0...; 0 is a node that does not mine.
  public init(settings: Settings, hashRate: Double, attack: DoubleSpender? = nil) {
    precondition(hashRate >= 0 && hashRate.isFinite, "hash rate \(hashRate)")
    self.settings = settings
    self.hashRate = hashRate
    self.attack = attack
    tree = HeaviestSubtree(weakness: settings.weakness)
  }

  /// The arena with the genesis block of a chain.
  public static func genesis() -> BlockArena { BlockArena(work: difficulty) }

  public var head: BlockID { attack == nil ? tree.head : secretHead }
  public var shown: BlockID { tree.head }
  public var confirmations: Int { settings.confirmations }
  public var rollbackLimit: Int? { nil }
  public var refused: Int { 0 }

  public mutating func start(at now: LocalTime, _ effects: inout ChainEffects) { mine(&effects) }

  public mutating func upon(
    lottery template: BlockID, at now: LocalTime, _ effects: inout ChainEffects
  ) -> BlockDraft? {
    mine(&effects)
    return BlockDraft(
      parent: attack == nil ? template : secretHead, work: Self.difficulty,
      stamp: now.nanoseconds, salt: effects.random.next())
  }

  public mutating func upon(
    made block: BlockID, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    if attack != nil { return uponSecret(block, &effects) }
    tree.insert(block, effects.blocks)
    effects.publish(block)
  }

  public mutating func upon(
    block: BlockID, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    tree.insert(block, effects.blocks)
    if attack != nil { decideAttack(&effects) }
  }

  public mutating func restart(
    from base: BlockID?, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    if let base {
      tree.begin(on: base, effects.blocks)
      secretHead = base
      attack?.begin(on: base)
    }
    mine(&effects)
  }

  /// §5, for the monitor: along the chain, a sibling whose subtree is heavier, or a block on the
  /// head. Weights are summed anew, the youngest block first.
  public func preferred(among known: [BlockID], _ blocks: BlockArena) -> BlockID? {
    guard attack == nil else { return nil }
    let first = blocks.startIndex
    var weight = [UInt64](repeating: 0, count: blocks.endIndex - first)
    for block in known.reversed() where Int(block.index) > first {
      let k = Int(block.index) - first
      weight[k] += blocks[block].work
      if blocks.contains(blocks[block].parent) {
        weight[Int(blocks[block].parent.index) - first] += weight[k]
      }
    }
    var chosen = BlockID.none
    var walk = tree.head
    while true {
      let best = known.first {
        $0 != walk && Int($0.index) > first && blocks[$0].parent == walk
          && (chosen == .none
            || weight[Int($0.index) - first] > weight[Int(chosen.index) - first])
      }
      if let best { return best }
      guard walk != tree.root, Int(walk.index) > first else { return nil }
      chosen = walk
      walk = blocks[walk].parent
    }
  }

  /// Draws when this miner finds its next block; the race is memoryless.
  private func mine(_ effects: inout ChainEffects) {
    guard hashRate > 0 else { return }
    let wait = settings.interval.seconds / hashRate * effects.random.exponential()
    // Beyond a century the run is over.
    guard wait < 3e9 else { return }
    effects.draw(after: SimDuration(seconds: wait))
  }

  // MARK: - Costs

  /// As for Nakamoto: searching is not done on the node's cores.
  public func workOfMaking(_ costs: CostSheet) -> SimDuration { costs.hash }
  public func workOfHeader(_ costs: CostSheet) -> SimDuration { costs.hash }
  public func workOfBody(of block: Block, _ costs: CostSheet) -> SimDuration {
    (costs.verify + costs.execution) * Int64(block.transactions) + costs.hashing(block.bytes)
  }
}

// MARK: - The attacker

/// The attack of `DoubleSpender` under GHOST (§5.2): what the secret chain must outweigh is not the
/// length of the public chain but its subtree, in which the others' blocks count on or off the
/// chain.
extension GHOST {
  private mutating func uponSecret(_ block: BlockID, _ effects: inout ChainEffects) {
    secretHead = block
    attack?.secret.append(block)
    decideAttack(&effects)
  }

  private mutating func decideAttack(_ effects: inout ChainEffects) {
    guard let start = attack?.start, let ours = attack?.secret.count,
      let confirmations = attack?.confirmations, let lead = attack?.lead,
      let deficit = attack?.deficit
    else { return }
    let length = Int(effects.blocks[tree.head].height) - Int(effects.blocks[start].height)
    let theirs =
      Int(tree.weight(of: start, effects.blocks)) - (start == .genesis ? 0 : Int(Self.difficulty))
    if length >= confirmations, ours >= theirs + lead {
      attack?.successes += 1
      for k in 0..<ours {
        guard let block = attack?.secret[k] else { break }
        tree.insert(block, effects.blocks)
        effects.publish(block)
      }
      beginAttempt()
    } else if theirs - ours >= deficit {
      beginAttempt()
    }
  }

  private mutating func beginAttempt() {
    attack?.attempts += 1
    attack?.begin(on: tree.head)
    secretHead = tree.head
  }
}
