import Consensus
import Machines
import Protocols
import Testing

@Suite("Algorand, step by step")
struct AlgorandTimelineTests {
  private static func timeline() -> ReplicaTimeline<Algorand> {
    var settings = AlgorandRun.quickSettings
    // Two thirds, so that three of four accounts are enough.
    settings.committees = .init(
      proposers: 20, soft: (2990, 1994), cert: (1500, 1000), next: (5000, 3334),
      late: (500, 334), redo: (2400, 1600), down: (6000, 4000))
    let committee = Committee(n: 4)
    return ReplicaTimeline(
      (0..<4).map { Algorand(me: ReplicaID($0), committee: committee, settings: settings) }
    ) { message, effects in
      let name = AlgorandMessage.kinds[message.kind]
      switch message {
      case .propose(_, _, let r, let p, let repeats):
        return "\(name) r\(r.number) p\(p)\(repeats ? ", again" : "")"
      case .payload(let block): return "\(name) r\(block.round.number) of \(block.proposer)"
      case .vote(let d, let r, _, let p, let s):
        return "\(name) \(s.number) r\(r.number) p\(p)\(d == Algorand.bottom ? " for none" : "")"
      case .bundle(let r, let body):
        guard case .bundle(let bundle) = effects.body(body) else { return name }
        return "\(name) r\(r.number) p\(bundle.period) of step \(bundle.step.number)"
      default: return name
      }
    }
  }

  private static func text(_ timeline: ReplicaTimeline<Algorand>, until end: String) -> String {
    timeline.lines.filter {
      !$0.contains("times out") && (!$0.hasPrefix(end) || $0.contains("executes"))
    }.joined(separator: "\n")
  }

  /// The transaction comes after the first block is made.
  @Test("the least credential's block is decided in two steps after the filter timeout")
  func normalCase() {
    var timeline = Self.timeline()
    timeline.start()
    timeline.submit(0, to: [2], .fromClient)
    timeline.run(until: 64)
    #expect(
      Self.text(timeline, until: "64 ms") == """
        0 ms: 0 -> all: propose r1 p0
        0 ms: 0 -> all: payload r1 of 0
        0 ms: 1 -> all: propose r1 p0
        0 ms: 1 -> all: payload r1 of 1
        0 ms: 2 -> all: propose r1 p0
        0 ms: 2 -> all: payload r1 of 2
        0 ms: 3 -> all: propose r1 p0
        0 ms: 3 -> all: payload r1 of 3
        0 ms: client sends 0 to [2]
        1 ms: 2 -> all: transactions
        30 ms: 0 -> all: soft-vote 1 r1 p0
        30 ms: 1 -> all: soft-vote 1 r1 p0
        30 ms: 2 -> all: soft-vote 1 r1 p0
        30 ms: 3 -> all: soft-vote 1 r1 p0
        31 ms: 2 -> all: cert-vote 2 r1 p0
        31 ms: 3 -> all: cert-vote 2 r1 p0
        31 ms: 0 -> all: cert-vote 2 r1 p0
        31 ms: 1 -> all: cert-vote 2 r1 p0
        32 ms: 0 executes slot 1, 0 so far
        32 ms: 0 -> all: propose r2 p0
        32 ms: 0 -> all: payload r2 of 0
        32 ms: 1 executes slot 1, 0 so far
        32 ms: 1 -> all: propose r2 p0
        32 ms: 1 -> all: payload r2 of 1
        32 ms: 2 executes slot 1, 0 so far
        32 ms: 2 -> all: propose r2 p0
        32 ms: 2 -> all: payload r2 of 2
        32 ms: 3 executes slot 1, 0 so far
        32 ms: 3 -> all: propose r2 p0
        32 ms: 3 -> all: payload r2 of 3
        62 ms: 0 -> all: soft-vote 1 r2 p0
        62 ms: 1 -> all: soft-vote 1 r2 p0
        62 ms: 2 -> all: soft-vote 1 r2 p0
        62 ms: 3 -> all: soft-vote 1 r2 p0
        63 ms: 2 -> all: cert-vote 2 r2 p0
        63 ms: 3 -> all: cert-vote 2 r2 p0
        63 ms: 0 -> all: cert-vote 2 r2 p0
        63 ms: 1 -> all: cert-vote 2 r2 p0
        64 ms: 0 executes slot 2, 1 so far
        64 ms: 1 executes slot 2, 1 so far
        64 ms: 2 executes slot 2, 1 so far
        64 ms: 3 executes slot 2, 1 so far
        """)
  }

  /// Account 2 has the least credential of round 1. The others soft-vote its value, whose block
  /// they do not have, and give the period up.
  @Test("a block that does not arrive ends its period with a bundle for none, and the next decides")
  func lostBlock() {
    var timeline = Self.timeline()
    timeline.mute("payload", of: 2)
    timeline.start()
    timeline.run(until: 83)
    #expect(
      Self.text(timeline, until: "83 ms") == """
        0 ms: 0 -> all: propose r1 p0
        0 ms: 0 -> all: payload r1 of 0
        0 ms: 1 -> all: propose r1 p0
        0 ms: 1 -> all: payload r1 of 1
        0 ms: 2 -> all: propose r1 p0
        0 ms: 2 -> nobody: payload r1 of 2
        0 ms: 3 -> all: propose r1 p0
        0 ms: 3 -> all: payload r1 of 3
        30 ms: 0 -> all: soft-vote 1 r1 p0
        30 ms: 1 -> all: soft-vote 1 r1 p0
        30 ms: 2 -> all: soft-vote 1 r1 p0
        30 ms: 3 -> all: soft-vote 1 r1 p0
        31 ms: 2 -> all: cert-vote 2 r1 p0
        40 ms: 0 -> all: bundle r1 p0 of step 1
        40 ms: 0 -> all: next-vote 3 r1 p0 for none
        40 ms: 1 -> all: bundle r1 p0 of step 1
        40 ms: 1 -> all: next-vote 3 r1 p0 for none
        40 ms: 2 -> all: bundle r1 p0 of step 1
        40 ms: 2 -> nobody: payload r1 of 2
        40 ms: 2 -> all: next-vote 3 r1 p0
        40 ms: 3 -> all: bundle r1 p0 of step 1
        40 ms: 3 -> all: next-vote 3 r1 p0 for none
        41 ms: 3 -> all: bundle r1 p0 of step 3
        41 ms: 3 -> all: propose r1 p1
        41 ms: 3 -> all: payload r1 of 3
        41 ms: 0 -> all: bundle r1 p0 of step 3
        41 ms: 0 -> all: propose r1 p1
        41 ms: 0 -> all: payload r1 of 0
        41 ms: 1 -> all: bundle r1 p0 of step 3
        41 ms: 1 -> all: propose r1 p1
        41 ms: 1 -> all: payload r1 of 1
        41 ms: 2 -> all: bundle r1 p0 of step 3
        41 ms: 2 -> all: propose r1 p1
        41 ms: 2 -> nobody: payload r1 of 2
        81 ms: 3 -> all: soft-vote 1 r1 p1
        81 ms: 0 -> all: soft-vote 1 r1 p1
        81 ms: 1 -> all: soft-vote 1 r1 p1
        81 ms: 2 -> all: soft-vote 1 r1 p1
        82 ms: 1 -> all: cert-vote 2 r1 p1
        82 ms: 2 -> all: cert-vote 2 r1 p1
        82 ms: 0 -> all: cert-vote 2 r1 p1
        82 ms: 3 -> all: cert-vote 2 r1 p1
        83 ms: 0 executes slot 1, 0 so far
        83 ms: 3 executes slot 1, 0 so far
        83 ms: 1 executes slot 1, 0 so far
        83 ms: 2 executes slot 1, 0 so far
        """)
  }
}
