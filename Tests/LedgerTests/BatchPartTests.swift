import Ledger
import Testing

@Suite("Batches made of batches")
struct BatchPartTests {
  @Test(
    "hold the parts' transactions and bytes, and go on naming the parts when others are dropped")
  func parts() {
    var arena = BatchArena()
    let handles = (0..<3).map { k in
      arena.add(TxRange(population: 0, first: UInt64(10 * k), count: 10), bytes: 100)
      return arena.seal(salt: UInt64(k))
    }
    arena.add(part: handles[0])
    arena.add(part: handles[1])
    let first = arena.seal(salt: 3)
    arena.add(part: handles[2])
    let second = arena.seal(salt: 4)
    #expect(arena[first].transactions == 20 && arena[first].bytes == 200)
    #expect(arena.rangeCount(of: first) == 1)
    #expect((0..<2).map { arena.part($0, of: first) } == [handles[0], handles[1]])
    #expect(arena.oldestIndex(of: second) == Int(handles[2].index))
    #expect(arena.partCount(of: handles[0]) == 0)
    arena.drop(before: Int(second.index))
    #expect(arena.part(0, of: second) == handles[2])
    #expect(arena[second].transactions == 10)
  }
}
