import Consensus
import Kernel
import Ledger
import Machines

/// The long range attack: the adversary buys keys that once had stake and have none any more, and
/// with them makes a chain that forks far back, in which the stake never moved. It costs nothing
/// but
/// the keys: its slots are long past. Owners were to erase them as they evolved; these did not.
///
/// k forbids nodes that stay to take the chain (maxvalid, Figure 3).
/// A node that comes up without its disk has nothing by which to tell the chains apart but their
/// length, unless it is given a checkpoint.
public struct LongRange: Sendable, Equatable {
  /// The chain is left before this slot, and shown in slot `start`.
  public let fork: UInt64
  public let start: UInt64
  /// Blocks made, oldest first.
  public internal(set) var blocks: [BlockID] = []
  public internal(set) var isShown = false

  public init(fork: UInt64, start: UInt64) {
    precondition(fork < start || start == 0, "an attack that begins before its fork")
    self.fork = fork
    self.start = start
  }
}

extension Praos {
  /// Lets the lottery come up when the attack begins; what has been made stays.
  func awaitAttack(at now: LocalTime, _ effects: inout ChainEffects) {
    guard let attack, !attack.isShown else { return }
    let begin = LocalTime(nanoseconds: Int64(attack.start) * settings.slot.nanoseconds)
    effects.draw(after: max(begin - now, .zero))
  }

  /// The attacker follows the others as far as it will leave them.
  mutating func followToFork(_ block: BlockID, _ blocks: BlockArena) {
    guard let attack, attack.blocks.isEmpty, blocks[block].slot < attack.fork,
      blocks[block].height > blocks[head].height
    else { return }
    head = block
  }

  /// The next block of the attacker's chain, for a slot long past; all at one moment. When the
  /// present is reached, the chain is shown.
  mutating func makeOldBlock(at now: LocalTime, _ effects: inout ChainEffects) -> BlockDraft? {
    guard let attack, !attack.isShown else { return nil }
    let present = slot(at: now)
    var next = max(effects.blocks[head].slot + 1, attack.fork)
    while next <= present {
      refreshSchedule(for: next, effects.blocks)
      while schedule.next < next { schedule.advance() }
      let end = (next / settings.epoch + 1) * settings.epoch
      guard schedule.next >= end else { break }
      next = end
    }
    guard next <= present, schedule.next <= present else {
      self.attack?.isShown = true
      for block in attack.blocks { effects.publish(block) }
      return nil
    }
    effects.draw(after: .zero)
    let then = LocalTime(nanoseconds: Int64(schedule.next) * settings.slot.nanoseconds)
    return makeDraft(for: schedule.next, on: head, at: then, effects.blocks)
  }

  mutating func keepBack(_ block: BlockID) {
    head = block
    attack?.blocks.append(block)
  }
}
