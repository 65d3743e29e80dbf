import Consensus
import Ledger
import Testing

@Suite("Committees")
struct CommitteeTests {
  @Test("two quorums share a correct replica, and f silent ones cannot prevent one")
  func quorums() {
    for n in 1...Committee.largest {
      let committee = Committee(n: n)
      let (f, q) = (committee.f, committee.quorum)
      #expect(3 * f < n && 3 * (f + 1) >= n, "n \(n)")
      // Two sets of q share at least 2q - n replicas: more than the faulty ones.
      #expect(2 * q - n > f, "n \(n)")
      // No smaller number would do.
      #expect(2 * (q - 1) - n <= f, "n \(n)")
      #expect(q <= n - f, "n \(n)")
      #expect(committee.weakQuorum == f + 1)
      if n == 3 * f + 1 { #expect(q == 2 * f + 1) }
    }
    #expect(Committee(n: 128).quorum == 86)
  }

  @Test("under synchrony up to half may lie, and a majority holds a correct one")
  func synchronous() {
    for n in 1...Committee.largest {
      let committee = Committee(n: n, faults: .synchronous)
      let (f, q) = (committee.f, committee.quorum)
      #expect(2 * f < n && 2 * (f + 1) >= n, "n \(n)")
      #expect(q > f && q <= n - f && 2 * q > n, "n \(n)")
    }
  }

  @Test("views go round the replicas")
  func primaries() {
    let committee = Committee(n: 7)
    #expect((0..<15).map { committee.primary(of: View($0)).index } == (0..<15).map { $0 % 7 })
  }
}

@Suite("Tallies")
struct TallyTests {
  @Test("a voter counts once: its first vote")
  func once() {
    var tally = Tally()
    let (a, b) = (Digest(1), Digest(2))
    let counted = [a, a, b].map { tally.add(ReplicaID(3), for: $0) }
    #expect(counted == [true, false, false])
    #expect(tally.count(for: a) == 1 && tally.count(for: b) == 0 && tally.count == 1)
    #expect(tally.hasVoted(ReplicaID(3)) && !tally.hasVoted(ReplicaID(4)))
  }

  @Test("votes for several digests of an equivocating proposer are kept apart")
  func equivocation() {
    var tally = Tally()
    let digests = [Digest(10), Digest(20), Digest(30)]
    // 511 and its neighbours: the last word of the bit set.
    for i in 0..<512 { tally.add(ReplicaID(i), for: digests[i % 3]) }
    #expect(digests.map { tally.count(for: $0) } == [171, 171, 170])
    #expect(tally.count == 512 && tally.count(for: Digest(40)) == 0)
    #expect(tally.decided(by: 172) == nil)
    #expect(tally.decided(by: 171) == Digest(10))
    tally.clear()
    #expect(tally.count == 0 && tally.count(for: Digest(10)) == 0)
    #expect(!tally.hasVoted(ReplicaID(0)) && tally.decided(by: 1) == nil)
  }

  @Test("a later digest can win over the first")
  func later() {
    var tally = Tally()
    tally.add(ReplicaID(0), for: Digest(1))
    for i in 1..<4 { tally.add(ReplicaID(i), for: Digest(2)) }
    #expect(tally.decided(by: 3) == Digest(2))
  }

  @Test("nothing is decided and nobody counted before the first vote, not even for digest 0")
  func empty() {
    var tally = Tally()
    #expect(tally.count(for: Digest(0)) == 0 && tally.decided(by: 1) == nil)
    tally.add(ReplicaID(1), for: Digest(0))
    #expect(tally.count(for: Digest(0)) == 1 && tally.decided(by: 1) == Digest(0))
  }
}

@Suite("Slot windows")
struct SlotWindowTests {
  @Test("a window holds the slots above its low water mark, up to the high one")
  func bounds() {
    var window = SlotWindow(size: 4, blank: 0)
    #expect(!window.contains(Slot(0)) && window.contains(Slot(1)))
    #expect(window.contains(Slot(4)) && !window.contains(Slot(5)) && window.high == Slot(4))
    for n in 1...4 as ClosedRange<UInt32> { window[Slot(n)] = Int(n) * 10 }
    window.advance(to: Slot(2))
    #expect(window.low == Slot(2) && window.high == Slot(6))
    #expect((3...6).map { window[Slot($0)] } == [30, 40, 0, 0])
    window.advance(to: Slot(1))
    #expect(window.low == Slot(2))
    window.clear(Slot(3))
    window.clear(Slot(99))
    #expect(window[Slot(3)] == 0 && window[Slot(4)] == 40)
  }

  @Test("a jump beyond the window forgets everything")
  func jump() {
    var window = SlotWindow(size: 3, blank: 0)
    for n in 1...3 as ClosedRange<UInt32> { window[Slot(n)] = 7 }
    window.advance(to: Slot(1000))
    #expect((1001...1003).map { window[Slot($0)] } == [0, 0, 0])
  }

  @Test("agrees with a plain table of slots over random moves")
  func differential() {
    var window = SlotWindow(size: 5, blank: 0)
    var plain = [Int](repeating: 0, count: 4000)
    var low = 0
    var state: UInt64 = 1
    for step in 1...2000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let offset = Int(state >> 33) % 5 + 1
      if step % 3 == 0 {
        low += offset % 2
        window.advance(to: Slot(UInt32(low)))
      } else {
        window[Slot(UInt32(low + offset))] = step
        plain[low + offset] = step
      }
      for n in low + 1...low + 5 { #expect(window[Slot(UInt32(n))] == plain[n]) }
    }
  }
}
