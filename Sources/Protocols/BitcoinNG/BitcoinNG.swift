import Consensus
import Kernel
import Ledger
import Machines

/// Bitcoin-NG after Eyal, Gencer, Sirer and van Renesse, "Bitcoin-NG: a scalable blockchain
/// protocol", NSDI 2016.
///
/// This file is a node: key blocks by proof of work elect a leader (§4.1), the chain with the most
/// key blocks wins (§4.1), and what counts as decided. Microblocks (§4.2) and fraud (§4.5) have a
/// file of their own, and so have fees (§4.4).
///
/// A key block has work and no transactions; a microblock has transactions and no work. `nonce` of
/// a
/// block is its key height, the number of key blocks up to it; `fold` is the key block of its
/// epoch,
/// for a key block the one before; `slot` of a microblock is one more than the block it accuses.
public struct BitcoinNG: ChainProtocol {
  public static var name: String { "bitcoin-ng" }

  /// Work of a key block: all have the same.
  public static var difficulty: UInt64 { 1 }

  /// What makes a transaction decided.
  public enum Confirmation: Sendable, Equatable, BitwiseCopyable {
    /// So many key blocks on its microblock, at least 1.
    case keyBlocks(Int)
    /// Its microblock is on the node's chain, and was received so long ago: the time in which a key
    /// block that prunes it would have come (§4.3).
    case wait(SimDuration)
  }

  public struct Settings: Sendable, Equatable, BitwiseCopyable {
    /// Mean time between key blocks.
    public var keyInterval: SimDuration
    /// Time from one microblock of a leader to its next.
    public var microInterval: SimDuration
    /// Microblocks that follow each other faster are invalid.
    public var leastInterval: SimDuration
    public var confirmation: Confirmation
    /// Key blocks after which a leader is paid: until then its fraud can be shown.
    public var maturity: Int
    /// Hundredths of the fees of an epoch that its leader gets; the next leader gets the rest.
    public var leaderShare: Int
    /// Hundredths of what a cheater loses that whoever shows its fraud gets.
    public var poisonShare: Int
    /// Probability that a node leaves its chain for one of as many key blocks that comes later.
    public var tieBreaking: Double
    /// How far ahead of a node's clock a microblock may be.
    public var clockSkew: SimDuration
    public var weakness = ChoiceWeakness.none

    public init(
      keyInterval: SimDuration, microInterval: SimDuration, leastInterval: SimDuration,
      confirmation: Confirmation, maturity: Int, leaderShare: Int, poisonShare: Int,
      tieBreaking: Double, clockSkew: SimDuration
    ) {
      precondition(keyInterval > .zero && microInterval > .zero, "an interval of nothing")
      precondition(leastInterval <= microInterval, "microblocks faster than is allowed")
      precondition(maturity >= 1, "pay after \(maturity) key blocks")
      precondition((0...100).contains(leaderShare), "\(leaderShare) hundredths")
      precondition((0...100).contains(poisonShare), "\(poisonShare) hundredths")
      precondition(tieBreaking >= 0 && tieBreaking <= 1, "a coin of \(tieBreaking)")
      self.keyInterval = keyInterval
      self.microInterval = microInterval
      self.leastInterval = leastInterval
      self.confirmation = confirmation
      self.maturity = maturity
      self.leaderShare = leaderShare
      self.poisonShare = poisonShare
      self.tieBreaking = tieBreaking
      self.clockSkew = clockSkew
    }
  }

  let settings: Settings
  let hashRate: Double
  /// As a leader, signs two microblocks on one (§4.5).
  let equivocates: Bool
  public internal(set) var head = BlockID.genesis
  public internal(set) var refused = 0
  var decided = BlockID.genesis
  /// The key block by which the node leads, if it has found one since it last lost its disk.
  var leadership = BlockID.none
  /// When the leader's next microblock is due, and for when the timer is set.
  var nextMicroblock = Int64.max
  var armedFor = Int64.max
  var arrivals = Arrivals()
  var fraud = FraudBook()
  public internal(set) var income = Income()
  /// Blocks that this node has made.
  public internal(set) var keyBlocksMade = 0
  public internal(set) var microblocksMade = 0
  /// Of the chain that ends in `head`.
  public internal(set) var keyHeight: UInt64 = 0
  public internal(set) var height: UInt32 = 0

  /// - Parameters:
  ///   - hashRate: in 0...; 0 is a node that does not mine.
  ///   - equivocates: an adversary: once in each epoch that it leads it signs two microblocks on
  ///   one.
  public init(settings: Settings, hashRate: Double, equivocates: Bool = false) {
    precondition(hashRate >= 0 && hashRate.isFinite, "hash rate \(hashRate)")
    self.settings = settings
    self.hashRate = hashRate
    self.equivocates = equivocates
  }

  /// The arena with the genesis block of a chain: a key block that nobody made.
  public static func genesis() -> BlockArena { BlockArena(work: difficulty) }

  public var shown: BlockID { head }
  /// Key blocks or time confirm, and a chain with more key blocks takes back what they did.
  public static var decidesForGood: Bool { false }
  /// Not used: `irreversible` decides.
  public var confirmations: Int { 1 }
  public var irreversible: BlockID? { decided }
  public var oldestNeeded: BlockID? { income.paid }
  public var rollbackLimit: Int? { nil }

  public mutating func start(at now: LocalTime, _ effects: inout ChainEffects) { mine(&effects) }

  public mutating func upon(
    lottery template: BlockID, at now: LocalTime, _ effects: inout ChainEffects
  ) -> BlockDraft? {
    mine(&effects)
    // Key blocks are found on the last microblock that the miner knew: those it did not know of are
    // pruned by it.
    return BlockDraft(
      parent: template, work: Self.difficulty, stamp: now.nanoseconds,
      salt: effects.random.next(), nonce: effects.blocks[template].nonce + 1,
      fold: UInt64(keyBlock(of: template, effects.blocks).index), carriesTransactions: false)
  }

  public mutating func upon(
    timerAt now: LocalTime, _ effects: inout ChainEffects
  ) -> BlockDraft? {
    armedFor = .max
    let draft = makeMicroblock(at: now, &effects)
    decide(at: now, effects.blocks)
    rearm(at: now, &effects)
    return draft
  }

  public mutating func upon(
    made block: BlockID, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    let content = effects.blocks[block]
    income.me = content.miner
    arrivals.note(block, at: now, effects.blocks)
    if content.work > 0 {
      keyBlocksMade += 1
      leadership = block
      nextMicroblock = now.nanoseconds + settings.microInterval.nanoseconds
    } else {
      microblocksMade += 1
      noteAccusation(in: block, effects.blocks)
    }
    considerAdopting(block, at: now, &effects)
    effects.publish(block)
    rearm(at: now, &effects)
  }

  public mutating func upon(
    block: BlockID, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    guard isValid(block, at: now, effects.blocks) else {
      arrivals.noteInvalid(block, effects.blocks)
      refused += 1
      return
    }
    arrivals.note(block, at: now, effects.blocks)
    noteAccusation(in: block, effects.blocks)
    lookForFraud(in: block, effects.blocks)
    considerAdopting(block, at: now, &effects)
    rearm(at: now, &effects)
  }

  public mutating func restart(
    from base: BlockID?, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    armedFor = .max
    if let base {
      // Without its disk it does not know what it has signed as a leader: it leads no more.
      leadership = .none
      arrivals.begin(on: base, at: now, effects.blocks)
      fraud = FraudBook()
      income.paid = nil
      decided = base
      moveHead(to: base, effects.blocks)
    }
    mine(&effects)
    rearm(at: now, &effects)
  }

  // MARK: - Chains

  /// The key block of the epoch of `block`; it may be too old to be looked at.
  func keyBlock(of block: BlockID, _ blocks: BlockArena) -> BlockID {
    let content = blocks[block]
    return content.work > 0 ? block : BlockID(index: UInt32(truncatingIfNeeded: content.fold))
  }

  /// The chain with the most key blocks. Of two with as many, the one that came first or by a coin;
  /// a microblock only extends the chain that the node is on.
  private mutating func considerAdopting(
    _ block: BlockID, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    let (new, old) = (effects.blocks[block], effects.blocks[head])
    if let takes = settings.weakness.takes(block, over: head, effects.blocks) {
      guard takes else { return }
    } else if new.totalWork <= old.totalWork, new.parent != head {
      guard new.totalWork == old.totalWork, new.work > 0, settings.tieBreaking > 0,
        effects.random.bernoulli(settings.tieBreaking)
      else { return }
    }
    moveHead(to: block, effects.blocks)
    decide(at: now, effects.blocks)
    pay(effects.blocks)
  }

  /// For the monitor: a valid chain with more key blocks.
  public func preferred(among known: [BlockID], _ blocks: BlockArena) -> BlockID? {
    known.first { arrivals.has($0) && blocks[$0].totalWork > blocks[head].totalWork }
  }

  private mutating func moveHead(to block: BlockID, _ blocks: BlockArena) {
    head = block
    keyHeight = blocks[block].nonce
    height = blocks[block].height
  }

  /// Draws when this miner finds its next key block; the race is memoryless.
  private func mine(_ effects: inout ChainEffects) {
    guard hashRate > 0 else { return }
    let wait = settings.keyInterval.seconds / hashRate * effects.random.exponential()
    // Beyond a century the run is over.
    guard wait < 3e9 else { return }
    effects.draw(after: SimDuration(seconds: wait))
  }

  // MARK: - Decisions

  /// Moves the newest block that counts as decided.
  private mutating func decide(at now: LocalTime, _ blocks: BlockArena) {
    switch settings.confirmation {
    case .keyBlocks(let count):
      var key = keyBlock(of: head, blocks)
      for _ in 1..<count {
        guard blocks.contains(key), key != .genesis else { return }
        key = BlockID(index: UInt32(truncatingIfNeeded: blocks[key].fold))
      }
      guard blocks.contains(key), key != .genesis else { return }
      let parent = blocks[key].parent
      if blocks.contains(parent) { decided = parent }
    case .wait(let wait):
      var walk = head
      while walk != .genesis, arrivals.time(of: walk) > now.nanoseconds - wait.nanoseconds {
        let parent = blocks[walk].parent
        guard blocks.contains(parent) else { break }
        walk = parent
      }
      decided = walk
    }
  }

  /// Sets the timer for the leader's next microblock, or for when the next block will be decided.
  private mutating func rearm(at now: LocalTime, _ effects: inout ChainEffects) {
    var due = isLeader(effects.blocks) ? nextMicroblock : Int64.max
    if case .wait(let wait) = settings.confirmation, head != decided {
      let height = effects.blocks[decided].height + 1
      let next = effects.blocks.ancestor(of: head, at: height)
      due = min(due, arrivals.time(of: next) + wait.nanoseconds)
    }
    guard due != armedFor, due != .max else { return }
    armedFor = due
    effects.arm(after: SimDuration(nanoseconds: max(due - now.nanoseconds, 0)))
  }
}

/// When the blocks that are kept came to a node, by its clock.
struct Arrivals: Sendable {
  private static var never: Int64 { .min }
  private static var invalid: Int64 { .min + 1 }
  private var times = SlidingArray<Int64>()

  init() {
    times.reserveCapacity(1024)
    times.append(0)
  }

  private mutating func makeRoom(for block: BlockID, _ blocks: BlockArena) {
    times.dropFirst(before: blocks.startIndex)
    while times.endIndex <= Int(block.index) { times.append(Self.never) }
  }

  mutating func note(_ block: BlockID, at now: LocalTime, _ blocks: BlockArena) {
    makeRoom(for: block, blocks)
    times[Int(block.index)] = now.nanoseconds
  }

  mutating func noteInvalid(_ block: BlockID, _ blocks: BlockArena) {
    makeRoom(for: block, blocks)
    times[Int(block.index)] = Self.invalid
  }

  mutating func begin(on base: BlockID, at now: LocalTime, _ blocks: BlockArena) {
    makeRoom(for: base, blocks)
    for i in times.startIndex..<times.endIndex { times[i] = Self.never }
    times[Int(base.index)] = now.nanoseconds
  }

  /// Whether `block` has come, and is valid.
  func has(_ block: BlockID) -> Bool { time(of: block) > Self.invalid }

  func time(of block: BlockID) -> Int64 {
    times.contains(Int(block.index)) ? times[Int(block.index)] : Self.never
  }
}
