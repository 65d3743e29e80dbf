import Kernel
import Ledger
import Statistics
import Testing
import Workloads

@Suite("accounts of transfers")
struct AccountChoiceTests {
  static let skews: [AccountChoice.Skew] = [
    .uniform, .zipf(exponent: 0), .zipf(exponent: 0.99), .zipf(exponent: 2),
  ]

  /// P[rank k], k = 1 ... n.
  func probabilities(_ skew: AccountChoice.Skew, _ n: Int) -> [Double] {
    var exponent = 0.0
    if case .zipf(let s) = skew { exponent = s }
    let weights = (1...n).map { Elementary.exp(-exponent * Elementary.log(Double($0))) }
    let sum = weights.reduce(0, +)
    return weights.map { $0 / sum }
  }

  @Test("senders and receivers have their exact probabilities", arguments: skews)
  func exact(skew: AccountChoice.Skew) {
    let (n, draws) = (20, 200_000)
    let choice = AccountChoice(accounts: n, skew: skew, seed: 5, population: 1)
    var pairs = [Int](repeating: 0, count: n * n)
    for number in 0..<draws {
      let transfer = choice.transfer(UInt64(number))
      pairs[Int(transfer.sender.index) * n + Int(transfer.receiver.index)] += 1
    }
    let p = probabilities(skew, n)
    // The receiver is drawn given that it is not the sender: p_i p_j / (1 - p_i).
    let expected = (0..<n * n).map { cell in
      let (i, j) = (cell / n, cell % n)
      return i == j ? 0 : Double(draws) * p[i] * p[j] / (1 - p[i])
    }
    #expect((0..<n).allSatisfy { pairs[$0 * n + $0] == 0 })
    #expect(TestOfFit.chiSquare(observed: pairs, expected: expected).pValue > 1e-4)
  }

  @Test("a transfer depends on seed, population and number alone")
  func pure() {
    let choice = AccountChoice(accounts: 1_000, skew: .zipf(exponent: 1), seed: 5, population: 1)
    let forward = (0..<100).map { choice.transfer($0) }
    #expect(forward == (0..<100).reversed().map { choice.transfer($0) }.reversed())
    for (seed, population): (UInt64, UInt32) in [(6, 1), (5, 2)] {
      let other = AccountChoice(
        accounts: 1_000, skew: .zipf(exponent: 1), seed: seed, population: population)
      #expect(forward != (0..<100).map { other.transfer($0) })
    }
  }

  @Test("two accounts always trade with each other")
  func two() {
    for skew in Self.skews {
      let choice = AccountChoice(accounts: 2, skew: skew, seed: 1, population: 0)
      for number: UInt64 in 0..<1_000 {
        let transfer = choice.transfer(number)
        #expect(transfer.sender != transfer.receiver)
      }
      let concentration = choice.concentration(of: 0..<10)
      #expect(concentration.distinctAccounts == 2 && concentration.hottestShare == 0.5)
    }
  }

  @Test("skew concentrates transfers on the first account")
  func concentration() {
    let flat = AccountChoice(accounts: 10_000, skew: .uniform, seed: 1, population: 0)
    let hot = AccountChoice(accounts: 10_000, skew: .zipf(exponent: 0.99), seed: 1, population: 0)
    let (a, b) = (flat.concentration(of: 0..<10_000), hot.concentration(of: 0..<10_000))
    // 20,000 draws of 10,000 accounts leave exp(-2) of them untouched.
    #expect(abs(Double(a.distinctAccounts) - 8_647) < 4 * 95)
    #expect(b.distinctAccounts < a.distinctAccounts)
    #expect(b.hottestShare > 0.09 && a.hottestShare < 0.001)
  }
}
