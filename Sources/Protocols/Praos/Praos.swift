import Consensus
import Kernel
import Ledger
import Machines

/// Ouroboros Praos after David, Gaži, Kiayias and Russell, EUROCRYPT '18.
///
/// This file is a stakeholder of Figure 4: it wins slots by a private lottery, extends the longest
/// chain (maxvalid, Figure 3) and refuses chains that fork more than k blocks deep. Schedule and
/// nonces (§4.1, §5) have their own file.
///
/// In each time slot a stakeholder with relative stake a leads with probability
/// phi(a) = 1 - (1 - f)^a, independently of all others: several may lead one slot, or none. phi is
/// such that splitting stake changes nothing.
public struct Praos: ChainProtocol {
  public static var name: String { "praos" }

  /// What decides between two longest chains of equal length.
  public enum TieRule: String, Sendable, CaseIterable, BitwiseCopyable {
    /// The chain that came first (the paper leaves it open).
    case firstSeen = "first-seen"
    /// The lower lottery output of the last block, as Cardano's nodes have it.
    case lowestOutput = "lowest-output"
  }

  public struct Settings: Sendable, Equatable, BitwiseCopyable {
    /// Active slot coefficient: the probability that a slot has a leader, in 0..<1.
    public var f: Double
    /// Length of a time slot.
    public var slot: SimDuration
    /// Slots in an epoch: R.
    public var epoch: UInt64
    /// Slots at the beginning of an epoch whose blocks make the nonce of the next.
    public var nonceSlots: UInt64
    /// Blocks that a node gives up at most: k.
    public var k: Int
    /// Blocks after which a transaction counts as decided; its own is the first.
    public var confirmations: Int
    public var ties: TieRule
    /// How far ahead of the node's clock a slot may be.
    public var clockSkew: SimDuration
    /// Evaluating the lottery with its proof, checking the proof; a key-evolving signature over a
    /// header, and checking it.
    public var prove: SimDuration
    public var checkProof: SimDuration
    public var sign: SimDuration
    public var checkSignature: SimDuration
    /// The software of a node that lost its disk names the newest block that was k deep when it
    /// went down; it takes no chain without that block.
    public var checkpoints: Bool
    public var weakness = ChoiceWeakness.none

    public init(
      f: Double, slot: SimDuration, epoch: UInt64, nonceSlots: UInt64, k: Int,
      confirmations: Int, ties: TieRule, clockSkew: SimDuration, prove: SimDuration,
      checkProof: SimDuration, sign: SimDuration, checkSignature: SimDuration,
      checkpoints: Bool = false
    ) {
      precondition(f > 0 && f < 1, "active slot coefficient \(f)")
      precondition(slot > .zero && epoch >= 1, "epochs of \(epoch) slots")
      precondition(nonceSlots <= epoch, "a nonce of \(nonceSlots) slots, the epoch has \(epoch)")
      precondition(k >= 1 && confirmations >= 1, "k \(k), \(confirmations) confirmations")
      self.f = f
      self.slot = slot
      self.epoch = epoch
      self.nonceSlots = nonceSlots
      self.k = k
      self.confirmations = confirmations
      self.ties = ties
      self.clockSkew = clockSkew
      self.prove = prove
      self.checkProof = checkProof
      self.sign = sign
      self.checkSignature = checkSignature
      self.checkpoints = checkpoints
    }
  }

  let settings: Settings
  let stake: Stake
  /// Secret: whoever knows it can tell the slots that this stakeholder leads.
  let key: UInt64
  public internal(set) var head = BlockID.genesis
  public internal(set) var refused = 0
  var schedule = Schedule()
  var checkpoint: BlockID?
  /// What the node does instead of taking part, if it is an adversary.
  public internal(set) var attack: LongRange?

  /// - Parameters:
  ///   - stake: relative, of the whole stake, also of those who take no part.
  ///   - stakeholder, seed: name the key.
  ///   - attack: an adversary, whose `stake` is that of the old keys that it has bought.
  public init(
    settings: Settings, stake: Stake, stakeholder: Int, seed: UInt64, attack: LongRange? = nil
  ) {
    self.settings = settings
    self.attack = attack
    self.stake = stake
    var stream = RandomStream(seed: seed, purpose: "praos.key", entity: UInt64(stakeholder))
    key = stream.next()
  }

  /// The arena with the genesis block of a chain: its nonce is drawn from `seed`.
  public static func genesis(seed: UInt64) -> BlockArena {
    var stream = RandomStream(seed: seed, purpose: "praos.genesis")
    return BlockArena(nonce: stream.next())
  }

  public var shown: BlockID { head }
  public var confirmations: Int { settings.confirmations }
  public var rollbackLimit: Int? { settings.k }

  public mutating func start(at now: LocalTime, _ effects: inout ChainEffects) {
    if attack != nil { return awaitAttack(at: now, &effects) }
    // The slot in which the node enters is open: it may lead it.
    waitForSlot(from: slot(at: now), at: now, &effects)
  }

  public mutating func upon(
    lottery template: BlockID, at now: LocalTime, _ effects: inout ChainEffects
  ) -> BlockDraft? {
    if attack != nil { return makeOldBlock(at: now, &effects) }
    let current = slot(at: now)
    refreshSchedule(for: current, effects.blocks)
    let isLeader = leads(current)
    defer { waitForSlot(from: current + 1, at: now, &effects) }
    guard isLeader, let parent = parent(for: current, effects.blocks) else { return nil }
    return makeDraft(for: current, on: parent, at: now, effects.blocks)
  }

  public mutating func upon(
    made block: BlockID, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    if attack != nil { return keepBack(block) }
    if isBetter(block, effects.blocks) { head = block }
    effects.publish(block)
  }

  public mutating func upon(
    block: BlockID, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    if attack != nil { return followToFork(block, effects.blocks) }
    guard isBetter(block, effects.blocks) else { return }
    let earliest = Int64(effects.blocks[block].slot) * settings.slot.nanoseconds
    guard earliest <= now.nanoseconds + settings.clockSkew.nanoseconds,
      forksAtMost(settings.k, block, effects.blocks), isOnCheckpoint(block, effects.blocks)
    else {
      refused += 1
      return
    }
    head = block
    // Another nonce is another schedule.
    if isOutdated(at: slot(at: now), effects.blocks) {
      waitForSlot(from: slot(at: now) + 1, at: now, &effects)
    }
  }

  public mutating func restart(
    from base: BlockID?, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    if let base {
      checkpoint = settings.checkpoints ? deepBlock(effects.blocks) : nil
      head = base
    }
    if attack != nil { return awaitAttack(at: now, &effects) }
    waitForSlot(from: slot(at: now) + 1, at: now, &effects)
  }

  /// What a block for `slot` is built on: the head, or what the head is built on if another leader
  /// of the slot was faster; nothing, if the head is of a later slot.
  private func parent(for slot: UInt64, _ blocks: BlockArena) -> BlockID? {
    let last = blocks[head]
    if last.slot < slot || head == .genesis { return head }
    return last.slot == slot ? last.parent : nil
  }

  /// Longer than the chain of `head`, or as long and preferred by the tie rule.
  private func isBetter(_ block: BlockID, _ blocks: BlockArena) -> Bool {
    if let takes = settings.weakness.takes(block, over: head, blocks) { return takes }
    let (new, old) = (blocks[block], blocks[head])
    if new.height != old.height { return new.height > old.height }
    switch settings.ties {
    case .firstSeen: return false
    case .lowestOutput: return new.salt < old.salt
    }
  }

  /// For the monitor: a longer chain. Who has refused one may rightly not be on it.
  public func preferred(among known: [BlockID], _ blocks: BlockArena) -> BlockID? {
    guard attack == nil, refused == 0 else { return nil }
    return known.first { blocks[$0].height > blocks[head].height }
  }

  /// maxvalid: a chain that forks from the own one more than k blocks back is not considered.
  private func forksAtMost(_ k: Int, _ block: BlockID, _ blocks: BlockArena) -> Bool {
    let shared = blocks.commonAncestor(head, block)
    return Int(blocks[head].height) - Int(blocks[shared].height) <= k
  }

  /// The newest block that is k deep.
  private func deepBlock(_ blocks: BlockArena) -> BlockID {
    let height = blocks[head].height
    let k = UInt32(clamping: settings.k)
    return blocks.ancestor(of: head, at: height > k ? height - k : 0)
  }

  /// Whether `block` is on one chain with the checkpoint, before or after it.
  private func isOnCheckpoint(_ block: BlockID, _ blocks: BlockArena) -> Bool {
    guard let checkpoint, blocks.contains(checkpoint) else { return true }
    return blocks.isAncestor(checkpoint, of: block) || blocks.isAncestor(block, of: checkpoint)
  }

  // MARK: - Costs

  public func workOfMaking(_ costs: CostSheet) -> SimDuration { settings.prove + settings.sign }
  public func workOfHeader(_ costs: CostSheet) -> SimDuration {
    settings.checkProof + settings.checkSignature
  }
  /// A signature and an execution for each transaction, and the digest of the body.
  public func workOfBody(of block: Block, _ costs: CostSheet) -> SimDuration {
    (costs.verify + costs.execution) * Int64(block.transactions) + costs.hashing(block.bytes)
  }
}
