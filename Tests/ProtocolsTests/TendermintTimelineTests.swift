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
    timeline.run(until: 30)
    print("LINES", timeline.lines.joined(separator: "\n"))
  }

  @Test("a round without its proposer ends in nil, and the next proposer takes over")
  func roundChange() {
    var timeline = Self.timeline()
    timeline.start()
    timeline.crash(0)
    timeline.submit(0, to: [1], .fromClient)
    timeline.run(until: 60)
    print("LINES", timeline.lines.joined(separator: "\n"))
  }
}
