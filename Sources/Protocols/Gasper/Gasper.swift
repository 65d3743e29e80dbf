import Consensus
import Kernel
import Ledger
import Machines

/// Gasper, the consensus of Ethereum's beacon chain: LMD-GHOST and Casper FFG.
///
/// After Buterin et al., "Combining GHOST and Casper" (2020), and the consensus specifications
/// (phase0, altair, bellatrix, deneb and electra). This file is a node with some validators: what
/// it does when a slot begins, and when a block or a note comes. What its validators do is in
/// `Gasper+Duties`, the choice of a head in `ForkChoice`, states in `BeaconState`, what is stored
/// once for all nodes in `GasperContent`.
public struct Gasper: ChainProtocol {
  public static var name: String { "gasper" }

  /// Something that a node does at a time of its own.
  struct Task: Sendable, BitwiseCopyable {
    enum Kind: UInt8, BitwiseCopyable, Sendable {
      case slot, propose, twin, attest, aggregate, sway, enter, leave
    }
    var time: Int64
    var kind: Kind
    /// Or the number of the validator that enters or leaves.
    var slot: UInt32
  }

  let settings: Settings
  let me: Int
  /// First validator of each node; one more entry at the end.
  let firstValidator: [UInt32]
  let seed: UInt64
  var store: Store
  public internal(set) var head = BlockID.genesis
  public internal(set) var refused = 0
  var tasks: [Task] = []
  /// Last slot in which the node's validators attested, and what they voted for.
  var attested = UInt32.max
  var ownVote = UInt32.max
  /// What each of the node's validators has signed.
  struct Signed: Sendable, BitwiseCopyable {
    /// The first target epoch that it may sign for, and the newest source.
    var nextTarget: UInt32 = 0
    var source: UInt32 = 0
  }
  var signed: [Signed] = []
  /// Evidence that the node holds and no block of its chain does, as far as it knows.
  var evidence: [UInt32] = []
  var operations = Operations()
  var attack = BalancingAttack()

  // What is reported at the end.
  public internal(set) var attestations = 0
  public internal(set) var aggregatesMade = 0
  public internal(set) var reorgsOfLateHeads = 0
  public internal(set) var attackedSlots = 0
  /// Validators in the committees of the epoch in which the node attested last.
  public internal(set) var activeValidators = 0

  /// - Parameter firstValidator: node i has the validators from entry i up to, not with, i + 1.
  public init(settings: Settings, me: Int, firstValidator: [UInt32], seed: UInt64) {
    self.settings = settings
    self.me = me
    self.firstValidator = firstValidator
    self.seed = seed
    store = Store()
    tasks.reserveCapacity(8)
  }

  public var shown: BlockID { head }
  public var confirmations: Int { 1 }
  public var rollbackLimit: Int? { nil }
  /// The root of the finalised checkpoint.
  public var irreversible: BlockID? { store.finalized.root }

  /// Checkpoints that the node takes for justified and for finalised.
  public var justified: Checkpoint { store.justified }
  public var finalized: Checkpoint { store.finalized }

  var isAdversary: Bool { settings.adversary > 0 && me == 0 }

  // MARK: - Time

  func slot(at now: LocalTime) -> UInt32 {
    UInt32(max(now.nanoseconds, 0) / settings.slot.nanoseconds)
  }

  func start(of slot: UInt32) -> Int64 { Int64(slot) * settings.slot.nanoseconds }

  /// When the part of a slot that is `basisPoints` of it has passed.
  func due(_ basisPoints: Int, in slot: UInt32) -> Int64 {
    let milliseconds = settings.slot.nanoseconds / 1_000_000
    return start(of: slot) + milliseconds * Int64(basisPoints) / 10_000 * 1_000_000
  }

  mutating func plan(_ kind: Task.Kind, at time: Int64, in slot: UInt32) {
    tasks.append(Task(time: time, kind: kind, slot: slot))
  }

  func waitForTask(_ now: LocalTime, _ effects: inout ChainEffectsOf<GasperContent>) {
    guard let next = tasks.min(by: { $0.time < $1.time }) else { return }
    effects.draw(after: SimDuration(nanoseconds: max(next.time - now.nanoseconds, 0)))
  }

  public mutating func start(
    at now: LocalTime, _ effects: inout ChainEffectsOf<GasperContent>
  ) {
    effects.content.begin(settings, firstValidator: firstValidator, seed: seed)
    // Nobody proposes in slot 0, which is genesis'.
    store.slot = slot(at: now)
    plan(.slot, at: start(of: store.slot + 1), in: store.slot + 1)
    if isAdversary { planSway(for: store.slot + 1) }
    planEntry(from: 0)
    planExit(from: 0)
    waitForTask(now, &effects)
  }

  public mutating func upon(
    lottery template: BlockID, at now: LocalTime, _ effects: inout ChainEffectsOf<GasperContent>
  ) -> BlockDraft? {
    defer { waitForTask(now, &effects) }
    var first: Int?
    for k in tasks.indices where tasks[k].time <= now.nanoseconds {
      if let other = first, tasks[other].time <= tasks[k].time { continue }
      first = k
    }
    guard let first else { return nil }
    let task = tasks.remove(at: first)
    switch task.kind {
    case .slot:
      enterSlot(task.slot, now, &effects)
      return nil
    case .propose: return propose(in: task.slot, isTwin: false, now, &effects)
    case .twin: return propose(in: task.slot, isTwin: true, now, &effects)
    case .attest:
      attest(in: task.slot, now, &effects)
      return nil
    case .aggregate:
      aggregate(in: task.slot, &effects)
      return nil
    case .sway: return sway(in: task.slot, now, &effects)
    case .enter, .leave:
      ask(for: task, &effects)
      return nil
    }
  }

  /// `on_tick_per_slot`, and plans for the slot.
  mutating func enterSlot(
    _ slot: UInt32, _ now: LocalTime, _ effects: inout ChainEffectsOf<GasperContent>
  ) {
    plan(.slot, at: start(of: slot + 1), in: slot + 1)
    tick(to: slot, &effects)
    if slot % UInt32(settings.slotsPerEpoch) == 0 { tendOperations(&effects) }
    guard !isAdversary || !isAttacking else { return planSway(for: slot + 1) }
    if isAdversary { planSway(for: slot + 1) }
    planDuties(in: slot, &effects)
  }

  /// Moves the store's clock; votes of the slots before count from now on.
  mutating func tick(to slot: UInt32, _ effects: inout ChainEffectsOf<GasperContent>) {
    guard slot > store.slot else { return }
    let before = store.slot
    store.slot = slot
    store.boosted = .none
    if effects.content.epoch(of: slot) > effects.content.epoch(of: before) {
      if store.update(justified: store.unrealizedJustified, finalized: store.unrealizedFinalized) {
        pruneTips(effects)
      }
      effects.content.dropOldNotes()
      store.drop(before: effects.blocks.startIndex)
    }
    for old in max(before, slot - min(slot, 64))..<slot {
      countVotes(of: old, for: nil, &effects)
    }
    let epoch = effects.content.epoch(of: slot)
    store.counted.retire(before: epoch - min(epoch, 1), &effects.content)
    head = store.head(&effects.content, effects.blocks)
  }

  private mutating func pruneTips(_ effects: borrowing ChainEffectsOf<GasperContent>) {
    let finalized = store.finalized
    for k in store.tips.indices.reversed() {
      let tip = store.tips[k]
      if !effects.blocks.contains(tip)
        || !store.holds(finalized, on: tip, effects.content, effects.blocks)
      {
        store.tips.remove(at: k)
      }
    }
  }

  // MARK: - Blocks

  public mutating func upon(
    made block: BlockID, at now: LocalTime, _ effects: inout ChainEffectsOf<GasperContent>
  ) {
    effects.content.seal(block, effects.blocks, &effects.topics)
    take(block, now, &effects)
    if isAdversary, attack.isReleasing { return release(block, &effects) }
    publish(block, &effects)
  }

  public mutating func upon(
    block: BlockID, at now: LocalTime, _ effects: inout ChainEffectsOf<GasperContent>
  ) {
    // A block of a slot that begins at this very moment may come before the node's own clock.
    if slot(at: now) > store.slot { tick(to: slot(at: now), &effects) }
    take(block, now, &effects)
    let current = store.slot
    let mayVote =
      settings.weakness == .votesAgain
      || attested != current && now.nanoseconds < due(settings.attestationDue, in: current)
    guard effects.blocks[block].slot == UInt64(current), !isAttacking, mayVote else { return }
    // A validator attests as soon as it has a block of the slot from the proposer expected.
    attest(in: current, now, &effects)
    waitForTask(now, &effects)
  }

  /// `on_block`.
  private mutating func take(
    _ block: BlockID, _ now: LocalTime, _ effects: inout ChainEffectsOf<GasperContent>
  ) {
    let content = effects.blocks[block]
    let slot = UInt32(content.slot)
    let body = effects.content.body(of: block)
    let isTimely =
      store.slot == slot && now.nanoseconds < due(settings.attestationDue, in: slot)
    // It is kept as the node's peers keep it, and never becomes a head: `Store.isViable`.
    if !store.holds(store.finalized, on: block, effects.content, effects.blocks) { refused += 1 }
    store.receive(block, isTimely: isTimely)
    if let k = store.tips.firstIndex(of: content.parent) { store.tips.remove(at: k) }
    store.tips.append(block)
    if isTimely, store.boosted == .none, hasSameDependentRoot(block, effects) {
      store.boosted = block
    }
    takeVotes(of: body, &effects)
    // Votes for the block may have come before it.
    let oldest = max(slot, store.slot - min(store.slot, 64))
    for old in oldest..<max(store.slot, oldest) { countVotes(of: old, for: block, &effects) }
    var isFinalising = store.update(
      justified: body.realized.currentJustified, finalized: body.realized.finalized)
    store.update(unrealized: body.unrealized)
    if effects.content.epoch(of: slot) < effects.content.epoch(of: store.slot) {
      let more = store.update(
        justified: body.unrealized.currentJustified, finalized: body.unrealized.finalized)
      isFinalising = isFinalising || more
    }
    if isFinalising { pruneTips(effects) }
    let twin = store.twin(of: block, effects.content, effects.blocks)
    if twin != .none { accuse(proposer: body.proposer, block, twin, &effects) }
    head = store.head(&effects.content, effects.blocks)
  }

  /// `update_proposer_boost_root`: the same shuffling rules on the block's chain and the head's.
  private func hasSameDependentRoot(
    _ block: BlockID, _ effects: borrowing ChainEffectsOf<GasperContent>
  ) -> Bool {
    let epoch = effects.content.epoch(of: store.slot)
    if epoch <= 1 || effects.blocks[block].parent == head { return true }
    let slot = effects.content.start(of: epoch - 1) - 1
    return effects.content.ancestor(of: head, at: slot, effects.blocks)
      == effects.content.ancestor(of: block, at: slot, effects.blocks)
  }

  // MARK: - After a crash

  public mutating func restart(
    from base: BlockID?, at now: LocalTime, _ effects: inout ChainEffectsOf<GasperContent>
  ) {
    tasks.removeAll(keepingCapacity: true)
    if let base { restartWithoutDisk(from: base, effects) }
    // What it has asked for already it knows, unless its disk is lost.
    planEntry(from: 0)
    planExit(from: 0)
    tick(to: slot(at: now), &effects)
    plan(.slot, at: start(of: store.slot + 1), in: store.slot + 1)
    if isAdversary { planSway(for: store.slot + 1) }
    waitForTask(now, &effects)
  }

  /// `get_forkchoice_store` with `base` as its anchor.
  private mutating func restartWithoutDisk(
    from base: BlockID, _ effects: borrowing ChainEffectsOf<GasperContent>
  ) {
    let epoch = effects.content.epoch(of: UInt32(effects.blocks[base].slot))
    var fresh = Store()
    fresh.firstBlock = Int(base.index) & ~63
    fresh.received = []
    fresh.timely = []
    fresh.receive(base, isTimely: true)
    fresh.tips = [base]
    fresh.slot = store.slot
    let anchor = base == .genesis ? Checkpoint.genesis : Checkpoint(epoch: epoch, root: base)
    fresh.justified = anchor
    fresh.finalized = anchor
    fresh.unrealizedJustified = anchor
    fresh.unrealizedFinalized = anchor
    store = fresh
    head = base
    evidence.removeAll()
    operations = Operations()
  }
}

extension Gasper {
  /// First validator of each node, and one more entry at the end.
  ///
  /// - Parameters:
  ///   - shares: stake of each node; they add up to 1.
  ///   - adversary: the share of node 0 instead of its own; the others share the rest. 0: none.
  public static func split(
    _ validators: Int, shares: [Double], adversary: Double
  ) -> [UInt32] {
    var shares = shares
    if adversary > 0, shares.count > 1 {
      let rest = shares.dropFirst().reduce(0, +)
      for i in shares.indices.dropFirst() { shares[i] *= (1 - adversary) / rest }
      shares[0] = adversary
    }
    var starts: [UInt32] = [0]
    var upTo = 0.0
    for share in shares {
      upTo += share
      starts.append(UInt32(min((upTo * Double(validators) + 0.5), Double(validators))))
    }
    starts[shares.count] = UInt32(validators)
    return starts
  }
}
