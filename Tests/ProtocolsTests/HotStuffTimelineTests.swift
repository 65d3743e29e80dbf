import Consensus
import Machines
import Protocols
import Testing

@Suite("HotStuff and Jolteon, step by step")
struct HotStuffTimelineTests {
  private static func timeline<Rule: ChainRule>(
    _ rule: Rule.Type
  ) -> ReplicaTimeline<ChainedHotStuff<Rule>> {
    var settings = HotStuffSettings.plain
    settings.idleInterval = .seconds(3600)
    settings.viewTimeout = .seconds(7300)
    let committee = Committee(n: 4)
    return ReplicaTimeline(
      (0..<4).map {
        ChainedHotStuff<Rule>(me: ReplicaID($0), committee: committee, settings: settings)
      }
    ) { message, _ in
      let name = HotStuffMessage.kinds[message.kind]
      switch message {
      case .proposal(_, let w, let v, _, _): return "\(name) v\(v.number) on v\(w.number)"
      case .vote(let v, _): return "\(name) v\(v.number)"
      default: return name
      }
    }
  }

  @Test("Jolteon decides a request two certificates after its block")
  func twoChains() {
    var timeline = Self.timeline(TwoChain.self)
    timeline.start()
    timeline.submit(0, to: [0], .fromClient)
    timeline.run(until: 100)
    #expect(
      timeline.lines.joined(separator: "\n") == """
        0 ms: client sends 0 to [0]
        1 ms: 0 -> all: proposal v1 on v0
        2 ms: 1 -> 0: vote v1
        2 ms: 2 -> 0: vote v1
        2 ms: 3 -> 0: vote v1
        3 ms: 0 -> all: proposal v2 on v1
        4 ms: 1 -> 0: vote v2
        4 ms: 2 -> 0: vote v2
        4 ms: 3 -> 0: vote v2
        5 ms: 0 executes slot 1, 1 so far
        5 ms: 0 -> all: proposal v3 on v2
        6 ms: 1 executes slot 1, 1 so far
        6 ms: 1 -> 0: vote v3
        6 ms: 2 executes slot 1, 1 so far
        6 ms: 2 -> 0: vote v3
        6 ms: 3 executes slot 1, 1 so far
        6 ms: 3 -> 0: vote v3
        7 ms: 0 executes slot 2, nothing
        """)
  }
}
