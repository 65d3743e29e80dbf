import Kernel
import Ledger

extension DPoS {
  /// What a chain implies for the block after its last: schedules, confirmations, and what is
  /// irreversible. A function of the chain alone, equal at all nodes that have it.
  public struct HeaderState: Sendable {
    /// Blocks whose confirmations are counted, at most (EOSIO: maximum_tracked_dpos_confirmations).
    static var tracked: Int { 1024 }

    public private(set) var height: UInt32 = 0
    /// Producers in the order of their turns, and how many schedules there were before.
    public private(set) var active: [UInt16]
    public private(set) var version: UInt32 = 0
    /// The last height that enough producers have confirmed, and the last that is irreversible.
    public private(set) var confirmed: UInt32 = 0
    public private(set) var irreversible: UInt32 = 0
    /// Slots for which nobody made a block.
    public private(set) var missed: UInt64 = 0

    /// Confirmations that blocks still need, up to the last one.
    private var needs: [UInt8] = []
    /// Of each candidate: the last height that its blocks imply to be confirmed, and the slot of
    /// its last block, or in which it came on the schedule.
    private var implied: [UInt32]
    private var lastSlot: [UInt64]
    /// First slot from which a candidate may be elected.
    private var eligible: [UInt64]
    private var slot: UInt64 = 0
    private var lastElection: UInt64 = 0
    /// The outcome of an election waits until its block is irreversible; then the schedule is
    /// announced in a block, and is active when that is irreversible. 0: there is none.
    private var elected: [UInt16] = []
    private var electedAt: UInt32 = 0
    private var pending: [UInt16] = []
    private var pendingAt: UInt32 = 0
    // Room for counting.
    private var tally: [UInt64]
    private var ranking: [UInt16]
    private var scratch: [UInt32] = []

    init(votes: Votes, _ settings: Settings) {
      implied = Array(repeating: 0, count: votes.candidates)
      lastSlot = Array(repeating: 0, count: votes.candidates)
      eligible = lastSlot
      tally = lastSlot
      ranking = []
      active = []
      needs.reserveCapacity(Self.tracked + 1)
      scratch.reserveCapacity(votes.candidates)
      ranking.reserveCapacity(votes.candidates)
      elected.reserveCapacity(settings.producers)
      pending.reserveCapacity(settings.producers)
      elect(votes, settings)
      active = ranking
    }

    /// Becomes equal to `other` in its own storage.
    mutating func assign(_ other: HeaderState) {
      height = other.height
      version = other.version
      confirmed = other.confirmed
      irreversible = other.irreversible
      missed = other.missed
      slot = other.slot
      lastElection = other.lastElection
      electedAt = other.electedAt
      pendingAt = other.pendingAt
      Self.copy(other.active, to: &active)
      Self.copy(other.needs, to: &needs)
      Self.copy(other.implied, to: &implied)
      Self.copy(other.lastSlot, to: &lastSlot)
      Self.copy(other.eligible, to: &eligible)
      Self.copy(other.elected, to: &elected)
      Self.copy(other.pending, to: &pending)
    }

    private static func copy<T>(_ source: [T], to target: inout [T]) {
      target.removeAll(keepingCapacity: true)
      target.append(contentsOf: source)
    }

    /// Whose turn `slot` is.
    public func producer(of slot: UInt64, _ settings: Settings) -> Int {
      let turn = UInt64(settings.repetitions)
      return Int(active[Int(slot % (turn * UInt64(active.count)) / turn)])
    }

    /// Takes the next block of the chain; false, and nothing is to be believed of the state any
    /// more, if it is not one that its maker might make.
    mutating func apply(_ block: Block, _ votes: Votes, _ settings: Settings) -> Bool {
      let maker = producer(of: block.slot, settings)
      guard block.height == height + 1, block.slot > slot, Int(block.miner) == maker,
        block.fold <= UInt64(height)
      else { return false }
      missed += block.slot - slot - 1
      height += 1
      slot = block.slot
      lastSlot[maker] = slot
      implied[maker] = confirmed
      irreversible = max(irreversible, commonlyImplied())
      if needs.count == Self.tracked { needs.removeFirst() }
      needs.append(UInt8(clamping: active.count * 2 / 3 + 1))
      confirm(Int(block.fold) + 1)
      changeSchedule(votes, settings)
      return true
    }

    /// More than two thirds of the producers imply this height, or a higher one.
    private mutating func commonlyImplied() -> UInt32 {
      scratch.removeAll(keepingCapacity: true)
      for producer in active { scratch.append(implied[Int(producer)]) }
      scratch.sort()
      return scratch[(scratch.count - 1) / 3]
    }

    /// The last block confirms itself and those before it, `count` in all. The highest that needs
    /// no more is confirmed, and all below.
    private mutating func confirm(_ count: Int) {
      var k = needs.count - 1
      let end = max(needs.count - count, 0)
      while k >= end {
        needs[k] -= 1
        if needs[k] == 0 {
          confirmed = height - UInt32(needs.count - 1 - k)
          needs.removeFirst(k + 1)
          return
        }
        k -= 1
      }
    }

    /// Counts votes when it is time, and moves schedules on as blocks become irreversible.
    private mutating func changeSchedule(_ votes: Votes, _ settings: Settings) {
      if pendingAt > 0, irreversible >= pendingAt { promote() }
      if electedAt > 0, pendingAt == 0, irreversible >= electedAt {
        swap(&pending, &elected)
        pendingAt = height
        electedAt = 0
      }
      guard slot - lastElection > settings.electionInterval else { return }
      lastElection = slot
      demote(settings)
      elect(votes, settings)
      let standing = electedAt > 0 ? elected : pendingAt > 0 ? pending : active
      guard ranking.count == settings.producers, ranking != standing else { return }
      Self.copy(ranking, to: &elected)
      electedAt = height
    }

    private mutating func promote() {
      for producer in pending where !active.contains(producer) {
        implied[Int(producer)] = irreversible
        lastSlot[Int(producer)] = slot
      }
      swap(&active, &pending)
      pendingAt = 0
      version += 1
    }

    /// Producers on the schedule that were silent for too long are no candidates for a while.
    private mutating func demote(_ settings: Settings) {
      for producer in active where slot - min(lastSlot[Int(producer)], slot) > settings.absence {
        eligible[Int(producer)] = max(eligible[Int(producer)], slot + settings.ban)
        // Its time is counted anew when it is back.
        lastSlot[Int(producer)] = slot
      }
    }

    /// Approval voting: the N candidates with most stake behind them, in the order of their names.
    private mutating func elect(_ votes: Votes, _ settings: Settings) {
      for c in tally.indices { tally[c] = 0 }
      votes.count(at: slot, into: &tally)
      ranking.removeAll(keepingCapacity: true)
      for c in tally.indices where tally[c] > 0 && eligible[c] <= slot {
        // Insertion: better ones first, of equals the lower name; no more than N are kept.
        var k = ranking.count
        while k > 0, tally[Int(ranking[k - 1])] < tally[c] { k -= 1 }
        guard k < settings.producers else { continue }
        if ranking.count == settings.producers { ranking.removeLast() }
        ranking.insert(UInt16(c), at: k)
      }
      ranking.sort()
    }
  }
}
