import Consensus
import Kernel
import Ledger
import Machines

/// The relative stake of one stakeholder over time.
public struct Stake: Sendable, Equatable {
  /// From an epoch on, until the next change.
  public struct Change: Sendable, Equatable, BitwiseCopyable {
    public var epoch: UInt64
    public var share: Double

    public init(epoch: UInt64, share: Double) {
      self.epoch = epoch
      self.share = share
    }
  }

  /// At genesis, in 0...1.
  public var initial: Double
  /// In order of epoch.
  public var changes: [Change]

  public init(_ initial: Double, changes: [Change] = []) {
    precondition(initial >= 0 && initial <= 1, "relative stake \(initial)")
    self.initial = initial
    self.changes = changes
  }

  /// The share that counts in the lottery of `epoch`: as it stood at the end of the epoch before
  /// the last (§5.1: the distribution of the last block before epoch j - 1).
  func counting(in epoch: UInt64) -> Double {
    guard epoch >= 2 else { return initial }
    return changes.last { $0.epoch <= epoch - 2 }?.share ?? initial
  }
}

/// The slots of one epoch that a stakeholder leads, drawn one after the other.
///
/// The output of the lottery in a slot is a function of key, nonce and slot, so a stakeholder can
/// tell its slots ahead as soon as the nonce is known. Their gaps are geometric; they are drawn
/// from a stream named by key, nonce and epoch, which gives the same slots to whoever draws again.
struct Schedule: Sendable {
  var epoch = UInt64.max
  var nonce: UInt64 = 0
  /// The next slot led, at or after the last slot asked about; past the epoch if there is none.
  var next: UInt64 = 0
  var hazard = 0.0
  var stream = RandomStream(state: (1, 0, 0, 0))

  mutating func advance() {
    guard hazard > 0 else {
      next = .max
      return
    }
    let gap = stream.geometric(hazard: hazard)
    next = gap < 1 << 62 ? next &+ UInt64(gap) : .max
  }
}

extension Praos {
  func slot(at now: LocalTime) -> UInt64 {
    UInt64(max(now.nanoseconds, 0) / settings.slot.nanoseconds)
  }

  /// Whether this stakeholder leads `slot`, of the epoch of the schedule.
  mutating func leads(_ slot: UInt64) -> Bool {
    while schedule.next < slot { schedule.advance() }
    return schedule.next == slot
  }

  /// Whether the schedule is of another epoch or nonce than those of `slot` on the head.
  func isOutdated(at slot: UInt64, _ blocks: BlockArena) -> Bool {
    let epoch = slot / settings.epoch
    return schedule.epoch != epoch || schedule.nonce != nonce(of: epoch, on: head, blocks)
  }

  mutating func refreshSchedule(for slot: UInt64, _ blocks: BlockArena) {
    guard isOutdated(at: slot, blocks) else { return }
    let epoch = slot / settings.epoch
    schedule.epoch = epoch
    schedule.nonce = nonce(of: epoch, on: head, blocks)
    var name = RunDigest(key)
    name.fold(schedule.nonce, epoch)
    schedule.stream = RandomStream(seed: name.value, purpose: "praos.lottery", entity: epoch)
    // -log(1 - phi(a)) = -a log(1 - f): stakes add up as hazards do.
    schedule.hazard = -Elementary.log1p(-settings.f) * stake.counting(in: epoch)
    schedule.next = epoch &* settings.epoch &- 1
    schedule.advance()
    while schedule.next < slot { schedule.advance() }
  }

  /// Lets the lottery come up at the first slot from `first` on that this stakeholder leads, or at
  /// the next epoch, whose nonce is not known yet.
  mutating func waitForSlot(
    from first: UInt64, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    var target = first
    if first % settings.epoch != 0 || first == 0 {
      refreshSchedule(for: first, effects.blocks)
      while schedule.next < first { schedule.advance() }
      let end = (first / settings.epoch + 1) * settings.epoch
      target = min(schedule.next, end)
    }
    let start = LocalTime(nanoseconds: Int64(target) * settings.slot.nanoseconds)
    effects.draw(after: start - now)
  }

  func makeDraft(
    for slot: UInt64, on parent: BlockID, at now: LocalTime, _ blocks: BlockArena
  ) -> BlockDraft {
    let epoch = slot / settings.epoch
    var output = RunDigest(key)
    output.fold(schedule.nonce, slot)
    let before = blocks[parent]
    var fold = before.slot / settings.epoch == epoch ? before.fold : 0
    if slot % settings.epoch < settings.nonceSlots {
      var digest = RunDigest(fold)
      digest.fold(output.value)
      fold = digest.value
    }
    return BlockDraft(
      parent: parent, work: 1, stamp: now.nanoseconds, slot: slot, salt: output.value,
      nonce: schedule.nonce, fold: fold)
  }

  /// The nonce of `epoch` on the chain that ends in `head`: the hash of the nonce before, of the
  /// epoch, and of the lottery outputs of the blocks in the first part of the epoch before (§5.1).
  func nonce(of epoch: UInt64, on head: BlockID, _ blocks: BlockArena) -> UInt64 {
    let last = blocks[head]
    var reached = last.slot / settings.epoch
    var nonce = last.nonce
    var fold = last.fold
    while reached < epoch {
      reached += 1
      var digest = RunDigest(nonce)
      digest.fold(reached, fold)
      nonce = digest.value
      fold = 0
    }
    return nonce
  }
}
