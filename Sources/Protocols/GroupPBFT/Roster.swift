import Consensus
import Kernel

/// Who endorses in an era, who waits to, and the scores: agreed, because they follow from the log.
struct Roster: Sendable, Equatable {
  /// How those at fault are replaced.
  var rule: GroupPBFT.ElectionRule
  /// What a primary gains that ends an era, and what one loses whose view is left.
  var reward: Int
  var penalty: Int

  var era: UInt32 = 0
  /// The last slot of the era before.
  var base = Slot(0)
  /// Endorsers by seat; the primary of view k of an era sits on seat era + k.
  var seats: [UInt32]
  /// Candidates, who waited longest first.
  var waiting: [UInt32]
  /// Of all nodes.
  var scores: [Int64]

  func primary(_ k: Int) -> UInt32 { seats[(Int(era) + k) % seats.count] }

  /// The view change number 0 of the era, as PBFT numbers views.
  var firstView: View { View(era << Self.viewBits) }
  /// Views of an era have 12 bits of a view's number, eras the other 20.
  static var viewBits: UInt32 { 12 }

  /// Endorsers in the order in which PBFT's views, numbered from `firstView` on, go through them.
  var members: [UInt32] {
    let c = seats.count
    let shift = Int(firstView.number) % c
    return (0..<c).map { seats[($0 - shift + c + Int(era)) % c] }
  }

  /// Ends the era at slot `n`: the primaries of its first `failed` views are at fault, the next one
  /// has done its duty.
  mutating func elect(after failed: Int, at n: Slot) {
    for k in 0..<failed { scores[Int(primary(k))] -= Int64(penalty) }
    scores[Int(primary(failed))] += Int64(reward)
    switch rule {
    case .reputation: replaceWorst()
    case .location:
      let atFault = (0..<min(failed, seats.count)).map { (Int(era) + $0) % seats.count }
      for seat in atFault.prefix(waiting.count) { replace(seat, by: 0) }
    }
    era += 1
    base = n
    precondition(era >> (32 - Self.viewBits) == 0, "more than a million eras")
  }

  private mutating func replaceWorst() {
    // Of equal ones, the first.
    while let best = waiting.indices.max(by: {
      (score(waiting[$0]), $1) < (score(waiting[$1]), $0)
    }), let worst = seats.indices.min(by: { (score(seats[$0]), $0) < (score(seats[$1]), $1) }),
      score(seats[worst]) < score(waiting[best])
    {
      replace(worst, by: best)
    }
  }

  private func score(_ node: UInt32) -> Int64 { scores[Int(node)] }

  private mutating func replace(_ seat: Int, by candidate: Int) {
    waiting.append(seats[seat])
    seats[seat] = waiting.remove(at: candidate)
  }

  // MARK: - In the replicated state

  var words: [UInt64] {
    [UInt64(era), UInt64(base.number)] + seats.map(UInt64.init) + waiting.map(UInt64.init)
      + scores.map { UInt64(bitPattern: $0) }
  }

  /// The roster that a state holds, of the same rules and numbers of nodes as this one.
  func read(_ words: [UInt64]) -> Roster {
    var next = self
    next.era = UInt32(words[0])
    next.base = Slot(UInt32(words[1]))
    let (c, w) = (seats.count, waiting.count)
    next.seats = words[2..<2 + c].map { UInt32($0) }
    next.waiting = words[2 + c..<2 + c + w].map { UInt32($0) }
    next.scores = words[(2 + c + w)...].map { Int64(bitPattern: $0) }
    return next
  }
}
