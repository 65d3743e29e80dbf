import Exploration
import Kernel
import Testing

@Suite("Shrinking") struct ShrinkingTests {
  @Test("keeps exactly what is needed, in its order") func keepsCulprits() {
    for seed in 1...200 as ClosedRange<UInt64> {
      var random = RandomStream(seed: seed, purpose: "culprits")
      let count = random.range(1...40)
      let culprits = random.sample(random.range(1...min(count, 5)), of: count).sorted()
      var calls = 0
      let left = shrunk(Array(0..<count)) { rest in
        calls += 1
        return culprits.allSatisfy(rest.contains)
      }
      #expect(left == culprits)
      #expect(calls <= count * count + 10)
    }
  }

  @Test("finds a list of which nothing can be left out, if there are several") func anyOf() {
    // Fails with any three even numbers.
    let left = shrunk(Array(0..<50)) { rest in rest.filter { $0 % 2 == 0 }.count >= 3 }
    #expect(left.count == 3 && left.allSatisfy { $0 % 2 == 0 })
  }

  @Test("what fails without anything becomes empty") func nothing() {
    #expect(shrunk([1, 2, 3, 4, 5]) { _ in true } == [])
    #expect(shrunk([7]) { _ in true } == [])
    #expect(shrunk([Int]()) { _ in true } == [])
  }
}
