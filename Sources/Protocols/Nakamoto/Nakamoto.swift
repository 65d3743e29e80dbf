import Consensus
import Kernel
import Ledger
import Machines

/// Proof of work after Nakamoto, "Bitcoin: a peer-to-peer electronic cash system", 2008.
///
/// This file is a miner: the race (§4), the chain with the most work (§5), confirmations (§11). The
/// retarget has its own file, and so have the attacker of §11 and the selfish miner.
///
/// A miner with a share h of the hash rate finds blocks of difficulty D as a Poisson process of
/// rate h / (T D / D0), where T is the interval aimed at and D0 the difficulty at which the whole
/// hash rate meets it. The race is memoryless, so that a waiting time need not be drawn again when
/// the head changes, but only when the difficulty does.
public struct Nakamoto: ChainProtocol {
  public static var name: String { "nakamoto" }

  /// Difficulty at which the whole hash rate finds a block each interval, in units of work.
  public static var initialDifficulty: UInt64 { 1 << 32 }

  public struct Settings: Sendable, Equatable, BitwiseCopyable {
    /// Mean time between blocks that is aimed at.
    public var interval: SimDuration
    /// Blocks after which a transaction counts as decided; its own is the first.
    public var confirmations: Int
    /// Blocks between changes of difficulty; nil: it stays.
    public var retarget: Int?
    /// Probability that a miner leaves its chain for one of equal work that comes later: 0, the
    /// first seen (Nakamoto), or 1/2, a uniform choice (Eyal & Sirer's remedy for selfish mining).
    public var tieBreaking: Double
    public var weakness = ChoiceWeakness.none

    public init(
      interval: SimDuration, confirmations: Int, retarget: Int? = nil, tieBreaking: Double = 0
    ) {
      precondition(interval > .zero, "a block interval of nothing")
      precondition(tieBreaking >= 0 && tieBreaking <= 1, "a coin of \(tieBreaking)")
      precondition(confirmations >= 1, "\(confirmations) confirmations")
      precondition(retarget.map { $0 >= 2 } ?? true, "a retarget every block")
      self.interval = interval
      self.confirmations = confirmations
      self.retarget = retarget
      self.tieBreaking = tieBreaking
    }
  }

  let settings: Settings
  /// Share of the hash rate that meets the interval at the initial difficulty.
  let hashRate: Double
  public internal(set) var head = BlockID.genesis
  /// The difficulty for which the pending waiting time was drawn.
  var difficulty = Nakamoto.initialDifficulty
  /// What the miner does beside mining, if it is not honest.
  public internal(set) var attack: DoubleSpender?
  public internal(set) var selfish: SelfishMiner?

  /// - Parameter hashRate: in 0...; 0 is a node that does not mine. A change of the total against 1
  ///   changes the block interval until the next retarget.
  public init(
    settings: Settings, hashRate: Double, attack: DoubleSpender? = nil,
    selfish: SelfishMiner? = nil
  ) {
    precondition(hashRate >= 0 && hashRate.isFinite, "hash rate \(hashRate)")
    precondition(attack == nil || selfish == nil, "a miner with two strategies")
    precondition(selfish == nil || settings.retarget == nil, "a selfish miner counts blocks")
    self.settings = settings
    self.hashRate = hashRate
    self.attack = attack
    self.selfish = selfish
  }

  /// The arena with the genesis block of a chain.
  public static func genesis() -> BlockArena { BlockArena(work: initialDifficulty) }

  public var shown: BlockID { attack?.publicHead ?? selfish?.publicHead ?? head }
  private var isHonest: Bool { attack == nil && selfish == nil }
  public var confirmations: Int { settings.confirmations }
  public var rollbackLimit: Int? { nil }
  public var refused: Int { 0 }

  public mutating func start(at now: LocalTime, _ effects: inout ChainEffects) {
    mine(&effects)
  }

  public mutating func upon(
    lottery template: BlockID, at now: LocalTime, _ effects: inout ChainEffects
  ) -> BlockDraft? {
    mine(&effects)
    // The solution is for the block that was being worked on, even if a better one has come since.
    let parent = isHonest ? template : head
    return BlockDraft(
      parent: parent, work: nextDifficulty(on: parent, effects.blocks), stamp: now.nanoseconds,
      salt: effects.random.next())
  }

  public mutating func upon(
    made block: BlockID, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    if attack != nil { return uponSecret(block, &effects) }
    if selfish != nil { return uponSelfish(own: block, &effects) }
    considerAdopting(block, &effects)
    effects.publish(block)
  }

  public mutating func upon(
    block: BlockID, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    if attack != nil { return uponPublic(block, &effects) }
    if selfish != nil { return uponSelfish(others: block, &effects) }
    considerAdopting(block, &effects)
  }

  public mutating func restart(
    from base: BlockID?, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    if let base {
      head = base
      attack?.begin(on: base)
      selfish?.begin(on: base)
    }
    mine(&effects)
  }

  /// §5: the chain with the most work; of two equal ones, the one that came first, or by a coin.
  private mutating func considerAdopting(_ block: BlockID, _ effects: inout ChainEffects) {
    if let takes = settings.weakness.takes(block, over: head, effects.blocks) {
      guard takes else { return }
    } else {
      let (new, old) = (effects.blocks[block].totalWork, effects.blocks[head].totalWork)
      guard new >= old else { return }
      if new == old {
        guard settings.tieBreaking > 0, effects.random.bernoulli(settings.tieBreaking) else {
          return
        }
      }
    }
    head = block
    mineAgainIfHarder(&effects)
  }

  /// §5, for the monitor: a chain with more work.
  public func preferred(among known: [BlockID], _ blocks: BlockArena) -> BlockID? {
    guard isHonest else { return nil }
    return known.first { blocks[$0].totalWork > blocks[head].totalWork }
  }

  /// Draws when this miner finds its next block.
  mutating func mine(_ effects: inout ChainEffects) {
    difficulty = nextDifficulty(on: head, effects.blocks)
    guard hashRate > 0 else { return }
    let relative = Double(difficulty) / Double(Self.initialDifficulty)
    let mean = settings.interval.seconds * relative / hashRate
    let wait = mean * effects.random.exponential()
    // Beyond a century the run is over.
    guard wait < 3e9 else { return }
    effects.draw(after: SimDuration(seconds: wait))
  }

  /// A new head may ask for another difficulty; the race is memoryless, so it may begin anew.
  mutating func mineAgainIfHarder(_ effects: inout ChainEffects) {
    guard settings.retarget != nil,
      nextDifficulty(on: head, effects.blocks) != difficulty
    else { return }
    mine(&effects)
  }

  // MARK: - Costs

  /// Searching is not done on the node's cores; what is found is hashed once.
  public func workOfMaking(_ costs: CostSheet) -> SimDuration { costs.hash }
  public func workOfHeader(_ costs: CostSheet) -> SimDuration { costs.hash }
  /// A signature and an execution for each transaction, and the Merkle tree over the body.
  public func workOfBody(of block: Block, _ costs: CostSheet) -> SimDuration {
    (costs.verify + costs.execution) * Int64(block.transactions) + costs.hashing(block.bytes)
  }
}
