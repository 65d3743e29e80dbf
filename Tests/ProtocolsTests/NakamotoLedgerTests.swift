import Kernel
import Ledger
import Testing

@Suite("blocks and bundles")
struct NakamotoLedgerTests {
  /// Grows a random tree; returns it with the parent of each block.
  private func tree(_ size: Int, seed: UInt64) -> (BlockArena, [Int]) {
    var stream = RandomStream(seed: seed, purpose: "tree")
    var arena = BlockArena()
    var parents = [-1]
    for i in 1..<size {
      let parent = stream.range(max(0, i - 6)..<i)
      parents.append(parent)
      let draft = BlockDraft(
        parent: BlockID(index: UInt32(parent)), work: 1, stamp: 0, salt: UInt64(i))
      _ = arena.seal(draft, by: 0, at: .zero, filler: 0)
    }
    return (arena, parents)
  }

  @Test("ancestors by skips are those by parents, also after old blocks were dropped")
  func ancestors() {
    var (arena, parents) = tree(3_000, seed: 1)
    var stream = RandomStream(seed: 2, purpose: "queries")
    func path(_ block: Int) -> [Int] {
      var list: [Int] = []
      var walk = block
      while walk >= 0 {
        list.append(walk)
        walk = parents[walk]
      }
      return list
    }
    func check(from oldest: Int) {
      for _ in 0..<500 {
        let a = stream.range(2_500..<3_000)
        let b = stream.range(2_500..<3_000)
        let (pa, pb) = (path(a), path(b))
        guard pa.contains(oldest), pb.contains(oldest) else { continue }
        let k = stream.range(0..<(pa.firstIndex(of: oldest) ?? 0) + 1)
        let height = UInt32(pa.count - 1 - k)
        #expect(arena.ancestor(of: BlockID(index: UInt32(a)), at: height).index == UInt32(pa[k]))
        let shared = pa.first { pb.contains($0) } ?? 0
        #expect(
          arena.commonAncestor(BlockID(index: UInt32(a)), BlockID(index: UInt32(b))).index
            == UInt32(shared))
      }
    }
    check(from: 0)
    let oldest = path(2_999)[100]
    arena.drop(before: BlockID(index: UInt32(oldest)))
    check(from: oldest)
  }

  @Test("what a chain lacks of a bundle depends on the chain")
  func gaps() {
    var arena = BlockArena()
    var book = BundleBook(populations: 1)
    let bundle = book.add(TxRange(population: 0, first: 0, count: 10), bytes: 100)
    func block(on parent: BlockID, _ first: UInt64, _ count: UInt32) -> BlockID {
      let part = BlockPart(
        range: TxRange(population: 0, first: first, count: count), bundle: bundle.index)
      arena.add(part, bytes: 10)
      let block = arena.seal(
        BlockDraft(parent: parent, work: 1, stamp: 0, salt: first), by: 0, at: .zero, filler: 0)
      book.include(part, in: block)
      return block
    }
    let a = block(on: .genesis, 2, 3)
    let b = block(on: a, 5, 5)
    let c = block(on: .genesis, 0, 4)
    #expect(book.missing(bundle, on: .genesis, arena) == 10)
    #expect(book.missing(bundle, on: a, arena) == 7)
    #expect(book.missing(bundle, on: b, arena) == 2)
    #expect(book.missing(bundle, on: c, arena) == 6)
    #expect(book.gap(in: bundle, from: 0, on: b, arena)?.first == 0)
    #expect(book.gap(in: bundle, from: 2, on: b, arena) == nil)
    let again = BlockPart(
      range: TxRange(population: 0, first: 4, count: 2), bundle: bundle.index)
    #expect(book.overlap(of: again, on: b, arena) == 2)
    #expect(book.overlap(of: again, on: c, arena) == 0)
  }
}
