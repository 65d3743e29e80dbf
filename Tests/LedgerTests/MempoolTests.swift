import Kernel
import Ledger
import Testing

private func range(_ first: UInt64, _ count: UInt32, of population: UInt32 = 0) -> TxRange {
  TxRange(population: population, first: first, count: count)
}

@Suite("Mempools")
struct MempoolTests {
  let none = TxSet(populations: 2)
  let sizes = TransactionSizes(fixed: [100, 50])

  func pool(_ capacity: Int = 10, _ eviction: Eviction = .newest) -> Mempool {
    Mempool(capacity: capacity, eviction: eviction, populations: 2)
  }

  /// Everything that `pool` would propose, in order.
  func drained(_ pool: Mempool) -> [TxRange] {
    var pool = pool
    var arena = BatchArena()
    _ = pool.take(atMost: .max, bytes: .max, sizes: sizes, into: &arena)
    let batch = arena.seal(salt: 0)
    return (0..<arena.rangeCount(of: batch)).map { arena.range($0, of: batch) }
  }

  @Test("a full pool refuses the newest, and counts them")
  func newest() {
    var pool = pool(10, .newest)
    let added = [range(0, 6), range(0, 3, of: 1), range(6, 4)].map {
      pool.add($0, executed: none)
    }
    #expect(added == [6, 3, 1])
    #expect(pool.count == 10 && pool.evicted == 3)
    #expect(drained(pool) == [range(0, 6), range(0, 3, of: 1), range(6, 1)])
  }

  @Test("or the oldest make room")
  func oldest() {
    var pool = pool(10, .oldest)
    for part in [range(0, 6), range(0, 3, of: 1), range(6, 4)] { pool.add(part, executed: none) }
    #expect(pool.count == 10 && pool.evicted == 3)
    #expect(drained(pool) == [range(3, 3), range(0, 3, of: 1), range(6, 4)])
    // More than fits at once: its own oldest are the first to go.
    pool.add(range(100, 25), executed: none)
    #expect(pool.count == 10 && pool.evicted == 28)
    #expect(drained(pool) == [range(115, 10)])
  }

  @Test("an evicted transaction may come back")
  func again() {
    var pool = pool(2, .oldest)
    for i in 0..<3 { pool.add(range(UInt64(i), 1), executed: none) }
    pool.add(range(0, 1), executed: none)
    #expect(drained(pool) == [range(2, 1), range(0, 1)])
    #expect(pool.duplicates == 0 && pool.evicted == 2)
  }

  @Test("what is waiting, proposed or executed is not added again")
  func duplicates() {
    var pool = pool(100)
    pool.add(range(0, 10), executed: none)
    var arena = BatchArena()
    let taken = pool.take(atMost: 4, bytes: .max, sizes: sizes, into: &arena)
    #expect(taken == 4 && pool.count == 6 && pool.proposedCount == 4)
    var executed = none
    executed.insert(range(12, 3))
    // 0-3 proposed, 4-9 waiting, 12-14 executed: 10, 11 and 15-19 are new.
    let added = pool.add(range(0, 20), executed: executed)
    #expect(added == 7 && pool.duplicates == 10)
    #expect(drained(pool) == [range(4, 8), range(15, 5)])
  }

  @Test("a batch is bounded by count and bytes, but never empty while something waits")
  func take() {
    var pool = pool(100)
    pool.add(range(0, 10), executed: none)
    pool.add(range(0, 10, of: 1), executed: none)
    var arena = BatchArena()
    func take(_ count: Int, _ bytes: Int) -> [TxRange] {
      let taken = pool.take(atMost: count, bytes: bytes, sizes: sizes, into: &arena)
      let batch = arena.seal(salt: 0)
      #expect(arena[batch].transactions == taken)
      return (0..<arena.rangeCount(of: batch)).map { arena.range($0, of: batch) }
    }
    #expect(take(3, .max) == [range(0, 3)])
    #expect(take(100, 450) == [range(3, 4)])
    #expect(take(100, 10) == [range(7, 1)])
    #expect(take(100, 349) == [range(8, 2), range(0, 2, of: 1)])
    #expect(take(0, 100) == [])
    #expect(pool.count == 8)
  }

  @Test("what was proposed in vain goes back behind the others; what was decided is forgotten")
  func giveBack() {
    var pool = pool(100)
    pool.add(range(0, 10), executed: none)
    var arena = BatchArena()
    _ = pool.take(atMost: 6, bytes: .max, sizes: sizes, into: &arena)
    pool.decided(range(0, 2))
    // 2-5 are proposed, 6-9 wait; of 4-7 only 4 and 5 can go back.
    pool.giveBack(range(4, 4))
    #expect(pool.count == 6 && pool.proposedCount == 2)
    #expect(drained(pool) == [range(6, 4), range(4, 2)])
    pool.giveBackAll()
    #expect(pool.count == 8 && pool.proposedCount == 0)
    #expect(drained(pool) == [range(6, 4), range(4, 2), range(2, 2)])
    pool.decided(range(0, 10))
    #expect(pool.isEmpty && drained(pool) == [])
  }

  @Test("transactions are conserved over random use", arguments: [Eviction.newest, .oldest])
  func conserved(eviction: Eviction) {
    var pool = pool(50, eviction)
    var arena = BatchArena()
    var stream = RandomStream(seed: 1, purpose: "mempool")
    var executed = none
    var open: [BatchHandle] = []
    var (added, decided, next) = (0, 0, 0)
    for _ in 0..<4000 {
      switch stream.below(4) {
      case 0:
        let count = stream.range(1...20)
        added += pool.add(range(UInt64(next), UInt32(count)), executed: executed)
        next += count
      case 1:
        let taken = pool.take(
          atMost: stream.range(0...15), bytes: 1200, sizes: sizes, into: &arena)
        if taken > 0 { open.append(arena.seal(salt: 1)) }
      case 2 where !open.isEmpty:
        let batch = open.remove(at: stream.range(0..<open.count))
        for i in 0..<arena.rangeCount(of: batch) {
          let part = arena.range(i, of: batch)
          decided += executed.insert(part)
          pool.decided(part)
        }
      default:
        guard stream.below(10) == 0, let batch = open.popLast() else { break }
        for i in 0..<arena.rangeCount(of: batch) { pool.giveBack(arena.range(i, of: batch)) }
      }
      let inBatches = open.reduce(0) { $0 + arena[$1].transactions }
      #expect(pool.proposedCount == inBatches)
      // Given back ones may pass the bound; they were admitted before.
      let accounted = pool.count + pool.proposedCount + decided + pool.evicted
      #expect(accounted == next)
    }
    #expect(added > 0 && decided > 0 && pool.evicted > 0)
  }
}

@Suite("Batches")
struct BatchArenaTests {
  @Test("neighbouring ranges of one population are joined, others kept in order")
  func joins() {
    var arena = BatchArena()
    arena.add(range(0, 2), bytes: 20)
    arena.add(range(2, 3), bytes: 30)
    arena.add(range(5, 0), bytes: 0)
    arena.add(range(9, 1), bytes: 10)
    arena.add(range(10, 1, of: 1), bytes: 7)
    let batch = arena.seal(salt: 1)
    #expect(arena.rangeCount(of: batch) == 3)
    #expect(
      (0..<3).map { arena.range($0, of: batch) } == [
        range(0, 5), range(9, 1), range(10, 1, of: 1),
      ])
    #expect(arena[batch].transactions == 7 && arena[batch].bytes == 67)
  }

  @Test("a batch never grows by what comes after its seal")
  func sealed() {
    var arena = BatchArena()
    arena.add(range(0, 2), bytes: 20)
    let first = arena.seal(salt: 1)
    arena.add(range(2, 2), bytes: 20)
    let second = arena.seal(salt: 1)
    #expect(arena.range(0, of: first) == range(0, 2))
    #expect(arena.range(0, of: second) == range(2, 2))
  }

  @Test("digests tell content, order and proposal apart, and nothing else")
  func digests() {
    func digest(_ parts: [TxRange], salt: UInt64) -> Digest {
      var arena = BatchArena()
      arena.add(range(77, 5), bytes: 1)
      _ = arena.seal(salt: 0)
      for part in parts { arena.add(part, bytes: 1) }
      let batch = arena.seal(salt: salt)
      return arena[batch].digest
    }
    let (a, b) = (range(0, 3), range(7, 3))
    #expect(digest([a, b], salt: 1) == digest([a, b], salt: 1))
    #expect(digest([a, b], salt: 1) != digest([b, a], salt: 1))
    #expect(digest([a, b], salt: 1) != digest([a, b], salt: 2))
    #expect(digest([a], salt: 1) != digest([a, b], salt: 1))
    #expect(digest([range(0, 1), range(1, 2)], salt: 1) == digest([a], salt: 1))
  }

  @Test("dropping the oldest keeps the handles of the rest")
  func drops() {
    var arena = BatchArena()
    var handles: [BatchHandle] = []
    for i in 0..<100 {
      arena.add(range(UInt64(i * 10), 3), bytes: 30)
      arena.add(range(UInt64(i * 10 + 5), 2), bytes: 20)
      if i == 50 {
        handles.append(arena.seal(salt: 0))
        handles.append(arena.seal(salt: 1))  // an empty batch
      } else {
        handles.append(arena.seal(salt: 0))
      }
      if i == 70 { arena.drop(before: 60) }
    }
    #expect(arena.sealed == 101 && arena.oldest == 60)
    #expect(!arena.contains(handles[59]) && arena.contains(handles[60]))
    #expect(!arena.contains(.none))
    for (i, handle) in handles.enumerated() where i >= 60 {
      #expect(arena.range(1, of: handle) == range(UInt64((i - 1) * 10 + 5), 2))
    }
    arena.add(range(5000, 1), bytes: 1)
    arena.drop(before: .max)
    let last = arena.seal(salt: 0)
    #expect(arena.range(0, of: last) == range(5000, 1))
  }
}
