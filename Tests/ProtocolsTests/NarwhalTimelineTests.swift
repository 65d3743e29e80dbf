import Consensus
import Machines
import Protocols
import Testing

@Suite("Narwhal, step by step")
struct NarwhalTimelineTests {
  /// What validator 0 sends and executes.
  private static func lines<Rule: OrderingRule>(_ rule: Rule.Type, until end: Int) -> String {
    let committee = Committee(n: 4)
    var timeline = ReplicaTimeline(
      (0..<4).map {
        Narwhal<Rule>(me: ReplicaID($0), committee: committee, settings: narwhalSettings)
      }
    ) { message, _ in
      let name = NarwhalMessage.kinds[message.kind]
      switch message {
      case .batch(let batch, _), .stored(let batch):
        return "\(name) \(batch.number) of \(batch.author)"
      case .header(let round, _, _), .vote(let round, _): return "\(name) r\(round.number)"
      case .certificate(let certificate):
        return "\(name) r\(certificate.round.number) of \(certificate.author), "
          + "\(certificate.votes) votes"
      default: return name
      }
    }
    timeline.start()
    timeline.submit(0, to: [0], .fromClient)
    timeline.run(until: end)
    return timeline.lines.filter { $0.contains(": client") || $0.contains(" ms: 0 ") }
      .joined(separator: "\n")
  }

  /// Leader of round 1 is validator 0: two votes in round 2 commit it.
  @Test("Bullshark orders a batch with its leader, two certificates after its header")
  func bullshark() {
    #expect(
      Self.lines(BullsharkRule.self, until: 23) == """
        0 ms: client sends 0 to [0]
        6 ms: 0 times out
        6 ms: 0 -> all: batch 1 of 0
        10 ms: 0 times out
        10 ms: 0 -> all: header r1
        11 ms: 0 -> 1: vote r1
        11 ms: 0 -> 2: vote r1
        11 ms: 0 -> 3: vote r1
        12 ms: 0 -> all: certificate r1 of 0, 3 votes
        20 ms: 0 times out
        20 ms: 0 -> all: header r2
        21 ms: 0 -> 1: vote r2
        21 ms: 0 -> 2: vote r2
        21 ms: 0 -> 3: vote r2
        22 ms: 0 -> all: certificate r2 of 0, 3 votes
        23 ms: 0 executes slot 1, 1 so far
        """)
  }

  /// Leader of round 1 is another, so that the batch waits for the leader of round 3, which the
  /// coin of round 5 names.
  @Test("Tusk orders a batch of another than the leader with the next leader")
  func tusk() {
    #expect(
      Self.lines(TuskRule.self, until: 53) == """
        0 ms: client sends 0 to [0]
        6 ms: 0 times out
        6 ms: 0 -> all: batch 1 of 0
        10 ms: 0 times out
        10 ms: 0 -> all: header r1
        11 ms: 0 -> 1: vote r1
        11 ms: 0 -> 2: vote r1
        11 ms: 0 -> 3: vote r1
        12 ms: 0 -> all: certificate r1 of 0, 3 votes
        20 ms: 0 times out
        20 ms: 0 -> all: header r2
        21 ms: 0 -> 1: vote r2
        21 ms: 0 -> 2: vote r2
        21 ms: 0 -> 3: vote r2
        22 ms: 0 -> all: certificate r2 of 0, 3 votes
        30 ms: 0 times out
        30 ms: 0 -> all: header r3
        31 ms: 0 -> 1: vote r3
        31 ms: 0 -> 2: vote r3
        31 ms: 0 -> 3: vote r3
        32 ms: 0 -> all: certificate r3 of 0, 3 votes
        40 ms: 0 times out
        40 ms: 0 -> all: header r4
        41 ms: 0 -> 1: vote r4
        41 ms: 0 -> 2: vote r4
        41 ms: 0 -> 3: vote r4
        42 ms: 0 -> all: certificate r4 of 0, 3 votes
        50 ms: 0 times out
        50 ms: 0 -> all: header r5
        51 ms: 0 -> 1: vote r5
        51 ms: 0 -> 2: vote r5
        51 ms: 0 -> 3: vote r5
        52 ms: 0 -> all: certificate r5 of 0, 3 votes
        53 ms: 0 executes slot 1, 1 so far
        """)
  }
}
