import Kernel
import Ledger
import Sharding
import Statistics
import Testing

@Suite("committees by proof of work")
struct CommitteesWorkTests {
  func form(_ epoch: UInt64, bits: Int = 4, size: Int = 20, share: Double = 0.25) -> Elastico {
    Elastico(
      bits: bits, size: size, rate: 2, faultyShare: share, EpochRandomness(seed: 9, epoch: epoch))
  }

  @Test("every committee has its first members by the last bits; the directory came before them")
  func members() {
    let formed = form(0)
    #expect(formed.committees.count == 16)
    for (i, committee) in formed.committees.enumerated() {
      #expect(committee.count == 20 && committee == committee.sorted())
      #expect(committee.allSatisfy { formed.identities[$0].committee == ShardID(i) })
      #expect(committee.allSatisfy { $0 >= formed.directory.upperBound })
    }
    // The last identity is the one that was still missing.
    #expect(formed.committees.contains { $0.last == formed.identities.count - 1 })
    #expect(
      zip(formed.identities, formed.identities.dropFirst()).allSatisfy { $0.found < $1.found })
  }

  @Test("the next randomness can be bent by the faulty members of the final committee")
  func nextOrigin() {
    let formed = form(0)
    let faulty = formed.faulty(in: formed.finalCommittee)
    #expect(formed.nextOrigin == .commitReveal(lastRevealers: faulty))
    #expect(form(0, share: 0).nextOrigin.choices == 1)
    #expect(form(0, size: 30, share: 1).nextOrigin.choices == 1 << 20)
  }

  @Test("filling all committees takes as many identities as collecting coupons")
  func coupons() {
    let draws = (0..<1_000).map { Double(form(UInt64($0)).identities.count - 20) }
    let estimate = MeanEstimate(draws)
    let expected = CouponCollector.meanDraws(kinds: 16, each: 20)
    let spread = draws.reduce(0) { $0 + ($1 - estimate.mean) * ($1 - estimate.mean) } / 999
    #expect(abs(estimate.mean - expected) < 4 * (spread / 1_000).squareRoot())
    // At 2 identities a second.
    let seconds = (0..<1_000).map { form(UInt64($0)).formed.seconds }.reduce(0, +) / 1_000
    let error = ((spread + expected) / 4 / 1_000).squareRoot()
    #expect(abs(seconds - (expected + 20) / 2) < 4 * error)
  }

  @Test("committees fail as the binomial says, since identities are drawn one by one")
  func failure() {
    let p = CommitteeFailure.one(size: 20, faultyShare: 0.25, .half)
    let epochs = 1_000
    let failed = (0..<epochs).reduce(0) { sum, epoch in
      let formed = form(UInt64(epoch))
      return sum + (0..<16).count { formed.faulty(in: ShardID($0)) >= 10 }
    }
    let drawn = Double(16 * epochs)
    #expect(abs(Double(failed) - p * drawn) < 4 * (p * (1 - p) * drawn).squareRoot())
  }

  @Test("the final committee takes what more than half of a committee signed, once")
  func union() {
    let formed = form(1, bits: 1, size: 4)
    let (a, b) = (formed.committees[0], formed.committees[1])
    func agreed(_ i: Int, _ values: [UInt64], _ signers: [Int]) -> Elastico.Agreed {
      Elastico.Agreed(committee: ShardID(i), values: values.map { Digest($0) }, signers: signers)
    }
    let good = agreed(0, [5, 3], Array(a.prefix(3)))
    #expect(formed.union([good, agreed(1, [3, 1], b)]) == [1, 3, 5].map { Digest($0) })
    // Half is not enough, nor is one signature thrice, nor are another committee's.
    #expect(formed.union([good, agreed(1, [1], Array(b.prefix(2)))]) == [3, 5].map { Digest($0) })
    #expect(formed.union([agreed(1, [1], [b[0], b[0], b[0]])]).isEmpty)
    #expect(formed.union([agreed(1, [1], a)]).isEmpty)
  }

  @Test("an attacker of one zone needs half of all power only if everybody mines all zones")
  func attackShare() {
    func share(_ batched: Double, _ batch: Int) -> Double {
      ZoneMining(
        zones: 16,
        miners: [.init(power: batched, batch: batch), .init(power: 1 - batched, batch: 1)]
      ).attackShare
    }
    #expect(abs(share(1, 16) - 0.5) < 1e-12)
    #expect(abs(share(0, 16) - 1.0 / 17) < 1e-12)
    #expect(abs(share(0.5, 16) - 0.53125 / 1.53125) < 1e-12)
    #expect(abs(share(1, 8) - 1.0 / 3) < 1e-12)
    let all = ZoneMining(zones: 16, miners: [.init(power: 3, batch: 16)])
    #expect(all.amplification == 16 && all.effectivePower == 3)
  }

  @Test("in a simulated race the attacker's blocks are its share of the zone's effective power")
  func race() {
    let mining = ZoneMining(
      zones: 10,
      miners: [
        .init(power: 0.6, batch: 10), .init(power: 0.2, batch: 4), .init(power: 0.2, batch: 1),
      ])
    var stream = RandomStream(seed: 1, purpose: "race")
    let needed = mining.effectivePower
    #expect(abs(needed - 0.7) < 1e-12)
    for attacker in [0.3, needed, 1.5] {
      let n = 200_000
      let (honest, own) = mining.race(
        solutions: n, attacker: attacker, zone: ShardID(3), using: &stream)
      let blocks = Double(honest + own)
      let p = attacker / (attacker + needed)
      #expect(abs(Double(own) - p * blocks) < 4 * (p * (1 - p) * blocks).squareRoot())
    }
  }
}
