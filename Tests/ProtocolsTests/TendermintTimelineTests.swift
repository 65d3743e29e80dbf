import Consensus
import Machines
import Protocols
import Testing

@Suite("Tendermint, step by step")
struct TendermintTimelineTests {
  private static func timeline() -> ReplicaTimeline<Tendermint> {
    var settings = TendermintRun.plainSettings
    settings.propose = .init(.milliseconds(20), delta: .milliseconds(10))
    settings.precommit = .init(.milliseconds(5), delta: .milliseconds(5))
    settings.statusInterval = .seconds(3600)
    let committee = Committee(n: 4)
    return ReplicaTimeline(
      (0..<4).map {
        Tendermint(me: ReplicaID($0), committee: committee, settings: settings, seed: 1)
      }, text: text)
  }

  private static func text(
    _ message: Tendermint.Message, _ effects: borrowing Effects<Tendermint>
  ) -> String {
    let name = Tendermint.Message.kinds[message.kind]
    switch message {
    case .proposal(let h, let r, let vr, _, _):
      return "\(name) h\(h.number) r\(r.number) vr\(vr.number)"
    case .prevote(let h, let r, let d), .precommit(let h, let r, let d):
      return "\(name) h\(h.number) r\(r.number)" + (d == Tendermint.nilVote ? " nil" : "")
    default: return name
    }
  }

  @Test("four replicas decide a transaction in three phases")
  func normalCase() {
    var timeline = Self.timeline()
    timeline.start()
    timeline.submit(0, to: [0], .fromClient)
    timeline.run(until: 20)
    #expect(
      timeline.lines.joined(separator: "\n") == """
        0 ms: client sends 0 to [0]
        1 ms: 0 -> all: transactions
        1 ms: 0 -> all: proposal h1 r0 vr-1
        1 ms: 0 -> all: prevote h1 r0
        2 ms: 1 -> all: prevote h1 r0
        2 ms: 2 -> all: prevote h1 r0
        2 ms: 3 -> all: prevote h1 r0
        3 ms: 2 -> all: precommit h1 r0
        3 ms: 3 -> all: precommit h1 r0
        3 ms: 0 -> all: precommit h1 r0
        3 ms: 1 -> all: precommit h1 r0
        4 ms: 0 executes slot 1, 1 so far
        4 ms: 1 executes slot 1, 1 so far
        4 ms: 2 executes slot 1, 1 so far
        4 ms: 3 executes slot 1, 1 so far
        """)
  }

  @Test("a round without its proposer ends in nil, and the next proposer takes over")
  func roundChange() {
    var timeline = Self.timeline()
    timeline.start()
    timeline.crash(0)
    timeline.submit(0, to: [1], .fromClient)
    timeline.run(until: 50)
    #expect(
      timeline.lines.joined(separator: "\n") == """
        0 ms: 0 crashes
        0 ms: client sends 0 to [1]
        1 ms: 1 -> all: transactions
        21 ms: 1 times out
        21 ms: 1 -> all: prevote h1 r0 nil
        22 ms: 2 times out
        22 ms: 2 -> all: prevote h1 r0 nil
        22 ms: 3 times out
        22 ms: 3 -> all: prevote h1 r0 nil
        23 ms: 3 -> all: precommit h1 r0 nil
        23 ms: 1 -> all: precommit h1 r0 nil
        23 ms: 2 -> all: precommit h1 r0 nil
        29 ms: 2 times out
        29 ms: 1 times out
        29 ms: 1 -> all: proposal h1 r1 vr-1
        29 ms: 1 -> all: prevote h1 r1
        29 ms: 3 times out
        30 ms: 2 -> all: prevote h1 r1
        30 ms: 3 -> all: prevote h1 r1
        31 ms: 3 -> all: precommit h1 r1
        31 ms: 1 -> all: precommit h1 r1
        31 ms: 2 -> all: precommit h1 r1
        32 ms: 2 executes slot 1, 1 so far
        32 ms: 1 executes slot 1, 1 so far
        32 ms: 3 executes slot 1, 1 so far
        """)
  }
}
