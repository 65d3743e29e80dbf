import Kernel
import Ledger
import Testing

@Suite("Bundles of a chain") struct BundleTests {
  private func range(_ first: UInt64) -> TxRange {
    TxRange(population: 0, first: first, count: 10)
  }

  @Test("a late bundle of early transactions outlives later ones that are settled") func late() {
    var book = BundleBook(populations: 1)
    var blocks = BlockArena()
    let early = [book.add(range(10), bytes: 10), book.add(range(20), bytes: 10)]
    let late = book.add(range(0), bytes: 10)
    var parent = BlockID.genesis
    for (k, bundle) in early.enumerated() {
      let part = BlockPart(range: range(UInt64(10 * (k + 1))), bundle: bundle.index)
      blocks.add(part, bytes: 10)
      parent = blocks.seal(
        BlockDraft(parent: parent, work: 1, stamp: 0), by: 0, at: .zero, filler: 0)
      book.include(part, in: parent)
      #expect(book.settle(part, in: parent) == 10)
    }
    #expect(book.dropSettled() == Int(late.index))
    #expect(!book.contains(early[0]) && book.contains(late))
    // Finding a place for what comes now looks at those that are left.
    let next = book.add(range(30), bytes: 10)
    let places = book.places(of: TxRange(population: 0, first: 0, count: 40))
    #expect(places.map { book.bundle(at: $0, of: 0) } == [late, next])
  }
}
