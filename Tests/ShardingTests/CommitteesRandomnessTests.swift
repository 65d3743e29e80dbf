import Kernel
import Sharding
import Testing

@Suite("the randomness of an epoch")
struct CommitteesRandomnessTests {
  @Test("a value depends on seed and epoch alone")
  func pure() {
    let value = EpochRandomness(seed: 1, epoch: 7)
    #expect(value == EpochRandomness(seed: 1, epoch: 7))
    #expect(value.value != EpochRandomness(seed: 2, epoch: 7).value)
    #expect(value.value != EpochRandomness(seed: 1, epoch: 8).value)
  }

  @Test("who reveals last picks the best of 2^j values; the best of n uniform ones is n / (n + 1)")
  func bias() {
    let epochs: UInt64 = 4_000
    for (origin, n): (EpochRandomness.Origin, Int) in [
      (.unbiased, 1), (.commitReveal(lastRevealers: 2), 4), (.ground(tries: 9), 9),
    ] {
      var sum = 0.0
      for epoch in 0..<epochs {
        let best = EpochRandomness.chosen(seed: 3, epoch: epoch, origin: origin) {
          Double($0.value) * 0x1p-64
        }
        sum += Double(best.value) * 0x1p-64
      }
      let k = Double(n)
      let expected = k / (k + 1)
      let error = (k / ((k + 1) * (k + 1) * (k + 2)) / Double(epochs)).squareRoot()
      #expect(abs(sum / Double(epochs) - expected) < 4 * error, "\(origin)")
    }
  }
}
