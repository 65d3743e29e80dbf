import Consensus
import Ledger
import Testing

@Suite("Catching up with others")
struct CatchingUpTests {
  private let committee = Committee(n: 4)
  private let me = ReplicaID(1)

  @Test("the timer is set by the first who is ahead, and not again until all is there")
  func timer() {
    var fetch = BlockFetch(span: 10)
    func note(_ slot: UInt32, of i: Int, beyond last: UInt32) -> Bool {
      fetch.note(Slot(slot), of: ReplicaID(i), beyond: Slot(last))
    }
    func next(after last: UInt32) -> ReplicaID? {
      fetch.next(after: Slot(last), for: me, of: committee)
    }
    #expect(!note(5, of: 2, beyond: 5), "it is not ahead")
    #expect(fetch.target == nil)
    #expect(note(6, of: 2, beyond: 5))
    #expect(!note(9, of: 3, beyond: 5))
    #expect(!note(7, of: 0, beyond: 5))
    #expect(fetch.target == Slot(9))
    #expect(next(after: 5) == ReplicaID(3))
    #expect(next(after: 9) == nil)
    #expect(!fetch.isUnderWay)
    #expect(note(10, of: 2, beyond: 9))
  }

  @Test("who is ahead is asked first, then, while nothing comes, each in turn but oneself")
  func turns() {
    var fetch = BlockFetch(span: 10)
    _ = fetch.note(Slot(50), of: ReplicaID(3), beyond: Slot(5))
    // After 6 of the 10 came, the request moves on, to the same helper.
    let asked = ([5, 5, 5, 5, 5, 6, 6] as [UInt32]).map {
      fetch.next(after: Slot($0), for: me, of: committee)?.index
    }
    #expect(asked == [3, 0, 2, 3, 0, 0, 2])
  }

  @Test("a request is served by its last block")
  func served() {
    var fetch = BlockFetch(span: 10)
    _ = fetch.note(Slot(50), of: ReplicaID(3), beyond: Slot(5))
    _ = fetch.next(after: Slot(5), for: me, of: committee)
    #expect(!fetch.isServed(with: Slot(14)))
    #expect(fetch.isServed(with: Slot(15)))
    fetch.pause()
    #expect(!fetch.isServed(with: Slot(15)), "nothing runs after a crash")
    #expect(fetch.target == Slot(50), "but what was known is")
    fetch.inquire()
    #expect(fetch.isUnderWay)
  }

  @Test("who lost its memory knows the point from enough weight, and then no answer moves it")
  func recovery() {
    var recovery = Recovery(from: Slot(0))
    func tell(_ slot: UInt32, _ i: Int, weight: Int) {
      recovery.count(Slot(slot), of: ReplicaID(i), weight: weight, enough: 6) {
        Slot($0.number + 2)
      }
    }
    tell(7, 0, weight: 3)
    tell(8, 0, weight: 3)  // its weight counts once, what it says counts
    #expect(recovery.isAsking && recovery.weight == 3)
    tell(4, 1, weight: 2)
    #expect(recovery.isAsking && recovery.point == nil)
    tell(5, 2, weight: 1)
    #expect(recovery.point == Slot(10))
    tell(40, 3, weight: 3)
    #expect(recovery.point == Slot(10) && recovery.weight == 6)
  }

  @Test("the next in turn is never oneself", arguments: 2...7)
  func next(n: Int) {
    for me in 0..<n {
      var seen = Set<UInt32>()
      var i = ReplicaID(me)
      for _ in 1..<n {
        i = i.next(of: n, but: ReplicaID(me))
        seen.insert(i.index)
      }
      #expect(seen.count == n - 1 && !seen.contains(UInt32(me)))
    }
  }
}
