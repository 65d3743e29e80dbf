import Consensus
import Machines
import Protocols
import Testing

@Suite("RapidChain's committee, step by step")
struct RapidChainTimelineTests {
  private static func timeline() -> ReplicaTimeline<RapidChain> {
    let committee = Committee(n: 4, faults: .synchronous)
    var settings = RapidChainRun.plainSettings
    settings.gossip = .init(chunks: 6, parity: 2, degree: 3)
    settings.seed = 1
    return ReplicaTimeline(
      (0..<4).map { RapidChain(me: ReplicaID($0), committee: committee, settings: settings) },
      text: text)
  }

  private static func text(
    _ message: RapidChain.Message, _ effects: borrowing Effects<RapidChain>
  ) -> String {
    let name = RapidChain.Message.kinds[message.kind]
    switch message {
    case .piece(let k, _, let group): return "\(name) \(k).\(group)"
    case .propose(let k, _), .echo(_, _, let k), .accept(_, _, let k), .pending(_, _, let k),
      .certified(_, _, let k):
      return "\(name) \(k)"
    default: return name
    }
  }

  /// The lines, without those of timers and, where `pieces` says so, of chunks.
  private static func lines(_ timeline: ReplicaTimeline<RapidChain>, pieces: Bool) -> [String] {
    timeline.lines.filter { !$0.contains("times out") && (pieces || !$0.contains("piece")) }
  }

  @Test("chunks go round, then come propose, echo and, after a round of silence, accept")
  func normalCase() {
    var timeline = Self.timeline()
    timeline.start()
    timeline.submit(0, to: [0], .fromClient)
    timeline.run(until: 119)
    let expected = """
      0 ms: client sends 0 to [0]
      60 ms: 0 -> 1: piece 1.0
      60 ms: 0 -> 3: piece 1.1
      60 ms: 0 -> 2: piece 1.2
      61 ms: 1 -> 2: piece 1.0
      61 ms: 1 -> 3: piece 1.0
      61 ms: 3 -> 2: piece 1.1
      61 ms: 3 -> 1: piece 1.1
      61 ms: 2 -> 3: piece 1.2
      61 ms: 2 -> 1: piece 1.2
      62 ms: 2 -> 3: piece 1.0
      62 ms: 3 -> 2: piece 1.0
      62 ms: 2 -> 1: piece 1.1
      62 ms: 1 -> 2: piece 1.1
      62 ms: 3 -> 1: piece 1.2
      62 ms: 1 -> 3: piece 1.2
      80 ms: 0 -> all: propose 1
      90 ms: 1 -> all: echo 1
      90 ms: 2 -> all: echo 1
      90 ms: 3 -> all: echo 1
      110 ms: 0 -> all: accept 1
      110 ms: 0 executes slot 1, 1 so far
      110 ms: 1 -> all: accept 1
      110 ms: 1 executes slot 1, 1 so far
      110 ms: 2 -> all: accept 1
      110 ms: 2 executes slot 1, 1 so far
      110 ms: 3 -> all: accept 1
      110 ms: 3 executes slot 1, 1 so far
      """
    #expect(
      Self.lines(timeline, pieces: true).joined(separator: "\n") == expected)
  }

  @Test("a leader that is down is passed over; the next has what clients sent to all")
  func nextLeader() {
    var timeline = Self.timeline()
    timeline.start()
    timeline.submit(0, to: [0, 1, 2, 3], .retransmitted)
    timeline.crash(0)
    timeline.run(until: 400)
    let expected = """
      0 ms: client sends 0 to [0, 1, 2, 3]
      0 ms: 0 crashes
      140 ms: 1 -> all: propose 2
      150 ms: 2 -> all: echo 2
      150 ms: 3 -> all: echo 2
      170 ms: 1 -> all: accept 2
      170 ms: 1 executes slot 1, 1 so far
      170 ms: 2 -> all: accept 2
      170 ms: 2 executes slot 1, 1 so far
      170 ms: 3 -> all: accept 2
      170 ms: 3 executes slot 1, 1 so far
      """
    #expect(
      Self.lines(timeline, pieces: false).joined(separator: "\n") == expected)
  }
}
