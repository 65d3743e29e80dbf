import Kernel
import Statistics
import Testing

@Suite("The error of agreement by repeated sampling")
struct RepeatedSamplingTests {
  static func network(_ n: Int, _ b: Int, k: Int, _ alpha: Int) -> RepeatedSampling {
    RepeatedSampling(
      replicas: n, adversaries: b, sample: k, alphaPreference: alpha, alphaConfidence: alpha)
  }

  @Test("who asks all others is never misled in an odd committee, and always may be in an even one")
  func all() {
    // Of seven, three red ones are never heard four times, and four are never reversed.
    #expect(Self.network(7, 0, k: 6, 4).error(beta: 1) == 0)
    // Of eight, each half hears the four of the other.
    #expect(Self.network(8, 0, k: 7, 4).error(beta: 1000) == 1)
    #expect(Self.network(8, 0, k: 7, 4).rowLength(atMost: 0.5) == nil)
    // An adversary of seven is one answer too many.
    #expect(Self.network(7, 1, k: 6, 4).error(beta: 1000) == 1)
  }

  @Test("it falls with beta, and grows with the adversary, to its limit")
  func monotone() {
    var last = 1.0
    for beta in 1...40 {
      let error = Self.network(100, 10, k: 20, 15).error(beta: beta)
      #expect(error < last)
      last = error
    }
    last = 0
    for b in 0...40 {
      let error = Self.network(100, b, k: 20, 15).error(beta: 20)
      #expect(error >= last && error <= 1)
      last = error
    }
    // With 40 of 100 the adversary holds the balance for ever, as each poll hears it.
    #expect(last > 0.1)
  }

  @Test("the least row is the least")
  func rows() throws {
    for b in [0, 5, 10, 15] {
      let network = Self.network(100, b, k: 20, 15)
      let beta = try #require(network.rowLength(atMost: 1e-6))
      #expect(network.error(beta: beta) <= 1e-6)
      #expect(network.error(beta: beta - 1) > 1e-6)
    }
  }

  /// The chain itself, asked replica by replica, with drawn samples.
  @Test(
    "reversals are as frequent as the chain says",
    arguments: [(20, 2, 5, 3, 10), (20, 2, 5, 3, 12), (20, 5, 5, 4, 9), (12, 2, 8, 5, 6)])
  func reversal(n: Int, b: Int, k: Int, alpha: Int, start: Int) {
    let network = Self.network(n, b, k: k, alpha)
    let expected = network.reversal(fromRed: start)
    var stream = RandomStream(seed: 1, purpose: "chain", entity: UInt64(n * 1000 + start))
    let runs = 20_000
    var reversed = 0
    for _ in 0..<runs {
      var red = start
      while red < network.correct, red > network.correct - start {
        // Who asks is drawn; the others, in the order red, blue; so are those whom it asks.
        let isRed = stream.range(0..<network.correct) < red
        let others = isRed ? red - 1 : red
        var (left, marked, seen) = (n - 1, others, 0)
        for _ in 0..<k {
          if stream.range(0..<left) < marked {
            seen += 1
            marked -= 1
          }
          left -= 1
        }
        // All that are not red, the adversary among them, say blue.
        if !isRed, seen >= alpha { red += 1 }
        if isRed, k - seen >= alpha { red -= 1 }
      }
      if red == network.correct - start { reversed += 1 }
    }
    let rate = Double(reversed) / Double(runs)
    let deviation = (expected * (1 - expected) / Double(runs)).squareRoot()
    #expect(expected > 0.001 && expected < 0.999, "\(expected)")
    #expect(abs(rate - expected) <= 4 * deviation, "\(rate) for \(expected)")
  }
}
