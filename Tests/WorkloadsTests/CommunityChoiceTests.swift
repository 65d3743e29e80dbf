import Kernel
import Ledger
import Testing
import Workloads

@Suite("transfers among communities")
struct CommunityChoiceTests {
  @Test("as many stay inside as intend to, and those who do by chance", arguments: [0.0, 0.7, 1])
  func inside(_ inside: Double) {
    let choice = CommunityChoice(
      accounts: 64, communities: 8, inside: inside, exponent: 0, seed: 3)
    let n = 100_000
    let stayed = (0..<UInt64(n)).count { number in
      let transfer = choice.transfer(number)
      return choice.community(of: transfer.sender) == choice.community(of: transfer.receiver)
    }
    // All accounts alike: of the other 63 accounts 7 are in one's community.
    let p = inside + (1 - inside) * 7 / 63
    let error = (p * (1 - p) / Double(n)).squareRoot()
    #expect(abs(Double(stayed) / Double(n) - p) <= 4 * error)
  }

  @Test("a transfer is between two accounts of the population, and a function of its number")
  func pure() {
    let choice = CommunityChoice(
      accounts: 103, communities: 10, inside: 0.5, exponent: 0.99, seed: 3)
    let transfers = (0..<20_000).map { choice.transfer($0) }
    #expect(transfers.allSatisfy { $0.sender != $0.receiver })
    #expect(transfers.allSatisfy { $0.sender.index < 103 && $0.receiver.index < 103 })
    // The last account of the longest communities is met too.
    #expect(transfers.contains { $0.receiver.index >= 100 })
    #expect(choice.transfer(77) == transfers[77])
  }
}
