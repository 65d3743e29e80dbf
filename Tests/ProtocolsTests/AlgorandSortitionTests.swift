import Consensus
import Kernel
import Ledger
import Protocols
import Statistics
import Testing

@Suite("Sortition")
struct AlgorandSortitionTests {
  /// P[#good <= T tau] + P[#good / 2 + #bad > T tau], with Poisson numbers of good and bad votes:
  /// no progress, or two values with a quorum (Gilad et al., §7.5).
  static func violation(h: Double, tau: Int, t: Double) -> Double {
    let threshold = t * Double(tau)
    let good = h * Double(tau)
    let bad = Double(tau) - good
    let stall = 1 - Tail.poisson(atLeast: Int(threshold) + 1, mean: good)
    // 1 - tail loses digits where the tail is near 1: sum the masses instead.
    let short = (0...Int(threshold)).reversed().reduce(0.0) { $0 + Mass.poisson($1, mean: good) }
    var fork = 0.0
    for b in 0...(tau) {
      let k = Int((2 * (threshold - Double(b))).rounded(.down)) + 1
      fork += Mass.poisson(b, mean: bad) * Tail.poisson(atLeast: k, mean: good)
    }
    #expect(abs(stall - short) < 1e-12)
    return short + fork
  }

  /// Figure 3 of Gilad et al. (SOSP 2017), as computed from its constraints: honest share, least
  /// committee, threshold, probability of violation.
  static let figure3: [(h: Double, tau: Int, t: Double, p: Double)] = [
    (0.76, 4122, 0.68, 4.905e-09), (0.78, 2771, 0.685, 4.903e-09),
    (0.80, 1984, 0.685, 4.852e-09), (0.82, 1517, 0.685, 4.482e-09),
    (0.84, 1177, 0.69, 4.705e-09), (0.86, 934, 0.69, 4.915e-09),
    (0.88, 759, 0.69, 4.960e-09), (0.90, 633, 0.69, 4.617e-09),
  ]

  @Test("the committees of the paper's figure 3 fail as rarely as computed")
  func analytic() {
    for row in Self.figure3 {
      let p = Self.violation(h: row.h, tau: row.tau, t: row.t)
      #expect(abs(p / row.p - 1) < 2e-3, "h \(row.h): \(p), not \(row.p)")
      #expect(p <= 5e-9)
    }
    #expect(Self.violation(h: 0.8, tau: 2000, t: 0.685) <= 5e-9)
  }

  @Test("the protocol's own draws fail as often, where that can be seen", arguments: [60, 200])
  func sampled(tau: Int) {
    let t = 0.685
    let draws = 20_000
    var failures = 0
    // 40 good accounts and 10 bad ones, of equal stake.
    for r in 1...draws {
      var votes = (good: 0, bad: 0)
      for account in 0..<50 {
        let weight = Sortition.weight(
          seed: Digest(99), r: Slot(UInt32(r)), p: 0, s: .soft, account: account,
          stake: 2_000_000, total: 100_000_000, size: tau)
        if account < 40 { votes.good += weight } else { votes.bad += weight }
      }
      let threshold = t * Double(tau)
      if Double(votes.good) <= threshold { failures += 1 }
      if Double(votes.good) / 2 + Double(votes.bad) > threshold { failures += 1 }
    }
    let expected = Self.violation(h: 0.8, tau: tau, t: t)
    #expect(expected > 1e-4)
    let error = (expected / Double(draws)).squareRoot()
    #expect(abs(Double(failures) / Double(draws) - expected) < 4 * error, "\(failures)")
  }

  @Test("the least of all credentials leads in proportion to stake")
  func leaders() {
    let rounds = 4000
    var led = 0
    for r in 1...rounds {
      func least(_ account: Int, _ stake: Int) -> UInt64 {
        let weight = Sortition.weight(
          seed: Digest(5), r: Slot(UInt32(r)), p: 0, s: .propose, account: account, stake: stake,
          total: 1000, size: 20)
        return Sortition.priority(
          seed: Digest(5), r: Slot(UInt32(r)), p: 0, account: account, weight: weight)
      }
      if least(0, 300) < least(1, 700) { led += 1 }
    }
    #expect(abs(Double(led) / Double(rounds) - 0.3) < 4 * (0.21 / Double(rounds)).squareRoot())
  }
}
